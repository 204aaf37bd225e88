//! Policies from text over hand-made tables.

use std::collections::BTreeMap;

use tenantry_file::{SourceText, compile, load};
use tenantry_policy::catalog::{Catalog, CatalogColumn, CatalogTable, Dialect, ForeignKey, Storage};
use tenantry_policy::{Policy, Type};

use crate::tables::{TableText, shown, tables};

fn column((name, kind, nullable): &(String, String, bool)) -> CatalogColumn {
    let (ty, native, storage) = match kind.as_str() {
        "int" => (Type::Int, "int8", Storage::Native),
        "text" => (Type::Text, "text", Storage::Native),
        "uuid" => (Type::Uuid, "uuid", Storage::Native),
        "bool" => (Type::Bool, "bool", Storage::Native),
        "decimal" => (Type::Decimal, "numeric", Storage::Native),
        "timestamp" => (Type::Timestamp, "timestamptz", Storage::Native),
        other => panic!("no type {other}"),
    };
    CatalogColumn {
        name: name.clone(),
        ty: Some(ty),
        native: native.to_owned(),
        storage,
        scale: (ty == Type::Decimal).then_some(2),
        whole_digits: (ty == Type::Decimal).then_some(8),
        nullable: *nullable,
        has_default: false,
        generated: false,
        loose_collation: None,
        padded: false,
    }
}

/// What a database would say of these tables.
fn catalog(texts: &[TableText]) -> Catalog {
    let mut tables: Vec<CatalogTable> = texts
        .iter()
        .map(|text| {
            let at = |name: &String| text.columns.iter().position(|column| column.0 == *name).unwrap();
            let foreign_keys = text.foreign.iter().map(|(own, table, theirs)| ForeignKey {
                columns: own.iter().map(at).collect(),
                to_schema: "public".to_owned(),
                to_table: table.clone(),
                to_columns: theirs.clone(),
            });
            CatalogTable {
                schema: "public".to_owned(),
                name: text.name.clone(),
                is_table: true,
                columns: text.columns.iter().map(column).collect(),
                primary_key: text.key.iter().map(at).collect(),
                unique: text.unique.iter().map(|key| key.iter().map(at).collect()).collect(),
                foreign_keys: foreign_keys.collect(),
                ..CatalogTable::default()
            }
        })
        .collect();
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    Catalog { dialect: Dialect::Postgres, tables }
}

/// The policy that a file makes over these tables.
pub(crate) fn policy(texts: &[TableText], file: &str) -> Result<Policy, String> {
    let told = |found: Vec<tenantry_file::Diagnostic>| found.iter().map(|one| format!("{one:?}\n")).collect::<String>();
    let text = format!("[source.main]\nurl = \"env:MAIN_URL\"\n{file}");
    let loaded = load(vec![SourceText { name: "tenantry.toml".to_owned(), text }]).map_err(told)?;
    let catalogs = BTreeMap::from([("main".to_owned(), catalog(texts))]);
    compile(&loaded, &catalogs).map(|compiled| compiled.policy).map_err(told)
}

/// The same from text.
pub(crate) fn policy_of(text: &str, file: &str) -> Policy {
    let texts = tables(text);
    policy(&texts, &shown(file, &texts)).unwrap_or_else(|told| panic!("{told}"))
}
