//! What a write leaves in the audit, whatever the caller does to keep it out.

use serde_json::{Value, json};
use tenantry_store::{Filter, Phase};

use crate::world::{code, stages, worker};

/// Each body is within its limit, and the answer within its budget; together the images are not.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_of_large_rows_has_its_end_in_the_audit() {
    for stage in stages().await {
        let caller = worker(&stage);
        for (round, letter) in ["a", "b", "c"].into_iter().enumerate() {
            let text = letter.repeat(900_000);
            let args = json!({"model": "pages", "ids": [1, 2, 3], "data": {"text": text}});
            let answer = stage.call(&caller, "bulk_update", &args).await;
            assert_eq!(code(&answer), "done", "{round}: {}", answer["error"]);
        }
        let entries = stage.store.list(&Filter::of("acme")).await.unwrap();
        let ended: Vec<_> = entries.iter().filter(|found| found.entry.phase == Phase::Completed).collect();
        assert_eq!(ended.len(), 3, "a write has no end");
        for found in ended {
            let keys: Value = serde_json::from_str(found.entry.keys.as_ref().unwrap()).unwrap();
            assert_eq!(keys, json!([{"id": 1}, {"id": 2}, {"id": 3}]));
            for images in [&found.entry.before, &found.entry.after] {
                let images: Value = serde_json::from_str(images.as_ref().unwrap()).unwrap();
                assert!(images.is_array() || images["sha256"].is_string(), "{images}");
            }
        }
    }
}
