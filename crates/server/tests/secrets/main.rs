//! No secret goes where it does not belong. A program of its own: it hears everything that is logged in it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    unreachable_pub,
    missing_docs,
    reason = "tests"
)]

#[path = "../gateway/desk.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod desk;
#[path = "../gateway/scripted.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod scripted;
#[path = "../oauth/site.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod site;
#[path = "../../../guard/tests/support/mod.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod support;

use std::io::Write;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::json;
use tenantry_guard::models::{Kind, Patience};
use tenantry_policy::Clock;
use tracing_subscriber::fmt::MakeWriter;

use crate::desk::{Desk, at, echo, model};
use crate::scripted::{Act, EVENTS, Scripted, event, json as whole};

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

/// Alone in its program, so that what any thread logs is heard: the store's, those for work that blocks, and the runtime's.
#[tokio::test(flavor = "multi_thread")]
async fn no_prompt_answer_key_or_token_is_kept_anywhere() {
    let logged = Logged::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(logged.clone()).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    std::thread::spawn(|| tracing::info!("said by a thread")).join().unwrap();
    tokio::task::spawn_blocking(|| tracing::info!("said where it blocks")).await.unwrap();
    let failing = Scripted::by(|heard| match heard.body.contains("break") {
        true => vec![Act::Write(EVENTS.into()), Act::Chunk(event("answer-canary-4711")), Act::Close],
        false => whole(400, r#"{"error":{"message":"prompt-canary-4711 is wrong, key sk-upstream-canary"}}"#),
    });
    let failing = failing.await;
    let target = at(0, Kind::OpenAi, failing.address, Patience::default());
    let desk =
        Desk::with(vec![model("small", "use:small", vec![target]), model("echo", "use:small", vec![echo()])]).await;
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
    for heard in ["said by a thread", "said where it blocks"] {
        assert!(log.contains(heard), "{heard}");
    }
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
