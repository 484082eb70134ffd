//! CURVE (RFC 25, RFC 26): both ends prove who they are, and all that follows is sealed.
//!
//! Each end has a permanent key pair (the client C and c, the server S and s) and makes
//! a transient one for the connection (C' and c', S' and s'). `[X](a->B)` is a box with
//! X in it that only the owners of a and b can make and open.
//!
//! | Client | Server |
//! |---|---|
//! | HELLO: C', `[64 zeros](c'->S)` | |
//! | | WELCOME: `[S', cookie](s->C')`, cookie = `[C', s'](K)` |
//! | INITIATE: cookie, `[C, vouch, metadata](c'->S')`, vouch = `[C', S](c->S')` | |
//! | | READY: `[metadata](s'->C')`, or ERROR |
//! | MESSAGE: `[flags, payload](c'->S')` | MESSAGE: `[flags, payload](s'->C')` |
//!
//! The server keeps nothing of its own and the client's transient keys until the cookie
//! is back. K is made for one connection: a cookie is of no use on another.

mod client;
mod seal;
mod server;
#[cfg(test)]
mod tests;

pub(super) use client::CurveClient;
pub(super) use server::CurveServer;

use crate::command::Command;
use crate::crypto::{MAC, fill_random};
use crate::{Error, NoRandomness};

const NAME: &str = "CURVE";

/// The version in HELLO: 1.0.
const VERSION: [u8; 2] = [1, 0];
/// Zeros that make HELLO longer than WELCOME, so that the server amplifies nothing.
const PADDING: usize = 72;
/// What is in HELLO's box.
const SIGNATURE: [u8; 64] = [0; 64];

/// Sizes in bytes of what follows the commands' names.
const HELLO_DATA: usize = 2 + PADDING + KEY + SHORT_NONCE + MAC + SIGNATURE.len();
const WELCOME_DATA: usize = LONG_NONCE + MAC + KEY + COOKIE;
const INITIATE_DATA: usize = COOKIE + SHORT_NONCE + MAC + KEY + VOUCH;
const READY_DATA: usize = SHORT_NONCE + MAC;
const MESSAGE_DATA: usize = SHORT_NONCE + MAC + FLAGS;

const KEY: usize = 32;
const SHORT_NONCE: usize = 8;
const LONG_NONCE: usize = 16;
const FLAGS: usize = 1;
const COOKIE: usize = LONG_NONCE + MAC + 2 * KEY;
const VOUCH: usize = LONG_NONCE + MAC + 2 * KEY;

/// What goes before a counter to make a nonce of it.
const HELLO_NONCE: &[u8; 16] = b"CurveZMQHELLO---";
const INITIATE_NONCE: &[u8; 16] = b"CurveZMQINITIATE";
const READY_NONCE: &[u8; 16] = b"CurveZMQREADY---";
const CLIENT_NONCE: &[u8; 16] = b"CurveZMQMESSAGEC";
const SERVER_NONCE: &[u8; 16] = b"CurveZMQMESSAGES";

/// What goes before random bytes to make a nonce of them.
const WELCOME_NONCE: &[u8; 8] = b"WELCOME-";
const COOKIE_NONCE: &[u8; 8] = b"COOKIE--";
const VOUCH_NONCE: &[u8; 8] = b"VOUCH---";

/// Takes pieces of known sizes off the front of a command's data, whose length has been
/// checked.
struct Fields<'a> {
    rest: &'a [u8],
    command: Command<'a>,
}

impl<'a> Fields<'a> {
    fn of(command: Command<'a>) -> Self {
        Self::within(command, command.data)
    }

    /// The fields of what was in a box of the command.
    fn within(command: Command<'a>, data: &'a [u8]) -> Self {
        Self {
            rest: data,
            command,
        }
    }

    fn take<const N: usize>(&mut self) -> Result<&'a [u8; N], Error> {
        let (field, rest) = self
            .rest
            .split_first_chunk()
            .ok_or_else(|| self.command.malformed("it ends within a field"))?;
        self.rest = rest;
        Ok(field)
    }

    fn counter(&mut self) -> Result<u64, Error> {
        Ok(u64::from_be_bytes(*self.take()?))
    }
}

/// The random part of a long nonce.
fn random_nonce() -> Result<[u8; LONG_NONCE], NoRandomness> {
    let mut nonce = [0; LONG_NONCE];
    fill_random(&mut nonce)?;
    Ok(nonce)
}
