//! Every leak that the prover finds in the policies with known verdicts (`crates/proof/tests/verdicts`) happens:
//! the rows of its witness are put into real databases, and the statement that a call would run does, as the
//! witness' principal, what it should not. The boundary, the net below the rules, is left out of the table in
//! question, as proofs do; where the boundary is what is asked about, it is put back and has to hold.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "a test"
)]

#[path = "../support/mod.rs"]
mod support;
#[path = "../../../proof/tests/verdicts/tables.rs"]
mod tables;

mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value as Json;
use tenantry_file::{SourceText, compile, load};
use tenantry_policy::condition::Cond;
use tenantry_policy::redact::HashKey;
use tenantry_policy::request::{Act, AskInclude, AskRead, AskTarget, Id, Literal};
use tenantry_policy::{Bound, ColumnId, Context, Op, Policy, Request, RuleKind, Table, TableId, Tool, decide};
use tenantry_proof::{Obligation, Outcome, Promise, Witness, prove};
use tenantry_source::{Options, Redactor, RunError, Source};

use rows::{Row, fill};
use support::database::{Database, TableDef};
use tables::Case;

/// The policy of a case over the tables as the database describes them, with a role that grants every tool.
async fn law(case: &Case, database: &Database) -> Policy {
    let tools: Vec<String> = case.tables.iter().map(|table| format!("\"{}.*\"", table.name)).collect();
    let text = format!(
        "[source.main]\nurl = \"env:TEST_URL\"\n[role.replayer]\ntools = [{}]\n{}",
        tools.join(", "),
        case.file
    );
    let told = |found: Vec<tenantry_file::Diagnostic>| -> Policy { panic!("{}: {found:?}", case.name) };
    let loaded = match load(vec![SourceText::new("tenantry.toml", text)]) {
        Ok(loaded) => loaded,
        Err(found) => return told(found),
    };
    let catalog = tenantry_source::read_catalog(&database.owner_url()).await.expect("a catalog");
    match compile(&loaded, &BTreeMap::from([("main".to_owned(), catalog)])) {
        Ok(compiled) => compiled.policy,
        Err(found) => told(found),
    }
}

fn definitions(case: &Case) -> Vec<TableDef> {
    let each = case.tables.iter().map(|table| TableDef {
        name: table.name.clone(),
        columns: table.columns.clone(),
        key: table.key.clone(),
        unique: table.unique.clone(),
        // Rows may point nowhere: that no foreign key of the database helps is the harder case.
        ..TableDef::default()
    });
    each.collect()
}

/// The policy without the boundary of some tables.
fn unbounded(policy: &Policy, tables: &[TableId]) -> Policy {
    let mut policy = policy.clone();
    for id in tables {
        policy.tables[id.index()].boundary = [(); 4].map(|()| Cond::Const(true));
    }
    policy
}

/// The policy with every column of a table the caller's to set in a new row, so that the rules alone decide
/// whether it may be there. A scope is filled in by the server: as a permit it says the same and fills nothing.
fn all_settable(mut policy: Policy, table: TableId) -> Policy {
    let table = &mut policy.tables[table.index()];
    table.writes.create = Some((0..table.columns.len()).map(|at| ColumnId(u16::try_from(at).unwrap())).collect());
    table.writes.auto_set.clear();
    table.writes.required.clear();
    for rule in &mut table.rules {
        if rule.kind == RuleKind::Scope {
            rule.kind = RuleKind::Permit;
        }
    }
    policy
}

/// What is done to show a leak.
enum Deed {
    /// The row at a place is read.
    Read(usize),
    /// The row at a place comes along with the first.
    Include(usize, String),
    Create,
    /// The first row becomes the one at a place, or stays as it is.
    Update(Option<usize>),
    Delete,
}

/// What to do for a leak, and the tables whose boundary is left out.
fn deed(table: &Table, leak: &Obligation, witness: &Witness) -> (Deed, Vec<TableId>) {
    let own = vec![table.id];
    let place = |role: &str| witness.rows.iter().position(|row| row.role == role).expect("the row");
    match (leak.promise, leak.op) {
        (Promise::Include, _) => {
            let name = leak.about.as_ref().unwrap().as_str().rsplit('.').next().unwrap().to_owned();
            let (_, relation) = table.find_relation(&name).unwrap();
            (Deed::Include(place("included row"), name), vec![table.id, relation.to])
        }
        (Promise::UpdateNew, _) => (Deed::Update(Some(place("new row"))), own),
        (_, Some(Op::Read) | None) => (Deed::Read(0), own),
        (_, Some(Op::Create)) => (Deed::Create, own),
        (_, Some(Op::Update)) => (Deed::Update(None), own),
        (_, Some(Op::Delete)) => (Deed::Delete, own),
    }
}

fn literal(json: &Json) -> Literal {
    match json {
        Json::Null => Literal::Null,
        Json::Bool(value) => Literal::Bool(*value),
        Json::Number(number) => Literal::Int(number.as_i64().expect("a whole number")),
        Json::String(text) => Literal::Text(Arc::from(text.as_str())),
        other => panic!("{other} is no value"),
    }
}

fn id(table: &Table, row: &Row) -> Id {
    let part = |column: &ColumnId| {
        let name = table.column(*column).unwrap().facts.name.clone();
        let value = literal(&row[&name]);
        (name, value)
    };
    match table.key.as_slice() {
        [one] => Id::Single(part(one).1),
        many => Id::Composite(many.iter().map(part).collect()),
    }
}

fn name(table: &Table, column: &ColumnId) -> String {
    table.column(*column).unwrap().facts.name.clone()
}

/// What an update sets: where the new row differs, else a column to what it is, or the reference that is asked about.
fn data(table: &Table, leak: &Obligation, before: &Row, after: &Row) -> Vec<(String, Literal)> {
    let name = |column: &ColumnId| name(table, column);
    let writable: Vec<String> = table.writes.update.iter().map(name).collect();
    let changed: Vec<&String> = writable.iter().filter(|name| before[*name] != after[*name]).collect();
    let referring: Vec<String> = match (leak.promise, &leak.about) {
        (Promise::Reference, Some(about)) => {
            let relation = table.find_relation(about.as_str().rsplit('.').next().unwrap()).unwrap().1;
            relation.pairs.iter().map(|(own, _)| name(own)).collect()
        }
        _ => Vec::new(),
    };
    let refers = |name: &&String| {
        table.relations.iter().any(|relation| relation.pairs.iter().any(|(own, _)| self::name(table, own) == **name))
    };
    let set: Vec<&String> = if !changed.is_empty() {
        changed
    } else if !referring.is_empty() {
        referring.iter().collect()
    } else {
        // What refers to nothing, where there is such a column: a reference would have to be visible, too.
        let plain = writable.iter().find(|name| !refers(name));
        plain.or(writable.first()).into_iter().collect()
    };
    set.into_iter().map(|name| (name.clone(), literal(&after[name]))).collect()
}

fn request(table: &Table, leak: &Obligation, deed: &Deed, filled: &[Row]) -> Request {
    let (tool, act) = match deed {
        Deed::Read(place) => {
            (Tool::Get, Act::Get { id: id(table, &filled[*place]), select: None, include: Vec::new() })
        }
        Deed::Include(_, relation) => {
            let include = vec![AskInclude { relation: relation.clone(), read: AskRead::default() }];
            // The parent is the other row of the two.
            (Tool::Get, Act::Get { id: id(table, &filled[1]), select: None, include })
        }
        Deed::Create => {
            let row = filled[0].iter().map(|(name, value)| (name.clone(), literal(value))).collect();
            (Tool::Create, Act::Create { rows: vec![row], return_fields: None })
        }
        Deed::Update(new) => {
            let data = data(table, leak, &filled[0], &filled[new.unwrap_or(0)]);
            (Tool::Update, Act::Update { target: AskTarget::Id(id(table, &filled[0])), data })
        }
        Deed::Delete => (Tool::Delete, Act::Delete { id: id(table, &filled[0]) }),
    };
    Request { tool, model: table.name.to_string(), act, reason: Some("replayed".to_owned()), dry_run: false }
}

/// Does the call do it?
async fn happens(
    policy: &Policy,
    leak: &Obligation,
    deed: &Deed,
    witness: &Witness,
    filled: &[Row],
    source: &Source,
) -> Result<bool, String> {
    let policy = Arc::new(policy.clone());
    let table = policy.find(&leak.table).unwrap();
    let mut principal = witness.as_principal(&policy);
    principal.roles.push("replayer".to_owned());
    let bound = Bound::new(Arc::clone(&policy), Arc::new(principal)).map_err(|error| error.to_string())?;
    let context = Context { bound: Arc::new(bound), now_micros: witness.now_micros, request_id: Arc::from("req") };
    let allowed = match decide(&context, request(table, leak, deed, filled)) {
        Ok(allowed) => allowed,
        Err(denied) => return Err(format!("{denied:?}")),
    };
    let program = tenantry_sql::render(&allowed).expect("renders");
    let sql = format!("{:?}", program.steps);
    let answer = match source.run(program, Redactor { hash: HashKey::derive(b"", "") }).await {
        Ok(answer) => answer,
        Err(RunError::NotFound | RunError::RuleRefusesRow | RunError::ReferenceNotVisible { .. }) => return Ok(false),
        Err(error) => return Err(format!("{error}: {sql}")),
    };
    let rows: Vec<Json> = serde_json::from_slice(&answer.rows).expect("rows");
    Ok(match deed {
        Deed::Read(_) => rows.len() == 1,
        Deed::Include(place, relation) => {
            let (_, facts) = table.find_relation(relation).unwrap();
            let other = policy.table(facts.to).unwrap();
            let key = other.column(other.key[0]).unwrap().facts.name.clone();
            let found = match &rows[0][relation] {
                Json::Array(items) => items.clone(),
                one => vec![one.clone()],
            };
            found.iter().any(|row| row[&key] == filled[*place][&key])
        }
        Deed::Create | Deed::Update(_) | Deed::Delete => answer.count == 1,
    })
}

/// One case on one database: how many leaks were replayed.
async fn replay(case: &Case, database: &Database) -> Result<usize, String> {
    let mut definitions = definitions(case);
    let names: Vec<String> = definitions.iter().map(|table| format!("\"{}\"", table.name)).collect();
    for name in &names {
        let rest = if matches!(database, Database::Postgres { .. }) { " CASCADE" } else { "" };
        database.execute(&format!("DROP TABLE IF EXISTS {name}{rest}")).await;
    }
    database.create(&definitions).await;
    let policy = law(case, database).await;
    let clock = Arc::new(support::ambient::TestClock::default());
    let source = Source::open("main", &database.runtime_url(), Options::default(), clock).await.expect("opens");
    let mut replayed = 0;
    for leak in prove(&policy).leaks() {
        let Outcome::Leaks(witness) = &leak.outcome else { continue };
        let table = policy.find(&leak.table).unwrap();
        let (deed, beyond) = deed(table, leak, witness);
        let filled = fill(&policy, witness);
        let absent: BTreeSet<usize> = witness
            .rows
            .iter()
            .enumerate()
            .filter(|(at, row)| row.role == "new row" || (*at == 0 && matches!(deed, Deed::Create)))
            .map(|(at, _)| at)
            .collect();
        for definition in &mut definitions {
            let of =
                |at: &usize| policy.table(witness.rows[*at].table).is_some_and(|table| *table.name == *definition.name);
            definition.rows =
                (0..filled.len()).filter(of).filter(|at| !absent.contains(at)).map(|at| filled[at].clone()).collect();
        }
        let law = |policy: &Policy| match deed {
            Deed::Create => all_settable(policy.clone(), table.id),
            _ => policy.clone(),
        };
        let told =
            |text: String| format!("{} of {}: {text}\n  {witness:?}\n  {filled:?}", leak.promise.name(), case.name);
        let open = law(&unbounded(&policy, &beyond));
        database.refill(&definitions).await;
        database.apply_row_security(&open).await;
        match happens(&open, leak, &deed, witness, &filled, &source).await {
            Ok(true) => replayed += 1,
            Ok(false) => return Err(told("the database does not do it".to_owned())),
            Err(error) => return Err(told(error)),
        }
        if leak.promise == Promise::Boundary {
            let closed = law(&policy);
            database.refill(&definitions).await;
            database.apply_row_security(&closed).await;
            // A refusal before any statement, or by one, will do.
            if happens(&closed, leak, &deed, witness, &filled, &source).await == Ok(true) {
                return Err(told("the boundary does not keep it".to_owned()));
            }
        }
    }
    Ok(replayed)
}

async fn all(database: impl AsyncFn() -> Option<Database>, fresh: bool) {
    let Some(mut at) = database().await else { return };
    let mut wrong = Vec::new();
    let mut replayed = 0;
    for case in tables::cases().iter().filter(|case| !case.leaks.is_empty()) {
        if fresh {
            at = database().await.expect("a database");
        }
        match replay(case, &at).await {
            Ok(count) => {
                assert!(count >= case.leaks.len(), "{}: only {count} leaks", case.name);
                replayed += count;
            }
            Err(told) => wrong.push(told),
        }
    }
    assert!(wrong.is_empty(), "{} of {replayed} leaks do not happen:\n{}", wrong.len(), wrong.join("\n"));
    eprintln!("{replayed} leaks happen");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_leak_happens_on_sqlite() {
    all(async || Some(Database::sqlite()), true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_leak_happens_on_postgres() {
    all(async || Database::postgres().await, false).await;
}
