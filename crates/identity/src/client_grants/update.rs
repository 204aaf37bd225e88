//! Changing a grant.

use serde_json::{Value, json};
use tenantry_store::BatchError;

use crate::act::Act;
use crate::caller::Target;
use crate::client_grants::ClientGrant;
use crate::identity::TRIES;
use crate::text::Fields;
use crate::{Caller, Identity, Kind, Refusal};

impl Identity {
    /// Changes a grant: members that `change` has replace those that were there, null takes one away. A
    /// permission that the API does not know is kept and gives nothing.
    ///
    /// # Errors
    /// [`Refusal::Missing`], [`Refusal::Invalid`].
    pub async fn update_client_grant(&self, caller: &Caller, id: &str, change: Fields) -> Result<ClientGrant, Refusal> {
        caller.may(&["update:client_grants"], Target::Platform)?;
        for _ in 0..TRIES {
            let row = self.store.client_grant(id).await?.ok_or(Refusal::Missing(Kind::ClientGrant))?;
            let mut grant = ClientGrant::from_row(row);
            if grant.is_system() {
                return Err(Refusal::Unsupported("A system client grant cannot be changed."));
            }
            if change.contains_key("allow_all_scopes")
                && self.store.api(&grant.api_id).await?.is_some_and(|api| api.is_system)
            {
                return Err(Refusal::invalid("`allow_all_scopes` cannot be provided when `audience` is a system API"));
            }
            apply(&mut grant, change.clone());
            let inputs = json!({ "id": id, "client": grant.client_id, "audience": grant.audience, "change": change });
            let act = Act { name: "client_grants.update", tenant: "", workspace: None, inputs };
            let done = self.act(caller, act, async {
                let mut batch = self.store.batch();
                batch.update_client_grant(&grant.to_row());
                batch.affects(Self::grant_subject(&grant));
                match self.store.commit(batch).await {
                    Ok(_) => Ok(true),
                    // Somebody was faster: read again.
                    Err(BatchError::Untouched(_)) => Ok(false),
                    Err(error) => Err(error.into()),
                }
            });
            if done.await? {
                return Ok(grant);
            }
        }
        Err(Refusal::Contended(Kind::ClientGrant))
    }
}

pub(crate) fn apply(grant: &mut ClientGrant, change: Fields) {
    for (name, value) in change {
        match (name.as_str(), value) {
            ("allow_any_organization", value) => grant.any_account = value.as_bool(),
            ("allow_all_scopes", Value::Bool(true)) => {
                grant.fields.shift_remove("scope");
                grant.fields.insert(name, Value::Bool(true));
            }
            ("scope", value @ Value::Array(_)) => {
                grant.fields.shift_remove("allow_all_scopes");
                grant.fields.insert(name, value);
            }
            ("scope", _) => {}
            (_, Value::Null) => drop(grant.fields.shift_remove(&name)),
            (_, value) => drop(grant.fields.insert(name, value)),
        }
    }
    let all = grant.fields.get("allow_all_scopes").and_then(Value::as_bool) == Some(true);
    if !all {
        grant.fields.entry("scope").or_insert_with(|| json!([]));
    }
}
