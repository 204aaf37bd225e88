//! Reading refresh tokens.

use crate::caller::Target;
use crate::refresh_tokens::{RefreshToken, alive};
use crate::{Caller, Identity, Kind, Listed, Part, Refusal};

impl Identity {
    /// The family of that id, while it lasts.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn refresh_token(&self, caller: &Caller, id: &str) -> Result<RefreshToken, Refusal> {
        caller.may(&["read:refresh_tokens"], Target::Platform)?;
        let now = self.now();
        let row = self.store.refresh_token(id).await?.filter(|row| alive(row, now));
        row.map(RefreshToken::from_row).ok_or(Refusal::Missing(Kind::RefreshToken))
    }

    /// The families of a user, oldest first; of one client, when one is named.
    ///
    /// # Errors
    /// [`Refusal::Missing`]; [`Refusal::Invalid`] for a `from` that this list did not answer.
    pub async fn refresh_tokens_of(
        &self,
        caller: &Caller,
        user: &str,
        client: Option<&str>,
        part: &Part,
        total: bool,
    ) -> Result<Listed<RefreshToken>, Refusal> {
        caller.may(&["read:refresh_tokens"], Target::Platform)?;
        self.must_exist(user).await?;
        let now = self.now();
        let after = part.after()?;
        let after = after.as_ref().map(|(micros, id)| (*micros, id.as_str()));
        let rows = self.store.refresh_tokens_of(user, client, now, after, part.fetch()).await?;
        let mut listed = part.listed(rows, |row| (row.created_micros, row.id.clone()), RefreshToken::from_row);
        if total {
            listed.total = Some(self.store.count_refresh_tokens_of(user, now).await?);
        }
        Ok(listed)
    }
}
