//! Reading one API.

use crate::apis::Api;
use crate::caller::Target;
use crate::{Caller, Identity, Kind, Refusal};

impl Identity {
    /// The API of that id or identifier.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn api(&self, caller: &Caller, id: &str) -> Result<Api, Refusal> {
        caller.may(&["read:resource_servers"], Target::Platform)?;
        let row = self.find_api(id).await?.ok_or(Refusal::Missing(Kind::Api))?;
        let api = self.whole_apis(vec![row]).await?.pop().ok_or(Refusal::Missing(Kind::Api))?;
        if caller.may(&["update:resource_servers"], Target::Platform).is_ok() {
            return self.with_signing_secret(api);
        }
        Ok(api)
    }
}
