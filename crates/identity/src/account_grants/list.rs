//! Reading which grants may be used for an account, and for which accounts a grant may be used.

use super::{AccountGrant, AccountGrantFilter};
use crate::accounts::Account;
use crate::caller::Target;
use crate::{Caller, Identity, Kind, Listed, Part, Refusal};

impl Identity {
    /// The grants that may be used for an account, in the order in which that was said.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the account does not exist.
    pub async fn account_grants(
        &self,
        caller: &Caller,
        account: &str,
        filter: &AccountGrantFilter,
        part: &Part,
    ) -> Result<Listed<AccountGrant>, Refusal> {
        self.reach_account(caller, &["read:organization_client_grants"], account).await?;
        let rows = self.store.account_grants(account, filter, &part.stretch()?).await?;
        let mut listed = part.listed(rows, |row| (row.since_micros, row.id.clone()), AccountGrant::from_row);
        if part.wants_total() {
            listed.total = Some(self.store.count_account_grants(account, filter).await?);
        }
        Ok(listed)
    }

    /// The accounts for which a grant may be used, in the order in which that was said.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the grant does not exist.
    pub async fn accounts_of_grant(
        &self,
        caller: &Caller,
        grant: &str,
        part: &Part,
    ) -> Result<Listed<Account>, Refusal> {
        caller.may(&["read:organization_client_grants"], Target::Platform)?;
        self.store.client_grant(grant).await?.ok_or(Refusal::Missing(Kind::ClientGrant))?;
        let rows = self.store.accounts_of_grant(grant, &part.stretch()?).await?;
        let mut listed = part.listed(
            rows,
            |(account, since)| (*since, account.id.clone()),
            |(account, _)| Account::from_row(account),
        );
        if part.wants_total() {
            listed.total = Some(self.store.count_accounts_of_grant(grant).await?);
        }
        Ok(listed)
    }
}
