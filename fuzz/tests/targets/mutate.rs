//! Inputs made from others.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// No input is longer.
const LONGEST: usize = 16_384;

/// Bytes and texts that programs are known to stumble over.
const HOSTILE: &[&str] = &[
    "\0",
    "'",
    "\"",
    "\\",
    "--",
    ";",
    "/*",
    "*/",
    "$1",
    "?1",
    "''",
    "\u{202e}",
    "\u{feff}",
    "é",
    "e\u{301}",
    "𝒳",
    "\n",
    "\r\n",
    "9223372036854775808",
    "-9223372036854775808",
    "1e999",
    "0.1",
    "NaN",
    "null",
    "[]",
    "{}",
    "((((((((",
    "))))))))",
    "=",
    "%",
    "_",
];

pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(ChaCha8Rng::seed_from_u64(seed))
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0.random_range(0..n.max(1))
    }

    /// An input, changed in a few places.
    pub(crate) fn mutant(&mut self, corpus: &[Vec<u8>], words: &[&str]) -> Vec<u8> {
        let at = self.below(corpus.len());
        let mut input = corpus[at].clone();
        for _ in 0..=self.below(6) {
            self.change(&mut input, corpus, words);
        }
        input.truncate(LONGEST);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>], words: &[&str]) {
        let at = self.below(input.len() + 1);
        let to = (at + self.below(24)).min(input.len());
        match self.below(9) {
            0 if !input.is_empty() => {
                let at = self.below(input.len());
                input[at] ^= 1 << self.below(8);
            }
            1 => drop(input.drain(at..to)),
            2 => {
                let part = input[at..to].to_vec();
                let times = 1 + self.below(4);
                for _ in 0..times {
                    input.splice(at..at, part.iter().copied());
                }
            }
            3 | 4 if !words.is_empty() => {
                let word = words[self.below(words.len())];
                input.splice(at..to.min(at + 8), word.bytes());
            }
            5 => {
                let word = HOSTILE[self.below(HOSTILE.len())];
                input.splice(at..at, word.bytes());
            }
            6 => {
                let other = &corpus[self.below(corpus.len())];
                let from = self.below(other.len() + 1);
                let until = (from + self.below(64)).min(other.len());
                input.splice(at..to, other[from..until].iter().copied());
            }
            7 => {
                let byte = u8::try_from(self.below(256)).unwrap();
                input.insert(at, byte);
            }
            _ => {
                let other = &corpus[self.below(corpus.len())];
                let from = self.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
        }
    }
}
