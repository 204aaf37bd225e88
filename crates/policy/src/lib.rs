//! The law: who may touch which rows, and why.
//!
//! Everything here is pure. There is no input or output, no async, no clock and no randomness: a
//! decision depends only on its arguments, so it can be tested, replayed and proved.
//!
//! The path of a decision: a verified [`Principal`] is bound once to a [`Policy`] (its attributes are
//! typed, its roles resolved) and becomes a [`Context`]; [`decide()`] takes a [`Request`] as the caller
//! asked it and answers either an [`Allowed`] [`Query`], the only thing that the SQL renderer
//! accepts, or a [`Denied`] that names what the caller may do instead.

pub mod ambient;
pub mod attribute;
pub mod bound;
pub mod catalog;
pub mod condition;
pub mod context;
pub mod database;
pub mod decide;
pub mod denied;
pub mod filter;
pub mod ids;
pub mod limits;
pub mod object;
pub mod once;
pub mod policy;
pub mod principal;
pub mod query;
pub mod reason;
pub mod redact;
pub mod request;
pub mod seat;
pub mod table;
pub mod tool;
pub mod value;

pub use ambient::{Clock, Entropy};
pub use attribute::{AttrId, Attribute, Attributes};
pub use bound::{Access, BindError, Bound};
pub use context::Context;
pub use decide::{Allowed, decide};
pub use denied::{Code, Denied};
pub use ids::{Address, ColumnId, RelationId, TableId};
pub use object::{Object, ObjectKind, Objects, Privilege};
pub use once::Once;
pub use policy::Policy;
pub use principal::Principal;
pub use query::Query;
pub use request::Request;
pub use table::{Op, OpSet, Rule, RuleKind, Table};
pub use tool::Tool;
pub use value::{Type, Value};
