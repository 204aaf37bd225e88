//! What a hostile tenant sends, and what it gets.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tenantry_guard::models::{Kind, Patience};

use crate::desk::{Desk, at, model};
use crate::scripted::{Act, EVENTS, Scripted, event, json as whole, last, until};

const FINE: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"real-name","choices":[{"index":0,"message":{"role":"assistant","content":"fine"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}}"#;

async fn desk(upstream: &Scripted) -> Desk {
    desk_of(upstream, Kind::OpenAi).await
}

async fn desk_of(upstream: &Scripted, kind: Kind) -> Desk {
    let patience = Patience { first_byte: Duration::from_secs(5), ..Patience::default() };
    Desk::with(vec![model("small", "use:small", vec![at(0, kind, upstream.address, patience)])]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_say_two_things_or_reach_for_more_get_to_no_upstream() {
    let upstream = Scripted::always(whole(200, FINE)).await;
    let desk = desk(&upstream).await;
    let ada = desk.ada().await;
    let said = r#""messages":[{"role":"user","content":"x"}]"#;
    let deep = [&r#"{"file_id":"#.repeat(100_000), "1", &"}".repeat(100_000)].concat();
    let bodies = [
        format!(r#"{{"model":"absent","model":"small",{said}}}"#),
        format!(r#"{{"model":"small","mod\u0065l":"large",{said}}}"#),
        format!(r#"{{"model":"small","Model":"large",{said}}}"#),
        format!(r#"{{"model":{{"model":"small"}},{said}}}"#),
        format!(r#"{{"model":["small"],{said}}}"#),
        format!(r#"{{"model":"small",{said}}}{{"model":"large"}}"#),
        format!("{{\"model\":\"small\",{said},\"x\":\"\u{0}\"}}"),
        format!(r#"{{"model":"small",{said},"max_tokens":-1}}"#),
        format!(r#"{{"model":"small",{said},"max_tokens":0}}"#),
        format!(r#"{{"model":"small",{said},"max_tokens":1e400}}"#),
        format!(r#"{{"model":"small",{said},"n":1.5}}"#),
        format!(r#"{{"model":"small",{said},"n":18446744073709551616}}"#),
        format!(r#"{{"model":"small",{said},"n_predict":-1}}"#),
        format!(r#"{{"model":"small",{said},"service_tier":"priority"}}"#),
        format!(r#"{{"model":"small",{said},"tools":[{{"type":"web_search"}}]}}"#),
        r#"{"model":"small","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://169.254.169.254/latest/"}}]}]}"#.to_owned(),
        r#"{"model":"small","messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"file-1"}}]}]}"#.to_owned(),
        format!(r#"{{"model":"small","messages":[{deep}]}}"#),
        format!(r#"{{"model":"small",{said},"metadata":{}{}}}"#, "[".repeat(200), "]".repeat(200)),
        format!(r#"{{"model":"small",{said},"seed":1e999}}"#),
        r#"{"model":"small","messages":[{"role":"user","content":"half \ud83d"}]}"#.to_owned(),
    ];
    for body in &bodies {
        let said = desk.say(Desk::request("/v1/chat/completions", &ada, body.clone())).await;
        let shown: String = body.chars().take(120).collect();
        assert!(matches!(said.status, 400 | 404), "{shown}: {said:?}");
        assert!(said.json()["error"]["type"] == "invalid_request_error", "{shown}: {said:?}");
    }
    assert_eq!(upstream.asked(), 0);
    let audit = desk.audit(&desk.acme).await;
    assert_eq!(audit.iter().filter(|(phase, ..)| phase == "denied").count(), bodies.len());
    assert!(desk.usage(&desk.acme).await.is_empty());
    // A coded body is none that was read; what a header says of names and lengths stays where it was.
    let coded = Request::post("/v1/chat/completions").header("content-type", "application/json");
    let coded = coded.header("authorization", format!("Bearer {ada}")).header("content-encoding", "gzip");
    let said = desk.say(coded.body(Body::from(vec![0x1f, 0x8b, 8, 0])).unwrap()).await;
    assert_eq!((said.status, &said.json()["error"]["code"]), (415, &json!("invalid_request")));
    let said = desk.chat(&ada, "small\r\nx-injected: 1", "x").await;
    assert!(said.status == 404 && !said.headers.contains_key("x-injected") && !said.text.contains('\r'), "{said:?}");
    assert_eq!(upstream.asked(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_fetched_where_the_file_lets_it() {
    let upstream = Scripted::always(whole(200, FINE)).await;
    let mut open = model("small", "use:small", vec![at(0, Kind::OpenAi, upstream.address, Patience::default())]);
    open.fetches = true;
    let desk = Desk::with(vec![open]).await;
    let picture = json!([{ "type": "image_url", "image_url": { "url": "https://x.example/cat.png" } }]);
    let body = json!({ "model": "small", "messages": [{ "role": "user", "content": picture }] });
    assert_eq!(desk.post("/v1/chat/completions", &desk.ada().await, body).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_accounts_doing_keeps_no_other_from_the_upstream() {
    // It breaks on what one account asks, as some do, and answers another.
    let upstream = Scripted::by(|heard| match heard.body.contains("break") {
        true => whole(500, r#"{"error":{"message":"cannot compile the grammar"}}"#),
        false => whole(200, FINE),
    });
    let upstream = upstream.await;
    let desk = desk(&upstream).await;
    let (ada, gus) = (desk.ada().await, desk.gus().await);
    for _ in 0..5 {
        assert_eq!(desk.chat(&ada, "small", "break").await.status, 502);
    }
    assert_eq!(desk.chat(&ada, "small", "break").await.status, 503, "it rests for who broke it");
    assert_eq!(desk.chat(&gus, "small", "x").await.status, 200);
    // What cannot be said in another protocol is nobody's fault but the caller's.
    let message = r#"{"id":"m","type":"message","role":"assistant","model":"r","content":[],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}"#;
    let upstream = Scripted::always(whole(200, message)).await;
    let desk = desk_of(&upstream, Kind::Anthropic).await;
    let (ada, gus) = (desk.ada().await, desk.gus().await);
    let deep = ["[".repeat(5_000), "]".repeat(5_000)].concat();
    for inside in [deep.as_str(), "1e999"] {
        for _ in 0..6 {
            let body =
                format!(r#"{{"model":"small","messages":[{{"role":"user","content":"x"}}],"metadata":{inside}}}"#);
            let said = desk.say(Desk::request("/v1/chat/completions", &ada, body)).await;
            assert_eq!((said.status, upstream.asked()), (400, 0), "{said:?}");
        }
    }
    assert_eq!(desk.chat(&gus, "small", "x").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_after_a_revocation_is_paid_for_and_not_told() {
    let upstream = Scripted::by(|_| [vec![Act::Wait], whole(200, FINE)].concat()).await;
    let desk = Arc::new(desk(&upstream).await);
    let ada = desk.ada().await;
    let asked = {
        let (desk, ada) = (Arc::clone(&desk), ada.clone());
        tokio::spawn(async move { desk.chat(&ada, "small", "x").await })
    };
    until("the upstream to be asked", || upstream.asked() == 1).await;
    let path = format!("/organizations/{}/members", desk.acme);
    desk.site.manage("DELETE", &path, json!({ "members": [desk.ada] })).await;
    upstream.go.notify_one();
    let said = asked.await.unwrap();
    assert_eq!((said.status, &said.json()["error"]["code"]), (401, &json!("credential_revoked")));
    assert!(!said.text.contains("fine"));
    let rows = desk.usage(&desk.acme).await;
    assert_eq!((rows[0].ended.as_str(), rows[0].output_tokens, rows[0].estimated), ("failed", 7, false));
    assert!(rows[0].cost_micros > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_heeds_no_cap_is_stopped() {
    let mut acts = vec![Act::Write(EVENTS.into())];
    acts.extend((0..400).map(|_| Act::Chunk(event("more"))));
    acts.push(Act::Wait);
    let upstream = Scripted::always(acts).await;
    let desk = desk(&upstream).await;
    let body =
        json!({ "model": "small", "stream": true, "max_tokens": 10, "messages": [{ "role": "user", "content": "x" }] });
    let said = desk.post("/v1/chat/completions", &desk.ada().await, body).await;
    let told = said.events();
    assert_eq!(told.iter().filter(|data| data.contains("more")).count(), 26, "{said:?}");
    assert!(told.last().unwrap().contains("longer than it was asked to be"), "{told:?}");
    until("the upstream's call to end", || upstream.left.load(std::sync::atomic::Ordering::SeqCst) == 1).await;
    let rows = desk.usage(&desk.acme).await;
    assert_eq!((rows[0].ended.as_str(), rows[0].output_tokens), ("failed", 27));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_is_known_by_all_of_it() {
    let desk = Desk::echoing().await;
    let (ada, gus) = (desk.ada().await, desk.gus().await);
    assert_eq!((desk.chat(&ada, "small", "x").await.status, desk.chat(&gus, "small", "x").await.status), (200, 200));
    let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (a, g) = (parts(&ada), parts(&gus));
    let mixed = [
        [&a[0], &g[1], &a[2]].map(String::as_str).join("."),
        [&g[0], &a[1], &g[2]].map(String::as_str).join("."),
        [&a[0], &a[1], &g[2]].map(String::as_str).join("."),
        ada[..ada.len() - 1].to_owned(),
        format!("{ada}A"),
        format!("{ada}."),
        ada.to_uppercase(),
        ada[1..].to_owned(),
    ];
    for token in &mixed {
        assert_eq!(desk.chat(token, "small", "x").await.status, 401, "{token}");
    }
    // No name of a host, and nothing that others write beside it, opens anything.
    for (name, value) in [
        ("host", "localhost"),
        ("host", "127.0.0.1"),
        ("x-forwarded-host", "localhost"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-original-url", "/healthz"),
        ("openai-organization", "org_globex"),
        ("x-api-key", ""),
    ] {
        let request =
            Request::post("/v1/chat/completions").header("content-type", "application/json").header(name, value);
        let body = json!({ "model": "small", "messages": [{ "role": "user", "content": "x" }] }).to_string();
        assert_eq!(desk.say(request.body(Body::from(body)).unwrap()).await.status, 401, "{name}: {value}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_offered_is_told_in_each_protocols_form() {
    let desk = Desk::echoing().await;
    let ada = desk.ada().await;
    let ask = async |method: &str, path: &str, header: (&str, &str)| {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        desk.say(request.header(header.0, header.1).body(Body::from("{}")).unwrap()).await
    };
    let bearer = format!("Bearer {ada}");
    let auth = ("authorization", bearer.as_str());
    for (method, path) in [
        ("POST", "/v1/completions"),
        ("POST", "/v1/files"),
        ("GET", "/v1/files/file-1/content"),
        ("POST", "/v1/batches"),
        ("GET", "/v1/batches"),
        ("GET", "/v1/responses/resp_1"),
        ("DELETE", "/v1/responses/resp_1"),
        ("GET", "/v1/responses/resp_1/input_items"),
        ("GET", "/v1/chat/completions/chatcmpl-1"),
        ("POST", "/v1/images/generations"),
        ("POST", "/v1/audio/speech"),
        ("POST", "/v1/fine_tuning/jobs"),
        ("GET", "/v1/vector_stores"),
        ("POST", "/v1/moderations"),
    ] {
        let said = ask(method, path, auth).await;
        let error = &said.json()["error"];
        assert_eq!(
            (said.status, &error["type"], &error["code"]),
            (404, &json!("invalid_request_error"), &json!("unknown_url"))
        );
        assert!(error["message"].as_str().unwrap().contains(path), "{said:?}");
    }
    for (method, path) in [
        ("POST", "/v1/messages/count_tokens"),
        ("POST", "/v1/messages/batches"),
        ("GET", "/v1/messages/batches/x/results"),
    ] {
        let said = ask(method, path, auth).await;
        assert_eq!((said.status, &said.json()["type"]), (404, &json!("error")));
        assert_eq!(said.json()["error"]["type"], "not_found_error");
    }
    assert_eq!(
        ask("POST", "/v1/complete", ("anthropic-version", "2023-06-01")).await.json()["error"]["type"],
        "not_found_error"
    );
    for (method, path) in [("GET", "/v1/chat/completions"), ("DELETE", "/v1/models/small"), ("PUT", "/v1/responses")] {
        let said = ask(method, path, auth).await;
        assert_eq!(
            (said.status, &said.json()["error"]["type"]),
            (405, &json!("invalid_request_error")),
            "{method} {path}"
        );
    }
    // Outside of it the answers are the server's own.
    assert_eq!(ask("GET", "/v2/models", auth).await.status, 404);
    assert!(desk.audit(&desk.acme).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn upstreams_that_misbehave_tell_callers_nothing_and_get_the_key_alone() {
    let trap = Scripted::always(whole(200, FINE)).await;
    let moved = |status: u16| {
        vec![Act::Write(
            format!(
                "HTTP/1.1 {status} X\r\nlocation: http://{}/v1/chat/completions\r\ncontent-length: 0\r\n\r\n",
                trap.address
            )
            .into_bytes(),
        )]
    };
    let head = |more: &str| format!("HTTP/1.1 200 OK\r\n{more}\r\n");
    let packed = |coding: &str| {
        vec![Act::Write(
            format!(
                "{}{FINE}",
                head(&format!(
                    "content-type: application/json\r\ncontent-encoding: {coding}\r\ncontent-length: {}\r\n",
                    FINE.len()
                ))
            )
            .into_bytes(),
        )]
    };
    let headers = "x-more: 0123456789\r\n".repeat(200);
    let huge = format!("x-huge: {}\r\n", "x".repeat(2 * 1024 * 1024));
    let endless = [
        vec![Act::Write(head("content-type: application/json\r\ntransfer-encoding: chunked\r\n").into_bytes())],
        vec![Act::Flood],
    ]
    .concat();
    for (what, acts) in [
        ("301", moved(301)),
        ("302", moved(302)),
        ("307", moved(307)),
        ("308", moved(308)),
        ("gzip", packed("gzip")),
        ("br", packed("br")),
        ("many headers", vec![Act::Write(format!("{}{FINE}", head(&headers)).into_bytes())]),
        ("a huge header", vec![Act::Write(format!("{}{FINE}", head(&huge)).into_bytes())]),
        ("an endless body", endless),
        (
            "two lengths",
            vec![Act::Write(
                format!(
                    "{}{FINE}",
                    head("content-type: application/json\r\ncontent-length: 5\r\ncontent-length: 9\r\n")
                )
                .into_bytes(),
            )],
        ),
        ("no HTTP", vec![Act::Write(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()), Act::Close]),
        (
            "another kind",
            vec![Act::Write(
                format!("{}<html>sk-upstream-canary</html>", head("content-type: text/html\r\ncontent-length: 31\r\n"))
                    .into_bytes(),
            )],
        ),
        ("an error as an answer", whole(200, r#"{"error":{"message":"Incorrect key sk-upstream-canary, org-77"}}"#)),
        ("an error as a text", whole(200, r#"{"error":"no rights for sk-upstream-canary"}"#)),
        ("events that nobody asked for", vec![Act::Write(EVENTS.into()), Act::Chunk(last(1, 1)), Act::Close]),
    ] {
        let upstream = Scripted::always(acts).await;
        let desk = desk(&upstream).await;
        let said = desk.chat(&desk.ada().await, "small", "x").await;
        assert_eq!((said.status, &said.json()["error"]["code"]), (502, &json!("upstream_failed")), "{what}: {said:?}");
        assert!(!said.text.contains("canary") && !said.text.contains("org-77"), "{what}: {said:?}");
        assert_eq!(upstream.asked(), 1, "{what}: asked once");
        let audit = desk.audit(&desk.acme).await;
        assert_eq!((audit[1].0.as_str(), audit[1].2.as_str()), ("failed", "upstream_failed"), "{what}");
    }
    assert_eq!(trap.asked(), 0, "no redirect is followed");
    // Told of the request itself, but with our key in it.
    let upstream =
        Scripted::always(whole(400, r#"{"error":{"message":"sk-upstream-canary may not use tools"}}"#)).await;
    let desk = desk(&upstream).await;
    let said = desk.chat(&desk.ada().await, "small", "x").await;
    assert!(said.status == 400 && !said.text.contains("canary"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unusual_and_right_is_taken() {
    let length = FINE.len();
    let plain = format!("content-type: application/json\r\ncontent-length: {length}\r\n\r\n{FINE}");
    let chunked = format!(
        "content-type: application/json\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n{length:x};ext=\"1\"\r\n{FINE}\r\n0\r\nx-sum: sk-upstream-canary\r\nset-cookie: a=b\r\n\r\n"
    );
    for (what, text) in [
        (
            "1xx before it",
            format!(
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\n{plain}"
            ),
        ),
        ("trailers", format!("HTTP/1.1 200 OK\r\n{chunked}")),
        (
            "cookies and names",
            format!("HTTP/1.1 200 OK\r\nset-cookie: a=b\r\nserver: x\r\nopenai-organization: org-77\r\n{plain}"),
        ),
    ] {
        let upstream = Scripted::always(vec![Act::Write(text.into_bytes())]).await;
        let desk = desk(&upstream).await;
        let said = desk.chat(&desk.ada().await, "small", "x").await;
        assert_eq!((said.status, said.text.as_str()), (200, FINE), "{what}");
        let headers = format!("{:?}", said.headers);
        for theirs in ["canary", "set-cookie", "org-77", "server", "link"] {
            assert!(!headers.contains(theirs), "{what}: {headers}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstreams_failure_in_the_middle_is_told_in_our_words() {
    let secret = r#"{"error":{"message":"Rate limit for org-77 with sk-upstream-canary","type":"x"}}"#;
    let told = |event: &str| vec![Act::Write(EVENTS.into()), Act::Chunk(event.as_bytes().to_vec()), Act::Wait];
    let chat = [String::from_utf8(event("one")).unwrap(), format!("data: {secret}\n\n")].concat();
    let responses = "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\"}}\n\nevent: error\ndata: {\"type\":\"error\",\"message\":\"org-77 canary\"}\n\n";
    let failed = "event: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{\"id\":\"resp_1\",\"error\":{\"message\":\"limit of org-77 canary\"},\"usage\":{\"input_tokens\":3,\"output_tokens\":2}}}\n\n";
    for (path, words) in
        [("/v1/chat/completions", chat.as_str()), ("/v1/responses", responses), ("/v1/responses", failed)]
    {
        let upstream = Scripted::always(told(words)).await;
        let desk = desk(&upstream).await;
        let body =
            json!({ "model": "small", "stream": true, "input": "x", "messages": [{ "role": "user", "content": "x" }] });
        let said = desk.post(path, &desk.ada().await, body).await;
        assert!(!said.text.contains("org-77") && !said.text.contains("canary"), "{path}: {said:?}");
        let error: Value = serde_json::from_str(said.events().last().unwrap()).unwrap();
        assert_eq!(error["error"]["code"], "upstream_failed", "{path}: {said:?}");
        until("the upstream's call to end", || upstream.left.load(std::sync::atomic::Ordering::SeqCst) == 1).await;
        let rows = desk.usage(&desk.acme).await;
        assert_eq!(rows[0].ended, "failed", "{path}");
    }
    // Anthropic's, as it is and translated.
    let words = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\nevent: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"canary of org-77\"}}\n\n";
    for path in ["/v1/messages", "/v1/chat/completions"] {
        let upstream = Scripted::always(told(words)).await;
        let desk = desk_of(&upstream, Kind::Anthropic).await;
        let body = json!({ "model": "small", "stream": true, "max_tokens": 9, "messages": [{ "role": "user", "content": "x" }] });
        let said = desk.post(path, &desk.ada().await, body).await;
        assert!(!said.text.contains("org-77") && !said.text.contains("canary"), "{path}: {said:?}");
        let error: Value = serde_json::from_str(said.events().last().unwrap()).unwrap();
        assert_eq!(error["error"]["type"], "api_error", "{path}: {said:?}");
    }
}

/// The client waits with its body until it is asked for it: who is refused is refused before.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_waits_to_be_asked_for_is_not_asked_of_nobody() {
    let desk = Desk::echoing().await;
    let body = Body::from_stream(futures_util::stream::pending::<Result<bytes::Bytes, std::io::Error>>());
    let request = Request::post("/v1/chat/completions")
        .header("content-type", "application/json")
        .header("expect", "100-continue");
    let request = request.header("authorization", "Bearer nobody").body(body).unwrap();
    let response = desk.site.begin(request).await;
    assert_eq!(response.status(), 401);
    response.into_body().collect().await.unwrap();
}
