//! What upstreams are told, and what callers get when they fail.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use serde_json::{Value, json};
use tenantry_guard::models::{Kind, Patience};

use crate::desk::{Desk, Said, at, model};
use crate::scripted::{Act, EVENTS, Scripted, end, event, json as whole, last, until};

const FINE: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"real-name","choices":[{"index":0,"message":{"role":"assistant","content":"fine"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}}"#;

fn impatient() -> Patience {
    Patience {
        connect: Duration::from_secs(5),
        first_byte: Duration::from_millis(700),
        idle: Duration::from_millis(700),
        total: Duration::from_secs(30),
    }
}

async fn desk(upstreams: &[&Scripted]) -> Desk {
    let targets = upstreams.iter().enumerate().map(|(place, one)| at(place, Kind::OpenAi, one.address, impatient()));
    Desk::with(vec![model("small", "use:small", targets.collect())]).await
}

fn streamed(said: &str) -> Value {
    json!({ "model": "small", "messages": [{ "role": "user", "content": said }], "stream": true })
}

fn fine() -> Vec<Act> {
    whole(200, FINE)
}

fn fine_events() -> Vec<Act> {
    vec![Act::Write(EVENTS.into()), Act::Chunk(event("fine")), Act::Chunk(last(5, 7)), end()]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_gets_our_key_and_a_hash_of_the_account() {
    let upstream = Scripted::always(fine()).await;
    let desk = desk(&[&upstream]).await;
    let (ada, gus) = (desk.ada().await, desk.gus().await);
    for token in [&ada, &ada, &gus] {
        let body = json!({
            "model": "small", "messages": [{ "role": "user", "content": "hello" }], "user": "somebody-else",
            "prompt_cache_key": "shared",
        });
        let said = desk.post("/v1/chat/completions", token, body).await;
        assert_eq!((said.status, said.text.as_str()), (200, FINE), "byte for byte");
    }
    let bodies = upstream.bodies();
    let who = |at: usize| (bodies[at]["user"].as_str().unwrap(), bodies[at]["prompt_cache_key"].as_str().unwrap());
    assert_eq!(who(0), who(1), "one account, one hash");
    assert_ne!(who(0), who(2), "another account, another");
    assert!(who(0).0.starts_with("t-") && who(0).0 == who(0).1 && !upstream.heard.lock()[0].body.contains("acme"));
    assert_eq!(bodies[0]["model"], "real-name");
    for heard in upstream.heard.lock().iter() {
        let head = heard.head.to_ascii_lowercase();
        assert!(head.contains("authorization: bearer sk-upstream-canary"), "{head}");
        assert!(!head.contains(&ada.to_ascii_lowercase()) && !head.contains(&gus.to_ascii_lowercase()));
        assert!(head.starts_with("post /v1/chat/completions http/1.1"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_dies_before_its_answer_is_stood_in_for() {
    let dead: [Vec<Act>; 6] = [
        vec![Act::Close],
        vec![Act::Write(b"HTTP/1.1 200 OK\r\ncontent-".to_vec()), Act::Close],
        vec![Act::Write(EVENTS.into()), Act::Close],
        vec![Act::Wait],
        whole(500, "{}"),
        whole(401, r#"{"error":{"message":"Incorrect API key provided: sk-upstream-canary"}}"#),
    ];
    for acts in dead {
        let shown = format!("{acts:?}");
        let (bad, good) = (Scripted::always(acts).await, Scripted::always(fine_events()).await);
        let desk = desk(&[&bad, &good]).await;
        let ada = desk.ada().await;
        for _ in 0..2 {
            let said = desk.post("/v1/chat/completions", &ada, streamed("x")).await;
            assert_eq!(said.status, 200, "{shown} {said:?}");
            assert_eq!(said.events().last().unwrap(), "[DONE]");
        }
        assert!(bad.asked() >= 1 && good.asked() == 2, "{shown}");
        let rows = desk.usage(&desk.acme).await;
        assert!(rows.iter().all(|row| (row.input_tokens, row.output_tokens) == (5, 7)), "{rows:?}");
        assert!(rows[0].upstream.starts_with("1:"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_none_answers_the_caller_learns_nothing_of_them() {
    for (acts, status, code) in [
        (vec![Act::Close], 502, "upstream_failed"),
        (whole(500, r#"{"error":{"message":"db-17.internal is down, org-77"}}"#), 502, "upstream_failed"),
        (
            whole(401, r#"{"error":{"message":"Incorrect API key provided: sk-upstream-canary"}}"#),
            502,
            "upstream_failed",
        ),
        (whole(404, r#"{"error":{"message":"The model real-name does not exist"}}"#), 502, "upstream_failed"),
        (whole(429, r#"{"error":{"message":"Rate limit for org-77"}}"#), 503, "overloaded"),
        (whole(200, "<html>"), 502, "upstream_failed"),
    ] {
        let upstream = Scripted::always(acts).await;
        let desk = desk(&[&upstream]).await;
        let said = desk.chat(&desk.ada().await, "small", "x").await;
        assert_eq!((said.status, said.json()["error"]["code"].as_str().unwrap()), (status, code), "{said:?}");
        for secret in ["canary", "org-77", "internal", "real-name", &upstream.address.to_string()] {
            assert!(!said.text.contains(secret), "{said:?}");
        }
        let rows = desk.usage(&desk.acme).await;
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].ended.as_str(), rows[0].cost_micros), ("failed", 0));
        let audit = desk.audit(&desk.acme).await;
        assert_eq!((audit[1].0.as_str(), audit[1].2.as_str()), ("failed", code));
    }
    // What it says of the request itself is told.
    let upstream = Scripted::always(whole(
        400,
        r#"{"error":{"message":"'temperature' must be at most 2.","param":"temperature"}}"#,
    ));
    let desk = desk(&[&upstream.await]).await;
    let said = desk.chat(&desk.ada().await, "small", "x").await;
    assert_eq!(
        (said.status, &said.json()["error"]),
        (
            400,
            &json!({ "message": "'temperature' must be at most 2.", "type": "invalid_request_error", "param": "temperature", "code": "invalid_request" })
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_dies_after_the_first_byte_is_not_stood_in_for() {
    let ends: [Vec<Act>; 3] = [
        vec![Act::Close],
        // As if the answer were whole.
        vec![end()],
        vec![Act::Wait],
    ];
    for rest in ends {
        let mut acts = vec![Act::Write(EVENTS.into()), Act::Chunk(event("one two three")), Act::Chunk(event("four"))];
        acts.push(Act::Chunk(b"data: {\"half\":".to_vec()));
        acts.extend(rest);
        let (bad, good) = (Scripted::always(acts).await, Scripted::always(fine_events()).await);
        let desk = desk(&[&bad, &good]).await;
        let ada = desk.ada().await;
        let said = loop {
            let said = desk.post("/v1/chat/completions", &ada, streamed("x")).await;
            if bad.asked() == 1 {
                break said;
            }
        };
        let before = good.asked();
        assert_eq!(said.status, 200);
        let expected = [event("one two three"), event("four")].concat();
        let rest =
            said.text.strip_prefix(std::str::from_utf8(&expected).unwrap()).expect("whole events, and no half one");
        let error: Value = serde_json::from_str(rest.trim().strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(error["error"]["type"], "api_error", "{said:?}");
        assert_eq!(good.asked(), before, "nobody else was asked");
        let rows = desk.usage(&desk.acme).await;
        let row = rows.iter().find(|row| row.ended == "failed").unwrap();
        assert!(row.estimated && row.output_tokens >= 2, "what was delivered counts: {row:?}");
        assert!(row.cost_micros > 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off_whole_is_a_fault_of_the_upstream() {
    let acts = vec![
        Act::Write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"id\":".to_vec(),
        ),
        Act::Close,
    ];
    let upstream = Scripted::always(acts).await;
    let desk = desk(&[&upstream]).await;
    let said = desk.chat(&desk.ada().await, "small", "x").await;
    assert_eq!((said.status, upstream.asked()), (502, 1), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_keeps_failing_is_left_alone_for_a_while() {
    let upstream = Scripted::always(whole(500, "{}")).await;
    let desk = desk(&[&upstream]).await;
    let ada = desk.ada().await;
    for _ in 0..5 {
        assert_eq!(desk.chat(&ada, "small", "x").await.status, 502);
    }
    let said = desk.chat(&ada, "small", "x").await;
    assert_eq!((said.status, upstream.asked()), (503, 5));
    let seconds: u64 = said.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=10).contains(&seconds));
    desk.site.clock.forward(11);
    desk.site.store.look_for_changes().await.unwrap();
    assert_eq!(desk.chat(&ada, "small", "x").await.status, 502, "tried once more");
    assert_eq!(upstream.asked(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_leaves_ends_the_upstreams_call_and_pays_for_what_came() {
    let upstream =
        Scripted::always(vec![Act::Write(EVENTS.into()), Act::Chunk(event("one two three four five")), Act::Wait]);
    let upstream = upstream.await;
    let mut patience = impatient();
    patience.idle = Duration::from_mins(5);
    let desk =
        Desk::with(vec![model("small", "use:small", vec![at(0, Kind::OpenAi, upstream.address, patience)])]).await;
    let ada = desk.ada().await;
    let response = desk.site.begin(Desk::request("/v1/chat/completions", &ada, streamed("x").to_string())).await;
    let mut body = response.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, event("one two three four five"));
    drop(body);
    until("the upstream's call to end", || upstream.left.load(Ordering::SeqCst) == 1).await;
    let rows = desk.usage(&desk.acme).await;
    assert_eq!((rows.len(), rows[0].ended.as_str(), rows[0].estimated), (1, "aborted", true));
    assert!(rows[0].output_tokens > 0 && rows[0].input_tokens > 0 && rows[0].cost_micros > 0);
    // Before any byte of the answer as well.
    let silent = Scripted::always(vec![Act::Wait]).await;
    let patience = Patience { first_byte: Duration::from_mins(5), ..patience };
    let desk = Desk::with(vec![model("small", "use:small", vec![at(0, Kind::OpenAi, silent.address, patience)])]).await;
    let ada = desk.ada().await;
    let request = Desk::request("/v1/chat/completions", &ada, streamed("x").to_string());
    let gone = tokio::time::timeout(Duration::from_millis(300), desk.site.begin(request)).await;
    assert!(gone.is_err());
    until("the upstream's call to end", || silent.left.load(Ordering::SeqCst) == 1).await;
    let rows = desk.usage(&desk.acme).await;
    assert_eq!((rows.len(), rows[0].ended.as_str(), rows[0].output_tokens), (1, "aborted", 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_within_a_second_of_revocation() {
    let upstream = Scripted::always(vec![Act::Write(EVENTS.into()), Act::Chunk(event("one")), Act::Wait]).await;
    let mut patience = impatient();
    patience.idle = Duration::from_mins(5);
    let desk =
        Desk::with(vec![model("small", "use:small", vec![at(0, Kind::OpenAi, upstream.address, patience)])]).await;
    let (ada, gus) = (desk.ada().await, desk.gus().await);
    let mut bodies = Vec::new();
    for token in [&ada, &gus] {
        let response = desk.site.begin(Desk::request("/v1/chat/completions", token, streamed("x").to_string())).await;
        let mut body = response.into_body();
        body.frame().await.unwrap().unwrap();
        bodies.push(body);
    }
    let path = format!("/organizations/{}/members", desk.acme);
    desk.site.manage("DELETE", &path, json!({ "members": [desk.ada] })).await;
    let began = Instant::now();
    let rest = bodies.remove(0).collect().await.unwrap().to_bytes();
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert!(String::from_utf8(rest.to_vec()).unwrap().contains("credential_revoked"));
    until("the upstream's call to end", || upstream.left.load(Ordering::SeqCst) == 1).await;
    // The other's goes on.
    let more = tokio::time::timeout(Duration::from_millis(1200), bodies[0].frame()).await;
    assert!(more.is_err(), "{more:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_slows_the_upstream_and_fills_no_memory() {
    let upstream = Scripted::always(vec![Act::Write(EVENTS.into()), Act::Flood]).await;
    let desk = desk(&[&upstream]).await;
    let ada = desk.ada().await;
    let response = desk.site.begin(Desk::request("/v1/chat/completions", &ada, streamed("x").to_string())).await;
    let mut body = response.into_body();
    body.frame().await.unwrap().unwrap();
    // Nothing more is read: what the upstream can write comes to an end.
    let mut before = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let now = upstream.written.load(Ordering::SeqCst);
        if now == before {
            break;
        }
        before = now;
    }
    assert!(before < 16 * 1024 * 1024, "{before} bytes are held somewhere");
    drop(body);
    until("the upstream's call to end", || upstream.left.load(Ordering::SeqCst) == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anthropics_upstreams_answer_chats_and_openais_answer_messages() {
    let message = r#"{"id":"msg_1","type":"message","role":"assistant","model":"real-name","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","usage":{"input_tokens":4,"output_tokens":2}}"#;
    let anthropic = Scripted::always(whole(200, message)).await;
    let openai = Scripted::always(fine_events()).await;
    let desk = Desk::with(vec![
        model("small", "use:small", vec![at(0, Kind::Anthropic, anthropic.address, impatient())]),
        model("other", "use:small", vec![at(0, Kind::OpenAi, openai.address, impatient())]),
    ])
    .await;
    let ada = desk.ada().await;
    let said = desk.chat(&ada, "small", "x").await;
    assert_eq!(said.json()["choices"][0]["message"]["content"], "hi", "{said:?}");
    {
        let heard = anthropic.heard.lock()[0].clone();
        let head = heard.head.to_ascii_lowercase();
        assert!(head.starts_with("post /v1/messages") && head.contains("x-api-key: sk-upstream-canary"), "{head}");
        assert!(head.contains("anthropic-version: 2023-06-01") && !head.contains("authorization"));
    }
    let ask =
        json!({ "model": "other", "max_tokens": 9, "stream": true, "messages": [{ "role": "user", "content": "x" }] });
    let said = desk.post("/v1/messages", &ada, ask).await;
    let events: Vec<Value> = said.events().iter().map(|data| serde_json::from_str(data).unwrap()).collect();
    assert_eq!(events[2]["delta"]["text"], "fine", "{said:?}");
    assert_eq!(events.last().unwrap()["type"], "message_stop");
    assert!(openai.bodies()[0]["user"].as_str().unwrap().starts_with("t-"));
    let said = desk.post("/v1/embeddings", &ada, json!({ "model": "small", "input": "x" })).await;
    assert_eq!(said.status, 400);
    let rows = desk.usage(&desk.acme).await;
    let tokens: Vec<_> = rows.iter().map(|row| (row.input_tokens, row.output_tokens)).collect();
    assert_eq!(tokens, [(4, 2), (5, 7), (0, 0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_upstreams_keep_are_followed_by_who_made_them() {
    let upstream = Scripted::by(|heard| {
        let at = heard.body.len();
        whole(
            200,
            &format!(
                r#"{{"id":"resp_{at}","object":"response","output":[],"usage":{{"input_tokens":1,"output_tokens":1}}}}"#
            ),
        )
    });
    let upstream = upstream.await;
    let desk = desk(&[&upstream]).await;
    let (ada, gus) = (desk.ada().await, desk.gus().await);
    let ask = |previous: Option<&str>| json!({ "model": "small", "input": "x", "previous_response_id": previous });
    let first = desk.post("/v1/responses", &ada, ask(None)).await;
    assert_eq!(first.status, 200, "{first:?}");
    let id = first.json()["id"].as_str().unwrap().to_owned();
    let (foreign, absent) = (
        desk.post("/v1/responses", &gus, ask(Some(&id))).await,
        desk.post("/v1/responses", &gus, ask(Some("resp_0"))).await,
    );
    assert_eq!((foreign.status, absent.status), (404, 404));
    assert_eq!(foreign.text.replace(&id, "X"), absent.text.replace("resp_0", "X"), "told apart by nobody");
    assert_eq!(upstream.asked(), 1);
    assert_eq!(desk.post("/v1/responses", &ada, ask(Some(&id))).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_is_given_to_the_same_account_for_the_same_request() {
    let upstream = Scripted::by(|heard| whole(200, &FINE.replace("fine", &format!("body {}", heard.body.len())))).await;
    let mut kept = model("small", "use:small", vec![at(0, Kind::OpenAi, upstream.address, impatient())]);
    kept.cache = Some(Duration::from_mins(1));
    let desk = Desk::with(vec![kept]).await;
    let (ada, gus) = (desk.ada().await, desk.gus().await);
    let cache = |said: &Said| said.headers["x-tenantry-cache"].to_str().unwrap().to_owned();
    let first = desk.chat(&ada, "small", "x").await;
    let again = desk.chat(&ada, "small", "x").await;
    let other = desk.chat(&ada, "small", "y").await;
    let foreign = desk.chat(&gus, "small", "x").await;
    assert_eq!([&first, &again, &other, &foreign].map(&cache), ["miss", "hit", "miss", "miss"]);
    assert_eq!((first.text, upstream.asked()), (again.text, 3));
    let rows = desk.usage(&desk.acme).await;
    assert_eq!((rows[1].ended.as_str(), rows[1].cost_micros), ("cached", 0));
    desk.site.clock.forward(61);
    desk.site.store.look_for_changes().await.unwrap();
    assert_eq!(cache(&desk.chat(&ada, "small", "x").await), "miss", "its time is over");
}
