//! Changing a client.

use serde_json::{Value, json};
use tenantry_store::{BatchError, Subject};

use crate::act::Act;
use crate::caller::Target;
use crate::clients::lookup::SECRETS;
use crate::clients::{Client, defaults, methods};
use crate::identity::TRIES;
use crate::text::{Fields, merge};
use crate::{Caller, Identity, Kind, Refusal};

/// Members whose own members are merged, and not replaced as a whole.
const MERGED: [&str; 2] = ["client_metadata", "jwt_configuration"];

/// Fields on which it depends what a client may do.
const TELLING: [&str; 5] = [
    "grant_types",
    "token_endpoint_auth_method",
    "client_authentication_methods",
    "organization_usage",
    "default_organization",
];

/// Did it change what the client may do?
pub(crate) fn tells(before: &Client, client: &Client) -> bool {
    TELLING.iter().any(|name| client.fields.get(*name) != before.fields.get(*name))
        || client.is_first_party != before.is_first_party
}

impl Identity {
    /// Changes a client: members that `change` has replace those that were there (`client_metadata` and
    /// `jwt_configuration` are merged), null takes one away.
    ///
    /// # Errors
    /// [`Refusal::Missing`], [`Refusal::Invalid`].
    pub async fn update_client(&self, caller: &Caller, id: &str, change: Fields) -> Result<Client, Refusal> {
        caller.may(&["update:clients", "update:client_keys", "update:client_credentials"], Target::Platform)?;
        for (name, value) in &change {
            // Each part of a client has a permission of its own.
            match name.as_str() {
                "client_secret" => caller.may(&["update:client_keys"], Target::Platform)?,
                "client_authentication_methods" if !value.is_null() => {
                    caller.may(&["update:client_credentials"], Target::Platform)?;
                }
                _ => caller.may(&["update:clients"], Target::Platform)?,
            }
        }
        for _ in 0..TRIES {
            let row = self.store.client(id).await?.ok_or(Refusal::Missing(Kind::Client))?;
            let mut client = Client::from_row(row);
            let before = client.clone();
            self.apply_to_client(&mut client, change.clone())?;
            let known = self.store.credentials_of([id]).await?;
            let known: Vec<_> = known.into_iter().map(|row| (row.id, row.kind)).collect();
            methods::check(&mut client.fields, &known)?;
            self.check_client(&client).await?;
            client.updated_micros = self.now();
            let inputs = json!({ "id": id, "change": change });
            let act = Act { name: "clients.update", tenant: "", workspace: None, inputs };
            let done = self.act(caller, act, async {
                let mut batch = self.store.batch();
                batch.update_client(&client.to_row());
                if tells(&before, &client) || change.contains_key("client_secret") {
                    batch.affects(Subject::Client(id.to_owned()));
                }
                match self.store.commit(batch).await {
                    Ok(_) => Ok(true),
                    // Somebody was faster: read again.
                    Err(BatchError::Untouched(_)) => Ok(false),
                    Err(error) => Err(error.into()),
                }
            });
            if done.await? {
                return self.seen(caller, client);
            }
        }
        Err(Refusal::Contended(Kind::Client))
    }

    pub(crate) fn apply_to_client(&self, client: &mut Client, change: Fields) -> Result<(), Refusal> {
        // Whoever sets one way of proving itself means to leave the other.
        let sets = |name: &str| change.get(name).is_some_and(|value| !value.is_null());
        match (sets("client_authentication_methods"), sets("token_endpoint_auth_method")) {
            (true, false) => drop(client.fields.shift_remove("token_endpoint_auth_method")),
            (false, true) => drop(client.fields.shift_remove("client_authentication_methods")),
            _ => {}
        }
        for (name, value) in change {
            match (name.as_str(), value) {
                ("name", Value::String(name)) => client.name = name,
                ("app_type", Value::String(app_type)) => client.app_type = Some(app_type),
                ("is_first_party", Value::Bool(is)) => client.is_first_party = is,
                ("client_secret", Value::String(secret)) => {
                    client.secret = Some(self.seal(SECRETS, &client.id, secret.as_bytes())?);
                }
                ("refresh_token", Value::Object(rules)) => {
                    let before = match client.fields.shift_remove("refresh_token") {
                        Some(Value::Object(before)) => Some(before),
                        _ => None,
                    };
                    let rules = defaults::refresh_rules(before, rules);
                    client.fields.insert(name, Value::Object(rules));
                }
                (_, Value::Object(members)) if MERGED.contains(&name.as_str()) => {
                    let mut all = match client.fields.shift_remove(&name) {
                        Some(Value::Object(all)) => all,
                        _ => Fields::new(),
                    };
                    merge(&mut all, members);
                    client.fields.insert(name, Value::Object(all));
                }
                ("oidc_logout", value) => {
                    client.fields.shift_remove("oidc_backchannel_logout");
                    merge(&mut client.fields, [(name, value)].into_iter().collect());
                }
                ("oidc_backchannel_logout", Value::Null) => {
                    client.fields.shift_remove(&name);
                    if let Some(Value::Object(logout)) = client.fields.get_mut("oidc_logout") {
                        logout.shift_remove("backchannel_logout_urls");
                    }
                }
                ("oidc_backchannel_logout", value) => {
                    let urls = value.get("backchannel_logout_urls").cloned();
                    if let (Some(Value::Object(logout)), Some(urls)) = (client.fields.get_mut("oidc_logout"), urls) {
                        logout.insert("backchannel_logout_urls".to_owned(), urls);
                    }
                    client.fields.insert(name, value);
                }
                (_, Value::Null) => drop(client.fields.shift_remove(&name)),
                (_, value) => drop(client.fields.insert(name, value)),
            }
        }
        defaults::mirror_logout(&mut client.fields);
        let metadata = client.fields.get("client_metadata").and_then(Value::as_object);
        if metadata.is_some_and(|metadata| metadata.len() > 10) {
            return Err(Refusal::Invalid {
                code: "invalid_body",
                message:
                    "Payload validation error: 'Too many properties defined, maximum 10' on property client_metadata."
                        .to_owned(),
            });
        }
        Ok(())
    }
}
