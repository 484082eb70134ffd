//! Sockets for asyncio.
//!
//! A call first tries what it is for. What can be done at once is done, and
//! neither the event loop nor one of its futures is touched. Else it queues at
//! the socket's station for the running loop, which listens to the engine. The
//! engine's threads then put the station on the list of the loop's hub, and ring
//! the hub's bell unless it rings already: they never take the GIL. The loop
//! calls the hub, and that has each station on the list try again.
//!
//! What was received stays a message of the engine's until somebody asks for it
//! as a Python object, so that a task which is cancelled in between can give it
//! back.
//!
//! | File | What |
//! |---|---|
//! | `socket.rs` | the class of sockets |
//! | `future.rs` | what its calls return |
//! | `operation.rs` | what there is to do: a send, a receive or a poll |
//! | `station.rs` | what waits at one socket for one loop |
//! | `hub.rs`, `bell.rs` | how one loop is told of all its sockets |
//! | `agenda.rs` | whether the loop has something else to do |
//! | `turn.rs` | how long a task may go on without the loop's having a turn |

mod agenda;
mod bell;
mod future;
mod hub;
mod operation;
mod socket;
mod station;
mod turn;

pub use future::Future;
pub use hub::Hub;
pub use socket::AsyncSocket;
