//! What is to be watched, so that nothing at a path changes unnoticed.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use rustix::fs::inotify::WatchFlags;

/// So many links in a directory are followed to what they lead to.
pub(super) const LINKS_FOLLOWED: usize = 256;
/// So many links are followed on one way, as by the system.
const LINKS: usize = 40;

/// What is to be watched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Wanted {
    pub(super) folders: BTreeMap<PathBuf, Interest>,
    /// There is more.
    pub(super) has_gaps: bool,
}

impl Wanted {
    /// What may change what is at `path`, or in it.
    pub(super) fn new(path: &Path) -> Self {
        let mut wanted = Self::default();
        let end = wanted.add_way(path);
        if !end.is_dir() {
            return wanted;
        }
        let entries = std::fs::read_dir(&end).into_iter().flatten().flatten();
        let links = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_symlink()));
        let mut links: Vec<PathBuf> = links.map(|link| link.path()).collect();
        // The same ones each time.
        links.sort_unstable();
        wanted.has_gaps = links.len() > LINKS_FOLLOWED;
        for link in links.iter().take(LINKS_FOLLOWED) {
            wanted.add_way(link);
        }
        wanted.folders.entry(end).or_default().is_all = true;
        wanted
    }

    /// The folders on the way to `path`, through links, and what matters in
    /// each; gives back where it ends.
    fn add_way(&mut self, path: &Path) -> PathBuf {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let mut rest: PathBuf = path;
        let mut folder = PathBuf::new();
        let mut links = 0;
        loop {
            let mut steps = rest.components();
            let Some(step) = steps.next() else { break };
            let mut after = steps.as_path().to_owned();
            match step {
                Component::Normal(name) => {
                    let interest = self.folders.entry(folder.clone()).or_default();
                    interest.names.insert(name.to_owned());
                    interest.is_last |= after.as_os_str().is_empty();
                    let next = folder.join(name);
                    match std::fs::read_link(&next) {
                        Ok(target) if links < LINKS => {
                            links += 1;
                            after = target.join(after);
                        }
                        _ => folder = next,
                    }
                }
                Component::ParentDir => {
                    folder.pop();
                }
                Component::RootDir => folder = PathBuf::from("/"),
                Component::CurDir | Component::Prefix(_) => {}
            }
            rest = after;
        }
        folder
    }
}

/// What matters in a folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Interest {
    /// These names, which lead to the path, or from it to what it has links to.
    pub(super) names: BTreeSet<OsString>,
    /// What is written matters, too, as one of them is the last on the way.
    pub(super) is_last: bool,
    /// Whatever is in it.
    pub(super) is_all: bool,
}

impl Interest {
    /// It is the same folder under another path.
    pub(super) fn add(&mut self, other: &Self) {
        self.names.extend(other.names.iter().cloned());
        self.is_last |= other.is_last;
        self.is_all |= other.is_all;
    }

    pub(super) fn flags(&self) -> WatchFlags {
        let comes_and_goes = WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::MASK_ADD
            | WatchFlags::ONLYDIR;
        match self.is_last || self.is_all {
            true => comes_and_goes | WatchFlags::CLOSE_WRITE | WatchFlags::ATTRIB,
            false => comes_and_goes,
        }
    }
}
