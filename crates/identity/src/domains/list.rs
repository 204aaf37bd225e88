//! Reading an account's domains, and finding the account of an e-mail address.

use super::Domain;
use crate::accounts::{Account, Status};
use crate::{Caller, Identity, Kind, Listed, Part, Refusal};

impl Identity {
    /// The domains of an account, oldest first.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the account does not exist.
    pub async fn domains(&self, caller: &Caller, account: &str, part: &Part) -> Result<Listed<Domain>, Refusal> {
        self.reach_account(caller, &["read:organization_discovery_domains"], account).await?;
        let rows = self.store.domains(account, &part.stretch()?).await?;
        let mut listed = part.listed(rows, |row| (row.created_micros, row.id.clone()), Domain::from_row);
        if part.wants_total() {
            listed.total = Some(self.store.count_domains(account).await?);
        }
        Ok(listed)
    }

    /// A domain of an account, by its id.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn domain(&self, caller: &Caller, account: &str, id: &str) -> Result<Domain, Refusal> {
        self.reach_account(caller, &["read:organization_discovery_domains"], account).await?;
        let row = self.store.domain(account, id).await?;
        row.map(Domain::from_row).ok_or(Refusal::Missing(Kind::Domain))
    }

    /// A domain of an account, by its name.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn domain_named(&self, caller: &Caller, account: &str, name: &str) -> Result<Domain, Refusal> {
        self.reach_account(caller, &["read:organization_discovery_domains"], account).await?;
        let row = self.store.domain_named(account, &name.to_ascii_lowercase()).await?;
        row.map(Domain::from_row).ok_or(Refusal::Missing(Kind::Domain))
    }

    /// The account that a login with this e-mail address is led to: the one that shows the address's domain
    /// to be its own; none when several do. Asks for no permission: for logins.
    ///
    /// # Errors
    /// The store's.
    pub async fn account_of_address(&self, email: &str) -> Result<Option<Account>, Refusal> {
        let Some((_, domain)) = email.rsplit_once('@') else { return Ok(None) };
        let rows = self.store.verified_domains(&domain.to_ascii_lowercase()).await?;
        let used: Vec<Domain> = rows.into_iter().map(Domain::from_row).filter(Domain::is_used).collect();
        let [only] = used.as_slice() else { return Ok(None) };
        let account = self.store.account(&only.account_id).await?.map(Account::from_row);
        Ok(account.filter(|account| account.status == Status::Active))
    }
}
