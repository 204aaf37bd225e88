//! docs/pitfalls.md and the tree agree: every test that it names exists, every row names one, and every
//! test of crates/guard/tests/pitfalls is named.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The names of the tests in a file: functions under an attribute that ends with `test]` or
/// `test(…)]`.
fn tests_in(path: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join(path)).unwrap_or_default();
    let mut found = BTreeSet::new();
    let mut marked = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[") {
            marked |= line.contains("test]") || line.contains("test(");
        } else if let Some(rest) = line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn "))
            && std::mem::take(&mut marked)
        {
            found.insert(rest.split('(').next().unwrap().to_owned());
        }
    }
    found
}

/// The tests that the list names, as file and name, with the row that names them.
fn named() -> Vec<(String, Vec<(String, String)>)> {
    let text = fs::read_to_string(root().join("docs/pitfalls.md")).expect("docs/pitfalls.md");
    text.lines()
        .map(|line| {
            let words = line.split('`').skip(1).step_by(2);
            let tests = words
                .filter_map(|word| word.split_once(".rs::"))
                .map(|(file, name)| (format!("{file}.rs"), name.to_owned()));
            (line.to_owned(), tests.collect())
        })
        .collect()
}

#[test]
fn every_pitfall_names_tests_that_exist() {
    let mut broken = Vec::new();
    for (row, tests) in named() {
        let is_row = row.starts_with("| ") && !row.starts_with("| ---") && !row.starts_with("| pitfall ");
        if is_row && tests.is_empty() {
            broken.push(format!("no test: {row}"));
        }
        for (file, name) in tests {
            if !tests_in(&file).contains(&name) {
                broken.push(format!("{file} has no test {name}"));
            }
        }
    }
    assert!(broken.is_empty(), "docs/pitfalls.md and the tree differ:\n  {}\n", broken.join("\n  "));
}

#[test]
fn every_test_of_the_pitfalls_is_named() {
    let named: BTreeSet<(String, String)> = named().into_iter().flat_map(|(_, tests)| tests).collect();
    let mut missing = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(root().join("crates/guard/tests/pitfalls")).unwrap().flatten() {
        let file = format!("crates/guard/tests/pitfalls/{}", entry.file_name().to_str().unwrap());
        for name in tests_in(&file) {
            count += 1;
            if !named.contains(&(file.clone(), name.clone())) {
                missing.push(format!("{file}::{name}"));
            }
        }
    }
    assert!(count > 10, "the tests were not found: {count}");
    assert!(missing.is_empty(), "not named in docs/pitfalls.md:\n  {}\n", missing.join("\n  "));
}
