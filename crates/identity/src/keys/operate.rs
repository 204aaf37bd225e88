//! The operations on signing keys.

use serde_json::json;

use super::{Algorithm, KeyInfo, Rotated};
use crate::act::Act;
use crate::caller::Target;
use crate::{Caller, Identity, IssueError, Kind, Refusal};

impl Identity {
    /// The signing keys without their private parts, the newest first.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`].
    pub async fn signing_keys(&self, caller: &Caller) -> Result<Vec<KeyInfo>, Refusal> {
        caller.may(&["read:signing_keys"], Target::Platform)?;
        self.issuer.follow_keys().await.map_err(refused)?;
        Ok(self.issuer.keys())
    }

    /// Lets the next key of this algorithm sign. What the one before it signed holds on.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`]; the store's.
    pub async fn rotate_signing_key(&self, caller: &Caller, algorithm: Algorithm) -> Result<Rotated, Refusal> {
        caller.may(&["create:signing_keys", "update:signing_keys"], Target::Platform)?;
        let inputs = json!({ "algorithm": algorithm.name() });
        let act = Act { name: "keys.rotate", tenant: "", workspace: None, inputs };
        self.act(caller, act, async { self.issuer.rotate(algorithm).await.map_err(refused) }).await
    }

    /// Takes a key out of force: what it signed is refused within a second.
    ///
    /// # Errors
    /// [`Refusal::Missing`]; [`Refusal::Invalid`] for the key that signs.
    pub async fn revoke_signing_key(&self, caller: &Caller, kid: &str) -> Result<(), Refusal> {
        caller.may(&["update:signing_keys"], Target::Platform)?;
        let act = Act { name: "keys.revoke", tenant: "", workspace: None, inputs: json!({ "kid": kid }) };
        self.act(caller, act, async {
            let found = self.issuer.revoke_key(kid).await.map_err(refused)?;
            if found { Ok(()) } else { Err(Refusal::Missing(Kind::SigningKey)) }
        })
        .await
    }
}

fn refused(error: IssueError) -> Refusal {
    match error {
        IssueError::Store(error) => Refusal::Store(error),
        IssueError::Entropy(error) => Refusal::Entropy(error),
        IssueError::InUse => Refusal::invalid(error.to_string()),
        error => {
            tracing::error!(%error, "an operation on signing keys failed");
            Refusal::Internal("an operation on signing keys failed")
        }
    }
}
