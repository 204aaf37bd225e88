//! I4: what holds when no rule stands in any statement. Built only with the feature of that name.

use serde_json::{Value, json};

use crate::generate::Dice;
use crate::support::Stage;
use crate::support::database::Database;
use crate::world::{FILE, PEOPLE, Person, World, spec};
use crate::{principal, run, tables};

async fn stage(database: Database) -> (Stage, World) {
    let mut world = Dice::new(4).world();
    world.bare = true;
    (Stage::new(database, &tables(&world), FILE).await, world)
}

/// Every row of a table that a person gets, by pages, and how many an aggregate counts.
async fn seen(stage: &Stage, person: &Person, table: &str) -> (Vec<Value>, Value) {
    let bound = stage.bind(principal(person)).expect("binds");
    let mut rows = Vec::new();
    let mut ask = json!({ "model": table, "take": 50 });
    loop {
        let page = stage.call(&bound, "query", &ask).await;
        assert_eq!(page["success"], json!(true), "{} {table}: {page}", person.name);
        rows.extend(page["data"].as_array().expect("rows").iter().cloned());
        if page["next_cursor"].is_null() {
            break;
        }
        ask["cursor"] = page["next_cursor"].clone();
    }
    let count = stage.call(&bound, "aggregate", &json!({ "model": table, "operation": "count" })).await;
    (rows, count["data"][0]["value"].clone())
}

/// The keys of the rows, as the world has them too.
fn keys(table: &str, rows: &[Value]) -> Vec<String> {
    let key = |row: &Value| spec(table).key.iter().map(|key| row[*key].to_string()).collect::<Vec<_>>().join(" ");
    let mut keys: Vec<String> = rows.iter().map(key).collect();
    keys.sort();
    keys
}

/// The build is what it says: where no database stands behind the statement, everything is seen.
#[tokio::test(flavor = "multi_thread")]
async fn i4_sqlite_shows_that_the_rules_are_out() {
    let (stage, world) = stage(Database::sqlite()).await;
    for person in PEOPLE.iter().filter(|person| person.tenant.is_some()) {
        for table in ["customers", "orders", "lines", "members"] {
            let (rows, count) = seen(&stage, person, table).await;
            assert_eq!(rows.len(), world.rows(table).len(), "{} {table}", person.name);
            assert_eq!(count, json!(rows.len()), "{} {table}", person.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i4_postgres_answers_as_the_interpreter_does() {
    run("postgres", crate::calls()).await;
}

/// Somebody adds a permissive policy for everybody by hand. It widens nothing beyond the boundary, and
/// no `require` gives way.
#[tokio::test(flavor = "multi_thread")]
async fn i4_postgres_holds_the_boundary_against_a_permissive_policy_made_by_hand() {
    let Some(database) = Database::postgres().await else { return };
    let (stage, world) = stage(database).await;
    for table in ["customers", "orders", "lines", "docs", "members"] {
        stage
            .database
            .execute(&format!(
                "CREATE POLICY \"by hand\" ON \"{table}\" FOR ALL TO PUBLIC USING (TRUE) WITH CHECK (TRUE)"
            ))
            .await;
    }
    let mut widened = 0;
    for person in PEOPLE.iter().filter(|person| person.tenant.is_some()) {
        for table in ["customers", "orders", "lines", "docs", "members"] {
            // The boundary: the own tenant, and those that `tenancy.reach.read` names.
            let within = |tenant: &Value| {
                *tenant == json!(person.tenant)
                    || person.hierarchy.is_some_and(|all| all.iter().any(|t| *tenant == json!(t)))
            };
            let within = |row: &&crate::world::Row| match table {
                "orders" => world.reads(person, table, row),
                "lines" => world.rows("orders").iter().any(|order| {
                    order["id"] == row["order_id"]
                        && world.reads(person, "orders", order)
                        && within(&order["tenant_id"])
                }),
                _ => within(&row["tenant_id"]),
            };
            let expected: Vec<Value> = world.rows(table).iter().filter(within).map(|row| json!(row)).collect();
            let (rows, count) = seen(&stage, person, table).await;
            assert_eq!(keys(table, &rows), keys(table, &expected), "{} {table}", person.name);
            assert_eq!(count, json!(expected.len()), "{} {table}", person.name);
            widened += rows.len() - world.rows(table).iter().filter(|row| world.reads(person, table, row)).count();
        }
    }
    assert!(widened > 0, "the policy by hand does nothing at all, so this test shows nothing");
}
