//! What calls cost that do not end as they should: answers that come late, that tell no usage, and callers who leave.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use serde_json::json;
use tenantry_guard::limits::Limiter;
use tenantry_guard::models::{Kind, Patience};
use tenantry_policy::Clock;
use tenantry_policy::limits::{AccountLimits, Budget, LimitLaw, Limits, Period};
use tenantry_store::budgets::Balance;

use crate::desk::{Desk, at, model};
use crate::scripted::{Act, EVENTS, Scripted, end, event, json as whole};
use crate::site::Site;
use crate::support::database::Database;

const FINE: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"real-name","choices":[{"index":0,"message":{"role":"assistant","content":"fine"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}}"#;

fn patience(first_byte: u64, total: u64) -> Patience {
    Patience {
        first_byte: Duration::from_millis(first_byte),
        total: Duration::from_millis(total),
        ..Patience::default()
    }
}

async fn desk(upstreams: &[&Scripted], patience: Patience) -> Desk {
    let targets = upstreams.iter().enumerate().map(|(place, one)| at(place, Kind::OpenAi, one.address, patience));
    Desk::with(vec![model("small", "use:small", targets.collect())]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_answer_is_waited_for_and_one_that_is_too_long_is_paid_for_once_and_rests_nobody() {
    // Its first byte comes when it is finished, after longer than a stream's may take.
    let upstream = Scripted::by(|heard| match heard.body.contains("endless") {
        true => vec![Act::Wait],
        false => whole(200, FINE),
    });
    let slow = Scripted::always([vec![Act::Wait], whole(200, FINE)].concat()).await;
    let long = desk(&[&slow], patience(50, 60_000)).await;
    let token = long.ada().await;
    let mut call = Box::pin(long.chat(&token, "small", "x"));
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut call).await.is_err());
    slow.go.notify_one();
    let said = call.await;
    assert_eq!((said.status, slow.asked()), (200, 1), "{said:?}");

    let upstream = upstream.await;
    let desk = desk(&[&upstream, &upstream], patience(100, 100)).await;
    let (ada, gus) = (desk.ada().await, desk.gus().await);
    for _ in 0..6 {
        let said = desk.chat(&ada, "small", "endless").await;
        assert_eq!((said.status, &said.json()["error"]["code"]), (504, &json!("upstream_timeout")));
        assert!(!said.text.contains(&upstream.address.to_string()));
    }
    assert_eq!(upstream.asked(), 6, "each once");
    let rows = desk.usage(&desk.acme).await;
    for row in &rows {
        assert_eq!((row.ended.as_str(), row.estimated, row.output_tokens), ("failed", true, 0));
        assert!(row.input_tokens > 0 && row.cost_micros > 0, "its prompt was taken: {row:?}");
    }
    assert_eq!(rows.len(), 6);
    let audit = desk.audit(&desk.acme).await;
    assert_eq!((audit[1].0.as_str(), audit[1].2.as_str()), ("failed", "upstream_timeout"));
    assert_eq!(desk.chat(&gus, "small", "x").await.status, 200);
    // A stream whose first byte does not come in time is asked of another, and each prompt that was taken is paid for.
    let silent = Scripted::always(vec![Act::Wait]).await;
    let desk = self::desk(&[&silent], patience(100, 60_000)).await;
    let ask = json!({ "model": "small", "stream": true, "messages": [{ "role": "user", "content": "x" }] });
    let said = desk.post("/v1/chat/completions", &desk.ada().await, ask).await;
    let rows = desk.usage(&desk.acme).await;
    assert_eq!((said.status, silent.asked(), rows[0].input_tokens > 0), (504, 1, true), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_tells_no_usage_is_not_for_nothing() {
    let chat = r#"{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"fine words"},"finish_reason":"stop"}]}"#;
    let zeros = chat.replacen('{', r#"{"usage":{"prompt_tokens":0,"completion_tokens":0},"#, 1);
    let message = r#"{"id":"m","type":"message","role":"assistant","model":"x","content":[{"type":"text","text":"fine words"}],"stop_reason":"end_turn"}"#;
    let stop = b"data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let streamed = vec![Act::Write(EVENTS.into()), Act::Chunk(event("fine words")), Act::Chunk(stop.to_vec()), end()];
    let begun = [
        json!({ "type": "message_start", "message": { "id": "m", "model": "x" } }),
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
        json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": "fine words" } }),
        json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn" } }),
        json!({ "type": "message_stop" }),
    ];
    let begun: String = begun.iter().map(|event| format!("data: {event}\n\n")).collect();
    let begun = vec![Act::Write(EVENTS.into()), Act::Chunk(begun.into_bytes()), end()];
    for (kind, path, acts, stream) in [
        (Kind::OpenAi, "/v1/chat/completions", whole(200, chat), false),
        (Kind::OpenAi, "/v1/chat/completions", whole(200, &zeros), false),
        (Kind::OpenAi, "/v1/messages", whole(200, chat), false),
        (Kind::OpenAi, "/v1/messages", streamed.clone(), true),
        (Kind::OpenAi, "/v1/chat/completions", streamed, true),
        (Kind::Anthropic, "/v1/chat/completions", whole(200, message), false),
        (Kind::Anthropic, "/v1/chat/completions", begun.clone(), true),
        (Kind::Anthropic, "/v1/messages", whole(200, message), false),
        (Kind::Anthropic, "/v1/messages", begun, true),
    ] {
        let upstream = Scripted::always(acts).await;
        let desk =
            Desk::with(vec![model("small", "use:small", vec![at(0, kind, upstream.address, Patience::default())])]);
        let desk = desk.await;
        let messages = json!([{ "role": "user", "content": "how are you" }]);
        let ask = json!({ "model": "small", "max_tokens": 50, "stream": stream, "messages": messages });
        let said = desk.post(path, &desk.ada().await, ask).await;
        assert_eq!((said.status, said.text.contains("fine words")), (200, true), "{said:?}");
        let row = &desk.usage(&desk.acme).await[0];
        assert_eq!((row.ended.as_str(), row.estimated), ("completed", true), "{kind:?} {path} {stream} {row:?}");
        assert!(
            row.input_tokens > 0 && row.output_tokens > 0 && row.cost_micros > 0,
            "{kind:?} {path} {stream} {row:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_leaves_while_the_call_is_settled_leaves_it_settled() {
    // Where the store is the same process, nothing is waited for.
    let Some(database) = Database::postgres().await else {
        eprintln!("skipped: TENANTRY_TEST_POSTGRES is not set");
        return;
    };
    let site = Site::open(&database.store_url(), Arc::new(tempfile::tempdir().unwrap())).await;
    let upstream = Scripted::always(whole(200, FINE)).await;
    let target = at(0, Kind::OpenAi, upstream.address, Patience::default());
    let desk = Desk::on(site, vec![model("small", "use:small", vec![target])]).await;
    let ada = desk.ada().await;
    let tenant = desk.site.store.account(&desk.acme).await.unwrap().unwrap().tenant_id;
    let budget = Budget { micros: 1_000_000, period: Period::Month, tolerance: None };
    let own = Limits { budget: Some(budget), concurrent: Some(5), ..Limits::default() };
    let accounts = [(tenant.as_str().into(), AccountLimits { own, ..AccountLimits::default() })].into();
    let clock: Arc<dyn Clock> = desk.site.clock.clone();
    let law = LimitLaw { accounts, ..LimitLaw::default() };
    let limiter = Arc::new(Limiter::new(law, Arc::clone(&desk.site.store), clock));
    desk.models.limit(Arc::clone(&limiter));
    let place = format!("account/{tenant}");
    let body = json!({ "model": "small", "messages": [{ "role": "user", "content": "x" }] }).to_string();
    let mut calls = 0;
    loop {
        calls += 1;
        assert!(calls < 50, "no answer waits for its settlement");
        let mut call = Box::pin(desk.site.begin(Desk::request("/v1/chat/completions", &ada, body.clone())));
        // Until its place is given back while its caller waits: that is in the middle of its settlement. Now and then
        // the settlement is faster than we look.
        let mut began = false;
        let waits = poll_fn(|context| {
            let answered = call.as_mut().poll(context).is_ready();
            began |= limiter.running(&place) == 1;
            match (answered, began && limiter.running(&place) == 0) {
                (true, _) => Poll::Ready(false),
                (false, true) => Poll::Ready(true),
                (false, false) => Poll::Pending,
            }
        });
        if waits.await {
            drop(call);
            break;
        }
    }
    let (start, _) = Period::Month.around(desk.site.clock.now_micros());
    let settled = Balance { spent_micros: 19 * calls, held_micros: 0 };
    let done = tokio::time::timeout(Duration::from_secs(20), async {
        while desk.site.store.balance(&format!("account/{tenant}:month"), start).await.unwrap() != settled
            || i64::try_from(desk.audit(&desk.acme).await.iter().filter(|(phase, ..)| phase == "completed").count())
                != Ok(calls)
        {
            tokio::task::yield_now().await;
        }
    });
    assert!(done.await.is_ok(), "{calls} {:?}", desk.audit(&desk.acme).await);
    for row in desk.usage(&desk.acme).await {
        assert_eq!((row.ended.as_str(), row.input_tokens, row.output_tokens), ("completed", 5, 7));
    }
}
