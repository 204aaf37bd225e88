//! `cargo xtask generate`: the documents that the program writes about itself, committed.

use std::fs;
use std::process::Stdio;

use crate::interrupt::Interrupt;
use crate::step::{self, Kind};
use crate::talk;
use crate::workspace::{cargo, root};

/// Each document and the words that make the program print it.
const DOCUMENTS: [(&str, &[&str]); 5] = [
    ("spec/tenantry.schema.json", &["schema"]),
    ("spec/errors.md", &["explain", "--all"]),
    ("spec/cli.md", &["help-reference"]),
    ("spec/openapi.json", &["openapi"]),
    ("docs/auth0-compatibility.md", &["compatibility"]),
];

/// The task; the answer is its exit status.
pub(crate) fn command(interrupt: &Interrupt, check: bool) -> u8 {
    u8::from(!run(interrupt, check))
}

/// Writes the documents, or only compares them. FALSE when one is stale or could not be made.
pub(crate) fn run(interrupt: &Interrupt, check: bool) -> bool {
    let built = step::run(interrupt, "cargo build -p tenantry", Kind::Check, cargo(&["build", "-p", "tenantry"]));
    if built.failed > 0 || interrupt.caught() {
        return false;
    }
    let results = DOCUMENTS.map(|(path, words)| document(path, words, check));
    results.iter().all(|good| *good)
}

fn document(path: &str, words: &[&str], check: bool) -> bool {
    let text = match printed(words) {
        Ok(text) => text,
        Err(problem) => {
            talk::line(&format!("error: {path} cannot be made: `tenantry {}` {problem}", words.join(" ")));
            return false;
        }
    };
    let file = root().join(path);
    let current = fs::read(&file).unwrap_or_default();
    if current == text {
        return true;
    }
    if check {
        talk::line(&format!("error: {path} is stale; run `cargo xtask generate` and commit it"));
        return false;
    }
    match fs::create_dir_all(root().join("spec")).and_then(|()| fs::write(&file, &text)) {
        Ok(()) => {
            talk::line(&format!("    wrote {path}"));
            true
        }
        Err(problem) => {
            talk::line(&format!("error: cannot write {path}: {problem}"));
            false
        }
    }
}

/// What the program prints for these words.
fn printed(words: &[&str]) -> Result<Vec<u8>, String> {
    let mut command = cargo(&["run", "--quiet", "-p", "tenantry", "--"]);
    command.args(words).stdin(Stdio::null()).stderr(Stdio::inherit());
    // A document must not depend on the terminal that it was made in.
    command.env("NO_COLOR", "1").env("COLUMNS", "100").env_remove("CLICOLOR_FORCE").env_remove("RUST_LOG");
    let output = command.output().map_err(|problem| format!("does not run: {problem}"))?;
    if !output.status.success() {
        return Err(format!("ended with {}", output.status));
    }
    if output.stdout.is_empty() {
        return Err("printed nothing".to_owned());
    }
    Ok(output.stdout)
}
