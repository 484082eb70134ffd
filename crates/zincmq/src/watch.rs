//! Tells when a file, or what is in a directory, may have changed. A thread of
//! its own sleeps until then (inotify(7)); nothing is polled.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;

use crate::reactor::deaf;

/// What happens in steps is looked at once no step has come for so long, or
/// after so long in all.
const QUIET: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_millis(400);

/// Ends when dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    stop: Arc<OwnedFd>,
}

impl Watch {
    /// Has `changed` called when what is at `path` may have changed, on a thread
    /// of the watch, until it says no. It is called soon after, and once for
    /// changes that come together.
    pub(crate) fn start(
        path: &Path,
        mut changed: impl FnMut() -> bool + Send + 'static,
    ) -> io::Result<Self> {
        let stop = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let mut watched = Watched::new(path)?;
        let stopped = Arc::clone(&stop);
        let work = move || {
            while let Ok(true) = watched.sleep(&stopped) {
                // Before it is looked at, so that nothing is missed later.
                watched.arm();
                if !changed() {
                    return;
                }
            }
        };
        deaf(|| {
            std::thread::Builder::new()
                .name("zincmq/watch".to_owned())
                .spawn(work)
        })?;
        Ok(Self { stop })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // The thread sleeps on it. A counter just made is not full.
        let _ = rustix::io::write(&*self.stop, &1_u64.to_ne_bytes());
    }
}

struct Watched {
    path: PathBuf,
    inotify: OwnedFd,
    folders: HashMap<i32, Interest>,
}

/// What matters in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Interest {
    /// Whatever is in it.
    Everything,
    /// What has one of these names.
    Names(Vec<OsString>),
}

impl Interest {
    fn join(&mut self, other: Self) {
        match (&mut *self, other) {
            (Self::Names(names), Self::Names(more)) => names.extend(more),
            (Self::Everything, _) => {}
            (_, everything) => *self = everything,
        }
    }
}

/// So many links the system follows.
const LINKS: usize = 40;

/// The links that lead to what is at `path`, each as its folder and its name there, and
/// after them what is there itself.
fn way(path: &Path) -> Vec<(PathBuf, OsString)> {
    let names = |path: &Path| -> Vec<OsString> {
        path.components()
            .map(|component| component.as_os_str().to_owned())
            .collect()
    };
    let mut way = Vec::new();
    let mut folder = PathBuf::from(".");
    let mut rest = VecDeque::from(names(path));
    while let Some(name) = rest.pop_front() {
        let next = folder.join(&name);
        match fs::read_link(&next) {
            Ok(target) if way.len() < LINKS => {
                for name in names(&target).into_iter().rev() {
                    rest.push_front(name);
                }
                way.push((folder.clone(), name));
            }
            _ => {
                if rest.is_empty() {
                    way.push((folder.clone(), name));
                }
                folder = next;
            }
        }
    }
    way
}

impl Watched {
    fn new(path: &Path) -> io::Result<Self> {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let mut watched = Self {
            path: path.to_owned(),
            inotify,
            folders: HashMap::new(),
        };
        watched.arm();
        match watched.folders.is_empty() {
            false => Ok(watched),
            true => Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!("{} cannot be watched", path.display()),
            )),
        }
    }

    /// Watches what is at the path now: another file or directory, maybe, than
    /// before.
    fn arm(&mut self) {
        let mut wanted: Vec<_> = way(&self.path)
            .into_iter()
            .map(|(folder, name)| (folder, Interest::Names(vec![name])))
            .collect();
        if self.path.is_dir() {
            wanted.push((self.path.clone(), Interest::Everything));
        }
        let mut folders = HashMap::new();
        for (folder, interest) in wanted {
            let flags = WatchFlags::CLOSE_WRITE
                | WatchFlags::ATTRIB
                | WatchFlags::CREATE
                | WatchFlags::DELETE
                | WatchFlags::MOVE
                | WatchFlags::DELETE_SELF
                | WatchFlags::MOVE_SELF
                | WatchFlags::ONLYDIR;
            // What is not there, or is no directory, shows in its parent.
            if let Ok(watch) = inotify::add_watch(&self.inotify, &folder, flags) {
                match folders.entry(watch) {
                    Entry::Vacant(place) => {
                        place.insert(interest);
                    }
                    Entry::Occupied(mut place) => place.get_mut().join(interest),
                }
            }
        }
        for watch in self
            .folders
            .keys()
            .filter(|watch| !folders.contains_key(watch))
        {
            // It may be gone by itself.
            let _ = inotify::remove_watch(&self.inotify, *watch);
        }
        self.folders = folders;
    }

    /// Until something may have changed and it has become quiet; false if it is
    /// to end.
    fn sleep(&self, stop: &OwnedFd) -> io::Result<bool> {
        let mut end = None;
        loop {
            let now = Instant::now();
            if end.is_some_and(|end| end <= now) {
                return Ok(true);
            }
            let limit = end.map(|end: Instant| end.saturating_duration_since(now).min(QUIET));
            match self.wait(stop, limit)? {
                Woken::Stop => return Ok(false),
                Woken::Late => return Ok(true),
                Woken::Events => {
                    if self.drain()? && end.is_none() {
                        end = Instant::now().checked_add(LONGEST);
                    }
                }
            }
        }
    }

    fn wait(&self, stop: &OwnedFd, limit: Option<Duration>) -> io::Result<Woken> {
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        let mut fds = [
            PollFd::new(stop, PollFlags::IN),
            PollFd::new(&self.inotify, PollFlags::IN),
        ];
        match poll(&mut fds, limit.as_ref()) {
            Ok(0) => Ok(Woken::Late),
            Ok(_) if !fds[0].revents().is_empty() => Ok(Woken::Stop),
            Ok(_) | Err(Errno::INTR) => Ok(Woken::Events),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes the events that are there; tells whether one of them matters.
    fn drain(&self) -> io::Result<bool> {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = Reader::new(&self.inotify, &mut buffer);
        let mut matters = false;
        loop {
            match events.next() {
                Ok(event) => {
                    let name = event
                        .file_name()
                        .map(|name| OsStr::from_bytes(name.to_bytes()));
                    matters |= self.matters(event.wd(), event.events(), name);
                }
                Err(Errno::WOULDBLOCK) => return Ok(matters),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn matters(&self, watch: i32, events: ReadFlags, name: Option<&OsStr>) -> bool {
        let of_content = ReadFlags::CLOSE_WRITE | ReadFlags::ATTRIB;
        match self.folders.get(&watch) {
            Some(Interest::Names(wanted)) => match name {
                Some(name) => wanted.iter().any(|wanted| wanted == name),
                // About the folder itself.
                None => !events.intersects(of_content),
            },
            Some(Interest::Everything) => true,
            // Events were lost; or it is about a folder that was watched before.
            None => events.contains(ReadFlags::QUEUE_OVERFLOW),
        }
    }
}

enum Woken {
    Events,
    Late,
    Stop,
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn watch(path: &Path) -> (Watch, Receiver<()>) {
        let (sender, receiver) = channel();
        let watch = Watch::start(path, move || sender.send(()).is_ok()).unwrap();
        (watch, receiver)
    }

    #[test]
    fn a_file_that_is_written_or_replaced_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "one").unwrap();
        let (_watch, changed) = watch(&path);
        fs::write(&path, "two").unwrap();
        changed.recv_timeout(PATIENCE).unwrap();
        let other = folder.path().join("other");
        fs::write(&other, "three").unwrap();
        fs::rename(&other, &path).unwrap();
        changed.recv_timeout(PATIENCE).unwrap();
        fs::remove_file(&path).unwrap();
        changed.recv_timeout(PATIENCE).unwrap();
        fs::write(&path, "four").unwrap();
        changed.recv_timeout(PATIENCE).unwrap();
    }

    #[test]
    fn a_directory_has_changed_with_what_is_in_it_and_when_it_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        fs::create_dir(&path).unwrap();
        let (_watch, changed) = watch(&path);
        fs::write(path.join("one"), "").unwrap();
        changed.recv_timeout(PATIENCE).unwrap();
        fs::rename(&path, folder.path().join("old")).unwrap();
        fs::create_dir(&path).unwrap();
        changed.recv_timeout(PATIENCE).unwrap();
        // The new one is watched now.
        while changed.try_recv().is_ok() {}
        fs::write(path.join("two"), "").unwrap();
        changed.recv_timeout(PATIENCE).unwrap();
    }

    #[test]
    fn a_link_has_changed_when_it_leads_elsewhere_and_when_its_file_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
        for folder in [&one, &two] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join("file"), "").unwrap();
        }
        let (current, path) = (folder.path().join("current"), folder.path().join("file"));
        std::os::unix::fs::symlink(&one, &current).unwrap();
        std::os::unix::fs::symlink("current/file", &path).unwrap();
        let (_watch, changed) = watch(&path);
        fs::write(one.join("file"), "new").unwrap();
        changed.recv_timeout(PATIENCE).unwrap();
        let staged = folder.path().join("staged");
        std::os::unix::fs::symlink(&two, &staged).unwrap();
        fs::rename(&staged, &current).unwrap();
        changed.recv_timeout(PATIENCE).unwrap();
        while changed.try_recv().is_ok() {}
        fs::write(two.join("file"), "new").unwrap();
        changed.recv_timeout(PATIENCE).unwrap();
    }

    #[test]
    fn links_on_the_way_there_are_watched_as_well() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for release in ["one", "two"] {
            fs::create_dir_all(at(release).join("keys")).unwrap();
        }
        fs::create_dir(at("links")).unwrap();
        std::os::unix::fs::symlink("../one", at("links/current")).unwrap();
        std::os::unix::fs::symlink("links/current", at("app")).unwrap();
        let (_watch, changed) = watch(&at("app/keys"));
        std::os::unix::fs::symlink("../two", at("links/new")).unwrap();
        fs::rename(at("links/new"), at("links/current")).unwrap();
        changed.recv_timeout(PATIENCE).unwrap();
        while changed.try_recv().is_ok() {}
        fs::write(at("two/keys/anna"), "").unwrap();
        changed.recv_timeout(PATIENCE).unwrap();
        // A link to itself leads nowhere.
        std::os::unix::fs::symlink("app", at("new")).unwrap();
        fs::rename(at("new"), at("app")).unwrap();
        changed.recv_timeout(PATIENCE).unwrap();
    }

    #[test]
    fn changes_that_come_together_are_told_together() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "").unwrap();
        let (sender, told) = channel();
        let _watch = Watch::start(&path, move || sender.send(Instant::now()).is_ok()).unwrap();
        // However long nothing has happened before.
        std::thread::sleep(LONGEST * 2);
        let start = Instant::now();
        for n in 0..20 {
            fs::write(&path, n.to_string()).unwrap();
        }
        // It waits for more, even if nothing more comes.
        let first = told.recv_timeout(PATIENCE).unwrap();
        assert!(first - start >= QUIET, "{:?}", first - start);
    }

    #[test]
    fn the_thread_ends_with_the_watch() {
        let folder = tempfile::tempdir().unwrap();
        let (watch, changed) = watch(&folder.path().join("none yet"));
        drop(watch);
        // Its end of the channel goes with it.
        let ended = changed.recv_timeout(PATIENCE);
        assert_eq!(ended, Err(std::sync::mpsc::RecvTimeoutError::Disconnected));
    }

    #[test]
    fn what_cannot_be_watched_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("no such folder/file");
        let error = Watch::start(&path, || true).unwrap_err();
        assert!(error.to_string().contains("no such folder/file"), "{error}");
    }
}
