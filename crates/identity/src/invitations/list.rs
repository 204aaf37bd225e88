//! Reading invitations.

use super::Invitation;
use crate::{Caller, Identity, Kind, Listed, Part, Refusal};

impl Identity {
    /// The invitations of an account that nobody accepted yet: the newest first, or the oldest. Parts that
    /// go on from an earlier one are answered oldest first.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the account does not exist.
    pub async fn invitations(
        &self,
        caller: &Caller,
        account: &str,
        newest_first: bool,
        part: &Part,
    ) -> Result<Listed<Invitation>, Refusal> {
        self.reach_account(caller, &["read:organization_invitations"], account).await?;
        let newest_first = newest_first && matches!(part, Part::Page { .. });
        let rows = self.store.invitations(account, newest_first, &part.stretch()?).await?;
        let mut listed = part.listed(rows, |row| (row.created_micros, row.id.clone()), Invitation::from_row);
        if part.wants_total() {
            listed.total = Some(self.store.count_invitations(account).await?);
        }
        Ok(listed)
    }

    /// An invitation of an account.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn invitation(&self, caller: &Caller, account: &str, id: &str) -> Result<Invitation, Refusal> {
        self.reach_account(caller, &["read:organization_invitations"], account).await?;
        let row = self.store.invitation(account, id).await?;
        row.map(Invitation::from_row).ok_or(Refusal::Missing(Kind::Invitation))
    }
}
