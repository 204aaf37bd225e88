//! Is somebody, or what somebody holds, there at all? For APIs that answer what is not there as missing;
//! the operations themselves leave it alone.

use tenantry_store::identity::Window;
use tenantry_store::identity::roles::HeldAt;

use crate::caller::{Permission, Target};
use crate::roles::Level;
use crate::users::PermissionName;
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

    /// Passes when a role can be held in an account: one of its own, or (unless only its own are meant) one that
    /// the platform offers to accounts and workspaces.
    ///
    /// # Errors
    /// [`Refusal::Missing`], the same for another account's own role and for none.
    pub async fn known_account_role(
        &self,
        caller: &Caller,
        any_of: &'static [Permission],
        account: &str,
        role: &str,
        own: bool,
    ) -> Result<(), Refusal> {
        caller.may(any_of, Target::Account(account))?;
        let role = self.known_role(role).await?;
        let fits = match &role.account {
            Some(of) => of == account,
            None => !own && role.level != Level::Platform,
        };
        if fits { Ok(()) } else { Err(Refusal::Missing(Kind::Role)) }
    }

    /// Passes when a role permits this, for callers who may do any of these to the role.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn known_role_permission(
        &self,
        caller: &Caller,
        any_of: &'static [Permission],
        role: &str,
        permission: &PermissionName,
    ) -> Result<(), Refusal> {
        let found = self.known_role(role).await;
        self.may_role(caller, any_of, &found)?;
        found?;
        let all = Window { offset: 0, limit: i64::MAX };
        let held = self.store.role_permissions(role, all).await?;
        if held.iter().any(|row| row.identifier == permission.api && row.name == permission.name) {
            Ok(())
        } else {
            Err(Refusal::Missing(Kind::Permission))
        }
    }

    /// Passes when a user exists, for callers who may do something to every user.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn known_to_all(
        &self,
        caller: &Caller,
        any_of: &'static [Permission],
        user: &str,
    ) -> Result<(), Refusal> {
        caller.may(any_of, Target::Platform)?;
        self.known_user(user).await.map(drop)
    }

    /// Passes when a client exists.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn must_be_client(
        &self,
        caller: &Caller,
        any_of: &'static [Permission],
        client: &str,
    ) -> Result<(), Refusal> {
        caller.may(any_of, Target::Platform)?;
        self.store.client(client).await?.map(drop).ok_or(Refusal::Missing(Kind::Client))
    }

    /// Passes when there is an API of that id.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn must_be_api(&self, caller: &Caller, any_of: &'static [Permission], api: &str) -> Result<(), Refusal> {
        caller.may(any_of, Target::Platform)?;
        self.store.api(api).await?.map(drop).ok_or(Refusal::Missing(Kind::Api))
    }

    /// Passes when a user holds a role on the platform.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn known_platform_holder(
        &self,
        caller: &Caller,
        any_of: &'static [Permission],
        user: &str,
        role: &str,
    ) -> Result<(), Refusal> {
        caller.may(any_of, Target::Platform)?;
        let all = Window { offset: 0, limit: i64::MAX };
        let held = self.store.held_roles(user, HeldAt::PLATFORM, all).await?;
        if held.iter().any(|held| held.id == role) { Ok(()) } else { Err(Refusal::Missing(Kind::Role)) }
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
