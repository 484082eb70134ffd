//! Salsa20/20 (Bernstein, "Salsa20 specification", 2005): its keystream, sixteen blocks
//! at a time.
//!
//! A block costs vector units as much as sixteen do, and the blocks of one call may belong
//! to sixteen nonces. Whoever counts nonces up can so have the keystream of many short
//! messages for the price of one.
//!
//! No branch and no address depends on the key, the nonce or the data.

use zeroize::Zeroize as _;

mod portable;
#[cfg(target_arch = "x86_64")]
mod x86_64;

/// Bytes of a block.
pub const BLOCK: usize = 64;

/// Blocks made at once.
pub const LANES: usize = 16;

/// Blocks of keystream. Secret until they are used, and never to be used twice.
pub type Blocks = [[u8; BLOCK]; LANES];

/// Where a block of keystream is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Of the message.
    pub nonce: [u8; 8],
    /// Counted from the message's start.
    pub block: u64,
}

/// A key. Wiped from memory when dropped.
pub struct Key([u32; 8]);

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Key {
    /// The key in these bytes. The caller's copy is the caller's to wipe.
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Self {
        let mut key = Self([0; 8]);
        for (word, bytes) in key.0.iter_mut().zip(bytes.as_chunks::<4>().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        key
    }

    /// Makes the blocks at `places`.
    pub fn blocks(&self, places: &[Place; LANES], out: &mut Blocks) {
        self.make(&Inputs::at(places), out);
    }

    /// Encrypts, or decrypts, `data` by the keystream of `nonce` from `block` on.
    pub fn apply(&self, nonce: [u8; 8], block: u64, data: &mut [u8]) {
        let mut stream = [[0; BLOCK]; LANES];
        let mut next = block;
        for chunk in data.chunks_mut(BLOCK * LANES) {
            self.make(&Inputs::from(nonce, next), &mut stream);
            add(chunk, stream.as_flattened());
            next = next.wrapping_add(LANES as u64);
        }
        wipe(stream.as_flattened_mut());
    }

    #[inline]
    fn make(&self, inputs: &Inputs, out: &mut Blocks) {
        #[cfg(target_arch = "x86_64")]
        if x86_64::make(&self.0, inputs, out) {
            return;
        }
        portable::make(&self.0, inputs, out);
    }
}

/// Adds `stream` to `data`, for as long as the shorter of them.
#[inline]
pub fn add(data: &mut [u8], stream: &[u8]) {
    for (byte, stream) in data.iter_mut().zip(stream) {
        *byte ^= stream;
    }
}

/// Overwrites a secret with zeros.
#[inline]
pub fn wipe(secret: &mut [u8]) {
    secret.fill(0);
    zeroize::optimization_barrier(secret);
}

/// The constants in words 0, 5, 10 and 15: "expand 32-byte k".
const SIGMA: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

/// Words 6 to 9 of each block's input: nonce and block number. The others are the same
/// for all.
struct Inputs([[u32; LANES]; 4]);

impl Inputs {
    #[inline]
    fn at(places: &[Place; LANES]) -> Self {
        let mut words = [[0; LANES]; 4];
        for (lane, place) in places.iter().enumerate() {
            let nonce = u64::from_le_bytes(place.nonce);
            words[0][lane] = nonce as u32;
            words[1][lane] = (nonce >> 32) as u32;
            words[2][lane] = place.block as u32;
            words[3][lane] = (place.block >> 32) as u32;
        }
        Self(words)
    }

    #[inline]
    fn from(nonce: [u8; 8], first: u64) -> Self {
        Self::at(&std::array::from_fn(|lane| Place {
            nonce,
            block: first.wrapping_add(lane as u64),
        }))
    }
}

/// The twenty rounds, two at a time. `$step!(x, p, q, n)` is `x ^ ((p + q) <<< n)`.
macro_rules! rounds {
    ($x:ident, $step:ident) => {
        for _ in 0..10 {
            // Columns, then rows.
            $crate::quarter!($x, $step, 0, 4, 8, 12);
            $crate::quarter!($x, $step, 5, 9, 13, 1);
            $crate::quarter!($x, $step, 10, 14, 2, 6);
            $crate::quarter!($x, $step, 15, 3, 7, 11);
            $crate::quarter!($x, $step, 0, 1, 2, 3);
            $crate::quarter!($x, $step, 5, 6, 7, 4);
            $crate::quarter!($x, $step, 10, 11, 8, 9);
            $crate::quarter!($x, $step, 15, 12, 13, 14);
        }
    };
}

macro_rules! quarter {
    ($x:ident, $step:ident, $a:literal, $b:literal, $c:literal, $d:literal) => {
        $x[$b] = $step!($x[$b], $x[$a], $x[$d], 7);
        $x[$c] = $step!($x[$c], $x[$b], $x[$a], 9);
        $x[$d] = $step!($x[$d], $x[$c], $x[$b], 13);
        $x[$a] = $step!($x[$a], $x[$d], $x[$c], 18);
    };
}

use {quarter, rounds};
