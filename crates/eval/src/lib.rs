//! The burglar: attacks derived from a policy, and what must hold after each.
//!
//! [`attacks`] is pure: from the law, from rows of somebody else and from the attacker's own rows it
//! makes the same list each time. For every table, tool, field, relation and operation it forges
//! tenants, points at foreign rows, asks hidden fields, moves rows, edits cursors and sends broken
//! bodies. [`run`] makes one attack at a [`Door`], the guard itself or a server over HTTP, and says what did not
//! hold. [`suite`] plays calls that people wrote down.

mod attack;
pub mod canary;
mod compare;
mod derive;
mod door;
mod judge;
pub mod replay;
mod run;
mod sample;
pub mod suite;
mod survey;
mod timing;
pub mod wire;

pub use attack::{Attack, Body, Invariant, Step, Tamper, Who};
pub use derive::{Attacker, FAMILIES, attacks};
pub use door::{Answer, Asked, AtGuard, Door, NoAnswer, OverWire, Told, Wire, encoded, tool_call};
pub use judge::{Seen, Sight, sight};
pub use run::{Cast, Verdict, run};
pub use sample::{Row, Sample};
pub use survey::{Parties, Surveyed, survey, surveyors_policy};
pub use timing::timing;
