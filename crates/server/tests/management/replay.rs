//! Recorded conversations with the API that ours is compatible with: each is held with a server of its own,
//! over an empty store. The recording lies beside the project; where it is not there the test says so.
//!
//! What the recording takes for granted is brought about first, or read from what this server said:
//!
//! - The issuer has the recorded tenant's host, so that audiences which name it fit.
//! - Where a conversation begins with reading the tenant's settings, they are set to what it read.
//! - A recorded cursor stands for the last `next` that this server answered.
//!
//! `replay-exceptions.txt` names those that cannot pass, and why. It may only shrink: one that passes must leave it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tokio_postgres::NoTls;

use crate::site::Site;
use crate::support::database::Database;

const EXCEPTIONS: &str = include_str!("replay-exceptions.txt");

/// How many there may be at most; lower it with the list.
const MOST_EXCEPTIONS: usize = 10;

/// The recorded tenant's host.
const ISSUER: &str = "https://go-auth0-dev.eu.auth0.com.us.auth0.com/";

/// The recording, in a folder `shared` beside the project or above it.
fn recording() -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().map(|folder| folder.join("shared/auth0/cases.jsonl")).find(|path| path.is_file())
}

fn exceptions() -> BTreeMap<&'static str, &'static str> {
    let lines = EXCEPTIONS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once(": ").expect("a name, a colon and a reason")).collect()
}

/// Puts in what was captured: `${name}`, or `${name|uri}` for the same percent-encoded.
fn filled(value: &Value, known: &HashMap<String, Value>) -> Value {
    match value {
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), filled(value, known))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| filled(item, known)).collect()),
        Value::String(text) => Value::String(filled_text(text, known)),
        other => other.clone(),
    }
}

fn filled_text(text: &str, known: &HashMap<String, Value>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let (name, after) = after.split_once('}').expect("a place that ends");
        let (name, encoded) = name.split_once('|').map_or((name, false), |(name, _)| (name, true));
        let value = known.get(name).map_or_else(|| format!("not-captured-{name}"), plain);
        out.push_str(&if encoded { percent(&value) } else { value });
        rest = after;
    }
    out + rest
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn percent(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            other => write!(out, "%{other:02X}").unwrap(),
        }
    }
    out
}

/// The first difference, if any; keeps what is to be captured. Further members are allowed, further items not.
fn difference(expected: &Value, actual: &Value, known: &mut HashMap<String, Value>, place: &str) -> Option<String> {
    match expected {
        Value::Object(members) => {
            if let Some(name) = members.get("$capture").and_then(Value::as_str) {
                if !(actual.is_string() || actual.is_i64()) {
                    return Some(format!("{place}: an id was expected, not {actual}"));
                }
                known.insert(name.to_owned(), actual.clone());
                return None;
            }
            if members.contains_key("$ts") {
                let text = actual.as_str().unwrap_or_default().as_bytes();
                let shape = b"dddd-dd-ddTdd:dd";
                let fits = text.len() >= shape.len()
                    && text.iter().zip(shape).all(|(is, must)| match must {
                        b'd' => is.is_ascii_digit(),
                        must => is == must,
                    });
                return (!fits).then(|| format!("{place}: a time was expected, not {actual}"));
            }
            if members.contains_key("$any") {
                return (!actual.is_string()).then(|| format!("{place}: a text was expected, not {actual}"));
            }
            let Value::Object(found) = actual else {
                return Some(format!("{place}: an object was expected, not {actual:.80}"));
            };
            members.iter().find_map(|(name, expected)| match found.get(name) {
                Some(actual) => difference(expected, actual, known, &format!("{place}.{name}")),
                None => Some(format!("{place}.{name}: missing")),
            })
        }
        Value::Array(items) => {
            let Value::Array(found) = actual else {
                return Some(format!("{place}: a list was expected, not {actual:.80}"));
            };
            if items.len() != found.len() {
                return Some(format!("{place}: {} items expected, not {}", items.len(), found.len()));
            }
            let both = items.iter().zip(found).enumerate();
            both.into_iter()
                .find_map(|(n, (expected, actual))| difference(expected, actual, known, &format!("{place}[{n}]")))
        }
        other => {
            let wanted = filled(other, known);
            (wanted != *actual).then(|| format!("{place}: {wanted} expected, not {actual}"))
        }
    }
}

/// Holds a conversation; the first difference, if any.
async fn hold(site: &Site, case: &Value) -> Option<String> {
    let steps = case["steps"].as_array().unwrap();
    let mut known = HashMap::new();
    let mut cursor: Option<String> = None;
    if let Some(first) = steps.first()
        && (first["m"].as_str(), first["path"].as_str()) == (Some("GET"), Some("/api/v2/tenants/settings"))
    {
        set(site, begun_with(steps)).await;
    }
    for (n, step) in steps.iter().enumerate() {
        let path = filled_text(step["path"].as_str().unwrap(), &known);
        let mut query = String::new();
        for (name, value) in step["q"].as_object().into_iter().flatten() {
            let values = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            for value in values {
                let recorded = filled_text(&plain(&value), &known);
                let value = if name == "from" { cursor.clone().unwrap_or(recorded) } else { recorded };
                let sign = if query.is_empty() { '?' } else { '&' };
                write!(query, "{sign}{}={}", percent(name), percent(&value)).unwrap();
            }
        }
        let body = (!step["body"].is_null()).then(|| filled(&step["body"], &known));
        let method = step["m"].as_str().unwrap();
        let (status, answer) =
            site.call(method, &format!("{}{query}", path.strip_prefix("/api/v2").unwrap()), body).await;
        let problem = if Some(u64::from(status)) == step["status"].as_u64() {
            match &step["expect"] {
                Value::Null => None,
                expected => difference(expected, &answer, &mut known, "$"),
            }
        } else {
            Some(format!("status {} expected, not {status} {answer:.200}", step["status"]))
        };
        if let Some(problem) = problem {
            return Some(format!("step {} of {}, {method} {path}: {problem}", n + 1, steps.len()));
        }
        cursor = answer["next"].as_str().map(str::to_owned).or(cursor);
    }
    None
}

/// The settings as a conversation finds them: what it reads first, and of what later answers tell besides that
/// which no call sent.
fn begun_with(steps: &[Value]) -> Value {
    let mut settings = steps[0]["expect"].clone();
    let sent: Vec<&Value> = steps.iter().map(|step| &step["body"]).collect();
    for answer in steps.iter().map(|step| &step["expect"]) {
        for group in ["flags", "universal_login"] {
            for (name, value) in answer[group].as_object().into_iter().flatten() {
                if sent.iter().all(|body| body[group][name].is_null()) {
                    let members = settings.as_object_mut().unwrap().entry(group).or_insert_with(|| json!({}));
                    members.as_object_mut().unwrap().entry(name.clone()).or_insert_with(|| value.clone());
                }
            }
        }
    }
    settings
}

/// Puts the settings in place that a conversation begins with, also those that cannot be set by a call.
async fn set(site: &Site, settings: Value) {
    let store = site.place().store().await;
    let mut batch = store.batch();
    batch.insert_setting("platform", &settings.to_string());
    store.commit(batch).await.unwrap();
}

/// In these, things that were made at one moment are listed in the order of their ids, which are drawn by chance. They
/// are held with several draws, one of which must fit.
const DRAWN: [&str; 1] = ["TestRoleManager_UsersCheckpointPagination"];
const DRAWS: u64 = 40;

/// Holds all of them, each with a site of its own that `site` opens by a seed.
async fn replay(site: impl AsyncFn(u64) -> Site) -> String {
    let Some(path) = recording() else {
        eprintln!("skipped: there is no recording beside the project");
        return String::new();
    };
    let exceptions = exceptions();
    let (mut passed, mut failed, mut unused) = (0, String::new(), exceptions.keys().copied().collect::<BTreeSet<_>>());
    for line in BufReader::new(File::open(path).unwrap()).lines() {
        let case: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let name = case["case"].as_str().unwrap();
        let draws = if DRAWN.contains(&name) { DRAWS } else { 1 };
        let mut problem = None;
        for seed in 0..draws {
            problem = hold(&site(seed).await, &case).await;
            if problem.is_none() {
                break;
            }
        }
        match problem {
            None => passed += 1,
            Some(_) if unused.remove(name) => {}
            Some(problem) => writeln!(failed, "{name}: {problem}").unwrap(),
        }
    }
    assert!(failed.is_empty(), "conversations that went otherwise:\n{failed}");
    assert!(unused.is_empty(), "these pass, and must leave the list of exceptions: {unused:?}");
    format!("{passed} of {} conversations as recorded", passed + exceptions.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn c2_recorded_conversations_go_as_recorded_on_sqlite() {
    let count = replay(async |seed| {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("store.db").display());
        Site::issuing(ISSUER, seed, &url, folder).await
    });
    eprintln!("SQLite: {}", count.await);
    assert!(exceptions().len() <= MOST_EXCEPTIONS, "the list of exceptions may only shrink");
}

#[tokio::test(flavor = "multi_thread")]
async fn c2_recorded_conversations_go_as_recorded_on_postgresql() {
    let Some(database) = Database::postgres().await else { return };
    let url = database.store_url();
    let (place, name) = url.rsplit_once('/').unwrap();
    let (client, connection) = tokio_postgres::connect(&format!("{place}/postgres"), NoTls).await.unwrap();
    tokio::spawn(connection);
    let count = replay(async |seed| {
        client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
        client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        Site::issuing(ISSUER, seed, &url, tempfile::tempdir().unwrap()).await
    });
    eprintln!("PostgreSQL: {}", count.await);
    client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
}
