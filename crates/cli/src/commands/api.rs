//! `tenantry api`: what tokens are for, and the permissions that each knows.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tenantry_identity::apis::{Api, NewApi};

use crate::commands::Run;
use crate::desk::{Desk, Listing, PartArgs, SetArgs, card, refused};
use crate::output::{Failure, Outcome};

/// What to do with APIs.
#[derive(Debug, Clone, Args)]
pub struct ApiArgs {
    /// What to do
    #[command(subcommand)]
    pub command: ApiCommand,
}

/// What to do with APIs.
#[derive(Debug, Clone, Subcommand)]
pub enum ApiCommand {
    /// List APIs, the oldest first
    List(PartArgs),
    /// Show one with its permissions
    Show {
        /// Its identifier or id
        api: String,
    },
    /// Make one
    Create {
        /// What tokens name as their audience: https://api.acme.example
        identifier: String,
        /// Its name for people
        #[arg(long, value_name = "TEXT")]
        name: Option<String>,
        /// A permission that it knows, and what it lets one do. May come many times
        #[arg(long, value_name = "NAME[=TEXT]", value_parser = permission)]
        permission: Vec<(String, Option<String>)>,
        /// Further members: enforce_policies, token_dialect, token_lifetime, …
        #[command(flatten)]
        set: SetArgs,
    },
    /// Change one: name, enforce_policies, token_dialect, token_lifetime, …
    Update {
        /// Its identifier or id
        api: String,
        /// What changes
        #[command(flatten)]
        set: SetArgs,
    },
    /// Remove one with its permissions and grants
    Delete {
        /// Its identifier or id
        api: String,
    },
    /// Its permissions
    #[command(subcommand)]
    Permission(PermissionCommand),
}

/// What to do with an API's permissions.
#[derive(Debug, Clone, Subcommand)]
pub enum PermissionCommand {
    /// Add permissions
    Add {
        /// The API's identifier or id
        api: String,
        /// The permission, and what it lets one do
        #[arg(required = true, value_name = "NAME[=TEXT]", value_parser = permission)]
        permissions: Vec<(String, Option<String>)>,
    },
    /// Take permissions away, from everybody who holds them
    Remove {
        /// The API's identifier or id
        api: String,
        /// The permissions
        #[arg(required = true, value_name = "NAME")]
        permissions: Vec<String>,
    },
}

fn permission(text: &str) -> Result<(String, Option<String>), String> {
    let (name, about) = match text.split_once('=') {
        Some((name, about)) => (name, Some(about.to_owned())),
        None => (text, None),
    };
    if name.is_empty() { Err("write NAME or NAME=TEXT".to_owned()) } else { Ok((name.to_owned(), about)) }
}

/// Runs the command.
///
/// # Errors
/// The refusal; what keeps the file or the store from opening.
pub async fn run(run: Run<'_>, args: &ApiArgs) -> Result<Outcome, Failure> {
    let desk = Desk::open(&run).await?;
    let (identity, caller) = (&desk.identity, &desk.caller);
    match &args.command {
        ApiCommand::List(part) => {
            let listed = identity.apis(caller, &[], &part.part()).await.map_err(refused)?;
            let items = listed.items.iter().map(shown).collect();
            let columns = &["identifier", "id", "name"];
            Ok(Listing { name: "apis", items, next: listed.next, columns }.outcome())
        }
        ApiCommand::Show { api } => Ok(card(shown(&desk.api(api).await?))),
        ApiCommand::Create { identifier, name, permission, set } => {
            let mut fields = set.fields();
            if !permission.is_empty() {
                fields.insert("scopes".to_owned(), scopes(permission.iter().cloned()));
            }
            let new = NewApi { identifier: identifier.clone(), name: name.clone(), fields };
            Ok(card(shown(&identity.create_api(caller, new).await.map_err(refused)?)))
        }
        ApiCommand::Update { api, set } => {
            let id = desk.api(api).await?.id;
            Ok(card(shown(&identity.update_api(caller, &id, set.fields()).await.map_err(refused)?)))
        }
        ApiCommand::Delete { api } => {
            let found = desk.api(api).await?;
            identity.delete_api(caller, &found.id).await.map_err(refused)?;
            Ok(Outcome::new(json!({ "deleted": found.id }), format!("Removed the API {}.", found.identifier)))
        }
        ApiCommand::Permission(PermissionCommand::Add { api, permissions }) => {
            let api = desk.api(api).await?;
            let mut all: Vec<(String, Option<String>)> =
                api.scopes.iter().map(|scope| (scope.value.clone(), scope.description.clone())).collect();
            all.retain(|(known, _)| !permissions.iter().any(|(name, _)| name == known));
            all.extend(permissions.iter().cloned());
            replace(&desk, &api, all).await
        }
        ApiCommand::Permission(PermissionCommand::Remove { api, permissions }) => {
            let api = desk.api(api).await?;
            if let Some(unknown) = permissions.iter().find(|name| !api.scopes.iter().any(|scope| scope.value == **name))
            {
                return Err(Failure::no("NOT_FOUND", format!("{} knows no permission `{unknown}`", api.identifier)));
            }
            let left = api.scopes.iter().filter(|scope| !permissions.contains(&scope.value));
            let left = left.map(|scope| (scope.value.clone(), scope.description.clone())).collect();
            replace(&desk, &api, left).await
        }
    }
}

/// The permissions are replaced whole.
async fn replace(desk: &Desk, api: &Api, all: Vec<(String, Option<String>)>) -> Result<Outcome, Failure> {
    let change = [("scopes".to_owned(), scopes(all.into_iter()))].into_iter().collect();
    Ok(card(shown(&desk.identity.update_api(&desk.caller, &api.id, change).await.map_err(refused)?)))
}

fn scopes(all: impl Iterator<Item = (String, Option<String>)>) -> Value {
    all.map(|(value, description)| match description {
        Some(description) => json!({ "value": value, "description": description }),
        None => json!({ "value": value }),
    })
    .collect()
}

/// Its signing secret is not shown.
fn shown(api: &Api) -> Value {
    let permissions: Vec<&str> = api.scopes.iter().map(|scope| scope.value.as_str()).collect();
    let mut body = json!({
        "id": api.id,
        "identifier": api.identifier,
        "name": api.name,
        "is_system": api.is_system,
        "permissions": permissions,
    });
    if let Some(body) = body.as_object_mut() {
        body.extend(api.fields.clone());
    }
    body
}
