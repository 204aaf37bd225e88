//! Limits and budgets of model calls, as callers see them and as they are settled.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http_body_util::BodyExt;
use serde_json::{Value, json};
use tenantry_guard::limits::Limiter;
use tenantry_guard::models::{Kind, Patience};
use tenantry_identity::usage::{UsageBy, UsagePart};
use tenantry_identity::{Caller, Reach};
use tenantry_policy::Clock;
use tenantry_policy::limits::{AccountLimits, Budget, LimitLaw, Limits, ModelLimits, Period, Rate};
use tenantry_server::Rates;
use tenantry_store::budgets::Balance;

use crate::desk::{Desk, Said, at, model};
use crate::scripted::{Act, EVENTS, Scripted, event, json as whole, until};

const FINE: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"real-name","choices":[{"index":0,"message":{"role":"assistant","content":"fine"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}}"#;

fn rate(text: &str) -> Option<Rate> {
    Some(Rate::parse(text).unwrap())
}

fn budget(micros: u64) -> Limits {
    Limits { budget: Some(Budget { micros, period: Period::Month, tolerance: None }), ..Limits::default() }
}

async fn tenant(desk: &Desk, account: &str) -> String {
    desk.site.store.account(account).await.unwrap().unwrap().tenant_id
}

/// Puts limits on acme in force.
async fn limited(desk: &Desk, own: Limits) -> Arc<Limiter> {
    let account = AccountLimits { own, ..AccountLimits::default() };
    let accounts = [(tenant(desk, &desk.acme).await.as_str().into(), account)].into();
    under(desk, LimitLaw { accounts, ..LimitLaw::default() })
}

fn under(desk: &Desk, law: LimitLaw) -> Arc<Limiter> {
    let clock: Arc<dyn Clock> = desk.site.clock.clone();
    let limiter = Arc::new(Limiter::new(law, Arc::clone(&desk.site.store), clock));
    desk.models.limit(Arc::clone(&limiter));
    limiter
}

async fn balance(desk: &Desk) -> Balance {
    let scope = format!("account/{}:month", tenant(desk, &desk.acme).await);
    let (start, _) = Period::Month.around(desk.site.clock.now_micros());
    desk.site.store.balance(&scope, start).await.unwrap()
}

fn header<'a>(said: &'a Said, name: &str) -> &'a str {
    said.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

async fn message(desk: &Desk, token: &str) -> Said {
    let messages = json!([{ "role": "user", "content": "good morning" }]);
    desk.post("/v1/messages", token, json!({ "model": "small", "max_tokens": 10, "messages": messages })).await
}

fn streamed(words: &str) -> Value {
    json!({ "model": "small", "stream": true, "max_tokens": 100, "messages": [{ "role": "user", "content": words }] })
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_calls_are_told_in_each_protocols_form_and_no_other_account_notices() {
    let desk = Desk::echoing().await;
    let (ada, gus) = (desk.ada().await, desk.gus().await);
    limited(&desk, Limits { requests: rate("2/min"), tokens: rate("100000/day"), ..Limits::default() }).await;
    let said = desk.chat(&ada, "small", "x").await;
    assert_eq!((said.status, header(&said, "x-ratelimit-remaining-requests")), (200, "1"));
    assert_eq!(header(&said, "x-ratelimit-limit-tokens"), "100000");
    let said = message(&desk, &ada).await;
    assert_eq!((said.status, header(&said, "anthropic-ratelimit-requests-remaining")), (200, "0"));
    let said = desk.chat(&ada, "small", "x").await;
    let error = &said.json()["error"];
    assert_eq!((said.status, header(&said, "retry-after")), (429, "30"));
    assert_eq!((&error["type"], &error["code"]), (&json!("rate_limit_error"), &json!("rate_limit_exceeded")));
    assert_eq!(
        (&error["limit"], &error["message"]),
        (&json!("account"), &json!("Too many calls for the account at the moment."))
    );
    assert_eq!(header(&said, "x-ratelimit-remaining-requests"), "0");
    assert_eq!(header(&said, "ratelimit-policy"), "\"requests\";q=2;w=60");
    let said = message(&desk, &ada).await;
    assert_eq!((said.status, &said.json()["error"]["type"]), (429, &json!("rate_limit_error")));
    assert_eq!(header(&said, "anthropic-ratelimit-requests-limit"), "2");
    for _ in 0..5 {
        assert_eq!(desk.chat(&gus, "small", "x").await.status, 200);
    }
    let denied = desk.audit(&desk.acme).await.into_iter().filter(|(phase, ..)| phase == "denied").count();
    // Of two refusals within a moment one stands on record.
    assert_eq!(denied, 1);
    desk.site.clock.forward(30);
    desk.site.store.look_for_changes().await.unwrap();
    assert_eq!(desk.chat(&ada, "small", "x").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_budget_is_402_with_its_scope_and_when_it_resets() {
    let upstream = Scripted::always(whole(200, FINE)).await;
    let target = at(0, Kind::OpenAi, upstream.address, Patience::default());
    let desk = Desk::with(vec![model("small", "use:small", vec![target])]).await;
    let ada = desk.ada().await;
    // A body of about 100 bytes at 1 a token, and 4,096 tokens of an answer at 2: nobody said how long it may be.
    limited(&desk, budget(8_400)).await;
    assert_eq!(desk.chat(&ada, "small", "x").await.status, 200);
    // Where only that keeps a call within a hard budget, the upstream is told so.
    assert_eq!(upstream.bodies()[0]["max_completion_tokens"], 4_096);
    // 5 × 1 + 7 × 2.
    assert_eq!(balance(&desk).await, Balance { spent_micros: 19, held_micros: 0 });
    limited(&desk, budget(8_200)).await;
    let said = desk.chat(&ada, "small", "x").await;
    let error = &said.json()["error"];
    assert_eq!(
        (said.status, &error["type"], &error["code"]),
        (402, &json!("insufficient_quota"), &json!("insufficient_quota"))
    );
    assert_eq!((&error["limit"], &error["resets_at"]), (&json!("account"), &json!("2026-02-01T00:00:00Z")));
    let said = message(&desk, &ada).await;
    assert_eq!(said.status, 200, "it says how long its answer may be, and that is covered");
    limited(&desk, budget(0)).await;
    let said = message(&desk, &ada).await;
    assert_eq!((said.status, &said.json()["error"]["type"]), (402, &json!("billing_error")));
    assert_eq!(upstream.asked(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_set_aside_covers_every_answer_and_what_no_byte_shows() {
    let upstream = Scripted::always(whole(200, FINE)).await;
    let mut open = model("small", "use:small", vec![at(0, Kind::OpenAi, upstream.address, Patience::default())]);
    open.fetches = true;
    let desk = Desk::with(vec![open]).await;
    let ada = desk.ada().await;
    // A body of some 150 bytes at 1 a token, and 100 tokens of an answer at 2.
    limited(&desk, budget(500)).await;
    let picture = json!([{ "type": "image_url", "image_url": { "url": "https://x.example/" } }]);
    for (more, status) in [
        (json!({}), 200),
        (json!({ "n": 1 }), 200),
        (json!({ "n": 3 }), 402),
        (json!({ "n": u64::MAX }), 402),
        (json!({ "best_of": 3 }), 402),
        (json!({ "max_completion_tokens": 1000 }), 402),
        (json!({ "tools": [{ "type": "function", "function": { "name": "x" } }] }), 402),
        (json!({ "messages": [{ "role": "user", "content": picture }] }), 402),
    ] {
        let mut body = json!({ "model": "small", "max_tokens": 100, "messages": [{ "role": "user", "content": "x" }] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let said = desk.post("/v1/chat/completions", &ada, body).await;
        assert_eq!(said.status, status, "{more}: {said:?}");
    }
    assert_eq!(upstream.asked(), 2, "nobody is asked for what is not covered");
    assert_eq!(balance(&desk).await, Balance { spent_micros: 38, held_micros: 0 });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_holds_its_place_and_is_settled_to_what_was_delivered() {
    let words = "one two three four five";
    let upstream = Scripted::always(vec![Act::Write(EVENTS.into()), Act::Chunk(event(words)), Act::Wait]).await;
    let patience = Patience { idle: Duration::from_mins(5), ..Patience::default() };
    let target = at(0, Kind::OpenAi, upstream.address, patience);
    let desk = Desk::with(vec![model("small", "use:small", vec![target])]).await;
    let ada = desk.ada().await;
    let name = format!("account/{}", tenant(&desk, &desk.acme).await);
    let law = Limits { concurrent: Some(1), tokens: rate("1000/day"), ..budget(1_000_000) };
    let limiter = limited(&desk, law).await;
    let response = desk.site.begin(Desk::request("/v1/chat/completions", &ada, streamed("x").to_string())).await;
    let mut body = response.into_body();
    body.frame().await.unwrap().unwrap();
    assert_eq!(limiter.running(&name), 1);
    assert!(balance(&desk).await.held_micros > 200);
    drop(body);
    until("the upstream's call to end", || upstream.left.load(Ordering::SeqCst) == 1).await;
    until("the place", || limiter.running(&name) == 0).await;
    while balance(&desk).await.held_micros > 0 {
        tokio::task::yield_now().await;
    }
    let usage = desk.usage(&desk.acme).await;
    assert_eq!((usage[0].ended.as_str(), usage[0].output_tokens > 0), ("aborted", true));
    assert_eq!(balance(&desk).await.spent_micros, usage[0].cost_micros);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_dies_is_settled_by_where_it_died() {
    // Before its first byte nothing was used; in the middle what was delivered; after the end what it reported.
    for (acts, used) in [
        (vec![Act::Close], false),
        (vec![Act::Write(EVENTS.into()), Act::Chunk(event("one two three")), Act::Close], true),
    ] {
        let upstream = Scripted::always(acts).await;
        let target = at(0, Kind::OpenAi, upstream.address, Patience::default());
        let desk = Desk::with(vec![model("small", "use:small", vec![target])]).await;
        let ada = desk.ada().await;
        limited(&desk, budget(1_000_000)).await;
        desk.say(Desk::request("/v1/chat/completions", &ada, streamed("x").to_string())).await;
        while balance(&desk).await.held_micros > 0 {
            tokio::task::yield_now().await;
        }
        let usage = desk.usage(&desk.acme).await;
        assert_eq!((usage[0].ended.as_str(), usage[0].output_tokens > 0), ("failed", used));
        assert_eq!(balance(&desk).await.spent_micros, usage[0].cost_micros);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_that_the_file_does_not_know_say_their_limits_themselves() {
    let desk = Desk::echoing().await;
    let ada = desk.ada().await;
    under(&desk, LimitLaw::default());
    let fields = |value: Value| value.as_object().unwrap().clone();
    let change = fields(json!({ "limits": { "requests": "1/hour" } }));
    desk.site.identity.update_account(&Caller::operator("test"), &desk.acme, change).await.unwrap();
    assert_eq!(desk.chat(&ada, "small", "x").await.status, 200);
    assert_eq!(desk.chat(&ada, "small", "x").await.status, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_accounts_share_is_not_told_to_one_of_them() {
    let desk = Desk::echoing().await;
    let (ada, gus) = (desk.ada().await, desk.gus().await);
    let own = Limits { requests: rate("3/min"), ..Limits::default() };
    let models = [("small".into(), ModelLimits { own, ..ModelLimits::default() })].into();
    under(&desk, LimitLaw { models, ..LimitLaw::default() });
    for token in [&ada, &gus, &gus] {
        let said = desk.chat(token, "small", "x").await;
        assert_eq!((said.status, header(&said, "ratelimit")), (200, ""));
    }
    let said = desk.chat(&ada, "small", "x").await;
    assert_eq!((said.status, header(&said, "ratelimit"), &said.json()["error"]["limit"]), (429, "", &json!("model")));
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_for_whoever_shows_their_token() {
    let desk = Desk::echoing().await;
    let ada = desk.ada().await;
    let site = &desk.site;
    assert_eq!(site.bearer("GET", "/metrics", &ada).await.status, 404, "nobody set a token");
    let router = tenantry_server::router(site.app().metered("figures-token-0123456789"));
    let ask = async |token: Option<&str>| {
        let mut request = axum::http::Request::get("/metrics");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(axum::body::Body::empty()).unwrap();
        let response = tower::ServiceExt::oneshot(router.clone(), request).await.unwrap();
        let status = response.status().as_u16();
        (status, String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap())
    };
    for wrong in [None, Some(ada.as_str()), Some("figures-token-012345678"), Some("")] {
        assert_eq!(ask(wrong).await.0, 401, "{wrong:?}");
    }
    let (status, text) = ask(Some("figures-token-0123456789")).await;
    assert!(status == 200 && text.contains("# TYPE gen_ai_client_token_usage histogram"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_used_is_shown_to_its_own_account_alone() {
    let desk = Desk::echoing().await;
    let ada = desk.ada().await;
    assert_eq!(desk.chat(&ada, "small", "good morning").await.status, 200);
    desk.models.flush().await;
    let who = |account: &str, workspace: Option<&str>| Caller {
        reach: Reach::Account {
            account: account.to_owned(),
            workspace: workspace.map(str::to_owned),
            permissions: vec!["read:audit".to_owned()],
        },
        ..Caller::operator("test")
    };
    let part = |workspace: Option<&str>| UsagePart {
        workspace: workspace.map(str::to_owned),
        to_micros: i64::MAX,
        by: vec![UsageBy::Model],
        ..UsagePart::default()
    };
    let asked = async |caller: Caller, part: UsagePart| desk.site.identity.usage(&caller, &desk.acme, part).await;
    let own = asked(who(&desk.acme, None), part(None)).await.unwrap();
    assert_eq!((own.len(), own[0].by.as_slice(), own[0].requests), (1, &["small".to_owned()][..], 1));
    assert!(asked(who(&desk.globex, None), part(None)).await.is_err());
    // Another workspace answers as one that does not exist.
    for wanted in ["ws_other", "nowhere"] {
        assert_eq!(asked(who(&desk.acme, Some("ws_own")), part(Some(wanted))).await.unwrap(), []);
    }
    assert_eq!(asked(who(&desk.acme, Some("ws_own")), part(None)).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_comes_to_a_model_counts_and_fills_no_record() {
    let desk = Desk::echoing().await;
    let (ada, gus) = (desk.ada().await, desk.gus().await);
    let denied = async |account: &str| {
        let audit = desk.audit(account).await;
        audit.into_iter().filter(|(phase, ..)| phase == "denied").count()
    };
    // Nobody limits them: a minute's worth stands on record.
    under(&desk, LimitLaw::default());
    for _ in 0..70 {
        assert_eq!(desk.post("/v1/chat/completions", &gus, json!({})).await.status, 400);
    }
    assert_eq!(denied(&desk.globex).await, 60);
    let own = Limits { requests: rate("4/min"), ..Limits::default() };
    limited(&desk, own).await;
    assert_eq!(desk.post("/v1/chat/completions", &ada, json!({})).await.status, 400);
    assert_eq!(desk.chat(&ada, "enormous", "x").await.status, 404);
    let followed = json!({ "model": "small", "input": "x", "previous_response_id": "resp_other" });
    assert_eq!(desk.post("/v1/responses", &ada, followed.clone()).await.status, 404);
    assert_eq!(desk.site.bearer("GET", "/v1/models", &ada).await.status, 200);
    let listed = desk.site.bearer("GET", "/v1/models", &ada).await;
    assert_eq!((listed.status, listed.headers["retry-after"].to_str().unwrap()), (429, "15"));
    assert_eq!(desk.site.bearer("GET", "/v1/models/small", &ada).await.status, 429);
    for _ in 0..20 {
        assert_eq!(desk.post("/v1/chat/completions", &ada, json!({})).await.status, 429);
        assert_eq!(desk.post("/v1/responses", &ada, followed.clone()).await.status, 429);
    }
    // Three that are refused for what they say, and one of the many that are too many.
    assert!(denied(&desk.acme).await <= 4, "{}", denied(&desk.acme).await);
    assert_eq!(desk.site.bearer("GET", "/v1/models", &gus).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_credentials_are_counted_by_address() {
    let desk = Desk::echoing().await;
    let ada = desk.ada().await;
    let rates = Rates { strangers: rate("3/min"), ..Rates::none() };
    let router = tenantry_server::router(desk.site.app().limited(rates));
    let ask = async |address: &str, token: &str, path: &str| {
        let request = tenantry_server::from_address(address.parse().unwrap(), axum::http::Request::get(path));
        let request = request.header("authorization", format!("Bearer {token}")).body(axum::body::Body::empty());
        tower::ServiceExt::oneshot(router.clone(), request.unwrap()).await.unwrap()
    };
    for (number, status) in [401, 401, 401, 429, 429].into_iter().enumerate() {
        let said = ask("192.0.2.1", &format!("tk_guess{number}"), "/v1/models").await;
        assert_eq!(said.status().as_u16(), status, "{number}");
        assert_eq!(said.headers().contains_key("retry-after"), status == 429);
    }
    // Nobody whose credential holds is kept out, not even one who is new and comes from the same address.
    assert_eq!(ask("192.0.2.1", &ada, "/v1/models").await.status().as_u16(), 200);
    assert_eq!(ask("192.0.2.2", &ada, "/v1/models").await.status().as_u16(), 200);
    assert_eq!(ask("192.0.2.2", "tk_guess", "/v1/models").await.status().as_u16(), 401);
}

/// Whoever goes on from an answer pays again for all that it follows: a hard budget sets that aside, too.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_answer_follows_is_set_aside_with_it() {
    const DONE: &str = r#""usage":{"input_tokens":5000,"output_tokens":1000,"total_tokens":6000}"#;
    let upstream = Scripted::by(|heard| {
        if heard.body.contains("\"stream\":true") {
            let created = r#"{"type":"response.created","response":{"id":"resp_events","usage":null}}"#;
            let done = format!(r#"{{"type":"response.completed","response":{{"id":"resp_events",{DONE}}}}}"#);
            let events = format!("data: {created}\n\ndata: {done}\n\n");
            return vec![Act::Write(EVENTS.into()), Act::Chunk(events.into_bytes()), crate::scripted::end()];
        }
        whole(200, &format!(r#"{{"id":"resp_whole","object":"response","output":[],{DONE}}}"#))
    })
    .await;
    let target = at(0, Kind::OpenAi, upstream.address, Patience::default());
    let desk = Desk::with(vec![model("small", "use:small", vec![target])]).await;
    let ada = desk.ada().await;
    let ask = async |budget_of: u64, stream: bool, previous: Option<&str>| {
        limited(&desk, budget(budget_of)).await;
        let mut body = json!({ "model": "small", "input": "x", "max_output_tokens": 100, "stream": stream });
        if let Some(previous) = previous {
            body["previous_response_id"] = json!(previous);
        }
        let said = desk.post("/v1/responses", &ada, body).await;
        while balance(&desk).await.held_micros > 0 {
            tokio::task::yield_now().await;
        }
        said.status
    };
    // 5,000 × 1 + 1,000 × 2 each.
    assert_eq!(ask(1_000, false, None).await, 200);
    assert_eq!(ask(8_000, true, None).await, 200);
    assert_eq!(balance(&desk).await.spent_micros, 14_000);
    let owner = format!("account/{}", tenant(&desk, &desk.acme).await);
    for id in ["resp_whole", "resp_events"] {
        // Of a stream it is known at its end, and noted a moment later.
        while desk.site.store.model_answer(&owner, id).await.unwrap().and_then(|answer| answer.tokens) != Some(6_000) {
            tokio::task::yield_now().await;
        }
        assert_eq!(ask(14_000 + 6_000, false, Some(id)).await, 402, "{id}");
    }
    assert_eq!(ask(14_000 + 7_000, false, Some("resp_events")).await, 200);
    assert_eq!(balance(&desk).await.spent_micros, 21_000);
}

/// A reader who stops in the middle, with a connection that goes on living: it has what it got, and holds nothing more.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_stops_loses_its_place_and_pays_for_what_it_got() {
    let upstream = Scripted::always(vec![Act::Write(EVENTS.into()), Act::Flood]).await;
    let target = at(0, Kind::OpenAi, upstream.address, Patience::default());
    let desk = Desk::with(vec![model("small", "use:small", vec![target])]).await;
    let ada = desk.ada().await;
    let name = format!("account/{}", tenant(&desk, &desk.acme).await);
    let limiter = limited(&desk, Limits { concurrent: Some(1), ..budget(10_000_000) }).await;
    let router = tenantry_server::router(desk.site.app().patient(Duration::from_millis(100)));
    let request = Desk::request("/v1/chat/completions", &ada, streamed("x").to_string());
    let mut body = tower::ServiceExt::oneshot(router, request).await.unwrap().into_body();
    let read = body.frame().await.unwrap().unwrap().into_data().unwrap().len();
    assert_eq!(limiter.running(&name), 1);
    until("its place", || limiter.running(&name) == 0).await;
    until("the upstream's call to end", || upstream.left.load(Ordering::SeqCst) == 1).await;
    assert!(body.frame().await.unwrap().is_err(), "the answer is cut off, and says so");
    while balance(&desk).await.held_micros > 0 {
        tokio::task::yield_now().await;
    }
    let usage = desk.usage(&desk.acme).await;
    let output = usize::try_from(usage[0].output_tokens).unwrap();
    assert_eq!(usage[0].ended, "aborted");
    assert!((1..=read / 4).contains(&output), "{output} tokens of {read} bytes");
    assert_eq!(balance(&desk).await.spent_micros, usage[0].cost_micros);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_upstreams_report_is_believed_only_as_far_as_it_can_be() {
    let said = |usage: &str| FINE.replace(r#"{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}"#, usage);
    for (usage, input, output, estimated) in [
        (r#"{"prompt_tokens":-5,"completion_tokens":-7}"#, None, None, true),
        (r#"{"prompt_tokens":1e3,"completion_tokens":7}"#, None, None, true),
        ("null", None, None, true),
        (
            r#"{"prompt_tokens":1000000000000000000,"completion_tokens":1000000000000000000}"#,
            Some(1_000_000_000),
            Some(1_000_000_000),
            false,
        ),
    ] {
        let upstream = Scripted::always(whole(200, &said(usage))).await;
        let target = at(0, Kind::OpenAi, upstream.address, Patience::default());
        let desk = Desk::with(vec![model("small", "use:small", vec![target])]).await;
        let ada = desk.ada().await;
        limited(&desk, budget(1_000_000)).await;
        assert_eq!(desk.chat(&ada, "small", "good morning").await.status, 200, "{usage}");
        let rows = desk.usage(&desk.acme).await;
        assert_eq!(rows[0].estimated, estimated, "{usage}");
        for (told, known) in [(rows[0].input_tokens, input), (rows[0].output_tokens, output)] {
            assert!(known.map_or(told > 0, |known| told == known), "{usage}: {told}");
        }
        let spent = balance(&desk).await;
        assert_eq!((spent.spent_micros, spent.held_micros), (rows[0].cost_micros, 0), "{usage}");
        // A budget that was exceeded by what could not be known lets nothing more pass; another one is as before.
        let next = desk.chat(&ada, "small", "good morning").await.status;
        assert_eq!(next, if output > Some(1_000_000) { 402 } else { 200 }, "{usage}");
    }
}
