//! Making an API.

use serde_json::{Value, json};
use tenantry_store::BatchError;

use crate::act::Act;
use crate::apis::{Api, Scope, scopes};
use crate::caller::Target;
use crate::text::Fields;
use crate::{Caller, Identity, Kind, Refusal, ids};

/// APIs whose identifiers say what they are: `urn:auth0:express-configure`, and `…/me/` of this platform.
const EXPRESS: &str = "urn:auth0:express-configure";

/// What an API is made from.
#[derive(Debug, Clone, Default)]
pub struct NewApi {
    /// What tokens name as their audience; unique, and never changes.
    pub identifier: String,
    /// Its name for people.
    pub name: Option<String>,
    /// `scopes`, `signing_alg`, `token_lifetime`, ….
    pub fields: Fields,
}

impl Identity {
    /// Makes an API.
    ///
    /// # Errors
    /// [`Refusal::Exists`] when the identifier is taken; [`Refusal::Invalid`].
    pub async fn create_api(&self, caller: &Caller, new: NewApi) -> Result<Api, Refusal> {
        caller.may(&["create:resource_servers"], Target::Platform)?;
        let api = self.shaped_api(new)?;
        let inputs = json!({ "id": api.id, "identifier": api.identifier, "fields": api.fields });
        let act = Act { name: "apis.create", tenant: "", workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            let row = batch.insert_api(&api.to_row());
            for permission in api.permissions() {
                batch.put_permission(&permission);
            }
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Duplicate(place)) if place == row => Err(Refusal::Exists(Kind::Api)),
                Err(error) => Err(error.into()),
            }
        })
        .await?;
        self.with_signing_secret(api)
    }

    /// The API that is to be made, with its usual fields. Nothing is written.
    pub(crate) fn shaped_api(&self, new: NewApi) -> Result<Api, Refusal> {
        let now = self.now();
        let mut api = Api {
            id: ids::hex(self.entropy.as_ref(), "", 12)?,
            identifier: new.identifier,
            name: new.name,
            is_system: false,
            scopes: Vec::new(),
            client_id: None,
            signing_secret: None,
            fields: defaults(),
            secret: None,
            created_micros: now,
            updated_micros: now,
            version: 1,
        };
        let mut fields = new.fields;
        if let Some(given) = fields.shift_remove("scopes") {
            api.scopes = scopes(&given)?;
        }
        let secret = fields.shift_remove("signing_secret");
        api.fields.extend(fields);
        known_by_identifier(&mut api, &[self.issuer.url(), "me/"].concat());
        if api.fields.get("signing_alg").and_then(Value::as_str) == Some("HS256") {
            let secret = match secret.as_ref().and_then(Value::as_str) {
                Some(secret) => secret.to_owned(),
                None => ids::letters(self.entropy.as_ref(), "", 64)?,
            };
            api.secret = Some(self.seal_signing_secret(&api.id, &secret)?);
        }
        Ok(api)
    }
}

fn defaults() -> Fields {
    let all = json!({
        "signing_alg": "RS256",
        "allow_offline_access": false,
        "token_lifetime": 86_400,
        "token_lifetime_for_web": 7_200,
        "skip_consent_for_verifiable_first_party_clients": false,
        "subject_type_authorization": {
            "user": { "policy": "allow_all" },
            "client": { "policy": "require_client_grant" },
        },
    });
    crate::text::fields(&all.to_string())
}

/// Two identifiers stand for APIs that are what they are, whatever else was sent along.
fn known_by_identifier(api: &mut Api, own_account: &str) {
    let (name, permissions, fields) = if api.identifier == EXPRESS {
        (
            "Okta OIN Express Configuration API",
            [
                ("express_configure:sso", "Ability to create SSO configurations"),
                ("express_configure:scim", "Ability to create scim configurations"),
            ]
            .as_slice(),
            json!({
                "token_lifetime": 300,
                "enforce_policies": true,
                "subject_type_authorization": {
                    "user": { "policy": "allow_all" }, "client": { "policy": "deny_all" },
                },
            }),
        )
    } else if api.identifier == own_account {
        (
            "Auth0 My Account API",
            [
                ("create:me:connected_accounts", "Create Connected Accounts"),
                ("read:me:connected_accounts", "Read Connected Accounts"),
                ("delete:me:connected_accounts", "Delete Connected Accounts"),
            ]
            .as_slice(),
            json!({
                "allow_offline_access": true,
                "token_lifetime": 600,
                "token_lifetime_for_web": 600,
                "skip_consent_for_verifiable_first_party_clients": true,
                "proof_of_possession": { "mechanism": "dpop", "required": false },
                "subject_type_authorization": {
                    "user": { "policy": "require_client_grant" }, "client": { "policy": "deny_all" },
                },
            }),
        )
    } else {
        return;
    };
    api.is_system = true;
    api.name = Some(name.to_owned());
    api.scopes = permissions
        .iter()
        .map(|(value, what)| Scope { value: (*value).to_owned(), description: Some((*what).to_owned()) })
        .collect();
    let policy = api.fields.get("authorization_policy").cloned();
    api.fields = defaults();
    api.fields.extend(crate::text::fields(&fields.to_string()));
    if let Some(policy) = policy {
        api.fields.insert("authorization_policy".to_owned(), policy);
    }
}
