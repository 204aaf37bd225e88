//! Joining a workspace by a code.

use serde_json::json;
use tenantry_store::identity::workspace_codes::WorkspaceCode as Row;
use tenantry_store::{BatchError, Subject};

use super::{context, hash};
use crate::act::Act;
use crate::{Audience, Caller, Identity, Kind, Reach, Refusal};

/// What a code led into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redeemed {
    /// The account, whose member the user is now.
    pub account_id: String,
    /// The workspace, whose member the user is now.
    pub workspace_id: String,
    /// The role that the user holds there now.
    pub role_id: Option<String>,
    /// The context that the code is for.
    pub context: Audience,
}

impl Identity {
    /// Lets the caller's user into the workspace that a code is for, with the code's role. A user who came in
    /// by this code before and is still in is told so once more, and nothing is counted; one who was taken
    /// out does not come back by it.
    ///
    /// # Errors
    /// [`Refusal::Missing`], the same for a code that never was, is out of time, used up or disabled, is for
    /// the app though its role manages the account, leads into an account other than the one that the caller's token is for, or to where nobody is let in.
    pub async fn redeem_code(&self, caller: &Caller, typed: &str) -> Result<Redeemed, Refusal> {
        let no = Refusal::Missing(Kind::WorkspaceCode);
        let found = self.store.workspace_code_by_hash(&hash(typed)).await?;
        let foreign = |row: &Row| match &caller.reach {
            Reach::Account { account, .. } => *account != row.account_id,
            Reach::Operator | Reach::Platform(_) => false,
        };
        let (Some(user), Some(row)) = (caller.user.as_deref(), found.filter(|row| !foreign(row))) else {
            let tenant = match &caller.reach {
                Reach::Account { account, .. } => self.store.account(account).await?.map(|row| row.tenant_id),
                Reach::Operator | Reach::Platform(_) => None,
            };
            let tenant = tenant.unwrap_or_default();
            let act = Act { name: "workspace_codes.redeem", tenant: &tenant, workspace: None, inputs: json!({}) };
            self.refused(caller, act, &no).await;
            return Err(no);
        };
        if self.store.used_workspace_code(&row.id, user).await? {
            return self.came_before(user, row).await;
        }
        let tenant = self.store.account(&row.account_id).await?.map(|account| account.tenant_id).unwrap_or_default();
        // Its role may have come to manage the account since the code was made.
        if !self.fits_context(context(&row.context).unwrap_or(Audience::App), row.role_id.as_deref()).await? {
            let inputs = json!({ "id": row.id, "role": row.role_id });
            let act = Act { name: "workspace_codes.redeem", tenant: &tenant, workspace: None, inputs };
            self.refused(caller, act, &no).await;
            return Err(no);
        }
        let inputs = json!({ "id": row.id, "account": row.account_id, "role": row.role_id });
        let workspace = Some(row.workspace_id.as_str());
        let act = Act { name: "workspace_codes.redeem", tenant: &tenant, workspace, inputs };
        self.act(caller, act, async {
            let now = self.now();
            let mut batch = self.store.batch();
            let (_, used) = batch.use_workspace_code(&row.id, user, now);
            batch.insert_member(&row.account_id, user, now);
            batch.insert_workspace_member(&row.account_id, &row.workspace_id, user, now);
            if let Some(role) = &row.role_id {
                batch.give_role(user, &row.account_id, &row.workspace_id, role, now);
            }
            batch.affects(Subject::Member { account: row.account_id.clone(), user: user.to_owned() });
            match self.store.commit(batch).await {
                Ok(_) => Ok(redeemed(row.clone())),
                // The same user twice at once: the first use counts.
                Err(BatchError::Duplicate(place)) if place == used => self.came_before(user, row.clone()).await,
                Err(BatchError::Untouched(_) | BatchError::Dangling(_)) => Err(no),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    async fn came_before(&self, user: &str, row: Row) -> Result<Redeemed, Refusal> {
        match self.store.workspace_membership(&row.workspace_id, user).await? {
            Some(_) => Ok(redeemed(row)),
            None => Err(Refusal::Missing(Kind::WorkspaceCode)),
        }
    }
}

fn redeemed(row: Row) -> Redeemed {
    Redeemed {
        context: context(&row.context).unwrap_or(Audience::App),
        account_id: row.account_id,
        workspace_id: row.workspace_id,
        role_id: row.role_id,
    }
}
