//! The cryptography that CURVE is built on, NaCl's `crypto_box`: X25519, XSalsa20
//! and Poly1305. With its modules the only file that names the crates it comes from.

use dryoc::classic::crypto_box;
use dryoc::classic::crypto_core::crypto_scalarmult_base;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

mod sequence;

pub(crate) use self::sequence::Sequence;

use crate::{NoRandomness, PublicKey, SecretKey};

/// Bytes by which a box is longer than what is in it.
pub(crate) const MAC: usize = 16;

/// A nonce as NaCl takes it.
pub(crate) type Nonce = [u8; 24];

/// A nonce of random bytes behind its 8 characters.
pub(crate) fn long_nonce(prefix: &[u8; 8], random: &[u8; 16]) -> Nonce {
    let mut nonce = [0; 24];
    nonce[..8].copy_from_slice(prefix);
    nonce[8..].copy_from_slice(random);
    nonce
}

/// A nonce of a counter behind its 16 characters.
pub(crate) fn short_nonce(prefix: &[u8; 16], counter: u64) -> Nonce {
    let mut nonce = [0; 24];
    nonce[..16].copy_from_slice(prefix);
    nonce[16..].copy_from_slice(&counter.to_be_bytes());
    nonce
}

/// What two ends make of one's secret and the other's public key, and seal boxes with.
/// Wiped from memory when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct SharedKey([u8; 32]);

impl SharedKey {
    /// The key shared with the owner of `theirs`; none if that is a point of low order,
    /// with which any two would share the same.
    pub(crate) fn agree(theirs: &PublicKey, ours: &SecretKey) -> Option<Self> {
        let key = crypto_box::crypto_box_beforenm(theirs.as_bytes(), ours.as_bytes()).ok()?;
        Some(Self(*Zeroizing::new(key)))
    }

    /// A key shared with nobody.
    pub(crate) fn random() -> Result<Self, NoRandomness> {
        let mut key = Self([0; 32]);
        fill_random(&mut key.0)?;
        Ok(key)
    }

    /// Seals `data` where it lies; the code that goes before it.
    pub(crate) fn seal_in_place(&self, nonce: &Nonce, data: &mut [u8]) -> [u8; MAC] {
        let mut mac = [0; MAC];
        crypto_box::crypto_box_detached_afternm_inplace(data, &mut mac, nonce, &self.0);
        mac
    }

    /// Appends the box with `plain` in it.
    pub(crate) fn seal(&self, nonce: &Nonce, plain: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[0; MAC]);
        out.extend_from_slice(plain);
        let (mac, data) = out[start..].split_at_mut(MAC);
        mac.copy_from_slice(&self.seal_in_place(nonce, data));
    }

    /// Opens `sealed`, code and data, into `plain`, which is as long as what is in it.
    /// If it does not open, `plain` is as it was.
    #[must_use]
    pub(crate) fn open_into(&self, nonce: &Nonce, sealed: &[u8], plain: &mut [u8]) -> bool {
        let Some((mac, data)) = sealed.split_first_chunk::<MAC>() else {
            return false;
        };
        plain.len() == data.len()
            && crypto_box::crypto_box_open_detached_afternm(plain, data, mac, nonce, &self.0)
                .is_ok()
    }

    /// What is in the box, if it opens.
    pub(crate) fn open(&self, nonce: &Nonce, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut plain = Zeroizing::new(vec![0; sealed.len().checked_sub(MAC)?]);
        self.open_into(nonce, sealed, &mut plain).then_some(plain)
    }
}

/// The public key for the bytes of a secret one.
pub(crate) fn public_key(secret: &[u8; 32]) -> [u8; 32] {
    let mut public = [0; 32];
    crypto_scalarmult_base(&mut public, secret);
    public
}

/// Fills the buffer with bytes that nobody can foresee.
#[cfg(not(fuzzing))]
pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<(), NoRandomness> {
    getrandom::fill(bytes).map_err(|error| NoRandomness {
        reason: error.to_string(),
    })
}

/// Fills the buffer with bytes that are the same in each run, so that finds repeat.
#[cfg(fuzzing)]
pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<(), NoRandomness> {
    fuzzing::fill(bytes);
    Ok(())
}

/// Randomness for fuzzing, where it must be none.
#[cfg(fuzzing)]
pub mod fuzzing {
    use std::cell::Cell;

    thread_local! {
        static STATE: Cell<u64> = const { Cell::new(0) };
    }

    /// Starts this thread's sequence of "random" bytes anew.
    pub fn restart() {
        STATE.set(0);
    }

    pub(super) fn fill(bytes: &mut [u8]) {
        for byte in bytes {
            // Knuth's MMIX generator.
            let next = STATE
                .get()
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            STATE.set(next);
            *byte = (next >> 56) as u8;
        }
    }
}

#[cfg(test)]
mod tests;
