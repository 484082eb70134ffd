//! What authenticators read from a file or directory, and read again while
//! they are in use.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Reviewer;
use super::audience::Audience;
use crate::sync::Mutex;
use crate::watch::Watch;

/// What is read from a [`Source`].
pub(super) trait Content: Sized + Send + 'static {
    type Error: fmt::Debug;

    /// What is at `path`, and what is wrong with parts of it: the rest holds.
    fn read(path: &Path) -> Result<(Self, Option<Self::Error>), Self::Error>;

    /// Takes over from `former`, which it is to replace, since when what is the
    /// same has held; whether anything is not the same.
    fn succeed(&mut self, former: &Self) -> bool;
}

/// A file or directory, and what it said when it was last read.
pub(super) struct Source<C> {
    path: PathBuf,
    content: Mutex<C>,
    /// So that what is read first is not put in place last; and what was wrong
    /// the last time, so that it is told once.
    reloading: Mutex<Option<String>>,
    audience: Audience,
    watch: Mutex<Option<Watch>>,
}

/// What reloading came to.
struct Reloaded<E> {
    /// Something is different from before.
    is_news: bool,
    outcome: Result<(), E>,
}

impl<C: Content> Source<C> {
    /// Reads what is at `path`, all of which must be as it has to be.
    pub(super) fn open(path: PathBuf) -> Result<Arc<Self>, C::Error> {
        match C::read(&path)? {
            (_, Some(error)) => Err(error),
            (content, None) => Ok(Arc::new(Self {
                path,
                content: Mutex::new(content),
                reloading: Mutex::default(),
                audience: Audience::default(),
                watch: Mutex::default(),
            })),
        }
    }

    /// Reads it again. If that fails, what was read before holds on.
    pub(super) fn reload(&self) -> Result<(), C::Error> {
        self.read_again().outcome
    }

    /// Reloads it whenever it has changed, and tells `report` of what is news.
    pub(super) fn watch(
        self: &Arc<Self>,
        report: impl Fn(Result<(), C::Error>) + Send + 'static,
    ) -> io::Result<()> {
        let source = Arc::downgrade(self);
        let watch = Watch::start(&self.path, move || {
            let Some(source) = source.upgrade() else {
                return false;
            };
            let Reloaded { is_news, outcome } = source.read_again();
            if is_news {
                // Should it panic, the next change is still looked at.
                let _ = catch_unwind(AssertUnwindSafe(|| report(outcome)));
            }
            true
        })?;
        let former = self.watch.lock().replace(watch);
        drop(former);
        Ok(())
    }

    fn read_again(&self) -> Reloaded<C::Error> {
        let mut told = self.reloading.lock();
        let (changed, error) = match C::read(&self.path) {
            Ok((new, error)) => (self.put_in_place(new), error),
            Err(error) => (false, Some(error)),
        };
        let trouble = error.as_ref().map(|error| format!("{error:?}"));
        let is_news = changed || *told != trouble;
        *told = trouble;
        if changed {
            self.audience.review();
        }
        Reloaded {
            is_news,
            outcome: error.map_or(Ok(()), Err),
        }
    }

    /// Whether it says anything else than what was there.
    fn put_in_place(&self, mut new: C) -> bool {
        let mut content = self.content.lock();
        // With the lock held: who asks later is judged by this.
        let changed = new.succeed(&content);
        *content = new;
        changed
    }

    /// Has `what` look at what it says now.
    pub(super) fn look<R>(&self, what: impl FnOnce(&C) -> R) -> R {
        what(&self.content.lock())
    }
}

impl<C> Source<C> {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Has that context's peers reviewed whenever it says something else.
    pub(super) fn join(&self, reviewer: &Reviewer) {
        self.audience.join(reviewer);
    }
}
