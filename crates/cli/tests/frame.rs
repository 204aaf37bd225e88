#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]
//! The commands as people and programs see them: streams, envelopes, exit codes.

use std::ffi::OsString;
use std::path::Path;

use serde_json::Value;
use tenantry::environment::Environment;
use tenantry::exit::Exit;

/// Runs one command in a folder: exit code, data, talk.
async fn tenantry(environment: Environment, args: &[&str]) -> (Exit, String, String) {
    let args = std::iter::once("tenantry").chain(args.iter().copied()).map(OsString::from);
    let exit = tenantry::exit_of(args, environment.clone()).await;
    (exit, environment.stdout.contents(), environment.stderr.contents())
}

fn json(text: &str) -> Value {
    assert_eq!(text.trim_end().lines().count(), 1, "one envelope on one line: {text}");
    serde_json::from_str(text).expect(text)
}

const GOOD: &str = r#"
[source.main]
url = "sqlite:shop.sqlite"
[role.agent]
tools = ["orders.query"]
[table.orders]
source = "main.orders"
scope = { tenant_id = "principal.tenant_id" }
fields = { id = "allow", tenant_id = "allow" }
[account.acme.workspace.prod.user."ada@acme.example"]
roles = ["agent"]
"#;

fn shop(folder: &Path) {
    let connection = rusqlite::Connection::open(folder.join("shop.sqlite")).unwrap();
    connection
        .execute_batch("CREATE TABLE orders (id INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL, note TEXT) STRICT")
        .unwrap();
}

#[tokio::test]
async fn a_right_file_is_right_and_says_so_in_both_forms() {
    let dir = tempfile::tempdir().unwrap();
    shop(dir.path());
    std::fs::write(dir.path().join("tenantry.toml"), GOOD).unwrap();
    let (exit, out, err) = tenantry(Environment::for_test(dir.path()), &["check"]).await;
    assert_eq!(exit, Exit::Done, "{err}");
    assert!(out.starts_with("The file is right: 1 table, 1 role, 1 account."), "{out}");
    let (exit, out, err) = tenantry(Environment::for_test(dir.path()), &["--json", "check"]).await;
    assert_eq!((exit, err.as_str()), (Exit::Done, ""));
    let envelope = json(&out);
    assert_eq!(envelope["success"], true);
    assert_eq!(envelope["data"]["tables"], serde_json::json!(["orders"]));
    assert_eq!(envelope["data"]["policy"].as_str().unwrap().len(), 16);
}

#[tokio::test]
async fn a_wrong_file_shows_place_code_and_hint_and_exits_3() {
    let dir = tempfile::tempdir().unwrap();
    shop(dir.path());
    let wrong = GOOD.replace("tenant_id = \"principal", "tenent_id = \"principal");
    std::fs::write(dir.path().join("tenantry.toml"), &wrong).unwrap();
    let (exit, out, err) = tenantry(Environment::for_test(dir.path()), &["check"]).await;
    assert_eq!((exit, out.as_str()), (Exit::Invalid, ""));
    for expected in ["error[C201]", "tenantry.toml:8:", "^", "tenant_id", "hint"] {
        assert!(err.contains(expected), "{expected}\n{err}");
    }
    assert!(!err.contains('\u{1b}'), "no colour where nobody looks: {err:?}");
    let (exit, out, _) = tenantry(Environment::for_test(dir.path()), &["check", "--json"]).await;
    assert_eq!(exit, Exit::Invalid);
    let envelope = json(&out);
    assert_eq!(envelope["error"]["code"], "FILE_INVALID");
    let first = &envelope["error"]["details"]["diagnostics"][0];
    assert_eq!(first["code"], "C201");
    assert_eq!(first["place"]["line"], 8);
    // Without the database the column cannot be known.
    let (exit, _, err) = tenantry(Environment::for_test(dir.path()), &["check", "--offline"]).await;
    assert_eq!(exit, Exit::Done, "{err}");
}

#[tokio::test]
async fn a_file_may_come_as_json_on_standard_input() {
    let dir = tempfile::tempdir().unwrap();
    let model = r#"{"source":{"main":{"url":"sqlite:x"}},"tabel":{}}"#;
    let environment = Environment::for_test(dir.path()).with_stdin(model);
    let (exit, _, err) = tenantry(environment, &["check", "--offline", "--file", "-"]).await;
    assert_eq!(exit, Exit::Invalid);
    assert!(err.contains("<stdin>") && err.contains("table"), "{err}");
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let dir = tempfile::tempdir().unwrap();
    for (args, exit, code) in [
        (&["check", "--json"][..], Exit::Invalid, "NO_FILE"),
        (&["explain", "F999", "--json"], Exit::Invalid, "UNKNOWN_CODE"),
        (&["nonsense", "--json"], Exit::Invalid, "USAGE"),
        (&["--json"], Exit::Invalid, "USAGE"),
        (&["init", "--from", "sqlite:gone.sqlite", "--json"], Exit::Failed, "SOURCE_UNAVAILABLE"),
        (&["init", "--from", "mysql://u:hunter2@h/d", "--json"], Exit::Invalid, "BAD_SOURCE_URL"),
        (&["init", "--from", "env:GONE", "--json"], Exit::Invalid, "SECRET_MISSING"),
    ] {
        let (found, out, err) = tenantry(Environment::for_test(dir.path()), args).await;
        assert_eq!((found, json(&out)["error"]["code"].as_str()), (exit, Some(code)), "{args:?} {out}");
        assert!(!out.contains("hunter2") && !err.contains("hunter2"));
    }
}

#[tokio::test]
async fn a_missing_secret_is_named_by_its_variable() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("tenantry.toml"), GOOD.replace("sqlite:shop.sqlite", "env:SHOP_URL")).unwrap();
    let (exit, _, err) = tenantry(Environment::for_test(dir.path()), &["check"]).await;
    assert_eq!(exit, Exit::Invalid);
    assert!(err.contains("SHOP_URL"), "{err}");
    shop(dir.path());
    let environment = Environment::for_test(dir.path()).with_variable("SHOP_URL", "sqlite:shop.sqlite");
    let (exit, _, err) = tenantry(environment, &["check"]).await;
    assert_eq!(exit, Exit::Done, "{err}");
}

#[tokio::test]
async fn help_version_schema_reference_and_completions_are_data() {
    let dir = tempfile::tempdir().unwrap();
    for (args, expected) in [
        (&["--help"][..], "Usage: tenantry"),
        (&["audit", "--help"], "verify"),
        (&["--version"], "tenantry 0"),
        (&["schema"], "\"$schema\""),
        (&["explain", "unknown-key"], "F010 unknown-key"),
        (&["explain", "not_found"], "NOT_FOUND"),
        (&["explain", "--all"], "# Error codes"),
        (&["help-reference"], "## tenantry check"),
        (&["completions", "bash"], "_tenantry"),
        (&["completions", "fish"], "tenantry"),
    ] {
        let (exit, out, err) = tenantry(Environment::for_test(dir.path()), args).await;
        assert_eq!((exit, err.as_str()), (Exit::Done, ""), "{args:?}");
        assert!(out.contains(expected), "{args:?}: {out}");
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        let (exit, out, _) = tenantry(Environment::for_test(dir.path()), &args).await;
        assert_eq!((exit, &json(&out)["success"]), (Exit::Done, &Value::Bool(true)), "{args:?}");
    }
}

#[tokio::test]
async fn the_doctor_finds_what_is_wrong_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let (exit, out, _) = tenantry(Environment::for_test(dir.path()), &["doctor"]).await;
    assert_eq!(exit, Exit::No);
    assert!(out.contains("fail file:") && out.contains("remedy:"), "{out}");
    std::fs::write(dir.path().join("tenantry.toml"), GOOD).unwrap();
    let (exit, out, _) = tenantry(Environment::for_test(dir.path()), &["doctor", "--json"]).await;
    assert_eq!(exit, Exit::No);
    let findings = json(&out)["data"]["findings"].clone();
    let source = findings.as_array().unwrap().iter().find(|finding| finding["part"] == "source main").unwrap().clone();
    assert_eq!(source["health"], "fail", "{findings}");
    shop(dir.path());
    let (exit, out, _) = tenantry(Environment::for_test(dir.path()), &["doctor"]).await;
    assert_eq!(exit, Exit::Done, "{out}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let state = dir.path().join(".tenantry");
        std::fs::create_dir(&state).unwrap();
        std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o755)).unwrap();
        let (exit, out, _) = tenantry(Environment::for_test(dir.path()), &["doctor"]).await;
        assert_eq!(exit, Exit::No);
        assert!(out.contains("chmod 700"), "{out}");
    }
}

#[tokio::test]
async fn init_never_writes_over_a_file_unasked() {
    let dir = tempfile::tempdir().unwrap();
    shop(dir.path());
    let init = ["init", "--from", "sqlite:shop.sqlite"];
    let (exit, out, err) = tenantry(Environment::for_test(dir.path()), &init).await;
    assert_eq!(exit, Exit::Done, "{err}");
    assert!(out.contains("DECIDE"), "{out}");
    let written = std::fs::read_to_string(dir.path().join("tenantry.toml")).unwrap();
    assert!(written.contains("scope = { tenant_id = \"principal.tenant_id\" }"), "{written}");
    let (exit, _, err) = tenantry(Environment::for_test(dir.path()), &["check"]).await;
    assert_eq!(exit, Exit::Done, "{err}");
    let (exit, out, _) = tenantry(Environment::for_test(dir.path()), &["fmt", "--check"]).await;
    assert_eq!(exit, Exit::Done, "{out}\n{written}");
    let (exit, ..) = tenantry(Environment::for_test(dir.path()), &init).await;
    assert_eq!(exit, Exit::Dangerous);
    let to_stdout = ["init", "--from", "sqlite:shop.sqlite", "--out", "-"];
    let (exit, out, _) = tenantry(Environment::for_test(dir.path()), &to_stdout).await;
    assert_eq!((exit, out), (Exit::Done, written));
}

#[tokio::test]
async fn fmt_writes_one_layout_and_check_only_tells() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tenantry.toml");
    let messy = GOOD.replace("tools = [", "tools=[   ").replace("[role.agent]", "# who answers\n[role.agent]");
    std::fs::write(&path, &messy).unwrap();
    let (exit, out, _) = tenantry(Environment::for_test(dir.path()), &["fmt", "--check"]).await;
    assert_eq!((exit, out.as_str()), (Exit::No, "would change tenantry.toml\n"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), messy);
    let (exit, out, _) = tenantry(Environment::for_test(dir.path()), &["fmt"]).await;
    assert_eq!((exit, out.as_str()), (Exit::Done, "formatted tenantry.toml\n"));
    let formatted = std::fs::read_to_string(&path).unwrap();
    assert!(formatted.contains("tools = [\"orders.query\"]") && formatted.contains("# who answers"), "{formatted}");
    let (exit, ..) = tenantry(Environment::for_test(dir.path()), &["fmt", "--check"]).await;
    assert_eq!(exit, Exit::Done);
    let environment = Environment::for_test(dir.path()).with_stdin(&messy);
    let (exit, out, _) = tenantry(environment, &["fmt", "--file", "-"]).await;
    assert_eq!((exit, out), (Exit::Done, formatted));
    std::fs::write(&path, "a = [").unwrap();
    let (exit, ..) = tenantry(Environment::for_test(dir.path()), &["fmt"]).await;
    assert_eq!(exit, Exit::Invalid);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "a = [");
}
