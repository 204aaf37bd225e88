//! Two accounts with rows between each other's rows: every even id is the victim's, one in four is the
//! attacker's, and the others are absent.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tenantry_identity::{Audience, Identity, Issuer, Subject};
use tenantry_server::App;
use tokio::net::TcpListener;

use crate::client::{Ask, Client};
use crate::support::Stage;
use crate::support::ambient::SeededEntropy;
use crate::support::database::{Database, TableDef};

const FILE: &str = r#"
[role.agent]
tools = ["customers.*", "orders.*", "lines.*", "members.*", "bills.*"]
[role.manager]
tools = ["bills.get"]

[table.customers]
source = "main.customers"
scope = { tenant_id = "principal.tenant_id" }
fields = { id = "allow", tenant_id = "allow", name = "allow", score = "allow" }
relations = { orders = { table = "orders", foreign_key = "customer_id" } }
write = { create = ["id", "name", "score"], update = ["name", "score"], delete = true, max_rows = 5 }

[table.orders]
source = "main.orders"
scope = { tenant_id = "principal.tenant_id" }
fields = { id = "allow", customer_id = "allow", status = "allow", total = "allow" }
relations = { customer = { table = "customers", key = "customer_id" }, lines = { table = "lines", foreign_key = "order_id" } }
write = { create = ["id", "customer_id", "status", "total"], update = ["customer_id", "status"], delete = true, max_rows = 5 }

[table.lines]
source = "main.lines"
scope = { "order.tenant_id" = "principal.tenant_id" }
fields = { id = "allow", order_id = "allow", qty = "allow" }
relations = { order = { table = "orders", key = "order_id" } }
write = { create = ["id", "order_id", "qty"], update = ["qty"], delete = true, max_rows = 5 }

[table.members]
source = "main.members"
scope = { tenant_id = "principal.tenant_id" }
fields = { tenant_id = "allow", user_id = "allow", level = "allow" }
write = { create = ["user_id", "level"], update = ["level"], delete = true }

[table.bills]
source = "main.bills"
scope = { tenant_id = "principal.tenant_id" }
fields = { id = "allow", note = "allow" }
write = { update = ["note"], delete = true, approval = { roles = ["manager"] } }
"#;

/// The first id, and how many there are. All have as many digits.
pub const FIRST: i64 = 10_000;
pub const COUNT: i64 = 16_000;

/// A running server over two accounts.
pub struct World {
    /// A token of the attacker.
    pub attacker: String,
    /// One of a manager of the attacker's account.
    pub manager: String,
    /// A token of the victim.
    pub victim: String,
    /// A cursor of the victim's.
    pub cursor: String,
    /// Approval requests that wait in the victim's account.
    pub approvals: Vec<String>,
    database: Database,
}

/// Whose row an id is.
pub fn owner(id: i64) -> Option<&'static str> {
    match id % 4 {
        0 | 2 => Some("b"),
        1 => Some("a"),
        _ => None,
    }
}

fn tables() -> Vec<TableDef> {
    let rows = |make: &dyn Fn(i64, &str) -> Value| -> Vec<Map<String, Value>> {
        (FIRST..FIRST + COUNT).filter_map(|id| make(id, owner(id)?).as_object().cloned()).collect()
    };
    let columns =
        |list: &[(&str, &str)]| list.iter().map(|(n, k)| ((*n).to_owned(), (*k).to_owned(), *n != "id")).collect();
    let table = |name: &str, list: &[(&str, &str)], rows| TableDef {
        name: name.to_owned(),
        columns: columns(list),
        key: vec!["id".to_owned()],
        rows,
        ..TableDef::default()
    };
    vec![
        table(
            "customers",
            &[("id", "int"), ("tenant_id", "text"), ("name", "text"), ("score", "int")],
            rows(&|id, tenant| json!({ "id": id, "tenant_id": tenant, "name": "n", "score": id })),
        ),
        // No foreign key in the database: rows that point at foreign rows, or nowhere, are there already.
        table(
            "orders",
            &[("id", "int"), ("tenant_id", "text"), ("customer_id", "int"), ("status", "text"), ("total", "int")],
            rows(&|id, tenant| {
                // The attacker's orders point in turn at own, foreign and absent customers.
                let customer = if tenant == "a" { id + [0, 1, 2][usize::try_from(id / 4 % 3).unwrap()] } else { id };
                json!({ "id": id, "tenant_id": tenant, "customer_id": customer, "status": "open", "total": id })
            }),
        ),
        table(
            "lines",
            &[("id", "int"), ("order_id", "int"), ("qty", "int")],
            rows(&|id, _| json!({ "id": id, "order_id": id, "qty": 1 })),
        ),
        TableDef {
            name: "members".to_owned(),
            columns: vec![
                ("tenant_id".to_owned(), "text".to_owned(), false),
                ("user_id".to_owned(), "text".to_owned(), false),
                ("level".to_owned(), "int".to_owned(), true),
            ],
            key: vec!["tenant_id".to_owned(), "user_id".to_owned()],
            rows: rows(&|id, tenant| json!({ "tenant_id": tenant, "user_id": format!("u{id}"), "level": 1 })),
            ..TableDef::default()
        },
        table(
            "bills",
            &[("id", "int"), ("tenant_id", "text"), ("note", "text")],
            rows(&|id, tenant| json!({ "id": id, "tenant_id": tenant, "note": "n" })),
        ),
    ]
}

fn subject(account: &str, user: &str, role: &str) -> Subject {
    Subject {
        account: Some(account.to_owned()),
        workspace: Some("prod".to_owned()),
        user: Some(user.to_owned()),
        roles: vec![role.to_owned()],
        ..Subject::default()
    }
}

/// Starts the server, and a client of it.
pub async fn set(database: Database) -> (World, Client) {
    let Stage { guard, store, database, clock, .. } = Stage::new(database, &tables(), FILE).await;
    if matches!(database, Database::Postgres { .. }) {
        database.execute("ANALYZE").await;
    }
    let entropy = Arc::new(SeededEntropy::new(6));
    let issuer = Issuer::open(&store, "https://tenantry.example/", clock.clone(), entropy).await.expect("an issuer");
    let token = |account, user, role| {
        issuer.issue(&subject(account, user, role), Duration::from_secs(3_600), Audience::App).expect("a token")
    };
    let (attacker, manager) = (token("a", "ada-of-a", "agent"), token("a", "mo-of-a", "manager"));
    let victim = token("b", "ada-of-b", "agent");
    let identity = Identity::new(store, Arc::new(issuer), clock.clone(), Arc::new(SeededEntropy::new(7)));
    let app = App::new(Arc::new(guard), Arc::new(identity), clock, Arc::new(SeededEntropy::new(8)));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        tenantry_server::serve(listener, tenantry_server::Wire::Plain, app, std::future::pending()).await
    });
    let mut client = Client::connect(port).await;
    let page = client.send(&Ask::tool("query", json!({ "model": "customers", "take": 1 }), &victim)).await;
    let cursor = page.json["next_cursor"].as_str().expect("a cursor").to_owned();
    let mut approvals = Vec::new();
    for id in (FIRST..).step_by(2).take(40) {
        let ask = Ask::tool("delete", json!({ "model": "bills", "id": id }), &victim);
        let answer = client.send(&ask).await;
        approvals.push(answer.json["error"]["details"]["approval_id"].as_str().expect("an approval").to_owned());
    }
    (World { attacker, manager, victim, cursor, approvals, database }, client)
}

impl World {
    /// All rows, past every fence.
    pub async fn rows(&self) -> Vec<String> {
        let mut all = Vec::new();
        for table in ["customers", "orders", "lines", "members", "bills"] {
            match &self.database {
                Database::Sqlite { folder } => {
                    let connection = rusqlite::Connection::open(folder.path().join("data.db")).expect("opens");
                    let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).expect("prepares");
                    let columns = statement.column_count();
                    let mut rows = statement.query([]).expect("reads");
                    while let Some(row) = rows.next().expect("reads") {
                        all.push((0..columns).map(|at| format!("{:?}|", row.get_ref(at).unwrap())).collect());
                    }
                }
                Database::Postgres { .. } => {
                    let rows = self.database.client().await.query(&format!("SELECT t::text FROM {table} t"), &[]).await;
                    all.extend(rows.expect("reads").iter().map(|row| row.get::<_, String>(0)));
                }
            }
        }
        all.sort();
        all
    }
}
