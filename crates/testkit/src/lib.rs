//! What ZincMQ's tests are made of, and nothing of ZincMQ itself:
//!
//! - [`ScriptedPeer`]: the other end of a connection, written down byte by
//!   byte, in any version of ZMTP; [`wire`] has the bytes.
//! - [`FaultProxy`]: a tcp proxy that delays, splits, stops, cuts and resets.
//! - [`SocksProxy`]: a SOCKS5 proxy that takes down what it is asked.
//! - [`Ledger`]: messages that prove what became of them.
//! - [`Deadline`]: ends a test that hangs, and says where it hung.
//! - [`own_process`]: runs a test in a process of its own.
//!
//! Everything here panics when an expectation fails, as a test should, and
//! waits for nothing longer than [`PATIENCE`] unless told otherwise.

mod crc;
mod deadline;
mod ledger;
mod peer;
mod process;
mod proxy;
mod random;
mod socks;
mod stream;
pub mod wire;

pub use deadline::{Deadline, eventually};
pub use ledger::{Balance, Breach, Gap, Ledger, Sender};
pub use peer::{Handshake, PeerListener, ScriptedPeer};
pub use process::{open_descriptors, own_process, resident_bytes};
pub use proxy::{Direction, Ending, FaultProxy};
pub use random::Random;
pub use socks::{SocksHost, SocksProxy, SocksRequest};
pub use wire::{Frame, Version};

use std::time::Duration;

/// How long anything here waits for what it expects. Generous: it only ever
/// passes when a test fails.
pub const PATIENCE: Duration = Duration::from_secs(8);
