//! The policy's version: what the rules say and what they rest on.

use sha2::{Digest, Sha256};
use tenantry_policy::catalog::{CatalogTable, Dialect};

use crate::loaded::Loaded;

/// SHA-256 of the sections that make the law (tables, roles, tenancy) in canonical form, and of the facts
/// of the catalog that they were checked against. People and branding do not change it, so cursors
/// survive a new user; estimates of row numbers do not either.
pub(super) fn of<'a>(loaded: &Loaded, tables: impl Iterator<Item = (Dialect, &'a CatalogTable)>) -> [u8; 32] {
    let mut text = String::new();
    for section in ["tenancy", "role", "table"] {
        text.push_str(section);
        if let Some(node) = loaded.root.at(&[section]) {
            node.canonical(&mut text);
        }
        text.push('\n');
    }
    for (dialect, table) in tables {
        let CatalogTable { schema, name, is_table, strict, columns, primary_key, unique, foreign_keys, rows: _ } =
            table;
        text.push_str(&format!("{dialect:?} {schema:?} {name:?} {is_table} {strict} {primary_key:?} {unique:?}\n"));
        text.push_str(&format!("{columns:?}\n{foreign_keys:?}\n"));
    }
    Sha256::digest(text.as_bytes()).into()
}
