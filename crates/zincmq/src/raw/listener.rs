//! Being woken when something changes for a socket, by one who then tries again
//! what would have had to wait.

use std::task::Waker;

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
    /// thread, and for changes that matter to others.
    pub fn listen(&mut self, socket: &Socket, waker: &Waker) {
        socket.inner().waiting().register(&mut self.0, waker);
    }

    /// Is not woken any more.
    pub fn leave(&mut self, socket: &Socket) {
        socket.inner().waiting().withdraw(&mut self.0);
    }

    /// Reads and writes what can be without waiting, before a last try.
    pub fn look(socket: &Socket) {
        socket.inner().look();
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
