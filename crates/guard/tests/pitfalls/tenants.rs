//! Tenant ids that are empty, NULL, huge or odd.

use std::sync::Arc;

use serde_json::{Value, json};
use tenantry_policy::principal::Datum;

use crate::support::Stage;
use crate::support::database::Database;
use crate::world::{FILE, bind, principal, tables};

/// Ids that are names like any other, however they look.
const ODD: [&str; 40] = [
    "a",
    "A",
    "a ",
    " a",
    "a  ",
    "á",
    "а",
    "ａ",
    "a\u{200b}",
    "\u{200b}a",
    "\u{202e}a",
    "aa",
    "a.a",
    "a,b",
    "{a}",
    "{a,b}",
    "\"a\"",
    "a\"b",
    "'",
    "''",
    "a'; --",
    "\\",
    "\\a",
    "a\\",
    "$1",
    "?1",
    ":a",
    "%",
    "_",
    "a%",
    "*",
    "NULL",
    "null",
    "true",
    "0",
    "tenantry.tenant_id",
    "🦀",
    "日本",
    "ß",
    "ﬁ",
];

/// No tenant at all: rows with these belong to nobody.
fn nobodys() -> Vec<String> {
    vec![String::new(), "x".repeat(10_000), "\u{1}".to_owned(), "a\n".to_owned(), "a\u{301}".to_owned()]
}

async fn stage(database: Database) -> Stage {
    let nobodys = nobodys();
    let all: Vec<Option<&str>> =
        ODD.iter().map(|id| Some(*id)).chain(nobodys.iter().map(|id| Some(id.as_str()))).chain([None, None]).collect();
    Stage::new(database, &tables(&all), FILE).await
}

async fn odd_ids(database: Database) {
    let stage = stage(database).await;
    for (at, id) in ODD.iter().enumerate() {
        let bound = bind(&stage, id);
        let answer = stage.call(&bound, "query", &json!({ "model": "customers", "select": ["id", "tenant_id"] })).await;
        assert_eq!(answer["data"], json!([{ "id": at + 1, "tenant_id": id }]), "{id:?}");
        let answer = stage.call(&bound, "query", &json!({ "model": "orders", "select": ["id"] })).await;
        assert_eq!(answer["data"], json!([{ "id": at + 1 }]), "{id:?} through a hop");
        let ask = json!({ "model": "customers", "data": { "name": "new", "score": 1 }, "dry_run": true, "return_fields": ["tenant_id"] });
        if stage.policy.find("customers").expect("a table").dialect == tenantry_policy::catalog::Dialect::Postgres {
            stage.database.execute("SELECT setval('customers_id_seq', 1000)").await;
        }
        let answer = stage.call(&bound, "create", &ask).await;
        assert_eq!(answer["data"]["tenant_id"], json!(id), "{answer}");
    }
    // The same in a list, which travels to row security as an array's text.
    for (at, id) in ODD.iter().enumerate() {
        let mut reaching = principal("nobody-in-particular");
        reaching.metadata.insert("reach".to_owned(), Datum::List(vec![Datum::Text((*id).to_owned())]));
        let bound = Arc::clone(&stage.bind(reaching).expect("binds"));
        let answer = stage.call(&bound, "query", &json!({ "model": "customers", "select": ["id"] })).await;
        assert_eq!(answer["data"], json!([{ "id": at + 1 }]), "{id:?} in a list");
    }
    let mut reaching = principal("nobody-in-particular");
    reaching
        .metadata
        .insert("reach".to_owned(), Datum::List(ODD.iter().map(|id| Datum::Text((*id).to_owned())).collect()));
    let bound = Arc::clone(&stage.bind(reaching).expect("binds"));
    let answer = stage.call(&bound, "aggregate", &json!({ "model": "customers", "operation": "count" })).await;
    assert_eq!(answer["data"][0]["value"], json!(ODD.len()), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_tenant_ids_see_exactly_their_own_rows_sqlite() {
    odd_ids(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_tenant_ids_see_exactly_their_own_rows_postgres() {
    let Some(database) = Database::postgres().await else { return };
    odd_ids(database).await;
}

/// An id that is no name binds to no policy: the token is refused. Without any, the scope is missing.
#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_id_that_is_no_name_is_refused() {
    for database in [Some(Database::sqlite()), Database::postgres().await].into_iter().flatten() {
        let stage = stage(database).await;
        for id in nobodys().iter().map(String::as_str).chain(["a\0", "\0", "a\u{7f}", "\u{85}", &"x".repeat(257)]) {
            assert!(stage.bind(principal(id)).is_err(), "{id:?}");
        }
        for items in
            [vec![Datum::Text(String::new())], vec![Datum::Null], vec![Datum::Int(1)], vec![Datum::List(Vec::new())]]
        {
            let mut reaching = principal("a");
            reaching.metadata.insert("reach".to_owned(), Datum::List(items));
            assert!(stage.bind(reaching).is_err());
        }
        let mut nobody = principal("a");
        nobody.tenant_id = None;
        let bound = stage.bind(nobody.clone()).expect("binds");
        for tool in ["query", "aggregate"] {
            let ask = json!({ "model": "orders", "operation": "count" });
            let ask = if tool == "query" { json!({ "model": "orders" }) } else { ask };
            let answer = stage.call(&bound, tool, &ask).await;
            assert_eq!(answer["error"]["code"], json!("TENANT_SCOPE_REQUIRED"), "{answer}");
        }
        // An empty list reaches nobody, not everybody.
        nobody.metadata.insert("reach".to_owned(), Datum::List(Vec::new()));
        let bound = stage.bind(nobody).expect("binds");
        let answer: Value = stage.call(&bound, "query", &json!({ "model": "customers" })).await;
        assert!(answer["data"].as_array().is_none_or(Vec::is_empty), "{answer}");
    }
}
