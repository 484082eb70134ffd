//! Connections that break and come back, sockets that close with a backlog,
//! contexts that end under blocked calls, processes that fork. The rows are
//! those of the project's list of faults.

#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

mod abandoned;
mod broken;
mod forks;
mod kills;
mod lingering;
mod panics;
mod restarts;
mod slow;
mod terminated;

use std::time::Duration;

use testkit::{Deadline, PATIENCE, Random, Sender};
use zincmq::options::opt;
use zincmq::{Context, Multipart, Socket, SocketType};

fn deadline() -> Deadline {
    Deadline::new(Duration::from_secs(40))
}

fn multipart<P: Into<zincmq::Message>>(parts: impl IntoIterator<Item = P>) -> Multipart {
    parts.into_iter().map(Into::into).collect()
}

/// A socket that comes back soon after it lost its connection.
fn eager(context: &Context, socket_type: SocketType) -> Socket {
    let socket = context.socket(socket_type).unwrap();
    socket
        .set(opt::ReconnectInterval(Some(Duration::from_millis(2))))
        .unwrap();
    socket
}

/// The connection a message came over: the order holds on each.
fn lane(message: &Multipart) -> u64 {
    let peer = message.peer().expect("what comes over tcp has a peer");
    std::ptr::from_ref(peer) as u64
}

/// Sends so many messages of all sorts, to a peer of that routing id if there is one.
fn send_all(socket: &Socket, sender: &mut Sender, to: Option<&[u8]>, count: u64) {
    let mut random = Random::new(u64::from(sender.number()));
    for _ in 0..count {
        let parts = 1 + random.below(3) as u16;
        let mut message = sender.message(parts, random.below(200) as usize);
        if let Some(to) = to {
            message.insert(0, to.to_vec());
        }
        // Connections may be killed for a while before one gets through.
        let sent = socket.send_timeout(multipart(message), 4 * PATIENCE);
        sent.unwrap();
    }
}
