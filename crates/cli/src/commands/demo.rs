//! `tenantry demo`: everything on generated data.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::json;
use tenantry_identity::Audience;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::address;
use crate::commands::Run;
use crate::commands::serve::listen;
use crate::demo::client::ToolClient;
use crate::demo::data::{DEFAULT_ROWS, DEFAULT_SEED};
use crate::demo::dialect_of;
use crate::demo::models;
use crate::demo::people::{Door, LIFETIME, enrol};
use crate::demo::play::{play, recipe, shell_quoted, token_variable};
use crate::demo::stage::Stage;
use crate::demo::trials::{Caller, Trial, trials};
use crate::output::{Failure, Outcome};
use crate::project::Project;
use crate::runtime::Runtime;
use crate::who::Who;
use crate::wire::Secured;

/// How to show it.
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// Try everything unattended; the exit code says whether all answers were as expected
    #[arg(long)]
    pub check: bool,
    /// The seed that the rows are made from
    #[arg(long, value_name = "N", default_value_t = DEFAULT_SEED)]
    pub seed: u64,
    /// About how many rows to make
    #[arg(long, value_name = "N", default_value_t = DEFAULT_ROWS, value_parser = clap::value_parser!(u64).range(600..=20_000_000))]
    pub rows: u64,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8443")]
    pub listen: SocketAddr,
    /// Keep the demo's file and database in this folder, which must be new; without it they go away at the end
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Use this PostgreSQL database, as its owner, in place of SQLite: env:NAME or postgres://…
    #[arg(long, value_name = "URL")]
    pub postgres: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// What keeps the stage from being set; with `--check`, `DEMO_DIFFERS` when an answer is not as expected.
pub async fn run(run: Run<'_>, args: &DemoArgs) -> Result<Outcome, Failure> {
    let dialect = dialect_of(args.postgres.as_deref());
    let mut stage =
        Stage::set(run.environment, run.output, args.keep.as_deref(), dialect, args.seed, args.rows).await?;
    match &args.postgres {
        None => stage.load_sqlite(run.output).await?,
        Some(owner) => stage.load_postgres(run, owner).await?,
    }
    let environment = stage.environment(run.environment);
    let project = Project::find(&environment, run.output, &stage.global(run.global))?;
    let listener =
        if args.check { listen(free_port(args.listen)).await? } else { listen_nearby(run, args.listen).await? };
    let address = listener.local_addr().map_err(|error| Failure::failed("LISTEN", error.to_string()))?;
    // The port that was found is part of the issuer that the tokens name.
    let issuer = address::serving(&project, &project.load()?, address, false)?;
    let runtime = Runtime::open(&project).await?;
    let trials = trials(&stage.data);
    let door = enrol(&runtime.identity, &runtime.loaded).await?;
    let secured = Secured::open(&project, &runtime, None, &issuer, address)?;
    let authority = secured.authority.clone().unwrap_or_default();
    let base = format!("https://localhost:{}", address.port());
    let app = runtime.app(&project)?;
    let (end, ended) = oneshot::channel::<()>();
    let server = tokio::spawn(tenantry_server::serve(listener, secured.wire.clone(), app, async move {
        // Either word ends it: the check is over, or the sender is gone.
        let _ = ended.await;
    }));

    let client = client(address, &authority)?;
    let tokens = tokens(&runtime, &door, &client, &trials).await?;
    let outcome = if args.check {
        check(run, &client, &trials, &tokens).await
    } else {
        show(run, &base, &authority, &trials, &tokens);
        run.output.say(&log_in_line(&base, &door));
        if let Some(folder) = &args.keep {
            run.output.say(&format!("File, rows and audit are in {}: every command works there.", folder.display()));
        }
        run.output.say("Ctrl-C stops the server.");
        run.stop.asked().await;
        Ok(Outcome::new(json!({ "stopped": true }), ""))
    };
    let _ = end.send(());
    server
        .await
        .map_err(|error| Failure::failed("INTERNAL_ERROR", error.to_string()))?
        .map_err(|error| Failure::failed("SERVER", error.to_string()))?;
    outcome
}

/// A token for everybody who takes part: users of accounts log in, the platform's own people are the file's.
async fn tokens(
    runtime: &Runtime,
    door: &Door,
    client: &ToolClient,
    trials: &[Trial],
) -> Result<BTreeMap<String, (Caller, String)>, Failure> {
    let mut tokens = BTreeMap::new();
    for trial in trials {
        let Some(variable) = token_variable(trial.caller) else { continue };
        if tokens.contains_key(&variable) {
            continue;
        }
        let token = match trial.caller {
            Caller::User { account, user } => door.log_in(client, Audience::App.name(), account, user).await?,
            Caller::OfModels { account, user } => door.log_in(client, models::API, account, user).await?,
            Caller::Platform(name) => {
                let subject = runtime.subject(&Who::Platform(name.to_owned()))?;
                let issued = runtime.issuer.issue(&subject, Duration::from_secs(LIFETIME), Audience::App);
                issued.map_err(|error| Failure::failed(error.code(), error.to_string()))?
            }
            Caller::Nobody => continue,
        };
        tokens.insert(variable, (trial.caller, token));
    }
    Ok(tokens)
}

/// A client that trusts the demo's authority.
fn client(address: SocketAddr, authority: &Path) -> Result<ToolClient, Failure> {
    let failed = |why: String| Failure::failed("TLS_AUTHORITY", why);
    let pem = std::fs::read_to_string(authority).map_err(|error| failed(error.kind().to_string()))?;
    ToolClient::new(address, &pem).map_err(failed)
}

fn show(run: Run<'_>, base: &str, authority: &Path, trials: &[Trial], tokens: &BTreeMap<String, (Caller, String)>) {
    run.output.say(&format!("\nTenantry's demo listens on {base}\n"));
    run.output
        .say("Paste these first: the authority that its certificate comes from, and the tokens of the people below,");
    run.output.say("good for eight hours.");
    run.output.say(&format!("export CURL_CA_BUNDLE={}", shell_quoted(&authority.to_string_lossy())));
    for (variable, (_, token)) in tokens {
        run.output.say(&format!("{variable}={token}"));
    }
    run.output.say("\nThen try:");
    for trial in trials {
        run.output.say(&recipe(base, trial));
    }
}

/// How somebody logs in by hand.
fn log_in_line(base: &str, door: &Door) -> String {
    let body = door.request(Audience::App.name(), "northwind", "ana@northwind.example").to_string();
    format!(
        "\nThe tokens of people came from logging in: everybody's password is {}. Again, as Ana:\n  \
         curl -s {base}/oauth/token -H 'Content-Type: application/json' -d {}\n",
        door.password,
        shell_quoted(&body)
    )
}

async fn check(
    run: Run<'_>,
    client: &ToolClient,
    trials: &[Trial],
    tokens: &BTreeMap<String, (Caller, String)>,
) -> Result<Outcome, Failure> {
    let token_of =
        |caller: Caller| token_variable(caller).and_then(|name| tokens.get(&name)).map(|(_, token)| token.clone());
    let verdicts = play(client, trials, run.output, token_of).await;
    let failed = verdicts.iter().filter(|verdict| !verdict.passed).count();
    let data = serde_json::to_value(&verdicts).unwrap_or_default();
    if failed > 0 {
        return Err(Failure::failed(
            "DEMO_DIFFERS",
            format!("{failed} of {} answers were not as expected", verdicts.len()),
        )
        .detail("trials", data));
    }
    Ok(Outcome::new(json!({ "trials": data }), format!("All {} answers were as expected.", verdicts.len())))
}

/// The same address with a port that is surely free: an unattended check has no use for a known one.
fn free_port(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip(), 0)
}

/// The address asked for, or a free port beside it when it is taken.
async fn listen_nearby(run: Run<'_>, address: SocketAddr) -> Result<TcpListener, Failure> {
    match listen(address).await {
        Ok(listener) => Ok(listener),
        Err(failure) => {
            run.output.warn(&format!("{}; a free port is taken instead", failure.message));
            listen(free_port(address)).await
        }
    }
}
