//! Listing accounts.

use tenantry_store::identity::Window;
use tenantry_store::identity::accounts::SortBy;

use crate::accounts::Account;
use crate::caller::Target;
use crate::{Caller, Identity, Kind, Listed, Part, Refusal};

/// The most accounts that a tree answers.
const LARGEST_TREE: i64 = 1_000;

/// The order of a list of accounts. Parts that go on from an earlier one are answered oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountOrder {
    by: SortBy,
    descending: bool,
}

impl AccountOrder {
    /// Oldest first.
    pub const OLDEST_FIRST: AccountOrder = AccountOrder { by: SortBy::Created, descending: false };

    /// As `name:1`, `display_name:-1` or `created_at:1` say it.
    #[must_use]
    pub fn parse(text: &str) -> Option<AccountOrder> {
        let (by, direction) = text.split_once(':')?;
        let by = match by {
            "created_at" => SortBy::Created,
            "name" => SortBy::Name,
            "display_name" => SortBy::DisplayName,
            _ => return None,
        };
        match direction {
            "1" => Some(AccountOrder { by, descending: false }),
            "-1" => Some(AccountOrder { by, descending: true }),
            _ => None,
        }
    }
}

impl Identity {
    /// An account and those below it, each after the one above it; the first thousand.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn account_tree(&self, caller: &Caller, id: &str) -> Result<Vec<Account>, Refusal> {
        caller.may(&["read:organizations"], Target::Platform)?;
        let rows = self.store.account_tree(id, LARGEST_TREE).await?;
        if rows.is_empty() {
            return Err(Refusal::Missing(Kind::Account));
        }
        Ok(rows.into_iter().map(Account::from_row).collect())
    }

    /// Accounts, oldest first.
    ///
    /// # Errors
    /// The store's; [`Refusal::Invalid`] for a `from` that this list did not answer.
    pub async fn accounts(&self, caller: &Caller, part: &Part) -> Result<Listed<Account>, Refusal> {
        self.accounts_in_order(caller, AccountOrder::OLDEST_FIRST, part).await
    }

    /// Accounts in an order.
    ///
    /// # Errors
    /// The store's; [`Refusal::Invalid`] for a `from` that this list did not answer.
    pub async fn accounts_in_order(
        &self,
        caller: &Caller,
        order: AccountOrder,
        part: &Part,
    ) -> Result<Listed<Account>, Refusal> {
        caller.may(&["read:organizations", "read:organizations_summary"], Target::Platform)?;
        match part {
            Part::Page { offset, limit, total } => {
                let rows = self
                    .store
                    .accounts_sorted(order.by, order.descending, Window { offset: *offset, limit: *limit })
                    .await?;
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
