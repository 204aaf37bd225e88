//! Policies from text over hand-made tables.

use std::collections::BTreeMap;

use tenantry_file::{SourceText, compile, load};
use tenantry_policy::catalog::{Catalog, CatalogColumn, CatalogTable, Dialect, ForeignKey, Storage};
use tenantry_policy::{Policy, Type};

fn column(text: &str) -> CatalogColumn {
    let (name, rest) = text.split_once(' ').unwrap();
    let nullable = !rest.contains("not null");
    let (ty, native, storage) = match rest.split(' ').next().unwrap() {
        "int" => (Type::Int, "int8", Storage::Native),
        "text" => (Type::Text, "text", Storage::Native),
        "uuid" => (Type::Uuid, "uuid", Storage::Native),
        "bool" => (Type::Bool, "bool", Storage::Native),
        "decimal" => (Type::Decimal, "numeric", Storage::Native),
        "timestamp" => (Type::Timestamp, "timestamptz", Storage::Native),
        other => panic!("no type {other}"),
    };
    CatalogColumn {
        name: name.to_owned(),
        ty: Some(ty),
        native: native.to_owned(),
        storage,
        scale: (ty == Type::Decimal).then_some(2),
        whole_digits: (ty == Type::Decimal).then_some(8),
        nullable,
        has_default: false,
        generated: false,
        loose_collation: None,
        padded: false,
    }
}

/// `orders(id int not null, tenant_id text, customer_id int -> customers.id); …`, the first column the key.
pub(crate) fn catalog(text: &str) -> Catalog {
    let mut tables = Vec::new();
    for table in text.split(';').map(str::trim).filter(|table| !table.is_empty()) {
        let (name, rest) = table.split_once('(').unwrap();
        let mut columns = Vec::new();
        let mut foreign_keys = Vec::new();
        for (at, text) in rest.trim_end_matches(')').split(',').map(str::trim).enumerate() {
            let (own, to) = text.split_once(" -> ").map_or((text, None), |(own, to)| (own, Some(to)));
            columns.push(column(own));
            if let Some(to) = to {
                let (table, column) = to.split_once('.').unwrap();
                foreign_keys.push(ForeignKey {
                    columns: vec![at],
                    to_schema: "public".to_owned(),
                    to_table: table.to_owned(),
                    to_columns: vec![column.to_owned()],
                });
            }
        }
        tables.push(CatalogTable {
            schema: "public".to_owned(),
            name: name.trim().to_owned(),
            is_table: true,
            columns,
            primary_key: vec![0],
            foreign_keys,
            ..CatalogTable::default()
        });
    }
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    Catalog { dialect: Dialect::Postgres, tables }
}

/// Every column may be seen: what callers may see is not what is tried here.
fn shown(tables: &str, file: &str) -> String {
    let mut text = file.to_owned();
    for table in catalog(tables).tables {
        let fields: Vec<String> = table.columns.iter().map(|column| format!("{} = \"allow\"", column.name)).collect();
        let source = format!("source = \"main.{}\"", table.name);
        text = text.replace(&source, &format!("{source}\nfields = {{ {} }}", fields.join(", ")));
    }
    text
}

/// The policy that a file makes over these tables.
pub(crate) fn policy(tables: &str, file: &str) -> Policy {
    let file = shown(tables, file);
    let text = format!("[source.main]\nurl = \"env:MAIN_URL\"\n{file}");
    let loaded = load(vec![SourceText { name: "tenantry.toml".to_owned(), text }])
        .unwrap_or_else(|found| panic!("{}", found.iter().map(|one| format!("{one:?}\n")).collect::<String>()));
    let catalogs = BTreeMap::from([("main".to_owned(), catalog(tables))]);
    let compiled = compile(&loaded, &catalogs)
        .unwrap_or_else(|found| panic!("{}", found.iter().map(|one| format!("{one:?}\n")).collect::<String>()));
    compiled.policy
}
