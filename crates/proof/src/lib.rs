//! The prover: shows from the rules alone that no principal reaches another tenant's rows, or a principal
//! and a row for which one does.
//!
//! ```text
//! Policy -> obligations per table -> Problem (a small model, as clauses) -> SAT -> proved, or a Witness replayed
//! ```
//! An obligation asks for a principal, rows and an operation that break a promise. Its conditions speak of
//! finitely many values, so it is enough to look among finitely many ([`domain`] says which, and why); the
//! solver looks at all of them. What it finds is a principal and rows with plain values, and before it is
//! shown it is put through the evaluator that serves calls.

mod database;
mod diff;
mod domain;
mod encode;
mod model;
mod obligation;
mod obligations;
mod prove;
mod solver;
mod sorts;
mod truths;
mod witness;

pub use database::{
    ANYBODY, Equal, Equality, Finding, Judged, Leak, LeakRow, Party, Replay, Said, Through, Verdict, equal, judge,
    security_obligations,
};
pub use diff::{Comparison, Difference, Gained, Open, compare};
pub use obligation::{Assumption, Obligation, Outcome, Promise};
pub use prove::{Report, prove, prove_table};
pub use truths::{Given, truths};
pub use witness::{Cast, Witness, text};
