//! Runs every example in a copy of its folder, with the program under test on the PATH.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
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
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    let folder = tempfile::tempdir().unwrap();
    for file in ["tenantry.toml", "run.sh"] {
        std::fs::copy(from.join(file), folder.path().join(file)).unwrap();
    }
    let program = Path::new(env!("CARGO_BIN_EXE_tenantry"));
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new("bash");
    command.arg("run.sh").current_dir(folder.path()).env_clear();
    command.env("PATH", path).env("PORT", port.to_string()).env("HOME", folder.path());
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
