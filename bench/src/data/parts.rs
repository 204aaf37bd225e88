//! Where the time of a call goes: each room's share, called alone, beside the whole.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use serde_json::{Value, json};
use tenantry_policy::redact::HashKey;
use tenantry_policy::request::{Act, AskFilter, AskOrder, AskRead, FilterOp, Id, Literal};
use tenantry_policy::{Allowed, Context, Query, Request, decide};
use tenantry_source::Redactor;
use tenantry_sql::render;
use tenantry_store::{Entry, Phase};

use super::engine::Engine;
use super::orders::{ASKED, Case, Kind, cases, tenant};
use crate::talk::{Grid, figure, say};
use crate::timing::{Watch, median, nanos_each};
use crate::{Doing, Problem};

/// Calls between two looks at the clock.
const BATCH: usize = 200;

/// A part's microseconds, round by round.
struct Part {
    name: &'static str,
    micros: Vec<f64>,
}

/// Takes a get and a query of each database apart, prints, and answers with the figures.
pub(crate) async fn run(engines: &[(&str, Arc<Engine>)], folder: &Path, rounds: usize) -> Result<Value, Problem> {
    let mut headings = vec!["one caller, microseconds".to_owned()];
    let mut columns = Vec::new();
    for (name, engine, kind) in
        engines.iter().flat_map(|(name, engine)| [Kind::Get, Kind::Query].map(|kind| (name, engine, kind)))
    {
        headings.push(format!("{name} {}", kind.name()));
        let engine = Arc::clone(engine);
        let folder = folder.to_owned();
        // On a worker's thread, where calls run.
        let parts = tokio::spawn(async move { measure(&engine, &folder, kind, rounds).await });
        columns.push(parts.await.doing("wait for the parts")??);
    }
    let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
    let mut grid = Grid::new(&headings);
    for (at, (name, _)) in columns.first().into_iter().flatten().enumerate() {
        let mut cells = vec![(*name).to_owned()];
        cells.extend(columns.iter().filter_map(|column| column.get(at)).map(|(_, micros)| figure(*micros)));
        grid.row(cells);
    }
    say(&format!("\nWhere the time goes: each part alone, medians of {rounds} rounds"));
    grid.print();
    let named = |column: &[(&'static str, f64)]| -> serde_json::Map<String, Value> {
        column.iter().map(|(name, micros)| ((*name).to_owned(), json!(micros))).collect()
    };
    let columns =
        headings.iter().skip(1).zip(&columns).map(|(name, column)| ((*name).to_owned(), json!(named(column))));
    Ok(Value::Object(columns.collect()))
}

fn request(kind: Kind, case: Case) -> Request {
    let act = match kind {
        Kind::Get => Act::Get { id: Id::Single(Literal::Int(case.id)), select: None, include: Vec::new() },
        _ => Act::Query(AskRead {
            filter: Some(AskFilter::Leaf {
                field: "status".to_owned(),
                op: FilterOp::Eq,
                value: Literal::Text(ASKED.into()),
            }),
            order: vec![AskOrder { field: "created_at".to_owned(), descending: true }],
            take: Some(25),
            ..AskRead::default()
        }),
    };
    let tool = if kind == Kind::Get { tenantry_policy::Tool::Get } else { tenantry_policy::Tool::Query };
    Request { tool, model: "orders".to_owned(), act, reason: None, dry_run: false }
}

async fn measure(
    engine: &Engine,
    folder: &Path,
    kind: Kind,
    rounds: usize,
) -> Result<Vec<(&'static str, f64)>, Problem> {
    let asked = cases(kind, BATCH);
    let bodies: Vec<Vec<u8>> = asked.iter().map(|case| kind.body(*case)).collect();
    let contexts: Vec<Context> = asked.iter().map(|case| engine.context(*case)).collect::<Result<_, _>>()?;
    let allow = |at: usize| -> Result<Allowed<Query>, Problem> {
        let (Some(case), Some(context)) = (asked.get(at), contexts.get(at)) else {
            return Err(Problem::new("find a case", at));
        };
        decide(context, request(kind, *case)).map_err(|denied| Problem::new("decide", denied.message))
    };
    let allowed: Vec<Allowed<Query>> = (0..BATCH).map(allow).collect::<Result<_, _>>()?;
    let entry = |case: &Case| {
        let mut entry =
            Entry::started("req_0123456789abcdef01234567", &tenant(case.tenant), kind.tool(), 1_795_348_800_000_000);
        entry.user = Some("agent@bench.example".to_owned());
        entry.model = Some("orders".to_owned());
        entry.request_digest = "0".repeat(64);
        entry.inputs = Some(String::from_utf8_lossy(&kind.body(*case)).into_owned());
        entry.reasons = vec!["table.orders.scope".to_owned()];
        entry.scopes =
            Some(r#"[{"rule":"table.orders.scope","sql":"(t.\"tenant_id\" = :principal.tenant_id)"}]"#.to_owned());
        entry.policy_version = "0123456789abcdef".to_owned();
        entry
    };
    let mut floor = Floor::open(folder, kind)?;
    let names = [
        "a whole call",
        "  parse the arguments (guard::json)",
        "  decide (policy)",
        "  render (sql)",
        "  run on the source (source)",
        "  both audit entries, as a call writes them (store)",
        "  derive the hash key (policy::redact)",
        "  the rest (guard)",
        "one audit entry",
        "floor: one row of 600 bytes into SQLite, committed",
        "floor: 600 bytes appended to a file",
    ];
    let mut parts: Vec<Part> = names.iter().map(|name| Part { name, micros: Vec::new() }).collect();
    for round in 0..=rounds {
        let mut micros = [0.0; 11];
        let each = |watch: Watch| nanos_each(watch.passed(), BATCH) / 1_000.0;
        let watch = Watch::start();
        for (case, body) in asked.iter().zip(&bodies) {
            std::hint::black_box(engine.call(kind, *case, body).await?);
        }
        micros[0] = each(watch);
        let watch = Watch::start();
        for body in &bodies {
            std::hint::black_box(tenantry_guard::json::parse(body).doing("parse the arguments")?);
        }
        micros[1] = each(watch);
        let watch = Watch::start();
        for at in 0..BATCH {
            std::hint::black_box(allow(at)?);
        }
        micros[2] = each(watch);
        let watch = Watch::start();
        for allowed in &allowed {
            std::hint::black_box(render(allowed).doing("render")?);
        }
        micros[3] = each(watch);
        let programs = allowed.iter().map(|allowed| {
            let hash = HashKey::derive(&[7; 32], allowed.context().bound.account());
            Ok((render(allowed).doing("render")?, Redactor { hash }))
        });
        let programs = programs.collect::<Result<Vec<_>, Problem>>()?;
        let watch = Watch::start();
        for (program, redactor) in programs {
            std::hint::black_box(engine.source().run(program, redactor).await.doing("run a program")?);
        }
        micros[4] = each(watch);
        let entries: Vec<Entry> = asked.iter().map(entry).collect();
        let watch = Watch::start();
        for entry in entries.clone() {
            let last = entry.clone();
            let receipt = engine.store().append(entry).await.doing("append to the audit")?;
            let last = last.ended(&receipt, Phase::Completed, last.time_micros + 50);
            engine.store().append(last).await.doing("append to the audit")?;
        }
        micros[5] = each(watch);
        let watch = Watch::start();
        for entry in entries {
            std::hint::black_box(engine.store().append(entry).await.doing("append to the audit")?);
        }
        micros[8] = each(watch);
        let watch = Watch::start();
        for context in &contexts {
            std::hint::black_box(HashKey::derive(&[7; 32], context.bound.account()));
        }
        micros[6] = each(watch);
        micros[7] = micros[0] - micros.iter().skip(1).take(6).sum::<f64>();
        [micros[9], micros[10]] = floor.round()?;
        // The first round warms up.
        if round > 0 {
            parts.iter_mut().zip(micros).for_each(|(part, micros)| part.micros.push(micros));
        }
    }
    Ok(parts.into_iter().map(|part| (part.name, median(&part.micros))).collect())
}

/// The least that an audit entry could cost in each form.
struct Floor {
    connection: Connection,
    file: std::fs::File,
}

impl Floor {
    fn open(folder: &Path, kind: Kind) -> Result<Floor, Problem> {
        let failed = "open the floor";
        let connection = Connection::open(folder.join(format!("floor-{}.db", kind.name()))).doing(failed)?;
        connection
            .execute_batch(
                "PRAGMA page_size = 2048; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; \
                 CREATE TABLE IF NOT EXISTS entry (id INTEGER PRIMARY KEY, body BLOB);",
            )
            .doing(failed)?;
        let file = std::fs::File::create(folder.join(format!("floor-{}.log", kind.name()))).doing(failed)?;
        Ok(Floor { connection, file })
    }

    fn round(&mut self) -> Result<[f64; 2], Problem> {
        let body = [b'x'; 600];
        let watch = Watch::start();
        for _ in 0..BATCH {
            let mut insert = self.connection.prepare_cached("INSERT INTO entry (body) VALUES (?1)").doing("insert")?;
            insert.execute([body.as_slice()]).doing("insert")?;
        }
        let inserted = nanos_each(watch.passed(), BATCH) / 1_000.0;
        let watch = Watch::start();
        for _ in 0..BATCH {
            self.file.write_all(&body).doing("append to a file")?;
        }
        Ok([inserted, nanos_each(watch.passed(), BATCH) / 1_000.0])
    }
}
