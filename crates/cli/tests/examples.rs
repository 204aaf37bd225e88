//! Runs every example in a copy of its folder, with the program under test on the PATH.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

fn run(name: &str) -> String {
    run_with(name, &[])
}

fn run_with(name: &str, environment: &[(&str, &str)]) -> String {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    let folder = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(&from).unwrap().map(|file| file.unwrap().path()) {
        std::fs::copy(&file, folder.path().join(file.file_name().unwrap())).unwrap();
    }
    let program = Path::new(env!("CARGO_BIN_EXE_tenantry"));
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new("bash");
    command.arg("run.sh").current_dir(folder.path()).env_clear();
    command.env("PATH", path).env("PORT", port.to_string()).env("HOME", folder.path());
    command.envs(environment.iter().copied());
    let output = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name}\n{out}\n{err}");
    out.into_owned()
}

#[test]
fn an_organization_and_its_user() {
    let said = run("organizations");
    for word in [
        "9 to create",
        "account.tenant12345 = \"org_",
        "metadata.tier  \"gold\" -> \"free\"",
        "members.add",
        "9 deleted",
        "no accounts",
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }
}

#[test]
fn a_role_that_may_call_a_model() {
    let said = run("model-roles");
    for word in [
        "ada: \"permissions\":[\"read:predictions\"]",
        "bob: \"permissions\":[]",
        "roles  (none) -> [\"ModelConsumer\"]",
        "ada, without it: \"permissions\":[]",
        "8 deleted",
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert!(!said.contains("Predict nothing"), "{said}");
}

#[test]
fn a_model_behind_the_gateway() {
    let said = run("model-endpoint");
    assert!(said.contains("ada: \"content\":\"echo: rain tomorrow\""), "{said}");
    assert!(said.contains("bob: \"code\":\"model_not_found\""), "{said}");
    assert!(said.contains("key: \"content\":\"echo: rain tomorrow\"") && said.contains("key: refused"), "{said}");
}

#[test]
fn a_tree_of_accounts() {
    let said = run("account-tree");
    assert!(said.contains("suspended"), "{said}");
}

/// On every server that is given: PostgreSQL 15, and newer ones.
#[test]
fn roles_of_postgresql() {
    let named = |name: &str| std::env::var(name).unwrap_or_default();
    let all = [named("TENANTRY_TEST_POSTGRES"), named("TENANTRY_TEST_POSTGRES_NEWER")].join(",");
    let psql = Command::new("psql").arg("--version").output().is_ok_and(|output| output.status.success());
    let servers: Vec<&str> = all.split(',').filter(|url| !url.is_empty()).collect();
    if servers.is_empty() || !psql {
        eprintln!("skipped: TENANTRY_TEST_POSTGRES is not set, or there is no psql");
        return;
    }
    for url in servers {
        let server = url.rsplit_once('/').unwrap().0;
        let said = run_with("postgres-roles", &[("SERVER", server)]);
        for word in [
            "+ seat",
            "4 passwords were made",
            "no leak.",
            "ERROR:  permission denied to set role \"globex_analyst\"",
            "ERROR:  permission denied for schema tenantry",
            "\"card\": \"***2222\"",
            "strange_seats",
            "move-seat",
            "loses: rows of account acme",
            "left: nothing",
        ] {
            assert!(said.contains(word), "{url} {word}: {said}");
        }
        // What each asked for its own rows got, and of the other's amounts nothing.
        let acme = said.split("globex_analyst=>").next().unwrap();
        assert!(acme.contains("1000") && !acme.contains("990000"), "{acme}");
    }
}

#[test]
fn an_agent_for_two_organizations() {
    let Ok(clients) = std::env::var("TENANTRY_TEST_CLIENTS") else {
        eprintln!("skipped: TENANTRY_TEST_CLIENTS is not set (run `cargo xtask test`)");
        return;
    };
    let said = run_with("agent", &[("PYTHON", &[&clients, "/v/bin/python"].concat())]);
    let page = include_str!("../../../examples/agent/README.md");
    // Each has its own; a foreign ticket is none; a role with fewer tools is offered fewer. As the page shows it.
    for line in said.lines().filter(|line| !line.starts_with("20")) {
        assert!(page.contains(line), "the page does not show: {line}");
    }
    let people: Vec<&str> = said.split("\n\n").collect();
    assert!(people[0].contains("The printer is on fire") && !people[0].contains("merger"), "{said}");
    assert!(people[1].contains("The merger is still a secret") && !people[1].contains("printer"), "{said}");
    assert!(people[2].contains("\"found\":false") && !people[2].contains("merger"), "{said}");
    assert!(people[3].starts_with("tom@acme.example has the tools: describe_schema, query\n"), "{said}");
    assert!(people[4].contains("ada@acme.example") && !people[4].contains("gus@"), "{said}");
}
