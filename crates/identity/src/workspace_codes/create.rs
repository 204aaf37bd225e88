//! Making a workspace code.

use serde_json::json;
use tenantry_policy::Entropy;
use tenantry_policy::ambient::NoEntropy;
use tenantry_store::BatchError;
use tenantry_store::identity::workspace_codes::WorkspaceCode as Row;

use super::{ACTIVE, SIGNS, WorkspaceCode, check_lifetime, check_uses, context, hash};
use crate::act::Act;
use crate::{Caller, Identity, Kind, Refusal, ids};

/// What a code is made from.
#[derive(Debug, Clone)]
pub struct NewWorkspaceCode {
    /// The role that it gives in the workspace; none when people only come in.
    pub role_id: Option<String>,
    /// The context that it is for: `app` or `dashboard`.
    pub context: String,
    /// How often it may be used.
    pub max_uses: i64,
    /// For how many seconds it may be used.
    pub lifetime: i64,
}

impl Default for NewWorkspaceCode {
    fn default() -> NewWorkspaceCode {
        NewWorkspaceCode { role_id: None, context: "app".to_owned(), max_uses: 1, lifetime: 7 * 86_400 }
    }
}

impl Identity {
    /// Makes a code for a workspace; answers it, and the code, which is not told again.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the workspace or the role does not exist, [`Refusal::Invalid`] for a role of
    /// another level and for numbers out of range, [`Refusal::Forbidden`] when the role permits more than the
    /// caller may.
    pub async fn create_workspace_code(
        &self,
        caller: &Caller,
        account: &str,
        workspace: &str,
        new: NewWorkspaceCode,
    ) -> Result<(WorkspaceCode, String), Refusal> {
        let (row, _) = self.reach_workspace(caller, &["create:workspace_codes"], account, workspace).await?;
        let for_context = context(&new.context).ok_or_else(|| Refusal::invalid("context is one of app, dashboard"))?;
        check_uses(new.max_uses)?;
        check_lifetime(new.lifetime)?;
        self.may_hand_out(caller, account, true, new.role_id.as_slice()).await?;
        if !self.fits_context(for_context, new.role_id.as_deref()).await? {
            return Err(Refusal::invalid("the role manages the account; a code with it is one for the dashboard"));
        }
        let code = draw(self.entropy.as_ref())?;
        let now = self.now();
        let made = Row {
            id: ids::letters(self.entropy.as_ref(), "wsc_", 16)?,
            account_id: account.to_owned(),
            workspace_id: workspace.to_owned(),
            role_id: new.role_id,
            code_hash: hash(&code),
            context: new.context,
            max_uses: new.max_uses,
            uses: 0,
            status: ACTIVE.to_owned(),
            created_micros: now,
            expires_micros: now.saturating_add(new.lifetime.saturating_mul(1_000_000)),
        };
        let inputs = json!({
            "id": made.id, "account": account, "role": made.role_id, "context": made.context,
            "max_uses": made.max_uses, "lifetime": new.lifetime,
        });
        let act = Act { name: "workspace_codes.create", tenant: &row.tenant_id, workspace: Some(workspace), inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.insert_workspace_code(&made);
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Dangling(_)) => Err(Refusal::Missing(Kind::Workspace)),
                Err(error) => Err(error.into()),
            }
        })
        .await?;
        Ok((WorkspaceCode::from_row(made), code))
    }
}

/// Four groups of five signs, 100 bits: more than anybody guesses.
fn draw(entropy: &dyn Entropy) -> Result<String, NoEntropy> {
    let mut drawn = [0_u8; 20];
    entropy.fill(&mut drawn)?;
    let mut code = String::with_capacity(23);
    for (place, byte) in drawn.into_iter().enumerate() {
        if place > 0 && place % 5 == 0 {
            code.push('-');
        }
        code.push(SIGNS.get(usize::from(byte % 32)).copied().map_or('0', char::from));
    }
    Ok(code)
}
