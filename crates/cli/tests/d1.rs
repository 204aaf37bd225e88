#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a test"
)]
//! D1: the server is killed while it writes to SQLite, and started again on the same files. No
//! acknowledged write is lost or there twice, no row is without its audit entry, and the audit verifies.
//!
//! `TENANTRY_TEST_LONG=1` kills 50 times; `TENANTRY_D1_SEED` sets when.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};
use tenantry::demo::client::ToolClient;
use tenantry::demo::trials::{Expect, Step};
use tokio::sync::watch;

const FILE: &str = r#"
[source.main]
url = "sqlite:shop.sqlite"
[role.agent]
tools = ["orders.*"]
[table.orders]
source = "main.orders"
scope = { tenant_id = "principal.tenant_id" }
fields = { id = "allow", tenant_id = "allow", ref = "allow" }
[table.orders.write]
create = ["ref"]
max_rows = 5
[account.acme.workspace.prod.user."ada@acme.example"]
roles = ["agent"]
[account.globex.workspace.prod.user."gus@globex.example"]
roles = ["agent"]
"#;

const PEOPLE: [(&str, &str); 2] = [("acme", "ada@acme.example"), ("globex", "gus@globex.example")];

/// How many callers write at once.
const WRITERS: usize = 4;

/// The promise: how long a server may take from its start to its first answer.
const READY: Duration = Duration::from_secs(1);

fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
    command.current_dir(folder).env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// Runs a command to its end: its exit code and what it printed.
fn run(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let output = program(folder).args(args).stderr(Stdio::inherit()).output().expect("the program runs");
    (output.status.code(), String::from_utf8(output.stdout).expect("text"))
}

/// A server process. Dropped, it is killed: a failed test leaves none behind.
struct Server {
    child: Child,
    client: ToolClient,
}

impl Server {
    /// Starts it and waits for the line that says where it listens.
    fn start(folder: &Path) -> Server {
        let mut child = program(folder)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("Listening on https://").unwrap_or_else(|| panic!("`{line}`"));
        let authority = std::fs::read_to_string(folder.join(".tenantry/authority.pem")).expect("an authority");
        let client = ToolClient::new(address.parse().expect("an address"), &authority).expect("a client");
        Server { child, client }
    }

    /// SIGKILL: nothing of it runs any more when this returns.
    fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        let status = self.child.wait().expect("it ended");
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "it ended by itself: {status}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn call(client: &ToolClient, token: &str, tool: &'static str, body: &Value) -> Result<Value, String> {
    let step = Step { tool, body: Value::Null, headers: &[], expect: Expect::SameAsBefore };
    client.call(Some(token), &step, body).await
}

/// What callers know of their writes.
#[derive(Default)]
struct Ledger {
    /// Everything that was sent, with its account.
    sent: BTreeMap<String, &'static str>,
    /// What was answered with success.
    acknowledged: BTreeSet<String>,
}

/// Writes until the server is gone.
async fn write(
    client: ToolClient,
    token: String,
    account: &'static str,
    name: String,
    acks: watch::Sender<usize>,
    ledger: Arc<Mutex<Ledger>>,
) {
    for number in 0.. {
        // Every third call writes two rows: both or none.
        let refs: Vec<String> = match number % 3 {
            0 => ["a", "b"].map(|half| format!("{name}-{number}{half}")).to_vec(),
            _ => vec![format!("{name}-{number}")],
        };
        ledger.lock().unwrap().sent.extend(refs.iter().map(|row| (row.clone(), account)));
        let answer = match refs.as_slice() {
            [row] => call(&client, &token, "create", &json!({"model": "orders", "data": {"ref": row}})).await,
            rows => {
                let rows: Vec<Value> = rows.iter().map(|row| json!({"ref": row})).collect();
                call(&client, &token, "bulk_create", &json!({"model": "orders", "rows": rows})).await
            }
        };
        let Ok(answer) = answer else { return };
        assert_eq!(answer["success"], true, "{answer}");
        let count = refs.len();
        ledger.lock().unwrap().acknowledged.extend(refs);
        acks.send_modify(|acks| *acks += count);
    }
}

/// The rows as they lie in the file: how often each is there, and whose it is.
fn rows(folder: &Path) -> BTreeMap<String, (usize, String)> {
    let connection = rusqlite::Connection::open(folder.join("shop.sqlite")).unwrap();
    let whole: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(whole, "ok");
    let mut statement = connection.prepare("SELECT ref, count(*), min(tenant_id) FROM orders GROUP BY ref").unwrap();
    let found = statement
        .query_map([], |row| Ok((row.get(0)?, (usize::try_from(row.get::<_, i64>(1)?).unwrap(), row.get(2)?))))
        .unwrap();
    found.map(Result::unwrap).collect()
}

/// What the audit says of an account's writes.
#[derive(Default)]
struct Record {
    started: BTreeSet<String>,
    completed: BTreeSet<String>,
    open: u64,
}

fn record(folder: &Path, account: &str) -> Record {
    let (exit, text) = run(folder, &["audit", "export", "--account", account, "--quiet"]);
    assert_eq!(exit, Some(0));
    let mut record = Record::default();
    let mut open: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).expect("a line of JSON");
        let entry = &line["entry"];
        let id = entry["id"].as_str().unwrap_or_default().to_owned();
        match entry["phase"].as_str() {
            Some("started") => {
                let inputs: Value = serde_json::from_str(entry["inputs"].as_str().expect("inputs")).unwrap();
                let one = inputs["data"]["ref"].as_str();
                let many = inputs["rows"].as_array().into_iter().flatten().filter_map(|row| row["ref"].as_str());
                let refs: Vec<String> = one.into_iter().chain(many).map(str::to_owned).collect();
                record.started.extend(refs.iter().cloned());
                open.insert(id, refs);
            }
            Some("completed") => record.completed.extend(open.remove(&id).expect("it had begun")),
            Some(_) => drop(open.remove(&id)),
            None => {}
        }
    }
    record.open = u64::try_from(open.len()).unwrap();
    record
}

#[derive(Default)]
struct Figures {
    ready: Vec<Duration>,
    unacknowledged_kept: usize,
    open: u64,
}

/// Everything that must hold after a restart.
fn check(folder: &Path, ledger: &Ledger, figures: &mut Figures) {
    let rows = rows(folder);
    let mut pairs: BTreeMap<&str, usize> = BTreeMap::new();
    for (row, (count, tenant)) in &rows {
        assert_eq!(*count, 1, "`{row}` is there {count} times");
        assert_eq!(ledger.sent.get(row), Some(&tenant.as_str()), "`{row}` of {tenant} was never sent so");
        if let Some(pair) = row.strip_suffix(['a', 'b']) {
            *pairs.entry(pair).or_default() += 1;
        }
    }
    assert!(pairs.values().all(|count| *count == 2), "half of a call is there: {pairs:?}");
    for row in &ledger.acknowledged {
        assert!(rows.contains_key(row), "`{row}` was acknowledged and is lost");
    }
    figures.unacknowledged_kept = rows.len() - ledger.acknowledged.len();

    // The server answers again and notes the ends of its own reads a few milliseconds later, so two looks
    // at the chain may differ by them: what verify counts and what the export holds must agree soon.
    for attempt in 0.. {
        let (exit, text) = run(folder, &["--json", "audit", "verify"]);
        let report: Value = serde_json::from_str(&text).expect(&text);
        assert_eq!((exit, &report["data"]["sound"]), (Some(0), &json!(true)), "{report}");
        figures.open = 0;
        let mut agree = true;
        for (account, _) in PEOPLE {
            let record = record(folder, account);
            for (row, (_, tenant)) in &rows {
                assert!(tenant != account || record.started.contains(row), "`{row}` was written without a record");
            }
            for row in &record.completed {
                assert!(rows.contains_key(row), "the record says that `{row}` was written");
            }
            for row in ledger.acknowledged.iter().filter(|row| ledger.sent[*row] == account) {
                assert!(record.completed.contains(row), "`{row}` was acknowledged before its record was complete");
            }
            let chains = report["data"]["chains"].as_array().unwrap();
            let chain = chains.iter().find(|chain| chain["account"] == account).expect("a chain");
            agree &= chain["open"] == json!(record.open);
            figures.open += record.open;
        }
        if agree {
            break;
        }
        assert!(attempt < 20, "acts without an end are reported");
    }
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d1_kill_9_while_writing_to_sqlite_loses_nothing() {
    let rounds = if setting("TENANTRY_TEST_LONG").unwrap_or(0) > 0 { 50 } else { 8 };
    let seed = setting("TENANTRY_D1_SEED").unwrap_or(2026);
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let room = tempfile::tempdir().unwrap();
    let folder = room.path();
    std::fs::write(folder.join("tenantry.toml"), FILE).unwrap();
    // No unique key on `ref`: a write that ran twice would be there twice.
    rusqlite::Connection::open(folder.join("shop.sqlite"))
        .unwrap()
        .execute_batch(
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL, ref TEXT NOT NULL) STRICT",
        )
        .unwrap();
    let tokens = PEOPLE.map(|(account, user)| {
        let (exit, token) = run(folder, &["token", "--account", account, "--user", user, "--ttl", "2h", "--quiet"]);
        assert_eq!(exit, Some(0));
        token.trim().to_owned()
    });

    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let mut figures = Figures::default();
    let first_answer = async |figures: &mut Figures| {
        let began = Instant::now();
        let server = Server::start(folder);
        let (client, body) = (&server.client, json!({"model": "orders", "take": 1}));
        let answer = call(client, &tokens[0], "query", &body).await.expect("an answer");
        figures.ready.push(began.elapsed());
        assert_eq!(answer["success"], true, "{answer}");
        server
    };
    let mut server = first_answer(&mut figures).await;
    figures.ready.clear();
    for round in 0..rounds {
        let (acks, mut heard) = watch::channel(0);
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (account, token) = (PEOPLE[writer % 2].0, tokens[writer % 2].clone());
                let name = format!("r{round}w{writer}");
                tokio::spawn(write(server.client.another(), token, account, name, acks.clone(), Arc::clone(&ledger)))
            })
            .collect();
        // Somewhere in the stream of writes, and then somewhere inside one of them.
        let wanted = 20 + usize::try_from(dice.next_u64() % 150).unwrap();
        let moment = Duration::from_micros(dice.next_u64() % 3_000);
        heard.wait_for(|acks| *acks >= wanted).await.unwrap();
        tokio::time::sleep(moment).await;
        server.kill();
        for writer in writers {
            writer.await.expect("a writer found something wrong");
        }
        server = first_answer(&mut figures).await;
        check(folder, &ledger.lock().unwrap(), &mut figures);
    }
    drop(server);

    figures.ready.sort_unstable();
    let median = figures.ready[figures.ready.len() / 2];
    let longest = figures.ready[figures.ready.len() - 1];
    eprintln!(
        "D1: {rounds} rounds, {} acknowledged, 0 lost, 0 twice, {} kept without an answer, {} acts open in the audit, \
         ready median {} ms, max {} ms (seed {seed})",
        ledger.lock().unwrap().acknowledged.len(),
        figures.unacknowledged_kept,
        figures.open,
        median.as_millis(),
        longest.as_millis(),
    );
    assert!(longest <= READY, "ready after {longest:?}");
}
