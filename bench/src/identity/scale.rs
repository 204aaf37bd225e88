//! P8: the same questions to a server with many accounts and to one with few, in turns.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::ask::{Kind, questions};
use super::load::{self, Loaded};
use super::site::{Asked, Client, Site};
use super::{Length, open};
use crate::Problem;
use crate::talk::{Grid, figure, note, say};
use crate::timing::median;

/// How much a store holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) accounts: usize,
    pub(crate) users: usize,
}

/// What the many are held against.
const FEW: Size = Size { accounts: 100, users: 1_000 };

/// So many questions of a kind are asked of a site in a round.
const BATCH: usize = 60;

/// How much longer the median may be.
const MOST: f64 = 1.3;

struct Lane {
    site: Arc<Site>,
    loaded: Loaded,
    client: Client,
    asked: Vec<Asked>,
    next: usize,
}

impl Lane {
    async fn open((url, folder): (&str, &Path), name: &str, size: Size) -> Result<Lane, Problem> {
        let site = open(url, folder).await?;
        let loaded = load::fill(name, &site, folder, size).await?;
        let client = site.client("ES256").await?;
        Ok(Lane { site, loaded, client, asked: Vec::new(), next: 0 })
    }

    /// Asks so many of the questions, going on where it stopped; the median in microseconds.
    async fn round(&mut self) -> Result<f64, Problem> {
        let mut micros = Vec::with_capacity(BATCH);
        for _ in 0..BATCH {
            let Some(asked) = self.asked.get(self.next % self.asked.len().max(1)) else { break };
            self.next += 1;
            micros.push(self.site.ask(asked).await?.0.as_secs_f64() * 1e6);
        }
        Ok(median(&micros))
    }
}

/// Fills both, measures and prints; answers the figures.
///
/// # Errors
/// [`Problem`] when something is refused.
pub(crate) async fn run(
    name: &str,
    few: (&str, &Path),
    many: (&str, &Path),
    size: Size,
    length: Length,
) -> Result<Value, Problem> {
    note(&format!("{name}: {} accounts and {} users …", size.accounts, size.users));
    let mut few = Lane::open(few, name, FEW).await?;
    let mut many = Lane::open(many, name, size).await?;
    let mut grid = Grid::new(&[name, "few µs", "many µs", "many/few"]);
    let mut figures = Vec::new();
    for kind in Kind::ALL {
        note(&format!("{name}: {} …", kind.name()));
        for lane in [&mut few, &mut many] {
            // Enough for no question to come twice within the run.
            let count = (length.rounds + 1) * BATCH;
            lane.asked = questions(kind, &lane.site, &lane.loaded, &lane.client, count)?;
            lane.next = 0;
            lane.round().await?;
        }
        let (mut low, mut high, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..length.rounds {
            let (few_micros, many_micros) = if round % 2 == 0 {
                let first = few.round().await?;
                (first, many.round().await?)
            } else {
                let first = many.round().await?;
                (few.round().await?, first)
            };
            low.push(few_micros);
            high.push(many_micros);
            ratios.push(many_micros / few_micros);
        }
        let ratio = median(&ratios);
        grid.row(vec![kind.name().to_owned(), figure(median(&low)), figure(median(&high)), figure(ratio)]);
        figures.push(json!({
            "kind": kind.name(), "few_micros": median(&low), "many_micros": median(&high), "ratio": ratio,
        }));
    }
    say(&format!(
        "\n{name}: {} accounts with {} users beside {} with {}; p50 of {BATCH} questions, medians of {} interleaved rounds",
        size.accounts, size.users, FEW.accounts, FEW.users, length.rounds
    ));
    grid.print();
    Ok(json!({ "store": name, "figures": figures }))
}

/// Says whether the promise holds.
pub(crate) fn judge(stores: &[Value], size: Size) -> Value {
    let all = stores.iter().flat_map(|store| store.get("figures").and_then(Value::as_array).into_iter().flatten());
    let ratios: Vec<(String, f64)> = all
        .filter_map(|figure| Some((figure.get("kind")?.as_str()?.to_owned(), figure.get("ratio")?.as_f64()?)))
        .collect();
    let worst = ratios.iter().map(|(_, ratio)| *ratio).fold(0.0, f64::max);
    let over: Vec<String> = ratios
        .iter()
        .filter(|(_, ratio)| *ratio > MOST)
        .map(|(kind, ratio)| format!("{kind} {}", figure(*ratio)))
        .collect();
    let pass = over.is_empty();
    let told = if pass { format!("at most {}", figure(worst)) } else { over.join(", ") };
    say(&format!(
        "P8: {} ({} accounts, {} users: {told}; {MOST} times asked)",
        if pass { "pass" } else { "short" },
        size.accounts,
        size.users
    ));
    json!({ "pass": pass, "accounts": size.accounts, "users": size.users, "worst": worst, "stores": stores })
}
