//! Is somebody, or what somebody holds, there at all? For APIs that answer what is not there as missing;
//! the operations themselves leave it alone.

use crate::caller::{Permission, Target};
use crate::{Caller, Identity, Kind, Reach, Refusal};

impl Identity {
    /// Passes when a user is a member of an account, or of its workspace. For a caller who may do any of these
    /// there.
    ///
    /// # Errors
    /// [`Refusal::Missing`], the same for a user who is elsewhere and for one who is nowhere.
    pub async fn known_member(
        &self,
        caller: &Caller,
        any_of: &'static [Permission],
        account: &str,
        workspace: Option<&str>,
        user: &str,
    ) -> Result<(), Refusal> {
        let there = match workspace {
            Some(workspace) => {
                self.reach_workspace(caller, any_of, account, workspace).await?;
                self.store.workspace_membership(workspace, user).await?.is_some()
            }
            None => {
                caller.may(any_of, Target::Account(account))?;
                self.store.membership(account, user).await?.is_some()
            }
        };
        if there { Ok(()) } else { Err(Refusal::Missing(Kind::Member)) }
    }

    /// Passes when a member of an account, or of its workspace, holds a role there.
    ///
    /// # Errors
    /// As [`Identity::known_member`]; [`Refusal::Missing`] also for a role that the member does not hold.
    pub async fn known_holder(
        &self,
        caller: &Caller,
        any_of: &'static [Permission],
        account: &str,
        workspace: Option<&str>,
        user: &str,
        role: &str,
    ) -> Result<(), Refusal> {
        self.known_member(caller, any_of, account, workspace, user).await?;
        let held = self.store.roles_of_members(account, workspace.unwrap_or_default(), [user]).await?;
        if held.iter().any(|held| held.role_id == role) { Ok(()) } else { Err(Refusal::Missing(Kind::Role)) }
    }

    /// Passes when a grant may be used for an account.
    ///
    /// # Errors
    /// [`Refusal::Missing`], the same for another account's grant and for none.
    pub async fn known_account_grant(
        &self,
        caller: &Caller,
        any_of: &'static [Permission],
        account: &str,
        grant: &str,
    ) -> Result<(), Refusal> {
        caller.may(any_of, Target::Account(account))?;
        if self.store.account_has_grant(account, grant).await? {
            Ok(())
        } else {
            Err(Refusal::Missing(Kind::ClientGrant))
        }
    }

    /// Passes for a caller who sees the whole platform, and for a user who is a member of the account.
    ///
    /// INVARIANT: whoever is bound to an account does not learn whether somebody else exists.
    pub(crate) async fn insider(&self, caller: &Caller, account: &str, user: &str) -> Result<(), Refusal> {
        if matches!(caller.reach, Reach::Account { .. }) && self.store.membership(account, user).await?.is_none() {
            return Err(Refusal::Missing(Kind::User));
        }
        Ok(())
    }
}
