//! The condition language: a small typed language with three-valued logic. Only TRUE allows.
//!
//! `text -> lex -> parse -> syntax tree with spans -> check (names, types) -> Cond -> eval | SQL | proof`

pub mod check;
pub mod cond;
pub mod error;
pub mod eval;
mod lex;
pub mod parse;
mod suggest;
pub mod syntax;

pub use check::{Names, RelationInfo, ScopeError, ScopeSide, compile, parse_attr_path, scope_equality};
pub use cond::{Cmp, ColumnRef, Cond, Term, Truth};
pub use error::{CondCode, CondError};
pub use eval::{AttrView, NoRow, RowView, eval};
pub use parse::parse;
pub use syntax::to_text;

#[cfg(test)]
pub(crate) mod tests;
