//! A peer that speaks CURVE (RFC 26), made of boxes of another make than the engine's.

use crypto_box::aead::Aead;
use crypto_box::{PublicKey, SalsaBox, SecretKey};

pub type Key = [u8; 32];

/// The permanent secret keys of both ends.
pub const CLIENT: Key = [3; 32];
pub const SERVER: Key = [4; 32];
/// The transient secret key of the peer that is played.
pub const TRANSIENT: Key = [5; 32];

pub fn public(secret: &Key) -> Key {
    *SecretKey::from(*secret).public_key().as_bytes()
}

/// A nonce of a counter behind its 16 characters.
pub fn short(prefix: &[u8; 16], counter: u64) -> [u8; 24] {
    let mut nonce = [0; 24];
    nonce[..16].copy_from_slice(prefix);
    nonce[16..].copy_from_slice(&counter.to_be_bytes());
    nonce
}

/// A nonce of 16 bytes behind its 8 characters.
pub fn long(prefix: &[u8; 8], rest: &[u8; 16]) -> [u8; 24] {
    let mut nonce = [0; 24];
    nonce[..8].copy_from_slice(prefix);
    nonce[8..].copy_from_slice(rest);
    nonce
}

/// The box with `plain` in it.
pub fn seal(nonce: [u8; 24], to: &Key, from: &Key, plain: &[u8]) -> Vec<u8> {
    SalsaBox::new(&PublicKey::from(*to), &SecretKey::from(*from))
        .encrypt(&nonce.into(), plain)
        .expect("what fits into memory can be sealed")
}

/// What is in the box, if it opens.
pub fn open(nonce: [u8; 24], from: &Key, to: &Key, sealed: &[u8]) -> Option<Vec<u8>> {
    SalsaBox::new(&PublicKey::from(*from), &SecretKey::from(*to))
        .decrypt(&nonce.into(), sealed)
        .ok()
}

/// A frame of that name and data, with those flags.
pub fn frame(flags: u8, name: &str, data: &[u8]) -> Vec<u8> {
    let len = (1 + name.len() + data.len()) as u64;
    let mut frame = vec![flags | 2];
    frame.extend_from_slice(&len.to_be_bytes());
    frame.push(name.len() as u8);
    frame.extend_from_slice(name.as_bytes());
    frame.extend_from_slice(data);
    frame
}

/// The data of the command in the last frame of `bytes`, if it has that name.
pub fn data<'a>(bytes: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let payload = match bytes {
        [4, len, rest @ ..] if rest.len() == usize::from(*len) => rest,
        [6, rest @ ..] => rest.get(8..)?,
        _ => return None,
    };
    let rest = payload.strip_prefix(&[name.len() as u8])?;
    rest.strip_prefix(name.as_bytes())
}
