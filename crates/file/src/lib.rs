//! The paper: `tenantry.toml` and its folder become a typed model with spans, and a policy.
//!
//! Everything here is pure: texts go in, findings, models and policies come out.
//!
//! `texts -> read (TOML or JSON) -> merge -> shape -> model -> references -> Loaded`, and then, with the
//! catalogs of the sources, `compile -> Policy`.

pub mod code;
mod compile;
mod database;
pub mod diagnostic;
pub mod directory;
mod format;
mod identity;
mod limits;
mod loaded;
pub mod model;
mod read;
mod refer;
pub mod render;
mod schema;
mod shape;
pub mod span;
pub mod suite;
mod tree;
pub mod words;

pub use code::{DiagnosticCode, FileCode, error_reference, explain};
pub use compile::{Compiled, compile};
pub use database::{expression_fault, is_setting};
pub use diagnostic::{Diagnostic, Label, Severity};
pub use directory::{Directory, PrincipalSpec};
pub use format::format;
pub use loaded::{Loaded, SourceDecl, load};
pub use render::{Style, render};
pub use schema::schema;
pub use span::{Place, SourceText};
pub use suite::{Suite, load_suite, suite_schema};
