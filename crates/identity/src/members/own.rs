//! What a user belongs to, told to the user.

use tenantry_store::identity::Stretch;

use crate::accounts::{Account, Status};
use crate::workspaces::Workspace;
use crate::{Caller, Identity, Reach, Refusal};

/// More than anybody belongs to.
const MOST: i64 = 1_000;

/// An account that the caller belongs to, and its workspaces that the caller belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnAccount {
    /// The account.
    pub account: Account,
    /// The workspaces.
    pub workspaces: Vec<Workspace>,
}

impl Identity {
    /// The accounts and workspaces that the caller's user belongs to and that let people in; only the one
    /// that the token is for, where it is for one.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] when the caller is no user.
    pub async fn own_accounts(&self, caller: &Caller) -> Result<Vec<OwnAccount>, Refusal> {
        let Some(user) = caller.user.as_deref() else { return Err(Refusal::Hidden) };
        let whole = Stretch { after: (i64::MIN, String::new()), offset: 0, limit: MOST };
        let memberships = self.store.memberships(user, &whole).await?;
        let workspaces = self.store.workspaces_of_user(user, MOST).await?;
        let mut workspaces: Vec<Workspace> = workspaces.into_iter().map(Workspace::from_row).collect();
        workspaces.retain(|workspace| workspace.status == Status::Active);
        let mut own = Vec::new();
        for account in memberships.into_iter().map(|row| Account::from_row(row.account)) {
            // INVARIANT: a token for one account tells nothing of another.
            let told = match &caller.reach {
                Reach::Account { account: bound, .. } => *bound == account.id,
                _ => true,
            };
            if told && account.status == Status::Active {
                let mine = workspaces.iter().filter(|workspace| workspace.account_id == account.id);
                own.push(OwnAccount { workspaces: mine.cloned().collect(), account });
            }
        }
        Ok(own)
    }
}
