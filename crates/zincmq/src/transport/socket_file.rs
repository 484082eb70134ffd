//! The file that an ipc listener leaves in the file system, from making way
//! for it to taking it away again.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::process::{Pid, getpid};
use socket2::{Domain, SockAddr, Socket, Type};

/// Removes the socket file on drop, if it is still the one that was bound:
/// whoever has taken the path over since keeps it.
pub(super) struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
    /// The private directory of a wildcard bind, gone with the file.
    directory: Option<PrivateDirectory>,
    maker: Pid,
}

impl SocketFile {
    /// Notes the file just bound at `path`.
    pub(super) fn of_bound(path: &Path, directory: Option<PrivateDirectory>) -> io::Result<Self> {
        // The working directory may change before the file is removed.
        let path = std::path::absolute(path)?;
        let identity = identity(&path)?;
        Ok(Self {
            path,
            identity,
            directory,
            maker: getpid(),
        })
    }
}

impl SocketFile {
    /// Removes it, and the directory made for it. The second time there is
    /// nothing to do.
    pub(super) fn remove(&mut self) -> io::Result<()> {
        // A forked child must leave its parent's file alone.
        if self.maker == getpid() && identity(&self.path).is_ok_and(|now| now == self.identity) {
            fs::remove_file(&self.path)?;
        }
        match self.directory.take() {
            Some(mut directory) => directory.remove(),
            None => Ok(()),
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Nobody is left to be told.
        let _ = self.remove();
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// A directory with an unguessable name that only this user can enter;
/// removed on drop if it is empty.
pub(super) struct PrivateDirectory {
    path: PathBuf,
    maker: Pid,
    removed: bool,
}

impl PrivateDirectory {
    pub(super) fn new() -> io::Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("zmq-")
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir()?;
        Ok(Self {
            path: directory.keep(),
            maker: getpid(),
            removed: false,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl PrivateDirectory {
    fn remove(&mut self) -> io::Result<()> {
        if self.removed || self.maker != getpid() {
            return Ok(());
        }
        self.removed = true;
        fs::remove_dir(&self.path)
    }
}

impl Drop for PrivateDirectory {
    fn drop(&mut self) {
        let _ = self.remove();
    }
}

/// Makes way for a bind to `path`: removes a socket file or an empty file.
/// Whatever holds data stays, and the bind then fails for it. Unless `steal`,
/// so does the socket of a listener that is alive.
pub(super) fn make_way(path: &Path, steal: bool) -> io::Result<()> {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    let kind = metadata.file_type();
    let removable = kind.is_socket() || (kind.is_file() && metadata.len() == 0);
    if !removable || (!steal && kind.is_socket() && somebody_listens(path)?) {
        return Ok(());
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Whether a connect to `path` is taken, or would be once there is room.
fn somebody_listens(path: &Path) -> io::Result<bool> {
    let probe = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    probe.set_nonblocking(true)?;
    match probe.connect(&SockAddr::unix(path)?) {
        Ok(()) => Ok(true),
        Err(error) => Ok(!matches!(
            Errno::from_io_error(&error),
            Some(Errno::CONNREFUSED | Errno::NOENT)
        )),
    }
}
