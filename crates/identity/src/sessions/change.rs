//! Changing a session's metadata.

use serde_json::{Value, json};
use tenantry_store::BatchError;

use crate::act::Act;
use crate::caller::Target;
use crate::identity::TRIES;
use crate::sessions::Session;
use crate::{Caller, Identity, Kind, Refusal};

impl Identity {
    /// Puts metadata in place of what the session had; null takes it away.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn update_session(&self, caller: &Caller, id: &str, metadata: Value) -> Result<Session, Refusal> {
        caller.may(&["update:sessions"], Target::Platform)?;
        let now = self.now();
        for _ in 0..TRIES {
            let row = self.store.session(id).await?;
            let row = row.filter(|row| row.expires_micros > now && row.idle_micros > now);
            let row = row.ok_or(Refusal::Missing(Kind::Session))?;
            let old = row.doc.clone();
            let mut session = Session::from_row(row);
            if metadata.is_null() {
                session.fields.shift_remove("session_metadata");
            } else {
                session.fields.insert("session_metadata".to_owned(), metadata.clone());
            }
            let inputs = json!({ "id": id, "user": session.user_id });
            let act = Act { name: "sessions.update", tenant: "", workspace: None, inputs };
            let done = self.act(caller, act, async {
                let mut batch = self.store.batch();
                batch.update_session(id, &old, &Value::Object(session.fields.clone()).to_string());
                match self.store.commit(batch).await {
                    Ok(_) => Ok(true),
                    Err(BatchError::Untouched(_)) => Ok(false),
                    Err(error) => Err(error.into()),
                }
            });
            if done.await? {
                return Ok(session);
            }
        }
        Err(Refusal::Contended(Kind::Session))
    }
}
