//! The prover and z3 say the same of random policies. z3 reasons over its own theories (whole numbers, strings,
//! reals), in `crosscheck.py`, which was written from the description of the language; so this compares the small
//! model, the encoding and the obligations at once.
//!
//! `TENANTRY_TEST_Z3` names a Python with z3-solver (`cargo xtask test` makes one under target); skipped, with a
//! word, where there is none. `TENANTRY_Z3_OBLIGATIONS` sets how many (2,000), `TENANTRY_Z3_SEED` the seed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    missing_docs,
    dead_code,
    reason = "a test"
)]

#[path = "../verdicts/support.rs"]
mod support;
#[path = "../verdicts/tables.rs"]
mod tables;

mod dice;
mod export;

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value as Json;
use tenantry_proof::{Outcome, prove};

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[test]
fn z3_says_the_same() {
    let Ok(python) = std::env::var("TENANTRY_TEST_Z3") else {
        eprintln!("skipped: TENANTRY_TEST_Z3 names no Python with z3-solver (run `cargo xtask test`)");
        return;
    };
    let wanted = usize::try_from(setting("TENANTRY_Z3_OBLIGATIONS", 2_000)).unwrap();
    let first = setting("TENANTRY_Z3_SEED", 20_260_401);
    let (mut told, mut count, mut broken, mut refused) = (String::new(), 0, 0, 0_usize);
    for seed in first.. {
        if count >= wanted {
            break;
        }
        let (texts, file) = dice::policy(seed);
        // A rule without an effect and the like are refused by the file already.
        let Ok(policy) = support::policy(&texts, &file) else {
            refused += 1;
            assert!(refused < 100 + 4 * wanted, "too many policies are refused to say much");
            continue;
        };
        let report = prove(&policy);
        assert_eq!(report.undecided().count(), 0, "seed {seed}: {file}");
        broken += report.leaks().count() + report.idle().count();
        let line = export::line(seed, &file, &policy, &report);
        count += line["obligations"].as_array().unwrap().len();
        told.push_str(&format!("{line}\n"));
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/z3/crosscheck.py");
    let mut child =
        Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("Python starts");
    let mut stdin = child.stdin.take().unwrap();
    let feeding = std::thread::spawn(move || stdin.write_all(told.as_bytes()));
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the script failed");
    feeding.join().unwrap().unwrap();
    let lines: Vec<Json> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (last, different) = lines.split_last().unwrap();
    let different: Vec<String> = different.iter().map(|line| format!("{line:#}")).collect();
    assert!(different.is_empty(), "z3 says something else ({} of {last}):\n{}", different.len(), different.join("\n"));
    assert_eq!(last["compared"], count);
    eprintln!(
        "{count} obligations, of which {broken} do not hold: z3 says the same of all (seed {first}; {refused} policies refused by the compiler)"
    );
    assert!(broken * 20 > count && broken * 2 < count, "random policies are too tame, or too wild, to say much");
}

/// What an outcome says of whether the thing asked about is possible.
fn possible(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Leaks(_) | Outcome::Shown(_) => true,
        Outcome::Proved | Outcome::Idle(_) => false,
        Outcome::Undecided(why) | Outcome::Fault(why) => panic!("undecided: {why}"),
    }
}
