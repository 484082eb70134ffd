//! Keys in files, as CZMQ and pyzmq keep them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use zmtp::{KeyPair, NoRandomness, PublicKey, SecretKey};

use super::file::{self, Content, ReadFault, Staged};

mod error;
mod zpl;

pub use error::{CertificateError, LineFault, MetadataError};

/// No certificate file may be longer, in bytes.
const FILE_LIMIT: usize = 64 * 1024;

/// What others may do with a public and with a secret file, before the umask.
const PUBLIC_MODE: u32 = 0o644;
const SECRET_MODE: u32 = 0o600;

/// A public key of CURVE, the secret key that goes with it if it is known,
/// and notes about them (metadata: name and value).
///
/// Read from and written to the certificate files of CZMQ (zcert(3)) and of
/// pyzmq (`zmq.auth`), which are in ZPL (RFC 4). A pair of files belongs
/// together: `NAME`, which anybody may have, and `NAME_secret`, with both keys,
/// for its owner alone. pyzmq has its `NAME` end in `.key`.
///
/// ```
/// use zincmq::security::Certificate;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("server.key");
/// let mut made = Certificate::generate()?;
/// made.set_metadata("name", "the server")?;
/// let secret_path = made.save(&path)?;
///
/// let public = Certificate::load(&path)?;
/// assert_eq!(public.public_key(), made.public_key());
/// assert_eq!(public.metadata()["name"], "the server");
/// assert!(public.secret_key().is_none());
/// assert!(Certificate::load(&secret_path)?.secret_key().is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    public: PublicKey,
    secret: Option<SecretKey>,
    metadata: BTreeMap<String, String>,
    exposed: bool,
}

impl From<PublicKey> for Certificate {
    fn from(public: PublicKey) -> Self {
        Self {
            public,
            secret: None,
            metadata: BTreeMap::new(),
            exposed: false,
        }
    }
}

impl From<KeyPair> for Certificate {
    fn from(keys: KeyPair) -> Self {
        Self {
            secret: Some(keys.secret().clone()),
            ..Self::from(*keys.public())
        }
    }
}

impl Certificate {
    /// A certificate with new keys and without metadata.
    ///
    /// # Errors
    /// [`NoRandomness`] if the system has no random bytes to give.
    pub fn generate() -> Result<Self, NoRandomness> {
        KeyPair::generate().map(Self::from)
    }

    /// What the file at `path` says: that file and no other, so that
    /// `NAME` gives the public key and `NAME_secret` both.
    ///
    /// Takes values with either kind of quotes or with none, comments, and any
    /// indentation. A file without a public key gets the one that goes with its
    /// secret key. A key of 40 zeros counts as none: so CZMQ writes a secret
    /// key that it does not know.
    ///
    /// A secret key that others on this machine may read is read all the same,
    /// for that is how pyzmq leaves it: ask [`is_exposed`](Self::is_exposed).
    ///
    /// One that everybody may write to (mode & 0002), or put another in the place of, is
    /// refused, with a secret key or without: it may be anybody's by now. On a file system
    /// mounted read-only that counts for nothing. Its owner and group, and folders further up,
    /// are taken as they are.
    ///
    /// # Errors
    /// [`CertificateError`], with the path, if it cannot be read, is longer
    /// than 64 KiB, has a line that is not as it must be or a name twice, or
    /// has no key, or two that do not go together.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, CertificateError> {
        let path = path.as_ref();
        let Content { bytes, mode } =
            file::read(path, FILE_LIMIT).map_err(|fault| CertificateError::reading(path, fault))?;
        let mut certificate = zpl::parse(&bytes).map_err(|fault| fault.of(path))?;
        certificate.exposed = certificate.secret.is_some() && mode & 0o077 != 0;
        Ok(certificate)
    }

    /// The public key.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The secret key, if it is known.
    #[must_use]
    pub fn secret_key(&self) -> Option<&SecretKey> {
        self.secret.as_ref()
    }

    /// Both keys, for where a [`KeyPair`] is wanted.
    #[must_use]
    pub fn key_pair(&self) -> Option<KeyPair> {
        self.secret.clone().map(KeyPair::from)
    }

    /// What is noted about the keys.
    #[must_use]
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// Notes `value` under `name`, in place of what was there.
    ///
    /// A name is made of letters, digits and `$-_@.&+/`, and does not start with
    /// `public-key` or `secret-key`, which readers might take for a key. A
    /// value is one line without control characters. ZPL has no way to
    /// escape quotes: a value with both kinds can be written only if it does
    /// not start with one, has no `#`, and no space at its ends.
    ///
    /// # Errors
    /// [`MetadataError`] if that does not hold, or if all of it together would
    /// take more than 32 KiB in a file.
    pub fn set_metadata(&mut self, name: &str, value: &str) -> Result<(), MetadataError> {
        zpl::note(&mut self.metadata, name, value)
    }

    /// Whether this was loaded from a file with a secret key that others
    /// than its owner may read or write (mode & 0077). It is then no secret:
    /// make new keys, or at least `chmod 600` the file.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        self.exposed
    }

    /// Writes the public key and the metadata into a new file, which anybody may read.
    ///
    /// # Errors
    /// [`CertificateError::Exists`] if there is something at `path`, be it a symbolic
    /// link to nowhere; [`CertificateError::Write`] if the system refuses.
    pub fn save_public(&self, path: impl AsRef<Path>) -> Result<(), CertificateError> {
        self.stage_public(path.as_ref())?.create()
    }

    /// Writes both keys and the metadata into a new file, which only its
    /// owner may read (0600) from the start.
    ///
    /// # Errors
    /// As [`save_public`](Self::save_public), and [`CertificateError::NoSecretKey`] if
    /// there is none.
    pub fn save_secret(&self, path: impl AsRef<Path>) -> Result<(), CertificateError> {
        self.stage_secret(path.as_ref())?.create()
    }

    /// Writes a pair of new files, the public one to `path`, the secret one
    /// to `path` with `_secret` at its end, and returns the path of the latter.
    /// Both are written, or none.
    ///
    /// # Errors
    /// As [`save_secret`](Self::save_secret).
    pub fn save(&self, path: impl AsRef<Path>) -> Result<PathBuf, CertificateError> {
        let path = path.as_ref();
        let secret_path = secret_path(path);
        let public = self.stage_public(path)?;
        self.stage_secret(&secret_path)?.create()?;
        if let Err(error) = public.create() {
            file::discard(&secret_path);
            return Err(error);
        }
        Ok(secret_path)
    }

    /// As [`save`](Self::save), in place of files that are there. A symbolic
    /// link is replaced itself, and not what it leads to.
    ///
    /// # Errors
    /// [`CertificateError::NotAFile`] if a directory, pipe or device is there, with nothing
    /// changed; [`CertificateError::Write`] if the system refuses; the secret file may then
    /// be new while the public one is not. [`CertificateError::NoSecretKey`] if there is none.
    pub fn replace(&self, path: impl AsRef<Path>) -> Result<PathBuf, CertificateError> {
        let path = path.as_ref();
        let secret_path = secret_path(path);
        for path in [path, &secret_path] {
            let there = path.symlink_metadata().map(|there| there.file_type());
            if there.is_ok_and(|there| !there.is_file() && !there.is_symlink()) {
                // A pipe or device has a meaning to others.
                return Err(CertificateError::reading(path, ReadFault::NotAFile));
            }
        }
        let public = self.stage_public(path)?;
        self.stage_secret(&secret_path)?.replace()?;
        public.replace()?;
        Ok(secret_path)
    }

    fn stage_public<'a>(&self, path: &'a Path) -> Result<StagedAt<'a>, CertificateError> {
        let text = zpl::write(&self.public, None, &self.metadata);
        StagedAt::new(path, PUBLIC_MODE, text.as_bytes())
    }

    fn stage_secret<'a>(&self, path: &'a Path) -> Result<StagedAt<'a>, CertificateError> {
        let secret = self.secret.as_ref().ok_or(CertificateError::NoSecretKey)?;
        let text = zpl::write(&self.public, Some(secret), &self.metadata);
        StagedAt::new(path, SECRET_MODE, text.as_bytes())
    }
}

/// A file that is written and lacks its name.
struct StagedAt<'a> {
    path: &'a Path,
    file: Staged,
}

impl<'a> StagedAt<'a> {
    fn new(path: &'a Path, mode: u32, bytes: &[u8]) -> Result<Self, CertificateError> {
        let file = Staged::new(path, mode, bytes);
        let file = file.map_err(|error| CertificateError::writing(path, error))?;
        Ok(Self { path, file })
    }

    fn create(self) -> Result<(), CertificateError> {
        let done = self.file.create(self.path);
        done.map_err(|error| CertificateError::writing(self.path, error))
    }

    fn replace(self) -> Result<(), CertificateError> {
        let done = self.file.replace(self.path);
        done.map_err(|error| CertificateError::writing(self.path, error))
    }
}

fn secret_path(path: &Path) -> PathBuf {
    let mut path = OsString::from(path);
    path.push("_secret");
    path.into()
}
