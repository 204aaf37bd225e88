//! `tenantry api-key`: keys by which programs call models.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tenantry_identity::api_keys::{ApiKey, KeyPermission, NewApiKey};
use tenantry_identity::text::time;

use crate::commands::Run;
use crate::desk::{Desk, Listing, PartArgs, card, refused};
use crate::output::{Failure, Outcome};

/// What to do with API keys.
#[derive(Debug, Clone, Args)]
pub struct ApiKeyArgs {
    /// What to do
    #[command(subcommand)]
    pub command: ApiKeyCommand,
}

/// What to do with API keys.
#[derive(Debug, Clone, Subcommand)]
pub enum ApiKeyCommand {
    /// List an account's keys, the oldest first, without the keys themselves
    List {
        /// The account
        #[arg(long, value_name = "NAME")]
        account: String,
        /// Which part
        #[command(flatten)]
        part: PartArgs,
    },
    /// Show one, without the key itself
    Show {
        /// The account
        #[arg(long, value_name = "NAME")]
        account: String,
        /// Its id
        key: String,
    },
    /// Make one. It is shown this once
    Create {
        /// Its name for people
        name: String,
        /// The account that it is for
        #[arg(long, value_name = "NAME")]
        account: String,
        /// The one workspace that it is for
        #[arg(long, value_name = "NAME")]
        workspace: Option<String>,
        /// The user in whose name it acts: it then never may more than that user
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
        /// What it may: API#PERMISSION. May come many times
        #[arg(long, short, value_name = "API#NAME", required = true)]
        permission: Vec<String>,
        /// A model that it is limited to. May come many times
        #[arg(long, value_name = "NAME")]
        model: Vec<String>,
        /// For how many days it may be used
        #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(i64).range(1..=365))]
        days: i64,
    },
    /// Take one out of force, or put it back with --enable
    Disable {
        /// The account
        #[arg(long, value_name = "NAME")]
        account: String,
        /// Its id
        key: String,
        /// Put it back into force
        #[arg(long)]
        enable: bool,
    },
    /// Remove one; what it streams ends within a second
    Delete {
        /// The account
        #[arg(long, value_name = "NAME")]
        account: String,
        /// Its id
        key: String,
    },
}

/// Runs the command.
///
/// # Errors
/// The refusal; what keeps the file or the store from opening.
pub async fn run(run: Run<'_>, args: &ApiKeyArgs) -> Result<Outcome, Failure> {
    let desk = Desk::open(&run).await?;
    let (identity, caller) = (&desk.identity, &desk.caller);
    match &args.command {
        ApiKeyCommand::List { account, part } => {
            let account = desk.account(account).await?.id;
            let listed = identity.api_keys(caller, &account, &part.part()).await.map_err(refused)?;
            let items = listed.items.iter().map(shown).collect();
            let columns = &["id", "prefix", "name", "enabled", "expires_at"];
            Ok(Listing { name: "api_keys", items, next: listed.next, columns }.outcome())
        }
        ApiKeyCommand::Show { account, key } => {
            let account = desk.account(account).await?.id;
            Ok(card(shown(&identity.api_key(caller, &account, key).await.map_err(refused)?)))
        }
        ApiKeyCommand::Create { name, account, workspace, user, permission, model, days } => {
            let account = desk.account(account).await?;
            let workspace_id = match workspace {
                Some(workspace) => Some(desk.workspace(&account, workspace).await?.id),
                None => None,
            };
            let user_id = match user {
                Some(user) => Some(desk.user(user).await?.id),
                None => None,
            };
            let permissions = permission.iter().map(|text| meant(text)).collect::<Result<_, _>>()?;
            let new = NewApiKey {
                name: name.clone(),
                workspace_id,
                user_id,
                permissions,
                models: (!model.is_empty()).then(|| model.clone()),
                lifetime: days.saturating_mul(86_400),
            };
            let (made, key) = identity.create_api_key(caller, &account.id, new).await.map_err(refused)?;
            let mut body = shown(&made);
            if let Some(body) = body.as_object_mut() {
                body.insert("key".to_owned(), json!(key));
            }
            run.output.note("The key is shown this once.");
            // Alone on standard output where nothing else is wanted there.
            Ok(Outcome::new(body, key))
        }
        ApiKeyCommand::Disable { account, key, enable } => {
            let account = desk.account(account).await?.id;
            let changed = identity.update_api_key(caller, &account, key, None, Some(*enable)).await;
            Ok(card(shown(&changed.map_err(refused)?)))
        }
        ApiKeyCommand::Delete { account, key } => {
            let account = desk.account(account).await?.id;
            identity.delete_api_key(caller, &account, key).await.map_err(refused)?;
            Ok(Outcome::new(json!({ "deleted": key }), format!("Removed the key {key}.")))
        }
    }
}

/// A permission as it is written: `https://models.example/#use:small`.
fn meant(text: &str) -> Result<KeyPermission, Failure> {
    match text.rsplit_once('#') {
        Some((api, name)) if !api.is_empty() && !name.is_empty() => {
            Ok(KeyPermission { api: api.to_owned(), name: name.to_owned() })
        }
        _ => Err(Failure::invalid("BAD_PERMISSION", format!("`{text}` is not API#PERMISSION"))
            .hint("write the API's identifier, `#`, and the permission: `https://models.example/#use:small`")),
    }
}

fn shown(key: &ApiKey) -> Value {
    let permissions: Vec<String> = key.permissions.iter().map(|one| [&one.api, "#", &one.name].concat()).collect();
    json!({
        "id": key.id, "prefix": key.prefix, "name": key.name, "account_id": key.account_id,
        "workspace_id": key.workspace_id, "user_id": key.user_id, "permissions": permissions, "models": key.models,
        "enabled": key.enabled, "created_by": key.created_by, "created_at": time(key.created_micros),
        "expires_at": time(key.expires_micros), "last_used_at": key.last_used_micros.map(time),
    })
}
