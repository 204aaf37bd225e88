//! Reading the platform's settings.

use crate::caller::Target;
use crate::text::Fields;
use crate::{Caller, Identity, Refusal};

impl Identity {
    /// The platform's settings, whole.
    ///
    /// # Errors
    /// The store's.
    pub async fn settings(&self, caller: &Caller) -> Result<Fields, Refusal> {
        caller.may(&["read:tenant_settings"], Target::Platform)?;
        self.known_settings().await
    }
}
