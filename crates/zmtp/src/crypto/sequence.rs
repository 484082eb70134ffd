//! The boxes of one direction, whose nonces differ in a counter alone.

use std::ops::Range;

use dryoc::classic::crypto_core::crypto_core_hsalsa20;
use dryoc::classic::crypto_onetimeauth::{
    crypto_onetimeauth, crypto_onetimeauth_final, crypto_onetimeauth_init,
    crypto_onetimeauth_update,
};
use salsa::{BLOCK, Blocks, Key, LANES, Place, add, wipe};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{MAC, SharedKey};

/// Seals or opens what [`SharedKey`] does under nonces of 16 characters and a counter, in
/// less time: what XSalsa20 derives from key and characters is derived once, and the
/// keystream of short messages is made ahead, for several counters at a time. Nobody waits
/// for it: the blocks of one message take as long.
///
/// A counter must not be used twice to seal.
pub(crate) struct Sequence {
    key: Key,
    /// The first [`START`] bytes of keystream for some counters. Wiped once used.
    ahead: Box<Blocks>,
    /// The counter of the first of them; those behind it follow.
    first: u64,
    /// Which of them are there, counted from the first.
    there: Range<u64>,
}

/// Blocks made ahead for each counter.
const BLOCKS: usize = 2;
const START: usize = BLOCKS * BLOCK;

/// Counters for which they are made at a time.
const COUNTERS: u64 = (LANES / BLOCKS) as u64;

/// The keystream's first bytes are the key of Poly1305.
const MAC_KEY: usize = 32;

/// Bytes in a box that the keystream made ahead is enough for.
const INSIDE: usize = START - MAC_KEY;

/// Bytes that are encrypted at a time.
const PIECE: usize = 8 * 1024;

/// How many bytes of a box are encrypted: none, or [`INSIDE`] and some blocks.
#[derive(Clone, Copy, Default)]
struct Progress(usize);

impl Sequence {
    pub(crate) fn new(key: &SharedKey, prefix: &[u8; 16]) -> Self {
        let mut derived = Zeroizing::new([0; 32]);
        crypto_core_hsalsa20(&mut derived, prefix, &key.0, None);
        Self {
            key: Key::new(&derived),
            ahead: Box::new([[0; BLOCK]; LANES]),
            first: 0,
            there: 0..0,
        }
    }

    /// Appends the box with `flags` and the `parts` in it.
    pub(crate) fn seal(&mut self, counter: u64, flags: u8, parts: &[&[u8]], out: &mut Vec<u8>) {
        let start = self.start(counter);
        let mac = out.len();
        let data = mac + MAC;
        out.extend_from_slice(&[0; MAC]);
        out.push(flags);
        let mut done = Progress::default();
        for piece in parts.iter().flat_map(|part| part.chunks(PIECE)) {
            // Piece by piece, so that each is still near when it is encrypted.
            if piece.len() == PIECE {
                done = self.encrypt(start, counter, &mut out[data..], done, false);
            }
            out.extend_from_slice(piece);
        }
        self.encrypt(start, counter, &mut out[data..], done, true);
        let code = code(&self.ahead[start], &out[data..], &[]);
        out[mac..data].copy_from_slice(&code);
        self.wipe(start);
    }

    /// Encrypts more of a box: all of it, or, if more will follow, whole blocks.
    fn encrypt(
        &self,
        start: usize,
        counter: u64,
        data: &mut [u8],
        done: Progress,
        whole: bool,
    ) -> Progress {
        let Progress(mut done) = done;
        if done == 0 {
            if data.len() < INSIDE && !whole {
                return Progress(0);
            }
            add_start(&self.ahead[start..], data, &mut []);
            done = INSIDE;
        }
        let Some(rest) = data.get_mut(done..) else {
            return Progress(done);
        };
        let len = if whole {
            rest.len()
        } else {
            rest.len() / BLOCK * BLOCK
        };
        if len > 0 {
            let block = (done + MAC_KEY) / BLOCK;
            let nonce = counter.to_be_bytes();
            self.key.apply(nonce, block as u64, &mut rest[..len]);
        }
        Progress(done + len)
    }

    /// Opens `front` and `rest` where they lie, if they belong to `mac`. Else not a byte of
    /// them is changed. There is either no `rest`, or `front` is short.
    #[must_use]
    pub(crate) fn open(
        &mut self,
        counter: u64,
        mac: &[u8; MAC],
        front: &mut [u8],
        rest: &mut [u8],
    ) -> bool {
        let start = self.start(counter);
        // Secret if the other is wrong.
        let expected = Zeroizing::new(code(&self.ahead[start], front, rest));
        let is_right = bool::from(expected.ct_eq(mac));
        if is_right {
            add_start(&self.ahead[start..], front, rest);
            self.add_long(counter, front, rest);
        }
        self.wipe(start);
        is_right
    }

    /// Where in `ahead` the keystream for `counter` starts.
    #[inline]
    fn start(&mut self, counter: u64) -> usize {
        let mut offset = counter.wrapping_sub(self.first);
        if !self.there.contains(&offset) {
            self.make(counter);
            offset = 0;
        }
        // This one is about to be wiped, and must not be found again: zeros are a key that
        // everybody knows.
        self.there.start = offset + 1;
        offset as usize * BLOCKS
    }

    #[inline(never)]
    fn make(&mut self, counter: u64) {
        let places = std::array::from_fn(|lane| Place {
            nonce: counter.wrapping_add((lane / BLOCKS) as u64).to_be_bytes(),
            block: (lane % BLOCKS) as u64,
        });
        self.key.blocks(&places, &mut self.ahead);
        self.first = counter;
        self.there = 0..COUNTERS;
    }

    /// Adds what is beyond the blocks made ahead.
    #[inline]
    fn add_long(&self, counter: u64, front: &mut [u8], rest: &mut [u8]) {
        let long = match INSIDE.checked_sub(front.len()) {
            Some(left) => rest.get_mut(left..),
            None => front.get_mut(INSIDE..),
        };
        if let Some(long) = long
            && !long.is_empty()
        {
            self.key.apply(counter.to_be_bytes(), BLOCKS as u64, long);
        }
    }

    #[inline]
    fn wipe(&mut self, start: usize) {
        wipe(self.ahead[start..start + BLOCKS].as_flattened_mut());
    }
}

impl Drop for Sequence {
    fn drop(&mut self) {
        wipe(self.ahead.as_flattened_mut());
    }
}

/// Adds the keystream made ahead.
#[inline]
fn add_start(ahead: &[[u8; BLOCK]], front: &mut [u8], rest: &mut [u8]) {
    let stream = &ahead[..BLOCKS].as_flattened()[MAC_KEY..];
    add(front, stream);
    if let Some(stream) = stream.get(front.len()..) {
        add(rest, stream);
    }
}

#[inline]
fn code(block: &[u8; BLOCK], front: &[u8], rest: &[u8]) -> [u8; MAC] {
    let mut mac = [0; MAC];
    let (key, _) = block
        .split_first_chunk::<MAC_KEY>()
        .expect("a block is longer than the key");
    if rest.is_empty() {
        crypto_onetimeauth(&mut mac, front, key);
    } else {
        let mut state = crypto_onetimeauth_init(key);
        crypto_onetimeauth_update(&mut state, front);
        crypto_onetimeauth_update(&mut state, rest);
        crypto_onetimeauth_final(state, &mut mac);
    }
    mac
}
