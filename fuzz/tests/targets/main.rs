//! H1: nothing that a stranger sends makes the program panic, and no text of it becomes SQL.
//!
//! Each target takes inputs that are mutated from seeds and from one another: an input whose answer was not seen
//! before is kept to be mutated further. `TENANTRY_FUZZ_SECONDS` sets how long each runs (2; 60 with
//! `TENANTRY_TEST_LONG`), `TENANTRY_FUZZ_SEED` where the dice begin. An input that fails is printed, escaped.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a test"
)]

mod condition;
mod file;
mod mutate;
mod oracle;
mod render;
mod token;
mod tool;
mod world;

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use mutate::Dice;

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// What came of an input, by which inputs are told apart.
fn answer(parts: impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

/// Runs a target on mutated inputs until the time is over.
fn fuzz(name: &str, seeds: Vec<Vec<u8>>, words: &[&str], mut target: impl FnMut(&[u8]) -> u64) {
    let usual = if std::env::var("TENANTRY_TEST_LONG").is_ok() { 60 } else { 2 };
    let time = Duration::from_secs(setting("TENANTRY_FUZZ_SECONDS", usual));
    let mut dice = Dice::new(setting("TENANTRY_FUZZ_SEED", 20_260_501));
    let mut known: HashSet<u64> = HashSet::new();
    let mut corpus = seeds;
    let mut run = |input: &[u8]| {
        let found = catch_unwind(AssertUnwindSafe(|| target(input)));
        found.unwrap_or_else(|panic| {
            eprintln!("{name}: this input fails: b\"{}\"", input.escape_ascii());
            resume_unwind(panic)
        })
    };
    for seed in &corpus {
        known.insert(run(seed));
    }
    let began = Instant::now();
    let mut count = 0_u64;
    while began.elapsed() < time {
        let input = dice.mutant(&corpus, words);
        if known.insert(run(&input)) && corpus.len() < 4_096 {
            corpus.push(input);
        }
        count += 1;
    }
    eprintln!("{name}: {count} inputs, {} kinds of answers, in {:.1} s", known.len(), began.elapsed().as_secs_f64());
    assert!(count > 20, "{name} is too slow to say much");
}

#[test]
fn h1_conditions() {
    let target = condition::Target::new();
    fuzz("conditions", condition::seeds(), condition::WORDS, |input| target.run(input));
}

#[test]
fn h1_files() {
    fuzz("files", file::seeds(), file::WORDS, file::run);
}

#[test]
fn h1_tokens() {
    let target = token::Target::new();
    fuzz("tokens", target.seeds(), token::WORDS, |input| target.run(input));
}

#[test]
fn h1_arguments_of_tools() {
    let mut target = tool::Target::new();
    fuzz("arguments of tools", tool::seeds(), tool::WORDS, |input| target.run(input));
}

#[test]
fn h1_renderer() {
    let target = render::Target::new();
    fuzz("renderer", render::seeds(), &[], |input| target.run(input));
}
