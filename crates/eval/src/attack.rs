//! What an attack is: calls, and what must hold after them.

use serde_json::Value;
use tenantry_policy::Code;

/// Calls that try to get at what is not the caller's, and what must hold nevertheless.
#[derive(Debug, Clone, PartialEq)]
pub struct Attack {
    /// What kind of attack it is: one of [`FAMILIES`](crate::FAMILIES).
    pub family: &'static str,
    /// What it tries, where: `orders.query where internal_note eq`.
    pub name: String,
    /// The calls, in order.
    pub steps: Vec<Step>,
    /// What must hold.
    pub invariants: Vec<Invariant>,
}

/// One call.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Who calls.
    pub who: Who,
    /// The tool.
    pub tool: String,
    /// The arguments.
    pub body: Body,
    /// Send the last answer's cursor along, changed so.
    pub cursor: Option<Tamper>,
}

/// Who makes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    /// The burglar.
    Attacker,
    /// Another user of the burglar's account.
    Colleague,
    /// The one whose rows the burglar is after.
    Victim,
    /// The burglar without its user and its attributes: only the account and the roles.
    Bare,
}

/// The arguments of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// As JSON.
    Json(Value),
    /// As bytes, which need not be JSON.
    Raw(Vec<u8>),
}

/// What is done to a cursor before it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tamper {
    /// Nothing.
    Keep,
    /// The character at this part of its length, in hundredths, becomes another one.
    Change(u8),
    /// The last character goes.
    Cut,
    /// A character more.
    Extend,
}

/// What must hold after an attack.
#[derive(Debug, Clone, PartialEq)]
pub enum Invariant {
    /// No answer to the attacker holds a text of the victim's rows, a row with one of their keys, one of
    /// their tenants, or the clear value of a field that is shown redacted or not at all.
    NoForeignRow,
    /// The last answer is, but for the call's id, the one to these steps, which ask for what is not
    /// there. Words in `hiding` (the names under test, of both) count as equal.
    SameAsAbsent {
        /// The same calls about something absent.
        twin: Vec<Step>,
        /// Pairs of words: the attack's and the twin's.
        hiding: Vec<(String, String)>,
    },
    /// The last answer is a refusal with one of these codes.
    Refused(Vec<Code>),
    /// What the attacker and the victim see of their rows is as before.
    NothingChanged,
    /// The last call is done. For calls about the attacker's own rows: were they refused, attacks of the
    /// same form would show nothing.
    Done,
}

impl Who {
    /// The name by which doors know them.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Who::Attacker => "attacker",
            Who::Colleague => "colleague",
            Who::Victim => "victim",
            Who::Bare => "bare",
        }
    }
}

impl Invariant {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Invariant::NoForeignRow => "no foreign row",
            Invariant::SameAsAbsent { .. } => "same as absent",
            Invariant::Refused(_) => "refused",
            Invariant::NothingChanged => "nothing changed",
            Invariant::Done => "done",
        }
    }
}

impl Step {
    /// A call by the attacker.
    #[must_use]
    pub fn new(tool: &str, arguments: Value) -> Step {
        Step { who: Who::Attacker, tool: tool.to_owned(), body: Body::Json(arguments), cursor: None }
    }
}
