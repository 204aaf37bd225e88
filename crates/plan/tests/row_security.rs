//! Schemas with row security that nobody wrote with Tenantry, each with its known verdict, on a real database.
//!
//! `row_security/*.sql`: each begins with what it is about, then what is to be found; everything else must be
//! proved. `-- leaks: docs.read docs.moves` (moves: an update that takes a row to another tenant), `-- open:` what
//! is not understood, `-- notes:` words of a note (with `-` before them: of none), `-- args:` what is said
//! beforehand, `-- replayed: no` where leaks are not seen on the database. `@app` is a role of its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    missing_docs,
    reason = "tests"
)]

use std::collections::BTreeSet;
use std::path::Path;

use tenantry_plan::found::judge_database;
use tenantry_policy::Op;
use tenantry_proof::{Finding, Promise, Replay, Said, Verdict};
use tenantry_source::SourceUrl;
use tenantry_source::admin::Admin;

const ROLES: [&str; 3] = ["app", "support", "group"];

fn server() -> Option<String> {
    let url = std::env::var("TENANTRY_TEST_POSTGRES").ok();
    if url.is_none() {
        eprintln!("skipped: TENANTRY_TEST_POSTGRES is not set");
    }
    url
}

async fn run(url: &str, statements: &[String]) {
    let mut admin = Admin::connect(&SourceUrl::parse(url).unwrap()).await.unwrap();
    admin.apply(statements).await.unwrap_or_else(|error| panic!("{error}: {statements:?}"));
}

/// Statements that no transaction takes.
async fn run_alone(url: &str, statement: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(statement).await.unwrap();
}

fn key(finding: &Finding) -> String {
    let op = match (finding.promise, finding.op) {
        (Promise::UpdateNew, _) => "moves",
        (_, Some(op)) => op.name(),
        (_, None) => "structure",
    };
    format!("{}.{op}", finding.relation.replace(' ', "_"))
}

fn keys<'f>(findings: impl Iterator<Item = &'f Finding>) -> BTreeSet<String> {
    findings.map(key).collect()
}

struct Case {
    name: String,
    text: String,
}

impl Case {
    fn header(&self, name: &str) -> &str {
        let start = format!("-- {name}: ");
        self.text.lines().find_map(|line| line.strip_prefix(&start)).unwrap_or_default()
    }

    fn listed(&self, name: &str) -> BTreeSet<String> {
        let text = self.header(name).replace("function ", "function_");
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// `--trust x --shared 'docs=a IS NULL'`
    fn said(&self) -> Said {
        let mut said = Said::default();
        let text = self.header("args");
        for part in text.split("--").filter(|part| !part.trim().is_empty()) {
            let (name, value) = part.trim().split_once(' ').unwrap();
            let quoted = |quote: char| value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote));
            let value = quoted('\'').or_else(|| quoted('"')).unwrap_or(value).to_owned();
            match name {
                "trust" => said.trusted.push(value),
                "shared" => said.shared.push(value),
                "bypass" => said.bypasses.push(value),
                "tenant" => said.tenants.push(value),
                other => panic!("{other}"),
            }
        }
        said
    }

    async fn differences(&self, url: &str) -> String {
        let parsed = SourceUrl::parse(url).unwrap();
        let (_, judged) = match judge_database(&parsed, &self.said(), true).await {
            Ok(judged) => judged,
            Err(error) => return format!("  {error}\n"),
        };
        let mut text = String::new();
        let mut compare = |what: &str, found: BTreeSet<String>| {
            if found != self.listed(what) {
                text.push_str(&format!("  {what}: found {found:?}, listed {:?}\n", self.listed(what)));
            }
        };
        compare("leaks", keys(judged.leaks()));
        compare("open", keys(judged.open()));
        for open in judged.open() {
            text.push_str(&match &open.verdict {
                Verdict::NotUnderstood(why) if !self.listed("open").contains(&key(open)) => format!("    {why}\n"),
                _ => String::new(),
            });
        }
        for finding in judged.leaks() {
            if let Verdict::Leaks(leak) = &finding.verdict
                && let Replay::Evaluator(why) = &leak.replay
                && self.header("replayed") != "no"
            {
                text.push_str(&format!("  not replayed: {} {why}\n", key(finding)));
            }
        }
        let notes: Vec<&String> = judged
            .findings
            .iter()
            .filter_map(|one| if let Verdict::Warns(why) = &one.verdict { Some(why) } else { None })
            .collect();
        let wanted = self.header("notes");
        match wanted.strip_prefix('-') {
            Some(unwanted) if notes.iter().any(|note| note.contains(unwanted)) => {
                text.push_str(&format!("  notes {unwanted}\n"));
            }
            None if !wanted.is_empty() && !notes.iter().any(|note| note.contains(wanted)) => {
                text.push_str(&format!("  does not note {wanted}: {notes:?}\n"));
            }
            _ => {}
        }
        let asked = judged.findings.iter().any(|one| one.op == Some(Op::Read));
        if !asked && self.name != "lookup_shared" {
            text.push_str("  asks nothing\n");
        }
        text
    }
}

#[tokio::test]
async fn every_schema_has_its_verdict() {
    let Some(server) = server() else { return };
    let prefix = format!("found_{}", std::process::id());
    let role = |name: &str| format!("{prefix}_{name}");
    run_alone(&server, &format!("CREATE DATABASE {prefix}")).await;
    let url = format!("{}/{prefix}", server.rsplit_once('/').unwrap().0);
    for name in ROLES {
        let login = if name == "group" { "NOLOGIN" } else { "LOGIN" };
        run_alone(&server, &format!("CREATE ROLE {} {login}", role(name))).await;
    }
    let mut files: Vec<_> = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/row_security"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let only = std::env::var("ONLY").unwrap_or_default();
    let mut wrong = String::new();
    let mut count = 0;
    for path in files {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if !only.is_empty() && !only.split(',').any(|one| one == name) {
            continue;
        }
        let mut text = std::fs::read_to_string(&path).unwrap();
        for name in ROLES {
            text = text.replace(&format!("@{name}"), &role(name));
        }
        let case = Case { name, text };
        let mut statements = vec![
            "DROP SCHEMA IF EXISTS auth CASCADE".to_owned(),
            "DROP SCHEMA public CASCADE".to_owned(),
            "CREATE SCHEMA public".to_owned(),
            "GRANT USAGE ON SCHEMA public TO PUBLIC".to_owned(),
        ];
        statements.extend(ROLES.map(|name| format!("DROP OWNED BY {}", role(name))));
        statements.push(format!("ALTER ROLE {} NOBYPASSRLS", role("support")));
        statements.push(format!("REVOKE {} FROM {}, {}", role("group"), role("app"), role("support")));
        for privilege in ["SELECT, INSERT, UPDATE, DELETE ON TABLES", "USAGE ON SEQUENCES"] {
            let app = role("app");
            statements.push(format!("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {privilege} TO {app}"));
        }
        statements.push("SET LOCAL search_path = public".to_owned());
        statements.push(case.text.clone());
        run(&url, &statements).await;
        let found = case.differences(&url).await;
        if !found.is_empty() {
            wrong.push_str(&format!("{}\n{found}", case.name));
        }
        count += 1;
    }
    let clean: Vec<String> = ROLES.map(|name| format!("DROP OWNED BY {}", role(name))).to_vec();
    run(&url, &clean).await;
    run_alone(&server, &format!("DROP DATABASE {prefix} WITH (FORCE)")).await;
    for name in ROLES {
        run_alone(&server, &format!("DROP ROLE {}", role(name))).await;
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    eprintln!("{count} schemas");
}
