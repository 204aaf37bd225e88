//! P5 and P8: what a token costs beside its signature, and what 100,000 accounts cost beside 100.

mod ask;
mod load;
mod scale;
mod site;
mod tokens;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use crate::talk::note;
use crate::{Doing, Problem};
use scale::Size;
use site::Site;

/// What the run may use.
#[derive(Debug, Clone, Args)]
pub struct IdentityArgs {
    /// A PostgreSQL cluster's superuser address; without it PostgreSQL is left out
    #[arg(long, value_name = "URL")]
    pub postgres: Option<String>,
    /// Only P5
    #[arg(long, conflicts_with = "only_scale")]
    pub only_tokens: bool,
    /// Only P8
    #[arg(long)]
    pub only_scale: bool,
}

/// How long and how often.
#[derive(Debug, Clone, Copy)]
struct Length {
    rounds: usize,
    wanted: Duration,
}

/// Measures, prints, and answers with the figures.
///
/// # Errors
/// [`Problem`] when something that was asked for cannot be measured.
pub fn run(args: &IdentityArgs, quick: bool) -> Result<Value, Problem> {
    let length = if quick {
        Length { rounds: 7, wanted: Duration::from_millis(60) }
    } else {
        Length { rounds: 21, wanted: Duration::from_millis(150) }
    };
    let mut report = serde_json::Map::new();
    if !args.only_scale {
        // One thread: the endpoint has the core that signing has.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().doing("start a runtime")?;
        let folder = tempfile::tempdir().doing("make a folder")?;
        let figures = runtime.block_on(async {
            let mut sites = vec![("SQLite", open(&sqlite(folder.path()), &folder.path().join("s")).await?)];
            match &args.postgres {
                Some(cluster) => {
                    let database = Database::make(cluster, "tokens").await?;
                    sites.push(("PostgreSQL", open(&database.url, &folder.path().join("p")).await?));
                    let figures = tokens::run(&sites, length).await;
                    drop(sites);
                    database.remove().await?;
                    figures
                }
                None => {
                    note("no PostgreSQL was given: left out");
                    tokens::run(&sites, length).await
                }
            }
        })?;
        report.insert("P5".to_owned(), figures);
    }
    if !args.only_tokens {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().doing("start a runtime")?;
        let large = if quick {
            Size { accounts: 10_000, users: 100_000 }
        } else {
            Size { accounts: 100_000, users: 1_000_000 }
        };
        let mut figures = Vec::new();
        let folder = tempfile::tempdir().doing("make a folder")?;
        figures.push(runtime.block_on(async {
            let (few, many) = (folder.path().join("few"), folder.path().join("many"));
            let few_url = format!("sqlite:{}", folder.path().join("few.db").display());
            let many_url = format!("sqlite:{}", folder.path().join("many.db").display());
            scale::run("SQLite", (&few_url, &few), (&many_url, &many), large, length).await
        })?);
        if let Some(cluster) = &args.postgres {
            figures.push(runtime.block_on(async {
                let (few, many) = (Database::make(cluster, "few").await?, Database::make(cluster, "many").await?);
                let (few_folder, many_folder) = (folder.path().join("few-p"), folder.path().join("many-p"));
                let found =
                    scale::run("PostgreSQL", (&few.url, &few_folder), (&many.url, &many_folder), large, length).await;
                few.remove().await?;
                many.remove().await?;
                found
            })?);
        }
        report.insert("P8".to_owned(), scale::judge(&figures, large));
    }
    Ok(Value::Object(report))
}

fn sqlite(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("store.db").display())
}

async fn open(store_url: &str, folder: &Path) -> Result<Arc<Site>, Problem> {
    std::fs::create_dir_all(folder).doing("make a folder")?;
    Ok(Arc::new(Site::open(store_url, folder).await?))
}

/// A database of the benchmark's own.
struct Database {
    cluster: String,
    name: String,
    url: String,
}

impl Database {
    async fn make(cluster: &str, what: &str) -> Result<Database, Problem> {
        let name = format!("bench_identity_{}_{what}", std::process::id());
        execute(cluster, &format!("CREATE DATABASE {name}")).await?;
        let place = cluster.rsplit_once('/').map_or(cluster, |(place, _)| place);
        Ok(Database { cluster: cluster.to_owned(), url: format!("{place}/{name}"), name })
    }

    async fn remove(self) -> Result<(), Problem> {
        execute(&self.cluster, &format!("DROP DATABASE {} WITH (FORCE)", self.name)).await
    }
}

async fn execute(cluster: &str, sql: &str) -> Result<(), Problem> {
    let failed = "make a database";
    let (client, connection) = tokio_postgres::connect(cluster, tokio_postgres::NoTls).await.doing(failed)?;
    let connection = tokio::spawn(connection);
    let done = client.batch_execute(sql).await.doing(failed);
    drop(client);
    let _ = connection.await;
    done
}
