//! The world of the model: its tables, rules and people. The rules stand here twice: as the file that
//! the engine compiles, and as plain functions over rows in memory. The two share no code.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// A row: field to value.
pub type Row = BTreeMap<String, Value>;

/// The file, without its source.
pub const FILE: &str = r#"
[role.agent]
tools = ["customers.*", "orders.*", "lines.*", "docs.*", "plans.query", "plans.get", "plans.aggregate", "members.*"]
[role.support]
tools = ["orders.query", "orders.get", "orders.aggregate", "lines.query", "customers.query"]

[tenancy]
reach.read = ["principal.metadata.tenant_hierarchy"]

[table.customers]
source = "main.customers"
scope = { tenant_id = "principal.tenant_id" }
fields = { id = "allow", tenant_id = "allow", name = "allow", vip = "allow", score = "allow", email = "hash" }
relations = { orders = { table = "orders", foreign_key = "customer_id" } }
budget = { max_rows = 50, max_includes = 4 }
[table.customers.write]
create = ["id", "name", "vip", "score"]
update = ["name", "vip", "score"]
delete = false
max_rows = 5

[table.orders]
source = "main.orders"
scope = { tenant_id = "principal.tenant_id" }
fields = { id = "allow", tenant_id = "allow", customer_id = "allow", status = "allow", total = "allow", card = "mask:last4", note = "deny" }
relations = { customer = { table = "customers", key = "customer_id" }, lines = { table = "lines", foreign_key = "order_id" } }
budget = { max_rows = 50, max_includes = 4 }
[table.orders.write]
create = ["id", "customer_id", "status", "total"]
update = ["customer_id", "status", "total"]
delete = true
max_rows = 5
[table.orders.require.not-hidden]
when = "status <> 'hidden'"
[table.orders.permit.parent-access]
when = "tenant_id IN principal.metadata.tenant_hierarchy"
[table.orders.bypass.support]
when = "'support' IN principal.roles"

[table.lines]
source = "main.lines"
scope = { "order.tenant_id" = "principal.tenant_id" }
fields = { id = "allow", order_id = "allow", sku = "allow", qty = "allow" }
relations = { order = { table = "orders", key = "order_id" } }
[table.lines.write]
create = ["id", "order_id", "sku", "qty"]
update = ["sku", "qty"]
delete = true
max_rows = 5

[table.docs]
source = "main.docs"
scope = { tenant_id = "principal.tenant_id", owner = "principal.user_id" }
fields = { id = "allow", owner = "allow", title = "allow", public = "allow" }
[table.docs.permit.published]
when = "tenant_id = principal.tenant_id AND public = TRUE"
[table.docs.write]
create = ["id", "title", "public"]
update = ["title", "public"]
delete = { soft = "deleted" }
max_rows = 5

[table.plans]
source = "main.plans"
shared = "is_public = TRUE"
fields = { id = "allow", name = "allow", is_public = "allow" }

[table.members]
source = "main.members"
scope = { tenant_id = "principal.tenant_id" }
fields = { tenant_id = "allow", user_id = "allow", level = "allow" }
[table.members.write]
create = ["user_id", "level"]
update = ["level"]
delete = true
max_rows = 5
"#;

/// A column: name, kind (`int`, `text`, `bool`), may be null.
pub type ColumnSpec = (&'static str, &'static str, bool);

/// A table as the database has it.
pub struct TableSpec {
    /// Its name.
    pub name: &'static str,
    /// Its columns.
    pub columns: &'static [ColumnSpec],
    /// Its key.
    pub key: &'static [&'static str],
    /// Foreign keys: column and table (its `id`).
    pub references: &'static [(&'static str, &'static str)],
}

/// Every table.
pub const TABLES: &[TableSpec] = &[
    TableSpec {
        name: "customers",
        columns: &[
            ("id", "int", false),
            ("tenant_id", "text", true),
            ("name", "text", false),
            ("vip", "bool", true),
            ("score", "int", true),
            ("email", "text", true),
        ],
        key: &["id"],
        references: &[],
    },
    TableSpec {
        name: "orders",
        columns: &[
            ("id", "int", false),
            ("tenant_id", "text", true),
            ("customer_id", "int", true),
            ("status", "text", true),
            ("total", "int", true),
            ("card", "text", true),
            ("note", "text", true),
        ],
        key: &["id"],
        references: &[("customer_id", "customers")],
    },
    TableSpec {
        name: "lines",
        columns: &[("id", "int", false), ("order_id", "int", true), ("sku", "text", true), ("qty", "int", true)],
        key: &["id"],
        references: &[("order_id", "orders")],
    },
    TableSpec {
        name: "docs",
        columns: &[
            ("id", "int", false),
            ("tenant_id", "text", true),
            ("owner", "text", true),
            ("title", "text", true),
            ("public", "bool", true),
            ("deleted", "bool", false),
        ],
        key: &["id"],
        references: &[],
    },
    TableSpec {
        name: "plans",
        columns: &[("id", "int", false), ("name", "text", true), ("is_public", "bool", true)],
        key: &["id"],
        references: &[],
    },
    TableSpec {
        name: "members",
        columns: &[("tenant_id", "text", false), ("user_id", "text", false), ("level", "int", true)],
        key: &["tenant_id", "user_id"],
        references: &[],
    },
];

/// The spec of a table.
pub fn spec(name: &str) -> &'static TableSpec {
    TABLES.iter().find(|table| table.name == name).expect("a known table")
}

/// Somebody who asks.
#[derive(Clone)]
pub struct Person {
    pub name: &'static str,
    pub tenant: Option<&'static str>,
    pub user: &'static str,
    pub roles: &'static [&'static str],
    pub hierarchy: Option<&'static [&'static str]>,
}

/// Everybody.
pub const PEOPLE: &[Person] = &[
    Person { name: "ada of a", tenant: Some("a"), user: "ada", roles: &["agent"], hierarchy: None },
    Person { name: "bob of a", tenant: Some("a"), user: "bob", roles: &["agent"], hierarchy: Some(&[]) },
    Person { name: "ada of b", tenant: Some("b"), user: "ada", roles: &["agent"], hierarchy: None },
    Person {
        name: "eve of b",
        tenant: Some("b"),
        user: "eve",
        roles: &["agent", "unknown"],
        hierarchy: Some(&["b", "zz"]),
    },
    Person { name: "pat of p", tenant: Some("p"), user: "pat", roles: &["agent"], hierarchy: Some(&["p", "a"]) },
    Person { name: "support", tenant: None, user: "sue", roles: &["support"], hierarchy: None },
    Person { name: "agent of nobody", tenant: None, user: "nil", roles: &["agent"], hierarchy: None },
];

/// What the model knows of a table for one person: `None` when the tool is not granted.
pub fn granted(person: &Person, table: &str, tool: &str) -> bool {
    let agent = person.roles.contains(&"agent");
    let support = person.roles.contains(&"support");
    let reads = matches!(tool, "query" | "get" | "aggregate");
    // `customers.*` grants what the table offers, and it offers no delete.
    (agent && (table != "plans" || reads) && (table != "customers" || tool != "delete"))
        || (support
            && match table {
                "orders" => reads,
                "lines" | "customers" => tool == "query",
                _ => false,
            })
}

/// Does the person lack the attributes of the table's scope, with no other rule to go by?
pub fn scope_missing(person: &Person, table: &str, op: &str) -> bool {
    if person.tenant.is_some() {
        return false;
    }
    match table {
        "plans" => false,
        "orders" => !(op == "read" && person.roles.contains(&"support")),
        _ => true,
    }
}

/// All rows of the world.
#[derive(Clone, Default)]
pub struct World {
    pub tables: BTreeMap<&'static str, Vec<Row>>,
    /// Row security stands alone: what it holds still holds, and nothing more. It knows no marks of
    /// soft deletes, and lets a reference point at any row that exists.
    pub bare: bool,
}

impl World {
    pub fn rows(&self, table: &str) -> &Vec<Row> {
        self.tables.get(table).expect("a known table")
    }

    pub fn rows_mut(&mut self, table: &str) -> &mut Vec<Row> {
        self.tables.get_mut(table).expect("a known table")
    }

    /// May the person see the row?
    pub fn reads(&self, person: &Person, table: &str, row: &Row) -> bool {
        let own = |column: &str| person.tenant.is_some_and(|tenant| row[column] == json!(tenant));
        match table {
            "customers" | "members" => own("tenant_id"),
            "orders" => {
                let hidden = row["status"].is_null() || row["status"] == json!("hidden");
                let reach = person.hierarchy.is_some_and(|list| list.iter().any(|t| row["tenant_id"] == json!(t)));
                !hidden && (own("tenant_id") || reach || person.roles.contains(&"support"))
            }
            "lines" => self.order_of(row).is_some_and(|order| {
                self.reads(person, "orders", order) && person.tenant.is_some_and(|t| order["tenant_id"] == json!(t))
            }),
            "docs" => {
                (self.bare || row["deleted"] == json!(false))
                    && own("tenant_id")
                    && (row["owner"] == json!(person.user) || row["public"] == json!(true))
            }
            "plans" => row["is_public"] == json!(true),
            _ => panic!("not a known table: {table}"),
        }
    }

    /// May the person change or remove the row, or have it become so?
    pub fn writes(&self, person: &Person, table: &str, row: &Row) -> bool {
        let own = |column: &str| person.tenant.is_some_and(|tenant| row[column] == json!(tenant));
        self.reads(person, table, row)
            && match table {
                "orders" => own("tenant_id"),
                "docs" => own("tenant_id") && row["owner"] == json!(person.user),
                "plans" => false,
                _ => true,
            }
    }

    fn order_of(&self, line: &Row) -> Option<&Row> {
        self.rows("orders").iter().find(|order| !line["order_id"].is_null() && order["id"] == line["order_id"])
    }
}

/// The fields that answers show, in the table's order.
pub fn shown(table: &str) -> &'static [&'static str] {
    match table {
        "customers" => &["id", "tenant_id", "name", "vip", "score", "email"],
        "orders" => &["id", "tenant_id", "customer_id", "status", "total", "card"],
        "lines" => &["id", "order_id", "sku", "qty"],
        "docs" => &["id", "owner", "title", "public"],
        "plans" => &["id", "name", "is_public"],
        "members" => &["tenant_id", "user_id", "level"],
        _ => panic!("not a known table: {table}"),
    }
}

/// The fields that may find and order rows.
pub fn usable(table: &str) -> Vec<&'static str> {
    shown(table).iter().copied().filter(|field| !matches!(*field, "email" | "card")).collect()
}

/// The fields that a create must or may set, and an update.
pub fn creatable(table: &str) -> &'static [&'static str] {
    match table {
        "customers" => &["id", "name", "vip", "score"],
        "orders" => &["id", "customer_id", "status", "total"],
        "lines" => &["id", "order_id", "sku", "qty"],
        "docs" => &["id", "title", "public"],
        "members" => &["user_id", "level"],
        _ => &[],
    }
}

pub fn updatable(table: &str) -> &'static [&'static str] {
    match table {
        "customers" => &["name", "vip", "score"],
        "orders" => &["customer_id", "status", "total"],
        "lines" => &["sku", "qty"],
        "docs" => &["title", "public"],
        "members" => &["level"],
        _ => &[],
    }
}

/// Relations: name, other table, to one?, our field, its field.
pub fn relations(table: &str) -> &'static [(&'static str, &'static str, bool, &'static str, &'static str)] {
    match table {
        "customers" => &[("orders", "orders", false, "id", "customer_id")],
        "orders" => {
            &[("customer", "customers", true, "customer_id", "id"), ("lines", "lines", false, "id", "order_id")]
        }
        "lines" => &[("order", "orders", true, "order_id", "id")],
        _ => &[],
    }
}
