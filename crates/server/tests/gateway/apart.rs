//! Two tenants at once: every byte belongs to who asked.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use rand::{Rng, RngExt, SeedableRng};
use serde_json::json;
use tenantry_guard::models::{Kind, Patience};

use crate::desk::{Desk, at, model};
use crate::scripted::{Act, EVENTS, Scripted, event, last};

/// The stream that a request is answered with: its own words, many times, in every way in which events may be written,
/// cut anywhere. What the upstream does, and what its caller is to get.
fn script(body: &str, with_usage: bool) -> (Vec<Act>, String) {
    let asked: serde_json::Value = serde_json::from_str(body).unwrap();
    let mark = asked["messages"][0]["content"].as_str().unwrap().to_owned();
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(mark.bytes().map(u64::from).sum());
    let mut all = Vec::new();
    let most = if random.random_bool(0.05) { 3 } else { 60 };
    for at in 0..random.random_range(1..=most) {
        let words = match most {
            // A picture in an event, or a very long call of a tool.
            3 => format!("{mark} {}", "😀 ∞ ".repeat(random.random_range(0..60_000))),
            _ => format!("{mark} {at} {}", "é\n\n😀".repeat(random.random_range(0..9))),
        };
        let plain = event(&words);
        let data = plain.trim_ascii_end();
        match random.random_range(0..6) {
            0 => all.extend([data, b"\r\n\r\n"].concat()),
            1 => all.extend([b"id: 7\nevent: message\n", data, b"\r\n\n"].concat()),
            // One event whose data stands on several lines.
            2 => {
                let text = String::from_utf8(data.to_vec()).unwrap().replacen(",\"object\"", ",\ndata: \"object\"", 1);
                all.extend([text.as_bytes(), b"\nretry: 10\n\n"].concat());
            }
            3 => all.extend([data, b"\n\n: keep-alive\n\n"].concat()),
            4 => all.extend([b": a comment\r\n\r\n", data, b"\n\r\n"].concat()),
            _ => all.extend(plain),
        }
    }
    let end = String::from_utf8(last(3, 4)).unwrap();
    // The usage on two lines as well.
    let end = if random.random_bool(0.5) { end.replacen(",\"usage\":", ",\r\ndata:\"usage\":", 1) } else { end };
    let told = [all.as_slice(), end.as_bytes()].concat();
    let mut acts = vec![Act::Write(EVENTS.into())];
    let mut rest = told.as_slice();
    let longest = [1, 7, 700, 70_000][random.random_range(0..4)].max(rest.len() / 2_000);
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(random.random_range(1..=rest.len().min(longest)));
        acts.push(Act::Chunk(piece.to_vec()));
        rest = after;
    }
    acts.push(crate::scripted::end());
    let kept = end.split_inclusive("\n\n").filter(|event| with_usage || !event.contains("\"usage\""));
    (acts, [String::from_utf8(all).unwrap(), kept.collect()].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_byte_delivered_belongs_to_who_asked() {
    let upstream = Scripted::by(|heard| script(&heard.body, true).0).await;
    let target = at(0, Kind::OpenAi, upstream.address, Patience::default());
    let desk = Arc::new(Desk::with(vec![model("small", "use:small", vec![target])]).await);
    let (ada, gus) = (desk.ada().await, desk.gus().await);
    let mut calls = Vec::new();
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(5);
    for at in 0..160 {
        let (desk, acme) = (Arc::clone(&desk), at % 2 == 0);
        let token = if acme { ada.clone() } else { gus.clone() };
        let leaves = random.random_bool(0.2);
        let with_usage = random.random_bool(0.5);
        let pause = Duration::from_micros(u64::from(random.next_u32() % 3000));
        calls.push(tokio::spawn(async move {
            let mark = format!("{}-{at}", if acme { "acme" } else { "globex" });
            let mut body =
                json!({ "model": "small", "stream": true, "messages": [{ "role": "user", "content": mark }] });
            if with_usage {
                body["stream_options"] = json!({ "include_usage": true });
            }
            let expected = script(&body.to_string(), with_usage).1;
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
                true => assert!(expected.starts_with(&told), "{mark}: {told}"),
                false => assert!(told == expected, "{mark}: {} bytes for {}", told.len(), expected.len()),
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
        assert!(rows.len() >= 40, "{}", rows.len());
        for row in rows {
            assert_eq!((&row.account, row.user.as_ref()), (&tenant, Some(user)));
            // What the upstream reported, however it was written down; of what was left, what came.
            match row.ended.as_str() {
                "completed" => {
                    assert_eq!((row.input_tokens, row.output_tokens, row.estimated), (3, 4, false), "{row:?}");
                }
                ended => assert_eq!(ended, "aborted", "{row:?}"),
            }
            assert!(seen.insert(row.request_id.clone()), "{row:?} stands with both");
        }
    }
}
