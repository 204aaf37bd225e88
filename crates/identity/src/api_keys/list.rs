//! Reading keys.

use super::ApiKey;
use crate::{Caller, Identity, Kind, Listed, Part, Refusal};

impl Identity {
    /// The keys of an account, oldest first, without the keys themselves.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the account does not exist.
    pub async fn api_keys(&self, caller: &Caller, account: &str, part: &Part) -> Result<Listed<ApiKey>, Refusal> {
        self.reach_account(caller, &["read:api_keys"], account).await?;
        let rows = self.store.api_keys(account, &part.stretch()?).await?;
        let mut listed = part.listed(rows, |row| (row.created_micros, row.id.clone()), ApiKey::from_row);
        if part.wants_total() {
            listed.total = Some(self.store.count_api_keys(account).await?);
        }
        Ok(listed)
    }

    /// A key of an account, without the key itself.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn api_key(&self, caller: &Caller, account: &str, id: &str) -> Result<ApiKey, Refusal> {
        self.reach_account(caller, &["read:api_keys"], account).await?;
        self.store.api_key(account, id).await?.map(ApiKey::from_row).ok_or(Refusal::Missing(Kind::ApiKey))
    }
}
