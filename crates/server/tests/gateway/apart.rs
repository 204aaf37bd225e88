//! Two tenants at once: every byte belongs to who asked, and no secret goes where it does not belong.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use parking_lot::Mutex;
use rand::{Rng, RngExt, SeedableRng};
use serde_json::json;
use tenantry_guard::models::{Kind, Patience};
use tenantry_policy::Clock;
use tracing_subscriber::fmt::MakeWriter;

use crate::desk::{Desk, at, model};
use crate::scripted::{Act, EVENTS, Scripted, end, event, json as whole, last};

/// The stream that a request is answered with: its own words, many times, cut anywhere.
fn script(body: &str) -> (Vec<Act>, String) {
    let asked: serde_json::Value = serde_json::from_str(body).unwrap();
    let mark = asked["messages"][0]["content"].as_str().unwrap().to_owned();
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(mark.bytes().map(u64::from).sum());
    let mut all = Vec::new();
    for at in 0..random.random_range(1..60) {
        all.extend(event(&format!("{mark} {at} {}", "é\n\n".repeat(random.random_range(0..9)))));
        if random.random_bool(0.1) {
            all.extend_from_slice(b": a comment\r\n\r\n");
        }
    }
    let told = [all.as_slice(), &last(3, 4)].concat();
    let mut acts = vec![Act::Write(EVENTS.into())];
    let mut rest = told.as_slice();
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(random.random_range(1..=rest.len().min(700)));
        acts.push(Act::Chunk(piece.to_vec()));
        rest = after;
    }
    acts.push(end());
    (acts, String::from_utf8(told).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_byte_delivered_belongs_to_who_asked() {
    let upstream = Scripted::by(|heard| script(&heard.body).0).await;
    let target = at(0, Kind::OpenAi, upstream.address, Patience::default());
    let desk = Arc::new(Desk::with(vec![model("small", "use:small", vec![target])]).await);
    let (ada, gus) = (desk.ada().await, desk.gus().await);
    let mut calls = Vec::new();
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(5);
    for at in 0..120 {
        let (desk, acme) = (Arc::clone(&desk), at % 2 == 0);
        let token = if acme { ada.clone() } else { gus.clone() };
        let leaves = random.random_bool(0.2);
        let pause = Duration::from_micros(u64::from(random.next_u32() % 3000));
        calls.push(tokio::spawn(async move {
            let mark = format!("{}-{at}", if acme { "acme" } else { "globex" });
            let body = json!({
                "model": "small", "stream": true, "stream_options": { "include_usage": true },
                "messages": [{ "role": "user", "content": mark }],
            });
            let expected = script(&body.to_string()).1;
            let request = Desk::request("/v1/chat/completions", &token, body.to_string());
            let mut told = Vec::new();
            let heard = async {
                let response = desk.site.begin(request).await;
                assert_eq!(response.status(), 200);
                let mut body = response.into_body();
                while let Some(frame) = body.frame().await {
                    told.extend_from_slice(&frame.unwrap().into_data().unwrap());
                }
            };
            // What whoever leaves has heard by then is the beginning of their own answer.
            let left = match leaves {
                true => tokio::time::timeout(pause, heard).await.is_err(),
                false => {
                    heard.await;
                    false
                }
            };
            let told = String::from_utf8(told).unwrap();
            match left {
                true => assert!(expected.starts_with(&told), "{told} {expected}"),
                false => assert_eq!(told, expected),
            }
        }));
    }
    for call in calls {
        call.await.unwrap();
    }
    let mut seen = std::collections::HashSet::new();
    for (account, user) in [(&desk.acme, &desk.ada), (&desk.globex, &desk.gus)] {
        let tenant = desk.site.store.account(account).await.unwrap().unwrap().tenant_id;
        let rows = desk.usage(account).await;
        assert!(rows.len() >= 30, "{}", rows.len());
        for row in rows {
            assert_eq!((&row.account, row.user.as_ref()), (&tenant, Some(user)));
            assert!(seen.insert(row.request_id.clone()), "{row:?} stands with both");
        }
    }
}

/// Everything that was logged.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Logged {
    type Writer = Logged;
    fn make_writer(&'a self) -> Logged {
        self.clone()
    }
}

/// Runs alone in its thread, so that what it logs is heard.
#[tokio::test]
async fn no_prompt_answer_key_or_token_is_kept_anywhere() {
    let logged = Logged::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(logged.clone()).finish();
    let _heard = tracing::subscriber::set_default(subscriber);
    let failing = Scripted::by(|heard| match heard.body.contains("break") {
        true => vec![Act::Write(EVENTS.into()), Act::Chunk(event("answer-canary-4711")), Act::Close],
        false => whole(400, r#"{"error":{"message":"prompt-canary-4711 is wrong, key sk-upstream-canary"}}"#),
    });
    let failing = failing.await;
    let target = at(0, Kind::OpenAi, failing.address, Patience::default());
    let desk = Desk::with(vec![
        model("small", "use:small", vec![target]),
        model("echo", "use:small", vec![crate::desk::echo()]),
    ])
    .await;
    let ada = desk.ada().await;
    let law = tenantry_policy::limits::LimitLaw::default();
    let clock: Arc<dyn Clock> = desk.site.clock.clone();
    let limiter = tenantry_guard::limits::Limiter::new(law, Arc::clone(&desk.site.store), clock);
    let limiter = Arc::new(limiter);
    desk.models.limit(Arc::clone(&limiter));
    let mut answers = String::new();
    for (model, words, stream) in [
        ("echo", "prompt-canary-4711", false),
        ("echo", "prompt-canary-4711", true),
        ("small", "prompt-canary-4711 break", true),
        ("absent", "prompt-canary-4711", false),
    ] {
        let body = json!({ "model": model, "stream": stream, "messages": [{ "role": "user", "content": words }] });
        desk.post("/v1/chat/completions", &ada, body).await;
    }
    for body in [
        r#"{"model":"small","messages":[{"role":"user","content":"prompt-canary-4711"}]}"#,
        r#"{"model":"echo","messages":"prompt-canary-4711","#,
        r#"{"model":"echo","max_tokens":"prompt-canary-4711"}"#,
    ] {
        answers.push_str(&desk.say(Desk::request("/v1/chat/completions", &ada, body)).await.text);
    }
    desk.say(Desk::request("/v1/chat/completions", "tk_token-canary-4711", "{}")).await;
    let tenant = desk.site.store.account(&desk.acme).await.unwrap().unwrap().tenant_id;
    let filter = tenantry_store::Filter { account: tenant, limit: 1000, ..tenantry_store::Filter::default() };
    let audit = format!("{:?}", desk.site.store.list(&filter).await.unwrap());
    let usage = format!("{:?}", desk.usage(&desk.acme).await);
    let metrics = tenantry_guard::metrics::prometheus(&limiter.metrics().snapshot());
    assert!(metrics.contains("gen_ai_client_token_usage_count"), "{metrics}");
    let log = String::from_utf8(logged.0.lock().clone()).unwrap();
    assert!(log.contains("a stream broke off") && audit.contains("models.chat") && usage.contains("completed"));
    let signature = ada.rsplit('.').next().unwrap();
    for (what, text) in
        [("log", &log), ("audit", &audit), ("usage", &usage), ("errors", &answers), ("metrics", &metrics)]
    {
        for canary in ["prompt-canary", "answer-canary", "sk-upstream", "token-canary", signature] {
            let found = text.lines().find(|line| line.contains(canary));
            assert!(found.is_none(), "{canary} in {what}: {found:?}");
        }
    }
}
