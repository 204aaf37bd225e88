//! H2: Schemathesis over the published document, with real tokens: no server error, nothing undocumented.
//! Skipped where `TENANTRY_TEST_CLIENTS` does not say where it is installed; `cargo xtask test` installs it.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use tenantry_identity::Audience;
use tokio::net::TcpListener;

use crate::stage::Tenant;
use crate::world::{Who, World};

/// What an answer is held against. Left out: whether generated data is taken (an id that was made up is
/// nobody's), and whether a thing that one call made is there for the next (another may have removed it).
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,negative_data_rejection,unsupported_method,\
    allow_header_conformance,ignored_auth,use_after_free";

#[tokio::test(flavor = "multi_thread")]
async fn h2_the_published_document_holds() {
    let Some(program) = std::env::var_os("TENANTRY_TEST_CLIENTS")
        .map(|folder| PathBuf::from(folder).join("v/bin/st"))
        .filter(|program| program.is_file())
    else {
        eprintln!("skipped: TENANTRY_TEST_CLIENTS names no folder with Schemathesis; cargo xtask test installs it");
        return;
    };
    let long = std::env::var_os("TENANTRY_TEST_LONG").is_some();
    let world = World::small().await;
    let ours = Tenant::new(&world, "ours").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let router = world.router.clone();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let caller = ours.values["caller_id"].as_str();
    let inside = |roles| Who { account: Some(&ours.id), user: Some(caller), roles, ..Who::default() };
    let contexts = [
        (Audience::App, inside(&[])),
        (Audience::Dashboard, inside(&["account-owner"])),
        // Somebody whom no call can remove by chance.
        (Audience::Portal, Who { roles: &["platform-owner"], ..Who::default() }),
    ];
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for (context, who) in contexts {
        let token = world.token(context, &who);
        let mut run = Command::new(&program);
        run.args(["run", &format!("{address}/openapi.json")])
            .args(["--include-path-regex", &format!("^/{}/", context.name())])
            .args(["-H", &format!("Authorization: Bearer {token}")])
            .args(["--checks", CHECKS, "--continue-on-failure", "--no-color", "--output-sanitize", "true"])
            .args(["--max-examples", if long { "200" } else { "4" }, "--generation-database", "none"])
            .args(["--phases", if long { "examples,coverage,fuzzing,stateful" } else { "examples,coverage,fuzzing" }])
            .args(["--max-time", if long { "100" } else { "15" }])
            // One worker: the interpreter's own parser is not safe in several threads.
            .args(["--seed", "1", "--workers", "1", "--suppress-health-check", "all"])
            .current_dir(folder.path())
            .stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || run.output()).await.unwrap().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        for line in text.lines().filter(|line| line.contains(" generated, ") || line.starts_with("===")) {
            eprintln!("{}: {}", context.name(), line.trim_matches(['=', ' ']));
        }
        if !output.status.success() {
            let told: String = text.chars().take(20_000).collect();
            wrong.push(format!("{}\n{told}\n{}", context.name(), String::from_utf8_lossy(&output.stderr)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
