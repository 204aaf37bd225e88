//! Ways to do the same work, measured in turns.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;

use super::engine::Engine;
use super::orders::{Case, Kind, cases, tenant};
use super::ormai::Ormai;
use super::{postgres, sqlite};
use crate::timing::{Watch, median, nanos_each, number};
use crate::{Doing, Problem};

/// One way to do the work.
#[derive(Clone)]
pub(crate) enum Way {
    /// By hand on rusqlite.
    Sqlite(Arc<sqlite::ByHand>),
    /// By hand on tokio-postgres.
    Postgres(Arc<postgres::ByHand>),
    /// The engine, in process.
    Engine(Arc<Engine>),
    /// The engine, over HTTP.
    Http(Arc<Engine>),
    /// OrmAI; with its audit, or without.
    Ormai(Arc<Mutex<Ormai>>, bool),
}

/// One call, made ready before the clock starts.
#[derive(Debug, Clone)]
struct Call {
    case: Case,
    tenant: String,
    body: Bytes,
}

/// A way with what was measured of it.
pub(crate) struct Lane {
    /// Its name in the tables.
    pub(crate) name: &'static str,
    way: Way,
    /// How many calls a batch has.
    batch: usize,
    /// Microseconds per call, round by round.
    pub(crate) micros: Vec<f64>,
}

impl Lane {
    /// A way that was not measured yet.
    #[must_use]
    pub(crate) fn new(name: &'static str, way: Way) -> Lane {
        Lane { name, way, batch: 16, micros: Vec::new() }
    }

    /// The median.
    #[must_use]
    pub(crate) fn median(&self) -> f64 {
        median(&self.micros)
    }

    /// How many times as long as `other`: the median over the rounds, in each of which both ran
    /// shortly after one another.
    #[must_use]
    pub(crate) fn over(&self, other: &Lane) -> f64 {
        let ratios: Vec<f64> = self.micros.iter().zip(&other.micros).map(|(own, other)| own / other).collect();
        median(&ratios)
    }
}

/// Runs all lanes in turns, `rounds` times, each batch about `wanted` long.
///
/// # Errors
/// [`Problem`] when a call fails.
pub(crate) async fn race(
    lanes: &mut [Lane],
    kind: Kind,
    callers: usize,
    rounds: usize,
    wanted: Duration,
) -> Result<(), Problem> {
    for lane in lanes.iter_mut() {
        // Twice: what is cold the first time would make the batch too short.
        for _ in 0..2 {
            let took = batch(&lane.way, kind, callers, lane.batch).await?;
            let each = nanos_each(took, lane.batch).max(1.0);
            lane.batch = count(wanted.as_secs_f64() * 1e9 / each).clamp(callers, 20_000);
        }
    }
    for round in 0..rounds {
        for step in 0..lanes.len() {
            let at = (round + step) % lanes.len();
            let Some(lane) = lanes.get_mut(at) else { continue };
            let took = batch(&lane.way, kind, callers, lane.batch).await?;
            lane.micros.push(nanos_each(took, lane.batch) / 1_000.0);
        }
    }
    Ok(())
}

fn count(wanted: f64) -> usize {
    (1..=20_000).find(|count| number(*count) >= wanted).unwrap_or(20_000)
}

/// The time that so many calls take, shared by so many callers.
async fn batch(way: &Way, kind: Kind, callers: usize, calls: usize) -> Result<Duration, Problem> {
    let cases = cases(kind, calls);
    if let Way::Ormai(ormai, audited) = way {
        return ormai.lock().run(kind, *audited, &cases);
    }
    let make = |case: Case| Call { case, tenant: tenant(case.tenant), body: kind.body(case).into() };
    let mut shares: Vec<Vec<Call>> = (0..callers).map(|_| Vec::new()).collect();
    for (at, case) in cases.into_iter().enumerate() {
        if let Some(share) = shares.get_mut(at % callers) {
            share.push(make(case));
        }
    }
    let watch = Watch::start();
    let tasks: Vec<_> = shares
        .into_iter()
        .enumerate()
        .map(|(caller, share)| match way.clone() {
            // Work that never waits for anything but the processor has threads of its own, as a
            // program written by hand would have.
            Way::Sqlite(by_hand) => tokio::task::spawn_blocking(move || {
                share
                    .iter()
                    .try_for_each(|call| {
                        by_hand.call(caller, kind, call.case, &call.tenant).map(std::hint::black_box).map(drop)
                    })
                    .doing("call SQLite by hand")
            }),
            way => tokio::spawn(async move {
                for call in &share {
                    one(&way, caller, kind, call).await?;
                }
                Ok(())
            }),
        })
        .collect();
    for task in tasks {
        task.await.doing("wait for a caller")??;
    }
    Ok(watch.passed())
}

async fn one(way: &Way, caller: usize, kind: Kind, call: &Call) -> Result<(), Problem> {
    match way {
        Way::Postgres(by_hand) => {
            let rows = by_hand.call(caller, kind, call.case, &call.tenant).await.doing("call PostgreSQL by hand")?;
            std::hint::black_box(rows);
        }
        Way::Engine(engine) => {
            std::hint::black_box(engine.call(kind, call.case, &call.body).await?);
        }
        Way::Http(engine) => {
            std::hint::black_box(engine.call_http(caller, kind, call.case, &call.body).await?);
        }
        Way::Sqlite(_) | Way::Ormai(..) => {}
    }
    Ok(())
}

/// Do the engine's answers hold what the hand-written ones hold?
///
/// # Errors
/// [`Problem`] with both when they differ.
pub(crate) async fn agree(engine: &Arc<Engine>, by_hand: &Way) -> Result<(), Problem> {
    for kind in [Kind::Get, Kind::Query, Kind::Aggregate, Kind::Count] {
        for case in cases(kind, 20) {
            let name = tenant(case.tenant);
            let raw = match by_hand {
                Way::Sqlite(by_hand) => by_hand.call(0, kind, case, &name).doing("call SQLite by hand")?,
                Way::Postgres(by_hand) => by_hand.call(0, kind, case, &name).await.doing("call PostgreSQL by hand")?,
                _ => return Ok(()),
            };
            let parse = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).doing("read an answer");
            let body = kind.body(case);
            let own = parse(&engine.call(kind, case, &body).await?)?;
            let http = parse(&engine.call_http(0, kind, case, &body.into()).await?)?;
            let mut data = own.get("data").cloned().unwrap_or_default();
            let mut raw = parse(&raw)?;
            if kind == Kind::Aggregate {
                // Groups come in no promised order.
                [&mut data, &mut raw].into_iter().filter_map(|value| value.as_array_mut()).for_each(|groups| {
                    groups.sort_by_key(ToString::to_string);
                });
            }
            let cursor_apart = |value: &serde_json::Value| value.get("data").cloned();
            if data != raw || cursor_apart(&own) != cursor_apart(&http) {
                return Err(Problem::new("compare the answers", format!("{}: {own} and {raw}", kind.name())));
            }
        }
    }
    Ok(())
}
