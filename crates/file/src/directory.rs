//! The people of the file: accounts, their users, and the platform's own principals.

use std::collections::BTreeMap;

use tenantry_policy::Principal;
use tenantry_policy::principal::Datum;

use crate::model::{Document, Member};
use crate::tree::Node;

/// Everyone that the file names.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Directory {
    /// Accounts, ordered by id.
    pub accounts: Vec<AccountEntry>,
    /// Users of accounts, ordered by account, workspace and id.
    pub users: Vec<PrincipalSpec>,
    /// Platform principals, ordered by id.
    pub principals: Vec<PrincipalSpec>,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountEntry {
    /// Its id: the tenant.
    pub id: String,
    /// Shown to people.
    pub display_name: Option<String>,
    /// The account above it.
    pub parent: Option<String>,
    /// Its workspaces, ordered.
    pub workspaces: Vec<String>,
}

/// Someone whom a token may be issued to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PrincipalSpec {
    /// The account; `None` for platform principals.
    pub account: Option<String>,
    /// The workspace inside the account.
    pub workspace: Option<String>,
    /// The user's id.
    pub user: String,
    /// Shown to people.
    pub display_name: Option<String>,
    /// Roles held.
    pub roles: Vec<String>,
    /// `principal.metadata` in rules: `app_metadata` of users, `metadata` of platform principals. Never
    /// `user_metadata`, which users may change themselves.
    pub metadata: BTreeMap<String, Datum>,
    /// Accounts that a platform principal may enter; `*` for all. Empty for users.
    pub accounts: Vec<String>,
}

impl PrincipalSpec {
    /// The principal as a token without a client and a delegate would describe it.
    #[must_use]
    pub fn principal(&self) -> Principal {
        Principal {
            tenant_id: self.account.clone(),
            user_id: Some(self.user.clone()),
            workspace_id: self.workspace.clone(),
            roles: self.roles.clone(),
            metadata: self.metadata.clone(),
            client_id: None,
            delegate: None,
        }
    }
}

impl Directory {
    pub(crate) fn new(document: &Document, root: &Node) -> Directory {
        let mut directory = Directory::default();
        for (id, account) in &document.account {
            directory.accounts.push(AccountEntry {
                id: id.clone(),
                display_name: account.display_name.clone(),
                parent: account.parent.clone(),
                workspaces: account.workspace.keys().cloned().collect(),
            });
            for (user_id, member) in &account.user {
                let place = ["account", id, "user", user_id];
                directory.users.push(spec(document, root, &place, (id, None, user_id), member));
            }
            for (workspace_id, workspace) in &account.workspace {
                for (user_id, member) in &workspace.user {
                    let place = ["account", id, "workspace", workspace_id, "user", user_id];
                    directory.users.push(spec(document, root, &place, (id, Some(workspace_id), user_id), member));
                }
            }
        }
        for (id, principal) in &document.principal {
            directory.principals.push(PrincipalSpec {
                account: None,
                workspace: None,
                user: id.clone(),
                display_name: principal
                    .display_name
                    .clone()
                    .or_else(|| document.user.get(id).and_then(|user| user.display_name.clone())),
                roles: principal.roles.clone(),
                metadata: metadata(root, &["principal", id, "metadata"]),
                accounts: principal.accounts.clone(),
            });
        }
        directory
    }

    /// The user of that id in an account. Without a workspace: the account's own user, or else the one
    /// workspace that has such a user; `None` when several have.
    #[must_use]
    pub fn find_user(&self, account: &str, workspace: Option<&str>, user: &str) -> Option<PrincipalSpec> {
        let mut found = self.users.iter().filter(|spec| spec.account.as_deref() == Some(account) && spec.user == user);
        if let Some(workspace) = workspace {
            return found.find(|spec| spec.workspace.as_deref() == Some(workspace)).cloned();
        }
        // Users without a workspace come first.
        let first = found.next()?;
        (first.workspace.is_none() || found.next().is_none()).then(|| first.clone())
    }

    /// The platform principal of that id.
    #[must_use]
    pub fn find_principal(&self, name: &str) -> Option<PrincipalSpec> {
        self.principals.iter().find(|spec| spec.user == name).cloned()
    }
}

/// A user at a place of the file. Who it is stands under `[user.ID]`, or else at the place itself.
fn spec(
    document: &Document,
    root: &Node,
    place: &[&str],
    (account, workspace, id): (&str, Option<&String>, &str),
    member: &Member,
) -> PrincipalSpec {
    let user = document.user.get(id);
    let said = match user {
        Some(_) => metadata(root, &["user", id, "app_metadata"]),
        None => metadata(root, &[place, &["app_metadata"]].concat()),
    };
    PrincipalSpec {
        account: Some(account.to_owned()),
        workspace: workspace.cloned(),
        user: id.to_owned(),
        display_name: user.map_or(&member.display_name, |user| &user.display_name).clone(),
        roles: member.roles.clone(),
        metadata: said,
        accounts: Vec::new(),
    }
}

fn metadata(root: &Node, path: &[&str]) -> BTreeMap<String, Datum> {
    match root.at(path).map(Node::to_datum) {
        Some(Datum::Map(map)) => map,
        _ => BTreeMap::new(),
    }
}
