//! Taking members out.

use serde_json::json;
use tenantry_store::Subject;

use super::few;
use crate::act::Act;
use crate::{Caller, Identity, Reach, Refusal};

impl Identity {
    /// Takes users out of an account, with the roles that they held there and in its workspaces. Those who
    /// are no members are left alone. Their tokens for the account end within a second.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the account does not exist; [`Refusal::Forbidden`] when the caller is bound
    /// to the account and one of them holds a role that permits more than the caller may.
    pub async fn remove_members(&self, caller: &Caller, account: &str, users: &[String]) -> Result<(), Refusal> {
        let row = self.reach_account(caller, &["delete:organization_members"], account).await?;
        few(users, "members")?;
        self.may_take_out(caller, account, "", users).await?;
        let inputs = json!({ "account": account, "users": users });
        let act = Act { name: "members.remove", tenant: &row.tenant_id, workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            for user in users {
                batch.delete_member(account, user);
                batch.affects(Subject::Member { account: account.to_owned(), user: user.clone() });
            }
            self.store.commit(batch).await?;
            Ok(())
        })
        .await
    }

    /// Takes users out of a workspace, with the roles that they held there. They stay members of the account.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the workspace does not exist; [`Refusal::Forbidden`] as for accounts.
    pub async fn remove_workspace_members(
        &self,
        caller: &Caller,
        account: &str,
        workspace: &str,
        users: &[String],
    ) -> Result<(), Refusal> {
        let (row, _) = self.reach_workspace(caller, &["delete:workspace_members"], account, workspace).await?;
        few(users, "members")?;
        self.may_take_out(caller, account, workspace, users).await?;
        let inputs = json!({ "account": account, "users": users });
        let act = Act { name: "workspace_members.remove", tenant: &row.tenant_id, workspace: Some(workspace), inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            for user in users {
                batch.delete_workspace_member(account, workspace, user);
                batch.affects(Subject::Member { account: account.to_owned(), user: user.clone() });
            }
            self.store.commit(batch).await?;
            Ok(())
        })
        .await
    }

    async fn may_take_out(
        &self,
        caller: &Caller,
        account: &str,
        workspace: &str,
        users: &[String],
    ) -> Result<(), Refusal> {
        // Whoever leaves by themselves needs nobody's rank.
        let others = users.iter().filter(|user| caller.user.as_ref() != Some(*user));
        if !matches!(caller.reach, Reach::Account { .. }) {
            return Ok(());
        }
        let held = self.store.roles_of_members(account, workspace, others).await?;
        let roles: Vec<String> = held.into_iter().map(|role| role.role_id).collect();
        self.outranks(caller, &roles).await
    }
}
