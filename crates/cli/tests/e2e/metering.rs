//! What model calls used, as the program tells it: `tenantry usage`, `/metrics`, and a collector of OpenTelemetry.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::{Answer, Home, Server, until};

const API: &str = "https://models.example/";

const FILE: &str = r#"
[platform.metrics]
token = "env:FIGURES"
[platform.limits]
each_user = { requests = "4/hour" }
[api."https://models.example/"]
permissions = { "use:small" = "" }
[model.small]
api = "https://models.example/"
requires = "use:small"
price = { input = 1000000, output = 3000000 }
upstream = { kind = "echo", url = "builtin:echo" }
[model.other]
api = "https://models.example/"
requires = "use:small"
upstream = { kind = "echo", url = "builtin:echo" }
"#;

const CANARY: &str = "prompt-canary-4711";
const FIGURES: &str = "figures-token-canary-0123456789";

/// Two accounts, somebody who may call in each, and an API key of the first.
struct Scene {
    home: Home,
    ada: String,
    gus: String,
    key: String,
}

impl Scene {
    fn new() -> Scene {
        let mut home = Home::empty();
        home.write("tenantry.toml", FILE);
        home.set("FIGURES", FIGURES);
        let authz = ["--set", "enforce_policies=true", "--set", "token_dialect=access_token_authz"];
        home.good(&[&["api", "create", API, "--permission", "use:small"], &authz[..]].concat());
        home.good(&["role", "create", "caller", "--permission", "https://models.example/#use:small"]);
        let mut tokens = Vec::new();
        for (account, user) in [("acme", "ada@acme.example"), ("globex", "gus@globex.example")] {
            home.good(&["account", "create", account]);
            let made = home.run_with(&["user", "create", user, "--password", "-"], b"Correct-Horse-7-Battery");
            assert_eq!(made.code, 0, "{}", made.err);
            home.good(&["member", "add", account, user]);
            home.good(&["role", "grant", "caller", "--user", user, "--account", account]);
            let token = home.good(&["token", "--quiet", "--account", account, "--user", user, "--audience", API]);
            tokens.push(token.trim().to_owned());
        }
        let permission = [API, "#use:small"].concat();
        let key = ["api-key", "create", "program", "--account", "acme", "--permission", &permission, "--quiet"];
        let key = home.good(&key).trim().to_owned();
        let [ada, gus] = <[String; 2]>::try_from(tokens).unwrap();
        Scene { home, ada, gus, key }
    }

    /// `tenantry usage --json` with more arguments: its sums.
    fn usage(&self, more: &[&str]) -> Vec<Value> {
        let told: Value = serde_json::from_str(&self.home.good(&[&["usage", "--json"], more].concat())).unwrap();
        told["data"]["sums"].as_array().unwrap().clone()
    }
}

fn chat(server: &Server, credential: &str, model: &str, words: &str) -> Answer {
    let bearer = format!("Bearer {credential}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let body = json!({ "model": model, "messages": [{ "role": "user", "content": words }] }).to_string();
    server.send("POST", "/v1/chat/completions", &headers, body.as_bytes())
}

#[test]
fn usage_tells_what_calls_used_and_nothing_of_who_is_not_asked_for() {
    let scene = Scene::new();
    let server = Server::start(&scene.home);
    let mut used: BTreeMap<(&str, &str), [i64; 3]> = BTreeMap::new();
    let calls = [
        ("acme", &scene.ada, "small"),
        ("acme", &scene.key, "small"),
        ("acme", &scene.ada, "other"),
        ("globex", &scene.gus, "small"),
    ];
    for (account, credential, model) in calls {
        let said = chat(&server, credential, model, CANARY);
        assert_eq!(said.status, 200, "{}", said.text());
        let (input, output) = {
            let usage = &said.json()["usage"];
            (usage["prompt_tokens"].as_i64().unwrap(), usage["completion_tokens"].as_i64().unwrap())
        };
        let cost = if model == "small" { input + 3 * output } else { 0 };
        let sum = used.entry((account, model)).or_default();
        for (sum, more) in sum.iter_mut().zip([input, output, cost]) {
            *sum += more;
        }
    }
    // Rows are written in a moment.
    let sums = until("the rows of usage", || Some(scene.usage(&[])).filter(|sums| requests(sums) == 4));
    assert_eq!(sums.len(), 3, "{sums:?}");
    let ids: BTreeMap<&str, String> = ["acme", "globex"]
        .map(|name| {
            let shown: Value = serde_json::from_str(&scene.home.good(&["account", "show", name, "--json"])).unwrap();
            (name, shown["data"]["tenant_id"].as_str().unwrap().to_owned())
        })
        .into();
    for ((account, model), [input, output, cost]) in &used {
        let sum = sums.iter().find(|sum| sum["account"] == ids[account] && sum["model"] == *model).unwrap();
        let figures = ["input_tokens", "output_tokens", "cost_micros"].map(|name| sum[name].as_i64().unwrap());
        assert_eq!(figures, [*input, *output, *cost], "{account} {model}");
    }
    // One account's alone, and within it by what is asked.
    let acme = scene.usage(&["--account", &ids["acme"], "--by", "model,api-key"]);
    assert_eq!(requests(&acme), 3);
    assert!(!format!("{acme:?}").contains(&ids["globex"]));
    let by_key: Vec<_> = acme.iter().filter(|sum| !sum["api_key"].is_null()).collect();
    assert_eq!((by_key.len(), &by_key[0]["model"], &by_key[0]["requests"]), (1, &json!("small"), &json!(1)));
    assert_eq!(requests(&scene.usage(&["--account", &ids["globex"]])), 1);
    assert_eq!(requests(&scene.usage(&["--model", "other"])), 1);
    assert_eq!(requests(&scene.usage(&["--since", "1h", "--by", "day"])), 4);
    for nothing in [
        ["--account", "nowhere"],
        ["--model", "none"],
        ["--user", "nobody"],
        ["--workspace", "prod"],
        ["--account", "-"],
    ] {
        assert_eq!(scene.usage(&nothing), Vec::<Value>::new(), "{nothing:?}");
    }
    let table = scene.home.good(&["usage", "--account", &ids["acme"], "--by", "model"]);
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    let [input, output, cost] = used[&("acme", "small")];
    assert_eq!(lines[0], ["model", "requests", "input", "output", "cost"], "{table}");
    let cost = format!("{}.{:06}", cost / 1_000_000, cost % 1_000_000);
    assert_eq!(lines[1], ["small", "2", &input.to_string(), &output.to_string(), &cost], "{table}");
    assert_eq!(lines[2][..2], ["other", "1"], "{table}");
    assert_eq!(scene.home.good(&["usage", "--account", "nowhere"]), "No model was called.\n");
    assert_eq!(scene.home.run(&["usage", "--by", "colour"]).code, 3);
}

fn requests(sums: &[Value]) -> i64 {
    sums.iter().map(|sum| sum["requests"].as_i64().unwrap()).sum()
}

/// Requests with their heads and bodies, as they came.
type Sent = Mutex<Vec<(String, Vec<u8>)>>;

/// A collector: keeps what it is sent, and answers or does not.
struct Collector {
    address: SocketAddr,
    sent: Arc<Sent>,
}

impl Collector {
    fn listen(answers: bool) -> Collector {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let collector = Collector { address: listener.local_addr().unwrap(), sent: Arc::default() };
        let sent = Arc::clone(&collector.sent);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let sent = Arc::clone(&sent);
                std::thread::spawn(move || hear(stream.unwrap(), &sent, answers));
            }
        });
        collector
    }

    fn last(&self) -> Option<Vec<u8>> {
        self.sent.lock().unwrap().last().map(|(_, body)| body.clone())
    }
}

fn hear(mut stream: TcpStream, sent: &Sent, answers: bool) {
    let mut bytes = Vec::new();
    let mut piece = [0_u8; 16 * 1024];
    loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..at].to_vec()).unwrap().to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            let end = at + 4 + length.unwrap_or(0_usize);
            if bytes.len() >= end {
                let body = bytes[at + 4..end].to_vec();
                bytes.drain(..end);
                sent.lock().unwrap().push((head, body));
                if answers && stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").is_err() {
                    return;
                }
                continue;
            }
        }
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return,
            Ok(read) => bytes.extend_from_slice(&piece[..read]),
        }
    }
}

/// A field of a message of protobuf: a number, or bytes.
#[derive(Debug, Clone, Copy)]
enum Field<'d> {
    Number(u64),
    Bytes(&'d [u8]),
}

fn varint(rest: &mut &[u8]) -> u64 {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = rest[0];
        *rest = &rest[1..];
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    number
}

fn fields(mut rest: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut found = Vec::new();
    while !rest.is_empty() {
        let tag = varint(&mut rest);
        let value = match tag & 7 {
            0 => Field::Number(varint(&mut rest)),
            1 => {
                let (value, after) = rest.split_at(8);
                rest = after;
                Field::Number(u64::from_le_bytes(value.try_into().unwrap()))
            }
            2 => {
                let length = usize::try_from(varint(&mut rest)).unwrap();
                let (value, after) = rest.split_at(length);
                rest = after;
                Field::Bytes(value)
            }
            other => panic!("wire type {other}"),
        };
        found.push((tag >> 3, value));
    }
    found
}

fn parts(message: &[u8], number: u64) -> Vec<&[u8]> {
    let found = fields(message).into_iter().filter_map(|(known, value)| match value {
        Field::Bytes(bytes) if known == number => Some(bytes),
        _ => None,
    });
    found.collect()
}

fn number(message: &[u8], wanted: u64) -> Option<u64> {
    fields(message).into_iter().find_map(|(known, value)| match value {
        Field::Number(number) if known == wanted => Some(number),
        _ => None,
    })
}

fn text(message: &[u8], number: u64) -> String {
    parts(message, number).first().map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()).unwrap_or_default()
}

type Attributes = BTreeMap<String, String>;

fn attributes(message: &[u8], number: u64) -> Attributes {
    let pairs = parts(message, number).into_iter();
    pairs.map(|pair| (text(pair, 1), text(parts(pair, 2)[0], 1))).collect()
}

/// A point: its metric, its attributes, and its count (of a histogram) with its sum, or its value.
#[derive(Debug)]
struct Point {
    name: String,
    attributes: Attributes,
    count: u64,
    sum: f64,
}

fn points(request: &[u8]) -> (Attributes, Vec<Point>) {
    let of_resource = parts(request, 1)[0];
    let resource = attributes(parts(of_resource, 1)[0], 1);
    let mut points = Vec::new();
    for metric in parts(parts(of_resource, 2)[0], 2) {
        let name = text(metric, 1);
        for histogram in parts(metric, 9) {
            assert_eq!(number(histogram, 2), Some(2), "cumulative");
            for point in parts(histogram, 1) {
                let buckets: Vec<u64> =
                    parts(point, 6)[0].chunks(8).map(|eight| u64::from_le_bytes(eight.try_into().unwrap())).collect();
                let count = number(point, 4).unwrap();
                assert_eq!((buckets.len(), buckets.iter().sum::<u64>()), (15, count));
                assert_eq!(parts(point, 7)[0].len(), 14 * 8);
                assert!(number(point, 2).unwrap() <= number(point, 3).unwrap());
                let sum = f64::from_bits(number(point, 5).unwrap());
                points.push(Point { name: name.clone(), attributes: attributes(point, 9), count, sum });
            }
        }
        for sum in parts(metric, 7) {
            assert_eq!((number(sum, 2), number(sum, 3)), (Some(2), Some(1)), "cumulative and monotonic");
            for point in parts(sum, 1) {
                let count = number(point, 6).unwrap();
                points.push(Point { name: name.clone(), attributes: attributes(point, 7), count, sum: 0.0 });
            }
        }
    }
    (resource, points)
}

#[test]
fn figures_reach_a_collector_and_hold_nothing_that_anybody_wrote() {
    let mut scene = Scene::new();
    let collector = Collector::listen(true);
    scene.home.set("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://{}", collector.address));
    scene.home.set("OTEL_EXPORTER_OTLP_HEADERS", "x-collector-key=header-canary-99");
    scene.home.set("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test");
    scene.home.set("OTEL_METRIC_EXPORT_INTERVAL", "100");
    let mut server = Server::start(&scene.home);
    assert_eq!(chat(&server, &scene.ada, "small", CANARY).status, 200);
    until("an export", || collector.last());
    // The rest is told when the server ends.
    for (credential, model) in
        [(&scene.key, "small"), (&scene.gus, CANARY), (&scene.gus, "small"), (&scene.ada, "other")]
    {
        let status = chat(&server, credential, model, CANARY).status;
        assert_eq!(status, if model == CANARY { 404 } else { 200 });
    }
    let refused: Vec<u16> = (0..3).map(|_| chat(&server, &scene.ada, "small", CANARY).status).collect();
    assert_eq!(refused, [200, 200, 429]);
    let page = server.ask(FIGURES, "GET", "/metrics").text();
    server.running.signal(Signal::SIGTERM);
    assert_eq!(server.running.ended(), 0);
    let sent = collector.sent.lock().unwrap();
    let (head, body) = sent.last().unwrap();
    assert!(head.starts_with("post /v1/metrics http/1.1\r\n"), "{head}");
    assert!(
        head.contains("content-type: application/x-protobuf") && head.contains("x-collector-key: header-canary-99")
    );
    let (resource, points) = points(body);
    assert_eq!((&*resource["service.name"], &*resource["deployment.environment.name"]), ("tenantry", "test"));
    assert!(resource["service.instance.id"].starts_with("server_"));
    let named = |name: &str| points.iter().filter(|point| point.name == name).collect::<Vec<_>>();
    let durations = named("gen_ai.client.operation.duration");
    assert_eq!(durations.iter().map(|point| point.count).sum::<u64>(), 6, "{points:?}");
    // The same sums as the ledger has, by account and model.
    let sums = scene.usage(&[]);
    for (kind, member) in [("input", "input_tokens"), ("output", "output_tokens")] {
        for sum in &sums {
            let of = |point: &&&Point| {
                sum["account"] == point.attributes["tenantry.account"]
                    && sum["model"] == point.attributes["gen_ai.request.model"]
                    && point.attributes["gen_ai.token.type"] == kind
            };
            let tokens: f64 = named("gen_ai.client.token.usage").iter().filter(of).map(|point| point.sum).sum();
            assert_eq!(tokens, sum[member].as_f64().unwrap(), "{kind} {sum}");
        }
    }
    let cost: u64 = named("tenantry.gen_ai.cost").iter().map(|point| point.count).sum();
    assert_eq!(i64::try_from(cost).unwrap(), sums.iter().map(|sum| sum["cost_micros"].as_i64().unwrap()).sum::<i64>());
    let refused = named("tenantry.limit.refused");
    assert_eq!((refused.len(), refused[0].count), (1, 1));
    assert_eq!(
        (&*refused[0].attributes["tenantry.limit.level"], &*refused[0].attributes["gen_ai.request.model"]),
        ("user", "small")
    );
    for point in &points {
        let known = ["tenantry.", "gen_ai.", "error.type"];
        assert!(point.attributes.keys().all(|name| known.iter().any(|known| name.starts_with(known))), "{point:?}");
    }
    // Prometheus is told the same.
    assert!(page.contains("tenantry_limit_refused_total{"), "{page}");
    let secrets =
        [CANARY, FIGURES, "header-canary-99", &scene.key, &scene.ada, "ada@acme.example", "gus@globex.example"];
    let user: Value = serde_json::from_str(&scene.home.good(&["user", "show", "ada@acme.example", "--json"])).unwrap();
    let user = user["data"]["id"].as_str().unwrap_or_else(|| panic!("{user}"));
    for secret in secrets.into_iter().chain([user]) {
        assert!(!page.contains(secret), "{secret} in /metrics");
        for (_, body) in sent.iter() {
            assert!(!body.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret} was sent");
        }
    }
    // One real decoder more, where the clients are installed: `cargo xtask test`.
    scene.home.write("figures.bin", body);
    scene.home.write("figures.txt", &page);
    decoded_by_others(&scene.home);
}

/// OpenTelemetry's own messages and Prometheus' own parser read what was told.
fn decoded_by_others(home: &Home) {
    let Ok(clients) = std::env::var("TENANTRY_TEST_CLIENTS") else {
        eprintln!("partly skipped: TENANTRY_TEST_CLIENTS is not set (run `cargo xtask test`)");
        return;
    };
    let story = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../e2e/clients/figures.py");
    let mut python = std::process::Command::new(std::path::Path::new(&clients).join("v/bin/python"));
    let output = python.arg(story).arg("figures.bin").arg("figures.txt").current_dir(home.path()).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.ends_with("the story is told\n"), "{out}\n{err}");
}

#[test]
fn a_collector_that_is_gone_or_says_nothing_holds_nobody_up() {
    let mut scene = Scene::new();
    let silent = Collector::listen(false);
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for address in [silent.address, gone] {
        scene.home.set("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://{address}"));
        scene.home.set("OTEL_METRIC_EXPORT_INTERVAL", "20");
        let mut server = Server::start(&scene.home);
        assert_eq!(chat(&server, &scene.gus, "small", "x").status, 200);
        if address == silent.address {
            until("an export that is not answered", || silent.last());
        }
        let begun = Instant::now();
        assert_eq!(chat(&server, &scene.key, "small", "x").status, 200);
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
        let begun = Instant::now();
        server.running.signal(Signal::SIGTERM);
        assert_eq!(server.running.ended(), 0);
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    }
}
