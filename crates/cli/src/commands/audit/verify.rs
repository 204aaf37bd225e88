//! `tenantry audit verify`.

use std::path::Path;

use serde_json::{Value, json};
use tenantry_store::{ChainReport, Head, Problem, Store, verify_export};

use crate::commands::Run;
use crate::commands::audit::{chain, name};
use crate::exit::Exit;
use crate::output::{Failure, Outcome, Paint};
use crate::runtime::store_failure;

fn heads(texts: &[String]) -> Result<Vec<Head>, Failure> {
    texts
        .iter()
        .map(|text| {
            Head::parse(text).ok_or_else(|| {
                Failure::invalid("BAD_HEAD", format!("`{text}` is not a head"))
                    .hint("a head reads ACCOUNT@SEQ:HASH, as `audit verify` and `audit export` print it")
            })
        })
        .collect()
}

/// Verifies the store's chains.
pub(super) async fn run(store: &Store, account: Option<&str>, expected: &[String]) -> Result<Outcome, Failure> {
    let expected = heads(expected)?;
    let report = store.verify(account.map(chain), &expected).await.map_err(|error| store_failure(&error))?;
    let mut text = String::new();
    for chain in &report.chains {
        text.push_str(&told(chain));
    }
    for problem in &report.roster {
        text.push_str(&format!("{} {}\n", Paint::BAD.on("list of chains:"), sentence(problem)));
    }
    text.push_str(&format!("{} entries in {} chains verified.\n", report.entries, report.chains.len()));
    let data = json!({
        "sound": report.is_sound(),
        "entries": report.entries,
        "chains": report.chains.iter().map(chain_json).collect::<Vec<_>>(),
        "problems": report.roster.iter().map(problem_json).collect::<Vec<_>>(),
    });
    let exit = if report.is_sound() { Exit::Done } else { Exit::No };
    Ok(Outcome::new(data, text).exit(exit))
}

/// Verifies an exported file, from outside: without the store and its keys.
pub(super) fn file(run: Run<'_>, path: &Path, expected: &[String]) -> Result<Outcome, Failure> {
    let expected = heads(expected)?.into_iter().next();
    let full = run.environment.path(path);
    let file = std::fs::File::open(&full).map_err(|error| {
        Failure::invalid("NO_FILE", format!("`{}` cannot be read: {}", path.display(), error.kind()))
    })?;
    let report = verify_export(std::io::BufReader::new(file), expected)
        .map_err(|error| Failure::no(error.code(), error.to_string()))?;
    let sound = report.problem_count == 0;
    let outcome = Outcome::new(json!({ "sound": sound, "chain": chain_json(&report) }), told(&report));
    Ok(outcome.exit(if sound { Exit::Done } else { Exit::No }))
}

fn told(chain: &ChainReport) -> String {
    let mark = if chain.problem_count == 0 { Paint::GOOD.on("sound") } else { Paint::BAD.on("CHANGED") };
    let head = chain.head.as_ref().map(|head| format!("  head {head}")).unwrap_or_default();
    let mut text = format!("{mark}  {:<16} {:>8} entries{head}\n", name(&chain.account), chain.entries);
    for problem in &chain.problems {
        text.push_str(&format!("       {}\n", sentence(problem)));
    }
    if chain.open_count > 0 {
        text.push_str(&format!("       note: {} acts were started and have no end on record\n", chain.open_count));
    }
    text
}

fn sentence(problem: &Problem) -> String {
    match problem.seq {
        Some(seq) => format!("entry {seq}: {}", problem.kind.sentence()),
        None => problem.kind.sentence().to_owned(),
    }
}

fn chain_json(chain: &ChainReport) -> Value {
    json!({
        "account": chain.account,
        "entries": chain.entries,
        "head": chain.head.as_ref().map(ToString::to_string),
        "problem_count": chain.problem_count,
        "problems": chain.problems.iter().map(problem_json).collect::<Vec<_>>(),
        "open": chain.open_count,
    })
}

fn problem_json(problem: &Problem) -> Value {
    json!({ "code": problem.kind.code(), "seq": problem.seq, "message": problem.kind.sentence() })
}
