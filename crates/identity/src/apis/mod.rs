//! APIs (resource servers): what tokens are for, and the permissions that they carry.

mod create;
mod delete;
mod list;
mod read;
pub(crate) mod update;

use serde_json::Value;
use tenantry_store::identity::apis::{Api as Row, Permission};

use crate::text::{Fields, fields};
use crate::{Identity, Refusal};

pub use create::NewApi;

/// Where an API's signing secret lies, for its seal.
pub(crate) const SECRETS: &str = "api";

/// A permission that an API knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// `read:invoices`.
    pub value: String,
    /// For people.
    pub description: Option<String>,
}

/// An API.
#[derive(Debug, Clone, PartialEq)]
pub struct Api {
    /// 24 hexadecimal digits.
    pub id: String,
    /// What tokens name as their audience.
    pub identifier: String,
    /// Its name for people.
    pub name: Option<String>,
    /// One of the platform's own.
    pub is_system: bool,
    /// The permissions that it knows, in the order in which they were given.
    pub scopes: Vec<Scope>,
    /// The client that stands for it.
    pub client_id: Option<String>,
    /// The secret that signs its tokens (HS256), for callers who may change it.
    pub signing_secret: Option<String>,
    /// `signing_alg`, `token_lifetime`, `enforce_policies`, `token_dialect`, ….
    pub fields: Fields,
    secret: Option<Vec<u8>>,
    created_micros: i64,
    updated_micros: i64,
    version: i64,
}

impl Api {
    pub(crate) fn from_row(row: Row) -> Api {
        Api {
            fields: fields(&row.doc),
            id: row.id,
            identifier: row.identifier,
            name: row.name,
            is_system: row.is_system,
            scopes: Vec::new(),
            client_id: None,
            signing_secret: None,
            secret: row.secret,
            created_micros: row.created_micros,
            updated_micros: row.updated_micros,
            version: row.version,
        }
    }

    pub(crate) fn to_row(&self) -> Row {
        Row {
            id: self.id.clone(),
            identifier: self.identifier.clone(),
            name: self.name.clone(),
            is_system: self.is_system,
            secret: self.secret.clone(),
            doc: Value::Object(self.fields.clone()).to_string(),
            version: self.version,
            created_micros: self.created_micros,
            updated_micros: self.updated_micros,
        }
    }

    pub(crate) fn permissions(&self) -> impl Iterator<Item = Permission> {
        (0_i64..).zip(&self.scopes).map(|(ordinal, scope)| Permission {
            api_id: self.id.clone(),
            name: scope.value.clone(),
            description: scope.description.clone(),
            ordinal,
        })
    }
}

impl Identity {
    /// Rows with their permissions and clients: two statements however many rows.
    pub(crate) async fn whole_apis(&self, rows: Vec<Row>) -> Result<Vec<Api>, Refusal> {
        let permissions = self.store.permissions_of(rows.iter().map(|row| &row.id)).await?;
        let clients = self.store.clients_of_apis(rows.iter().map(|row| &row.identifier)).await?;
        let mut apis: Vec<Api> = rows.into_iter().map(Api::from_row).collect();
        for permission in permissions {
            if let Some(api) = apis.iter_mut().find(|api| api.id == permission.api_id) {
                api.scopes.push(Scope { value: permission.name, description: permission.description });
            }
        }
        for (identifier, client) in clients {
            if let Some(api) = apis.iter_mut().find(|api| api.identifier == identifier) {
                api.client_id.get_or_insert(client);
            }
        }
        Ok(apis)
    }

    /// The API of that id or, failing that, of that identifier.
    async fn find_api(&self, id: &str) -> Result<Option<Row>, Refusal> {
        match self.store.api(id).await? {
            Some(row) => Ok(Some(row)),
            None => Ok(self.store.api_identified(id).await?),
        }
    }

    /// Seals a signing secret for an API.
    pub(crate) fn seal_signing_secret(&self, api: &str, secret: &str) -> Result<Vec<u8>, Refusal> {
        self.seal(SECRETS, api, secret.as_bytes())
    }

    /// The API's signing secret, for callers who may change it.
    fn with_signing_secret(&self, mut api: Api) -> Result<Api, Refusal> {
        if let Some(sealed) = &api.secret
            && api.fields.get("signing_alg").and_then(Value::as_str) == Some("HS256")
        {
            let secret = self.open_sealed(SECRETS, &api.id, sealed)?;
            api.signing_secret = String::from_utf8(secret).ok();
        }
        Ok(api)
    }
}

/// The permissions in a `scopes` member, each given once.
fn scopes(value: &Value) -> Result<Vec<Scope>, Refusal> {
    let mut scopes: Vec<Scope> = Vec::new();
    for item in value.as_array().into_iter().flatten() {
        let Some(name) = item.get("value").and_then(Value::as_str) else { continue };
        if scopes.iter().any(|known| known.value == name) {
            return Err(Refusal::Invalid {
                code: "invalid_body",
                message: format!("Payload validation error: 'Scope values must be unique: {name}' on property scopes."),
            });
        }
        let description = item.get("description").and_then(Value::as_str).map(str::to_owned);
        scopes.push(Scope { value: name.to_owned(), description });
    }
    Ok(scopes)
}
