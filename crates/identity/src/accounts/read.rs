//! Reading one account.

use crate::accounts::Account;
use crate::caller::Target;
use crate::{Caller, Identity, Kind, Refusal};

impl Identity {
    /// The account of that id.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn account(&self, caller: &Caller, id: &str) -> Result<Account, Refusal> {
        caller.may(&["read:organizations", "read:organizations_summary"], Target::Account(id))?;
        let row = self.store.account(id).await?;
        row.map(Account::from_row).ok_or(Refusal::Missing(Kind::Account))
    }

    /// The account of that name.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn account_named(&self, caller: &Caller, name: &str) -> Result<Account, Refusal> {
        let row = self.store.account_named(name).await?.ok_or(Refusal::Missing(Kind::Account))?;
        caller.may(&["read:organizations", "read:organizations_summary"], Target::Account(&row.id))?;
        Ok(Account::from_row(row))
    }
}
