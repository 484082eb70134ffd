//! The client's states.

use super::seal::{Boxes, Side};
use super::{
    Fields, HELLO_NONCE, INITIATE_NONCE, NAME, PADDING, READY_DATA, READY_NONCE, SIGNATURE,
    VERSION, VOUCH_NONCE, WELCOME_DATA, WELCOME_NONCE, random_nonce,
};
use crate::command::{Command, HELLO, INITIATE, READY, WELCOME};
use crate::crypto::{SharedKey, long_nonce, short_nonce};
use crate::mechanism::{Expect, Link, Mechanism, Step};
use crate::{Error, KeyPair, PublicKey, config};

/// The side that knows the other's key beforehand.
pub(in crate::mechanism) struct CurveClient(pub(in crate::mechanism) config::CurveClient);

impl Mechanism for CurveClient {
    fn name(&self) -> &'static str {
        NAME
    }

    fn start(self: Box<Self>, link: &mut Link<'_>) -> Result<Step, Error> {
        let transient = KeyPair::generate()?;
        let key =
            SharedKey::agree(&self.0.server_key, transient.secret()).ok_or(Error::WeakServerKey)?;
        let counter = 1u64;
        let mut hello = Vec::new();
        hello.extend_from_slice(&VERSION);
        hello.extend_from_slice(&[0; PADDING]);
        hello.extend_from_slice(transient.public().as_bytes());
        hello.extend_from_slice(&counter.to_be_bytes());
        key.seal(&short_nonce(HELLO_NONCE, counter), &SIGNATURE, &mut hello);
        link.send(HELLO, &hello);
        Ok(Step::Next(Box::new(ExpectWelcome {
            keys: self.0,
            transient,
            key,
            counter,
        })))
    }
}

/// HELLO is out.
struct ExpectWelcome {
    keys: config::CurveClient,
    transient: KeyPair,
    /// Shared by c' and S.
    key: SharedKey,
    /// The last one sent.
    counter: u64,
}

impl Expect for ExpectWelcome {
    fn command(self: Box<Self>, command: Command<'_>, link: &mut Link<'_>) -> Result<Step, Error> {
        command.must_be_or_refuse(WELCOME, "waiting for WELCOME")?;
        if command.data.len() != WELCOME_DATA {
            return Err(command.malformed("it has not 168 bytes"));
        }
        let closed = || Error::Cryptographic { name: "WELCOME" };
        let mut fields = Fields::of(command);
        let nonce = long_nonce(WELCOME_NONCE, fields.take()?);
        let opened = self.key.open(&nonce, fields.rest).ok_or_else(closed)?;
        let mut fields = Fields::within(command, &opened);
        let server = PublicKey::from_bytes(*fields.take()?);
        let cookie = fields.rest;

        let key = SharedKey::agree(&server, self.transient.secret()).ok_or_else(closed)?;
        let vouch_key = SharedKey::agree(&server, &self.keys.secret_key).ok_or_else(closed)?;
        let vouch_nonce = random_nonce()?;
        let mut vouched = [0; 64];
        vouched[..32].copy_from_slice(self.transient.public().as_bytes());
        vouched[32..].copy_from_slice(self.keys.server_key.as_bytes());
        let mut plain = self.keys.public_key.as_bytes().to_vec();
        plain.extend_from_slice(&vouch_nonce);
        vouch_key.seal(&long_nonce(VOUCH_NONCE, &vouch_nonce), &vouched, &mut plain);
        plain.extend_from_slice(link.metadata());

        let counter = self.counter + 1;
        let mut initiate = cookie.to_vec();
        initiate.extend_from_slice(&counter.to_be_bytes());
        key.seal(&short_nonce(INITIATE_NONCE, counter), &plain, &mut initiate);
        link.send(INITIATE, &initiate);
        Ok(Step::Next(Box::new(ExpectReady { key, counter })))
    }
}

/// INITIATE is out.
struct ExpectReady {
    /// Shared by c' and S'.
    key: SharedKey,
    /// The last one sent.
    counter: u64,
}

impl Expect for ExpectReady {
    fn command(self: Box<Self>, command: Command<'_>, link: &mut Link<'_>) -> Result<Step, Error> {
        command.must_be_or_refuse(READY, "waiting for READY")?;
        if command.data.len() < READY_DATA {
            return Err(command.malformed("it has less than 30 bytes"));
        }
        let mut fields = Fields::of(command);
        let counter = fields.counter()?;
        let opened = self
            .key
            .open(&short_nonce(READY_NONCE, counter), fields.rest)
            .ok_or(Error::Cryptographic { name: "READY" })?;
        Ok(Step::Done {
            metadata: link.admit(&opened)?,
            seal: Some(Box::new(Boxes::new(
                Side::Client,
                &self.key,
                self.counter,
                counter,
            ))),
        })
    }
}
