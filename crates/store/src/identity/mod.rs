//! Who: the rows of accounts, users, roles, APIs, clients and what they are given. One file per
//! resource: its row, what [`Batch`](crate::Batch) can do with it, how [`Store`](crate::Store) finds it.
//! What the operations mean, who may do them and how they are recorded is the identity room's.

pub mod accounts;
pub mod apis;
pub mod client_grants;
pub mod clients;
mod condition;
pub mod connections;
pub mod passwords;
pub mod seeds;
pub mod settings;

/// Which part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// How many items to leave out.
    pub offset: i64,
    /// How many items to answer at most.
    pub limit: i64,
}
