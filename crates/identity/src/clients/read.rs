//! Reading one client.

use crate::caller::Target;
use crate::clients::Client;
use crate::{Caller, Identity, Kind, Permission, Refusal};

/// Any of these lets one see clients, each another part of them.
pub(super) const READ: &[Permission] =
    &["read:clients", "read:client_keys", "read:client_summary", "read:client_credentials"];

impl Identity {
    /// The client of that id, as the caller may see it.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn client(&self, caller: &Caller, id: &str) -> Result<Client, Refusal> {
        caller.may(READ, Target::Platform)?;
        let row = self.store.client(id).await?.ok_or(Refusal::Missing(Kind::Client))?;
        self.seen(caller, Client::from_row(row))
    }
}
