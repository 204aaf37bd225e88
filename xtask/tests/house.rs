//! The house: which room may know which, and the habits that a lint cannot hold.
//!
//! Each list of exceptions below may only shrink.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs,
    reason = "tests"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// The rooms and the rooms that each may name directly. A room may also name whatever those may.
const ARROWS: &[(&str, &[&str])] = &[
    ("policy", &[]),
    ("file", &["policy"]),
    ("sql", &["policy"]),
    ("proof", &["policy"]),
    ("tls", &[]),
    ("store", &["policy", "tls"]),
    ("source", &["sql", "tls"]),
    ("identity", &["store"]),
    ("guard", &["store", "source"]),
    ("plan", &["file", "source", "proof", "identity"]),
    // Suites are read by the room that reads what people write.
    ("eval", &["file", "guard", "identity"]),
    ("server", &["guard", "identity", "plan", "eval"]),
    // How AI models are asked: handed to the guard, which knows no HTTP.
    ("upstream", &["guard"]),
    ("cli", &["server", "upstream"]),
    // Measures the product from outside; nothing may name it.
    ("bench", &["cli"]),
    // Sends hostile input to whatever reads any; nothing may name it.
    ("fuzz", &["cli"]),
];

/// Rooms that tests may name beyond the arrows: (the room, what its tests name).
const ARROWS_OF_TESTS: &[(&str, &str)] = &[
    // A policy is easiest to read as the file that a person would write.
    ("guard", "file"),
    // What the prover says is tried on real databases.
    ("guard", "proof"),
    ("proof", "file"),
    // The gateway answers from upstreams of every kind.
    ("server", "upstream"),
];

/// Libraries that only these rooms may name: what the outside world is reached with.
const REACH: &[(&[&str], &[&str])] = &[
    (&["axum", "tower", "tower-http"], &["server", "cli", "bench"]),
    // `identity` asks other issuers for their keys, `upstream` AI models.
    (&["hyper", "hyper-util"], &["identity", "upstream", "server", "cli", "bench"]),
    (
        &["rusqlite", "tokio-postgres", "deadpool-postgres", "postgres-protocol"],
        // `plan`: its tests alone, which make databases to judge.
        &["tls", "store", "source", "cli", "bench", "plan"],
    ),
    // Only what goes through this room is known to be verified.
    (&["rustls", "tokio-postgres-rustls", "rustls-native-certs", "tokio-rustls", "rcgen"], &["tls"]),
    (&["refinery"], &["store"]),
    (&["tokio"], &["store", "source", "identity", "guard", "upstream", "plan", "eval", "server", "cli", "bench"]),
    (&["clap", "indicatif", "anstream", "miette"], &["cli", "bench"]),
    (&["jsonwebtoken"], &["identity", "bench"]),
];

/// Who may ask which database it is: beside the dialects, the rooms that hold a connection.
const KNOWS_THE_DATABASE: &[&str] = &[
    "crates/sql/src/dialect/",
    "crates/sql/src/security/",
    "crates/source/src/",
    // What a column of this database may hold, and the schema a bare table name means.
    "crates/file/src/compile/ground.rs",
    "crates/file/src/compile/writes.rs",
    // Row security exists on one of them only.
    "crates/plan/src/fence.rs",
    "crates/proof/src/database/",
    "crates/plan/src/postgres/",
    // Proves rules over catalogs that it makes itself.
    "bench/src/proof.rs",
    // People are told which it is.
    "crates/cli/src/commands/doctor.rs",
    "crates/cli/src/commands/init.rs",
    "crates/cli/src/init/write.rs",
    "crates/cli/src/demo/mod.rs",
];

/// Who may write to the terminal.
const MAY_PRINT: &[&str] = &["crates/cli/src/output/", "xtask/src/talk.rs"];

const LONGEST_FILE: usize = 800;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn metadata() -> Metadata {
    MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().expect("cargo metadata answers")
}

/// The tracked files, and those about to be; all files where there is no git.
fn files() -> Vec<String> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .ok()
        .filter(|output| output.status.success());
    let mut files: Vec<String> = match output {
        Some(output) => String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect(),
        None => walk(&root(), &root()),
    };
    files.sort();
    files
}

fn walk(root: &Path, folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() {
            if name != "target" && name != ".git" && name != ".tenantry" {
                found.extend(walk(root, &path));
            }
        } else if let Some(path) = path.strip_prefix(root).ok().and_then(Path::to_str) {
            found.push(path.to_owned());
        }
    }
    found
}

/// Rust files of the product: path and text, tests at a file's end cut off.
fn sources() -> Vec<(String, String)> {
    files()
        .into_iter()
        .filter(|path| path.ends_with(".rs") && path.contains("/src/"))
        .filter(|path| !path.ends_with("/tests.rs") && !path.contains("/tests/"))
        .filter_map(|path| Some((fs::read_to_string(root().join(&path)).ok()?, path)))
        .map(|(text, path)| (path, text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned()))
        .collect()
}

fn report(what: &str, mut broken: Vec<String>) {
    broken.sort();
    broken.dedup();
    assert!(broken.is_empty(), "{what}:\n  {}\n", broken.join("\n  "));
}

fn starts_with_any(path: &str, list: &[&str]) -> bool {
    list.iter().any(|start| path.starts_with(start))
}

/// All that a room may name: its arrows, and theirs.
fn reachable(room: &str) -> BTreeSet<&'static str> {
    let mut seen = BTreeSet::new();
    let mut left: Vec<&str> = vec![room];
    while let Some(room) = left.pop() {
        for next in ARROWS.iter().filter(|(from, _)| *from == room).flat_map(|(_, to)| to.iter()) {
            if seen.insert(*next) {
                left.push(next);
            }
        }
    }
    seen
}

/// Folder name of each workspace package by its package name.
fn rooms(metadata: &Metadata) -> BTreeMap<String, String> {
    metadata
        .workspace_packages()
        .into_iter()
        .map(|package| {
            let folder = package.manifest_path.parent().and_then(|folder| folder.file_name()).unwrap_or_default();
            (package.name.to_string(), folder.to_owned())
        })
        .collect()
}

#[test]
fn arrows_only_point_where_the_house_says() {
    let metadata = metadata();
    let rooms = rooms(&metadata);
    let mut broken = Vec::new();
    for package in metadata.workspace_packages() {
        let room = &rooms[package.name.as_str()];
        if room == "xtask" {
            for dependency in package.dependencies.iter().filter(|named| rooms.contains_key(&named.name)) {
                broken.push(format!(
                    "xtask names {}, but it must work while the product does not compile",
                    dependency.name
                ));
            }
            continue;
        }
        if !ARROWS.iter().any(|(known, _)| known == room) {
            broken.push(format!("the room `{room}` has no arrows in this test; add it here and in ARCHITECTURE.md"));
        }
        let allowed = reachable(room);
        for dependency in &package.dependencies {
            let Some(other) = rooms.get(&dependency.name) else { continue };
            let fine = other == room
                || allowed.contains(other.as_str())
                || (dependency.kind == DependencyKind::Development
                    && ARROWS_OF_TESTS.contains(&(room.as_str(), other.as_str())));
            if !fine {
                let allowed: Vec<_> = allowed.iter().copied().collect();
                broken.push(format!("{room} -> {other}; `{room}` may name: {}", allowed.join(", ")));
            }
        }
    }
    report("arrows that the house does not have", broken);
}

#[test]
fn the_outside_world_is_reached_from_few_rooms() {
    let metadata = metadata();
    let rooms = rooms(&metadata);
    let mut broken = Vec::new();
    for package in metadata.workspace_packages() {
        let room = rooms[package.name.as_str()].as_str();
        if room == "xtask" {
            continue;
        }
        for dependency in package.dependencies.iter().filter(|named| named.kind != DependencyKind::Development) {
            for (libraries, may) in REACH {
                if libraries.contains(&dependency.name.as_str()) && !may.contains(&room) {
                    broken.push(format!("{room} names {}; only {} may", dependency.name, may.join(", ")));
                }
            }
        }
    }
    report("libraries in the wrong room", broken);
}

#[test]
fn packages_are_named_after_their_folder() {
    let broken = rooms(&metadata())
        .into_iter()
        .filter(|(package, folder)| match folder.as_str() {
            "cli" => package != "tenantry",
            "xtask" => package != "xtask",
            folder => *package != format!("tenantry-{folder}"),
        })
        .map(|(package, folder)| format!("{folder}: {package}"))
        .collect();
    report("packages not named `tenantry-<folder>`", broken);
}

#[test]
fn no_file_is_too_long() {
    let broken = sources()
        .into_iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST_FILE)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    report("files that have to be split by meaning", broken);
}

#[test]
fn nothing_is_silenced_without_a_reason() {
    let mut broken = Vec::new();
    for path in files().into_iter().filter(|path| path.ends_with(".rs") && !path.contains("/tests/ui/")) {
        let Ok(text) = fs::read_to_string(root().join(&path)) else { continue };
        for opening in ["#[allow(", "#![allow(", "#[expect(", "#![expect("] {
            // This file names them as text.
            for (at, _) in text.match_indices(opening).filter(|(at, _)| !text[..*at].ends_with('"')) {
                let attribute = text[at..].split(")]").next().unwrap();
                if !attribute.contains("reason = \"") {
                    broken.push(format!("{path}:{}: {}", text[..at].lines().count() + 1, attribute.trim()));
                }
            }
        }
    }
    report("lints silenced without `reason = \"…\"`", broken);
}

#[test]
fn few_places_ask_which_database_it_is() {
    let mut broken = Vec::new();
    let mut unused: BTreeSet<&str> = KNOWS_THE_DATABASE.iter().copied().collect();
    for (path, text) in sources() {
        for (at, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap();
            if !["Dialect::Postgres", "Dialect::Sqlite"].iter().any(|name| code.contains(name)) {
                continue;
            }
            match KNOWS_THE_DATABASE.iter().find(|start| path.starts_with(**start)) {
                Some(known) => drop(unused.remove(known)),
                None => broken.push(format!("{path}:{}: {}", at + 1, line.trim())),
            }
        }
    }
    broken.extend(unused.iter().map(|place| format!("{place} asks no more: take it off the list in this test")));
    report("questions of dialect outside sql/src/dialect, source and store", broken);
}

#[test]
fn what_answers_calls_does_not_know_the_owners_door() {
    let answering = ["guard", "identity", "eval", "server"].map(|room| format!("crates/{room}/src/"));
    let mut broken = Vec::new();
    for (path, text) in sources() {
        if !answering.iter().any(|start| path.starts_with(start.as_str())) {
            continue;
        }
        // Imports may run over several lines: each ends with its semicolon.
        for words in text.split(';').filter(|words| words.contains("tenantry_source")) {
            if words.contains("admin") || words.contains("Admin") {
                broken.push(format!("{path}: {}", words.trim()));
            }
        }
    }
    report("rooms that answer calls and name the owner's side of a source", broken);
}

#[test]
fn only_the_output_room_prints() {
    let mut broken = Vec::new();
    for (path, text) in sources() {
        if starts_with_any(&path, MAY_PRINT) {
            continue;
        }
        for (at, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap();
            if ["println!(", "print!(", "eprintln!(", "eprint!("].iter().any(|name| {
                code.match_indices(name).any(|(at, _)| !code[..at].ends_with(|before: char| before.is_alphanumeric()))
            }) {
                broken.push(format!("{path}:{}: {}", at + 1, line.trim()));
            }
        }
    }
    report("prints outside crates/cli/src/output", broken);
}

#[test]
fn nothing_names_this_machine_or_a_package_host() {
    // Spelt in pieces, so that this file does not find itself.
    let hosts = [
        ["pypi", ".org"],
        ["pythonhosted", ".org"],
        ["registry.npmjs", ".org"],
        ["proxy.golang", ".org"],
        ["index.crates", ".io"],
        ["static.crates", ".io"],
        ["deb.debian", ".org"],
    ];
    let places = [["/wo", "rk/"], ["/ro", "ot/"], ["/home/", ""], ["/Users/", ""], ["/tmp/bash", "_jobs"]];
    let forbidden: Vec<String> = hosts.iter().chain(&places).map(|pieces| pieces.concat()).collect();
    // Where Homebrew lives on everybody's Linux.
    let known = "/home/linuxbrew/";
    let mut broken = Vec::new();
    for path in files() {
        // Not text, or not ours to write.
        let Ok(text) = fs::read_to_string(root().join(&path)) else { continue };
        if path == "Cargo.lock" || path == "xtask/tests/house.rs" {
            continue;
        }
        for (at, line) in text.lines().enumerate() {
            let line = line.replace(known, "");
            if let Some(found) = forbidden.iter().find(|name| line.contains(name.as_str())) {
                broken.push(format!("{path}:{}: names `{found}`", at + 1));
            }
        }
    }
    report("names of hosts or folders that do not belong in the tree", broken);
}

#[test]
fn the_map_shows_the_house_as_it_stands() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut broken = Vec::new();
    for folder in rooms(&metadata()).into_values() {
        // Two stand beside the rooms.
        let place = if ["xtask", "bench", "fuzz"].contains(&folder.as_str()) {
            folder.clone()
        } else {
            format!("crates/{folder}")
        };
        if !map.contains(&place) {
            broken.push(format!("ARCHITECTURE.md does not name {place}"));
        }
    }
    let places = map.split('`').filter(|word| {
        ["crates/", "xtask/", "bench/", "fuzz/", "docs/", "spec/", "scenarios/"]
            .iter()
            .any(|start| word.starts_with(start))
            && !word.contains([' ', '*', '<', '\n'])
    });
    for place in places {
        if !root().join(place).exists() {
            broken.push(format!("ARCHITECTURE.md names {place}, which is not there"));
        }
    }
    report("ARCHITECTURE.md and the tree differ", broken);
}

#[test]
fn decisions_are_numbered_without_gaps() {
    let mut names: Vec<String> = fs::read_dir(root().join("docs/adr"))
        .unwrap()
        .flatten()
        .map(|e| e.file_name().into_string().unwrap())
        .collect();
    names.sort();
    let mut broken = Vec::new();
    for (at, name) in names.iter().enumerate() {
        if !name.starts_with(&format!("{:04}-", at + 1)) || !name.ends_with(".md") {
            broken.push(format!("docs/adr/{name} should begin with {:04}-", at + 1));
        }
        let text = fs::read_to_string(root().join("docs/adr").join(name)).unwrap();
        for section in ["## Context", "## Decision", "## Consequences"] {
            if !text.contains(section) {
                broken.push(format!("docs/adr/{name} has no `{section}`"));
            }
        }
    }
    report("decision records out of order", broken);
}
