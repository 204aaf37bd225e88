//! Reading sessions.

use crate::caller::Target;
use crate::sessions::Session;
use crate::{Caller, Identity, Kind, Listed, Part, Refusal};

impl Identity {
    /// The session of that id, while it lasts.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn session(&self, caller: &Caller, id: &str) -> Result<Session, Refusal> {
        caller.may(&["read:sessions"], Target::Platform)?;
        let now = self.now();
        let row = self.store.session(id).await?;
        let row = row.filter(|row| row.expires_micros > now && row.idle_micros > now);
        row.map(Session::from_row).ok_or(Refusal::Missing(Kind::Session))
    }

    /// The sessions of a user, oldest first.
    ///
    /// # Errors
    /// [`Refusal::Missing`]; [`Refusal::Invalid`] for a `from` that this list did not answer.
    pub async fn sessions_of(
        &self,
        caller: &Caller,
        user: &str,
        part: &Part,
        total: bool,
    ) -> Result<Listed<Session>, Refusal> {
        caller.may(&["read:sessions"], Target::Platform)?;
        self.must_exist(user).await?;
        let now = self.now();
        let after = part.after()?;
        let after = after.as_ref().map(|(micros, id)| (*micros, id.as_str()));
        let rows = self.store.sessions_of(user, now, after, part.fetch()).await?;
        let mut listed = part.listed(rows, |row| (row.created_micros, row.id.clone()), Session::from_row);
        if total {
            listed.total = Some(self.store.count_sessions_of(user, now).await?);
        }
        Ok(listed)
    }
}
