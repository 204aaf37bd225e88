//! Row security as text.

use tenantry_policy::catalog::Dialect;

use super::world::{context, parent, shop};
use crate::{row_security, settings};

#[test]
fn the_script_as_text() {
    let script = row_security(&shop(Dialect::Postgres), "main", "app \"runtime\"").unwrap();
    let text: Vec<String> =
        script.iter().map(|ddl| format!("-- {}: {}\n{};\n", ddl.table, ddl.purpose, ddl.sql)).collect();
    insta::assert_snapshot!("row security", text.join("\n"));
}

#[test]
fn other_sources_and_databases_have_no_script() {
    assert_eq!(row_security(&shop(Dialect::Postgres), "other", "app"), Ok(Vec::new()));
    assert_eq!(row_security(&shop(Dialect::Sqlite), "main", "app"), Ok(Vec::new()));
}

#[test]
fn every_attribute_has_a_setting() {
    let context = context(shop(Dialect::Postgres), parent("acme", &["a \"b\"", "c\\"]));
    let found = settings(&context);
    assert_eq!(found.len(), context.bound.policy.attributes.len());
    let of = |name: &str| found.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str());
    assert_eq!(of("tenantry.tenant_id"), Some("acme"));
    assert_eq!(of("tenantry.metadata.tenant_hierarchy"), Some(r#"{"a \"b\"","c\\"}"#));
    assert_eq!(of("tenantry.roles"), Some("{}"));
}
