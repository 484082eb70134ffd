//! The seam for security mechanisms: a handshake of commands, and what happens to
//! frames after it.
//!
//! A handshake is a chain of states. Each is a struct of its own that waits for one
//! command and is consumed by it, so a state that is over cannot be gone back to.
//! The engine knows the traits below and no mechanism by name.

use crate::command::{self, Command};
use crate::frame::Flags;
use crate::metadata::Metadata;
use crate::{Claim, Config, Error, Security, SocketType};

mod curve;
mod null;
mod plain;
#[cfg(test)]
pub(crate) mod toy;

/// The mechanism that the settings ask for.
pub(crate) fn of(config: &Config) -> Box<dyn Mechanism> {
    match &config.security {
        Security::Null => Box::new(null::Null {
            authenticate: config.authenticate_null,
        }),
        Security::PlainClient(login) => Box::new(plain::PlainClient(login.clone())),
        Security::PlainServer => Box::new(plain::PlainServer),
        Security::CurveClient(keys) => Box::new(curve::CurveClient(keys.clone())),
        Security::CurveServer(keys) => Box::new(curve::CurveServer(keys.clone())),
    }
}

/// A mechanism before its handshake.
pub(crate) trait Mechanism: Send {
    /// The name in the greeting, at most 20 bytes.
    fn name(&self) -> &'static str;

    /// Whether peers from before 3.0, which know no handshake, may come in.
    fn admits_old_peers(&self) -> bool {
        false
    }

    /// Both ends agree on this mechanism: sends what goes first, if anything.
    fn start(self: Box<Self>, link: &mut Link<'_>) -> Result<Step, Error>;
}

/// One state of a handshake, waiting for the peer's next command.
pub(crate) trait Expect: Send {
    /// Splits a command into its name and data.
    fn parse<'a>(&self, payload: &'a [u8]) -> Result<Command<'a>, Error> {
        Command::parse(payload)
    }

    /// Takes the command and moves on.
    fn command(self: Box<Self>, command: Command<'_>, link: &mut Link<'_>) -> Result<Step, Error>;
}

/// A state that waits for a verdict on the peer, not for a command.
pub(crate) trait ExpectVerdict: Send {
    /// The peer is let in. If it is not, the state is dropped instead.
    fn accepted(self: Box<Self>, link: &mut Link<'_>) -> Result<Step, Error>;
}

/// Where a command has led.
pub(crate) enum Step {
    /// The handshake goes on.
    Next(Box<dyn Expect>),
    /// The handshake goes on if the peer is let in with what it has shown.
    Ask(Claim, Box<dyn ExpectVerdict>),
    /// The handshake is over; without a seal, frames go to the wire as they are.
    Done {
        metadata: Metadata,
        seal: Option<Box<dyn Seal>>,
    },
}

/// The protection of frames after the handshake.
pub(crate) trait Seal: Send {
    /// The length that `len` payload bytes have when sealed.
    fn sealed_len(&self, len: u64) -> u64;

    /// Appends the payload `parts`, taken together, and its flags, sealed. Called in
    /// the order in which frames go to the wire, so nonces may count. If it fails, it
    /// may have appended anything.
    fn seal(&mut self, flags: Flags, parts: &[&[u8]], out: &mut Vec<u8>) -> Result<(), Error>;

    /// Opens a sealed frame where it lies, in two pieces: the payload, and what goes
    /// before it, as long as the sealing of no bytes. Nothing is changed if it does not
    /// open.
    fn open_in_place(&mut self, head: &mut [u8], payload: &mut [u8]) -> Result<Flags, Error>;

    /// Replaces `opened` by what is inside the sealed bytes of one frame; its flags,
    /// and where in `opened` the payload starts.
    fn open(&mut self, sealed: &[u8], opened: &mut Vec<u8>) -> Result<(Flags, usize), Error>;
}

/// What a state of the handshake has to work with.
pub(crate) struct Link<'a> {
    socket_type: SocketType,
    metadata: &'a [u8],
    out: &'a mut Vec<u8>,
}

impl<'a> Link<'a> {
    pub(crate) fn new(socket_type: SocketType, metadata: &'a [u8], out: &'a mut Vec<u8>) -> Self {
        Self {
            socket_type,
            metadata,
            out,
        }
    }

    /// Our metadata, encoded.
    pub(crate) fn metadata(&self) -> &'a [u8] {
        self.metadata
    }

    /// Sends a command.
    pub(crate) fn send(&mut self, name: &[u8], data: &[u8]) {
        command::put_frame(name, data, self.out);
    }

    /// Reads the peer's metadata; refuses a peer whose type does not suit ours.
    pub(crate) fn admit(&self, metadata: &[u8]) -> Result<Metadata, Error> {
        Metadata::parse(metadata, self.socket_type)
    }
}
