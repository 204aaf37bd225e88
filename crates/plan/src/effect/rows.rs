//! Rows: what a change of the rules shows or hides, by the prover.

use tenantry_file::Loaded;
use tenantry_policy::Op;
use tenantry_proof::{Gained, compare as differences};

use crate::effect::Side;
use crate::plan::Effect;
use crate::told::Told;

fn act(op: Op) -> &'static str {
    match op {
        Op::Read => "reading",
        Op::Create => "creating",
        Op::Update => "changing",
        Op::Delete => "removing",
    }
}

/// A witness without what stands in it twice: the row as the rules before saw it.
fn lines(told: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in told.lines().filter(|line| !line.starts_with("row before ")) {
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.join("\n")
}

/// Adds what differs, each with a principal and a row.
pub(super) fn compare(old: &Side, new: &Side, file: &Loaded, effects: &mut Vec<Effect>) {
    if old.policy.tables.is_empty() && new.policy.tables.is_empty() {
        return;
    }
    let compared = differences(&old.policy, &new.policy);
    let told = Told { policy: &compared.policy, loaded: file };
    for one in &compared.differences {
        let (way, whose) = match one.gained {
            Gained::Own => ("gains", "the own tenant"),
            Gained::Foreign => ("gains", "ANOTHER TENANT"),
            Gained::LostOwn => ("loses", "the own tenant"),
            Gained::LostForeign => ("loses", "another tenant"),
        };
        let is_new = old.policy.find(&one.table).is_none() || new.policy.find(&one.table).is_none();
        // A table that comes or goes whole needs no example of its own rows.
        let shown_by = (!is_new || one.gained == Gained::Foreign).then(|| lines(&told.lines(&one.witness, "")));
        effects.push(Effect {
            way,
            who: format!("table.{}", one.table),
            what: format!("{} rows of {whose}", act(one.op)),
            whom: Vec::new(),
            shown_by,
        });
    }
    for one in &compared.open {
        effects.push(Effect {
            way: "may gain or lose",
            who: format!("table.{}", one.table),
            what: format!("{} rows of any tenant: not compared", act(one.op)),
            whom: Vec::new(),
            shown_by: Some(one.why.clone()),
        });
    }
}
