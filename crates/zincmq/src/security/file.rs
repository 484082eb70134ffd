//! Small files with secrets in them: bounded reading, and writing that is
//! never seen half done or by the wrong eyes.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read as _, Write as _};
#[cfg(feature = "password-file")]
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
#[cfg(feature = "password-file")]
use std::time::{Duration, Instant};

#[cfg(feature = "password-file")]
use rustix::fs::{FlockOperation, flock};
use rustix::fs::{OFlags, StatVfsMountFlags, statvfs};
#[cfg(feature = "password-file")]
use rustix::io::Errno;
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

/// What a file holds; wiped from memory when dropped.
pub(super) struct Content {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// The permission bits at the moment it was opened.
    pub(super) mode: u32,
}

/// Why a file was not read.
#[derive(Debug)]
pub(super) enum ReadFault {
    /// It is a directory, pipe or device.
    NotAFile,
    /// It has more bytes than this.
    TooLarge(usize),
    /// Anybody could have written it.
    Writable(Writable),
    /// The system refused.
    System(io::Error),
}

impl From<Writable> for ReadFault {
    fn from(writable: Writable) -> Self {
        Self::Writable(writable)
    }
}

impl From<io::Error> for ReadFault {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

/// Something that anybody on this machine may write to.
#[derive(Debug)]
pub(super) struct Writable {
    /// The file, or the folder it is in.
    pub(super) path: PathBuf,
    /// Its permission bits.
    pub(super) mode: u32,
}

/// Others than the owner and its group: what they write is nobody's word.
const OTHERS_WRITE: u32 = 0o002;
/// In such a folder files can be replaced by their owners only.
const STICKY: u32 = 0o1000;

impl Writable {
    fn check(path: &Path, mode: u32) -> Result<(), Self> {
        // So Kubernetes mounts secrets.
        let is_read_only =
            || statvfs(path).is_ok_and(|fs| fs.f_flag.contains(StatVfsMountFlags::RDONLY));
        if mode & OTHERS_WRITE == 0 || is_read_only() {
            return Ok(());
        }
        let path = path.to_owned();
        Err(Self { path, mode })
    }
}

/// Refuses a folder that anybody may put files into, or another in the place of.
pub(super) fn check_folder(path: &Path) -> Result<(), Writable> {
    check_place(path)?;
    Writable::check(path, path.metadata().map_or(0, |folder| mode(&folder)))
}

/// Refuses a path, and what it leads to, if anybody may put something else there.
fn check_place(path: &Path) -> Result<(), Writable> {
    let target = path.canonicalize();
    for path in [path].into_iter().chain(target.as_deref().ok()) {
        let folder = folder(path);
        // One that is not there is found out by who opens what is in it.
        let mode = folder.metadata().map_or(0, |folder| mode(&folder));
        if mode & STICKY == 0 {
            Writable::check(folder, mode)?;
        }
    }
    Ok(())
}

fn mode(metadata: &fs::Metadata) -> u32 {
    metadata.permissions().mode() & 0o7777
}

/// Reads a regular file of at most `limit` bytes that not anybody may have written.
pub(super) fn read(path: &Path, limit: usize) -> Result<Content, ReadFault> {
    check_place(path)?;
    // Nobody may make this wait by putting a pipe there.
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed())
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(ReadFault::NotAFile);
    }
    let mode = mode(&metadata);
    Writable::check(path, mode)?;
    // All of the memory at once: what growing leaves behind could not be wiped.
    let mut bytes = Zeroizing::new(vec![0; limit + 1]);
    let mut len = 0;
    while len < bytes.len() {
        match file.read(&mut bytes[len..]) {
            Ok(0) => break,
            Ok(more) => len += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    if len > limit {
        return Err(ReadFault::TooLarge(limit));
    }
    bytes.truncate(len);
    Ok(Content {
        bytes,
        mode: mode & 0o777,
    })
}

/// A file that is written out, and has a name of its own until it gets the
/// one it is meant for; removed on drop.
pub(super) struct Staged(NamedTempFile);

impl Staged {
    /// Writes `bytes` beside `path`, with these permissions from the first one on.
    pub(super) fn new(path: &Path, mode: u32, bytes: &[u8]) -> io::Result<Self> {
        let mut file = tempfile::Builder::new()
            .prefix(".zincmq-")
            .permissions(Permissions::from_mode(mode))
            .tempfile_in(folder(path))
            .map_err(|error| plain(&error, folder(path)))?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        Ok(Self(file))
    }

    /// Has it belong to whom the file with `metadata` belongs, and be for whom that is.
    #[cfg(feature = "password-file")]
    pub(super) fn pass_for(&self, metadata: &fs::Metadata) -> io::Result<()> {
        let file = self.0.as_file();
        let mine = file.metadata()?;
        if (mine.uid(), mine.gid()) != (metadata.uid(), metadata.gid()) {
            fchown(file, Some(metadata.uid()), Some(metadata.gid()))?;
        }
        // Only now, when it is clear whose group it is that may.
        file.set_permissions(Permissions::from_mode(metadata.mode() & 0o777))
    }

    /// Gives it the name `path`, which must be free.
    pub(super) fn create(self, path: &Path) -> io::Result<()> {
        self.0.persist_noclobber(path)?;
        settle(path);
        Ok(())
    }

    /// Gives it the name `path`, whoever had it.
    pub(super) fn replace(self, path: &Path) -> io::Result<()> {
        self.0.persist(path)?;
        settle(path);
        Ok(())
    }
}

/// The error without the file's own name, which nobody knows.
fn plain(error: &io::Error, folder: &Path) -> io::Error {
    if error.kind() == ErrorKind::NotFound {
        let missing = format!("there is no folder {}", folder.display());
        return io::Error::new(ErrorKind::NotFound, missing);
    }
    let inner = error.get_ref().and_then(|error| error.source());
    let inner = inner.and_then(|inner| inner.downcast_ref::<io::Error>());
    match inner.and_then(io::Error::raw_os_error) {
        Some(code) => io::Error::from_raw_os_error(code),
        None => error.kind().into(),
    }
}

/// For how long a folder may be locked by others, and how often it is looked
/// whether it is.
#[cfg(feature = "password-file")]
const PATIENCE: Duration = Duration::from_secs(10);
#[cfg(feature = "password-file")]
const PAUSE: Duration = Duration::from_millis(5);

/// Has others who change files in the folder of `path` wait, until it is dropped.
#[cfg(feature = "password-file")]
pub(super) struct Turn(#[expect(dead_code, reason = "the lock goes when it is closed")] File);

#[cfg(feature = "password-file")]
impl Turn {
    /// None if the system locks no such folder: then nobody waits. Whoever may read
    /// the folder can keep it locked: after a while that is an error.
    pub(super) fn wait(path: &Path) -> io::Result<Option<Self>> {
        let Ok(folder) = File::open(folder(path)) else {
            return Ok(None);
        };
        let end = Instant::now() + PATIENCE;
        loop {
            match flock(&folder, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Some(Self(folder))),
                Err(Errno::WOULDBLOCK) if Instant::now() < end => std::thread::sleep(PAUSE),
                Err(Errno::WOULDBLOCK) => {
                    let what = "another process keeps its folder locked";
                    return Err(io::Error::new(ErrorKind::TimedOut, what));
                }
                Err(Errno::INTR) => {}
                Err(_) => return Ok(None),
            }
        }
    }
}

/// Removes a file that was made a moment ago.
pub(super) fn discard(path: &Path) {
    // The error that led here is the one to tell.
    let _ = fs::remove_file(path);
}

/// Has the new name survive a crash, in a folder that lets itself be opened.
fn settle(path: &Path) {
    // The file is there; in other folders its name is settled a little later.
    let _ = File::open(folder(path)).and_then(|folder| folder.sync_all());
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
