//! The door: data tools, approvals, audit. Each governed act on tenant data passes here.
//!
//! [`Guard::call`] is the one way in. It knows no HTTP: the server, MCP and `tenantry ask` all hand it
//! a bound principal, a tool's name and the arguments' bytes, and get a [`Reply`].

mod approvals;
mod arguments;
mod cursor;
pub mod explain;
mod guard;
pub mod json;
pub mod limits;
pub mod metrics;
pub mod models;
pub mod pretty;
mod record;
mod refusal;
pub mod reply;
mod request_id;
mod sanitize;
mod sealed;
mod tools;

pub use guard::{Explained, Guard, GuardError, Parts};
pub use reply::Reply;
pub use tools::{Offered, offered};
