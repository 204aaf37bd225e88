//! `tenantry member`: who belongs to an account, or to one of its workspaces.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tenantry_identity::members::Member;
use tenantry_identity::text::time;

use crate::commands::Run;
use crate::desk::{Desk, Listing, PartArgs, refused};
use crate::output::{Failure, Outcome};

/// What to do with members.
#[derive(Debug, Clone, Args)]
pub struct MemberArgs {
    /// What to do
    #[command(subcommand)]
    pub command: MemberCommand,
}

/// Of what.
#[derive(Debug, Clone, Args)]
pub struct Where {
    /// The account's name or id
    pub account: String,
    /// One of its workspaces, by name or id
    #[arg(long, short, value_name = "NAME")]
    pub workspace: Option<String>,
}

/// What to do with members.
#[derive(Debug, Clone, Subcommand)]
pub enum MemberCommand {
    /// List members with the roles that they hold there
    List {
        /// Of what
        #[command(flatten)]
        at: Where,
        /// Which part
        #[command(flatten)]
        part: PartArgs,
    },
    /// Make users members
    #[command(visible_alias = "add")]
    Create {
        /// Of what
        #[command(flatten)]
        at: Where,
        /// Their ids or e-mail addresses
        #[arg(required = true)]
        users: Vec<String>,
    },
    /// Take users out, with the roles that they hold there
    #[command(visible_alias = "remove")]
    Delete {
        /// Of what
        #[command(flatten)]
        at: Where,
        /// Their ids or e-mail addresses
        #[arg(required = true)]
        users: Vec<String>,
    },
}

/// Runs the command.
///
/// # Errors
/// The refusal; what keeps the file or the store from opening.
pub async fn run(run: Run<'_>, args: &MemberArgs) -> Result<Outcome, Failure> {
    let desk = Desk::open(&run).await?;
    let (identity, caller) = (&desk.identity, &desk.caller);
    let (MemberCommand::List { at, .. } | MemberCommand::Create { at, .. } | MemberCommand::Delete { at, .. }) =
        &args.command;
    let account = desk.account(&at.account).await?;
    let workspace = match &at.workspace {
        Some(name) => Some(desk.workspace(&account, name).await?.id),
        None => None,
    };
    let (account, place) = (account.id.as_str(), workspace.as_deref());
    match &args.command {
        MemberCommand::List { part, .. } => {
            let part = part.part();
            let listed = match place {
                Some(workspace) => identity.workspace_members(caller, account, workspace, true, &part).await,
                None => identity.members(caller, account, true, &part).await,
            };
            let listed = listed.map_err(refused)?;
            let items = listed.items.iter().map(shown).collect();
            let columns = &["user_id", "email", "roles"];
            Ok(Listing { name: "members", items, next: listed.next, columns }.outcome())
        }
        MemberCommand::Create { users, .. } => {
            let ids = ids(&desk, users).await?;
            let done = match place {
                Some(workspace) => identity.add_workspace_members(caller, account, workspace, &ids).await,
                None => identity.add_members(caller, account, &ids).await,
            };
            done.map_err(refused)?;
            Ok(Outcome::new(json!({ "members": ids }), format!("Added {}.", ids.join(", "))))
        }
        MemberCommand::Delete { users, .. } => {
            let ids = ids(&desk, users).await?;
            let done = match place {
                Some(workspace) => identity.remove_workspace_members(caller, account, workspace, &ids).await,
                None => identity.remove_members(caller, account, &ids).await,
            };
            done.map_err(refused)?;
            Ok(Outcome::new(json!({ "deleted": ids }), format!("Removed {}.", ids.join(", "))))
        }
    }
}

async fn ids(desk: &Desk, users: &[String]) -> Result<Vec<String>, Failure> {
    let mut ids = Vec::with_capacity(users.len());
    for user in users {
        ids.push(desk.user(user).await?.id);
    }
    Ok(ids)
}

fn shown(member: &Member) -> Value {
    let roles: Vec<&str> = member.roles.iter().flatten().map(|role| role.name.as_str()).collect();
    json!({
        "user_id": member.user_id,
        "email": member.email,
        "name": member.name,
        "blocked": member.blocked,
        "roles": roles,
        "since": time(member.since_micros),
    })
}
