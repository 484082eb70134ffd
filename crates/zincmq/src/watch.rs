//! Tells when a file, or what is in a directory, may have changed. A thread of
//! its own sleeps until then (inotify(7)). Only where the system does not watch
//! all that matters is it looked every second.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader};
use rustix::io::Errno;

use self::wanted::{Interest, Wanted};
use crate::reactor::{deaf, fork_generation, watch_forks};

mod wanted;

/// What happens in steps is looked at once no step has come for so long, or
/// after so long in all.
const QUIET: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_millis(400);
/// How often it is looked at what the system does not watch.
const POLL: Duration = Duration::from_secs(1);
/// Looks again so often if the way changes while it is looked at.
const LOOKS: usize = 8;

/// Ends when dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    stop: Arc<OwnedFd>,
    born: u32,
}

impl Watch {
    /// Has `changed` called when what is at `path` may have changed, on a thread
    /// of the watch, until it says no. It is called soon after, and once for
    /// changes that come together.
    pub(crate) fn start(
        path: &Path,
        mut changed: impl FnMut() -> bool + Send + 'static,
    ) -> io::Result<Self> {
        watch_forks();
        let stop = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let mut watched = Watched::new(path)?;
        let stopped = Arc::clone(&stop);
        let work = move || {
            while watched.sleep(&stopped) {
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
        Ok(Self {
            stop,
            born: fork_generation(),
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.born != fork_generation() {
            // It is the parent's, and so is the thread.
            return;
        }
        // The thread sleeps on it. A counter just made is not full.
        let _ = rustix::io::write(&*self.stop, &1_u64.to_ne_bytes());
    }
}

struct Watched {
    path: PathBuf,
    inotify: OwnedFd,
    folders: HashMap<i32, Interest>,
    /// Something that matters is not watched.
    has_gaps: bool,
    /// The system tells of nothing any more.
    is_blind: bool,
}

impl Watched {
    fn new(path: &Path) -> io::Result<Self> {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let mut watched = Self {
            path: path.to_owned(),
            inotify,
            folders: HashMap::new(),
            has_gaps: false,
            is_blind: false,
        };
        watched.arm();
        match watched.folders.values().any(|folder| folder.is_last) {
            true => Ok(watched),
            false => Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!("{} cannot be watched", path.display()),
            )),
        }
    }

    /// Watches the way to the path as it is now: another one, maybe, than
    /// before.
    fn arm(&mut self) {
        let mut wanted = Wanted::new(&self.path);
        for _ in 0..LOOKS {
            self.has_gaps = wanted.has_gaps;
            let mut folders: HashMap<i32, Interest> = HashMap::new();
            for (folder, interest) in &wanted.folders {
                match inotify::add_watch(&self.inotify, folder, interest.flags()) {
                    Ok(watch) => folders.entry(watch).or_default().add(interest),
                    // It shows in its parent.
                    Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
                    Err(_) => self.has_gaps = true,
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
            // What changed before it was watched is not told.
            let now = Wanted::new(&self.path);
            if now == wanted {
                return;
            }
            wanted = now;
        }
        // It changes all the time.
        self.has_gaps = true;
    }

    /// Until something may have changed and it has become quiet; false if it is
    /// to end.
    fn sleep(&mut self, stop: &OwnedFd) -> bool {
        let poll_at = Instant::now() + POLL;
        let mut end: Option<Instant> = None;
        loop {
            let left = |until: Instant| until.saturating_duration_since(Instant::now());
            let limit = match end {
                Some(end) => Some(left(end).min(QUIET)),
                None => (self.has_gaps || self.is_blind).then(|| left(poll_at)),
            };
            if limit == Some(Duration::ZERO) {
                return true;
            }
            match self.wait(stop, limit) {
                Woken::Stop => return false,
                Woken::Late => return true,
                Woken::Events => match self.drain() {
                    Ok(true) if end.is_none() => end = Instant::now().checked_add(LONGEST),
                    Ok(_) => {}
                    Err(_) => self.is_blind = true,
                },
            }
        }
    }

    fn wait(&self, stop: &OwnedFd, limit: Option<Duration>) -> Woken {
        let timeout = limit.and_then(|limit| Timespec::try_from(limit).ok());
        let mut fds = [
            PollFd::new(stop, PollFlags::IN),
            PollFd::new(&self.inotify, PollFlags::IN),
        ];
        let watched = if self.is_blind { 1 } else { 2 };
        match poll(&mut fds[..watched], timeout.as_ref()) {
            Ok(0) => Woken::Late,
            Ok(_) if !fds[0].revents().is_empty() => Woken::Stop,
            Ok(_) | Err(Errno::INTR) => Woken::Events,
            Err(_) => {
                // There is no memory for it, which passes.
                std::thread::sleep(POLL);
                match rustix::io::read(stop, &mut [0; 8]) {
                    Ok(_) => Woken::Stop,
                    Err(_) => Woken::Late,
                }
            }
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
        match (self.folders.get(&watch), name) {
            (Some(interest), Some(name)) => interest.is_all || interest.names.contains(name),
            // The folder itself.
            (Some(_), None) => true,
            // Events were lost; or it is about a folder that was watched before.
            (None, _) => events.contains(ReadFlags::QUEUE_OVERFLOW),
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

    use super::wanted::LINKS_FOLLOWED;
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
    fn a_path_has_changed_when_a_folder_on_the_way_is_another() {
        let folder = tempfile::tempdir().unwrap();
        for version in ["one", "two"] {
            let inner = folder.path().join(version).join("inner");
            fs::create_dir_all(&inner).unwrap();
            fs::write(inner.join("file"), version).unwrap();
        }
        let current = folder.path().join("current");
        std::os::unix::fs::symlink("one", &current).unwrap();
        let (_watch, changed) = watch(&current.join("inner/file"));
        let staged = folder.path().join("staged");
        std::os::unix::fs::symlink("two", &staged).unwrap();
        fs::rename(&staged, &current).unwrap();
        changed.recv_timeout(PATIENCE).unwrap();
        fs::write(folder.path().join("two/inner/file"), "new").unwrap();
        changed.recv_timeout(PATIENCE).unwrap();
        // Not by a link either.
        fs::rename(folder.path().join("two"), folder.path().join("old")).unwrap();
        changed.recv_timeout(PATIENCE).unwrap();
        fs::rename(folder.path().join("one"), folder.path().join("two")).unwrap();
        changed.recv_timeout(PATIENCE).unwrap();
    }

    #[test]
    fn links_in_a_circle_lead_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("circle");
        std::os::unix::fs::symlink("circle/x", &path).unwrap();
        let (_watch, changed) = watch(&path);
        fs::remove_file(&path).unwrap();
        changed.recv_timeout(PATIENCE).unwrap();
    }

    #[test]
    fn what_links_in_a_directory_lead_to_is_watched() {
        let folder = tempfile::tempdir().unwrap();
        let [path, one, two] = ["keys", "one", "two"].map(|name| folder.path().join(name));
        for folder in [&path, &one, &two] {
            fs::create_dir(folder).unwrap();
        }
        for folder in [&one, &two] {
            fs::write(folder.join("file"), "").unwrap();
        }
        let link = |to: &str, name: &str| {
            let staged = folder.path().join("staged");
            std::os::unix::fs::symlink(to, &staged).unwrap();
            fs::rename(&staged, folder.path().join(name)).unwrap();
        };
        link("one", "current");
        link("../current/file", "keys/linked");
        let (_watch, changed) = watch(&path);
        let expect = || {
            changed.recv_timeout(PATIENCE).unwrap();
            while changed.try_recv().is_ok() {}
        };
        fs::write(one.join("file"), "new").unwrap();
        expect();
        link("two", "current");
        expect();
        fs::remove_file(two.join("file")).unwrap();
        expect();
        fs::write(two.join("file"), "new").unwrap();
        expect();
        // One that is new in it.
        link("../one/file", "keys/another");
        expect();
        fs::write(one.join("file"), "newer").unwrap();
        expect();
    }

    #[test]
    fn where_there_are_more_links_it_is_looked_every_second() {
        let folder = tempfile::tempdir().unwrap();
        let [path, targets] = ["keys", "targets"].map(|name| folder.path().join(name));
        for folder in [&path, &targets] {
            fs::create_dir(folder).unwrap();
        }
        for n in 0..=LINKS_FOLLOWED {
            let target = targets.join(n.to_string());
            fs::create_dir(&target).unwrap();
            fs::write(target.join("file"), "").unwrap();
            let link = path.join(format!("{n:04}"));
            std::os::unix::fs::symlink(target.join("file"), link).unwrap();
        }
        let (_watch, changed) = watch(&path);
        // The last one is not watched.
        let last = targets.join(LINKS_FOLLOWED.to_string()).join("file");
        fs::write(last, "new").unwrap();
        for _ in 0..2 {
            changed.recv_timeout(PATIENCE).unwrap();
        }
    }

    #[test]
    fn a_watch_that_fails_goes_on_by_looking() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "").unwrap();
        let mut watched = Watched::new(&path).unwrap();
        let stop = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).unwrap();
        // Of a directory no events can be read.
        watched.inotify = fs::File::open(folder.path()).unwrap().into();
        for _ in 0..2 {
            assert!(watched.sleep(&stop));
            assert!(watched.is_blind);
            watched.arm();
        }
        rustix::io::write(&stop, &1_u64.to_ne_bytes()).unwrap();
        assert!(!watched.sleep(&stop));
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
