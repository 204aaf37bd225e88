//! Row security as text.

use tenantry_policy::Type;
use tenantry_policy::catalog::Dialect;
use tenantry_policy::table::{OpSet, RuleKind, Writes};

use super::world::{Spec, column, context, parent, policy, shop};
use crate::{policy_expressions, row_security, settings};

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

#[test]
fn what_may_hold_without_a_related_row_stays_outside_of_its_test() {
    let lines = |when: &'static str| {
        let line = Spec {
            name: "lines",
            columns: vec![
                column(Dialect::Postgres, "id", Type::Int, false),
                column(Dialect::Postgres, "order_id", Type::Int, true),
            ],
            key: vec!["id"],
            unique: vec![],
            relations: vec![("order", "orders", true, "order_id", "id")],
            rules: vec![(RuleKind::Scope, "", OpSet::ALL, when)],
            boundary: ("TRUE", "TRUE"),
            writes: |_| Writes::default(),
        };
        let orders = Spec {
            name: "orders",
            columns: vec![
                column(Dialect::Postgres, "id", Type::Int, false),
                column(Dialect::Postgres, "owner", Type::Text, true),
            ],
            key: vec!["id"],
            unique: vec![],
            relations: vec![],
            rules: vec![(RuleKind::Shared, "", OpSet::READ, "TRUE")],
            boundary: ("TRUE", "TRUE"),
            writes: |_| Writes::default(),
        };
        let found = policy_expressions(&policy(Dialect::Postgres, vec![line, orders]), "main").unwrap();
        found.into_iter().find(|policy| policy.name == "tenantry:scope").and_then(|policy| policy.using).unwrap()
    };
    for (when, whole) in [
        ("order.owner = principal.tenant_id", true),
        ("order.owner = principal.tenant_id OR order.owner IN principal.metadata.list", true),
        ("NOT (order.owner NOT IN principal.metadata.list)", true),
        // With an empty list these are TRUE although there is no order at all.
        ("order.owner NOT IN principal.metadata.list", false),
        ("NOT (order.owner IN principal.metadata.list)", false),
        ("order.owner = 'x' OR 'support' IN principal.roles", false),
        ("order.owner = 'x' OR HAS principal.metadata.level", false),
    ] {
        let text = lines(when);
        assert_eq!(text.starts_with("EXISTS ("), whole, "{when}: {text}");
    }
}
