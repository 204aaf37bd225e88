//! Two tables, two tenants, and the runtime role in the hands of somebody who writes SQL.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tenantry_policy::{Bound, Principal};
use tokio_postgres::{Client, NoTls};

use crate::support::Stage;
use crate::support::database::{Database, TableDef};

pub const FILE: &str = r#"
[role.agent]
tools = ["customers.*", "orders.*"]

[tenancy]
reach.read = ["principal.metadata.reach"]

[table.customers]
source = "main.customers"
scope = { tenant_id = "principal.tenant_id" }
fields = { id = "allow", tenant_id = "allow", name = "allow", score = "allow" }
relations = { orders = { table = "orders", foreign_key = "customer_id" } }
write = { create = ["name", "score"], update = ["name", "score"], delete = true, max_rows = 5 }
[table.customers.permit.reach]
when = "tenant_id IN principal.metadata.reach"

[table.orders]
source = "main.orders"
scope = { "customer.tenant_id" = "principal.tenant_id" }
fields = { id = "allow", customer_id = "allow", note = "allow" }
relations = { customer = { table = "customers", key = "customer_id" } }
write = { create = ["id", "customer_id", "note"], update = ["note"], delete = true, max_rows = 5 }
"#;

/// What stands in every row of tenant `b`, and in no row of `a`.
pub const LOOT: &str = "loot of b";

pub fn column(name: &str, kind: &str, nullable: bool) -> (String, String, bool) {
    (name.to_owned(), kind.to_owned(), nullable)
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

/// Customers of these tenants, one each, ids from 1; and an order of each.
pub fn tables(tenants: &[Option<&str>]) -> Vec<TableDef> {
    let name = |tenant: &Option<&str>, at: usize| match tenant {
        Some("b") => format!("{LOOT} {at}"),
        _ => format!("row {at}"),
    };
    let rows = |make: &dyn Fn(usize, &Option<&str>) -> Value| {
        tenants.iter().enumerate().map(|(at, tenant)| object(make(at + 1, tenant))).collect()
    };
    vec![
        TableDef {
            name: "customers".to_owned(),
            columns: vec![
                column("id", "serial", false),
                column("tenant_id", "text", true),
                column("name", "text", false),
                column("score", "int", true),
            ],
            key: vec!["id".to_owned()],
            rows: rows(&|id, tenant| json!({ "id": id, "tenant_id": tenant, "name": name(tenant, id), "score": id })),
            ..TableDef::default()
        },
        TableDef {
            name: "orders".to_owned(),
            columns: vec![
                column("id", "int", false),
                column("customer_id", "int", false),
                column("note", "text", true),
            ],
            key: vec!["id".to_owned()],
            references: vec![("customer_id".to_owned(), "customers".to_owned(), "id".to_owned())],
            rows: rows(&|id, tenant| json!({ "id": id, "customer_id": id, "note": name(tenant, id) })),
            ..TableDef::default()
        },
    ]
}

pub const AB: [Option<&str>; 8] = [Some("a"), Some("b"), Some("a"), Some("b"), Some("b"), None, Some("a"), Some("b")];

pub fn principal(tenant: &str) -> Principal {
    Principal {
        tenant_id: Some(tenant.to_owned()),
        user_id: Some("ada".to_owned()),
        roles: vec!["agent".to_owned()],
        ..Principal::default()
    }
}

pub fn bind(stage: &Stage, tenant: &str) -> Arc<Bound> {
    stage.bind(principal(tenant)).expect("binds")
}

/// A stage on PostgreSQL over [`AB`]; `None` when there is no server.
pub async fn postgres() -> Option<Stage> {
    let database = Database::postgres().await?;
    Some(Stage::new(database, &tables(&AB), FILE).await)
}

/// What a tenant sees of both tables, through every way of reading.
pub async fn seen(stage: &Stage, tenant: &str) -> Vec<Value> {
    let bound = bind(stage, tenant);
    let mut answers = Vec::new();
    for (tool, ask) in [
        ("query", json!({ "model": "customers", "include": [{ "relation": "orders" }] })),
        ("query", json!({ "model": "orders", "include": [{ "relation": "customer" }] })),
        ("query", json!({ "model": "customers", "where": { "field": "name", "op": "contains", "value": "o" } })),
        ("get", json!({ "model": "customers", "id": 1 })),
        ("get", json!({ "model": "customers", "id": 2 })),
        ("aggregate", json!({ "model": "customers", "operation": "count", "group_by": ["tenant_id"] })),
        ("aggregate", json!({ "model": "orders", "operation": "max", "field": "note" })),
        ("update", json!({ "model": "customers", "id": 2, "data": { "name": "x" }, "dry_run": true })),
        (
            "bulk_update",
            json!({ "model": "customers", "where": { "field": "id", "op": "gt", "value": 0 }, "data": { "score": 1 }, "dry_run": true }),
        ),
    ] {
        let mut answer = stage.call(&bound, tool, &ask).await;
        if let Some(details) = answer.pointer_mut("/error/details").and_then(Value::as_object_mut) {
            details.remove("request_id");
        }
        answers.push(answer);
    }
    answers
}

/// The database's name, which its roles' names begin with.
pub fn name(stage: &Stage) -> &str {
    match &stage.database {
        Database::Postgres { name, .. } => name,
        Database::Sqlite { .. } => unreachable!("PostgreSQL only"),
    }
}

/// The runtime role, logged in by itself: what somebody could do who got hold of its password.
pub async fn thief(stage: &Stage) -> Client {
    let Database::Postgres { cluster, name, .. } = &stage.database else { unreachable!("PostgreSQL only") };
    let mut config: tokio_postgres::Config = cluster.parse().expect("a url");
    config.dbname(name).user(format!("{name}_runtime"));
    let (client, connection) = config.connect(NoTls).await.expect("logs in");
    tokio::spawn(connection);
    client
}

/// The SQLSTATE with which a statement is refused.
pub async fn refused(client: &Client, sql: &str) -> String {
    let error = match client.batch_execute(sql).await {
        Ok(()) => panic!("not refused: {sql}"),
        Err(error) => error,
    };
    error.code().map(|code| code.code().to_owned()).unwrap_or_else(|| panic!("{error}: {sql}"))
}

/// A single number.
pub async fn count(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap_or_else(|error| panic!("{error:?}: {sql}")).get(0)
}
