//! The burglar: attacks derived from a policy, and what must hold after each.
//!
//! [`attacks`] is pure: from the law, from rows of somebody else and from the attacker's own rows it
//! makes the same list each time. For every table, tool, field, relation and operation it forges
//! tenants, points at foreign rows, asks hidden fields, moves rows, edits cursors and sends broken
//! bodies. [`run`] makes one attack at the guard and says what did not hold.

mod attack;
mod derive;
mod run;
mod sample;

pub use attack::{Attack, Body, Invariant, Step, Tamper, Who};
pub use derive::{Attacker, attacks};
pub use run::{Cast, Verdict, run};
pub use sample::{Row, Sample};
