//! Granting a client something on an API.

use serde_json::{Value, json};
use tenantry_store::identity::apis::Api;
use tenantry_store::{BatchError, Subject};

use crate::act::Act;
use crate::caller::Target;
use crate::client_grants::ClientGrant;
use crate::text::Fields;
use crate::{Caller, Identity, Kind, Refusal, ids};

/// What a grant is made from.
#[derive(Debug, Clone, Default)]
pub struct NewClientGrant {
    /// The client's id.
    pub client_id: String,
    /// The API's identifier.
    pub audience: String,
    /// Whom the client acts for: `client` (itself) or `user`; `client` when nothing is said.
    pub subject_type: Option<String>,
    /// May be used in any account, and not only in those that are given it.
    pub any_account: Option<bool>,
    /// `scope`, `organization_usage`, `allow_all_scopes`, `authorization_details_types`.
    pub fields: Fields,
}

impl Identity {
    /// Grants a client something on an API.
    ///
    /// # Errors
    /// [`Refusal::Missing`] for the client or the API, [`Refusal::Exists`] when the client has a grant on it
    /// already, [`Refusal::Invalid`].
    pub async fn create_client_grant(&self, caller: &Caller, new: NewClientGrant) -> Result<ClientGrant, Refusal> {
        caller.may(&["create:client_grants"], Target::Platform)?;
        let client = self.store.client(&new.client_id).await?.ok_or(Refusal::Missing(Kind::Client))?;
        if client.app_type.as_deref() == Some("express_configuration") {
            return Err(Refusal::invalid("Client of type express_configuration cannot be used"));
        }
        let api = self.store.api_identified(&new.audience).await?.ok_or(Refusal::Missing(Kind::Api))?;
        let grant = self.shaped_grant(&client.id, &api, new)?;
        let inputs = json!({
            "id": grant.id, "client": grant.client_id, "audience": grant.audience,
            "subject_type": grant.subject_type, "fields": grant.fields,
        });
        let act = Act { name: "client_grants.create", tenant: "", workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.insert_client_grant(&grant.to_row());
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Duplicate(_)) => Err(Refusal::Exists(Kind::ClientGrant)),
                Err(BatchError::Dangling(_)) => Err(Refusal::Missing(Kind::Client)),
                Err(error) => Err(error.into()),
            }
        })
        .await?;
        Ok(grant)
    }

    /// The grant that is to be made. Nothing is written.
    pub(crate) fn shaped_grant(&self, client: &str, api: &Api, new: NewClientGrant) -> Result<ClientGrant, Refusal> {
        let mut fields = new.fields;
        fields.retain(|_, value| !value.is_null());
        let all = fields.get("allow_all_scopes").and_then(Value::as_bool);
        if all.is_some() && api.is_system {
            return Err(Refusal::invalid("`allow_all_scopes` cannot be provided when `audience` is a system API"));
        }
        if all == Some(true) {
            fields.shift_remove("scope");
        } else {
            fields.entry("scope").or_insert_with(|| json!([]));
        }
        Ok(ClientGrant {
            id: ids::letters(self.entropy.as_ref(), "cgr_", 16)?,
            client_id: client.to_owned(),
            audience: api.identifier.clone(),
            subject_type: new.subject_type.unwrap_or_else(|| "client".to_owned()),
            any_account: new.any_account,
            fields,
            api_id: api.id.clone(),
            created_micros: self.now(),
            version: 1,
        })
    }

    /// Whose tokens end when a grant is narrowed.
    pub(crate) fn grant_subject(grant: &ClientGrant) -> Subject {
        Subject::Client(grant.client_id.clone())
    }
}
