#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    missing_docs,
    reason = "tests"
)]
//! `tenantry init` on a database that nobody made for it: a record shop, where a tenant is a customer.
//! Skipped, saying so, where the database is not at hand.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tenantry::environment::Environment;
use tenantry::exit::Exit;

/// The folder with both forms of the database: named by a variable, or beside the checkout.
fn chinook(file: &str) -> Option<PathBuf> {
    let folder = std::env::var("TENANTRY_CHINOOK").map(PathBuf::from).unwrap_or_else(|_| {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .join("..")
            .join("..")
            .join("shared")
            .join("data")
            .join("chinook")
    });
    let path = folder.join(file);
    if path.is_file() {
        return Some(path);
    }
    eprintln!("skipped: {} is not there; TENANTRY_CHINOOK names its folder", path.display());
    None
}

async fn tenantry(environment: Environment, args: &[&str]) -> (Exit, Value) {
    let args = std::iter::once("tenantry").chain(args.iter().copied()).chain(["--json"]).map(OsString::from);
    let exit = tenantry::exit_of(args, environment.clone()).await;
    let out = environment.stdout.contents();
    (exit, serde_json::from_str(&out).expect(&out))
}

/// The same shop in both databases, whose names differ by case only.
fn inspect(data: &Value, customer_id: &str) {
    let text = data["text"].as_str().unwrap();
    let models: Vec<&str> = data["models"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let mut sorted = models.clone();
    sorted.sort_unstable();
    assert_eq!(
        sorted,
        [
            "album",
            "artist",
            "customer",
            "genre",
            "invoice",
            "invoice_line",
            "media_type",
            "playlist",
            "playlist_track",
            "track"
        ]
    );
    assert_eq!(data["left_out"].as_array().unwrap().len(), 1, "{text}");
    let own = format!("scope = {{ {customer_id} = \"principal.tenant_id\" }}");
    let hop = format!("scope = {{ \"invoice.{customer_id}\" = \"principal.tenant_id\" }}");
    let tables: BTreeMap<&str, &str> = models
        .iter()
        .map(|name| {
            let (_, rest) = text.split_once(&format!("[table.{name}]\n")).unwrap();
            (*name, rest.split("\n\n").next().unwrap())
        })
        .collect();
    assert!(tables["customer"].contains(&own), "{text}");
    assert!(tables["invoice"].contains(&own), "{text}");
    assert!(tables["invoice_line"].contains(&hop), "{text}");
    for shared in ["album", "artist", "genre", "media_type", "playlist", "playlist_track", "track"] {
        assert!(tables[shared].contains("shared = \"TRUE\"") && tables[shared].contains("DECIDE"), "{shared}: {text}");
    }
    // Whose the employees are, only a person can say: their table stands there as a comment.
    assert!(text.contains("# [table.employee]") && !text.contains("\n[table.employee]"), "{text}");
    for line in ["= \"hash\"", "= \"mask:last4\"", "# sounds like an e-mail address"] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let questions: Vec<&str> =
        data["decisions"].as_array().unwrap().iter().map(|decision| decision["question"].as_str().unwrap()).collect();
    assert!(questions.iter().any(|question| question.to_lowercase().contains("`employee`")), "{questions:#?}");
    assert_eq!(questions.len(), 9, "{questions:#?}");
}

/// Everything that the first file says is proved; what is shared is shown to be.
async fn proved(environment: Environment) {
    let (exit, answer) = tenantry(environment, &["prove"]).await;
    assert_eq!(exit, Exit::Done, "{answer:#}");
    let data = &answer["data"];
    assert_eq!((&data["leaks"], &data["undecided"]), (&Value::from(0), &Value::from(0)), "{answer:#}");
    assert!(data["proved"].as_u64().unwrap() > 30, "{answer:#}");
    let obligations = data["obligations"].as_array().unwrap();
    let shared = obligations.iter().filter(|one| one["name"] == "exception-used" && one["outcome"] == "shown").count();
    assert_eq!(shared, 7, "{answer:#}");
}

#[tokio::test]
async fn the_sqlite_form() {
    let Some(path) = chinook("chinook.sqlite") else { return };
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy(path, dir.path().join("chinook.sqlite")).unwrap();
    let environment = || Environment::for_test(dir.path());
    for tenant in [None, Some("customer")] {
        let mut args = vec!["init", "--from", "sqlite:chinook.sqlite", "--force"];
        args.extend(tenant.iter().flat_map(|name| ["--tenant", name]));
        let (exit, answer) = tenantry(environment(), &args).await;
        assert_eq!(exit, Exit::Done, "{answer:#}");
        inspect(&answer["data"], "CustomerId");
        let (exit, answer) = tenantry(environment(), &["check"]).await;
        assert_eq!(exit, Exit::Done, "{answer:#}");
        assert_eq!(answer["data"]["tables"].as_array().unwrap().len(), 10);
        proved(environment()).await;
    }
}

#[tokio::test]
async fn the_postgres_form() {
    let Some(path) = chinook("chinook-postgresql.sql") else { return };
    let Ok(server) = std::env::var("TENANTRY_TEST_POSTGRES") else {
        eprintln!("skipped: TENANTRY_TEST_POSTGRES is not set (run `cargo xtask test`)");
        return;
    };
    let name = format!("chinook_{}", std::process::id());
    let mut config: tokio_postgres::Config = server.parse().unwrap();
    connect(&config).await.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    config.dbname(&name);
    let owner = connect(&config).await;
    // The script makes and enters a database of its own; this one is made already.
    let script: String = std::fs::read_to_string(path)
        .unwrap()
        .lines()
        .filter(|line| !["DROP DATABASE", "CREATE DATABASE", "\\c "].iter().any(|start| line.starts_with(start)))
        .flat_map(|line| [line, "\n"])
        .collect();
    owner.batch_execute(&script).await.unwrap();
    let (place, _) = server.rsplit_once('/').unwrap();
    let url = format!("{place}/{name}");
    let dir = tempfile::tempdir().unwrap();
    let environment = || Environment::for_test(dir.path()).with_variable("DATABASE_URL", &url);
    let (exit, answer) = tenantry(environment(), &["init", "--from", &url]).await;
    assert_eq!(exit, Exit::Done, "{answer:#}");
    inspect(&answer["data"], "customer_id");
    assert!(!answer["data"]["text"].as_str().unwrap().contains("postgres://"));
    let (exit, answer) = tenantry(environment(), &["check"]).await;
    assert_eq!(exit, Exit::Done, "{answer:#}");
    proved(environment()).await;
    drop(owner);
    let _ = connect(&server.parse().unwrap()).await.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
}

async fn connect(config: &tokio_postgres::Config) -> tokio_postgres::Client {
    let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
