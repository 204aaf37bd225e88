//! Changing a role.

use serde_json::{Value, json};
use tenantry_store::{BatchError, Subject};

use crate::act::Act;
use crate::identity::TRIES;
use crate::roles::{Role, check_description, check_name};
use crate::text::Fields;
use crate::{Caller, Identity, Kind, Refusal};

impl Identity {
    /// Changes a role's name or description.
    ///
    /// # Errors
    /// [`Refusal::Missing`], [`Refusal::Exists`] for a name that is taken, [`Refusal::Invalid`].
    pub async fn update_role(&self, caller: &Caller, id: &str, change: Fields) -> Result<Role, Refusal> {
        for _ in 0..TRIES {
            let found = self.known_role(id).await;
            self.may_role(caller, &["update:roles"], &found)?;
            let mut role = found?;
            let name = role.name.clone();
            for (field, value) in &change {
                match (field.as_str(), value) {
                    ("name", Value::String(text)) => role.name = check_name(text)?,
                    ("description", Value::String(text)) => role.description = Some(check_description(text)?),
                    ("description", Value::Null) => role.description = None,
                    _ => return Err(Refusal::invalid(format!("{field} cannot be changed"))),
                }
            }
            if role.account.is_some() && role.name != name {
                self.free_for_accounts(&role.name).await?;
            }
            self.outranks(caller, &[id.to_owned()]).await?;
            role.updated_micros = self.now();
            let tenant = self.tenant_of(role.account.as_deref()).await?;
            let inputs = json!({ "id": id, "change": change });
            let act = Act { name: "roles.update", tenant: &tenant, workspace: None, inputs };
            let done = self.act(caller, act, async {
                let mut batch = self.store.batch();
                let place = batch.update_role(&role.to_row());
                // Tokens carry the names of roles.
                if role.name != name {
                    batch.affects(Subject::Role(role.id.clone()));
                }
                match self.store.commit(batch).await {
                    Ok(_) => Ok(true),
                    Err(BatchError::Untouched(_)) => Ok(false),
                    Err(BatchError::Duplicate(at)) if at == place => Err(Refusal::Exists(Kind::Role)),
                    Err(error) => Err(error.into()),
                }
            });
            if done.await? {
                return Ok(role);
            }
        }
        Err(Refusal::Contended(Kind::Role))
    }
}
