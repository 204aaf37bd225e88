//! P1, P2 and P9: what a tool call costs, beside the same work written by hand and beside OrmAI.

mod engine;
mod orders;
mod ormai;
mod parts;
mod postgres;
mod profile;
mod rounds;
mod sqlite;
mod start;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::talk::{Grid, figure, note, say};
use crate::{Doing, Problem};
use engine::{Engine, Place};
use orders::Kind;
use ormai::Ormai;
use postgres::Form;
use rounds::{Lane, Way, agree, race};

pub use profile::{ProfileArgs, profile};

/// Callers at a time.
const CALLERS: [usize; 2] = [1, 16];

/// What the run may use.
#[derive(Debug, Clone, Args)]
pub struct DataArgs {
    /// A PostgreSQL cluster's superuser address; without it PostgreSQL is left out
    #[arg(long, value_name = "URL")]
    pub postgres: Option<String>,
    /// A Python with OrmAI and SQLAlchemy; without it P2 is left out
    #[arg(long, value_name = "FILE")]
    pub python: Option<PathBuf>,
    /// The script that drives OrmAI
    #[arg(long, value_name = "FILE", default_value = "bench/ormai/serve.py")]
    pub script: PathBuf,
    /// Only take calls apart
    #[arg(long)]
    pub parts: bool,
    /// The built program; without it P9 is left out
    #[arg(long, value_name = "FILE")]
    pub program: Option<PathBuf>,
}

/// How long and how often.
#[derive(Debug, Clone, Copy)]
struct Length {
    rounds: usize,
    wanted: Duration,
    starts: usize,
}

/// Measures, prints, and answers with the figures.
///
/// # Errors
/// [`Problem`] when something that was asked for cannot be measured.
pub fn run(args: &DataArgs, quick: bool) -> Result<Value, Problem> {
    let length = if quick {
        Length { rounds: 7, wanted: Duration::from_millis(40), starts: 5 }
    } else {
        Length { rounds: 31, wanted: Duration::from_millis(100), starts: 15 }
    };
    let folder = tempfile::tempdir().doing("make a folder")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().doing("start a runtime")?;
    let mut report = runtime.block_on(async {
        let mut sides = vec![Side::sqlite(args, folder.path()).await?];
        match &args.postgres {
            Some(cluster) => sides.push(Side::postgres(args, cluster, folder.path()).await?),
            None => note("no PostgreSQL was given: left out"),
        }
        measure(&sides, length, folder.path(), args.parts).await
    })?;
    drop(runtime);
    match &args.program {
        Some(program) => {
            let figures = start::run(program, folder.path(), length.starts)?;
            if let Some(report) = report.as_object_mut() {
                report.insert("P9".to_owned(), figures);
            }
        }
        None => note("no program was given: P9 is left out"),
    }
    Ok(report)
}

/// One database with all ways to work on it.
struct Side {
    name: &'static str,
    /// By hand, cheapest first.
    by_hand: Vec<(&'static str, Way)>,
    engine: Arc<Engine>,
    ormai: Option<Arc<Mutex<Ormai>>>,
}

impl Side {
    async fn sqlite(args: &DataArgs, folder: &std::path::Path) -> Result<Side, Problem> {
        note("SQLite: 100,000 rows of 100 tenants …");
        let file = folder.join("orders.db");
        sqlite::fill(&file)?;
        let url = format!("sqlite:{}", file.display());
        let callers = CALLERS.into_iter().max().unwrap_or(1);
        let place = Place { table: "main.orders", owner: &url, runtime: &url, folder, fence: false };
        let engine = Engine::open(&place, callers).await?;
        let way = Way::Sqlite(sqlite::ByHand::open(&file, callers)?);
        agree(&engine, &way).await?;
        let database = format!("sqlite:///{}", file.display());
        let ormai = ormai(args, &database, folder)?;
        Ok(Side { name: "SQLite", by_hand: vec![("rusqlite", way)], engine, ormai })
    }

    async fn postgres(args: &DataArgs, cluster: &str, folder: &std::path::Path) -> Result<Side, Problem> {
        note("PostgreSQL: the same rows …");
        let folder = folder.join("postgres");
        std::fs::create_dir_all(&folder).doing("make a folder")?;
        let database = postgres::fill(cluster).await?;
        let callers = CALLERS.into_iter().max().unwrap_or(1);
        let place = Place {
            table: "main.public.orders",
            owner: &database.owner,
            runtime: &database.runtime,
            folder: &folder,
            fence: true,
        };
        let engine = Engine::open(&place, callers).await?;
        let plain = Way::Postgres(Arc::new(postgres::ByHand::open(&database, Form::Plain, callers).await?));
        let pipelined = Way::Postgres(Arc::new(postgres::ByHand::open(&database, Form::Pipelined, callers).await?));
        for way in [&plain, &pipelined] {
            agree(&engine, way).await?;
        }
        let url = database.owner.replacen("postgres://", "postgresql+psycopg://", 1);
        let ormai = ormai(args, &url, &folder)?;
        Ok(Side {
            name: "PostgreSQL",
            by_hand: vec![("plain statement", plain), ("pipelined", pipelined)],
            engine,
            ormai,
        })
    }
}

fn ormai(args: &DataArgs, database: &str, folder: &std::path::Path) -> Result<Option<Arc<Mutex<Ormai>>>, Problem> {
    let Some(python) = &args.python else { return Ok(None) };
    let ormai = Ormai::start(python, &args.script, database, &folder.join("ormai-audit.jsonl"))?;
    note(&format!("OrmAI: {}", ormai.versions));
    Ok(Some(Arc::new(Mutex::new(ormai))))
}

async fn measure(sides: &[Side], length: Length, folder: &std::path::Path, only_parts: bool) -> Result<Value, Problem> {
    let engines: Vec<(&str, Arc<Engine>)> = sides.iter().map(|side| (side.name, Arc::clone(&side.engine))).collect();
    let parts = parts::run(&engines, folder, 2 * length.rounds).await?;
    if only_parts {
        return Ok(json!({ "parts": parts }));
    }
    let p1 = beside_hand(sides, length).await?;
    let p2 = beside_ormai(sides, length).await?;
    Ok(json!({ "P1": p1, "P2": p2, "parts": parts }))
}

async fn beside_hand(sides: &[Side], length: Length) -> Result<Value, Problem> {
    let mut figures = Vec::new();
    let mut gets = Vec::new();
    for side in sides {
        let names: Vec<&str> = side.by_hand.iter().map(|(name, _)| *name).collect();
        let mut headings = vec![side.name, "callers"];
        headings.extend(&names);
        headings.extend(["engine", "over HTTP"]);
        let ratios: Vec<String> = names.iter().map(|name| format!("engine/{name}")).collect();
        headings.extend(ratios.iter().map(String::as_str));
        let mut grid = Grid::new(&headings);
        for kind in Kind::OURS {
            for callers in CALLERS {
                note(&format!("{}: {} by {callers} …", side.name, kind.name()));
                let mut lanes: Vec<Lane> =
                    side.by_hand.iter().map(|(name, way)| Lane::new(name, way.clone())).collect();
                lanes.push(Lane::new("engine", Way::Engine(Arc::clone(&side.engine))));
                lanes.push(Lane::new("over HTTP", Way::Http(Arc::clone(&side.engine))));
                race(&mut lanes, kind, callers, length.rounds, length.wanted).await?;
                let Some(engine) = lanes.get(names.len()) else { continue };
                let over: Vec<f64> = lanes.iter().take(names.len()).map(|lane| engine.over(lane)).collect();
                let mut cells = vec![kind.name().to_owned(), callers.to_string()];
                cells.extend(lanes.iter().map(|lane| figure(lane.median())));
                cells.extend(over.iter().map(|ratio| figure(*ratio)));
                grid.row(cells);
                let micros: serde_json::Map<String, Value> =
                    lanes.iter().map(|lane| (lane.name.to_owned(), json!(lane.median()))).collect();
                let ratios: serde_json::Map<String, Value> =
                    names.iter().zip(&over).map(|(name, ratio)| ((*name).to_owned(), json!(ratio))).collect();
                figures.push(json!({
                    "database": side.name, "call": kind.name(), "callers": callers, "micros": micros, "engine_over": ratios,
                }));
                if kind == Kind::Get {
                    gets.extend(names.iter().zip(over).map(|(name, ratio)| (*name, callers, ratio)));
                }
            }
        }
        say(&format!(
            "\n{}: microseconds per call (elapsed time over calls), medians of {} interleaved rounds; audit on",
            side.name, length.rounds
        ));
        grid.print();
    }
    let limit = |name: &str| match name {
        "rusqlite" => 3.0,
        "pipelined" => 1.5,
        _ => 2.5,
    };
    let pass = gets.iter().all(|(name, _, ratio)| *ratio <= limit(name));
    let told: Vec<String> = gets
        .iter()
        .map(|(name, callers, ratio)| format!("{} times {name} of {} at {callers}", figure(*ratio), limit(name)))
        .collect();
    say(&format!("P1: {} (get: {})", if pass { "pass" } else { "short" }, told.join(", ")));
    Ok(json!({ "pass": pass, "rounds": length.rounds, "figures": figures }))
}

async fn beside_ormai(sides: &[Side], length: Length) -> Result<Value, Problem> {
    let mut figures = Vec::new();
    let mut least = f64::INFINITY;
    let mut grid = Grid::new(&[
        "one caller",
        "by hand",
        "engine",
        "OrmAI",
        "its audit off",
        "OrmAI/engine",
        "audit off/engine",
        "OrmAI/by hand",
    ]);
    for side in sides {
        let Some(ormai) = &side.ormai else { continue };
        for kind in Kind::SHARED {
            note(&format!("{}: {} beside OrmAI …", side.name, kind.name()));
            // What OrmAI's work costs at least, and so how much faster anything could be.
            let Some((_, by_hand)) = side.by_hand.first() else { continue };
            let mut lanes = vec![
                Lane::new("by hand", by_hand.clone()),
                Lane::new("engine", Way::Engine(Arc::clone(&side.engine))),
                Lane::new("OrmAI", Way::Ormai(Arc::clone(ormai), true)),
                Lane::new("its audit off", Way::Ormai(Arc::clone(ormai), false)),
            ];
            race(&mut lanes, kind, 1, length.rounds, length.wanted).await?;
            let [by_hand, engine, audited, bare] = lanes.as_slice() else { continue };
            let ratios = [audited.over(engine), bare.over(engine), audited.over(by_hand)];
            least = least.min(ratios[0]);
            let mut cells = vec![format!("{} {}", side.name, kind.name())];
            cells.extend(lanes.iter().map(|lane| figure(lane.median())));
            cells.extend(ratios.map(figure));
            grid.row(cells);
            figures.push(json!({
                "database": side.name, "call": kind.name(), "by_hand_micros": by_hand.median(),
                "engine_micros": engine.median(), "ormai_micros": audited.median(), "ormai_without_audit_micros": bare.median(),
                "ormai_over_engine": ratios[0], "ormai_without_audit_over_engine": ratios[1], "ormai_over_by_hand": ratios[2],
            }));
        }
    }
    if figures.is_empty() {
        note("no Python with OrmAI was given: P2 is left out");
        return Ok(Value::Null);
    }
    say("\nBeside OrmAI on SQLAlchemy: microseconds per call, the engine with its audit on");
    grid.print();
    let pass = least >= 15.0;
    say(&format!("P2: {} (at least {} times faster of 15)", if pass { "pass" } else { "short" }, figure(least)));
    let versions: Vec<String> =
        sides.iter().filter_map(|side| side.ormai.as_ref().map(|ormai| ormai.lock().versions.clone())).collect();
    Ok(json!({ "pass": pass, "rounds": length.rounds, "least": least, "versions": versions, "figures": figures }))
}
