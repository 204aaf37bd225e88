//! Names that a caller may not know.

use serde_json::json;

use crate::world::{code, stages, worker};

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_key_is_never_named_nor_guessed() {
    for stage in stages().await {
        let caller = worker(&stage);
        for (tool, args) in [
            ("describe_schema", json!({})),
            ("describe_schema", json!({"model": "vault"})),
            ("query", json!({"model": "vault"})),
            ("get", json!({"model": "vault", "id": 7001})),
            ("get", json!({"model": "vault", "id": 7002})),
            ("get", json!({"model": "vault", "id": "x"})),
            ("get", json!({"model": "vault", "id": null})),
            ("get", json!({"model": "vault", "id": {"a": 1}})),
            ("get", json!({"model": "vault", "id": {"a": 1, "b": 2}})),
            ("update", json!({"model": "vault", "id": 7001, "data": {"label": "z"}, "dry_run": true})),
            ("create", json!({"model": "vault", "data": {"label": "z", "code": "q"}})),
            ("create", json!({"model": "vault", "data": {"label": "z"}})),
            ("create", json!({"model": "vault", "data": {"secret_no": 1, "label": "z"}})),
            ("aggregate", json!({"model": "vault", "operation": "count", "group_by": ["secret_no"]})),
        ] {
            let answer = stage.call(&caller, tool, &args).await.to_string();
            // What the caller said itself may come back.
            if !args.to_string().contains("secret_no") {
                assert!(!answer.contains("secret_no"), "{tool} {args}: {answer}");
            }
            assert!(!answer.contains("made_for"), "{tool} {args}: {answer}");
        }
        let hit = stage.call(&caller, "get", &json!({"model": "vault", "id": 7001})).await;
        let miss = stage.call(&caller, "get", &json!({"model": "vault", "id": 7})).await;
        assert_eq!(code(&hit), code(&miss));
        assert_eq!(hit["found"], miss["found"], "{hit} {miss}");
    }
}

/// A reference that is refused is called by what the caller knows, absent and foreign rows alike.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_reference_names_no_hidden_relation() {
    for stage in stages().await {
        let caller = worker(&stage);
        for (column, called) in [("patron_id", "patron_id"), ("author_id", "author")] {
            let mut told = Vec::new();
            for target in [2, 99] {
                let mut data = json!({"id": 7, "patron_id": 1, "author_id": 1});
                data[column] = json!(target);
                told.push(stage.call(&caller, "create", &json!({"model": "gifts", "data": data})).await);
                let change = json!({"model": "gifts", "id": 1, "data": {column: target}});
                told.push(stage.call(&caller, "update", &change).await);
            }
            for answer in &told {
                assert_eq!(answer["error"]["message"], format!("no such row: {called}"), "{answer}");
                assert!(!answer.to_string().contains("secret_patron"), "{answer}");
            }
        }
    }
}
