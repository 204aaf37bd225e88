//! Other people's clients tell their stories against the program, over HTTPS with the development authority.
//!
//! `cargo xtask test` installs them and names the folder in `TENANTRY_TEST_CLIENTS`; without it these tests
//! are skipped, saying so.
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

mod support;

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use support::{Home, Running, Server, secured};

/// A server with a client that may do everything.
struct Scene {
    home: Home,
    _running: Running,
    clients: PathBuf,
    variables: Vec<(String, String)>,
}

impl Scene {
    fn begin() -> Option<Scene> {
        Scene::begin_with("")
    }

    /// With more in the file.
    fn begin_with(file: &str) -> Option<Scene> {
        let Ok(clients) = std::env::var("TENANTRY_TEST_CLIENTS") else {
            eprintln!("skipped: TENANTRY_TEST_CLIENTS is not set (run `cargo xtask test`)");
            return None;
        };
        let home = Home::empty();
        // The issuer's address stands in tokens, so the port is chosen first.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let domain = format!("127.0.0.1:{port}");
        home.write("tenantry.toml", format!("[platform]\nissuer = \"https://{domain}/\"\n{file}"));
        let (running, _) = secured(&home, &["--listen", &domain]);
        let trust: Value = serde_json::from_str(&home.good(&["trust", "--json"])).unwrap();
        let mut variables = vec![("DOMAIN".to_owned(), domain)];
        for (name, path) in trust["data"]["variables"].as_object().unwrap() {
            variables.push((name.clone(), path.as_str().unwrap().to_owned()));
        }
        let token = home.good(&["token", "--quiet", "--management", "--ttl", "1h"]);
        let mut scene = Scene { home, _running: running, clients: clients.into(), variables };
        scene.variables.push(("TOKEN".to_owned(), token.trim().to_owned()));
        let made: Value = serde_json::from_str(&scene.tell(&mut scene.python("begin.py"))).unwrap();
        scene.variables.pop();
        for (variable, name) in [("CLIENT_ID", "client_id"), ("CLIENT_SECRET", "client_secret")] {
            scene.variables.push((variable.to_owned(), made[name].as_str().unwrap().to_owned()));
        }
        Some(scene)
    }

    fn python(&self, script: &str) -> Command {
        let mut command = Command::new(self.clients.join("v/bin/python"));
        command.arg(stories().join(script));
        command
    }

    /// Node looks for its modules beside the script.
    fn node(&self, script: &str) -> Command {
        let here = self.home.file(script);
        std::fs::copy(stories().join(script), &here).unwrap();
        let modules = self.home.file("node_modules");
        if !modules.exists() {
            std::os::unix::fs::symlink(self.clients.join("n/node_modules"), &modules).unwrap();
        }
        let mut command = Command::new("node");
        command.arg("--preserve-symlinks-main").arg("--preserve-symlinks").arg(here);
        command
    }

    /// Runs a story to its end; what it said.
    fn tell(&self, command: &mut Command) -> String {
        let work = self.home.file("work");
        std::fs::create_dir_all(&work).unwrap();
        command.env_clear().env("PATH", std::env::var("PATH").unwrap_or_default()).env("HOME", self.home.path());
        command.envs(self.variables.iter().map(|(name, value)| (name, value))).env("WORK", &work);
        let output = command.current_dir(self.home.path()).output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{out}\n{err}");
        out.into_owned()
    }
}

fn stories() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../e2e/clients")
}

#[test]
fn python_clients_tell_their_story() {
    let Some(scene) = Scene::begin() else { return };
    assert!(scene.tell(&mut scene.python("story.py")).ends_with("the story is told\n"));
}

#[test]
fn node_clients_tell_their_story() {
    let Some(scene) = Scene::begin() else { return };
    assert!(scene.tell(&mut scene.node("story.mjs")).ends_with("the story is told\n"));
}

/// An API, one who holds `use:small` on it and one who does not, and a key.
fn callers(scene: &mut Scene) {
    let home = &scene.home;
    let authz = ["--set", "enforce_policies=true", "--set", "token_dialect=access_token_authz"];
    let api = "https://models.example/";
    home.good(
        &[&["api", "create", api, "--permission", "use:small", "--permission", "use:large"], &authz[..]].concat(),
    );
    home.good(&["role", "create", "caller", "--permission", "https://models.example/#use:small"]);
    home.good(&["account", "create", "acme"]);
    for user in ["ada@acme.example", "bob@acme.example"] {
        let made = home.run_with(&["user", "create", user, "--password", "-"], b"Correct-Horse-7-Battery");
        assert_eq!(made.code, 0, "{}", made.err);
        home.good(&["member", "add", "acme", user]);
    }
    home.good(&["role", "grant", "caller", "--user", "ada@acme.example", "--account", "acme"]);
    let token = |user: &str| {
        home.good(&["token", "--quiet", "--account", "acme", "--user", user, "--audience", api]).trim().to_owned()
    };
    let permission = [api, "#use:small"].concat();
    let may = ["--account", "acme", "--permission", &permission, "--model", "small", "--quiet"];
    let key = home.good(&[&["api-key", "create", "program"], &may[..]].concat());
    let told = [("ADA", token("ada@acme.example")), ("BOB", token("bob@acme.example")), ("KEY", key.trim().to_owned())];
    scene.variables.extend(told.map(|(name, value)| (name.to_owned(), value)));
}

#[test]
fn clients_of_models_tell_their_story() {
    let Some(mut scene) = Scene::begin_with(MODELS) else { return };
    callers(&mut scene);
    assert!(scene.tell(&mut scene.python("models.py")).ends_with("the story is told\n"));
}

/// A model of 135 million parameters, in a process of its own that speaks OpenAI's protocol; `cargo xtask test`
/// fetches it and names its folder in `TENANTRY_TEST_SMALL_MODEL`.
#[test]
fn clients_talk_to_a_real_model() {
    let Ok(folder) = std::env::var("TENANTRY_TEST_SMALL_MODEL") else {
        eprintln!("skipped: TENANTRY_TEST_SMALL_MODEL is not set (run `cargo xtask test`)");
        return;
    };
    let mut node = Command::new("node");
    node.arg(stories().join("small-model.mjs")).arg(folder);
    let mut model = Running(node.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
    let mut told = String::new();
    BufReader::new(model.0.stdout.take().unwrap()).read_line(&mut told).unwrap();
    let url = told.trim();
    assert!(url.starts_with("http://127.0.0.1:"), "the model did not start: {told:?}");
    let file = format!(
        r#"
[api."https://models.example/"]
permissions = {{ "use:small" = "" }}
[model.smol]
api = "https://models.example/"
requires = "use:small"
max_tokens = 16
price = {{ input = 1_000_000, output = 2_000_000 }}
upstream = {{ kind = "openai", url = "{url}", model = "smollm2-135m" }}
"#
    );
    let Some(mut scene) = Scene::begin_with(&file) else { return };
    callers(&mut scene);
    assert!(scene.tell(&mut scene.python("real.py")).ends_with("the story is told\n"));
    // What the model counted is what was put down, a moment later, and what was left in the middle was not free.
    let used = support::until("the calls to be noted", || {
        let used: Value = serde_json::from_str(&scene.home.good(&["usage", "--json"])).unwrap();
        let row = used["data"]["sums"][0].clone();
        (row["requests"].as_u64() >= Some(14)).then_some(row)
    });
    let tokens = |name: &str| used[name].as_u64().unwrap_or_else(|| panic!("{name}: {used}"));
    assert_eq!(tokens("cost_micros"), tokens("input_tokens") + 2 * tokens("output_tokens"), "{used}");
    assert!(tokens("requests") == 14 && tokens("output_tokens") > 60, "{used}");
}

const MODELS: &str = r#"
[api."https://models.example/"]
permissions = { "use:small" = "", "use:large" = "" }
[model.small]
api = "https://models.example/"
requires = "use:small"
upstream = { kind = "echo", url = "builtin:echo" }
[model.slow]
api = "https://models.example/"
requires = "use:small"
upstream = { kind = "echo", url = "builtin:echo" }
each_account = { requests = "60/min" }
[model.forbidden]
api = "https://models.example/"
requires = "use:large"
upstream = { kind = "echo", url = "builtin:echo" }
"#;

/// A person logs in with the SDK of MCP, which is told the server's address alone.
#[test]
fn mcp_clients_log_people_in() {
    let Some(mut scene) = Scene::begin_with("mcp = { registration = true }\n") else { return };
    let (home, person, password) = (&scene.home, "ada@acme.example", "Correct-Horse-7-Battery");
    home.good(&["account", "create", "acme"]);
    let made = home.run_with(&["user", "create", person, "--password", "-"], password.as_bytes());
    assert_eq!(made.code, 0, "{}", made.err);
    home.good(&["member", "add", "acme", person]);
    let told = [("PERSON", person), ("PASSWORD", password)];
    scene.variables.extend(told.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert!(scene.tell(&mut scene.python("login.py")).ends_with("the story is told\n"));
}

#[test]
fn the_deploy_client_tells_its_story() {
    let Some(scene) = Scene::begin() else { return };
    assert!(scene.tell(&mut scene.node("deploy.mjs")).ends_with("the story is told\n"));
}

/// A server over a demo's rows, without TLS: the tools below know no authority of ours.
fn agents(script: &str, with: impl Fn(&Path) -> Command) {
    let Ok(clients) = std::env::var("TENANTRY_TEST_CLIENTS") else {
        eprintln!("skipped: TENANTRY_TEST_CLIENTS is not set (run `cargo xtask test`)");
        return;
    };
    let desk = Home::desk();
    let server = Server::start(&desk);
    let scratch = Home::empty();
    for file in [script, "carry.mjs"] {
        std::fs::copy(stories().join(file), scratch.file(file)).unwrap();
    }
    std::os::unix::fs::symlink(Path::new(&clients).join("n/node_modules"), scratch.file("node_modules")).unwrap();
    let token = |user: &str| desk.token("northwind", user);
    let (ana, max) = (token("ana@northwind.example"), token("max@northwind.example"));
    let mut command = with(Path::new(&clients));
    command.arg(scratch.file(script)).current_dir(scratch.path()).env_clear();
    command.env("PATH", std::env::var("PATH").unwrap_or_default()).env("HOME", scratch.path());
    command.env("BASE", format!("http://{}", server.address)).env("WORK", scratch.path());
    command.env("ANA", &ana).env("MAX", max).env("TOKEN", ana);
    command.env("PROGRAM", support::PROGRAM).env("DESK", desk.path()).env("STORIES", stories());
    command.env("TOOLS", "describe_schema,query,get,aggregate,update");
    let output = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.ends_with("the story is told\n"), "{out}\n{err}");
    eprintln!("{out}");
}

/// The conformance tool for both revisions, and the inspector.
#[test]
fn mcp_clients_of_node_tell_their_story() {
    agents("agents.mjs", |_| {
        let mut node = Command::new("node");
        node.args(["--preserve-symlinks-main", "--preserve-symlinks"]);
        node
    });
}

/// The Python SDK, over HTTP and over the bridge, and LangChain's adapters.
#[test]
fn mcp_clients_of_python_tell_their_story() {
    agents("agents.py", |clients| Command::new(clients.join("v/bin/python")));
}
