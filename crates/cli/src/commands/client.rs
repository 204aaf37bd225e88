//! `tenantry client`: the programs that ask for tokens.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tenantry_identity::Part;
use tenantry_identity::client_grants::{ClientGrant, GrantFilter, NewClientGrant};
use tenantry_identity::clients::{Client, ClientFilter, NewClient};

use crate::commands::Run;
use crate::desk::{Desk, Listing, PartArgs, SetArgs, card, refused};
use crate::output::{Failure, Outcome};

/// What to do with clients.
#[derive(Debug, Clone, Args)]
pub struct ClientArgs {
    /// What to do
    #[command(subcommand)]
    pub command: ClientCommand,
}

/// What to do with clients.
#[derive(Debug, Clone, Subcommand)]
pub enum ClientCommand {
    /// List clients, the oldest first
    List(PartArgs),
    /// Show one with what it was granted
    Show {
        /// Its id, or its name where only one has it
        client: String,
    },
    /// Make one. Its secret is shown this once
    Create {
        /// Its name for people
        name: String,
        /// non_interactive (machine), regular_web, native, spa
        #[arg(long = "type", value_name = "TYPE", default_value = "non_interactive")]
        kind: String,
        /// A grant type; the usual ones of its type without. May come many times
        #[arg(long, value_name = "TYPE")]
        grant_type: Vec<String>,
        /// Further members: callbacks, token_endpoint_auth_method, organization_usage, …
        #[command(flatten)]
        set: SetArgs,
    },
    /// Change one: name, callbacks, grant_types, organization_usage, …
    Update {
        /// Its id, or its name where only one has it
        client: String,
        /// What changes
        #[command(flatten)]
        set: SetArgs,
    },
    /// Remove one; its tokens end within a second
    Delete {
        /// Its id, or its name where only one has it
        client: String,
    },
    /// Give it a new secret, shown this once; the one before ends at once
    RotateSecret {
        /// Its id, or its name where only one has it
        client: String,
    },
    /// Let it ask for tokens of an API
    Grant {
        /// Its id, or its name where only one has it
        client: String,
        /// The API's identifier
        api: String,
        /// A permission. May come many times
        #[arg(long, short, value_name = "NAME")]
        permission: Vec<String>,
        /// Whom it acts for: client (itself) or user
        #[arg(long = "for", value_name = "WHOM", default_value = "client")]
        subject: String,
        /// Tokens for an account: deny, allow, require
        #[arg(long, value_name = "USE")]
        accounts: Option<String>,
        /// In any account, and not only in those that were given the grant
        #[arg(long)]
        any_account: bool,
    },
    /// Take a grant away
    Revoke {
        /// Its id, or its name where only one has it
        client: String,
        /// The API's identifier
        api: String,
        /// Whom it acts for: client (itself) or user
        #[arg(long = "for", value_name = "WHOM", default_value = "client")]
        subject: String,
    },
}

/// Runs the command.
///
/// # Errors
/// The refusal; what keeps the file or the store from opening.
pub async fn run(run: Run<'_>, args: &ClientArgs) -> Result<Outcome, Failure> {
    let desk = Desk::open(&run).await?;
    let (identity, caller) = (&desk.identity, &desk.caller);
    match &args.command {
        ClientCommand::List(part) => {
            let filter = ClientFilter { is_global: Some(false), ..ClientFilter::default() };
            let listed = identity.clients(caller, &filter, &part.part()).await.map_err(refused)?;
            let items = listed.items.iter().map(shown).collect();
            let columns = &["client_id", "name", "app_type"];
            Ok(Listing { name: "clients", items, next: listed.next, columns }.outcome())
        }
        ClientCommand::Show { client } => {
            let client = desk.client(client).await?;
            let mut body = shown(&client);
            let grants: Vec<Value> = grants(&desk, &client.id).await?.iter().map(shown_grant).collect();
            if let Some(body) = body.as_object_mut() {
                body.insert("grants".to_owned(), Value::Array(grants));
            }
            Ok(card(body))
        }
        ClientCommand::Create { name, kind, grant_type, set } => {
            let mut fields = set.fields();
            fields.insert("app_type".to_owned(), json!(kind));
            if !grant_type.is_empty() {
                fields.insert("grant_types".to_owned(), json!(grant_type));
            }
            let new = NewClient { name: name.clone(), fields, ..NewClient::default() };
            Ok(once(&run, &identity.create_client(caller, new).await.map_err(refused)?))
        }
        ClientCommand::Update { client, set } => {
            let id = desk.client(client).await?.id;
            Ok(card(shown(&identity.update_client(caller, &id, set.fields()).await.map_err(refused)?)))
        }
        ClientCommand::Delete { client } => {
            let found = desk.client(client).await?;
            identity.delete_client(caller, &found.id).await.map_err(refused)?;
            Ok(Outcome::new(
                json!({ "deleted": found.id }),
                format!("Removed the client {} ({}).", found.name, found.id),
            ))
        }
        ClientCommand::RotateSecret { client } => {
            let id = desk.client(client).await?.id;
            Ok(once(&run, &identity.rotate_client_secret(caller, &id).await.map_err(refused)?))
        }
        ClientCommand::Grant { client, api, permission, subject, accounts, any_account } => {
            let mut fields = tenantry_identity::text::Fields::new();
            fields.insert("scope".to_owned(), json!(permission));
            if let Some(accounts) = accounts {
                fields.insert("organization_usage".to_owned(), json!(accounts));
            }
            let new = NewClientGrant {
                client_id: desk.client(client).await?.id,
                audience: desk.api(api).await?.identifier,
                subject_type: Some(subject.clone()),
                any_account: any_account.then_some(true),
                fields,
            };
            Ok(card(shown_grant(&identity.create_client_grant(caller, new).await.map_err(refused)?)))
        }
        ClientCommand::Revoke { client, api, subject } => {
            let (client, api) = (desk.client(client).await?, desk.api(api).await?);
            let all = grants(&desk, &client.id).await?;
            let grant = all.iter().find(|grant| grant.audience == api.identifier && grant.subject_type == *subject);
            let Some(grant) = grant else {
                return Err(Failure::no(
                    "NOT_FOUND",
                    format!("{} has no such grant on {}", client.name, api.identifier),
                ));
            };
            identity.delete_client_grant(caller, &grant.id).await.map_err(refused)?;
            Ok(Outcome::new(
                json!({ "deleted": grant.id }),
                format!("{} has no grant on {} any more.", client.name, api.identifier),
            ))
        }
    }
}

async fn grants(desk: &Desk, client: &str) -> Result<Vec<ClientGrant>, Failure> {
    let filter = GrantFilter { client_id: Some(client.to_owned()), ..GrantFilter::default() };
    let part = Part::From { from: None, take: 100 };
    Ok(desk.identity.client_grants(&desk.caller, &filter, &part).await.map_err(refused)?.items)
}

/// With its secret, which nothing shows again.
fn once(run: &Run<'_>, client: &Client) -> Outcome {
    let mut body = shown(client);
    if let (Some(secret), Some(body)) = (&client.client_secret, body.as_object_mut()) {
        body.insert("client_secret".to_owned(), json!(secret));
        run.output.note("The secret is shown this once.");
    }
    card(body)
}

/// Without its secret.
fn shown(client: &Client) -> Value {
    let mut body = json!({ "client_id": client.id, "name": client.name, "app_type": client.app_type });
    if let Some(body) = body.as_object_mut() {
        body.extend(client.fields.clone());
    }
    body
}

fn shown_grant(grant: &ClientGrant) -> Value {
    let mut body = json!({
        "id": grant.id,
        "client_id": grant.client_id,
        "audience": grant.audience,
        "for": grant.subject_type,
        "any_account": grant.any_account,
    });
    if let Some(body) = body.as_object_mut() {
        body.extend(grant.fields.clone());
    }
    body
}
