//! Who: the rows of accounts, users, roles, APIs, clients and what they are given. One file per
//! resource: its row, what [`Batch`](crate::Batch) can do with it, how [`Store`](crate::Store) finds it.
//! What the operations mean, who may do them and how they are recorded is the identity room's.

pub mod account_connections;
pub mod account_grants;
pub mod account_roles;
pub mod accounts;
pub mod api_keys;
pub mod apis;
pub mod attempts;
pub mod authentication_methods;
pub mod bulk;
pub mod client_grants;
pub mod clients;
mod condition;
pub mod connections;
pub mod consents;
pub mod device_credentials;
pub mod domains;
pub mod idempotency;
pub mod inventory;
pub mod invitations;
pub mod jobs;
pub mod limits;
pub mod logs;
pub mod member_roles;
pub mod members;
pub mod passwords;
pub mod refresh_tokens;
pub mod roles;
pub mod seeds;
pub mod sessions;
pub mod settings;
pub mod signing_keys;
pub mod tickets;
pub mod tokens;
pub mod user_search;
pub mod users;
pub mod workspace_codes;
pub mod workspace_members;
pub mod workspaces;

use crate::backend::Param;

/// Which part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// How many items to leave out.
    pub offset: i64,
    /// How many items to answer at most.
    pub limit: i64,
}

/// Which part of a list that is ordered by time and a key: what comes after a place, without so many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// The time and key after which it begins.
    pub after: (i64, String),
    /// How many items to leave out after that.
    pub offset: i64,
    /// How many items to answer at most.
    pub limit: i64,
}

impl Stretch {
    /// Time, key, limit and offset, in this order.
    pub(crate) fn params(&self) -> [Param; 4] {
        [Param::int(self.after.0), Param::text(&self.after.1), Param::int(self.limit), Param::int(self.offset)]
    }
}

/// Adds `($1, $2), ($3, $4), …` for so many rows of so many columns.
pub(crate) fn places(sql: &mut String, rows: usize, columns: usize) {
    use std::fmt::Write as _;
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for column in 1..=columns {
            // Writing to a text cannot fail.
            let _ = write!(sql, "{}${}", if column == 1 { "" } else { ", " }, row * columns + column);
        }
        sql.push(')');
    }
}
