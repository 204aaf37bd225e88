//! Every file under `tests/bad` is wrong; what people are told about it is a snapshot.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use tenantry_file::{Diagnostic, DiagnosticCode, FileCode, SourceText, Style, compile, load, load_suite, render};

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn source(path: &Path) -> SourceText {
    SourceText::new(path.file_name().unwrap().to_str().unwrap(), fs::read_to_string(path).unwrap())
}

fn findings(mut inputs: Vec<SourceText>) -> Vec<Diagnostic> {
    // Suites of calls are files of their own kind.
    if inputs.iter().any(|input| input.name.ends_with(".suite.toml")) {
        return load_suite(inputs.remove(0)).err().unwrap_or_default();
    }
    match load(inputs) {
        Err(errors) => errors,
        Ok(loaded) => match compile(&loaded, &support::catalogs()) {
            Err(errors) => errors,
            Ok(compiled) => compiled.warnings,
        },
    }
}

fn cases() -> Vec<(String, Vec<Diagnostic>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad");
    entries(&folder)
        .iter()
        .map(|path| {
            let inputs = if path.is_dir() {
                entries(path).iter().map(|path| source(path)).collect()
            } else {
                vec![source(path)]
            };
            let name = path.file_name().unwrap().to_str().unwrap().replace('.', "_");
            (name, findings(inputs))
        })
        .collect()
}

#[test]
fn bad_files_are_explained() {
    for (name, findings) in cases() {
        assert!(!findings.is_empty(), "{name} has no finding");
        insta::assert_snapshot!(name, render(&findings, Style::Plain));
    }
}

#[test]
fn no_message_repeats_a_secret() {
    for (name, findings) in cases() {
        assert!(!format!("{findings:?}").contains("hunter2"), "{name}");
    }
}

#[test]
fn carets_stand_inside_the_line() {
    for (name, findings) in cases() {
        let places = findings
            .iter()
            .flat_map(|finding| finding.place.iter().chain(finding.labels.iter().map(|label| &label.place)));
        for place in places {
            assert!(place.caret <= place.excerpt.chars().count(), "{name}: {place:?}");
        }
    }
}

/// Every code is shown by some bad file, except those that a file alone cannot bring about.
#[test]
fn every_code_has_a_file() {
    let elsewhere = [FileCode::NothingToRead, FileCode::NotStrict];
    let seen: Vec<DiagnosticCode> =
        cases().into_iter().flat_map(|(_, findings)| findings).map(|finding| finding.code).collect();
    let missing: Vec<&FileCode> = FileCode::ALL
        .iter()
        .filter(|code| !elsewhere.contains(code) && !seen.contains(&DiagnosticCode::File(**code)))
        .collect();
    assert_eq!(missing, Vec::<&FileCode>::new());
}

#[test]
fn colours_change_nothing_but_colours() {
    for (name, findings) in cases() {
        let coloured = render(&findings, Style::Ansi);
        let mut plain = String::new();
        let mut rest = coloured.as_str();
        while let Some((before, after)) = rest.split_once("\u{1b}[") {
            plain.push_str(before);
            rest = after.split_once('m').unwrap().1;
        }
        plain.push_str(rest);
        assert_eq!(plain, render(&findings, Style::Plain), "{name}");
    }
}

#[test]
fn nothing_is_an_error() {
    let errors = load(Vec::new()).unwrap_err();
    assert_eq!(errors[0].code, FileCode::NothingToRead.into());
}

#[test]
fn the_schema_is_json_and_names_every_section() {
    let schema: serde_json::Value = serde_json::from_str(&tenantry_file::schema()).unwrap();
    for section in ["platform", "tenancy", "source", "api", "model", "role", "account", "principal", "table"] {
        assert!(schema["properties"].get(section).is_some(), "{section}");
    }
}
