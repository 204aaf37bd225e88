//! Changing a refresh token's metadata.

use serde_json::{Value, json};
use tenantry_store::BatchError;

use crate::act::Act;
use crate::caller::Target;
use crate::identity::TRIES;
use crate::refresh_tokens::{RefreshToken, alive};
use crate::{Caller, Identity, Kind, Refusal};

impl Identity {
    /// Puts metadata in place of what the family had; null takes it away.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn update_refresh_token(
        &self,
        caller: &Caller,
        id: &str,
        metadata: Value,
    ) -> Result<RefreshToken, Refusal> {
        caller.may(&["update:refresh_tokens"], Target::Platform)?;
        let now = self.now();
        for _ in 0..TRIES {
            let row = self.store.refresh_token(id).await?.filter(|row| alive(row, now));
            let row = row.ok_or(Refusal::Missing(Kind::RefreshToken))?;
            let old = row.doc.clone();
            let mut token = RefreshToken::from_row(row);
            if metadata.is_null() {
                token.fields.shift_remove("refresh_token_metadata");
            } else {
                token.fields.insert("refresh_token_metadata".to_owned(), metadata.clone());
            }
            let inputs = json!({ "id": id, "user": token.user_id });
            let act = Act { name: "refresh_tokens.update", tenant: "", workspace: None, inputs };
            let done = self.act(caller, act, async {
                let mut batch = self.store.batch();
                batch.update_refresh_token(id, &old, &Value::Object(token.fields.clone()).to_string());
                match self.store.commit(batch).await {
                    Ok(_) => Ok(true),
                    Err(BatchError::Untouched(_)) => Ok(false),
                    Err(error) => Err(error.into()),
                }
            });
            if done.await? {
                return Ok(token);
            }
        }
        Err(Refusal::Contended(Kind::RefreshToken))
    }
}
