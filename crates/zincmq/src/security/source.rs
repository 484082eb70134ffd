//! What authenticators read from a file or directory, and read again while
//! they are in use.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Reviewer;
use super::audience::Audience;
use crate::fork_mutex::ForkMutex;
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

/// A file or directory, and what it said when it was last read. It can be used in
/// a process that was forked meanwhile.
pub(super) struct Source<C> {
    path: PathBuf,
    state: ForkMutex<State<C>>,
    audience: Audience,
    /// Its thread is not in a forked process.
    watch: ForkMutex<Option<Watch>>,
}

struct State<C> {
    content: C,
    /// What was wrong the last time, so that it is told once.
    trouble: Option<String>,
    /// How often it was begun to read it again, and which of those times is the
    /// last that has come to something: what is read first is not put in place last.
    begun: u64,
    done: u64,
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
                state: ForkMutex::new(State {
                    content,
                    trouble: None,
                    begun: 0,
                    done: 0,
                }),
                audience: Audience::default(),
                watch: ForkMutex::default(),
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
        let former = self.watch.with(|now| now.replace(watch));
        drop(former);
        Ok(())
    }

    fn read_again(&self) -> Reloaded<C::Error> {
        let turn = self.state.with(|state| {
            state.begun += 1;
            state.begun
        });
        let (new, error) = match C::read(&self.path) {
            Ok((new, error)) => (Some(new), error),
            Err(error) => (None, Some(error)),
        };
        let trouble = error.as_ref().map(|error| format!("{error:?}"));
        let (changed, is_news, former) = self.state.with(|state| state.settle(turn, new, trouble));
        drop(former);
        if changed {
            self.audience.review();
        }
        Reloaded {
            is_news,
            outcome: error.map_or(Ok(()), Err),
        }
    }

    /// Has `what` look at what it says now.
    pub(super) fn look<R>(&self, what: impl FnOnce(&C) -> R) -> R {
        self.state.with(|state| what(&state.content))
    }
}

impl<C: Content> State<C> {
    /// Takes in what reading came to: whether anything else holds now, whether
    /// anything is news, and what holds no more.
    fn settle(
        &mut self,
        turn: u64,
        new: Option<C>,
        trouble: Option<String>,
    ) -> (bool, bool, Option<C>) {
        if turn < self.done {
            // Who began later has read it already.
            return (false, false, new);
        }
        self.done = turn;
        let is_trouble_news = self.trouble != trouble;
        self.trouble = trouble;
        let Some(mut new) = new else {
            return (false, is_trouble_news, None);
        };
        // Not before: who asks later is judged by this.
        let changed = new.succeed(&self.content);
        let former = std::mem::replace(&mut self.content, new);
        (changed, changed || is_trouble_news, Some(former))
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
