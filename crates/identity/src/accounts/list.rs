//! Listing accounts.

use tenantry_store::identity::Window;

use crate::accounts::Account;
use crate::caller::Target;
use crate::{Caller, Identity, Listed, Part, Refusal};

impl Identity {
    /// Accounts, oldest first.
    ///
    /// # Errors
    /// The store's; [`Refusal::Invalid`] for a `from` that this list did not answer.
    pub async fn accounts(&self, caller: &Caller, part: &Part) -> Result<Listed<Account>, Refusal> {
        caller.may(&["read:organizations", "read:organizations_summary"], Target::Platform)?;
        match part {
            Part::Page { offset, limit, total } => {
                let rows = self.store.accounts(Window { offset: *offset, limit: *limit }).await?;
                let total = if *total { Some(self.store.count_accounts().await?) } else { None };
                Ok(Listed { items: rows.into_iter().map(Account::from_row).collect(), total, next: None })
            }
            Part::From { .. } => {
                let after = part.after()?;
                let rows =
                    self.store.accounts_after(after.as_ref().map(|(micros, id)| (*micros, id.as_str())), part.fetch());
                let rows = rows.await?;
                Ok(part.listed(rows, |row| (row.created_micros, row.id.clone()), Account::from_row))
            }
        }
    }
}
