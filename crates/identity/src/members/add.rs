//! Making users members.

use serde_json::json;
use tenantry_store::BatchError;

use super::few;
use crate::act::Act;
use crate::caller::Target;
use crate::{Caller, Identity, Kind, Refusal};

impl Identity {
    /// Makes users members of an account, in that order; those who are members stay as they are.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the account or one of the users does not exist: nobody is added then. Whoever is
    /// bound to an account is refused.
    pub async fn add_members(&self, caller: &Caller, account: &str, users: &[String]) -> Result<(), Refusal> {
        let row = self.reach_account(caller, &["create:organization_members"], account).await?;
        // INVARIANT: who is bound to an account takes nobody in whom it only knows by an id, and so learns nothing of
        // other accounts' people: it invites.
        caller.may(&["create:organization_members"], Target::Platform)?;
        few(users, "members")?;
        let inputs = json!({ "account": account, "users": users });
        let act = Act { name: "members.add", tenant: &row.tenant_id, workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            // A microsecond apart, so that lists keep the order.
            for (since, user) in (self.now()..).zip(users) {
                batch.insert_member(account, user, since);
            }
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Dangling(_)) => Err(self.gone(account).await?),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    /// Lets members of the account into one of its workspaces; those who are in stay as they are.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the workspace does not exist or one of the users is no member of the account:
    /// nobody is let in then.
    pub async fn add_workspace_members(
        &self,
        caller: &Caller,
        account: &str,
        workspace: &str,
        users: &[String],
    ) -> Result<(), Refusal> {
        let (row, _) = self.reach_workspace(caller, &["create:workspace_members"], account, workspace).await?;
        few(users, "members")?;
        let inputs = json!({ "account": account, "users": users });
        let act = Act { name: "workspace_members.add", tenant: &row.tenant_id, workspace: Some(workspace), inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            for (since, user) in (self.now()..).zip(users) {
                batch.insert_workspace_member(account, workspace, user, since);
            }
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Dangling(_)) => Err(Refusal::Missing(Kind::Member)),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    /// What a membership referred to in vain: the account, when it went meanwhile, else a user.
    async fn gone(&self, account: &str) -> Result<Refusal, Refusal> {
        let there = self.store.account(account).await?.is_some();
        Ok(Refusal::Missing(if there { Kind::User } else { Kind::Account }))
    }
}
