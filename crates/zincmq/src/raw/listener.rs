//! Being woken when something changes for a socket, by one who then tries again
//! what would have had to wait.

use std::os::fd::{AsFd, BorrowedFd};
use std::task::Waker;
use std::time::{Duration, Instant};

use super::errno::{Outcome, code};
use super::part_socket::PartSocket;
use crate::Socket;
use crate::reactor::{Readiness, Ticket};

/// One who listens to a socket, or not at the moment.
#[derive(Debug, Default)]
pub struct Listener(Ticket);

impl Listener {
    /// Has `waker` woken at the next change, once. The caller tries once more
    /// after this call; what changes from then on wakes. It may be woken on any
    /// thread, and for changes that matter to others. Who also waits at
    /// [`Listener::connections`] is spared the way over the reactor's thread.
    pub fn listen(&mut self, socket: &Socket, waker: &Waker) {
        let waiting = socket.inner().waiting();
        waiting.register_attentive(&mut self.0, waker);
    }

    /// A descriptor that is readable while the socket's connections are to be
    /// seen to with [`Listener::attend`]. If the caller takes its time the
    /// reactor does so. There is none before the socket has any, nor for inproc.
    #[must_use]
    pub fn connections(socket: &Socket) -> Option<BorrowedFd<'_>> {
        let set = socket.inner().waiting().set()?;
        Some(set.as_fd())
    }

    /// Sees to the connections that are ready.
    pub fn attend(socket: &Socket) {
        if let Some(set) = socket.inner().waiting().set() {
            set.renew();
            set.attend(false);
        }
    }

    /// Is not woken any more.
    pub fn leave(&mut self, socket: &Socket) {
        socket.inner().waiting().withdraw(&mut self.0);
    }

    /// Reads and writes what can be without waiting, before a last try.
    pub fn look(socket: &Socket) {
        socket.inner().look();
    }

    /// To be read before the try after which [`Listener::linger`] is called.
    #[must_use]
    pub fn epoch(socket: &Socket) -> u64 {
        socket.inner().waiting().epoch()
    }

    /// Goes on looking at the connections for some microseconds, if waits of late
    /// ended soon and nothing `else_to_do` comes up, which is asked again and
    /// again. True if something has changed since `seen`, so that another try is
    /// worth it.
    pub fn linger(socket: &Socket, seen: u64, mut else_to_do: impl FnMut() -> bool) -> bool {
        /// Whatever the socket says, as timers may be due.
        const LONGEST: Duration = Duration::from_micros(200);
        let begun = Instant::now();
        let waiting = socket.inner().waiting();
        let is_over = || else_to_do() || begun.elapsed() >= LONGEST;
        waiting.look_again(seen, None, is_over)
    }

    /// What was waited for after [`Listener::linger`], if that was of no use, took
    /// so long: which tells whether to linger next time.
    pub fn waited(socket: &Socket, wait: Duration) {
        socket.inner().waiting().slept(wait);
    }

    /// What of `asked` could be done now, without a look at the connections.
    ///
    /// # Errors
    ///
    /// As zmq_poll(3).
    pub fn ready(socket: &PartSocket, asked: Readiness) -> Outcome<Readiness> {
        let (ask, known) = socket.halfway(asked);
        let ready = socket.engine.inner().readiness(ask).map_err(code)?;
        Ok(ready | known)
    }

    /// Wakes all who listen to a socket.
    pub fn wake_all(socket: &Socket) {
        socket.inner().waiting().notify();
    }
}
