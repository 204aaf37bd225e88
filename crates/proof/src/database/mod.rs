//! Row security that nobody needs to have written with Tenantry: its policies read from the catalog and judged
//! for every table, operation and role.
//!
//! ```text
//! Database (policy room) -> Reader: expressions with names resolved -> owners: whose rows are
//!   -> World: a small database as clauses -> SAT -> proved, a Leak put through the evaluator, or not understood
//! ```
//! What is not understood may be anything: a proof holds whatever it is, and a leak that rests on it is none but
//! says what was not understood.

mod access;
mod domains;
mod encode;
mod equal;
mod evaluate;
mod expr;
mod fix;
mod judge;
mod powers;
mod read;
mod references;
mod report;
mod scene;
mod structure;
mod tenants;
mod ties;
mod world;

pub use access::ANYBODY;

pub use equal::{Equal, Equality, Party, equal, obligations as security_obligations};
pub use judge::judge;
pub use report::{Finding, Judged, Leak, LeakRow, Replay, Said, Through, Verdict};
