//! Making a client.

use serde_json::{Value, json};
use tenantry_store::BatchError;
use tenantry_store::identity::client_grants::ClientGrant;

use crate::act::Act;
use crate::caller::Target;
use crate::clients::credentials::Credential;
use crate::clients::lookup::SECRETS;
use crate::clients::{Client, Sight, defaults, methods};
use crate::text::Fields;
use crate::{Caller, Identity, Kind, Refusal, ids};

/// What a client of type `express_configuration` may ask of the Management API.
const EXPRESS_SCOPE: [&str; 16] = [
    "read:clients",
    "read:user_attribute_profiles",
    "read:connection_profiles",
    "read:organizations_summary",
    "read:connections",
    "create:connections",
    "update:connections",
    "read:connections_options",
    "update:connections_options",
    "read:organization_connections",
    "create:organization_connections",
    "update:organization_connections",
    "create:scim_config",
    "read:scim_token",
    "create:scim_token",
    "delete:scim_token",
];

/// What a client is made from.
#[derive(Debug, Clone, Default)]
pub struct NewClient {
    /// Its name for people.
    pub name: String,
    /// An id that was chosen: 32 letters and digits. Drawn when absent.
    pub id: Option<String>,
    /// A secret that was chosen. Drawn when absent.
    pub secret: Option<String>,
    /// `app_type`, `grant_types`, `callbacks`, ….
    pub fields: Fields,
}

/// A client that is ready to be written.
pub(crate) struct ShapedClient {
    pub(crate) client: Client,
    pub(crate) credentials: Vec<Credential>,
    pub(crate) secret: String,
}

impl Identity {
    /// Makes a client. It is answered with its secret.
    ///
    /// # Errors
    /// [`Refusal::Exists`] for a chosen id that is taken; [`Refusal::Invalid`].
    pub async fn create_client(&self, caller: &Caller, new: NewClient) -> Result<Client, Refusal> {
        caller.may(&["create:clients"], Target::Platform)?;
        let ShapedClient { mut client, credentials, secret } = self.shaped_client(new)?;
        self.check_client(&client).await?;
        let express = self.express_grant(&client).await?;
        let inputs = json!({ "id": client.id, "name": client.name, "app_type": client.app_type });
        let act = Act { name: "clients.create", tenant: "", workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            let row = batch.insert_client(&client.to_row());
            for credential in &credentials {
                batch.insert_credential(&credential.to_row());
            }
            if let Some(grant) = &express {
                batch.insert_client_grant(grant);
            }
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Duplicate(place)) if place == row => Err(Refusal::Exists(Kind::Client)),
                Err(BatchError::Duplicate(_)) => Err(Refusal::Exists(Kind::Credential)),
                Err(error) => Err(error.into()),
            }
        })
        .await?;
        methods::expand(&mut client.fields, &credentials);
        client.client_secret = Some(secret);
        Ok(client)
    }

    /// The client that is to be made, with its usual fields. Nothing is written.
    pub(crate) fn shaped_client(&self, new: NewClient) -> Result<ShapedClient, Refusal> {
        let now = self.now();
        let id = match new.id {
            Some(id) => id,
            None => ids::letters(self.entropy.as_ref(), "", 32)?,
        };
        let secret = match new.secret {
            Some(secret) => secret,
            None => ids::letters(self.entropy.as_ref(), "", 64)?,
        };
        let mut fields = new.fields;
        let app_type = taken_text(&mut fields, "app_type");
        let api = taken_text(&mut fields, "resource_server_identifier");
        let is_first_party = !matches!(fields.shift_remove("is_first_party"), Some(Value::Bool(false)));
        let credentials = self.take_credentials(&id, &mut fields)?;
        defaults::fill(&mut fields, app_type.as_deref());
        let known: Vec<_> = credentials.iter().map(|made| (made.id.clone(), made.kind.clone())).collect();
        methods::check(&mut fields, &known)?;
        let client = Client {
            secret: Some(self.seal(SECRETS, &id, secret.as_bytes())?),
            id,
            name: new.name,
            app_type,
            is_first_party,
            is_global: false,
            external_id: None,
            api,
            client_secret: None,
            sight: Sight::Keys,
            fields,
            created_micros: now,
            updated_micros: now,
            version: 1,
        };
        Ok(ShapedClient { client, credentials, secret })
    }

    /// Refuses a client whose fields do not go together or name what does not exist.
    pub(crate) async fn check_client(&self, client: &Client) -> Result<(), Refusal> {
        if client.app_type.as_deref() == Some("resource_server") {
            let Some(api) = &client.api else {
                return Err(Refusal::invalid(
                    "resource_server_identifier is required for clients of type resource_server",
                ));
            };
            let api = self.store.api_identified(api).await?;
            if api.is_none_or(|api| api.is_system) {
                return Err(Refusal::invalid("There is no resource server with this resource_server_identifier"));
            }
        } else if client.api.is_some() {
            return Err(Refusal::invalid("resource_server_identifier is only for clients of type resource_server"));
        }
        let organization = client.fields.get("default_organization").and_then(|flow| flow.get("organization_id"));
        if let Some(id) = organization.and_then(Value::as_str)
            && self.store.account(id).await?.is_none()
        {
            return Err(Refusal::invalid("The default_organization does not exist"));
        }
        Ok(())
    }

    async fn express_grant(&self, client: &Client) -> Result<Option<ClientGrant>, Refusal> {
        if client.app_type.as_deref() != Some("express_configuration") {
            return Ok(None);
        }
        let audience = self.issuer.management_audience();
        let api = self.store.api_identified(&audience).await?;
        let api = api.ok_or(Refusal::Internal("the Management API is not among the APIs"))?;
        Ok(Some(ClientGrant {
            id: ids::letters(self.entropy.as_ref(), "cgr_", 16)?,
            client_id: client.id.clone(),
            api_id: api.id,
            audience,
            subject_type: "client".to_owned(),
            any_account: false,
            doc: json!({ "scope": EXPRESS_SCOPE, "is_system": true }).to_string(),
            version: 1,
            created_micros: client.created_micros,
        }))
    }
}

/// A text member, taken out.
pub(super) fn taken_text(fields: &mut Fields, name: &str) -> Option<String> {
    match fields.shift_remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}
