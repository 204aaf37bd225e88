//! A plan: the steps, what they mean for access, and what they were computed from.

use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;
use serde_json::{Value, json};

use crate::danger;
use crate::hex;
use crate::proof::Proof;
use crate::resource::{Resource, Target};
use crate::step::{Step, difference};

/// The version of the JSON form. A reader refuses another one.
pub const FORMAT: u32 = 1;

/// A plan.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The steps, in the order in which they are done.
    pub steps: Vec<Step>,
    /// Who gains or loses what.
    pub effects: Vec<Effect>,
    /// What was proved of the rules that would be in force; `None` when the plan leaves the rules out.
    pub proof: Option<Proof>,
    /// What to look at beside the steps: waivers that ran out, targets that could not be looked at.
    pub findings: Vec<Finding>,
    /// What was looked at: `identity`, sources, `law`.
    pub targets: Vec<String>,
    /// SHA-256 of the file, hexadecimal.
    pub file: String,
    /// SHA-256 of what the file wants.
    pub desired: [u8; 32],
    /// SHA-256 of what was there.
    pub current: [u8; 32],
}

/// Something to look at that is not a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The stable code.
    pub code: &'static str,
    /// What it is about.
    pub address: String,
    /// In words.
    pub what: String,
    /// Where it stands in the file.
    pub place: Option<String>,
}

/// A change of access, in words, with what shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Effect {
    /// `gains` or `loses`; `may gain or lose` where it could not be looked through.
    pub way: &'static str,
    /// Who: a role, a user in an account, a database role.
    pub who: String,
    /// What: `reads rows of another tenant in orders`, `the tool orders.update`, `SELECT on public.orders`.
    pub what: String,
    /// The users whom it concerns, where `who` is a role or counts them.
    pub whom: Vec<String>,
    /// A principal and a row that show it, or the step that does it.
    pub shown_by: Option<String>,
}

impl Plan {
    /// The plan from what is there to what the file wants.
    #[must_use]
    pub fn new(desired: &[Resource], current: &[Resource]) -> Plan {
        let mut steps = difference(desired, current);
        for step in &mut steps {
            step.dangers.extend(danger::of_action(step));
            match step.target {
                Target::Identity => {
                    step.dangers.extend(crate::identity::dangers(step));
                    step.notes.extend(crate::identity::notes(step));
                }
                Target::Source(_) => {
                    step.dangers.extend(crate::postgres::dangers(step));
                    step.notes.extend(crate::postgres::notes(step));
                }
                Target::Law => {}
            }
        }
        // One target after another, each in its own order.
        steps.sort_by(|a, b| a.target.cmp(&b.target));
        Plan { steps, desired: hash(desired), current: hash(current), ..Plan::default() }
    }

    /// Lets the hash of what was there cover more: texts in their order.
    pub(crate) fn knows(&mut self, more: Vec<String>) {
        let mut text = hex(&self.current);
        for line in more {
            text.push('\n');
            text.push_str(&line);
        }
        self.current = sha256(&text);
    }

    /// Is there nothing to do?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Steps with a danger that is neither waived nor approved.
    pub fn dangerous<'a>(&'a self, approved: &'a [String]) -> impl Iterator<Item = &'a Step> {
        self.steps.iter().filter(move |step| {
            step.dangers.iter().any(|danger| danger.waived.is_none())
                && !approved.iter().any(|address| address == step.address.as_str())
        })
    }

    /// The plan as JSON, for `--json` and `--out`. Holds no secret.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let steps = self.steps.iter().map(|step| {
            json!({
                "address": step.address.as_str(),
                "kind": step.kind.name(),
                "target": step.target.name(),
                "id": step.id,
                "action": step.action.name(),
                "changes": step.changes.iter().map(|change| json!({
                    "field": change.field, "before": change.before, "after": change.after,
                })).collect::<Vec<_>>(),
                "adopts": step.adopts,
                "notes": step.notes,
                "dangers": step.dangers.iter().map(|danger| json!({
                    "code": danger.code, "why": danger.why, "waived": danger.waived,
                })).collect::<Vec<_>>(),
                "place": step.place,
            })
        });
        json!({
            "format": FORMAT,
            "file": self.file,
            "targets": self.targets,
            "desired": hex(&self.desired),
            "current": hex(&self.current),
            "steps": steps.collect::<Vec<_>>(),
            "effects": self.effects,
            "proof": self.proof.as_ref().map(Proof::to_json),
            "findings": self.findings,
        })
    }
}

/// A hash over things that does not depend on their order, or on what a secret is.
fn hash(things: &[Resource]) -> [u8; 32] {
    let mut lines: Vec<String> = things
        .iter()
        .map(|thing| {
            json!([
                thing.target.name(),
                thing.kind.name(),
                thing.address.as_str(),
                thing.id,
                thing.fields,
                thing.secrets,
                thing.prints
            ])
            .to_string()
        })
        .collect();
    lines.sort_unstable();
    sha256(&lines.join("\n"))
}

fn sha256(text: &str) -> [u8; 32] {
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(digest(&SHA256, text.as_bytes()).as_ref()) {
        *to = *from;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Kind;

    #[test]
    fn the_hash_knows_fields_and_not_the_order() {
        let a = Resource::new(Kind::Role, Target::Identity, "role.a").with("description", "x");
        let b = Resource::new(Kind::Role, Target::Identity, "role.b");
        assert_eq!(hash(&[a.clone(), b.clone()]), hash(&[b.clone(), a.clone()]));
        assert_ne!(hash(&[a.clone(), b]), hash(&[a.with("description", "y")]));
    }

    #[test]
    fn dangers_wait_for_consent() {
        let gone = Resource::new(Kind::Account, Target::Identity, "account.a");
        let plan = Plan::new(&[], &[gone]);
        assert_eq!(plan.dangerous(&[]).count(), 1);
        assert_eq!(plan.dangerous(&["account.a".to_owned()]).count(), 0);
        assert_eq!(plan.to_json()["steps"][0]["dangers"][0]["code"], "delete-account");
    }
}
