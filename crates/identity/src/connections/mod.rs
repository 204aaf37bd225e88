//! Connections: where logins are checked.

mod clients;
mod create;
mod delete;
mod list;
mod read;
mod update;
mod users;

use serde_json::{Value, json};
use tenantry_store::identity::connections::Connection as Row;

use crate::caller::Target;
use crate::text::{Fields, fields};
use crate::{Caller, Identity, Refusal};

pub use create::NewConnection;
pub use tenantry_store::identity::connections::ConnectionFilter;

/// Where a connection's secret options lie, for their seal.
const SECRETS: &str = "connection";

/// The options that are kept sealed, whatever the strategy.
const SECRET_OPTIONS: [&str; 14] = [
    "client_secret",
    "app_secret",
    "twilio_token",
    "api_key",
    "access_token",
    "access_token_secret",
    "consumer_secret",
    "auth_token",
    "password",
    "bind_password",
    "signing_key",
    "decryptionKey",
    "configuration",
    "bareConfiguration",
];

/// A connection.
#[derive(Debug, Clone, PartialEq)]
pub struct Connection {
    /// `con_` and 16 letters and digits.
    pub id: String,
    /// Its name; unique, and never changes.
    pub name: String,
    /// `auth0` for our own passwords, `oidc`, `samlp`, `google-oauth2`, ….
    pub strategy: String,
    /// `options` (the secret ones for callers who may change them), `display_name`, `realms`, ….
    pub fields: Fields,
    /// The clients that may use it, by their ids.
    pub enabled_clients: Vec<String>,
    secret: Option<Vec<u8>>,
    created_micros: i64,
    pub(crate) updated_micros: i64,
    version: i64,
}

impl Connection {
    pub(crate) fn from_row(row: Row) -> Connection {
        Connection {
            fields: fields(&row.doc),
            id: row.id,
            name: row.name,
            strategy: row.strategy,
            enabled_clients: Vec::new(),
            secret: row.secret,
            created_micros: row.created_micros,
            updated_micros: row.updated_micros,
            version: row.version,
        }
    }

    /// Has it options that are kept sealed?
    #[must_use]
    pub fn has_secrets(&self) -> bool {
        self.secret.is_some()
    }

    pub(crate) fn to_row(&self) -> Row {
        Row {
            id: self.id.clone(),
            name: self.name.clone(),
            strategy: self.strategy.clone(),
            secret: self.secret.clone(),
            doc: Value::Object(self.fields.clone()).to_string(),
            version: self.version,
            created_micros: self.created_micros,
            updated_micros: self.updated_micros,
        }
    }
}

impl Identity {
    /// Puts a connection's options apart: the secret ones are sealed.
    fn put_options(&self, connection: &mut Connection, options: Option<Fields>) -> Result<(), Refusal> {
        connection.secret = None;
        let Some(mut options) = options else {
            connection.fields.shift_remove("options");
            return Ok(());
        };
        let mut secret = Fields::new();
        for name in SECRET_OPTIONS {
            if let Some(value) = options.shift_remove(name) {
                secret.insert(name.to_owned(), value);
            }
        }
        if !secret.is_empty() {
            let text = Value::Object(secret).to_string();
            connection.secret = Some(self.seal(SECRETS, &connection.id, text.as_bytes())?);
        }
        connection.fields.insert("options".to_owned(), Value::Object(options));
        Ok(())
    }

    /// The connection's options, the secret ones with them.
    pub(crate) fn whole_options(&self, connection: &Connection) -> Result<Fields, Refusal> {
        let mut options = match connection.fields.get("options") {
            Some(Value::Object(options)) => options.clone(),
            _ => Fields::new(),
        };
        if let Some(sealed) = &connection.secret {
            let opened = self.open_sealed(SECRETS, &connection.id, sealed)?;
            options.extend(fields(&String::from_utf8_lossy(&opened)));
        }
        Ok(options)
    }

    /// Rows as the caller may see them, with their clients: one statement however many rows.
    async fn whole_connections(&self, caller: &Caller, rows: Vec<Row>) -> Result<Vec<Connection>, Refusal> {
        let clients = self.store.enabled_clients(rows.iter().map(|row| &row.id)).await?;
        let mut connections: Vec<Connection> = rows.into_iter().map(Connection::from_row).collect();
        for (id, client) in clients {
            if let Some(connection) = connections.iter_mut().find(|connection| connection.id == id) {
                connection.enabled_clients.push(client);
            }
        }
        // Whoever may put other options there may see them.
        if caller.may(&["update:connections"], Target::Platform).is_ok() {
            for connection in connections.iter_mut().filter(|connection| connection.secret.is_some()) {
                let options = self.whole_options(connection)?;
                connection.fields.insert("options".to_owned(), Value::Object(options));
            }
        }
        Ok(connections)
    }
}

/// The options that a connection has when nothing else was said.
fn usual_options(strategy: &str) -> Fields {
    let usual = match strategy {
        "auth0" => json!({
            "mfa": { "active": true, "return_enroll_settings": true },
            "passwordPolicy": "good",
            "strategy_version": 2,
            "brute_force_protection": true,
        }),
        "email" | "sms" => json!({ "brute_force_protection": true, "disable_signup": false }),
        _ => json!({}),
    };
    fields(&usual.to_string())
}

/// Names of options that are only understood together.
fn check(strategy: &str, options: &Fields) -> Result<(), Refusal> {
    let policy = options.get("passwordPolicy");
    let known = ["none", "low", "fair", "good", "excellent"];
    if strategy == "auth0"
        && policy.is_some_and(|policy| !policy.is_null() && !policy.as_str().is_some_and(|name| known.contains(&name)))
    {
        return Err(Refusal::Invalid {
            code: "invalid_body",
            message: "Payload validation error: 'No enum match' on property options.passwordPolicy.".to_owned(),
        });
    }
    Ok(())
}
