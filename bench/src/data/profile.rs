//! Calls of one kind over and over, for a profiler to look at.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::engine::{Engine, Place};
use super::orders::{Kind, cases};
use super::postgres;
use super::sqlite;
use crate::talk::note;
use crate::timing::{Watch, nanos_each};
use crate::{Doing, Problem};

/// What to call.
#[derive(Debug, Clone, Args)]
pub struct ProfileArgs {
    /// The call
    #[arg(long, default_value = "get")]
    pub call: Called,
    /// A PostgreSQL cluster's superuser address; without it SQLite is called
    #[arg(long, value_name = "URL")]
    pub postgres: Option<String>,
    /// How many seconds
    #[arg(long, default_value_t = 10)]
    pub seconds: u64,
}

/// The calls by their names.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Called {
    /// A row by its key
    Get,
    /// A page
    Query,
    /// Counts by group
    Aggregate,
    /// A new row
    Create,
}

/// Calls until the time is over.
///
/// # Errors
/// [`Problem`] when a call fails.
pub fn profile(args: &ProfileArgs) -> Result<(), Problem> {
    let kind = match args.call {
        Called::Get => Kind::Get,
        Called::Query => Kind::Query,
        Called::Aggregate => Kind::Aggregate,
        Called::Create => Kind::Create,
    };
    let seconds = Duration::from_secs(args.seconds);
    let folder = tempfile::tempdir().doing("make a folder")?;
    let folder = folder.path();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().doing("start a runtime")?;
    runtime.block_on(async {
        let engine = match &args.postgres {
            None => {
                let file = folder.join("orders.db");
                sqlite::fill(&file)?;
                let url = format!("sqlite:{}", file.display());
                let place = Place { table: "main.orders", owner: &url, runtime: &url, folder, fence: false };
                Engine::open(&place, 1).await?
            }
            Some(cluster) => {
                let made = postgres::fill(cluster).await?;
                let place = Place {
                    table: "main.public.orders",
                    owner: &made.owner,
                    runtime: &made.runtime,
                    folder,
                    fence: true,
                };
                Engine::open(&place, 1).await?
            }
        };
        let cases = cases(kind, 4_096);
        let bodies: Vec<Vec<u8>> = cases.iter().map(|case| kind.body(*case)).collect();
        let called = tokio::spawn(async move {
            let watch = Watch::start();
            let mut count = 0;
            while watch.passed() < seconds {
                for (case, body) in cases.iter().zip(&bodies) {
                    engine.call(kind, *case, body).await?;
                    count += 1;
                }
            }
            Ok::<_, Problem>(nanos_each(watch.passed(), count))
        });
        let each = called.await.doing("wait for the calls")??;
        note(&format!("{}: {:.1} µs a call", kind.name(), each / 1_000.0));
        Ok(())
    })
}
