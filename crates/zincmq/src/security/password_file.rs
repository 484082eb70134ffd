//! Passwords, as hashes in a file.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use zmtp::{Credentials, Denial, Verdict};

use super::file::{ReadFault, Staged, Turn};
use super::source::{Content, Source};
use super::{AuthRequest, Authenticator, Reviewer, file};

mod error;
mod lines;

pub use error::{PasswordFault, PasswordFileError};

/// No password file may be longer, in bytes.
const FILE_LIMIT: usize = 16 * 1024 * 1024;
/// PLAIN carries no longer name and no longer password, in bytes.
const LONGEST: usize = 255;
/// Its owner alone may use a new file.
const NEW_MODE: u32 = 0o600;

/// Lets in clients of PLAIN by name and password, with the hashes of the
/// passwords in a file. Clones are the same file.
///
/// # The file
///
/// Each line is `name:hash`, the hash a PHC string of argon2id such as
/// [`hash`](Self::hash) makes, and other tools as well. Empty lines and lines that
/// begin with `#` count for nothing. A name is whatever bytes come before the
/// last colon, spaces included; it may stand there once. [`set`](Self::set)
/// writes such lines, with names that nobody takes for others.
///
/// A hash may cost as much as [`MAX_MEMORY`](Self::MAX_MEMORY) and
/// [`MAX_WORK`](Self::MAX_WORK) say, some 25 times what those of `set` cost: whoever
/// connects has it computed. A line with a dearer one is not as it must be.
///
/// # Who is let in
///
/// Who shows a name and its password, as the user with that name
/// ([`PeerInfo::user_id`](crate::PeerInfo::user_id)). To look up a name that is not
/// there takes as long as to refuse a wrong password, so that nobody learns which names
/// there are; that holds if all hashes have the same parameters. Passwords go over the
/// wire in the clear, and one at a time is judged: some dozens of milliseconds each, in
/// turns for each address, so that who tries many from one address holds up only that.
///
/// # Changes
///
/// The file is read when it is opened and by [`reload`](Self::reload), which
/// [`watch`](Self::watch) calls whenever it has changed. Clients whose name is gone or has
/// got another hash are disconnected. A line that is not as it must be lets nobody in, and
/// the others hold; a file that cannot be read, or is gone, changes nothing: it may be on the
/// point of being replaced. Either is an error, of which the first keeps a file from being
/// opened. To shut out everybody, empty the file and leave it there.
///
/// Whoever can write to the file lets in whom they like. So one that everybody on this machine
/// may write to (mode & 0002), or may put another in the place of, is an error and not read;
/// on a file system mounted read-only that counts for nothing. Its owner and group, and folders
/// further up, are taken as they are. It should be for its owner alone to read, too: guessing
/// passwords is easier with the hashes. That is how `set` makes it, and not required.
///
/// ```
/// use zincmq::Context;
/// use zincmq::security::PasswordFile;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("passwords");
/// PasswordFile::set(&path, "anna", "correct horse battery staple")?;
///
/// let passwords = PasswordFile::open(&path)?;
/// passwords.watch(|reloaded| {
///     if let Err(error) = reloaded {
///         eprintln!("{error}");
///     }
/// })?;
/// let ctx = Context::new();
/// ctx.set_authenticator(passwords);
/// let server = zincmq::Rep::builder(&ctx)
///     .plain_server(true)
///     .bind("tcp://127.0.0.1:*")?;
///
/// let client = zincmq::Req::builder(&Context::new())
///     .plain_username("anna")
///     .plain_password("correct horse battery staple")
///     .connect(&server.last_endpoint())?;
/// client.send("hello")?;
/// let request = server.recv()?;
/// let peer = request.first().peer().expect("it came over a connection");
/// assert_eq!(peer.user_id.as_deref(), Some(&b"anna"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct PasswordFile(Arc<Source<Users>>);

/// What the file says.
struct Users {
    /// When it was first read.
    opened: Instant,
    by_name: HashMap<Vec<u8>, User>,
    /// What the password of a name that is not there is compared with.
    decoy: Option<Arc<PasswordHash>>,
}

struct User {
    hash: Arc<PasswordHash>,
    /// Since when it has held.
    since: Instant,
}

impl PasswordFile {
    /// The most memory that a hash in a file may take (argon2id's `m`), in KiB: 256 MiB.
    pub const MAX_MEMORY: u32 = 256 * 1024;
    /// The most work that a hash in a file may take: its memory in KiB times how often
    /// that is gone over (`m × t`). 1 GiB, which is about a second.
    pub const MAX_WORK: u64 = 1024 * 1024;

    /// Reads the file at `path`.
    ///
    /// # Errors
    ///
    /// [`PasswordFileError::Read`], [`PasswordFileError::Writable`], or
    /// [`PasswordFileError::Malformed`] with all lines that are not as they must be.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, PasswordFileError> {
        Source::open(path.into()).map(Self)
    }

    /// Reads the file again. Clients whose name is gone from it or has got
    /// another hash are disconnected.
    ///
    /// # Errors
    ///
    /// [`PasswordFileError::Read`]: what was read before holds on.
    /// [`PasswordFileError::Malformed`]: the other lines hold from now on.
    pub fn reload(&self) -> Result<(), PasswordFileError> {
        self.0.reload()
    }

    /// Reloads the file by itself whenever it has changed, from now on, and
    /// tells `report` how that went: after each change, on a thread of its own that
    /// sleeps until then. Ends with the last clone. A second call takes the place of the first.
    ///
    /// Where the system cannot watch all of the way to it (no watches left, folders that may not
    /// be read, a failure later on), the file is read every second instead. Changes that another
    /// machine makes on a network file system are nothing the system tells of: call
    /// [`reload`](Self::reload) for those.
    ///
    /// A process that is forked does not go on watching: call it there anew.
    ///
    /// # Errors
    ///
    /// The system's, if it cannot watch the file's folder (inotify(7)) or start the thread.
    pub fn watch(
        &self,
        report: impl Fn(Result<(), PasswordFileError>) + Send + 'static,
    ) -> io::Result<()> {
        self.0.watch(report)
    }

    /// The hash of `password` with a new salt, as a PHC string: argon2id with
    /// 19 MiB of memory and two passes.
    ///
    /// # Errors
    ///
    /// [`PasswordFileError::PasswordTooLong`] for one that PLAIN cannot carry,
    /// [`PasswordFileError::Hash`] if there is no memory or no randomness to be had.
    pub fn hash(password: impl AsRef<[u8]>) -> Result<String, PasswordFileError> {
        let password = password.as_ref();
        if password.len() > LONGEST {
            let len = password.len();
            return Err(PasswordFileError::PasswordTooLong { len });
        }
        match Argon2::default().hash_password(password) {
            Ok(hash) => Ok(hash.to_string()),
            Err(error) => Err(PasswordFileError::Hash(error.to_string())),
        }
    }

    /// Gives the user that password in the file at `path`, in the place of the former
    /// one or on a line of its own at the end. The file is made if there is none, for its
    /// owner alone (0600); else it keeps owner and permissions. Who reads it meanwhile
    /// sees the old file or the new one, and who changes it at the same time so waits.
    ///
    /// # Errors
    ///
    /// Those of [`check`](Self::check) and [`hash`](Self::hash), and
    /// [`PasswordFileError::Write`].
    pub fn set(
        path: impl AsRef<Path>,
        name: impl AsRef<[u8]>,
        password: impl AsRef<[u8]>,
    ) -> Result<(), PasswordFileError> {
        let (path, name) = (path.as_ref(), name.as_ref());
        lines::check_name(name)?;
        let hash = Self::hash(password)?;
        let path = place(path)?;
        let _turn = Turn::wait(&path).map_err(|error| PasswordFileError::writing(&path, error))?;
        let before = present(&path)?;
        let text = before.as_ref().map_or(&[][..], |before| &before.bytes);
        let text = lines::with(text, name, hash.as_bytes());
        write(&path, &text)
    }

    /// Whether [`set`](Self::set) would take the name, and the file at `path` if it is there.
    ///
    /// # Errors
    ///
    /// [`PasswordFileError::BadName`] for a name that is empty, longer than PLAIN carries,
    /// begins with `#`, has a colon or a control character in it or a space at an end;
    /// [`PasswordFileError::Read`]; and [`PasswordFileError::Malformed`] if a line is not as it
    /// must be, as it may be a file of something else.
    pub fn check(path: impl AsRef<Path>, name: impl AsRef<[u8]>) -> Result<(), PasswordFileError> {
        lines::check_name(name.as_ref())?;
        present(&place(path.as_ref())?).map(drop)
    }

    /// Takes the user out of the file at `path`; false if it was not there.
    ///
    /// # Errors
    ///
    /// [`PasswordFileError::Read`], [`PasswordFileError::Malformed`] as with
    /// [`check`](Self::check), and [`PasswordFileError::Write`].
    pub fn remove(
        path: impl AsRef<Path>,
        name: impl AsRef<[u8]>,
    ) -> Result<bool, PasswordFileError> {
        let path = path.as_ref();
        let path = place(path)?;
        let _turn = Turn::wait(&path).map_err(|error| PasswordFileError::writing(&path, error))?;
        let before = present(&path)?.ok_or_else(|| {
            let gone = io::Error::from(io::ErrorKind::NotFound);
            PasswordFileError::reading(&path, gone.into())
        })?;
        match lines::without(&before.bytes, name.as_ref()) {
            Some(text) => write(&path, &text).map(|()| true),
            None => Ok(false),
        }
    }
}

impl Content for Users {
    type Error = PasswordFileError;

    fn read(path: &Path) -> Result<(Self, Option<PasswordFileError>), PasswordFileError> {
        let lines::Lines { entries, faults } = lines::parse(&read(path)?.bytes);
        let error = match faults.is_empty() {
            true => None,
            false => Some(PasswordFileError::malformed(path, faults)),
        };
        Ok((Self::new(entries), error))
    }

    fn succeed(&mut self, former: &Self) -> bool {
        self.opened = former.opened;
        let now = Instant::now();
        let mut changed = self.by_name.len() != former.by_name.len();
        for (name, user) in &mut self.by_name {
            match former.by_name.get(name) {
                Some(same) if same.hash == user.hash => user.since = same.since,
                _ => {
                    user.since = now;
                    changed = true;
                }
            }
        }
        changed
    }
}

impl Users {
    fn new(entries: Vec<(Vec<u8>, PasswordHash)>) -> Self {
        let opened = Instant::now();
        let mut uses: HashMap<String, (usize, Arc<PasswordHash>)> = HashMap::new();
        let mut by_name = HashMap::with_capacity(entries.len());
        for (name, hash) in entries {
            let hash = Arc::new(hash);
            let costs = hash.params.to_string();
            let (count, _) = uses.entry(costs).or_insert((0, Arc::clone(&hash)));
            *count += 1;
            by_name.insert(
                name,
                User {
                    hash,
                    since: opened,
                },
            );
        }
        let most_usual = uses.into_values().max_by_key(|(count, _)| *count);
        Self {
            opened,
            by_name,
            decoy: most_usual.map(|(_, hash)| hash),
        }
    }
}

impl Authenticator for PasswordFile {
    fn authenticate(&self, request: &AuthRequest) -> Verdict {
        let Credentials::Plain { username, password } = request.credentials() else {
            return no_password();
        };
        let (is_there, hash) = self.0.look(|users| match users.by_name.get(username) {
            Some(user) => (true, Some(Arc::clone(&user.hash))),
            None => (false, users.decoy.clone()),
        });
        let found = hash.map(|hash| Argon2::default().verify_password(password, &*hash));
        match found {
            Some(Ok(())) if is_there => Verdict::accept(username),
            Some(Err(error)) if error != argon2::password_hash::Error::PasswordInvalid => {
                // No memory for it: the client had better come again.
                Verdict::deny(Denial::Temporary, error.to_string())
            }
            _ => Verdict::deny(Denial::Refused, "no such user, or another password"),
        }
    }

    /// By name and by when it came in: passwords are not judged again.
    fn review(&self, request: &AuthRequest) -> Verdict {
        let Credentials::Plain { username, .. } = request.credentials() else {
            return no_password();
        };
        if request.asked < self.0.look(|users| users.opened) {
            // Something else let it in.
            return self.authenticate(request);
        }
        let since = |users: &Users| users.by_name.get(username).map(|user| user.since);
        let what = match self.0.look(since) {
            Some(since) if since <= request.asked => return Verdict::accept(username),
            Some(_) => "has another password",
            None => "is no user any more",
        };
        let name = username.escape_ascii();
        Verdict::deny(Denial::Refused, format!("`{name}` {what}"))
    }

    fn installed(&self, reviewer: &Reviewer) {
        self.0.join(reviewer);
    }
}

fn no_password() -> Verdict {
    Verdict::deny(Denial::Refused, "only clients of PLAIN have passwords")
}

impl fmt::Debug for PasswordFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordFile")
            .field("path", &self.0.path())
            .field("users", &self.0.look(|users| users.by_name.len()))
            .finish_non_exhaustive()
    }
}

fn read(path: &Path) -> Result<file::Content, PasswordFileError> {
    file::read(path, FILE_LIMIT).map_err(|fault| PasswordFileError::reading(path, fault))
}

/// The file that is to change: what a link leads to.
fn place(path: &Path) -> Result<PathBuf, PasswordFileError> {
    match path.canonicalize() {
        Ok(path) => Ok(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path.to_owned()),
        Err(error) => Err(PasswordFileError::reading(path, error.into())),
    }
}

/// What is in the file, if it is there and of passwords.
fn present(path: &Path) -> Result<Option<file::Content>, PasswordFileError> {
    let content = match file::read(path, FILE_LIMIT) {
        Ok(content) => content,
        Err(ReadFault::System(error)) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(fault) => return Err(PasswordFileError::reading(path, fault)),
    };
    let mut faults = lines::parse(&content.bytes).faults;
    // That is mended by the way; of the many nobody knows whether they are only that.
    let unique = |(_, fault): &(usize, PasswordFault)| !matches!(fault, PasswordFault::Twice(_));
    faults.first.retain(unique);
    match faults.is_empty() && faults.more == 0 {
        true => Ok(Some(content)),
        false => Err(PasswordFileError::malformed(path, faults)),
    }
}

/// Puts `text` in the place of the file, which keeps its owner and permissions.
fn write(path: &Path, text: &[u8]) -> Result<(), PasswordFileError> {
    let former = match path.metadata() {
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(PasswordFileError::writing(path, error)),
    };
    let written = Staged::new(path, NEW_MODE, text).and_then(|staged| {
        if let Some(former) = &former {
            staged.pass_for(former)?;
        }
        staged.replace(path)
    });
    written.map_err(|error| PasswordFileError::writing(path, error))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use zmtp::Claim;

    use super::*;

    fn request(username: &[u8], password: &[u8]) -> AuthRequest {
        AuthRequest {
            domain: String::new(),
            address: "127.0.0.1".to_owned(),
            routing_id: Bytes::new(),
            asked: Instant::now(),
            claim: Claim::from(Credentials::Plain { username, password }),
        }
    }

    /// The shortest that it took a few times, which a busy machine does not
    /// lengthen.
    fn cost(passwords: &PasswordFile, username: &[u8]) -> Duration {
        let request = request(username, b"wrong");
        let costs = (0..5).map(|_| {
            let start = Instant::now();
            let verdict = passwords.authenticate(&request);
            assert!(matches!(verdict, Verdict::Deny { .. }));
            start.elapsed()
        });
        costs.min().unwrap_or_default()
    }

    #[test]
    fn a_name_that_is_not_there_costs_as_much_as_a_wrong_password() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passwords");
        PasswordFile::set(&path, "anna", "secret").unwrap();
        let passwords = PasswordFile::open(&path).unwrap();
        let (wrong, unknown) = (cost(&passwords, b"anna"), cost(&passwords, b"nobody"));
        // Without the hashing it would be some thousands of times less; a busy
        // machine makes neither so much longer.
        assert!(unknown * 100 > wrong, "{unknown:?} and {wrong:?}");
        let (decoy, anna) = passwords.0.look(|users| {
            let anna = users.by_name[&b"anna"[..]].hash.params.clone();
            (users.decoy.as_ref().map(|decoy| decoy.params.clone()), anna)
        });
        assert_eq!(decoy, Some(anna));
        let right = passwords.authenticate(&request(b"anna", b"secret"));
        assert_eq!(right, Verdict::accept("anna"));
    }

    #[test]
    fn names_and_passwords_may_be_any_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passwords");
        // By the reference implementation (argon2-cffi 25.1.0).
        let hash = b"$argon2id$v=19$m=64,t=1,p=1$Un2kQffyPYsDB3YKVM0UCQ$mjPhuTfXIkt0kDBsNRjM2sUUdP4SiQut04j1sYqvIRE";
        std::fs::write(&path, [&b"\xfe\xff:"[..], hash].concat()).unwrap();
        let passwords = PasswordFile::open(&path).unwrap();
        let verdict = passwords.authenticate(&request(b"\xfe\xff", b"\xff\0s"));
        assert_eq!(verdict, Verdict::accept(*b"\xfe\xff"));
        let verdict = passwords.authenticate(&request(b"\xfe\xff", b"\xff\0t"));
        assert!(matches!(verdict, Verdict::Deny { .. }));
    }

    #[test]
    fn other_credentials_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passwords");
        std::fs::write(&path, "").unwrap();
        let passwords = PasswordFile::open(&path).unwrap();
        let mut request = request(b"", b"");
        for credentials in [
            Credentials::Null,
            Credentials::Curve {
                public_key: &zmtp::PublicKey::from_bytes([1; 32]),
            },
        ] {
            request.claim = Claim::from(credentials);
            for verdict in [passwords.authenticate(&request), passwords.review(&request)] {
                assert!(matches!(verdict, Verdict::Deny { .. }));
            }
        }
    }
}
