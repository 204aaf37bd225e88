//! Clients: the programs that ask for tokens.

mod connections;
pub(crate) mod create;
pub mod credentials;
mod defaults;
mod delete;
mod der;
mod key;
mod list;
pub(crate) mod lookup;
pub(crate) mod methods;
mod read;
mod rotate;
pub(crate) mod update;

use serde_json::Value;
use tenantry_store::identity::clients::Client as Row;

use crate::caller::Target;
use crate::text::{Fields, fields};
use crate::{Caller, Identity, Refusal};

pub use create::NewClient;
pub use list::Clients;
pub use tenantry_store::identity::clients::ClientFilter;

/// How much of a client its reader may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// `client_id`, `name`, `description`, `app_type`.
    Summary,
    /// Everything but keys.
    Plain,
    /// Everything.
    Keys,
}

/// A client.
#[derive(Debug, Clone, PartialEq)]
pub struct Client {
    /// 32 letters and digits, or `tpc_` and 22 for one that describes itself.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// `spa`, `native`, `regular_web`, `non_interactive`, ….
    pub app_type: Option<String>,
    /// The platform's own, and not a third party's.
    pub is_first_party: bool,
    /// The one that stands for all clients.
    pub is_global: bool,
    /// The address of the document that a third party describes its client with.
    pub external_id: Option<String>,
    /// The identifier of the API that it stands for.
    pub api: Option<String>,
    /// Its secret, for those who may see it.
    pub client_secret: Option<String>,
    /// How much of it the caller may see.
    pub sight: Sight,
    /// `grant_types`, `callbacks`, `jwt_configuration`, ….
    pub fields: Fields,
    pub(crate) secret: Option<Vec<u8>>,
    created_micros: i64,
    pub(crate) updated_micros: i64,
    version: i64,
}

impl Client {
    pub(crate) fn from_row(row: Row) -> Client {
        Client {
            fields: fields(&row.doc),
            id: row.id,
            name: row.name,
            app_type: row.app_type,
            is_first_party: row.is_first_party,
            is_global: row.is_global,
            external_id: row.external_id,
            api: row.api,
            client_secret: None,
            sight: Sight::Summary,
            secret: row.secret,
            created_micros: row.created_micros,
            updated_micros: row.updated_micros,
            version: row.version,
        }
    }

    pub(crate) fn to_row(&self) -> Row {
        Row {
            id: self.id.clone(),
            name: self.name.clone(),
            app_type: self.app_type.clone(),
            is_first_party: self.is_first_party,
            is_global: self.is_global,
            external_id: self.external_id.clone(),
            api: self.api.clone(),
            secret: self.secret.clone(),
            doc: Value::Object(self.fields.clone()).to_string(),
            version: self.version,
            created_micros: self.created_micros,
            updated_micros: self.updated_micros,
        }
    }
}

/// The name by which a public key (or a certificate with one), as PEM, is known: its thumbprint (RFC 7638).
///
/// # Errors
/// [`Refusal::Invalid`] for what is none, or of a kind that clients do not sign with.
pub fn key_name(pem: &str) -> Result<String, Refusal> {
    key::public_key(pem).map(|key| key.thumbprint).map_err(Refusal::invalid)
}

impl Identity {
    /// The name of this platform in clients: the first part of its address.
    #[must_use]
    pub fn tenant_name(&self) -> &str {
        let url = self.issuer.url();
        let host = url.split_once("://").map_or(url, |(_, host)| host);
        let host = host.split(['/', ':']).next().unwrap_or_default();
        match host.split_once('.') {
            Some((first, _)) if first.starts_with(|letter: char| letter.is_ascii_alphabetic()) => first,
            _ => "tenantry",
        }
    }

    /// The client as the caller may see it.
    fn seen(&self, caller: &Caller, mut client: Client) -> Result<Client, Refusal> {
        let may = |any_of| caller.may(any_of, Target::Platform).is_ok();
        client.sight = if may(&["read:client_keys"]) {
            Sight::Keys
        } else if may(&["read:clients", "create:clients", "update:clients"]) {
            Sight::Plain
        } else {
            Sight::Summary
        };
        if client.sight == Sight::Keys { self.with_secret(client) } else { Ok(client) }
    }

    /// The client with its secret: for whoever made it or gave it a new one.
    fn with_secret(&self, mut client: Client) -> Result<Client, Refusal> {
        if let Some(sealed) = &client.secret {
            let secret = self.open_sealed(lookup::SECRETS, &client.id, sealed)?;
            client.client_secret = String::from_utf8(secret).ok();
        }
        client.sight = Sight::Keys;
        Ok(client)
    }
}
