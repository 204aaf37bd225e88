//! Limits that no tool may go around.

use serde_json::json;

use crate::world::{code, stages, worker};

#[tokio::test(flavor = "multi_thread")]
async fn a_get_is_held_to_the_cost_of_its_includes() {
    for stage in stages().await {
        let caller = worker(&stage);
        let deep = json!([{"relation": "books", "take": 100, "include": [
            {"relation": "pages", "take": 100, "include": [{"relation": "book", "include": []}]}]}]);
        let dear = json!([{"relation": "books", "take": 100, "include": [{"relation": "pages", "take": 100, "include": [
            {"relation": "book", "include": [{"relation": "author"}]}]}]}]);
        for include in [deep, dear] {
            let asked = json!({"model": "authors", "take": 1, "include": include});
            let queried = stage.call(&caller, "query", &asked).await;
            let got = stage.call(&caller, "get", &json!({"model": "authors", "id": 1, "include": include})).await;
            assert_eq!(code(&queried), code(&got), "{queried} {got}");
        }
    }
}

/// A tenant must not keep a thread busy for minutes with one small body.
#[tokio::test(flavor = "multi_thread")]
async fn many_members_are_read_in_time() {
    let stage = stages().await.remove(0);
    let caller = worker(&stage);
    let mut body = String::from("{\"model\":\"authors\"");
    for at in 0..90_000 {
        body.push_str(&format!(",\"{at:05}\":1"));
    }
    body.push('}');
    assert!(body.len() < tenantry_guard::json::LARGEST);
    #[allow(clippy::disallowed_methods, reason = "the test's own time")]
    let began = std::time::Instant::now();
    let reply = stage.guard.call(&caller, "query", body.as_bytes()).await;
    assert!(reply.code.is_some());
    let took = began.elapsed();
    assert!(took.as_secs() < 5, "{took:?}");
}
