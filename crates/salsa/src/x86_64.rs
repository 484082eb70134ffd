//! Sixteen blocks side by side with AVX-512, twice eight with AVX2: each word of all blocks
//! in one vector, and a transposition at the end.

use std::arch::x86_64::*;

use crate::{Blocks, Inputs, LANES, SIGMA, rounds};

/// False if the processor has neither.
#[inline]
pub(crate) fn make(key: &[u32; 8], inputs: &Inputs, out: &mut Blocks) -> bool {
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the processor has AVX-512F.
        unsafe { sixteen(key, inputs, out) };
    } else if is_x86_feature_detected!("avx2") {
        for lane in (0..LANES).step_by(8) {
            // SAFETY: the processor has AVX2.
            unsafe { eight(key, inputs, lane, out) };
        }
    } else {
        return false;
    }
    true
}

#[target_feature(enable = "avx512f")]
pub(crate) fn sixteen(key: &[u32; 8], inputs: &Inputs, out: &mut Blocks) {
    macro_rules! step {
        ($x:expr, $p:expr, $q:expr, $n:literal) => {
            _mm512_xor_si512($x, _mm512_rol_epi32::<$n>(_mm512_add_epi32($p, $q)))
        };
    }
    let one = |word: u32| _mm512_set1_epi32(word.cast_signed());
    let n = inputs.0.each_ref().map(|words| {
        // SAFETY: as long as a vector, and any address will do.
        unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
    });
    let k = key.map(one);
    let s = SIGMA.map(one);
    let first = [
        s[0], k[0], k[1], k[2], k[3], s[1], n[0], n[1], n[2], n[3], s[2], k[4], k[5], k[6], k[7],
        s[3],
    ];
    let mut x = first;
    rounds!(x, step);
    for (word, first) in x.iter_mut().zip(first) {
        *word = _mm512_add_epi32(*word, first);
    }

    // Words 4g to 4g+3 of block 4l+j in lane l of `u[4 * g + j]`.
    let mut u = x;
    for g in [0, 4, 8, 12] {
        let low = _mm512_unpacklo_epi32(x[g], x[g + 1]);
        let high = _mm512_unpackhi_epi32(x[g], x[g + 1]);
        let low2 = _mm512_unpacklo_epi32(x[g + 2], x[g + 3]);
        let high2 = _mm512_unpackhi_epi32(x[g + 2], x[g + 3]);
        u[g] = _mm512_unpacklo_epi64(low, low2);
        u[g + 1] = _mm512_unpackhi_epi64(low, low2);
        u[g + 2] = _mm512_unpacklo_epi64(high, high2);
        u[g + 3] = _mm512_unpackhi_epi64(high, high2);
    }
    for j in 0..4 {
        let even = _mm512_shuffle_i32x4::<0x44>(u[j], u[4 + j]);
        let odd = _mm512_shuffle_i32x4::<0xee>(u[j], u[4 + j]);
        let even2 = _mm512_shuffle_i32x4::<0x44>(u[8 + j], u[12 + j]);
        let odd2 = _mm512_shuffle_i32x4::<0xee>(u[8 + j], u[12 + j]);
        let blocks = [
            _mm512_shuffle_i32x4::<0x88>(even, even2),
            _mm512_shuffle_i32x4::<0xdd>(even, even2),
            _mm512_shuffle_i32x4::<0x88>(odd, odd2),
            _mm512_shuffle_i32x4::<0xdd>(odd, odd2),
        ];
        for (l, block) in blocks.into_iter().enumerate() {
            let place = out[4 * l + j].as_mut_ptr();
            // SAFETY: a block is as long as a vector, and any address will do.
            unsafe { _mm512_storeu_si512(place.cast(), block) };
        }
    }
}

#[target_feature(enable = "avx2")]
pub(crate) fn eight(key: &[u32; 8], inputs: &Inputs, lane: usize, out: &mut Blocks) {
    macro_rules! step {
        ($x:expr, $p:expr, $q:expr, $n:literal) => {{
            let sum = _mm256_add_epi32($p, $q);
            let turned = _mm256_or_si256(
                _mm256_slli_epi32::<$n>(sum),
                _mm256_srli_epi32::<{ 32 - $n }>(sum),
            );
            _mm256_xor_si256($x, turned)
        }};
    }
    let one = |word: u32| _mm256_set1_epi32(word.cast_signed());
    let n = inputs.0.each_ref().map(|words| {
        let words: &[u32] = &words[lane..lane + 8];
        // SAFETY: as long as a vector, and any address will do.
        unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
    });
    let k = key.map(one);
    let s = SIGMA.map(one);
    let first = [
        s[0], k[0], k[1], k[2], k[3], s[1], n[0], n[1], n[2], n[3], s[2], k[4], k[5], k[6], k[7],
        s[3],
    ];
    let mut x = first;
    rounds!(x, step);
    for (word, first) in x.iter_mut().zip(first) {
        *word = _mm256_add_epi32(*word, first);
    }

    // As in `sixteen`, with two lanes in a vector, and half a block after the other.
    let mut u = x;
    for g in [0, 4, 8, 12] {
        let low = _mm256_unpacklo_epi32(x[g], x[g + 1]);
        let high = _mm256_unpackhi_epi32(x[g], x[g + 1]);
        let low2 = _mm256_unpacklo_epi32(x[g + 2], x[g + 3]);
        let high2 = _mm256_unpackhi_epi32(x[g + 2], x[g + 3]);
        u[g] = _mm256_unpacklo_epi64(low, low2);
        u[g + 1] = _mm256_unpackhi_epi64(low, low2);
        u[g + 2] = _mm256_unpacklo_epi64(high, high2);
        u[g + 3] = _mm256_unpackhi_epi64(high, high2);
    }
    for j in 0..4 {
        let halves = [
            [
                _mm256_permute2x128_si256::<0x20>(u[j], u[4 + j]),
                _mm256_permute2x128_si256::<0x20>(u[8 + j], u[12 + j]),
            ],
            [
                _mm256_permute2x128_si256::<0x31>(u[j], u[4 + j]),
                _mm256_permute2x128_si256::<0x31>(u[8 + j], u[12 + j]),
            ],
        ];
        for (l, [front, back]) in halves.into_iter().enumerate() {
            let (places, _) = out[lane + 4 * l + j].as_chunks_mut::<32>();
            // SAFETY: half a block is as long as a vector, and any address will do.
            unsafe {
                _mm256_storeu_si256(places[0].as_mut_ptr().cast(), front);
                _mm256_storeu_si256(places[1].as_mut_ptr().cast(), back);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BLOCK, Place, portable};
    use proptest::prelude::*;

    proptest! {
        /// Whichever this processor would not choose as well.
        #[test]
        fn every_way_makes_the_same(
            key in any::<[u32; 8]>(),
            places in any::<[([u8; 8], u64); LANES]>(),
        ) {
            let inputs = Inputs::at(&places.map(|(nonce, block)| Place { nonce, block }));
            let mut expected = [[0; BLOCK]; LANES];
            portable::make(&key, &inputs, &mut expected);
            let mut out = [[0; BLOCK]; LANES];
            if is_x86_feature_detected!("avx512f") {
                // SAFETY: the processor has AVX-512F.
                unsafe { sixteen(&key, &inputs, &mut out) };
                prop_assert_eq!(out, expected);
            }
            if is_x86_feature_detected!("avx2") {
                out = [[0; BLOCK]; LANES];
                for lane in [0, 8] {
                    // SAFETY: the processor has AVX2.
                    unsafe { eight(&key, &inputs, lane, &mut out) };
                }
                prop_assert_eq!(out, expected);
            }
        }
    }
}
