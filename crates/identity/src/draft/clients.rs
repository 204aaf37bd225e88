//! Clients and their keys.

use serde_json::{Value, json};
use tenantry_store::Subject;
use zeroize::Zeroizing;

use super::Draft;
use crate::act::Act;
use crate::clients::create::ShapedClient;
use crate::clients::credentials::Credential;
use crate::clients::lookup::SECRETS;
use crate::clients::{Client, NewClient, methods, update};
use crate::text::Fields;
use crate::{Kind, Refusal, ids};

/// A public key for a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// What the operator calls it.
    pub name: String,
    /// The key, or a certificate with it, as PEM.
    pub pem: String,
    /// What it verifies: `RS256`, ….
    pub algorithm: String,
}

/// How a client that signs says so.
const METHODS: &str = "client_authentication_methods";

impl Draft<'_> {
    /// Makes a client, as [`crate::Identity::create_client`], with these keys.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub async fn create_client(&mut self, mut new: NewClient, keys: &[NewKey]) -> Result<Client, Refusal> {
        if !keys.is_empty() {
            let sent: Vec<Value> = keys.iter().map(|key| Value::Object(sent(key))).collect();
            new.fields.insert(METHODS.to_owned(), json!({ "private_key_jwt": { "credentials": sent } }));
        }
        let ShapedClient { client, credentials, .. } = self.identity.shaped_client(new)?;
        self.identity.check_client(&client).await?;
        let inputs = json!({ "id": client.id, "name": client.name, "app_type": client.app_type });
        self.begin(Kind::Client, &Act { name: "clients.create", tenant: "", workspace: None, inputs });
        self.batch.insert_client(&client.to_row());
        for credential in &credentials {
            self.batch.insert_credential(&credential.to_row());
        }
        Ok(client)
    }

    /// Changes a client, as [`crate::Identity::update_client`]. `keys` are all that it shall have, where they are said;
    /// `known` are those that it has.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub async fn update_client(
        &mut self,
        before: &Client,
        mut change: Fields,
        secret: Option<&Zeroizing<String>>,
        keys: Option<&[NewKey]>,
        known: &[Credential],
    ) -> Result<Client, Refusal> {
        let mut client = before.clone();
        let mut kept: Vec<(String, String)> = known.iter().map(|one| (one.id.clone(), one.kind.clone())).collect();
        let mut made = Vec::new();
        let mut gone = Vec::new();
        if let Some(keys) = keys {
            for key in keys {
                made.push(self.identity.read_credential(&client.id, &sent(key))?);
            }
            // A key that stays keeps its id.
            gone = known.iter().filter(|one| one.kind == "public_key").cloned().collect();
            for one in &mut made {
                if let Some(at) = gone.iter().position(|known| same(known, one)) {
                    *one = gone.remove(at);
                }
            }
            kept.retain(|(id, _)| !gone.iter().any(|one| one.id == *id));
            kept.extend(made.iter().map(|one| (one.id.clone(), one.kind.clone())));
            let named: Vec<Value> = made.iter().map(|one| json!({ "id": one.id })).collect();
            let methods =
                if named.is_empty() { Value::Null } else { json!({ "private_key_jwt": { "credentials": named } }) };
            change.insert(METHODS.to_owned(), methods);
        }
        let names: Vec<String> = change.keys().cloned().collect();
        self.identity.apply_to_client(&mut client, change)?;
        if let Some(secret) = secret {
            client.secret = Some(self.identity.seal(SECRETS, &client.id, secret.as_bytes())?);
        }
        methods::check(&mut client.fields, &kept)?;
        self.identity.check_client(&client).await?;
        client.updated_micros = self.identity.now();
        let inputs = json!({ "id": client.id, "changed": names, "new_secret": secret.is_some() });
        self.begin(Kind::Client, &Act { name: "clients.update", tenant: "", workspace: None, inputs });
        self.batch.update_client(&client.to_row());
        for one in made.iter().filter(|one| !known.iter().any(|known| known.id == one.id)) {
            self.batch.insert_credential(&one.to_row());
        }
        for one in &gone {
            self.batch.delete_credential(&client.id, &one.id);
        }
        if update::tells(before, &client) || secret.is_some() {
            self.batch.affects(Subject::Client(client.id.clone()));
        }
        Ok(client)
    }

    /// Removes a client, as [`crate::Identity::delete_client`].
    pub fn delete_client(&mut self, client: &Client) {
        let inputs = json!({ "id": client.id, "name": client.name });
        self.begin(Kind::Client, &Act { name: "clients.delete", tenant: "", workspace: None, inputs });
        self.batch.delete_client(&client.id);
        self.batch.affects(Subject::Client(client.id.clone()));
    }

    /// A new secret for a client: 64 letters and digits.
    ///
    /// # Errors
    /// Without randomness.
    pub fn client_secret(&self) -> Result<Zeroizing<String>, Refusal> {
        Ok(Zeroizing::new(ids::letters(self.identity.entropy.as_ref(), "", 64)?))
    }
}

/// Are they the same key for the same use?
fn same(one: &Credential, other: &Credential) -> bool {
    one.kid == other.kid && ["alg", "name"].iter().all(|name| one.fields.get(*name) == other.fields.get(*name))
}

fn sent(key: &NewKey) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in
        [("credential_type", "public_key"), ("name", &key.name), ("pem", &key.pem), ("alg", &key.algorithm)]
    {
        fields.insert(name.to_owned(), json!(value));
    }
    fields
}
