//! Roles: what may be done, given to people where they do it.

mod create;
mod delete;
mod holders;
mod list;
mod offered;
mod permissions;
mod update;

use tenantry_store::identity::roles::Role as Row;

use crate::caller::Target;
use crate::users::names;
use crate::{Caller, Identity, Kind, Permission, Refusal};

pub use create::NewRole;
pub use holders::Holder;
pub use list::RoleFilter;
pub use tenantry_store::identity::roles::PermissionRow;

/// Where a role can be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// On the platform only.
    Platform,
    /// In an account; and on the platform, where it counts in no account.
    Account,
    /// In a workspace only.
    Workspace,
}

impl Level {
    /// The word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Level::Platform => "platform",
            Level::Account => "account",
            Level::Workspace => "workspace",
        }
    }

    /// The level of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Level> {
        [Level::Platform, Level::Account, Level::Workspace].into_iter().find(|level| level.name() == name)
    }
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// `rol_` and 16 letters and digits.
    pub id: String,
    /// The account whose own it is; `None` for one that the platform offers to all.
    pub account: Option<String>,
    /// Its name.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Where it can be held.
    pub level: Level,
    /// Microseconds since 1970 UTC.
    pub created_micros: i64,
    /// Microseconds since 1970 UTC.
    pub updated_micros: i64,
    pub(crate) version: i64,
}

impl Role {
    pub(crate) fn from_row(row: Row) -> Role {
        Role {
            // A level that nobody wrote is held nowhere but where the least counts.
            level: Level::parse(&row.level).unwrap_or(Level::Workspace),
            account: (!row.account_id.is_empty()).then_some(row.account_id),
            id: row.id,
            name: row.name,
            description: row.description,
            created_micros: row.created_micros,
            updated_micros: row.updated_micros,
            version: row.version,
        }
    }

    pub(crate) fn to_row(&self) -> Row {
        Row {
            id: self.id.clone(),
            account_id: self.account.clone().unwrap_or_default(),
            folded: names::folded(&self.name),
            name: self.name.clone(),
            level: self.level.name().to_owned(),
            description: self.description.clone(),
            version: self.version,
            created_micros: self.created_micros,
            updated_micros: self.updated_micros,
        }
    }

    /// What the permission check is asked about.
    fn target(&self) -> Target<'_> {
        self.account.as_deref().map_or(Target::Platform, Target::Account)
    }
}

pub(crate) fn check_name(name: &str) -> Result<String, Refusal> {
    names::shown("name", name, 300)
}

pub(crate) fn check_description(text: &str) -> Result<String, Refusal> {
    if text.is_empty() { Ok(String::new()) } else { names::shown("description", text, 2_000) }
}

impl Identity {
    /// The role of that id. An account may read its own roles, and those that the platform offers to accounts and
    /// workspaces.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn role(&self, caller: &Caller, id: &str) -> Result<Role, Refusal> {
        let role = self.known_role(id).await;
        let offered = role.as_ref().is_ok_and(|role| role.account.is_none() && role.level != Level::Platform);
        match (&caller.reach, offered) {
            (crate::Reach::Account { account, .. }, true) => caller.may(&["read:roles"], Target::Account(account))?,
            _ => self.may_role(caller, &["read:roles"], &role)?,
        }
        role
    }

    /// The role of that id, for the program itself.
    pub(crate) async fn known_role(&self, id: &str) -> Result<Role, Refusal> {
        if !crate::users::is_id(id) {
            return Err(Refusal::Missing(Kind::Role));
        }
        self.store.role(id).await?.map(Role::from_row).ok_or(Refusal::Missing(Kind::Role))
    }

    /// The permission check before anything is told about a role, be it there or not.
    pub(crate) fn may_role(
        &self,
        caller: &Caller,
        any_of: &'static [Permission],
        role: &Result<Role, Refusal>,
    ) -> Result<(), Refusal> {
        match (role, &caller.reach) {
            // INVARIANT: whoever is bound to an account cannot tell another's role from one that is not there.
            (Err(_), crate::Reach::Account { account, .. }) => caller.may(any_of, Target::Account(account)),
            (Err(_), _) => caller.may(any_of, Target::Platform),
            (Ok(role), crate::Reach::Account { account, .. })
                if role.account.as_ref().is_some_and(|of| of != account) =>
            {
                caller.may(any_of, Target::Account(account))?;
                Err(Refusal::Missing(Kind::Role))
            }
            (Ok(role), _) => caller.may(any_of, role.target()),
        }
    }

    /// Passes when all of these roles exist and can be held on the platform.
    pub(crate) async fn check_platform_roles(&self, roles: &[String]) -> Result<(), Refusal> {
        let ids: std::collections::HashSet<&String> = roles.iter().collect();
        if roles.iter().any(|id| !crate::users::is_id(id)) {
            return Err(Refusal::Missing(Kind::Role));
        }
        let found = self.store.roles_of_ids(roles).await?;
        if found.len() < ids.len() {
            return Err(Refusal::Missing(Kind::Role));
        }
        // INVARIANT: what an account made for itself, or what is meant for workspaces, is never held everywhere.
        if found.into_iter().map(Role::from_row).any(|role| role.account.is_some() || role.level == Level::Workspace) {
            return Err(Refusal::invalid(
                "a role of an account's own or of level workspace is not held on the platform",
            ));
        }
        Ok(())
    }
}
