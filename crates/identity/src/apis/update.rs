//! Changing an API.

use std::collections::HashSet;

use serde_json::{Value, json};
use tenantry_store::identity::client_grants::ClientGrant;
use tenantry_store::{Batch, BatchError, Subject};

use crate::act::Act;
use crate::apis::{Api, scopes};
use crate::caller::Target;
use crate::identity::TRIES;
use crate::text::{Fields, fields};
use crate::{Caller, Identity, Kind, Refusal, ids};

/// What can be changed in Tenantry's own APIs.
const OWN_MEMBERS: [&str; 4] = [
    "token_lifetime",
    "token_lifetime_for_web",
    "skip_consent_for_verifiable_first_party_clients",
    "subject_type_authorization",
];

/// Fields on which the contents of tokens depend.
const TELLING: [&str; 3] = ["enforce_policies", "token_dialect", "subject_type_authorization"];

impl Identity {
    /// Changes an API: members that `change` has replace those that were there (`scopes` whole), null takes
    /// one away. A permission that is left out leaves every role, user and grant that held it.
    ///
    /// # Errors
    /// [`Refusal::Missing`], [`Refusal::Invalid`].
    pub async fn update_api(&self, caller: &Caller, id: &str, change: Fields) -> Result<Api, Refusal> {
        caller.may(&["update:resource_servers"], Target::Platform)?;
        for _ in 0..TRIES {
            let row = self.find_api(id).await?.ok_or(Refusal::Missing(Kind::Api))?;
            let mut api = self.whole_apis(vec![row]).await?.pop().ok_or(Refusal::Missing(Kind::Api))?;
            let before = api.clone();
            self.changed_api(&mut api, change.clone())?;
            let grants = if loses(&before, &api) { self.store.grants_on_api(&api.id).await? } else { Vec::new() };
            let inputs = json!({ "id": api.id, "identifier": api.identifier, "change": change });
            let act = Act { name: "apis.update", tenant: "", workspace: None, inputs };
            let done = self.act(caller, act, async {
                let mut batch = self.store.batch();
                write(&mut batch, &before, &api, grants);
                match self.store.commit(batch).await {
                    Ok(_) => Ok(true),
                    // Somebody was faster: read again.
                    Err(BatchError::Untouched(_)) => Ok(false),
                    Err(error) => Err(error.into()),
                }
            });
            if done.await? {
                return self.with_signing_secret(api);
            }
        }
        Err(Refusal::Contended(Kind::Api))
    }

    /// Changes an API that was read, as far as it may be. Nothing is written.
    pub(crate) fn changed_api(&self, api: &mut Api, change: Fields) -> Result<(), Refusal> {
        if self.is_own_api(&api.id) {
            only(&change, &OWN_MEMBERS)?;
        } else if api.is_system {
            only(&change, &[&OWN_MEMBERS[..], &["authorization_policy", "proof_of_possession"]].concat())?;
        }
        self.apply(api, change)?;
        api.updated_micros = self.now();
        Ok(())
    }

    fn apply(&self, api: &mut Api, change: Fields) -> Result<(), Refusal> {
        for (name, value) in change {
            match (name.as_str(), value) {
                ("name", Value::String(name)) => api.name = Some(name),
                ("scopes", value) => api.scopes = scopes(&value)?,
                ("signing_secret", Value::String(secret)) => {
                    api.secret = Some(self.seal_signing_secret(&api.id, &secret)?);
                }
                ("subject_type_authorization", Value::Object(given)) => {
                    let mut all = match api.fields.shift_remove("subject_type_authorization") {
                        Some(Value::Object(all)) => all,
                        _ => Fields::new(),
                    };
                    all.extend(given);
                    api.fields.insert(name, Value::Object(all));
                }
                (_, Value::Null) => drop(api.fields.shift_remove(&name)),
                (_, value) => drop(api.fields.insert(name, value)),
            }
        }
        if api.secret.is_none() && api.fields.get("signing_alg").and_then(Value::as_str) == Some("HS256") {
            let secret = ids::letters(self.entropy.as_ref(), "", 64)?;
            api.secret = Some(self.seal_signing_secret(&api.id, &secret)?);
        }
        Ok(())
    }

    /// One of those that Tenantry itself answers for.
    pub(crate) fn is_own_api(&self, id: &str) -> bool {
        crate::prepare::own_api_ids().iter().any(|own| own == id)
    }
}

/// Does the API know a permission no more?
pub(crate) fn loses(before: &Api, api: &Api) -> bool {
    before.scopes.iter().any(|scope| !api.scopes.iter().any(|kept| kept.value == scope.value))
}

/// Writes a change; `grants` are those on the API, where it loses a permission.
pub(crate) fn write(batch: &mut Batch, before: &Api, api: &Api, grants: Vec<ClientGrant>) {
    let kept: HashSet<&str> = api.scopes.iter().map(|scope| scope.value.as_str()).collect();
    let gone: Vec<&str> =
        before.scopes.iter().map(|scope| scope.value.as_str()).filter(|name| !kept.contains(name)).collect();
    batch.update_api(&api.to_row());
    if api.scopes != before.scopes {
        for name in &gone {
            batch.delete_permission(&api.id, name);
        }
        for permission in api.permissions() {
            batch.put_permission(&permission);
        }
        narrow(batch, grants, &kept);
    }
    if !gone.is_empty() || TELLING.iter().any(|name| api.fields.get(*name) != before.fields.get(*name)) {
        batch.affects(Subject::Api(api.identifier.clone()));
    }
}

fn only(change: &Fields, members: &[&str]) -> Result<(), Refusal> {
    match change.keys().find(|name| !members.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(Refusal::Invalid {
            code: "invalid_body",
            message: format!("Payload validation error: 'Additional properties not allowed: {name}'."),
        }),
    }
}

/// Takes permissions that are no more out of the grants that named them.
fn narrow(batch: &mut Batch, grants: Vec<ClientGrant>, kept: &HashSet<&str>) {
    for mut grant in grants {
        let mut doc = fields(&grant.doc);
        let Some(Value::Array(scope)) = doc.get_mut("scope") else { continue };
        let before = scope.len();
        scope.retain(|name| name.as_str().is_some_and(|name| kept.contains(name)));
        if scope.len() != before {
            grant.doc = Value::Object(doc).to_string();
            batch.update_client_grant(&grant);
        }
    }
}
