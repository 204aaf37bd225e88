//! Reading one credential.

use crate::caller::Target;
use crate::clients::credentials::Credential;
use crate::{Caller, Identity, Kind, Refusal};

impl Identity {
    /// A client's credential.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn credential(&self, caller: &Caller, client: &str, id: &str) -> Result<Credential, Refusal> {
        caller.may(&["read:client_credentials"], Target::Platform)?;
        let row = self.store.credential(client, id).await?;
        row.map(Credential::from_row).ok_or(Refusal::Missing(Kind::Credential))
    }
}
