//! `tenantry connection`: where users come from: our own passwords, and other providers.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tenantry_identity::connections::{Connection, ConnectionFilter, NewConnection};

use crate::commands::Run;
use crate::desk::{Desk, Listing, PartArgs, SetArgs, card, refused};
use crate::output::{Failure, Outcome};

/// What to do with connections.
#[derive(Debug, Clone, Args)]
pub struct ConnectionArgs {
    /// What to do
    #[command(subcommand)]
    pub command: ConnectionCommand,
}

/// What to do with connections.
#[derive(Debug, Clone, Subcommand)]
pub enum ConnectionCommand {
    /// List connections, the oldest first
    List(PartArgs),
    /// Show one; secret options are left out
    Show {
        /// Its name or id
        connection: String,
    },
    /// Make one
    Create {
        /// Its name; it never changes
        name: String,
        /// auth0 (our own passwords), oidc, samlp, …
        #[arg(long, value_name = "NAME", default_value = "auth0")]
        strategy: String,
        /// A client that may use it, by id or name. May come many times
        #[arg(long, value_name = "CLIENT")]
        client: Vec<String>,
        /// Further members: options, display_name, …
        #[command(flatten)]
        set: SetArgs,
    },
    /// Change one: options (whole), display_name, enabled_clients, …
    Update {
        /// Its name or id
        connection: String,
        /// What changes
        #[command(flatten)]
        set: SetArgs,
    },
    /// Remove one with its users
    Delete {
        /// Its name or id
        connection: String,
    },
}

/// Runs the command.
///
/// # Errors
/// The refusal; what keeps the file or the store from opening.
pub async fn run(run: Run<'_>, args: &ConnectionArgs) -> Result<Outcome, Failure> {
    let desk = Desk::open(&run).await?;
    let (identity, caller) = (&desk.identity, &desk.caller);
    match &args.command {
        ConnectionCommand::List(part) => {
            let filter = ConnectionFilter::default();
            let listed = identity.connections(caller, &filter, &part.part()).await.map_err(refused)?;
            let items = listed.items.iter().map(shown).collect();
            let columns = &["name", "id", "strategy"];
            Ok(Listing { name: "connections", items, next: listed.next, columns }.outcome())
        }
        ConnectionCommand::Show { connection } => Ok(card(shown(&desk.connection(connection).await?))),
        ConnectionCommand::Create { name, strategy, client, set } => {
            let mut enabled_clients = Vec::with_capacity(client.len());
            for client in client {
                enabled_clients.push(desk.client(client).await?.id);
            }
            let new =
                NewConnection { name: name.clone(), strategy: strategy.clone(), enabled_clients, fields: set.fields() };
            Ok(card(shown(&identity.create_connection(caller, new).await.map_err(refused)?)))
        }
        ConnectionCommand::Update { connection, set } => {
            let id = desk.connection(connection).await?.id;
            Ok(card(shown(&identity.update_connection(caller, &id, set.fields()).await.map_err(refused)?)))
        }
        ConnectionCommand::Delete { connection } => {
            let found = desk.connection(connection).await?;
            identity.delete_connection(caller, &found.id).await.map_err(refused)?;
            Ok(Outcome::new(json!({ "deleted": found.id }), format!("Removed the connection {}.", found.name)))
        }
    }
}

/// Options that look like secrets are left out, whoever asks.
fn shown(connection: &Connection) -> Value {
    let mut body = json!({
        "id": connection.id,
        "name": connection.name,
        "strategy": connection.strategy,
        "enabled_clients": connection.enabled_clients,
    });
    if let Some(body) = body.as_object_mut() {
        body.extend(connection.fields.clone());
        if let Some(Value::Object(options)) = body.get_mut("options") {
            let secret = |name: &str| ["secret", "password", "key", "token"].iter().any(|word| name.contains(word));
            options.retain(|name, value| !(value.is_string() && secret(&name.to_ascii_lowercase())));
        }
    }
    body
}
