//! `tenantry account`: the tenants.

use clap::{Args, Subcommand};
use serde_json::json;
use tenantry_identity::accounts::NewAccount;

use crate::commands::Run;
use crate::desk::{Desk, Listing, PartArgs, SetArgs, account, card, refused};
use crate::output::{Failure, Outcome};

/// What to do with accounts.
#[derive(Debug, Clone, Args)]
pub struct AccountArgs {
    /// What to do
    #[command(subcommand)]
    pub command: AccountCommand,
}

/// What to do with accounts.
#[derive(Debug, Clone, Subcommand)]
pub enum AccountCommand {
    /// List accounts, the oldest first
    List(PartArgs),
    /// Show one
    Show {
        /// Its name or id
        account: String,
    },
    /// Make one
    Create {
        /// Its name: a-z, 0-9, `-` and `_`
        name: String,
        /// Its name for people
        #[arg(long, value_name = "TEXT")]
        display_name: Option<String>,
        /// What its rows carry in the sources; its id when absent
        #[arg(long, value_name = "ID")]
        tenant_id: Option<String>,
        /// The account above it, by name or id
        #[arg(long, value_name = "ACCOUNT")]
        parent: Option<String>,
        /// Further members: metadata, branding, …
        #[command(flatten)]
        set: SetArgs,
    },
    /// Change one: name, display_name, parent_id, status (active, suspended, closed), metadata, …
    Update {
        /// Its name or id
        account: String,
        /// What changes
        #[command(flatten)]
        set: SetArgs,
    },
    /// Remove one with its workspaces and memberships; its rows in the sources stay
    Delete {
        /// Its name or id
        account: String,
    },
}

/// Runs the command.
///
/// # Errors
/// The refusal; what keeps the file or the store from opening.
pub async fn run(run: Run<'_>, args: &AccountArgs) -> Result<Outcome, Failure> {
    let desk = Desk::open(&run).await?;
    let (identity, caller) = (&desk.identity, &desk.caller);
    match &args.command {
        AccountCommand::List(part) => {
            let listed = identity.accounts(caller, &part.part()).await.map_err(refused)?;
            let items = listed.items.iter().map(account).collect();
            let columns = &["name", "id", "tenant_id", "status", "display_name"];
            Ok(Listing { name: "accounts", items, next: listed.next, columns }.outcome())
        }
        AccountCommand::Show { account: name } => Ok(card(account(&desk.account(name).await?))),
        AccountCommand::Create { name, display_name, tenant_id, parent, set } => {
            let parent_id = match parent {
                Some(parent) => Some(desk.account(parent).await?.id),
                None => None,
            };
            let new = NewAccount {
                name: name.clone(),
                display_name: display_name.clone(),
                tenant_id: tenant_id.clone(),
                parent_id,
                fields: set.fields(),
                ..NewAccount::default()
            };
            Ok(card(account(&identity.create_account(caller, new).await.map_err(refused)?)))
        }
        AccountCommand::Update { account: name, set } => {
            let id = desk.account(name).await?.id;
            Ok(card(account(&identity.update_account(caller, &id, set.fields()).await.map_err(refused)?)))
        }
        AccountCommand::Delete { account: name } => {
            let found = desk.account(name).await?;
            identity.delete_account(caller, &found.id).await.map_err(refused)?;
            Ok(Outcome::new(
                json!({ "deleted": found.id }),
                format!("Removed the account {} ({}).", found.name, found.id),
            ))
        }
    }
}
