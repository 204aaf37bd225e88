//! Two tenants at once: every byte belongs to who asked.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use rand::{Rng, RngExt, SeedableRng};
use serde_json::json;
use tenantry_guard::models::{Kind, Patience};

use crate::desk::{Desk, at, model};
use crate::scripted::{Act, EVENTS, Scripted, end, event, last};

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
