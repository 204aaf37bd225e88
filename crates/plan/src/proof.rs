//! The proof of the rules that would be in force, as plans carry it.

use serde_json::{Value, json};
use tenantry_file::Loaded;
use tenantry_policy::Policy;
use tenantry_proof::{Outcome, prove};

use crate::replay;
use crate::told::Told;
use crate::waive::Waivers;

/// What was proved of the rules that would be in force.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Proof {
    /// The policy's version, in short.
    pub policy: String,
    /// Promises that hold.
    pub holds: usize,
    /// Promises that are broken, or could not be decided.
    pub broken: Vec<Broken>,
    /// Dead rules, stale exceptions: nothing leaks, but something does nothing.
    pub idle: usize,
}

/// A promise that is broken.
#[derive(Debug, Clone, PartialEq)]
pub struct Broken {
    /// The table's address.
    pub address: String,
    /// The promise's stable name, as waivers name it.
    pub promise: &'static str,
    /// What it promises.
    pub says: &'static str,
    /// The operation.
    pub op: Option<&'static str>,
    /// The rule, relation or attribute that it is about.
    pub about: Option<String>,
    /// Who and which rows break it, a line each.
    pub witness: String,
    /// Why it could not be decided; `None` when it is broken for certain.
    pub undecided: Option<String>,
    /// The waiver's reason and end, when the file accepts it.
    pub waived: Option<String>,
}

impl Proof {
    /// Proves a policy.
    pub(crate) fn of(policy: &Policy, loaded: &Loaded, waivers: &Waivers) -> Proof {
        let mut report = prove(policy);
        replay::in_memory(policy, &mut report.obligations);
        let told = Told { policy, loaded };
        let mut proof = Proof { policy: report.policy, ..Proof::default() };
        for one in &report.obligations {
            let mut shown = String::new();
            let undecided = match &one.outcome {
                Outcome::Proved | Outcome::Shown(_) => {
                    proof.holds = proof.holds.saturating_add(1);
                    continue;
                }
                Outcome::Idle(_) => {
                    proof.idle = proof.idle.saturating_add(1);
                    continue;
                }
                Outcome::Leaks(witness) => {
                    shown = told.lines(witness, "");
                    None
                }
                Outcome::Undecided(why) | Outcome::Fault(why) => Some(why.clone()),
            };
            let address = ["table.", &one.table].concat();
            proof.broken.push(Broken {
                waived: waivers.of_danger(&address, one.promise.name()),
                address,
                promise: one.promise.name(),
                says: one.promise.says(),
                op: one.op.map(|op| op.name()),
                about: one.about.as_ref().map(ToString::to_string),
                witness: shown.trim_end().to_owned(),
                undecided,
            });
        }
        proof
    }

    /// The broken promises that nobody accepts.
    pub fn refused(&self) -> impl Iterator<Item = &Broken> {
        self.broken.iter().filter(|broken| broken.waived.is_none())
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "policy": self.policy,
            "holds": self.holds,
            "idle": self.idle,
            "broken": self.broken.iter().map(|broken| json!({
                "address": broken.address,
                "promise": broken.promise,
                "says": broken.says,
                "operation": broken.op,
                "about": broken.about,
                "witness": broken.witness.lines().collect::<Vec<_>>(),
                "undecided": broken.undecided,
                "waived": broken.waived,
            })).collect::<Vec<_>>(),
        })
    }
}
