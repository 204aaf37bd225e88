//! Cursors: one that is edited, of another tenant, of a colleague or of another question does not open.

use serde_json::{Value, json};
use tenantry_policy::{Code, Table, Tool};

use super::values::findable;
use super::{Plan, ask};
use crate::attack::{Invariant, Step, Tamper, Who};

pub(super) fn add(plan: &mut Plan<'_>, table: &Table) {
    if !plan.usable(table, Tool::Query) || table.key.is_empty() {
        return;
    }
    let first = ask(table, [("take", json!(1))]);
    let others_tables: Vec<&Table> = plan
        .policy
        .tables
        .iter()
        .filter(|other| other.id != table.id && !other.key.is_empty() && plan.usable(other, Tool::Query))
        .collect();
    let step =
        |who, arguments: &Value, cursor| Step { who, cursor, ..Step::new(Tool::Query.name(), arguments.clone()) };
    let take = |who| step(who, &first, None);
    let refused = || vec![Invariant::Refused(vec![Code::ValidationError]), Invariant::NoForeignRow];
    let mut push = |what: String, steps: Vec<Step>, invariants| {
        plan.push(super::name(table, Tool::Query, &what), steps, invariants);
    };
    for who in [Who::Victim, Who::Colleague] {
        let steps = vec![take(who), step(Who::Attacker, &first, Some(Tamper::Keep))];
        push(format!("with the cursor of the {who:?}"), steps, refused());
    }
    let tampers = [0, 10, 25, 50, 75, 99].map(Tamper::Change).into_iter().chain([Tamper::Cut, Tamper::Extend]);
    for tamper in tampers {
        let steps = vec![take(Who::Attacker), step(Who::Attacker, &first, Some(tamper))];
        push(format!("with an edited cursor ({tamper:?})"), steps, refused());
    }
    let field = findable(table).map(|(name, _)| name).next().unwrap_or("id");
    let others = [
        ("another filter", "where", json!({ "field": field, "op": "is_null", "value": false })),
        ("another order", "order_by", json!([{ "field": field, "direction": "desc" }])),
        ("another selection", "select", json!([field])),
        ("an empty filter", "where", json!([])),
    ];
    for (what, argument, value) in others {
        let mut other = first.clone();
        if let Some(members) = other.as_object_mut() {
            members.insert(argument.to_owned(), value);
        }
        push(
            format!("with the cursor of a question with {what}"),
            vec![take(Who::Attacker), step(Who::Attacker, &other, Some(Tamper::Keep))],
            refused(),
        );
    }
    // The cursor of another table.
    for other in others_tables {
        let there = step(Who::Attacker, &ask(other, [("take", json!(1))]), None);
        let steps = vec![there, step(Who::Attacker, &first, Some(Tamper::Keep))];
        push(format!("with a cursor of {}", other.name), steps, refused());
    }
    // More rows than were asked for first: allowed, but still only own ones.
    let more = ask(table, [("take", json!(table.budget.max_rows))]);
    let steps = vec![take(Who::Attacker), step(Who::Attacker, &more, Some(Tamper::Keep))];
    push("on to the end by a cursor".to_owned(), steps, vec![Invariant::NoForeignRow]);
    for cursor in
        [json!(""), json!("A"), json!("../../etc"), json!("🦀"), json!(1), json!({}), json!("A".repeat(100_000))]
    {
        let what = format!("with the cursor {:.20}", cursor.to_string());
        let steps = vec![Step::new(Tool::Query.name(), ask(table, [("cursor", cursor)]))];
        push(what, steps, refused());
    }
}
