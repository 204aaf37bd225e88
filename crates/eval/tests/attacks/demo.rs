//! The demo's file and tables, over a small dataset whose every text names its tenant.

use serde_json::{Value, json};
use tenantry_eval::{Row, Sample};
use tenantry_policy::Principal;
use tenantry_policy::value::parse_timestamp;

use crate::Part;
use crate::support::database::Database;
use crate::support::{Stage, datum};

const FILE: &str = include_str!("../../../cli/src/demo/tenantry.toml");
const SQLITE: &str = include_str!("../../../cli/src/demo/schema-sqlite.sql");
const POSTGRES: &str = include_str!("../../../cli/src/demo/schema-postgres.sql");

const TENANTS: [&str; 3] = ["northwind", "northwind-eu", "globex"];

/// Rows per tenant and table.
const ROWS: i64 = 5;

/// The demo's file without its source, which the stage declares itself.
pub fn file(postgres: bool) -> String {
    let mut text = String::new();
    let mut skipping = false;
    for line in FILE.lines() {
        if line.starts_with('[') {
            skipping = line == "[source.main]";
        }
        // As the demo does: PostgreSQL's catalog knows booleans and timestamps.
        if skipping || (postgres && line.starts_with("types = ")) {
            continue;
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// Every row, table by table, in the order of loading.
fn rows() -> Vec<(&'static str, Vec<Row>)> {
    let (mut plans, mut customers, mut orders, mut lines, mut tickets, mut documents) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let object = |value: Value| value.as_object().expect("an object").clone();
    for id in 1..=4 {
        plans.push(object(json!({ "id": id, "name": format!("Plan number {id}"), "price_cents": id * 111,
            "internal_cost_cents": id * 37, "is_public": id < 3 })));
    }
    for (t, tenant) in TENANTS.into_iter().enumerate() {
        for n in 0..ROWS {
            let id = i64::try_from(t).expect("small") * 100 + n + 1;
            let at = format!("20{:02}-0{}-0{}T10:00:0{n}Z", 20 + t, n + 1, t + 1);
            let agent = if n % 2 == 0 { format!("agent@{tenant}.example") } else { format!("other@{tenant}.example") };
            customers.push(object(json!({ "id": id, "tenant_id": tenant, "name": format!("{tenant} person {n} Zoë"),
                "email": format!("mail{n}@{tenant}.example"), "phone": format!("+1-555-{id:03}-{:04}", id * 3),
                "card": format!("40001111{:04}{:04}", id * 7, id * 11), "plan_id": 1 + n % 2,
                "internal_note": format!("note {n} about {tenant}"), "created_at": at })));
            orders.push(object(json!({ "id": id, "tenant_id": tenant, "customer_id": id,
                "status": if n == 3 { "archived" } else { "open" }, "total_cents": id * 1_000 + 7, "placed_at": at,
                "updated_at": null, "updated_by": null, "deleted_at": if n == 4 { json!(at) } else { Value::Null } })));
            lines.push(object(json!({ "id": id, "order_id": id, "sku": format!("SKU of {tenant} {n}"),
                "quantity": id, "price_cents": id * 10 + 3 })));
            tickets.push(object(json!({ "id": id, "tenant_id": tenant, "customer_id": id, "assigned_to": agent,
                "subject": format!("Matter {n} of {tenant}"), "priority": 1 + n % 4, "status": "open", "created_at": at })));
            documents.push(object(json!({ "id": id, "tenant_id": tenant, "owner_id": agent,
                "title": format!("Title {n} of {tenant}"), "body": format!("Body {n} of {tenant} \"'; --"),
                "is_confidential": n == 1, "created_at": at })));
        }
    }
    vec![
        ("plans", plans),
        ("customers", customers),
        ("orders", orders),
        ("order_lines", lines),
        ("tickets", tickets),
        ("documents", documents),
    ]
}

/// The statements that load the rows. Only tests write SQL like this.
fn script(all: &[(&'static str, Vec<Row>)], postgres: bool) -> String {
    let mut script = String::new();
    for (table, rows) in all {
        for row in rows {
            let names: Vec<&str> = row.keys().map(String::as_str).collect();
            let values: Vec<String> = row
                .iter()
                .map(|(name, value)| match value {
                    Value::Null => "NULL".to_owned(),
                    Value::Bool(value) if postgres => value.to_string(),
                    Value::Bool(value) => u8::from(*value).to_string(),
                    Value::String(text) if name.ends_with("_at") && !postgres => {
                        parse_timestamp(text).expect("a time").to_string()
                    }
                    Value::String(text) => format!("'{}'", text.replace('\'', "''")),
                    other => other.to_string(),
                })
                .collect();
            script.push_str(&format!("INSERT INTO {table} ({}) VALUES ({});\n", names.join(", "), values.join(", ")));
        }
        if postgres {
            script.push_str(&format!(
                "SELECT setval(s, 10000) FROM (SELECT pg_get_serial_sequence('{table}', 'id') AS s) x WHERE s IS NOT NULL;\n"
            ));
        }
    }
    script
}

/// Somebody of the demo's file.
struct Person {
    tenant: &'static str,
    user: &'static str,
    role: &'static str,
    reach: &'static [&'static str],
}

impl Person {
    fn principal(&self) -> Principal {
        let mut principal = Principal {
            tenant_id: Some(self.tenant.to_owned()),
            user_id: Some(self.user.to_owned()),
            roles: vec![self.role.to_owned()],
            ..Principal::default()
        };
        principal.metadata.insert("agent".to_owned(), datum(&json!(self.user)));
        if !self.reach.is_empty() {
            principal.metadata.insert("tenant_hierarchy".to_owned(), datum(&json!(self.reach)));
        }
        principal
    }

    /// May the person see the row? Written from what the demo promises, not from its file.
    fn sees(&self, all: &[(&'static str, Vec<Row>)], table: &str, row: &Row) -> bool {
        let own = row.get("tenant_id") == Some(&json!(self.tenant));
        let reached = own || self.reach.iter().any(|tenant| row.get("tenant_id") == Some(&json!(tenant)));
        let admin = self.role == "admin";
        match table {
            "plans" => row["is_public"] == json!(true),
            "customers" => reached,
            "orders" => reached && row["status"] != json!("archived") && row["deleted_at"].is_null(),
            "order_lines" => all.iter().any(|(name, orders)| {
                *name == "orders"
                    && orders.iter().any(|order| {
                        order["id"] == row["order_id"]
                            && order["tenant_id"] == json!(self.tenant)
                            && self.sees(all, "orders", order)
                    })
            }),
            "tickets" => own && (admin || row["assigned_to"] == json!(self.user)),
            "documents" => {
                own && (admin || row["is_confidential"] == json!(false) || row["owner_id"] == json!(self.user))
            }
            _ => panic!("not a known table: {table}"),
        }
    }
}

/// The stage, and who attacks whom on it.
pub async fn set(database: Database) -> (Stage, Vec<Part>) {
    let postgres = matches!(database, Database::Postgres { .. });
    let all = rows();
    database.execute(if postgres { POSTGRES } else { SQLITE }).await;
    database.execute(&script(&all, postgres)).await;
    let stage = Stage::over(database, &file(postgres)).await;
    let victim = Person { tenant: "globex", user: "agent@globex.example", role: "admin", reach: &[] };
    let attackers = [
        ("an agent", Person { tenant: "northwind", user: "agent@northwind.example", role: "agent", reach: &[] }),
        ("an administrator", Person { tenant: "northwind", user: "ada@northwind.example", role: "admin", reach: &[] }),
        (
            "the parent's analyst",
            Person { tenant: "northwind", user: "ines@northwind.example", role: "analyst", reach: &["northwind-eu"] },
        ),
    ];
    let parts = attackers
        .into_iter()
        .map(|(name, attacker)| {
            let (mut own, mut foreign) = (Sample::default(), Sample::default());
            for (table, rows) in &all {
                for row in rows {
                    // What a table refers to leads to its tenant.
                    let theirs = match *table {
                        "plans" => true,
                        "order_lines" => row["sku"].as_str().is_some_and(|sku| sku.contains("globex")),
                        _ => row["tenant_id"] == json!("globex"),
                    };
                    if attacker.sees(&all, table, row) {
                        own.add(table, row.clone());
                    } else if theirs {
                        foreign.add(table, row.clone());
                    }
                }
            }
            let mut colleague = attacker.principal();
            colleague.user_id = Some("other@northwind.example".to_owned());
            colleague.metadata.insert("agent".to_owned(), datum(&json!("other@northwind.example")));
            Part { name, attacker: attacker.principal(), colleague, victim: victim.principal(), own, foreign }
        })
        .collect();
    (stage, parts)
}
