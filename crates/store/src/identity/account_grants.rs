//! Which grants of clients an account lets be used for itself.

use crate::backend::{Param, Row};
use crate::identity::Stretch;
use crate::identity::accounts::{self, Account};
use crate::{Batch, Place, Store, StoreError};

/// A client's grant, as an account's list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountGrant {
    /// The grant's id.
    pub id: String,
    /// The client that may.
    pub client_id: String,
    /// The API's identifier.
    pub audience: String,
    /// `client` or `user`.
    pub subject_type: String,
    /// May it be used for every account?
    pub any_account: bool,
    /// The grant's remaining fields, a JSON object.
    pub doc: String,
    /// Since when the account lets it be used, in microseconds since 1970 UTC.
    pub since_micros: i64,
}

fn read(row: &Row<'_>) -> AccountGrant {
    let text = |place| row.text(place).unwrap_or_default();
    AccountGrant {
        id: text(0),
        client_id: text(1),
        audience: text(2),
        subject_type: text(3),
        any_account: row.int(4) == Some(1),
        doc: text(5),
        since_micros: row.int(6).unwrap_or_default(),
    }
}

/// Which of an account's grants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountGrantFilter {
    /// On the API of this identifier.
    pub audience: Option<String>,
    /// Of this client.
    pub client_id: Option<String>,
    /// One of these; empty: any.
    pub ids: Vec<String>,
}

impl Batch {
    /// Lets a grant be used for an account. Dangling when the grant does not exist.
    pub fn insert_account_grant(&mut self, account: &str, grant: &str, now: i64) -> Place {
        self.run(
            "INSERT INTO tenantry_account_client_grant (account_id, grant_id, created_micros) VALUES ($1, $2, $3)",
            vec![Param::text(account), Param::text(grant), Param::int(now)],
        )
    }

    /// Takes it back.
    pub fn delete_account_grant(&mut self, account: &str, grant: &str) -> Place {
        self.run(
            "DELETE FROM tenantry_account_client_grant WHERE account_id = $1 AND grant_id = $2",
            vec![Param::text(account), Param::text(grant)],
        )
    }
}

impl Store {
    /// The grants that an account lets be used, in the order in which it did.
    ///
    /// # Errors
    /// The store's.
    pub async fn account_grants(
        &self,
        account: &str,
        filter: &AccountGrantFilter,
        part: &Stretch,
    ) -> Result<Vec<AccountGrant>, StoreError> {
        let sql = [
            "SELECT g.id, g.client_id, p.identifier, g.subject_type, g.any_account, g.doc, a.created_micros ",
            &self.account_grants_sql(),
            " AND (a.created_micros, g.id) > ($6, $7) ORDER BY a.created_micros, g.id LIMIT $8 OFFSET $9",
        ]
        .concat();
        let mut params = filter.params(account);
        params.extend(part.params());
        self.backend.find(sql, params, read).await
    }

    /// How many of them there are.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_account_grants(&self, account: &str, filter: &AccountGrantFilter) -> Result<i64, StoreError> {
        let sql = ["SELECT count(*) ", &self.account_grants_sql()].concat();
        let found = self.backend.find(sql, filter.params(account), |row| row.int(0)).await?;
        Ok(found.into_iter().flatten().next().unwrap_or_default())
    }

    fn account_grants_sql(&self) -> String {
        [
            "FROM tenantry_account_client_grant a JOIN tenantry_client_grant g ON g.id = a.grant_id \
             JOIN tenantry_api p ON p.id = g.api_id WHERE a.account_id = $1 \
             AND p.identifier = coalesce($2, p.identifier) AND g.client_id = coalesce($3, g.client_id) AND ($4 = CAST(0 AS BIGINT) OR ",
            &self.backend.among("g.id", 5),
            ")",
        ]
        .concat()
    }

    /// The accounts that let a grant be used, in the order in which they did, and since when.
    ///
    /// # Errors
    /// The store's.
    pub async fn accounts_of_grant(&self, grant: &str, part: &Stretch) -> Result<Vec<(Account, i64)>, StoreError> {
        let sql = [
            "SELECT ",
            accounts::COLUMNS_OF_A,
            ", g.created_micros FROM tenantry_account_client_grant g JOIN tenantry_account a ON a.id = g.account_id \
             WHERE g.grant_id = $1 AND (g.created_micros, g.account_id) > ($2, $3) \
             ORDER BY g.created_micros, g.account_id LIMIT $4 OFFSET $5",
        ]
        .concat();
        let mut params = vec![Param::text(grant)];
        params.extend(part.params());
        let read = |row: &Row<'_>| (accounts::read(row), row.int(10).unwrap_or_default());
        self.backend.search(sql, params, read).await
    }

    /// How many accounts let a grant be used.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_accounts_of_grant(&self, grant: &str) -> Result<i64, StoreError> {
        let sql = "SELECT count(*) FROM tenantry_account_client_grant WHERE grant_id = $1";
        let found = self.backend.search(sql, vec![Param::text(grant)], |row| row.int(0)).await?;
        Ok(found.into_iter().flatten().next().unwrap_or_default())
    }
}

impl AccountGrantFilter {
    fn params(&self, account: &str) -> Vec<Param> {
        vec![
            Param::text(account),
            Param::maybe(self.audience.as_deref()),
            Param::maybe(self.client_id.as_deref()),
            Param::int(i64::from(!self.ids.is_empty())),
            Param::texts(&self.ids),
        ]
    }
}
