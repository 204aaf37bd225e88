//! Rights in databases: what steps give to roles there, or take.

use serde_json::Value;

use crate::plan::{Effect, Plan};
use crate::resource::Kind;
use crate::step::{Action, Step};

/// Adds what the steps on rights do.
pub(super) fn compare(plan: &Plan, effects: &mut Vec<Effect>) {
    for step in &plan.steps {
        if step.kind == Kind::DbSeat {
            seat(step, effects);
        }
        if !matches!(step.kind, Kind::DbGrant | Kind::DbDefault | Kind::DbMembership) || step.action == Action::Adopt {
            continue;
        }
        let (mut gained, mut lost) = (Vec::new(), Vec::new());
        for change in &step.changes {
            let items = |value: &Option<Value>| -> Vec<String> {
                match value {
                    Some(Value::Array(items)) => {
                        items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect()
                    }
                    Some(Value::Bool(true)) => vec![change.field.to_uppercase()],
                    // `privileges.SELECT`, `columns.id.SELECT`: granted, or with the option to give it on.
                    Some(Value::String(how)) => {
                        let mut parts = change.field.split('.');
                        let (first, rest) = (parts.next().unwrap_or_default(), parts.collect::<Vec<_>>());
                        let told = match (first, rest.as_slice()) {
                            ("privileges", [right]) => (*right).to_owned(),
                            ("columns", [column @ .., right]) => format!("{right} ({})", column.join(".")),
                            _ => return Vec::new(),
                        };
                        vec![if how == "granted" { told } else { format!("{told} {how}") }]
                    }
                    _ => Vec::new(),
                }
            };
            let (before, after) = (items(&change.before), items(&change.after));
            gained.extend(after.iter().filter(|item| !before.contains(item)).cloned());
            lost.extend(before.iter().filter(|item| !after.contains(item)).cloned());
        }
        // A membership without options is one all the same.
        if step.kind == Kind::DbMembership {
            match step.action {
                Action::Create => gained.insert(0, "membership".to_owned()),
                Action::Delete => lost.insert(0, "membership".to_owned()),
                _ => {}
            }
        }
        for (way, things) in [("gains", gained), ("loses", lost)] {
            if !things.is_empty() {
                effects.push(Effect {
                    way,
                    who: step.address.to_string(),
                    what: things.join(", "),
                    whom: Vec::new(),
                    shown_by: None,
                });
            }
        }
    }
}

/// Whose rows whoever logs in as a role sees, as far as the rules and its grants let it.
fn seat(step: &Step, effects: &mut Vec<Effect>) {
    for change in step.changes.iter().filter(|change| change.field == "tenant") {
        for (way, account) in [("loses", &change.before), ("gains", &change.after)] {
            let Some(account) = account.as_ref().and_then(Value::as_str) else { continue };
            effects.push(Effect {
                way,
                who: step.address.to_string(),
                what: format!("rows of account {account}, in psql, where its grants reach"),
                whom: Vec::new(),
                shown_by: None,
            });
        }
    }
}
