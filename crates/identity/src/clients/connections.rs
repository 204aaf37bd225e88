//! Which connections a client may use.

use tenantry_store::identity::connections::ConnectionFilter;

use crate::caller::Target;
use crate::connections::Connection;
use crate::{Caller, Identity, Kind, Listed, Part, Refusal};

impl Identity {
    /// The connections that a client may use, oldest first.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when there is no such client.
    pub async fn connections_of_client(
        &self,
        caller: &Caller,
        client: &str,
        strategies: Vec<String>,
        part: &Part,
    ) -> Result<Listed<Connection>, Refusal> {
        caller.may(&["read:connections"], Target::Platform)?;
        self.store.client(client).await?.ok_or(Refusal::Missing(Kind::Client))?;
        let filter = ConnectionFilter { strategies, name: None, client_id: Some(client.to_owned()) };
        self.list_connections(caller, &filter, part).await
    }
}
