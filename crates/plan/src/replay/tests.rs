use std::collections::{BTreeMap, BTreeSet};

use tenantry_file::{SourceText, compile, load};
use tenantry_policy::catalog::{Catalog, CatalogColumn, CatalogTable, Dialect, Storage};
use tenantry_policy::{Op, Type, Value};
use tenantry_proof::{Cast, prove};

use super::*;

fn column(name: &str, ty: Type, nullable: bool) -> CatalogColumn {
    CatalogColumn {
        name: name.to_owned(),
        ty: Some(ty),
        native: String::new(),
        storage: Storage::Native,
        scale: (ty == Type::Decimal).then_some(2),
        whole_digits: None,
        nullable,
        has_default: false,
        generated: false,
        loose_collation: None,
        padded: false,
    }
}

fn policy(rules: &str) -> Policy {
    let columns = vec![
        column("id", Type::Int, false),
        column("tenant_id", Type::Text, true),
        column("status", Type::Text, true),
        column("amount", Type::Decimal, true),
    ];
    let table = CatalogTable {
        schema: "public".to_owned(),
        name: "orders".to_owned(),
        is_table: true,
        columns,
        primary_key: vec![0],
        ..CatalogTable::default()
    };
    let text = format!(
        "[source.main]\nurl = \"env:MAIN_URL\"\n[table.orders]\nsource = \"main.orders\"\n\
         scope = {{ tenant_id = \"principal.tenant_id\" }}\n\
         fields = {{ id = \"allow\", tenant_id = \"allow\", status = \"allow\", amount = \"allow\" }}\n{rules}"
    );
    let loaded = load(vec![SourceText::new("tenantry.toml", text)]).unwrap();
    let catalog = Catalog { dialect: Dialect::Postgres, tables: vec![table] };
    compile(&loaded, &BTreeMap::from([("main".to_owned(), catalog)])).unwrap().policy
}

fn tried(policy: &Policy) -> Vec<Obligation> {
    let mut obligations = prove(policy).obligations;
    in_memory(policy, &mut obligations);
    obligations
}

fn leaks(obligations: &[Obligation]) -> Vec<&Witness> {
    let each = obligations.iter().filter_map(|one| match &one.outcome {
        Outcome::Leaks(witness) => Some(witness.as_ref()),
        _ => None,
    });
    each.collect()
}

fn faults(obligations: &[Obligation]) -> Vec<&str> {
    let each = obligations.iter().filter_map(|one| match &one.outcome {
        Outcome::Fault(why) => Some(why.as_str()),
        _ => None,
    });
    each.collect()
}

#[test]
fn a_leak_is_tried_in_sqlite_before_it_is_shown() {
    let all = tried(&policy(
        "permit.public = { when = \"status = 'public'\", on = [\"read\", \"update\"] }\nwrite = { update = [\"status\"] }\n",
    ));
    assert_eq!(faults(&all), Vec::<&str>::new());
    let promises: BTreeSet<&str> =
        all.iter().filter(|one| matches!(one.outcome, Outcome::Leaks(_))).map(|one| one.promise.name()).collect();
    assert_eq!(promises, BTreeSet::from(["boundary-idle", "read-own", "update-own", "update-stays"]));
    assert!(leaks(&all).iter().all(|witness| witness.replayed == ["evaluator", "SQLite"]));
}

#[test]
fn rules_that_read_roles_see_those_of_the_witness_alone() {
    // A principal without any role, and a row without a status: with the role of the rehearsal it would be UNKNOWN.
    let all = tried(&policy("permit.odd = { when = \"NOT (status IN principal.roles)\" }\n"));
    assert_eq!(faults(&all), Vec::<&str>::new());
    assert!(!leaks(&all).is_empty());
    let none = tried(&policy("permit.nobody = { when = \"NOT HAS principal.roles\" }\n"));
    assert_eq!(faults(&none), Vec::<&str>::new());
}

#[test]
fn what_does_not_happen_is_a_fault_and_no_leak() {
    let policy = policy("permit.public = { when = \"status = 'public'\" }\n");
    let mut obligations = prove(&policy).obligations;
    obligations.retain(|one| matches!(one.outcome, Outcome::Leaks(_)));
    // A prover that is wrong: it says that a private row is shown.
    for one in &mut obligations {
        let Outcome::Leaks(witness) = &mut one.outcome else { panic!() };
        witness.rows[0].columns.insert(2, Some(Value::text("private")));
    }
    in_memory(&policy, &mut obligations);
    assert_eq!(faults(&obligations).len(), obligations.len());
    assert!(faults(&obligations).iter().all(|why| why.contains("SQLite does not")), "{obligations:?}");
}

#[test]
fn a_boundary_that_does_not_hold_is_a_fault() {
    let policy = policy("permit.public = { when = \"status = 'public'\" }\n");
    let mut obligations = prove(&policy).obligations;
    obligations.retain(|one| one.promise == Promise::Boundary);
    assert!(matches!(obligations[0].outcome, Outcome::Leaks(_)));
    let mut broken = policy.clone();
    broken.tables[0].boundary = [(); 4].map(|()| Cond::Const(true));
    in_memory(&broken, &mut obligations);
    assert!(faults(&obligations)[0].contains("the boundary does not keep it"), "{obligations:?}");
}

#[test]
fn numbers_that_sqlite_does_not_hold_are_said_and_not_taken_for_tried() {
    let policy = policy("permit.large = { when = \"amount > DECIMAL '79228162514264337593543950.01'\" }\n");
    let all = tried(&policy);
    assert_eq!(faults(&all), Vec::<&str>::new());
    let replayed = &leaks(&all)[0].replayed;
    assert!(replayed[1].starts_with("not SQLite (SQLite does not hold"), "{replayed:?}");
}

#[test]
fn rows_without_a_key_and_with_odd_names_are_found() {
    let mut policy = policy("permit.public = { when = \"status = 'public'\" }\n");
    policy.tables[0].key.clear();
    policy.tables[0].columns[3].facts.name = "Rehearsed_Row\"; --".to_owned();
    let all = tried(&policy);
    assert_eq!(faults(&all), Vec::<&str>::new());
    assert!(!leaks(&all).is_empty());
}

#[test]
fn rows_that_contradict_themselves_are_refused() {
    let policy = policy("");
    let row = |columns| Cast { role: "row".to_owned(), table: TableId(7), columns, of: Vec::new() };
    let witness = Witness {
        principal: Vec::new(),
        now_micros: 0,
        rows: vec![row(BTreeMap::new())],
        rules: Vec::new(),
        replayed: Vec::new(),
    };
    assert!(rows::fill(&policy, &witness).is_err());
    let obligation = Obligation {
        promise: Promise::Read,
        table: "orders".to_owned(),
        op: Some(Op::Read),
        about: None,
        outcome: Outcome::Leaks(Box::new(witness)),
    };
    let mut all = [obligation];
    in_memory(&policy, &mut all);
    assert_eq!(faults(&all).len(), 1);
}
