//! What Tenantry itself keeps: its keys, the audit and the approvals, on SQLite or PostgreSQL.
//!
//! - **Audit.** Append only, one hash chain per account, two entries per call: `started` before the
//!   act, and how it ended after it. [`Store::append`] returns when the entry outlives the process. On
//!   SQLite entries pass through a journal, a file beside the database (`PATH.journal`): while it is there,
//!   it belongs to the database like SQLite's own `PATH-wal`.
//!   [`Store::verify`] finds every change made from outside, [`Store::export`] writes a chain as a
//!   file that [`verify_export`] checks without the store.
//! - **Keys.** In a file of their own beside the database, never in it, so that whoever can rewrite
//!   the audit's rows cannot seal them again.
//! - **Identity.** Accounts, users, roles, APIs, clients and what they are given ([`identity`]): one file
//!   per resource, its acts composed in a [`Batch`].
//! - **Plans.** What the file manages, what was last applied, and the lease that whoever applies holds.
//! - **Approvals.** Decided once, run at most once, with exactly the content that was asked for.
//!
//! Only [`backend`] knows which database it is.

mod address;
mod approval;
mod audit;
mod backend;
mod batch;
pub mod budgets;
mod epochs;
mod error;
mod frozen;
pub mod identity;
mod journal;
mod keys;
mod lease;
mod managed;
pub mod requester;
pub mod shares;
mod store;
pub mod usage;

pub use address::StoreUrl;
pub use approval::{Approval, ApprovalStatus, MAX_CONTENT_BYTES, Moved, NewApproval};
pub use audit::entry::{Decision, Entry, Hash, Head, MAX_ENTRY_BYTES, MAX_NAME_BYTES, Phase, Receipt, Recorded};
pub use audit::export::{ExportError, WriteLine, verify_export};
pub use audit::list::{Filter, MAX_LIST};
pub use audit::verify::{ChainReport, MAX_LISTED, Problem, ProblemKind, VerifyReport};
pub use backend::{Lost, Piece};
pub use batch::{Batch, BatchError, Place, Subject};
pub use epochs::{Epochs, FRESH};
pub use error::StoreError;
pub use frozen::Frozen;
pub use lease::Lease;
pub use managed::{AppliedFile, Generated, Managed};
pub use store::{Options, Store};
