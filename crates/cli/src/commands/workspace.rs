//! `tenantry workspace`: the environments inside an account.

use clap::{Args, Subcommand};
use serde_json::json;
use tenantry_identity::workspaces::NewWorkspace;

use crate::commands::Run;
use crate::desk::{Desk, Listing, PartArgs, SetArgs, card, refused, workspace};
use crate::output::{Failure, Outcome};

/// What to do with workspaces.
#[derive(Debug, Clone, Args)]
pub struct WorkspaceArgs {
    /// What to do
    #[command(subcommand)]
    pub command: WorkspaceCommand,
}

/// What to do with workspaces.
#[derive(Debug, Clone, Subcommand)]
pub enum WorkspaceCommand {
    /// List an account's workspaces, the oldest first
    List {
        /// The account's name or id
        account: String,
        /// Which part
        #[command(flatten)]
        part: PartArgs,
    },
    /// Show one
    Show {
        /// The account's name or id
        account: String,
        /// Its name or id
        workspace: String,
    },
    /// Make one
    Create {
        /// The account's name or id
        account: String,
        /// Its name: a-z, 0-9, `-` and `_`
        name: String,
        /// Its name for people
        #[arg(long, value_name = "TEXT")]
        display_name: Option<String>,
        /// Further members
        #[command(flatten)]
        set: SetArgs,
    },
    /// Change one: name, display_name, status, metadata, …
    Update {
        /// The account's name or id
        account: String,
        /// Its name or id
        workspace: String,
        /// What changes
        #[command(flatten)]
        set: SetArgs,
    },
    /// Remove one with its memberships
    Delete {
        /// The account's name or id
        account: String,
        /// Its name or id
        workspace: String,
    },
}

/// Runs the command.
///
/// # Errors
/// The refusal; what keeps the file or the store from opening.
pub async fn run(run: Run<'_>, args: &WorkspaceArgs) -> Result<Outcome, Failure> {
    let desk = Desk::open(&run).await?;
    let (identity, caller) = (&desk.identity, &desk.caller);
    match &args.command {
        WorkspaceCommand::List { account, part } => {
            let id = desk.account(account).await?.id;
            let listed = identity.workspaces(caller, &id, &part.part()).await.map_err(refused)?;
            let items = listed.items.iter().map(workspace).collect();
            let columns = &["name", "id", "status", "display_name"];
            Ok(Listing { name: "workspaces", items, next: listed.next, columns }.outcome())
        }
        WorkspaceCommand::Show { account, workspace: name } => {
            let account = desk.account(account).await?;
            Ok(card(workspace(&desk.workspace(&account, name).await?)))
        }
        WorkspaceCommand::Create { account, name, display_name, set } => {
            let id = desk.account(account).await?.id;
            let new = NewWorkspace { name: name.clone(), display_name: display_name.clone(), fields: set.fields() };
            Ok(card(workspace(&identity.create_workspace(caller, &id, new).await.map_err(refused)?)))
        }
        WorkspaceCommand::Update { account, workspace: name, set } => {
            let account = desk.account(account).await?;
            let found = desk.workspace(&account, name).await?;
            let changed = identity.update_workspace(caller, &account.id, &found.id, set.fields()).await;
            Ok(card(workspace(&changed.map_err(refused)?)))
        }
        WorkspaceCommand::Delete { account, workspace: name } => {
            let account = desk.account(account).await?;
            let found = desk.workspace(&account, name).await?;
            identity.delete_workspace(caller, &account.id, &found.id).await.map_err(refused)?;
            Ok(Outcome::new(
                json!({ "deleted": found.id }),
                format!("Removed the workspace {}/{}.", account.name, found.name),
            ))
        }
    }
}
