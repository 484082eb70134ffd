//! Four blocks side by side, in words that compilers turn into vectors of any machine.

use crate::{Blocks, Inputs, LANES, SIGMA, rounds};

const WIDTH: usize = 4;

type Words = [u32; WIDTH];

pub(crate) fn make(key: &[u32; 8], inputs: &Inputs, out: &mut Blocks) {
    for lane in (0..LANES).step_by(WIDTH) {
        let input =
            |word: usize| -> Words { std::array::from_fn(|column| inputs.0[word][lane + column]) };
        let first = state(key, [input(0), input(1), input(2), input(3)]);
        let mut x = first;
        macro_rules! step {
            ($x:expr, $p:expr, $q:expr, $n:literal) => {
                step::<$n>($x, $p, $q)
            };
        }
        rounds!(x, step);
        for (column, block) in out[lane..lane + WIDTH].iter_mut().enumerate() {
            let (words, _) = block.as_chunks_mut::<4>();
            for (bytes, (word, first)) in words.iter_mut().zip(x.iter().zip(&first)) {
                *bytes = word[column].wrapping_add(first[column]).to_le_bytes();
            }
        }
    }
}

#[inline]
fn state(key: &[u32; 8], inputs: [Words; 4]) -> [Words; 16] {
    let mut x = [[0; WIDTH]; 16];
    for (place, word) in [0, 5, 10, 15].into_iter().zip(SIGMA) {
        x[place] = [word; WIDTH];
    }
    for (place, word) in [1, 2, 3, 4, 11, 12, 13, 14].into_iter().zip(key) {
        x[place] = [*word; WIDTH];
    }
    x[6..10].copy_from_slice(&inputs);
    x
}

#[inline]
fn step<const N: u32>(x: Words, p: Words, q: Words) -> Words {
    std::array::from_fn(|column| x[column] ^ p[column].wrapping_add(q[column]).rotate_left(N))
}
