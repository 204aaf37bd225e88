//! Who belongs to which account.

use crate::backend::{Param, Row};
use crate::identity::Stretch;
use crate::identity::accounts::{self, Account};
use crate::{Batch, Place, Store, StoreError};

/// A member of an account or of a workspace, with what its lists show of the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The user's id.
    pub user_id: String,
    /// In lower case.
    pub email: Option<String>,
    /// The user's name.
    pub name: Option<String>,
    /// Is the user kept out?
    pub blocked: bool,
    /// The user's remaining fields, a JSON object.
    pub doc: String,
    /// Since when it belongs, in microseconds since 1970 UTC.
    pub since_micros: i64,
}

pub(super) fn read_member(row: &Row<'_>) -> Member {
    Member {
        user_id: row.text(0).unwrap_or_default(),
        email: row.text(1),
        name: row.text(2),
        // Absence never grants.
        blocked: row.int(3) != Some(0),
        doc: row.text(4).unwrap_or_default(),
        since_micros: row.int(5).unwrap_or_default(),
    }
}

/// A user's belonging to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The account.
    pub account: Account,
    /// Since when, in microseconds since 1970 UTC.
    pub since_micros: i64,
}

fn read_membership(row: &Row<'_>) -> Membership {
    Membership { account: accounts::read(row), since_micros: row.int(10).unwrap_or_default() }
}

impl Batch {
    /// Makes a user a member of an account; nothing happens when it is one. Dangling when the user or the
    /// account does not exist. `since_micros` orders the account's members.
    pub fn insert_member(&mut self, account: &str, user: &str, since_micros: i64) -> Place {
        self.run(
            "INSERT INTO tenantry_member (account_id, user_id, created_micros) VALUES ($1, $2, $3) \
             ON CONFLICT DO NOTHING",
            vec![Param::text(account), Param::text(user), Param::int(since_micros)],
        )
    }

    /// Takes a user out of an account, with its places in the account's workspaces, the roles that it held
    /// there and the refresh tokens that it was given for the account.
    pub fn delete_member(&mut self, account: &str, user: &str) -> Place {
        let both = || vec![Param::text(account), Param::text(user)];
        self.run("DELETE FROM tenantry_role_holder WHERE account_id = $1 AND user_id = $2", both());
        self.run("DELETE FROM tenantry_refresh_token WHERE account_id = $1 AND user_id = $2", both());
        self.run("DELETE FROM tenantry_member WHERE account_id = $1 AND user_id = $2", both())
    }
}

impl Store {
    /// The members of an account, in the order in which they came.
    ///
    /// # Errors
    /// The store's.
    pub async fn members(&self, account: &str, part: &Stretch) -> Result<Vec<Member>, StoreError> {
        let mut params = vec![Param::text(account)];
        params.extend(part.params());
        let sql = "SELECT m.user_id, u.email, u.name, u.blocked, u.doc, m.created_micros \
             FROM tenantry_member m JOIN tenantry_user u ON u.id = m.user_id \
             WHERE m.account_id = $1 AND (m.created_micros, m.user_id) > ($2, $3) \
             ORDER BY m.created_micros, m.user_id LIMIT $4 OFFSET $5";
        self.backend.find(sql, params, read_member).await
    }

    /// How many members an account has.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_members(&self, account: &str) -> Result<i64, StoreError> {
        let sql = "SELECT count(*) FROM tenantry_member WHERE account_id = $1";
        let found = self.backend.search(sql, vec![Param::text(account)], |row| row.int(0)).await?;
        Ok(found.into_iter().flatten().next().unwrap_or_default())
    }

    /// The user's belonging to an account.
    ///
    /// # Errors
    /// The store's.
    pub async fn membership(&self, account: &str, user: &str) -> Result<Option<Membership>, StoreError> {
        let sql = [
            "SELECT ",
            accounts::COLUMNS_OF_A,
            ", m.created_micros FROM tenantry_member m JOIN tenantry_account a ON a.id = m.account_id \
             WHERE m.account_id = $1 AND m.user_id = $2",
        ]
        .concat();
        let params = vec![Param::text(account), Param::text(user)];
        Ok(self.backend.find(sql, params, read_membership).await?.pop())
    }

    /// The accounts that a user belongs to, in the order in which it came to them.
    ///
    /// # Errors
    /// The store's.
    pub async fn memberships(&self, user: &str, part: &Stretch) -> Result<Vec<Membership>, StoreError> {
        let mut params = vec![Param::text(user)];
        params.extend(part.params());
        let sql = [
            "SELECT ",
            accounts::COLUMNS_OF_A,
            ", m.created_micros FROM tenantry_member m JOIN tenantry_account a ON a.id = m.account_id \
             WHERE m.user_id = $1 AND (m.created_micros, m.account_id) > ($2, $3) \
             ORDER BY m.created_micros, m.account_id LIMIT $4 OFFSET $5",
        ]
        .concat();
        self.backend.find(sql, params, read_membership).await
    }

    /// How many accounts a user belongs to.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_memberships(&self, user: &str) -> Result<i64, StoreError> {
        let sql = "SELECT count(*) FROM tenantry_member WHERE user_id = $1";
        let found = self.backend.find(sql, vec![Param::text(user)], |row| row.int(0)).await?;
        Ok(found.into_iter().flatten().next().unwrap_or_default())
    }

    /// By what an invitation knows a user: its e-mail address (lower case) and the name of its first
    /// identity's connection; `None` when there is no such user.
    ///
    /// # Errors
    /// The store's.
    pub async fn user_address(&self, user: &str) -> Result<Option<(Option<String>, String)>, StoreError> {
        let sql = "SELECT email, connection FROM tenantry_user WHERE id = $1";
        let read = |row: &Row<'_>| (row.text(0), row.text(1).unwrap_or_default());
        Ok(self.backend.find(sql, vec![Param::text(user)], read).await?.pop())
    }
}
