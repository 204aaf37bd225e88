//! Listing a client's credentials.

use crate::caller::Target;
use crate::clients::credentials::Credential;
use crate::{Caller, Identity, Kind, Refusal};

impl Identity {
    /// A client's credentials, oldest first.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when there is no such client.
    pub async fn credentials(&self, caller: &Caller, client: &str) -> Result<Vec<Credential>, Refusal> {
        caller.may(&["read:client_credentials"], Target::Platform)?;
        self.store.client(client).await?.ok_or(Refusal::Missing(Kind::Client))?;
        let rows = self.store.credentials_of([client]).await?;
        Ok(rows.into_iter().map(Credential::from_row).collect())
    }
}
