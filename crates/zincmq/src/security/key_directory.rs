//! Keys of clients, as certificates in a directory.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use thiserror::Error;
use zmtp::{Credentials, Denial, Grant, PublicKey, Verdict};

use super::file::{Writable, check_folder};
use super::source::{Content, Source};
use super::{AuthRequest, Authenticator, Certificate, CertificateError, Reviewer};

/// Lets in clients of CURVE whose public keys are in certificates in a
/// directory, as CZMQ (zcertstore(3)) and pyzmq (`zmq.auth.load_certificates`)
/// keep them. Clones are the same directory.
///
/// # The directory
///
/// Each file directly in it lets its public key in, whatever the file is
/// called: `anna.key`, `anna`, and `anna.key.revoked` as well. To shut Anna out,
/// remove the file or move it elsewhere. Left out are directories, and files that are hidden (`.anna.key.swp`), end in `~`, or end in
/// `_secret`, which is where secret keys are. Links are followed.
///
/// # Who is let in
///
/// Who has proved to hold the secret key to one of these. Its user id
/// ([`PeerInfo::user_id`](crate::PeerInfo::user_id)) is the public key in
/// Z85, as with pyzmq; what the certificate notes about it is in
/// [`PeerInfo::granted`](crate::PeerInfo::granted).
///
/// # Changes
///
/// The directory is read when it is opened and by [`reload`](Self::reload),
/// which [`watch`](Self::watch) calls whenever something in it has changed.
/// Clients whose key is in none of the files any more are disconnected, and so are those
/// of whose key something else is noted now, which may come again.
///
/// A file that cannot be read, or is no certificate, lets nobody in; the others hold, and
/// what is gone is gone. If the directory itself cannot be read, what was read before holds
/// on, also if it is gone: it may be on the point of being replaced by another, or its disk
/// is not there. Either is an error that names the file, of which the first keeps a
/// directory from being opened. To shut out everybody, empty the directory and leave it there.
///
/// Whoever can write to the directory lets in whom they like. So one that everybody on this
/// machine may write to, or may put another in the place of, is an error and not read, as is
/// a file in it that everybody may write to (mode & 0002); on a file system mounted read-only
/// that counts for nothing. Owners, groups and folders further up are taken as they are.
///
/// ```
/// use zincmq::Context;
/// use zincmq::security::{Certificate, KeyDirectory, KeyPair};
///
/// let folder = tempfile::tempdir()?;
/// let anna = Certificate::generate()?;
/// anna.save_public(folder.path().join("anna.key"))?;
///
/// let keys = KeyDirectory::open(folder.path())?;
/// keys.watch(|reloaded| {
///     if let Err(error) = reloaded {
///         eprintln!("{error}");
///     }
/// })?;
/// let ctx = Context::new();
/// ctx.set_authenticator(keys);
/// let server_keys = KeyPair::generate()?;
/// let server = zincmq::Rep::builder(&ctx)
///     .curve_server(true)
///     .curve_secret_key(server_keys.secret().clone())
///     .bind("tcp://127.0.0.1:*")?;
///
/// let client = zincmq::Req::builder(&Context::new())
///     .curve_server_key(*server_keys.public())
///     .curve_public_key(*anna.public_key())
///     .curve_secret_key(anna.secret_key().expect("it was just made").clone())
///     .connect(&server.last_endpoint())?;
/// client.send("hello")?;
/// let request = server.recv()?;
/// let peer = request.first().peer().expect("it came over a connection");
/// assert_eq!(peer.user_id.as_deref(), Some(anna.public_key().to_string().as_bytes()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct KeyDirectory(Arc<Source<Keys>>);

/// Why a directory of keys was not read, or not all of it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyDirectoryError {
    /// The system does not let the directory be read.
    #[error("{}: cannot be read: {error}", path.display())]
    Read {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Anybody on this machine may write to it, and so let themselves in.
    #[error("{}: anybody on this machine can write to it (mode {mode:04o}): it is not used until that is taken away (chmod o-w)", path.display())]
    Writable {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// These files in it let nobody in.
    #[error("{}", listed(.0))]
    Certificates(Vec<CertificateError>),
}

/// What the directory says.
#[derive(Default)]
struct Keys {
    known: HashMap<PublicKey, Known>,
}

struct Known {
    metadata: Metadata,
    /// Since when it has been this; at first, for as long as anybody may have known.
    since: Option<Instant>,
}

impl Content for Keys {
    type Error = KeyDirectoryError;

    fn read(path: &Path) -> Result<(Self, Option<KeyDirectoryError>), KeyDirectoryError> {
        let (keys, faults) = read(path)?;
        let error = match faults.is_empty() {
            true => None,
            false => Some(KeyDirectoryError::Certificates(faults)),
        };
        Ok((keys, error))
    }

    fn succeed(&mut self, former: &Self) -> bool {
        let now = Instant::now();
        let mut changed = self.known.len() != former.known.len();
        for (key, known) in &mut self.known {
            match former.known.get(key) {
                Some(same) if same.metadata == known.metadata => known.since = same.since,
                _ => {
                    known.since = Some(now);
                    changed = true;
                }
            }
        }
        changed
    }
}

/// What a certificate notes about its keys.
type Metadata = Vec<(String, Vec<u8>)>;

impl KeyDirectory {
    /// Reads the directory at `path`.
    ///
    /// # Errors
    ///
    /// [`KeyDirectoryError`], with all files that are no certificates.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, KeyDirectoryError> {
        Source::open(path.into()).map(Self)
    }

    /// Reads the directory again. Clients whose key is gone from it are
    /// disconnected.
    ///
    /// # Errors
    ///
    /// [`KeyDirectoryError::Read`]: what was read before holds on.
    /// [`KeyDirectoryError::Certificates`]: the other files hold from now on.
    pub fn reload(&self) -> Result<(), KeyDirectoryError> {
        self.0.reload()
    }

    /// Reloads the directory by itself whenever it has changed, from now on,
    /// and tells `report` how that went: after each change, on a thread of its own
    /// that sleeps until then. Ends with the last clone. A second call takes the place of the first.
    ///
    /// What links in the directory lead to is watched as well. Where the system cannot
    /// watch all of it (more than 256 links, no watches left, a failure later on), it is read
    /// every second instead. Changes that another machine makes on a network file system are
    /// nothing the system tells of: call [`reload`](Self::reload) for those.
    ///
    /// A process that is forked does not go on watching: call it there anew.
    ///
    /// # Errors
    ///
    /// The system's, if it cannot watch the directory's folder (inotify(7)) or start the thread.
    pub fn watch(
        &self,
        report: impl Fn(Result<(), KeyDirectoryError>) + Send + 'static,
    ) -> io::Result<()> {
        self.0.watch(report)
    }

    /// Whether `key` is in it.
    #[must_use]
    pub fn contains(&self, key: &PublicKey) -> bool {
        self.0.look(|keys| keys.known.contains_key(key))
    }
}

impl Authenticator for KeyDirectory {
    fn authenticate(&self, request: &AuthRequest) -> Verdict {
        let Credentials::Curve { public_key } = request.credentials() else {
            return Verdict::deny(Denial::Refused, "only clients of CURVE have keys");
        };
        let noted = |keys: &Keys| Some(keys.known.get(public_key)?.metadata.clone());
        match self.0.look(noted) {
            Some(metadata) => Verdict::Accept(Grant {
                user_id: public_key.to_string().into_bytes(),
                metadata,
            }),
            None => Verdict::deny(
                Denial::Refused,
                format!("the key {public_key} is not known"),
            ),
        }
    }

    /// What was noted about the key when the client came in is what it goes by.
    fn review(&self, request: &AuthRequest) -> Verdict {
        let since = |key| self.0.look(|keys| keys.known.get(key)?.since);
        if let Credentials::Curve { public_key } = request.credentials()
            && since(public_key).is_some_and(|since| since > request.asked)
        {
            let reason = format!("something else is noted about the key {public_key} now");
            return Verdict::deny(Denial::Temporary, reason);
        }
        self.authenticate(request)
    }

    fn installed(&self, reviewer: &Reviewer) {
        self.0.join(reviewer);
    }
}

impl fmt::Debug for KeyDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyDirectory")
            .field("path", &self.0.path())
            .field("keys", &self.0.look(|keys| keys.known.len()))
            .finish_non_exhaustive()
    }
}

/// The keys in the directory, and what is wrong with which file.
fn read(path: &Path) -> Result<(Keys, Vec<CertificateError>), KeyDirectoryError> {
    let unreadable = |error| KeyDirectoryError::Read {
        path: path.to_owned(),
        error,
    };
    if let Err(Writable { path, mode }) = check_folder(path) {
        return Err(KeyDirectoryError::Writable { path, mode });
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if counts(&file) {
            files.push(file);
        }
    }
    // So that of two files with a key always the same one tells of it.
    files.sort_unstable();
    let mut keys = Keys::default();
    let mut faults = Vec::new();
    for file in files {
        match Certificate::load(&file) {
            Ok(certificate) => {
                let metadata = certificate.metadata().iter();
                let metadata = metadata.map(|(name, value)| (name.clone(), value.clone().into()));
                keys.known
                    .entry(*certificate.public_key())
                    .or_insert_with(|| Known {
                        metadata: metadata.collect(),
                        since: None,
                    });
            }
            Err(fault) if is_gone(&fault) => {}
            Err(fault) => faults.push(fault),
        }
    }
    Ok((keys, faults))
}

fn counts(file: &Path) -> bool {
    let name = file.file_name().map_or(&[][..], |name| name.as_bytes());
    let left_out = name.starts_with(b".") || name.ends_with(b"~") || name.ends_with(b"_secret");
    !left_out && !file.is_dir()
}

/// Whether the file was removed while the directory was read.
fn is_gone(fault: &CertificateError) -> bool {
    match fault {
        CertificateError::Read { path, error } => {
            error.kind() == io::ErrorKind::NotFound && path.symlink_metadata().is_err()
        }
        _ => false,
    }
}

fn listed(faults: &[CertificateError]) -> String {
    let faults = faults.iter().map(ToString::to_string);
    faults.collect::<Vec<_>>().join("; ")
}
