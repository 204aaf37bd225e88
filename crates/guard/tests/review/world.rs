//! Two accounts, a few linked tables, and people.

use std::sync::Arc;

use serde_json::{Value, json};
use tenantry_policy::{Bound, Principal};

use crate::support::Stage;
use crate::support::database::{Database, TableDef};

pub const FILE: &str = r#"
[role.worker]
tools = ["authors.*", "books.*", "pages.*", "vault.*", "payouts.*", "gifts.*"]
[role.manager]
tools = ["payouts.query"]

[table.authors]
source = "main.authors"
scope = { tenant_id = "principal.tenant_id" }
fields = { id = "allow", name = "allow", email = "hash" }
relations = { books = { table = "books", foreign_key = "author_id" } }

[table.books]
source = "main.books"
scope = { tenant_id = "principal.tenant_id" }
fields = { id = "allow", title = "allow", author_id = "allow" }
relations = { pages = { table = "pages", foreign_key = "book_id" }, author = { table = "authors", key = "author_id" } }

[table.pages]
source = "main.pages"
scope = { tenant_id = "principal.tenant_id" }
fields = { id = "allow", text = "allow" }
relations = { book = { table = "books", key = "book_id" } }
[table.pages.write]
update = ["text"]
max_rows = 10

[table.vault]
source = "main.vault"
scope = { tenant_id = "principal.tenant_id" }
fields = { label = "allow", code = "hash" }
[table.vault.write]
create = ["label", "code"]
update = ["label"]
auto_set = { made_for = "principal.metadata.region" }

[table.patrons]
source = "main.patrons"
scope = { tenant_id = "principal.tenant_id" }
fields = { id = "allow" }

[table.gifts]
source = "main.gifts"
scope = { tenant_id = "principal.tenant_id" }
fields = { id = "allow", patron_id = "allow", author_id = "allow" }
relations = { secret_patron = { table = "patrons", key = "patron_id" }, author = { table = "authors", key = "author_id" } }
[table.gifts.write]
create = ["id", "patron_id", "author_id"]
update = ["patron_id", "author_id"]

[table.payouts]
source = "main.payouts"
scope = { tenant_id = "principal.tenant_id" }
fields = { id = "allow", amount = "allow", iban = "mask:last4" }
[table.payouts.write]
create = ["id", "amount", "iban"]
update = ["amount"]
approval = { roles = ["manager"] }
"#;

fn column(name: &str, kind: &str, nullable: bool) -> (String, String, bool) {
    (name.to_owned(), kind.to_owned(), nullable)
}

fn table(name: &str, columns: &[(&str, &str)], key: &str, rows: Vec<Value>) -> TableDef {
    TableDef {
        name: name.to_owned(),
        columns: columns.iter().map(|(name, kind)| column(name, kind, false)).collect(),
        key: vec![key.to_owned()],
        rows: rows.into_iter().map(|row| row.as_object().unwrap().clone()).collect(),
        ..TableDef::default()
    }
}

fn tables() -> Vec<TableDef> {
    let id = ("id", "int");
    let tenant = ("tenant_id", "text");
    vec![
        table(
            "authors",
            &[id, tenant, ("name", "text"), ("email", "text")],
            "id",
            vec![
                json!({"id": 1, "tenant_id": "acme", "name": "Ada", "email": "ada@acme.example"}),
                json!({"id": 2, "tenant_id": "globex", "name": "Bob", "email": "bob@globex.example"}),
            ],
        ),
        table(
            "books",
            &[id, tenant, ("title", "text"), ("author_id", "int")],
            "id",
            vec![json!({"id": 1, "tenant_id": "acme", "title": "A", "author_id": 1})],
        ),
        table(
            "pages",
            &[id, tenant, ("text", "text"), ("book_id", "int")],
            "id",
            (1..4).map(|id| json!({"id": id, "tenant_id": "acme", "text": "once", "book_id": 1})).collect(),
        ),
        table(
            "vault",
            &[("secret_no", "int"), tenant, ("label", "text"), ("code", "text"), ("made_for", "text")],
            "secret_no",
            vec![
                json!({"secret_no": 7001, "tenant_id": "acme", "label": "a", "code": "x", "made_for": "eu"}),
                json!({"secret_no": 7002, "tenant_id": "globex", "label": "b", "code": "y", "made_for": "eu"}),
            ],
        ),
        table(
            "patrons",
            &[id, tenant],
            "id",
            vec![json!({"id": 1, "tenant_id": "acme"}), json!({"id": 2, "tenant_id": "globex"})],
        ),
        table(
            "gifts",
            &[id, tenant, ("patron_id", "int"), ("author_id", "int")],
            "id",
            vec![json!({"id": 1, "tenant_id": "acme", "patron_id": 1, "author_id": 1})],
        ),
        table("payouts", &[id, tenant, ("amount", "int"), ("iban", "text")], "id", vec![]),
    ]
}

/// The stage on every database that is there.
pub async fn stages() -> Vec<Stage> {
    let mut stages = vec![Stage::new(Database::sqlite(), &tables(), FILE).await];
    if let Some(database) = Database::postgres().await {
        stages.push(Stage::new(database, &tables(), FILE).await);
    }
    stages
}

/// A principal of account acme.
pub fn person(user: Option<&str>, delegate: Option<&str>, roles: &[&str]) -> Principal {
    Principal {
        tenant_id: Some("acme".to_owned()),
        user_id: user.map(str::to_owned),
        delegate: delegate.map(str::to_owned),
        client_id: Some("app".to_owned()),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        ..Principal::default()
    }
}

pub fn worker(stage: &Stage) -> Arc<Bound> {
    stage.bind(person(Some("wendy"), None, &["worker"])).unwrap()
}

pub fn code(answer: &Value) -> &str {
    answer["error"]["code"].as_str().unwrap_or("done")
}
