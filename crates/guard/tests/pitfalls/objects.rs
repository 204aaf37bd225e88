//! Objects beside the tables: views, functions, partitions, large objects, sequences. None is a way
//! in.

use serde_json::{Value, json};

use crate::support::Stage;
use crate::support::database::Database;
use crate::world::{FILE, LOOT, bind, count, postgres, refused, seen, tables, thief};

const NO_PRIVILEGE: &str = "42501";

/// Views, materialized views and functions that run as their owner, open to everybody: no tool reaches
/// one, by whatever name.
#[tokio::test(flavor = "multi_thread")]
async fn views_and_functions_of_the_owner_are_not_reachable() {
    let Some(stage) = postgres().await else { return };
    stage
        .database
        .execute(
            "CREATE VIEW all_customers AS SELECT * FROM customers;
             CREATE MATERIALIZED VIEW kept_customers AS SELECT * FROM customers;
             CREATE FUNCTION everybody() RETURNS SETOF customers LANGUAGE sql SECURITY DEFINER AS 'SELECT * FROM customers';
             GRANT SELECT ON all_customers, kept_customers TO PUBLIC",
        )
        .await;
    // They would tell all: that is why they must not be reachable.
    assert!(count(&thief(&stage).await, "SELECT count(*) FROM all_customers WHERE tenant_id = 'b'").await > 0);
    let ada = bind(&stage, "a");
    for model in
        ["all_customers", "kept_customers", "public.all_customers", "everybody", "everybody()", "main.all_customers"]
    {
        let answer = stage.call(&ada, "query", &json!({ "model": model })).await;
        assert_eq!(answer["error"]["code"], json!("MODEL_NOT_ALLOWED"), "{model}: {answer}");
    }
    // The file cannot govern one either.
    let file = FILE.replace("main.orders", "main.all_customers");
    let text = format!("[source.main]\nurl = \"env:X\"\n{file}");
    let loaded = tenantry_file::load(vec![tenantry_file::SourceText { name: "t".to_owned(), text }]).expect("loads");
    let catalog = tenantry_source::read_catalog(&stage.database.owner_url()).await.expect("a catalog");
    let compiled = tenantry_file::compile(&loaded, &[("main".to_owned(), catalog)].into());
    let found = compiled.err().map(|found| format!("{found:?}")).unwrap_or_default();
    assert!(found.contains("NotATable"), "{found}");
}

/// A governed table is renamed, and a view over everything takes its name.
#[tokio::test(flavor = "multi_thread")]
async fn a_view_in_a_tables_place_is_noticed_and_shows_nothing() {
    let Some(stage) = postgres().await else { return };
    seen(&stage, "a").await;
    stage
        .database
        .execute(
            "ALTER TABLE customers RENAME TO old_customers;
             CREATE VIEW customers AS SELECT * FROM old_customers; GRANT ALL ON customers TO PUBLIC",
        )
        .await;
    // Even before anybody looked: fence one stands in the statement itself.
    for answer in seen(&stage, "a").await {
        assert!(!answer.to_string().contains(LOOT), "{answer}");
    }
    assert!(stage.guard.health().await.is_err());
    for answer in seen(&stage, "a").await {
        assert_eq!(answer["error"]["code"], json!("INTERNAL_ERROR"), "{answer}");
    }
    stage.database.execute("DROP VIEW customers; ALTER TABLE old_customers RENAME TO customers").await;
    assert!(stage.guard.health().await.is_ok());
    assert_eq!(seen(&stage, "a").await[0]["success"], json!(true));
}

/// A partition read by its own name would not be under its parent's row security.
#[tokio::test(flavor = "multi_thread")]
async fn partitions_are_governed_through_their_parent_alone() {
    let Some(database) = Database::postgres().await else { return };
    database
        .execute(
            "CREATE TABLE customers (id int8 NOT NULL, tenant_id text NOT NULL, name text NOT NULL, score int8,
                                     PRIMARY KEY (tenant_id, id)) PARTITION BY LIST (tenant_id);
             CREATE TABLE customers_a PARTITION OF customers FOR VALUES IN ('a');
             CREATE TABLE customers_b PARTITION OF customers FOR VALUES IN ('b');
             INSERT INTO customers VALUES (1, 'a', 'row', 1), (2, 'b', 'loot of b 2', 2), (3, 'b', 'loot of b 3', 3)",
        )
        .await;
    let file = r#"
        [role.agent]
        tools = ["customers.*"]
        [table.customers]
        source = "main.customers"
        scope = { tenant_id = "principal.tenant_id" }
        fields = { id = "allow", tenant_id = "allow", name = "allow" }
        write = { create = ["id", "name"], update = ["name"], delete = true }
    "#;
    let stage = Stage::over(database, file).await;
    let ada = bind(&stage, "a");
    let answer = stage.call(&ada, "query", &json!({ "model": "customers" })).await;
    assert_eq!(answer["data"], json!([{ "id": 1, "tenant_id": "a", "name": "row" }]));
    let id = json!({ "tenant_id": "b", "id": 2 });
    for (tool, ask) in [
        ("update", json!({ "model": "customers", "id": id, "data": { "name": "x" } })),
        ("delete", json!({ "model": "customers", "id": id })),
    ] {
        assert_eq!(stage.call(&ada, tool, &ask).await["error"]["code"], json!("NOT_FOUND"), "{tool}");
    }
    let created =
        stage.call(&ada, "create", &json!({ "model": "customers", "data": { "id": 9, "name": "mine" } })).await;
    assert_eq!(created["data"]["tenant_id"], json!("a"), "{created}");
    let thief = thief(&stage).await;
    for sql in [
        "SELECT * FROM customers_b",
        "UPDATE customers_b SET name = 'x'",
        "DELETE FROM customers_b",
        "TRUNCATE customers_b",
    ] {
        assert_eq!(refused(&thief, sql).await, NO_PRIVILEGE, "{sql}");
    }
    let catalog = tenantry_source::read_catalog(&stage.database.owner_url()).await.expect("a catalog");
    let names: Vec<&str> = catalog.tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["customers"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_objects_of_others_cannot_be_read() {
    let Some(stage) = postgres().await else { return };
    let owner = stage.database.client().await;
    let object: u32 = owner.query_one("SELECT lo_from_bytea(0, 'loot of b')", &[]).await.expect("makes").get(0);
    let thief = thief(&stage).await;
    for sql in [
        format!("SELECT lo_get({object})"),
        format!("SELECT lo_put({object}, 0, 'x')"),
        format!("SELECT lo_unlink({object})"),
        "SELECT * FROM pg_largeobject".to_owned(),
    ] {
        assert_eq!(refused(&thief, &sql).await, NO_PRIVILEGE, "{sql}");
    }
}

/// New rows take their number from the sequence; its state is nobody's to read, set or reach.
#[tokio::test(flavor = "multi_thread")]
async fn sequences_can_be_used_and_neither_read_nor_set() {
    let Some(stage) = postgres().await else { return };
    stage.database.execute("SELECT setval('customers_id_seq', 1000)").await;
    let ada = bind(&stage, "a");
    let made = stage.call(&ada, "create", &json!({ "model": "customers", "data": { "name": "n", "score": 1 } })).await;
    assert_eq!(made["data"]["id"], json!(1001), "{made}");
    let thief = thief(&stage).await;
    for sql in ["SELECT last_value FROM customers_id_seq", "SELECT setval('customers_id_seq', 1)"] {
        assert_eq!(refused(&thief, sql).await, NO_PRIVILEGE, "{sql}");
    }
    for model in ["customers_id_seq", "pg_sequences", "pg_stats", "pg_class"] {
        let answer = stage.call(&ada, "query", &json!({ "model": model })).await;
        assert_eq!(answer["error"]["code"], json!("MODEL_NOT_ALLOWED"), "{model}");
    }
}

/// A conflict is an error here, and never a way to change, skip or learn of another row.
#[tokio::test(flavor = "multi_thread")]
async fn no_statement_says_on_conflict() {
    for database in [Some(Database::sqlite()), Database::postgres().await].into_iter().flatten() {
        let stage = Stage::new(database, &tables(&crate::world::AB), FILE).await;
        let ada = bind(&stage, "a");
        let mut told = 0;
        for (tool, ask) in [
            ("create", json!({ "model": "orders", "data": { "id": 2, "customer_id": 1, "note": "n" } })),
            ("create", json!({ "model": "orders", "data": { "id": 1, "customer_id": 1, "note": "n" } })),
            ("bulk_create", json!({ "model": "orders", "rows": [{ "id": 4, "customer_id": 1, "note": "n" }] })),
            ("update", json!({ "model": "orders", "id": 1, "data": { "note": "n" } })),
            ("query", json!({ "model": "orders" })),
        ] {
            let explained = stage.guard.explain(&ada, tool, ask.to_string().as_bytes()).await;
            for shown in &explained.statements {
                let sql: String = shown.pieces.iter().map(|piece| piece.text.as_str()).collect();
                told += 1;
                let sql = sql.to_uppercase();
                for word in ["ON CONFLICT", "OR REPLACE", "OR IGNORE", "MERGE INTO", "SAVEPOINT", "SET ROLE"] {
                    assert!(!sql.contains(word), "{sql}");
                }
            }
        }
        assert!(told >= 5, "{told} statements");
        // Somebody else's id: neither taken over nor told as a conflict.
        let answer = stage
            .call(&ada, "create", &json!({ "model": "orders", "data": { "id": 2, "customer_id": 1, "note": "n" } }))
            .await;
        assert_eq!(answer["error"]["code"], json!("VALIDATION_ERROR"), "{answer}");
        let theirs = stage.call(&bind(&stage, "b"), "get", &json!({ "model": "orders", "id": 2 })).await;
        assert_eq!(theirs["data"]["note"], json!(format!("{LOOT} 2")), "{theirs}");
        let own: Value = stage
            .call(&ada, "create", &json!({ "model": "orders", "data": { "id": 1, "customer_id": 1, "note": "n" } }))
            .await;
        assert_eq!(own["error"]["code"], json!("CONFLICT"), "{own}");
    }
}
