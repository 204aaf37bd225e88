//! Reading one grant.

use crate::caller::Target;
use crate::client_grants::ClientGrant;
use crate::{Caller, Identity, Kind, Refusal};

impl Identity {
    /// The grant of that id.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn client_grant(&self, caller: &Caller, id: &str) -> Result<ClientGrant, Refusal> {
        caller.may(&["read:client_grants"], Target::Platform)?;
        let row = self.store.client_grant(id).await?;
        row.map(ClientGrant::from_row).ok_or(Refusal::Missing(Kind::ClientGrant))
    }
}
