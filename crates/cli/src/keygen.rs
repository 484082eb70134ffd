//! `zinc keygen`: keys of CURVE, in certificate files or on the screen.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use thiserror::Error;
use zincmq::security::{Certificate, CertificateError, MetadataError, NoRandomness};

use crate::console::say;

/// What `zinc keygen` can be told.
#[derive(clap::Args)]
pub struct Arguments {
    /// Where to write the public key; the secret key goes to PATH_secret
    ///
    /// Both are certificate files as CZMQ and pyzmq read them. For pyzmq let
    /// PATH end in `.key`. Without PATH both keys are printed, in Z85.
    path: Option<PathBuf>,
    /// Note something in the files, such as whose keys they are
    #[arg(long, value_name = "NAME=VALUE", value_parser = note, requires = "path")]
    meta: Vec<(String, String)>,
    /// Replace files that are there
    #[arg(long, requires = "path")]
    force: bool,
    /// Make no keys, but print the public key in this certificate file
    ///
    /// It may be one of ZincMQ, CZMQ or pyzmq, public or secret.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["path", "meta", "force"])]
    show: Option<PathBuf>,
    /// Print the secret key in that file instead
    #[arg(long, requires = "show")]
    secret: bool,
}

fn note(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err("it takes a name, `=` and a value".to_owned()),
    }
}

#[derive(Debug, Error)]
enum Failure {
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    #[error("{error}{}", hint(error))]
    Certificate {
        #[from]
        error: CertificateError,
    },
    #[error(
        "{}: the secret key goes to a file whose name ends in `_secret`, so that of the public one must not",
        .0.display()
    )]
    SecretPath(PathBuf),
    #[error("--meta has `{0}` twice")]
    Twice(String),
    #[error("{}: there is no secret key in it", .0.display())]
    NoSecret(PathBuf),
}

fn hint(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::Exists { .. } => " (--force replaces it)",
        _ => "",
    }
}

/// Makes keys, or shows one.
pub fn run(arguments: &Arguments) -> ExitCode {
    let done = match (&arguments.show, &arguments.path) {
        (Some(file), _) => show(file, arguments.secret),
        (None, Some(path)) => save(path, arguments),
        (None, None) => print(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("zinc: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Prints a new pair under the headings of libzmq's `curve_keygen`.
fn print() -> Result<(), Failure> {
    let made = Certificate::generate()?;
    say("== CURVE PUBLIC KEY ==");
    say(made.public_key());
    if let Some(secret) = made.secret_key() {
        say("\n== CURVE SECRET KEY ==");
        say(&*secret.to_z85());
    }
    Ok(())
}

fn save(path: &Path, arguments: &Arguments) -> Result<(), Failure> {
    if path.as_os_str().as_bytes().ends_with(b"_secret") {
        return Err(Failure::SecretPath(path.to_owned()));
    }
    let mut made = Certificate::generate()?;
    for (name, value) in &arguments.meta {
        if made.metadata().contains_key(name) {
            return Err(Failure::Twice(name.clone()));
        }
        made.set_metadata(name, value)?;
    }
    let secret_path = match arguments.force {
        true => made.replace(path)?,
        false => made.save(path)?,
    };
    say(format_args!(
        "{}: the public key, {}",
        path.display(),
        made.public_key()
    ));
    say(format_args!(
        "{}: the secret key, to be kept here",
        secret_path.display()
    ));
    Ok(())
}

fn show(file: &Path, secret: bool) -> Result<(), Failure> {
    let certificate = Certificate::load(file)?;
    if certificate.is_exposed() {
        eprintln!(
            "zinc: warning: {}: others on this machine can read the secret key (chmod 600 it, or make new keys)",
            file.display()
        );
    }
    match secret {
        false => say(certificate.public_key()),
        true => {
            let secret = certificate.secret_key();
            let secret = secret.ok_or_else(|| Failure::NoSecret(file.to_owned()))?;
            say(&*secret.to_z85());
        }
    }
    Ok(())
}
