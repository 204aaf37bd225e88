//! `tenantry role`: what may be done, and who may do it where.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tenantry_identity::Part;
use tenantry_identity::roles::{Level, NewRole, RoleFilter};
use tenantry_identity::users::PermissionName;

use crate::commands::Run;
use crate::desk::{Desk, Listing, PartArgs, SetArgs, WHOLE_PAGE, card, refused, role};
use crate::output::{Failure, Outcome};

/// What to do with roles.
#[derive(Debug, Clone, Args)]
pub struct RoleArgs {
    /// What to do
    #[command(subcommand)]
    pub command: RoleCommand,
}

/// What to do with roles.
#[derive(Debug, Clone, Subcommand)]
pub enum RoleCommand {
    /// List the roles that the platform offers, or an account's own
    List {
        /// The account's name or id
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
        /// Which part
        #[command(flatten)]
        part: PartArgs,
    },
    /// Show one with its permissions
    Show {
        /// Its name or id
        role: String,
        /// The account whose own it is
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
    },
    /// Make one
    Create {
        /// Its name
        name: String,
        /// Where it can be held: platform, account or workspace
        #[arg(long, value_name = "LEVEL", default_value = "account", value_parser = level)]
        level: Level,
        /// For people
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        /// The account whose own it is
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
        /// A permission that it holds: the API's identifier, `#`, the permission. May come many times
        #[arg(long, value_name = "API#NAME", value_parser = permission)]
        permission: Vec<PermissionName>,
    },
    /// Change one: name, description; its permissions
    Update {
        /// Its name or id
        role: String,
        /// The account whose own it is
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
        /// A permission to add
        #[arg(long, value_name = "API#NAME", value_parser = permission)]
        permission: Vec<PermissionName>,
        /// A permission to take away
        #[arg(long, value_name = "API#NAME", value_parser = permission)]
        no_permission: Vec<PermissionName>,
        /// What changes
        #[command(flatten)]
        set: SetArgs,
    },
    /// Remove one from everybody who holds it
    Delete {
        /// Its name or id
        role: String,
        /// The account whose own it is
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
    },
    /// Give one to a user: on the platform, in an account, or in a workspace
    Grant(Held),
    /// Take one from a user
    Revoke(Held),
}

/// Who holds what where.
#[derive(Debug, Clone, Args)]
pub struct Held {
    /// The role's name or id
    pub role: String,
    /// The user's id or e-mail address
    #[arg(long, value_name = "USER")]
    pub user: String,
    /// In this account, by name or id; on the platform without it
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
    /// In this workspace of the account, by name or id
    #[arg(long, value_name = "NAME", requires = "account")]
    pub workspace: Option<String>,
}

fn level(text: &str) -> Result<Level, String> {
    Level::parse(text).ok_or_else(|| "one of platform, account, workspace".to_owned())
}

fn permission(text: &str) -> Result<PermissionName, String> {
    let (api, name) = text.rsplit_once('#').ok_or("write the API's identifier, `#` and the permission")?;
    Ok(PermissionName { api: api.to_owned(), name: name.to_owned() })
}

/// Runs the command.
///
/// # Errors
/// The refusal; what keeps the file or the store from opening.
pub async fn run(run: Run<'_>, args: &RoleArgs) -> Result<Outcome, Failure> {
    let desk = Desk::open(&run).await?;
    let (identity, caller) = (&desk.identity, &desk.caller);
    match &args.command {
        RoleCommand::List { account, part } => {
            let account = owner(&desk, account.as_deref()).await?;
            let filter = RoleFilter { account, name: None };
            let (page, after) = part.page()?;
            let listed = identity.roles(caller, &filter, &page).await.map_err(refused)?;
            let items: Vec<Value> = listed.items.iter().map(role).collect();
            let full = i64::try_from(items.len()).is_ok_and(|length| length == part.take);
            let columns = &["name", "id", "level", "description"];
            Ok(Listing { name: "roles", items, next: full.then(|| after.to_string()), columns }.outcome())
        }
        RoleCommand::Show { role: name, account } => {
            let account = owner(&desk, account.as_deref()).await?;
            shown(&desk, &desk.role(account.as_deref(), name).await?.id).await
        }
        RoleCommand::Create { name, level, description, account, permission } => {
            let account = owner(&desk, account.as_deref()).await?;
            let new = NewRole { account, name: name.clone(), description: description.clone(), level: *level };
            let made = identity.create_role(caller, new).await.map_err(refused)?;
            if !permission.is_empty() {
                identity.add_role_permissions(caller, &made.id, permission).await.map_err(refused)?;
            }
            shown(&desk, &made.id).await
        }
        RoleCommand::Update { role: name, account, permission, no_permission, set } => {
            let account = owner(&desk, account.as_deref()).await?;
            let id = desk.role(account.as_deref(), name).await?.id;
            let change = set.fields();
            if !change.is_empty() {
                identity.update_role(caller, &id, change).await.map_err(refused)?;
            }
            if !permission.is_empty() {
                identity.add_role_permissions(caller, &id, permission).await.map_err(refused)?;
            }
            if !no_permission.is_empty() {
                identity.remove_role_permissions(caller, &id, no_permission).await.map_err(refused)?;
            }
            shown(&desk, &id).await
        }
        RoleCommand::Delete { role: name, account } => {
            let account = owner(&desk, account.as_deref()).await?;
            let id = desk.role(account.as_deref(), name).await?.id;
            identity.delete_role(caller, &id).await.map_err(refused)?;
            Ok(Outcome::new(json!({ "deleted": id }), format!("Removed the role {name} ({id}).")))
        }
        RoleCommand::Grant(held) => hold(&desk, held, true).await,
        RoleCommand::Revoke(held) => hold(&desk, held, false).await,
    }
}

/// The id of the account whose own a role is.
async fn owner(desk: &Desk, account: Option<&str>) -> Result<Option<String>, Failure> {
    match account {
        Some(name) => Ok(Some(desk.account(name).await?.id)),
        None => Ok(None),
    }
}

/// A role with its permissions.
async fn shown(desk: &Desk, id: &str) -> Result<Outcome, Failure> {
    let mut body = role(&desk.identity.role(&desk.caller, id).await.map_err(refused)?);
    let part = Part::Page { offset: 0, limit: WHOLE_PAGE, total: false };
    let listed = desk.identity.role_permissions(&desk.caller, id, &part).await.map_err(refused)?;
    let names = listed.items.iter().map(|one| json!([one.identifier.as_str(), "#", one.name.as_str()].concat()));
    let permissions: Vec<Value> = names.collect();
    if let Some(body) = body.as_object_mut() {
        body.insert("permissions".to_owned(), Value::Array(permissions));
    }
    Ok(card(body))
}

/// Gives or takes a role.
async fn hold(desk: &Desk, held: &Held, give: bool) -> Result<Outcome, Failure> {
    let (identity, caller) = (&desk.identity, &desk.caller);
    let user = desk.user(&held.user).await?.id;
    let account = match &held.account {
        Some(name) => Some(desk.account(name).await?),
        None => None,
    };
    let role = desk.role(account.as_ref().map(|account| account.id.as_str()), &held.role).await?;
    let roles = [role.id.clone()];
    let (place, done) = match (&account, &held.workspace) {
        (None, _) => {
            let done = match give {
                true => identity.add_user_roles(caller, &user, &roles).await,
                false => identity.remove_user_roles(caller, &user, &roles).await,
            };
            ("on the platform".to_owned(), done)
        }
        (Some(account), None) => {
            let done = match give {
                true => identity.add_member_roles(caller, &account.id, &user, &roles).await,
                false => identity.remove_member_roles(caller, &account.id, &user, &roles).await,
            };
            (format!("in {}", account.name), done)
        }
        (Some(account), Some(workspace)) => {
            let workspace = desk.workspace(account, workspace).await?;
            let done = match give {
                true => identity.add_workspace_member_roles(caller, &account.id, &workspace.id, &user, &roles).await,
                false => {
                    identity.remove_workspace_member_roles(caller, &account.id, &workspace.id, &user, &roles).await
                }
            };
            (format!("in {}/{}", account.name, workspace.name), done)
        }
    };
    done.map_err(refused)?;
    let word = if give { "holds" } else { "no longer holds" };
    let data = json!({ "role": role.id, "user": user, "held": give, "account": account.map(|account| account.id) });
    Ok(Outcome::new(data, format!("{user} {word} {} {place}.", role.name)))
}
