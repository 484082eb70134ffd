//! ZMTP, the wire protocol of ZeroMQ, without I/O: bytes in, events out.
//!
//! Nothing here opens a socket, starts a thread or reads a clock. The caller
//! owns the byte stream and the time, and passes both in. One [`Engine`] is one
//! end of one connection, from the first byte of the greeting to the last frame;
//! it speaks ZMTP 3.1 and meets peers that speak 3.0, 2.0 or 1.0.
//!
//! The parts, in the order the bytes meet them:
//!
//! - `greeting`: who speaks which version; sent in stages, so that old peers answer.
//! - `frame`: flags, sizes and the two framings (1.0, and 2.0 onwards).
//! - `command`: the named commands inside command frames.
//! - `metadata`: the properties that peers tell each other.
//! - `mechanism`: the security handshakes, NULL, PLAIN and CURVE, one struct per state.
//! - `crypto`: the boxes of CURVE.
//! - [`Credentials`] and [`Verdict`]: a peer asks to be let in, and is answered.
//! - [`zap`]: how a handler of ZAP puts its verdict.
//! - `heartbeat`: PING, PONG and the times they set.
//! - [`Engine`]: the states of a connection, built from the parts above.
//! - [`Error`]: why a connection must end.
//!
//! ```
//! use std::time::Instant;
//! use zmtp::{Config, Engine, Event, SocketType};
//!
//! let now = Instant::now();
//! let mut push = Engine::new(Config::new(SocketType::Push), now);
//! let mut pull = Engine::new(Config::new(SocketType::Pull), now);
//! let (mut to_pull, mut to_push) = (Vec::new(), Vec::new());
//! while !(push.is_ready() && pull.is_ready()) {
//!     push.transmit(&mut to_pull);
//!     pull.transmit(&mut to_push);
//!     let (used, _) = pull.step(&to_pull, now)?;
//!     to_pull.drain(..used);
//!     let (used, _) = push.step(&to_push, now)?;
//!     to_push.drain(..used);
//! }
//! push.encode_frame(b"hello", false, &mut to_pull);
//! let (used, event) = pull.step(&to_pull, now)?;
//! assert_eq!((used, event), (7, Event::Frame { more: false, payload: b"hello" }));
//! # Ok::<(), zmtp::Error>(())
//! ```

#![forbid(unsafe_code)]

mod authentication;
mod command;
mod config;
mod crypto;
mod engine;
mod error;
mod frame;
mod greeting;
mod heartbeat;
mod key;
mod mechanism;
mod metadata;
mod peer;
mod socket_type;
pub mod z85;
pub mod zap;

pub use authentication::{Claim, Credentials, Denial, Grant, Verdict, VerdictFault};
pub use config::{Config, CredentialTooLong, CurveClient, Login, Security};
#[cfg(fuzzing)]
pub use crypto::fuzzing;
pub use engine::{Engine, Event};
pub use error::Error;
pub use frame::{put_frame, take_frame};
pub use heartbeat::Heartbeat;
pub use key::{KeyPair, NoRandomness, PublicKey, SecretKey};
pub use metadata::read_properties;
pub use peer::{Peer, Version};
pub use socket_type::SocketType;
pub use z85::Z85Error;
