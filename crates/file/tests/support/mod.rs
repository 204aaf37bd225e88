//! Catalogs made by hand, as the databases would describe themselves.

use std::collections::BTreeMap;

use tenantry_policy::Type;
use tenantry_policy::catalog::{Catalog, CatalogColumn, CatalogTable, Dialect, ForeignKey, Storage};

/// `name type` with marks: `?` nullable, `=` has a default, `!` generated, `~` NOCASE, `_` padded.
fn column(spec: &str) -> CatalogColumn {
    let (name, rest) = spec.split_once(' ').unwrap();
    let word = rest.trim_end_matches(['?', '=', '!', '~', '_']);
    let (ty, native, storage) = match word {
        "int" => (Some(Type::Int), "int8", Storage::Native),
        "text" => (Some(Type::Text), "text", Storage::Native),
        "bool" => (Some(Type::Bool), "bool", Storage::Native),
        "uuid" => (Some(Type::Uuid), "uuid", Storage::Native),
        "decimal" => (Some(Type::Decimal), "numeric", Storage::Native),
        "timestamp" => (Some(Type::Timestamp), "timestamptz", Storage::Native),
        "date" => (Some(Type::Date), "date", Storage::Native),
        "INTEGER" => (Some(Type::Int), "INTEGER", Storage::Native),
        "TEXT" => (Some(Type::Text), "TEXT", Storage::Native),
        "array" => (None, "_text", Storage::Native),
        other => panic!("{other}"),
    };
    CatalogColumn {
        name: name.to_owned(),
        ty,
        native: native.to_owned(),
        storage,
        scale: (ty == Some(Type::Decimal)).then_some(2),
        whole_digits: None,
        nullable: rest.contains('?'),
        has_default: rest.contains('='),
        generated: rest.contains('!'),
        loose_collation: rest.contains('~').then(|| "NOCASE".to_owned()),
        padded: rest.contains('_'),
    }
}

fn table(schema: &str, name: &str, columns: &[&str], key: &[&str]) -> CatalogTable {
    let columns: Vec<CatalogColumn> = columns.iter().map(|spec| column(spec)).collect();
    let at = |name: &str| columns.iter().position(|column| column.name == name).unwrap();
    let primary_key = key.iter().map(|name| at(name)).collect();
    CatalogTable {
        schema: schema.to_owned(),
        name: name.to_owned(),
        is_table: true,
        strict: true,
        primary_key,
        columns,
        ..CatalogTable::default()
    }
}

/// A PostgreSQL database and a SQLite one.
pub(crate) fn catalogs() -> BTreeMap<String, Catalog> {
    let mut orders = table(
        "public",
        "orders",
        &[
            "id int=",
            "tenant_id text",
            "organization_id text?",
            "customer_id int?",
            "status text=",
            "card text?",
            "email text?",
            "note text?",
            "total decimal?",
            "tags array?",
            "search text!",
            "created_at timestamp=",
            "deleted_at timestamp?",
            "archived bool=",
            "code text",
        ],
        &["id"],
    );
    orders.unique = vec![vec![1, 14]];
    orders.foreign_keys = vec![ForeignKey {
        columns: vec![3],
        to_schema: "public".to_owned(),
        to_table: "customers".to_owned(),
        to_columns: vec!["id".to_owned()],
    }];
    let mut customers =
        table("public", "customers", &["id int=", "tenant_id text", "name text", "code text", "region text?"], &["id"]);
    customers.unique = vec![vec![3]];
    let lines = table(
        "public",
        "order_lines",
        &["order_id int", "line int", "product text", "quantity int"],
        &["order_id", "line"],
    );
    let plans = table("public", "plans", &["id int", "name text", "is_public bool"], &["id"]);
    let log = table("public", "log", &["tenant_id text", "message text"], &[]);
    let odd =
        table("public", "odd", &["id int", "tenant_id text~", "padded text_", "number int", "parent_id int?"], &["id"]);
    let mut view = table("public", "order_view", &["id int", "tenant_id text"], &[]);
    view.is_table = false;
    let postgres =
        Catalog { dialect: Dialect::Postgres, tables: vec![orders, customers, lines, plans, log, odd, view] };
    let mut notes = table(
        "main",
        "notes",
        &[
            "id INTEGER=",
            "tenant_id TEXT",
            "body TEXT?",
            "created_at INTEGER?",
            "done INTEGER",
            "public_id TEXT?",
            "deleted_at INTEGER?",
        ],
        &["id"],
    );
    notes.strict = false;
    let sqlite = Catalog { dialect: Dialect::Sqlite, tables: vec![notes] };
    BTreeMap::from([("main".to_owned(), postgres), ("local".to_owned(), sqlite)])
}
