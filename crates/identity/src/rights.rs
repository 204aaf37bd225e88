//! What somebody may at a place, as tokens say it.

use tenantry_store::identity::roles::HeldAt;

use crate::users::is_id;
use crate::{Identity, Refusal};

/// A role that somebody holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleHeld {
    /// The role's id.
    pub id: String,
    /// The role's name.
    pub name: String,
    /// `platform`, `account` or `workspace`.
    pub level: String,
    /// Is it an account's own, rather than one that the platform offers?
    pub own: bool,
}

/// What somebody may at a place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    /// The user is not blocked, the account and the workspace are active, and the user is a member of the account.
    /// Nothing is held otherwise.
    pub enabled: bool,
    /// The roles that count there, each once, by name.
    pub roles: Vec<RoleHeld>,
    /// What they permit: the API's id, its identifier, and the permission; each once, sorted.
    pub permissions: Vec<(String, String, String)>,
}

impl Rights {
    /// What they permit on an API, by its identifier.
    pub fn on<'a>(&'a self, api: &'a str) -> impl Iterator<Item = &'a str> {
        self.permissions.iter().filter(move |(_, identifier, _)| identifier == api).map(|(.., name)| name.as_str())
    }
}

impl Identity {
    /// What a user may: on the platform without an account, in an account, or in a workspace of it. For tokens: the
    /// caller's permission is not asked for.
    ///
    /// INVARIANT: what is held in one place never counts in another; a blocked user, or a place that is not active,
    /// holds nothing.
    ///
    /// # Errors
    /// The store's.
    pub async fn rights(
        &self,
        user_id: &str,
        account: Option<&str>,
        workspace: Option<&str>,
    ) -> Result<Rights, Refusal> {
        // An empty text means the level above in the store.
        let names = [Some(user_id), account, workspace];
        if names.into_iter().flatten().any(|name| !is_id(name)) || (account.is_none() && workspace.is_some()) {
            return Ok(Rights::default());
        }
        let at = HeldAt { account: account.unwrap_or_default(), workspace: workspace.unwrap_or_default() };
        let rows = self.store.rights(user_id, at).await?;
        let mut rights = Rights { enabled: !rows.is_empty(), ..Rights::default() };
        for row in rows {
            if let Some((id, name, level)) = row.role {
                rights.roles.push(RoleHeld { id, name, level, own: row.own });
            }
            rights.permissions.extend(row.permission);
        }
        rights.roles.sort_unstable_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
        rights.roles.dedup();
        rights.permissions.sort_unstable();
        rights.permissions.dedup();
        Ok(rights)
    }
}
