//! P7: the plan and the apply of 10,000 resources of identity, and a plan with nothing to do, by the program itself,
//! on both stores.

mod file;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use clap::Args;
use serde_json::{Value, json};
use tokio_postgres::NoTls;

use crate::talk::{Grid, figure, note, say};
use crate::timing::{median, timed};
use crate::{Doing as _, Problem};

/// What is measured, and with what.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The program under test
    #[arg(long, value_name = "FILE")]
    pub program: PathBuf,
    /// A PostgreSQL cluster whose superuser this address names
    #[arg(long, value_name = "URL")]
    pub postgres: Option<String>,
}

/// How many resources the file has.
pub const RESOURCES: usize = 10_000;

/// The longest that plan and apply together may take, and a plan with nothing to do, in seconds.
const MOST: (f64, f64) = (20.0, 2.0);

/// Measures, prints, and answers with the figures.
///
/// # Errors
/// [`Problem`] when a command does not do what it is to do.
pub fn run(args: &PlanArgs, quick: bool) -> Result<Value, Problem> {
    let resources = if quick { RESOURCES / 10 } else { RESOURCES };
    let mut grid = Grid::new(&["store", "resources", "plan s", "apply s", "together s", "no change s", "change s"]);
    let mut figures = Vec::new();
    let mut stores = vec![("SQLite", None)];
    if let Some(cluster) = &args.postgres {
        stores.push(("PostgreSQL", Some(fresh_database(cluster)?)));
    }
    for (name, store) in stores {
        note(&format!("{resources} resources on {name} …"));
        let of = measure(&args.program, store.as_deref(), resources)?;
        let [plan, apply, idle, change] = of;
        grid.row(vec![
            name.to_owned(),
            resources.to_string(),
            figure(plan),
            figure(apply),
            figure(plan + apply),
            figure(idle),
            figure(change),
        ]);
        figures.push(json!({
            "store": name, "resources": resources, "plan_s": plan, "apply_s": apply, "no_change_s": idle,
            "change_s": change, "holds": plan + apply <= MOST.0 && idle <= MOST.1,
        }));
    }
    grid.print();
    say(&format!(
        "to hold: plan and apply together within {} s, a plan with nothing to do within {} s",
        MOST.0, MOST.1
    ));
    Ok(json!({ "p7": figures }))
}

/// A new database on a cluster, by its address.
fn fresh_database(cluster: &str) -> Result<String, Problem> {
    let (server, _) = cluster.rsplit_once('/').ok_or_else(|| Problem::new("read the cluster's address", cluster))?;
    let name = format!("tenantry_bench_plan_{}", std::process::id());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().doing("start a runtime")?;
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(cluster, NoTls).await.doing("reach the cluster")?;
        tokio::spawn(connection);
        let made = client.batch_execute(&format!("DROP DATABASE IF EXISTS {name}; ")).await;
        made.doing("make room for a database")?;
        client.batch_execute(&format!("CREATE DATABASE {name}")).await.doing("make a database")
    })?;
    Ok([server, "/", &name].concat())
}

/// Seconds: plan, apply, a plan with nothing to do (median of five), a plan of one change.
fn measure(program: &Path, store: Option<&str>, resources: usize) -> Result<[f64; 4], Problem> {
    let folder = tempfile::tempdir().doing("make a folder")?;
    let text = file::text(resources, store.is_some());
    std::fs::write(folder.path().join("tenantry.toml"), &text).doing("write the file")?;
    let call = |arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder.path()).env_clear().env("HOME", folder.path());
        if let Some(store) = store {
            command.env("BENCH_STORE", store);
        }
        let (took, output) = timed(|| command.output());
        output.doing("run the program").map(|output| (took.as_secs_f64(), output))
    };
    let wants = |(took, output): (f64, Output), code: i32| {
        let told = String::from_utf8_lossy(&output.stderr).chars().take(2_000).collect::<String>();
        if output.status.code() == Some(code) {
            Ok(took)
        } else {
            Err(Problem::new("get the answer that is due", told))
        }
    };
    // The first opening makes the store and its keys.
    wants(call(&["output"])?, 0)?;
    let plan = wants(call(&["plan", "--json", "--exit-code"])?, 2)?;
    let apply = wants(call(&["apply", "--json"])?, 0)?;
    let mut idle = Vec::new();
    for _ in 0..5 {
        idle.push(wants(call(&["plan", "--exit-code"])?, 0)?);
    }
    let changed = text.replacen("metadata = { tier = \"gold\" }", "metadata = { tier = \"silver\" }", 1);
    std::fs::write(folder.path().join("tenantry.toml"), changed).doing("write the file")?;
    let change = wants(call(&["apply", "--json"])?, 0)?;
    Ok([plan, apply, median(&idle), change])
}
