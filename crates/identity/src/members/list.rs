//! Listing members, and the accounts that a user belongs to.

use std::collections::HashMap;

use tenantry_store::identity::member_roles::HeldRole;
use tenantry_store::identity::members::Member as Row;

use super::{Member, MemberRole};
use crate::accounts::Account;
use crate::caller::Target;
use crate::{Caller, Identity, Kind, Listed, Part, Refusal};

impl Identity {
    /// The members of an account, in the order in which they came; with the roles that they hold there
    /// when `with_roles`, which needs `read:organization_member_roles` as well.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the account does not exist.
    pub async fn members(
        &self,
        caller: &Caller,
        account: &str,
        with_roles: bool,
        part: &Part,
    ) -> Result<Listed<Member>, Refusal> {
        if with_roles {
            caller.may(&["read:organization_member_roles"], Target::Account(account))?;
        }
        self.reach_account(caller, &["read:organization_members"], account).await?;
        let rows = self.store.members(account, &part.stretch()?).await?;
        let mut listed = part.listed(rows, place, Member::from_row);
        if with_roles {
            self.add_roles(account, "", &mut listed.items).await?;
        }
        if part.wants_total() {
            listed.total = Some(self.store.count_members(account).await?);
        }
        Ok(listed)
    }

    /// The members of a workspace, in the order in which they came; with the roles that they hold there when
    /// `with_roles`, which needs `read:workspace_member_roles` as well.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the workspace does not exist.
    pub async fn workspace_members(
        &self,
        caller: &Caller,
        account: &str,
        workspace: &str,
        with_roles: bool,
        part: &Part,
    ) -> Result<Listed<Member>, Refusal> {
        if with_roles {
            caller.may(&["read:workspace_member_roles"], Target::Workspace { account, workspace })?;
        }
        self.reach_workspace(caller, &["read:workspace_members"], account, workspace).await?;
        let rows = self.store.workspace_members(workspace, &part.stretch()?).await?;
        let mut listed = part.listed(rows, place, Member::from_row);
        if with_roles {
            self.add_roles(account, workspace, &mut listed.items).await?;
        }
        if part.wants_total() {
            listed.total = Some(self.store.count_workspace_members(workspace).await?);
        }
        Ok(listed)
    }

    async fn add_roles(&self, account: &str, workspace: &str, members: &mut [Member]) -> Result<(), Refusal> {
        let users = members.iter().map(|member| &member.user_id);
        let mut held: HashMap<String, Vec<MemberRole>> = HashMap::new();
        for role in self.store.roles_of_members(account, workspace, users).await? {
            let HeldRole { user_id, .. } = &role;
            held.entry(user_id.clone()).or_default().push(MemberRole::from_row(role));
        }
        for member in members {
            member.roles = Some(held.remove(&member.user_id).unwrap_or_default());
        }
        Ok(())
    }

    /// The accounts that a user belongs to, in the order in which it came to them.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the user does not exist.
    pub async fn user_accounts(&self, caller: &Caller, user: &str, part: &Part) -> Result<Listed<Account>, Refusal> {
        caller.may(&["read:organizations"], Target::Platform)?;
        let rows = self.store.memberships(user, &part.stretch()?).await?;
        if rows.is_empty() && self.store.user_address(user).await?.is_none() {
            return Err(Refusal::Missing(Kind::User));
        }
        let mut listed =
            part.listed(rows, |row| (row.since_micros, row.account.id.clone()), |row| Account::from_row(row.account));
        if part.wants_total() {
            listed.total = Some(self.store.count_memberships(user).await?);
        }
        Ok(listed)
    }
}

fn place(row: &Row) -> (i64, String) {
    (row.since_micros, row.user_id.clone())
}
