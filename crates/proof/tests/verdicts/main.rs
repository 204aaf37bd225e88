//! Policies whose verdicts are known (policies.toml), and what a change shows.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    missing_docs,
    reason = "tests"
)]

mod support;
mod tables;

use std::collections::BTreeSet;

use support::{policy, policy_of};
use tenantry_policy::{Op, Policy};
use tenantry_proof::{Difference, Gained, Obligation, Outcome, Promise, compare, prove, prove_table};

/// `read-own:orders:read`: the promise, the table, and what tells it from others.
fn names(one: &Obligation) -> Vec<String> {
    let base = format!("{}:{}", one.promise.name(), one.table);
    let mut names = vec![base.clone()];
    names.extend(one.op.map(|op| format!("{base}:{}", op.name())));
    if let Some(last) = one.about.as_ref().and_then(|about| about.as_str().rsplit('.').next()) {
        names.push(format!("{base}:{last}"));
    }
    names
}

/// The listed names that nothing answers to, and the obligations that none names.
fn differences(listed: &BTreeSet<String>, found: &[&Obligation]) -> String {
    let mut text = String::new();
    for name in listed {
        if !found.iter().any(|one| names(one).contains(name)) {
            text.push_str(&format!("  not found: {name}\n"));
        }
    }
    for one in found {
        if !names(one).iter().any(|name| listed.contains(name)) {
            text.push_str(&format!("  not listed: {:?} {:?}\n", names(one), one.outcome));
        }
    }
    text
}

#[test]
fn every_policy_has_its_verdict() {
    let cases = tables::cases();
    let mut wrong = String::new();
    for case in &cases {
        let policy = match policy(&case.tables, &case.file) {
            Ok(policy) => policy,
            Err(told) => {
                wrong.push_str(&format!("{}: {told}\n", case.name));
                continue;
            }
        };
        let report = prove(&policy);
        let listed = |names: &[String]| names.iter().cloned().collect::<BTreeSet<String>>();
        let mut text = differences(&listed(&case.leaks), &report.leaks().collect::<Vec<_>>());
        text += &differences(&listed(&case.idle), &report.idle().collect::<Vec<_>>());
        text += &differences(&listed(&case.open), &report.undecided().chain(report.faults()).collect::<Vec<_>>());
        for leak in report.leaks() {
            let Outcome::Leaks(witness) = &leak.outcome else { continue };
            if case.rule.as_ref().is_some_and(|rule| !witness.rules.contains(rule)) {
                text.push_str(&format!("  not by {:?}: {:?} {:?}\n", case.rule, names(leak), witness.rules));
            }
        }
        if !text.is_empty() {
            wrong.push_str(&format!("{}\n{text}", case.name));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    let leaking = cases.iter().filter(|case| !case.leaks.is_empty()).count();
    eprintln!("{} policies, {leaking} of them leak", cases.len());
}

/// What differs, where all of it could be looked through.
fn diff(old: &Policy, new: &Policy) -> Vec<Difference> {
    let compared = compare(old, new);
    assert_eq!(compared.open, []);
    compared.differences
}

/// Rules that name more values than are looked through: 25 attributes that are prefixes of one text.
fn too_large() -> Policy {
    let prefixes: Vec<String> = (0..25).map(|at| format!("status STARTS WITH principal.metadata.p{at}")).collect();
    policy_of(
        "orders(id int not null, tenant_id text not null, status text)",
        &format!(
            "[table.orders]\nsource = \"main.orders\"\nscope = {{ tenant_id = \"principal.tenant_id\" }}\n\
             require.begins = {{ when = \"{}\" }}\nwrite = {{ update = [\"status\"] }}\n",
            prefixes.join(" OR ")
        ),
    )
}

#[test]
fn a_policy_that_is_too_large_is_named_and_never_taken_for_proved() {
    let policy = too_large();
    let report = prove(&policy);
    let said =
        |one: &&Obligation| matches!(&one.outcome, Outcome::Undecided(why) if why.contains("too many text values"));
    assert_eq!(report.undecided().filter(said).count(), report.undecided().count());
    let decided: Vec<_> = report
        .obligations
        .iter()
        .filter(|one| !matches!(one.promise, Promise::Structure | Promise::Missing))
        .filter(|one| !matches!(one.outcome, Outcome::Undecided(_)))
        .collect();
    assert!(decided.is_empty(), "{decided:?}");
    assert!(report.undecided().count() > 5);
    // Nor is a change of it taken for none.
    let narrow = policy_of(
        "orders(id int not null, tenant_id text not null, status text)",
        "[table.orders]\nsource = \"main.orders\"\nscope = { tenant_id = \"principal.tenant_id\" }\n",
    );
    for (old, new) in [(&policy, &narrow), (&narrow, &policy), (&policy, &policy)] {
        let compared = compare(old, new);
        assert_eq!(compared.differences, []);
        let open: Vec<(&str, Op)> = compared.open.iter().map(|one| (one.table.as_str(), one.op)).collect();
        assert_eq!(open, [("orders", Op::Read), ("orders", Op::Update)]);
        assert!(compared.open.iter().all(|one| one.why.contains("too large")), "{:?}", compared.open);
    }
}

#[test]
fn a_change_is_told_with_a_row() {
    let tables = "orders(id int not null, tenant_id text not null, status text)";
    let with = |rules: &str| {
        policy_of(
            tables,
            &format!(
                "[table.orders]\nsource = \"main.orders\"\nscope = {{ tenant_id = \"principal.tenant_id\" }}\n{rules}"
            ),
        )
    };
    let (plain, narrow) = (with(""), with("require.open = { when = \"status = 'open'\" }"));
    assert!(diff(&plain, &plain).is_empty());
    let lost = diff(&plain, &narrow);
    assert_eq!(lost.iter().map(|one| one.gained).collect::<Vec<_>>(), [Gained::LostOwn]);
    let gained = diff(&narrow, &plain);
    assert_eq!(gained.iter().map(|one| one.gained).collect::<Vec<_>>(), [Gained::Own]);
    let shared = with("shared = \"status = 'public'\"");
    assert_eq!(diff(&plain, &shared).iter().map(|one| one.gained).collect::<Vec<_>>(), [Gained::Foreign]);
}

#[test]
fn a_leak_is_a_principal_and_a_row() {
    let policy = policy_of(
        "orders(id int not null, tenant_id text not null, status text)",
        "[table.orders]\nsource = \"main.orders\"\nscope = { tenant_id = \"principal.tenant_id\" }\npermit.public = { when = \"status = 'public'\" }",
    );
    let report = prove(&policy);
    let leak = report.leaks().next().unwrap();
    let Outcome::Leaks(witness) = &leak.outcome else { panic!("no leak") };
    assert_eq!(witness.rules, ["table.orders.permit.public"]);
    assert_eq!(witness.rows.len(), 1);
}

/// P6 in short: all obligations of many tables (`TENANTRY_PROOF_TABLES`, 100), and those of one.
#[test]
#[allow(clippy::disallowed_methods, reason = "prints how long it took, and asserts nothing of it")]
fn many_tables_take_seconds() {
    let mut tables = String::new();
    let mut file = String::from("[tenancy]\nreach.read = [\"principal.metadata.children\"]\n");
    let count: usize = std::env::var("TENANTRY_PROOF_TABLES").ok().and_then(|text| text.parse().ok()).unwrap_or(100);
    for at in 0..count {
        tables.push_str(&format!(
            "t{at}(id int not null, tenant_id text not null, status text, owner text, amount int);"
        ));
        file.push_str(&format!(
            "[table.t{at}]\nsource = \"main.t{at}\"\nscope = {{ tenant_id = \"principal.tenant_id\" }}\nshared = \"status = 'public'\"\n\
             permit.children = {{ when = \"tenant_id IN principal.metadata.children\" }}\n\
             bypass.support = {{ when = \"'support' IN principal.roles\" }}\n\
             require.small = {{ when = \"amount < {at} OR owner = principal.user_id\" }}\n\
             write = {{ create = [\"status\", \"owner\", \"amount\"], update = [\"status\", \"amount\"], delete = true }}\n"
        ));
    }
    let policy = policy_of(&tables.replace("id int not null", "id int"), &file);
    let began = std::time::Instant::now();
    let report = prove(&policy);
    eprintln!("{} obligations of {} tables in {:?}", report.obligations.len(), policy.tables.len(), began.elapsed());
    assert_eq!(report.leaks().count(), 0);
    let began = std::time::Instant::now();
    let one = prove_table(&policy, &policy.tables[0]);
    eprintln!("{} obligations of one table in {:?}", one.len(), began.elapsed());
}
