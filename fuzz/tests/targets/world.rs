//! Two tables on either database, a file over them, and a principal.

use std::collections::BTreeMap;
use std::sync::Arc;

use tenantry_file::{SourceText, compile, load};
use tenantry_policy::catalog::{Catalog, CatalogColumn, CatalogTable, Dialect, Storage};
use tenantry_policy::principal::Datum;
use tenantry_policy::{Bound, Context, Policy, Principal, Type};

pub(crate) const DIALECTS: [Dialect; 2] = [Dialect::Sqlite, Dialect::Postgres];

/// The columns of both tables.
pub(crate) const COLUMNS: &[(&str, Type)] = &[
    ("id", Type::Int),
    ("tenant_id", Type::Text),
    ("status", Type::Text),
    ("amount", Type::Int),
    ("total", Type::Decimal),
    ("made", Type::Timestamp),
    ("open", Type::Bool),
    ("batch", Type::Uuid),
    ("customer_id", Type::Int),
    ("secret", Type::Text),
];

fn column(dialect: Dialect, name: &str, ty: Type) -> CatalogColumn {
    let (native, storage) = match (ty, dialect) {
        (Type::Int, Dialect::Postgres) => ("int8", Storage::Native),
        (Type::Int, Dialect::Sqlite) => ("INTEGER", Storage::Native),
        (Type::Decimal, Dialect::Postgres) => ("numeric", Storage::Native),
        (Type::Decimal, Dialect::Sqlite) => ("NUMERIC(12,2)", Storage::DecimalNumber),
        (Type::Timestamp, Dialect::Postgres) => ("timestamptz", Storage::Native),
        (Type::Timestamp, Dialect::Sqlite) => ("TIMESTAMP", Storage::TimestampText),
        (Type::Bool, Dialect::Postgres) => ("bool", Storage::Native),
        (Type::Bool, Dialect::Sqlite) => ("BOOLEAN", Storage::BoolInt),
        (Type::Uuid, Dialect::Postgres) => ("uuid", Storage::Native),
        (Type::Uuid, Dialect::Sqlite) => ("UUID", Storage::UuidText),
        (_, Dialect::Postgres) => ("text", Storage::Native),
        (_, Dialect::Sqlite) => ("TEXT", Storage::Native),
    };
    CatalogColumn {
        name: name.to_owned(),
        ty: Some(ty),
        native: native.to_owned(),
        storage,
        scale: (ty == Type::Decimal).then_some(2),
        whole_digits: (ty == Type::Decimal).then_some(10),
        nullable: !matches!(name, "id" | "tenant_id"),
        has_default: name == "id",
        generated: false,
        loose_collation: None,
        padded: false,
    }
}

/// What a database says of the tables.
pub(crate) fn catalog(dialect: Dialect) -> Catalog {
    let schema = if dialect == Dialect::Postgres { "public" } else { "main" };
    let tables = ["customers", "orders"].map(|name| CatalogTable {
        schema: schema.to_owned(),
        name: name.to_owned(),
        is_table: true,
        strict: true,
        columns: COLUMNS.iter().map(|(name, ty)| column(dialect, name, *ty)).collect(),
        primary_key: vec![0],
        ..CatalogTable::default()
    });
    Catalog { dialect, tables: tables.to_vec() }
}

/// A file with one more rule, as a person would write it.
pub(crate) fn file(rule: &str) -> String {
    let fields: Vec<String> = COLUMNS[..9].iter().map(|(name, _)| format!("{name} = \"allow\"")).collect();
    let fields = fields.join(", ");
    format!(
        "[source.main]\nurl = \"env:MAIN_URL\"\n\
         [role.admin]\ntools = [\"orders.*\", \"customers.*\"]\n\
         [table.customers]\nsource = \"main.customers\"\nscope = {{ tenant_id = \"principal.tenant_id\" }}\nfields = {{ {fields} }}\n\
         relations.orders = {{ table = \"orders\", foreign_key = \"customer_id\" }}\n\
         [table.orders]\nsource = \"main.orders\"\nscope = {{ tenant_id = \"principal.tenant_id\" }}\nfields = {{ {fields} }}\n\
         relations.customer = {{ table = \"customers\", key = \"customer_id\" }}\n\
         write = {{ create = true, update = [\"status\", \"amount\", \"total\", \"made\", \"open\", \"batch\", \"customer_id\"], delete = true, max_rows = 50 }}\n\
         {rule}"
    )
}

/// The policy, or that there is none.
pub(crate) fn policy(text: String, dialect: Dialect) -> Option<Policy> {
    let loaded = load(vec![SourceText::new("tenantry.toml", text)]).ok()?;
    let catalogs = BTreeMap::from([("main".to_owned(), catalog(dialect))]);
    compile(&loaded, &catalogs).ok().map(|compiled| compiled.policy)
}

/// Somebody who may call every tool.
pub(crate) fn principal() -> Principal {
    Principal {
        tenant_id: Some("acme".to_owned()),
        user_id: Some("ann".to_owned()),
        roles: vec!["admin".to_owned()],
        metadata: BTreeMap::from([
            ("word".to_owned(), Datum::Text("zqx'; DROP TABLE orders; --".to_owned())),
            ("words".to_owned(), Datum::List(vec![Datum::Text("zqx\"".to_owned())])),
        ]),
        ..Principal::default()
    }
}

/// The principal under a policy; none where its attributes do not fit.
pub(crate) fn context(policy: Policy) -> Option<Context> {
    let bound = Bound::new(Arc::new(policy), Arc::new(principal())).ok()?;
    Some(Context { bound: Arc::new(bound), now_micros: 1_767_225_600_000_000, request_id: Arc::from("req") })
}
