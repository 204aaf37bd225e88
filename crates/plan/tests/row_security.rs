//! Schemas with row security that nobody wrote with Tenantry, each with its known verdict, on a real database.
//!
//! `row_security/*.sql`: each begins with what it is about, then what is to be found; everything else must be
//! proved. `-- leaks: docs.read docs.moves` (moves: an update that takes a row to another tenant; refers: a row that
//! refers to another tenant's), `-- open:` what is not understood, `-- notes: docs: words` each note of a relation, a
//! line each, `-- args:` what is said beforehand, `-- replayed: no` where leaks are not seen on the database. `@app` is
//! a role of its own.
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

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tenantry_file::{SourceText, compile, load};
use tenantry_plan::Fence;
use tenantry_plan::found::{compare_catalog, judge_database};
use tenantry_policy::Op;
use tenantry_proof::{Equal, Finding, Promise, Replay, Said, Verdict, security_obligations};
use tenantry_source::SourceUrl;
use tenantry_source::admin::Admin;

/// Schemas that are tried, at least.
const FEWEST: usize = 190;

const ROLES: [&str; 3] = ["app", "support", "group"];

fn server() -> Option<String> {
    let url = std::env::var("TENANTRY_TEST_POSTGRES").ok();
    if url.is_none() {
        assert!(std::env::var_os("TENANTRY_TEST_WHOLE").is_none(), "no server, in a run that has one");
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

async fn major(url: &str) -> i32 {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let row = client.query_one("SELECT current_setting('server_version_num')::int4 / 10000", &[]).await.unwrap();
    row.get(0)
}

fn key(finding: &Finding) -> String {
    let op = match (finding.promise, finding.op) {
        (Promise::UpdateNew, _) => "moves",
        (Promise::Reference, Some(_)) => "refers",
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

    /// `-- notes: docs: words of it`, a line each: every note is listed.
    fn notes(&self) -> Vec<(&str, &str)> {
        let lines = self.text.lines().filter_map(|line| line.strip_prefix("-- notes: "));
        lines.map(|line| line.split_once(": ").unwrap_or_else(|| panic!("{}: {line}", self.name))).collect()
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
        for finding in judged.leaks().filter(|finding| !self.listed("leaks").contains(&key(finding))) {
            if let Verdict::Leaks(leak) = &finding.verdict {
                text.push_str(&format!("    {}: {} by {:?}\n", key(finding), leak.role, leak.by));
            }
        }
        for finding in judged.leaks() {
            if let Verdict::Leaks(leak) = &finding.verdict
                && let Replay::Evaluator(why) = &leak.replay
                && self.header("replayed") != "no"
            {
                text.push_str(&format!("  not replayed: {} {why}\n", key(finding)));
            }
        }
        let notes: Vec<(&str, &str)> = judged
            .findings
            .iter()
            .filter_map(|one| match &one.verdict {
                Verdict::Warns(why) => Some((one.relation.as_str(), why.as_str())),
                _ => None,
            })
            .collect();
        let listed = self.notes();
        let is = |(of, words): &(&str, &str), (relation, why): &(&str, &str)| of == relation && why.contains(words);
        for note in notes.iter().filter(|note| !listed.iter().any(|one| is(one, note))) {
            text.push_str(&format!("  note not listed: {}: {}\n", note.0, note.1));
        }
        for one in listed.iter().filter(|one| !notes.iter().any(|note| is(one, note))) {
            text.push_str(&format!("  not noted: {}: {}\n", one.0, one.1));
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
    let version = major(&server).await;
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
        let than = |word: &str| case.header(word).parse::<i32>().ok();
        if than("before").is_some_and(|than| version >= than) || than("since").is_some_and(|than| version < than) {
            continue;
        }
        let mut statements = vec![
            "DROP SCHEMA IF EXISTS auth CASCADE".to_owned(),
            "DROP SCHEMA IF EXISTS tricks CASCADE".to_owned(),
            "DROP FOREIGN DATA WRAPPER IF EXISTS nowhere CASCADE".to_owned(),
            format!("REVOKE pg_read_all_data, pg_read_server_files FROM {}", role("support")),
            format!("REVOKE postgres, {} FROM {}, {}", role("group"), role("app"), role("support")),
            format!("REVOKE {} FROM {}", role("app"), role("support")),
            "DROP SCHEMA public CASCADE".to_owned(),
            "CREATE SCHEMA public".to_owned(),
            "GRANT USAGE ON SCHEMA public TO PUBLIC".to_owned(),
        ];
        statements.extend(ROLES.map(|name| format!("DROP OWNED BY {}", role(name))));
        statements.push(format!("ALTER ROLE {} NOBYPASSRLS NOREPLICATION INHERIT", role("support")));
        statements.push(format!("ALTER ROLE {} NOCREATEROLE", role("app")));
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
    assert!(!only.is_empty() || count >= FEWEST, "{count} schemas, of at least {FEWEST}");
}

/// Rules of every kind: hops, soft deletes, lists, prefixes, orders, NOT, HAS, shared, bypass, require.
const FILE: &str = r#"
[source.main]
url = "env:MAIN_URL"
[tenancy]
reach.read = ["principal.metadata.children"]
[table.orders]
source = "main.public.orders"
scope = { tenant_id = "principal.tenant_id" }
shared = "status = 'public'"
fields = { id = "allow", status = "allow", amount = "allow", placed = "allow", path = "allow", customer_id = "allow" }
relations = { customer = { table = "customers", key = "customer_id" } }
permit.children = { when = "tenant_id IN principal.metadata.children" }
bypass.support = { when = "'support' IN principal.roles" }
require.not-hidden = { when = "NOT (status IN ('hidden', 'gone')) OR HAS principal.metadata.auditor" }
require.small = { when = "amount < DECIMAL '1000' AND (amount >= DECIMAL '0' OR amount IS NULL OR principal.metadata.level > 3)" }
require.path = { when = "path STARTS WITH '/live/' OR path IS NULL", on = ["read", "update"] }
require.later = { when = "placed > TIMESTAMP '2020-01-01T00:00:00Z' OR placed IS NULL" }
require.region = { when = "customer.region <> 'closed'", on = ["update"] }
write = { create = ["status", "amount", "customer_id", "path"], update = ["status", "amount"], delete = true }
[table.customers]
source = "main.public.customers"
scope = { tenant_id = "principal.tenant_id" }
fields = { id = "allow", region = "allow" }
require.here = { when = "region NOT IN principal.metadata.closed" }
write = { create = ["region"], update = ["region"], delete = { soft = "deleted_at" } }
[table.lines]
source = "main.public.lines"
scope = { "order.tenant_id" = "principal.tenant_id" }
fields = { id = "allow", sku = "allow", order_id = "allow" }
relations = { order = { table = "orders", key = "order_id" } }
write = { create = ["order_id", "sku"], update = ["sku"], delete = true }
"#;

const TABLES: &str = "
CREATE TABLE customers (id uuid PRIMARY KEY, tenant_id text NOT NULL, region text, deleted_at timestamptz);
CREATE TABLE orders (id int8 PRIMARY KEY, tenant_id text NOT NULL, status text, amount numeric(10,2), placed timestamptz,
                     path text, customer_id uuid REFERENCES customers);
CREATE TABLE lines (id int8 PRIMARY KEY, order_id int8 NOT NULL REFERENCES orders, sku text)";

/// What somebody does by hand, and what is found: `orders.read shows`.
const BY_HAND: &[(&str, &[&str])] = &[
    (
        "ALTER POLICY \"tenantry:scope\" ON orders USING (status = 'new')",
        &["orders.read hides", "orders.update hides", "lines.read hides"],
    ),
    ("DROP POLICY \"tenantry:require:small\" ON orders", &["orders.read shows", "orders.create shows"]),
    ("DROP POLICY \"tenantry:permit:children:select\" ON orders", &["orders.read hides"]),
    // The boundary beneath the rules holds what is added by hand.
    ("CREATE POLICY mine ON orders FOR SELECT USING (amount = 7)", &[]),
    (
        "CREATE POLICY mine ON orders FOR SELECT USING (amount = 7); DROP POLICY \"tenantry:boundary:select\" ON orders",
        &["orders.read shows"],
    ),
    ("CREATE POLICY mine ON orders AS RESTRICTIVE USING (status <> 'new')", &["orders.read hides", "lines.read hides"]),
    ("ALTER TABLE customers DISABLE ROW LEVEL SECURITY", &["customers.read shows", "customers.create shows"]),
    (
        "ALTER POLICY \"tenantry:require:path:select\" ON orders USING (path LIKE '/live%' OR path IS NULL)",
        &["orders.read shows"],
    ),
    ("ALTER ROLE @app BYPASSRLS", &["orders.read shows", "customers.delete shows", "lines.update shows"]),
];

#[tokio::test]
async fn generated_row_security_equals_its_rules_until_somebody_changes_it() {
    let Some(server) = server() else { return };
    let name = format!("equal_{}", std::process::id());
    let role = format!("{name}_app");
    run_alone(&server, &format!("CREATE DATABASE {name}")).await;
    run_alone(&server, &format!("CREATE ROLE {role} LOGIN")).await;
    let url = format!("{}/{name}", server.rsplit_once('/').unwrap().0);
    run(&url, &["SET LOCAL search_path = public".to_owned(), TABLES.to_owned()]).await;
    let owner = SourceUrl::parse(&url).unwrap();
    let runtime = SourceUrl::parse(&url.replacen("postgres@", &format!("{role}@"), 1)).unwrap();
    let loaded = load(vec![SourceText { name: "tenantry.toml".to_owned(), text: FILE.to_owned() }])
        .unwrap_or_else(|found| panic!("{found:?}"));
    let catalog = tenantry_source::read_catalog(&owner).await.unwrap();
    let compiled = compile(&loaded, &BTreeMap::from([("main".to_owned(), catalog)]));
    let policy = compiled.unwrap_or_else(|found| panic!("{found:?}")).policy;
    let fence = Fence::build(&policy, "main", &runtime).unwrap();
    let found = compare_catalog(&owner, &policy, "main", &role, &[], true).await.unwrap();
    assert!(found.is_empty(), "nothing was applied yet: {found:?}");
    let mut wrong = String::new();
    for (by_hand, expected) in [("SELECT 1", &[][..])].iter().chain(BY_HAND) {
        fence.apply(&owner, &runtime).await.unwrap();
        let statement = by_hand.replace("@app", &role);
        run(&url, &["SET LOCAL search_path = public".to_owned(), statement]).await;
        let found = compare_catalog(&owner, &policy, "main", &role, &[], true).await.unwrap();
        let told: BTreeSet<String> = found
            .iter()
            .filter_map(|one| {
                let what = match &one.outcome {
                    Equal::Same => return None,
                    Equal::Shows(_) => "shows".to_owned(),
                    Equal::Hides(_) => "hides".to_owned(),
                    Equal::NotUnderstood(why) => format!("not understood: {why}"),
                };
                Some(format!("{}.{} {what}", one.table, one.op.name()))
            })
            .collect();
        let missing: Vec<&&str> = expected.iter().filter(|one| !told.contains(**one)).collect();
        let unclear = told.iter().any(|one| one.contains("not understood"));
        if !missing.is_empty() || unclear || (expected.is_empty() && !told.is_empty()) {
            wrong.push_str(&format!("{by_hand}\n  found {told:?}\n  missing {missing:?}\n"));
        }
        let obligations = security_obligations(&found, &policy);
        assert_eq!(obligations.len(), found.len());
        run(
            &url,
            &[
                "SET LOCAL search_path = public".to_owned(),
                "DROP POLICY IF EXISTS mine ON orders".to_owned(),
                format!("ALTER ROLE {role} NOBYPASSRLS"),
            ],
        )
        .await;
    }
    run(&url, &[format!("DROP OWNED BY {role}")]).await;
    run_alone(&server, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
    run_alone(&server, &format!("DROP ROLE {role}")).await;
    assert!(wrong.is_empty(), "\n{wrong}");
}
