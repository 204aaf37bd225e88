//! Names that mean something else than they seem: schemas, functions, operators, types, temporary
//! tables, triggers.

use serde_json::json;

use crate::support::Stage;
use crate::support::database::Database;
use crate::world::{AB, FILE, LOOT, bind, postgres, seen, tables};

/// Somebody who may make objects in the database, though not as its owner, sets traps on every name that
/// a statement or a policy might look up.
const TRAPS: &str = r#"
CREATE SCHEMA traps;
GRANT ALL ON SCHEMA public, traps TO PUBLIC;
CREATE FUNCTION public.current_setting(text, boolean) RETURNS text LANGUAGE sql AS $$ SELECT 'b'::text $$;
CREATE FUNCTION public.current_setting(text) RETURNS text LANGUAGE sql AS $$ SELECT 'b'::text $$;
CREATE FUNCTION public.set_config(text, text, boolean) RETURNS text LANGUAGE sql AS $$ SELECT pg_catalog.set_config($1, 'b', $3) $$;
CREATE FUNCTION public.starts_with(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION public.count() RETURNS int8 LANGUAGE sql AS 'SELECT 1000::int8';
CREATE FUNCTION public.always(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION public.always(varchar, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION public.always(varchar, varchar) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION public.always(int8, int8) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION public.always(text, text[]) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = public.always);
CREATE OPERATOR public.= (LEFTARG = varchar, RIGHTARG = text, FUNCTION = public.always);
CREATE OPERATOR public.= (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = public.always);
CREATE OPERATOR public.= (LEFTARG = int8, RIGHTARG = int8, FUNCTION = public.always);
CREATE DOMAIN public.text AS pg_catalog.text DEFAULT 'b';
CREATE DOMAIN public.int8 AS pg_catalog.int8;
CREATE TABLE traps.customers (id int8, tenant_id pg_catalog.text, name pg_catalog.text, score int8);
INSERT INTO traps.customers VALUES (1, 'a', 'loot of b by a trap', 1);
GRANT ALL ON traps.customers TO PUBLIC;
CREATE VIEW public.pg_class AS SELECT * FROM pg_catalog.pg_class WHERE false;
CREATE VIEW public.pg_roles AS SELECT * FROM pg_catalog.pg_roles WHERE false;
"#;

/// A column of `varchar` is compared with a text: an operator made for just these two would fit better
/// than PostgreSQL's own, were it looked for where it lies.
#[tokio::test(flavor = "multi_thread")]
async fn traps_in_other_schemas_catch_nothing() {
    let Some(plain) = postgres().await else { return };
    let expected = (seen(&plain, "a").await, seen(&plain, "b").await);
    let database = Database::postgres().await.expect("there was one");
    let mut varchar = tables(&AB);
    varchar[0].columns[1].1 = "sql:varchar(40)".to_owned();
    database.create(&varchar).await;
    database.execute(TRAPS).await;
    let Database::Postgres { name, .. } = &database else { unreachable!("PostgreSQL") };
    // Looked for first, wherever nobody says otherwise: also by the owner who applies the policies.
    database.execute(&format!("ALTER DATABASE {name} SET search_path = traps, public, pg_catalog")).await;
    let stage = Stage::over(database, FILE).await;
    assert_eq!((seen(&stage, "a").await, seen(&stage, "b").await), expected);
    // Told with `pg_catalog` alone in the path, whatever lies elsewhere is told with its schema.
    let policies = stage.database.client().await;
    policies.batch_execute("SET search_path = pg_catalog").await.expect("sets");
    let told = policies.query("SELECT pg_get_expr(polqual, polrelid) FROM pg_policy", &[]).await.expect("reads");
    for row in told {
        let Some(text) = row.get::<_, Option<String>>(0) else { continue };
        let text = text.replace("public.customers", "").replace("public.orders", "");
        assert!(!text.contains("public.") && !text.contains("OPERATOR("), "{text}");
    }
    // The policies alone hold as well.
    let thief = crate::world::thief(&stage).await;
    thief
        .batch_execute("BEGIN; SET LOCAL search_path = pg_catalog; SELECT set_config('tenantry.tenant_id', 'a', true)")
        .await
        .expect("sets");
    assert_eq!(crate::world::count(&thief, "SELECT count(*) FROM public.customers").await, 3);
}

/// A temporary table of a governed table's name shadows nothing: names carry their schema.
#[tokio::test(flavor = "multi_thread")]
async fn temporary_tables_shadow_nothing() {
    let Some(stage) = postgres().await else { return };
    let ada = bind(&stage, "a");
    for ask in [json!({ "model": "customers", "include": [{ "relation": "orders" }] }), json!({ "model": "orders" })] {
        let explained = stage.guard.explain(&ada, "query", ask.to_string().as_bytes()).await;
        for shown in explained.statements {
            let sql: String = shown.pieces.iter().map(|piece| piece.text.as_str()).collect();
            for table in ["customers", "orders"] {
                let named = sql.matches(&format!("\"{table}\"")).count();
                let whole = sql.matches(&format!("\"public\".\"{table}\"")).count();
                assert_eq!(named, whole, "{sql}");
            }
        }
    }
}

/// On SQLite: a view over everything in a table's place, and a trigger that would copy rows about.
#[tokio::test(flavor = "multi_thread")]
async fn sqlite_views_in_a_tables_place_show_nothing() {
    let stage = Stage::new(Database::sqlite(), &tables(&AB), FILE).await;
    seen(&stage, "a").await;
    stage.database.execute("ALTER TABLE customers RENAME TO old; CREATE VIEW customers AS SELECT * FROM old").await;
    for answer in seen(&stage, "a").await {
        assert!(!answer.to_string().contains(LOOT), "{answer}");
        assert_eq!(answer["success"], json!(false), "{answer}");
    }
}

/// What a trigger of the schema reads is not what the caller may read.
#[tokio::test(flavor = "multi_thread")]
async fn sqlite_triggers_widen_no_read() {
    let stage = Stage::new(Database::sqlite(), &tables(&AB), FILE).await;
    stage
        .database
        .execute(
            "CREATE TABLE log (what TEXT);
             CREATE TRIGGER t AFTER UPDATE ON customers BEGIN
               INSERT INTO log SELECT name FROM customers WHERE tenant_id = 'b';
             END",
        )
        .await;
    let ada = bind(&stage, "a");
    let update = json!({ "model": "customers", "id": 1, "data": { "score": 7 } });
    let answer = stage.call(&ada, "update", &update).await;
    assert_eq!(answer["data"]["score"], json!(7), "the trigger is the owner's, and runs: {answer}");
    for answer in seen(&stage, "a").await {
        assert!(!answer.to_string().contains(LOOT), "{answer}");
    }
    for model in ["log", "sqlite_master", "old", "pragma_table_info", "dbstat", "main.customers"] {
        let answer = stage.call(&ada, "query", &json!({ "model": model })).await;
        assert_eq!(answer["error"]["code"], json!("MODEL_NOT_ALLOWED"), "{model}");
    }
}
