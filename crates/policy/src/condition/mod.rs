//! The condition language: a small typed language with three-valued logic. Only TRUE allows.
//!
//! `text -> parse -> syntax tree with spans -> check (names, types) -> Cond -> eval | SQL | proof`

pub mod cond;
pub mod eval;

pub use cond::{Cmp, ColumnRef, Cond, Term, Truth};
pub use eval::{AttrView, NoRow, RowView, eval};
