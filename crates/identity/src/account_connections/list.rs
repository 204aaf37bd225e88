//! Reading an account's connections.

use tenantry_store::identity::Stretch;
use tenantry_store::identity::account_connections::AccountConnection as Row;

use super::AccountConnection;
use crate::{Caller, Identity, Kind, Listed, Part, Refusal};

impl Identity {
    /// The connections of an account, in the order in which it got them; only those that are enabled, or are
    /// not, where that is asked.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the account does not exist.
    pub async fn account_connections(
        &self,
        caller: &Caller,
        account: &str,
        enabled: Option<bool>,
        part: &Part,
    ) -> Result<Listed<AccountConnection>, Refusal> {
        self.reach_account(caller, &["read:organization_connections"], account).await?;
        let rows = self.store.account_connections(account, enabled, &part.stretch()?).await?;
        let place = |row: &Row| (row.created_micros, row.connection_id.clone());
        let mut listed = part.listed(rows, place, AccountConnection::from_row);
        if part.wants_total() {
            listed.total = Some(self.store.count_account_connections(account, enabled).await?);
        }
        Ok(listed)
    }

    /// The connections that an account was given, told to whoever may give them.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the account does not exist.
    pub async fn given_connections(&self, caller: &Caller, account: &str) -> Result<Vec<AccountConnection>, Refusal> {
        self.reach_account(caller, &["create:organization_connections"], account).await?;
        let all = Stretch { after: (i64::MIN, String::new()), offset: 0, limit: i64::MAX };
        let rows = self.store.account_connections(account, None, &all).await?;
        Ok(rows.into_iter().map(AccountConnection::from_row).collect())
    }

    /// A connection of an account, whether or not it is enabled.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn account_connection(
        &self,
        caller: &Caller,
        account: &str,
        connection: &str,
    ) -> Result<AccountConnection, Refusal> {
        self.reach_account(caller, &["read:organization_connections"], account).await?;
        let row = self.store.account_connection(account, connection).await?;
        row.map(AccountConnection::from_row).ok_or(Refusal::Missing(Kind::AccountConnection))
    }
}
