//! Roles of members: in an account, and in a workspace.

use std::collections::BTreeSet;

use serde_json::json;
use tenantry_store::{BatchError, Subject};

use super::{MemberRole, few};
use crate::act::Act;
use crate::{Audience, Caller, Identity, Kind, Listed, Part, Reach, Refusal, contexts};

/// Where roles are given and taken: an account, or one of its workspaces.
struct Spot<'a> {
    tenant: &'a str,
    account: &'a str,
    workspace: Option<&'a str>,
}

impl Spot<'_> {
    /// As role holdings are kept: empty in the account itself.
    fn workspace(&self) -> &str {
        self.workspace.unwrap_or_default()
    }
}

impl Identity {
    /// The roles that a user holds in an account, in the order in which they were given.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the account or the user does not exist.
    pub async fn member_roles(
        &self,
        caller: &Caller,
        account: &str,
        user: &str,
        part: &Part,
    ) -> Result<Listed<MemberRole>, Refusal> {
        self.reach_account(caller, &["read:organization_member_roles"], account).await?;
        self.insider(caller, account, user).await?;
        self.roles_at(account, "", user, part).await
    }

    /// The roles that a user holds in a workspace, in the order in which they were given.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the workspace or the user does not exist.
    pub async fn workspace_member_roles(
        &self,
        caller: &Caller,
        account: &str,
        workspace: &str,
        user: &str,
        part: &Part,
    ) -> Result<Listed<MemberRole>, Refusal> {
        self.reach_workspace(caller, &["read:workspace_member_roles"], account, workspace).await?;
        self.insider(caller, account, user).await?;
        self.roles_at(account, workspace, user, part).await
    }

    async fn roles_at(
        &self,
        account: &str,
        workspace: &str,
        user: &str,
        part: &Part,
    ) -> Result<Listed<MemberRole>, Refusal> {
        let rows = self.store.roles_of_member(account, workspace, user, &part.stretch()?).await?;
        if rows.is_empty() && self.store.user_address(user).await?.is_none() {
            return Err(Refusal::Missing(Kind::User));
        }
        let mut listed = part.listed(rows, |row| (row.since_micros, row.role_id.clone()), MemberRole::from_row);
        if part.wants_total() {
            listed.total = Some(self.store.count_roles_of_member(account, workspace, user).await?);
        }
        Ok(listed)
    }

    /// Gives a user roles in an account; those that it holds stay. They count once the user is a member.
    ///
    /// # Errors
    /// [`Refusal::Missing`] for an account, a user or a role that does not exist, and for another account's
    /// own role. [`Refusal::Invalid`] for a role of the platform's or a workspace's level.
    /// [`Refusal::Forbidden`] when the caller is bound to the account and the role permits more than it may.
    pub async fn add_member_roles(
        &self,
        caller: &Caller,
        account: &str,
        user: &str,
        roles: &[String],
    ) -> Result<(), Refusal> {
        let row = self.reach_account(caller, &["create:organization_member_roles"], account).await?;
        self.insider(caller, account, user).await?;
        self.may_hand_out(caller, account, false, roles).await?;
        self.give(caller, "member_roles.add", Spot { tenant: &row.tenant_id, account, workspace: None }, user, roles)
            .await
    }

    /// Gives a member of a workspace roles there; those that it holds stay.
    ///
    /// # Errors
    /// As [`Identity::add_member_roles`]; [`Refusal::Missing`] also when the user is not in the workspace.
    pub async fn add_workspace_member_roles(
        &self,
        caller: &Caller,
        account: &str,
        workspace: &str,
        user: &str,
        roles: &[String],
    ) -> Result<(), Refusal> {
        let (row, _) = self.reach_workspace(caller, &["create:workspace_member_roles"], account, workspace).await?;
        if self.store.workspace_membership(workspace, user).await?.is_none() {
            return Err(Refusal::Missing(Kind::Member));
        }
        self.may_hand_out(caller, account, true, roles).await?;
        let spot = Spot { tenant: &row.tenant_id, account, workspace: Some(workspace) };
        self.give(caller, "workspace_member_roles.add", spot, user, roles).await
    }

    async fn give(
        &self,
        caller: &Caller,
        name: &'static str,
        spot: Spot<'_>,
        user: &str,
        roles: &[String],
    ) -> Result<(), Refusal> {
        let inputs = json!({ "account": spot.account, "user": user, "roles": roles });
        let act = Act { name, tenant: spot.tenant, workspace: spot.workspace, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            for (since, role) in (self.now()..).zip(roles) {
                batch.give_role(user, spot.account, spot.workspace(), role, since);
            }
            batch.affects(Subject::Member { account: spot.account.to_owned(), user: user.to_owned() });
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Dangling(_)) => Err(Refusal::Missing(Kind::User)),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    /// Takes roles from a user in an account; those that it does not hold are left alone.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the account does not exist; [`Refusal::Forbidden`] as for giving.
    pub async fn remove_member_roles(
        &self,
        caller: &Caller,
        account: &str,
        user: &str,
        roles: &[String],
    ) -> Result<(), Refusal> {
        let row = self.reach_account(caller, &["delete:organization_member_roles"], account).await?;
        let spot = Spot { tenant: &row.tenant_id, account, workspace: None };
        self.take(caller, "member_roles.remove", spot, user, roles).await
    }

    /// Takes roles from a user in a workspace; those that it does not hold are left alone.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the workspace does not exist; [`Refusal::Forbidden`] as for giving.
    pub async fn remove_workspace_member_roles(
        &self,
        caller: &Caller,
        account: &str,
        workspace: &str,
        user: &str,
        roles: &[String],
    ) -> Result<(), Refusal> {
        let (row, _) = self.reach_workspace(caller, &["delete:workspace_member_roles"], account, workspace).await?;
        let spot = Spot { tenant: &row.tenant_id, account, workspace: Some(workspace) };
        self.take(caller, "workspace_member_roles.remove", spot, user, roles).await
    }

    async fn take(
        &self,
        caller: &Caller,
        name: &'static str,
        spot: Spot<'_>,
        user: &str,
        roles: &[String],
    ) -> Result<(), Refusal> {
        few(roles, "roles")?;
        self.outranks(caller, roles).await?;
        let inputs = json!({ "account": spot.account, "user": user, "roles": roles });
        let act = Act { name, tenant: spot.tenant, workspace: spot.workspace, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            for role in roles {
                batch.take_role(user, spot.account, spot.workspace(), role);
            }
            batch.affects(Subject::Member { account: spot.account.to_owned(), user: user.to_owned() });
            self.store.commit(batch).await?;
            Ok(())
        })
        .await
    }

    /// Passes when these roles may be held in the account (or in a workspace of it), and the caller may give
    /// them there.
    pub(crate) async fn may_hand_out(
        &self,
        caller: &Caller,
        account: &str,
        in_workspace: bool,
        roles: &[String],
    ) -> Result<(), Refusal> {
        few(roles, "roles")?;
        let wanted: BTreeSet<&str> = roles.iter().map(String::as_str).collect();
        let found = self.store.places_of_roles(&wanted).await?;
        // INVARIANT: another account's own role is not told apart from one that does not exist.
        let offered = |owner: &str| owner.is_empty() || owner == account;
        if found.iter().filter(|role| offered(&role.account_id)).count() != wanted.len() {
            return Err(Refusal::Missing(Kind::Role));
        }
        let level = if in_workspace { "workspace" } else { "account" };
        if let Some(role) = found.iter().find(|role| role.level != level) {
            return Err(Refusal::invalid(format!(
                "The role {} is of level {} and cannot be held here; a role of level {level} can.",
                role.role_id, role.level
            )));
        }
        self.outranks(caller, roles).await
    }

    /// Passes when the caller is not bound to an account, or may itself what these roles permit in our own
    /// contexts: nobody lifts themselves, or puts down who stands above them.
    pub(crate) async fn outranks(&self, caller: &Caller, roles: &[String]) -> Result<(), Refusal> {
        let Reach::Account { permissions, .. } = &caller.reach else { return Ok(()) };
        if roles.is_empty() {
            return Ok(());
        }
        let beyond = [Audience::Portal.name(), &self.issuer.management_audience()];
        if !self.store.permissions_of_roles(roles, beyond).await?.is_empty() {
            return Err(Refusal::Forbidden { any_of: &[] });
        }
        for permitted in self.store.permissions_of_roles(roles, [Audience::Dashboard.name()]).await? {
            if !permissions.contains(&permitted) {
                let words = contexts::permissions(Audience::Dashboard);
                let word = words.iter().find(|(name, _)| *name == permitted);
                return Err(Refusal::Forbidden { any_of: word.map_or(&[], |(name, _)| std::slice::from_ref(name)) });
            }
        }
        Ok(())
    }
}
