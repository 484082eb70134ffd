//! The server's states.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::seal::{Boxes, Side};
use super::{
    COOKIE, COOKIE_NONCE, Fields, HELLO_DATA, HELLO_NONCE, INITIATE_DATA, INITIATE_NONCE, KEY,
    LONG_NONCE, NAME, PADDING, READY_NONCE, SIGNATURE, VERSION, VOUCH, VOUCH_NONCE, WELCOME_NONCE,
    random_nonce,
};
use crate::command::{Command, HELLO, INITIATE, READY, WELCOME};
use crate::crypto::{SharedKey, long_nonce, short_nonce};
use crate::mechanism::{Expect, ExpectVerdict, Link, Mechanism, Step};
use crate::{Credentials, Error, KeyPair, NoRandomness, PublicKey, SecretKey};

/// The side whose key the other knows beforehand. Holds its permanent pair.
pub(in crate::mechanism) struct CurveServer(pub(in crate::mechanism) KeyPair);

impl Mechanism for CurveServer {
    fn name(&self) -> &'static str {
        NAME
    }

    fn start(self: Box<Self>, _link: &mut Link<'_>) -> Result<Step, Error> {
        Ok(Step::Next(Box::new(ExpectHello { permanent: self.0 })))
    }
}

/// Nothing is in yet.
struct ExpectHello {
    permanent: KeyPair,
}

impl Expect for ExpectHello {
    fn command(self: Box<Self>, command: Command<'_>, link: &mut Link<'_>) -> Result<Step, Error> {
        command.must_be(HELLO, "waiting for HELLO")?;
        if command.data.len() != HELLO_DATA {
            return Err(command.malformed("it has not 200 bytes"));
        }
        let mut fields = Fields::of(command);
        if *fields.take()? != VERSION {
            return Err(command.malformed("its version is not 1.0"));
        }
        if *fields.take()? != [0; PADDING] {
            return Err(command.malformed("its padding is not zero"));
        }
        let client = PublicKey::from_bytes(*fields.take()?);
        let counter = fields.counter()?;
        let closed = || Error::Cryptographic { name: "HELLO" };
        let key = SharedKey::agree(&client, self.permanent.secret()).ok_or_else(closed)?;
        let signature = key
            .open(&short_nonce(HELLO_NONCE, counter), fields.rest)
            .ok_or_else(closed)?;
        if **signature != SIGNATURE {
            return Err(command.malformed("its signature is not of zeros"));
        }

        let transient = KeyPair::generate()?;
        let cookie_key = SharedKey::random()?;
        let nonce = random_nonce()?;
        let mut welcome = nonce.to_vec();
        // With its whole length from the start, no copies are left behind.
        let mut plain = Zeroizing::new(Vec::with_capacity(KEY + COOKIE));
        plain.extend_from_slice(transient.public().as_bytes());
        bake_cookie(&cookie_key, &client, transient.secret(), &mut plain)?;
        key.seal(&long_nonce(WELCOME_NONCE, &nonce), &plain, &mut welcome);
        link.send(WELCOME, &welcome);
        Ok(Step::Next(Box::new(ExpectInitiate {
            permanent: self.permanent,
            cookie_key,
            counter,
        })))
    }
}

/// WELCOME is out; all we know of the connection is in its cookie.
struct ExpectInitiate {
    permanent: KeyPair,
    cookie_key: SharedKey,
    /// The last one received.
    counter: u64,
}

impl Expect for ExpectInitiate {
    fn command(self: Box<Self>, command: Command<'_>, link: &mut Link<'_>) -> Result<Step, Error> {
        command.must_be(INITIATE, "waiting for INITIATE")?;
        if command.data.len() < INITIATE_DATA {
            return Err(command.malformed("it has less than 257 bytes"));
        }
        let closed = || Error::Cryptographic { name: "INITIATE" };
        let mut fields = Fields::of(command);
        let (client, transient) =
            open_cookie(&self.cookie_key, fields.take()?).ok_or_else(closed)?;
        let counter = fields.counter()?;
        if counter <= self.counter {
            return Err(Error::InvalidSequence {
                nonce: counter,
                last: self.counter,
            });
        }
        let key = SharedKey::agree(&client, &transient).ok_or_else(closed)?;
        let opened = key
            .open(&short_nonce(INITIATE_NONCE, counter), fields.rest)
            .ok_or_else(closed)?;

        let mut fields = Fields::within(command, &opened);
        let permanent = PublicKey::from_bytes(*fields.take()?);
        let mut vouch = Fields::within(command, fields.take::<VOUCH>()?);
        let nonce = long_nonce(VOUCH_NONCE, vouch.take()?);
        let vouched = SharedKey::agree(&permanent, &transient)
            .and_then(|key| key.open(&nonce, vouch.rest))
            .ok_or_else(closed)?;
        let (vouched_client, vouched_server) = vouched.split_at(KEY);
        if !bool::from(vouched_client.ct_eq(client.as_bytes())) {
            return Err(Error::KeyExchange {
                what: "transient key",
            });
        }
        if !bool::from(vouched_server.ct_eq(self.permanent.public().as_bytes())) {
            return Err(Error::KeyExchange { what: "server" });
        }
        link.admit(fields.rest)?;
        let public_key = &permanent;
        Ok(Step::Ask(
            Credentials::Curve { public_key }.into(),
            Box::new(ExpectAdmission {
                key,
                counter,
                metadata: fields.rest.to_vec(),
            }),
        ))
    }
}

/// The client has proved who it is, and is being judged.
struct ExpectAdmission {
    /// Shared by C' and s'.
    key: SharedKey,
    /// The last one received.
    counter: u64,
    /// As it came: read, it would take twice the room while nobody is in yet.
    metadata: Vec<u8>,
}

impl ExpectVerdict for ExpectAdmission {
    fn accepted(self: Box<Self>, link: &mut Link<'_>) -> Result<Step, Error> {
        let metadata = link.admit(&self.metadata)?;
        let counter = 1u64;
        let mut ready = counter.to_be_bytes().to_vec();
        let nonce = short_nonce(READY_NONCE, counter);
        self.key.seal(&nonce, link.metadata(), &mut ready);
        link.send(READY, &ready);
        Ok(Step::Done {
            metadata,
            seal: Some(Box::new(Boxes::new(
                Side::Server,
                &self.key,
                counter,
                self.counter,
            ))),
        })
    }
}

/// Appends the cookie with both transient keys in it.
fn bake_cookie(
    key: &SharedKey,
    client: &PublicKey,
    transient: &SecretKey,
    out: &mut Vec<u8>,
) -> Result<(), NoRandomness> {
    let nonce = random_nonce()?;
    let mut plain = Zeroizing::new([0; 2 * KEY]);
    plain[..KEY].copy_from_slice(client.as_bytes());
    plain[KEY..].copy_from_slice(transient.as_bytes());
    out.extend_from_slice(&nonce);
    key.seal(&long_nonce(COOKIE_NONCE, &nonce), &*plain, out);
    Ok(())
}

/// The transient keys in the cookie: the client's public one and our secret one.
fn open_cookie(key: &SharedKey, cookie: &[u8; COOKIE]) -> Option<(PublicKey, SecretKey)> {
    let (nonce, sealed) = cookie.split_first_chunk::<LONG_NONCE>()?;
    let plain = key.open(&long_nonce(COOKIE_NONCE, nonce), sealed)?;
    let (client, transient) = plain.split_first_chunk()?;
    Some((
        PublicKey::from_bytes(*client),
        SecretKey::from_bytes(*transient.first_chunk()?),
    ))
}
