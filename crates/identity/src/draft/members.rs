//! Memberships with the roles held there, and the roles that principals hold on the platform.

use serde_json::json;
use tenantry_store::Subject;
use tenantry_store::identity::roles::HeldAt;

use super::Draft;
use crate::Kind;
use crate::accounts::Account;
use crate::act::Act;
use crate::workspaces::Workspace;

impl Draft<'_> {
    /// Makes a user a member of an account, and of one of its workspaces where one is named, with these roles
    /// (their ids) there.
    pub fn add_member(&mut self, account: &Account, workspace: Option<&Workspace>, user: &str, roles: &[String]) {
        let inputs = json!({ "account": account.id, "users": [user], "roles": roles });
        let name = if workspace.is_some() { "workspace_members.add" } else { "members.add" };
        let place = workspace.map(|workspace| workspace.id.as_str());
        self.begin(Kind::Member, &Act { name, tenant: &account.tenant_id, workspace: place, inputs });
        let now = self.identity.now();
        self.batch.insert_member(&account.id, user, now);
        if let Some(workspace) = workspace {
            self.batch.insert_workspace_member(&account.id, &workspace.id, user, now);
        }
        for (since, role) in (now..).zip(roles) {
            self.batch.give_role(user, &account.id, place.unwrap_or_default(), role, since);
        }
        if !roles.is_empty() {
            self.batch.affects(Subject::Member { account: account.id.clone(), user: user.to_owned() });
        }
    }

    /// Gives a member roles at a place, and takes others (their ids).
    pub fn change_member_roles(
        &mut self,
        account: &Account,
        workspace: Option<&Workspace>,
        user: &str,
        more: &[String],
        less: &[String],
    ) {
        let inputs = json!({ "account": account.id, "user": user, "roles": more, "without": less });
        let name = if workspace.is_some() { "workspace_member_roles.change" } else { "member_roles.change" };
        let place = workspace.map(|workspace| workspace.id.as_str());
        self.begin(Kind::Member, &Act { name, tenant: &account.tenant_id, workspace: place, inputs });
        let spot = place.unwrap_or_default();
        for role in less {
            self.batch.take_role(user, &account.id, spot, role);
        }
        for (since, role) in (self.identity.now()..).zip(more) {
            self.batch.give_role(user, &account.id, spot, role, since);
        }
        self.batch.affects(Subject::Member { account: account.id.clone(), user: user.to_owned() });
    }

    /// Takes a user out of a workspace, or out of the account as a whole.
    pub fn remove_member(&mut self, account: &Account, workspace: Option<&Workspace>, user: &str) {
        let inputs = json!({ "account": account.id, "users": [user] });
        let name = if workspace.is_some() { "workspace_members.remove" } else { "members.remove" };
        let place = workspace.map(|workspace| workspace.id.as_str());
        self.begin(Kind::Member, &Act { name, tenant: &account.tenant_id, workspace: place, inputs });
        match place {
            Some(workspace) => self.batch.delete_workspace_member(&account.id, workspace, user),
            None => self.batch.delete_member(&account.id, user),
        };
        self.batch.affects(Subject::Member { account: account.id.clone(), user: user.to_owned() });
    }

    /// Gives a user roles on the platform, and takes others (their ids).
    pub fn change_platform_roles(&mut self, user: &str, more: &[String], less: &[String]) {
        let inputs = json!({ "users": [user], "roles": more, "without": less });
        self.begin(Kind::Member, &Act { name: "users.roles.change", tenant: "", workspace: None, inputs });
        for role in less {
            self.batch.delete_role_holder(user, HeldAt::PLATFORM, role);
        }
        for role in more {
            self.batch.insert_role_holder(user, HeldAt::PLATFORM, role);
        }
        self.batch.affects(Subject::User(user.to_owned()));
    }
}
