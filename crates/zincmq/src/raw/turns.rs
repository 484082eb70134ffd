//! The parts between: C and Python send and receive a message part by part, the
//! engine as a whole.
//!
//! A message that is half sent or half received belongs to the thread that is
//! at it, so that threads which share a socket do not mix theirs. A program
//! may as well hand a socket from thread to thread in the middle of a message,
//! as a scheduler of green threads does. The two are told apart by what only
//! the first does: a thread goes on with its message while another is in a
//! call on the same socket. Whoever finds another's half gives its owner a
//! moment to do so, and then takes it over.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::vec;

use super::owner::Owner;
use crate::{Message, Multipart};

/// How long the owner of a half message has at least to go on with it.
const MOMENT: Duration = Duration::from_millis(50);
/// The same on a socket that was handed over in the midst of a message before.
const SHORT_MOMENT: Duration = Duration::from_millis(1);

/// The half messages of one socket.
#[derive(Default)]
pub struct Turns {
    /// How many threads have one, and one more if messages were returned.
    open: AtomicUsize,
    inner: Mutex<Inner>,
    known: Condvar,
    /// Numbers what may be returned.
    taken: AtomicU64,
}

#[derive(Default)]
struct Inner {
    /// Threads are known to use the socket at the same time.
    shared: bool,
    /// It was handed over in the midst of a message, and never found shared.
    handed_over: bool,
    /// Threads that wait to know.
    asking: usize,
    entries: Vec<Entry>,
    /// Messages that were received by one who does not want them any more, in
    /// the order they came in.
    returned: BTreeMap<u64, Multipart>,
}

struct Entry {
    thread: Owner,
    /// Its thread is in a call that has it.
    busy: bool,
    turn: Turn,
}

/// What one thread is in the middle of.
#[derive(Default)]
pub struct Turn {
    /// Parts handed over, of a message not yet sent.
    pub sending: Option<Multipart>,
    /// Parts to come, of a message received.
    pub rest: vec::IntoIter<Message>,
}

impl Turn {
    fn is_blank(&self) -> bool {
        self.sending.is_none() && self.rest.len() == 0
    }
}

impl Turns {
    /// Whether any thread is in the middle of a message.
    #[inline]
    pub fn any(&self) -> bool {
        self.open.load(Ordering::Acquire) > 0
    }

    /// Whether [`Turns::take`] and [`Turns::has_more`] would return at once,
    /// without waiting for another thread to show whose a half message is.
    pub fn takes_at_once(&self) -> bool {
        if !self.any() {
            return true;
        }
        let me = Owner::here();
        let inner = self.lock();
        let entries = &inner.entries;
        inner.shared || entries.is_empty() || entries.iter().any(|entry| entry.thread == me)
    }

    /// What the calling thread is in the middle of. To be put back.
    pub fn take(&self) -> Turn {
        let me = Owner::here();
        let mut inner = self.lock();
        if !inner.shared && inner.entries.iter().all(|entry| entry.thread != me) {
            inner = self.judge(inner, me);
        }
        let asked = inner.asking > 0;
        let Some(entry) = inner.entries.iter_mut().find(|entry| entry.thread == me) else {
            return Turn::default();
        };
        entry.busy = true;
        let turn = std::mem::take(&mut entry.turn);
        if asked {
            inner.shared = true;
            self.known.notify_all();
        }
        turn
    }

    /// Says what the calling thread is in the middle of after a call.
    pub fn put(&self, turn: Turn) {
        let me = Owner::here();
        let mut inner = self.lock();
        let place = inner.entries.iter().position(|entry| entry.thread == me);
        match place {
            Some(place) if turn.is_blank() => {
                inner.entries.swap_remove(place);
            }
            Some(place) => {
                let entry = &mut inner.entries[place];
                entry.busy = false;
                entry.turn = turn;
            }
            None if turn.is_blank() => {}
            None => {
                // It was in a call while another was in the middle of its own.
                if !inner.entries.is_empty() {
                    inner.shared = true;
                    self.known.notify_all();
                }
                inner.entries.push(Entry {
                    thread: me,
                    busy: false,
                    turn,
                });
            }
        }
        self.recount(&inner);
    }

    /// A number for what is received next, to return it by.
    #[inline]
    pub fn number(&self) -> u64 {
        self.taken.fetch_add(1, Ordering::Relaxed)
    }

    /// Takes back what was received under `number`, to be received again before
    /// what came after it. Of a part that `more` follow, together with those that
    /// the calling thread has still to receive.
    pub fn give_back(&self, number: u64, mut message: Multipart, more: bool) {
        let me = Owner::here();
        let mut inner = self.lock();
        if more {
            let mine = inner.entries.iter().position(|entry| entry.thread == me);
            if let Some(place) = mine {
                let entry = &mut inner.entries[place];
                for part in std::mem::take(&mut entry.turn.rest) {
                    message.push(part);
                }
                if entry.turn.is_blank() {
                    inner.entries.swap_remove(place);
                }
            }
        }
        inner.returned.insert(number, message);
        self.recount(&inner);
    }

    /// The first message that was given back.
    #[cold]
    pub fn take_returned(&self) -> Option<Multipart> {
        let mut inner = self.lock();
        let (_, message) = inner.returned.pop_first()?;
        self.recount(&inner);
        Some(message)
    }

    fn recount(&self, inner: &Inner) {
        let returned = usize::from(!inner.returned.is_empty());
        self.open
            .store(inner.entries.len() + returned, Ordering::Release);
    }

    /// Whether the calling thread has handed over a part and not the last, and
    /// whether it has parts to come, or a message that was given back.
    pub fn state(&self) -> (bool, bool) {
        if !self.any() {
            return (false, false);
        }
        let me = Owner::here();
        let mut inner = self.lock();
        self.continue_asked(&mut inner, me);
        let mut entries = inner.entries.iter();
        let entry = entries.find(|entry| !inner.shared || entry.thread == me);
        let returned = !inner.returned.is_empty();
        entry.map_or((false, returned), |entry| {
            let rest = entry.turn.rest.len() > 0;
            (entry.turn.sending.is_some(), rest || returned)
        })
    }

    /// Whether there is a message that was given back.
    pub fn has_returned(&self) -> bool {
        self.any() && !self.lock().returned.is_empty()
    }

    /// Whether the message that the calling thread is receiving has more parts.
    /// Not to be answered before it is clear whose a half message is: the
    /// answer decides what the next receive is taken for.
    pub fn has_more(&self) -> bool {
        if !self.any() {
            return false;
        }
        let me = Owner::here();
        let mut inner = self.lock();
        if inner.entries.iter().all(|entry| entry.thread != me) {
            if inner.shared {
                return false;
            }
            inner = self.judge(inner, me);
        }
        self.continue_asked(&mut inner, me);
        let mine = inner.entries.iter().find(|entry| entry.thread == me);
        mine.is_some_and(|entry| entry.turn.rest.len() > 0)
    }

    /// The owner of a half message is at it, which settles it for who asks.
    fn continue_asked(&self, inner: &mut Inner, me: Owner) {
        if inner.asking > 0 && inner.entries.iter().any(|entry| entry.thread == me) {
            inner.shared = true;
            self.known.notify_all();
        }
    }

    /// Finds out whether the half message of another thread is to be gone on
    /// with by this one.
    fn judge<'a>(&self, mut inner: MutexGuard<'a, Inner>, me: Owner) -> MutexGuard<'a, Inner> {
        if inner.entries.iter().any(|entry| entry.busy) {
            inner.shared = true;
            return inner;
        }
        let Some(entry) = inner.entries.first() else {
            return inner;
        };
        let watch = entry.thread.watch();
        let moment = match inner.handed_over {
            true => SHORT_MOMENT,
            false => MOMENT,
        };
        inner.asking += 1;
        while !inner.shared && !watch.is_elsewhere(moment) {
            let waited = self.known.wait_timeout(inner, SHORT_MOMENT);
            inner = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        inner.asking -= 1;
        if !inner.shared {
            inner.handed_over = true;
            if let Some(entry) = inner.entries.first_mut() {
                entry.thread = me;
            }
        }
        inner
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;

    fn half(text: &str) -> Turn {
        Turn {
            sending: Some(Multipart::from(text)),
            ..Turn::default()
        }
    }

    #[test]
    fn a_socket_handed_over_takes_its_half_message_along() {
        let turns = Arc::new(Turns::default());
        turns.put(half("first"));
        assert_eq!(turns.state(), (true, false));
        let theirs = Arc::clone(&turns);
        let taken = thread::spawn(move || theirs.take().sending);
        let taken = taken.join().expect("taking does not panic");
        assert_eq!(
            taken.map(|message| message.first().to_text()),
            Some("first".to_owned())
        );
    }

    #[test]
    fn threads_that_share_a_socket_keep_their_own() {
        let turns = Arc::new(Turns::default());
        turns.put(half("mine"));
        let (tell, told) = channel();
        let theirs = Arc::clone(&turns);
        let other = thread::spawn(move || {
            let empty = theirs.take().sending.is_none();
            theirs.put(half("theirs"));
            tell.send(()).expect("somebody listens");
            empty
        });
        // Goes on for as long as the other asks.
        while told.try_recv().is_err() {
            let turn = turns.take();
            let sending = turn.sending.as_ref().map(|m| m.first().to_text());
            // On a machine that is held up for longer than a moment the other
            // took it over, as if it had been handed the socket.
            if sending.is_none() {
                return;
            }
            assert_eq!(sending.as_deref(), Some("mine"));
            turns.put(turn);
        }
        assert!(other.join().expect("taking does not panic"));
        assert_eq!(
            turns.take().sending.map(|m| m.first().to_text()).as_deref(),
            Some("mine")
        );
    }

    #[test]
    fn a_call_during_another_shares_at_once() {
        let turns = Arc::new(Turns::default());
        turns.put(half("mine"));
        let turn = turns.take();
        let theirs = Arc::clone(&turns);
        let empty = thread::spawn(move || theirs.take().sending.is_none());
        assert!(empty.join().expect("taking does not panic"));
        turns.put(turn);
        assert_eq!(turns.state(), (true, false));
    }

    #[test]
    fn what_is_given_back_comes_first_and_in_order() {
        let turns = Turns::default();
        let (first, second) = (turns.number(), turns.number());
        assert!(!turns.any());
        turns.give_back(second, Multipart::from("second"), false);
        turns.put(Turn {
            rest: vec![Message::from("rest")].into_iter(),
            ..Turn::default()
        });
        turns.give_back(first, Multipart::from("first"), true);
        assert_eq!(turns.state(), (false, true));
        let whole = turns.take_returned().expect("two were given back");
        let parts: Vec<_> = whole.iter().map(Message::to_text).collect();
        assert_eq!(parts, ["first", "rest"]);
        let second = turns.take_returned().expect("one is left");
        assert_eq!(second.first().to_text(), "second");
        assert!(!turns.any() && turns.take_returned().is_none());
    }
}
