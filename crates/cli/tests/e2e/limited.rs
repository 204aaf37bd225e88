//! Limits of the file on a running server, and a server that dies in the middle of a call.

use std::io::Read as _;
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::json;

use crate::support::{Answer, Home, Server, until};

const API: &str = "https://models.example/";

/// With an upstream, and lines for the user and the account.
fn file(upstream: &str, user: &str, account: &str) -> String {
    format!(
        r#"
[api."https://models.example/"]
permissions = {{ "use:small" = "" }}
enforce_policies = true
token_dialect = "access_token_authz"
[role.caller]
permissions = {{ "https://models.example/" = ["use:small"] }}
[account.acme]
{account}
[account.acme.user."ada@acme.example"]
roles = ["caller"]
{user}
[model.small]
api = "https://models.example/"
requires = "use:small"
max_tokens = 10
price = {{ input = 1000000, output = 1000000 }}
upstream = {upstream}
"#
    )
}

fn chat(server: &Server, token: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let body = json!({ "model": "small", "messages": [{ "role": "user", "content": "x" }] }).to_string();
    server.send("POST", "/v1/chat/completions", &headers, body.as_bytes())
}

fn token(home: &Home) -> String {
    let args = ["token", "--quiet", "--account", "acme", "--user", "ada@acme.example", "--audience", API];
    home.good(&args).trim().to_owned()
}

#[test]
fn limits_that_are_applied_hold_within_a_second() {
    const ECHO: &str = r#"{ kind = "echo", url = "builtin:echo" }"#;
    let home = Home::empty();
    let apply = |user: &str, account: &str| {
        home.write("tenantry.toml", file(ECHO, user, account));
        home.good(&["apply", "--quiet"]);
    };
    apply("", "");
    let ada = token(&home);
    let server = Server::start(&home);
    assert_eq!(chat(&server, &ada).status, 200);
    for (user, account, refused) in [
        // By a user's name in the file, whose id the store made.
        (r#"limits = { requests = "0/hour" }"#, "", Some((429, "user"))),
        ("", r#"limits = { budget = { amount = 0, per = "day" } }"#, Some((402, "account"))),
        ("", r#"each_user = { concurrent = 0 }"#, Some((429, "user"))),
        ("", "", None),
    ] {
        apply(user, account);
        let begun = Instant::now();
        let status = refused.map_or(200, |(status, _)| status);
        let said = until("the limits", || Some(chat(&server, &ada)).filter(|said| said.status == status));
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        if let Some((_, level)) = refused {
            assert_eq!(said.json()["error"]["limit"], level, "{}", said.text());
        }
    }
    // What is only written holds for nobody yet.
    home.write("tenantry.toml", file(ECHO, r#"limits = { requests = "0/hour" }"#, ""));
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(700) {
        assert_eq!(chat(&server, &ada).status, 200);
    }
}

#[test]
fn what_was_set_aside_outlives_a_server_that_is_killed() {
    // An upstream that hears and never answers.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (heard, hearing) = mpsc::channel();
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0_u8; 1024]);
            held.push(stream);
            let _ = heard.send(());
        }
    });
    let home = Home::empty();
    // A call may cost its body, about 60, and 10 tokens: one is covered, and two are not.
    let budget = r#"limits = { budget = { amount = 100, per = "month" } }"#;
    let upstream = format!(r#"{{ kind = "openai", url = "http://{address}/v1" }}"#);
    home.write("tenantry.toml", file(&upstream, "", budget));
    home.good(&["apply", "--quiet"]);
    let ada = token(&home);
    let mut server = Server::start(&home);
    let (asked, bearer) = (server.address, ada.clone());
    std::thread::spawn(move || {
        use std::io::Write as _;
        let body = r#"{"model":"small","messages":[{"role":"user","content":"x"}]}"#;
        let mut stream = std::net::TcpStream::connect(asked).unwrap();
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: {asked}\r\nauthorization: Bearer {bearer}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let _ = stream.read(&mut [0_u8; 1]);
    });
    hearing.recv_timeout(Duration::from_secs(30)).expect("the upstream is asked");
    server.running.signal(Signal::SIGKILL);
    server.running.ended();
    let server = Server::start(&home);
    for _ in 0..3 {
        let said = chat(&server, &ada);
        assert_eq!((said.status, &said.json()["error"]["limit"]), (402, &json!("account")), "{}", said.text());
    }
    assert!(hearing.try_recv().is_err(), "nobody asked the upstream again");
}
