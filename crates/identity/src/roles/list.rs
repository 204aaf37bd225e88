//! Listing roles.

use tenantry_store::identity::Window;

use crate::caller::Target;
use crate::roles::Role;
use crate::users::names;
use crate::{Caller, Identity, Listed, Part, Refusal};

/// Which roles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleFilter {
    /// The account whose own they are; `None` for those that the platform offers to all.
    pub account: Option<String>,
    /// Only those whose name holds this, whatever the case.
    pub name: Option<String>,
}

impl Identity {
    /// Roles, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn roles(&self, caller: &Caller, filter: &RoleFilter, part: &Part) -> Result<Listed<Role>, Refusal> {
        caller.may(&["read:roles"], filter.account.as_deref().map_or(Target::Platform, Target::Account))?;
        let account = filter.account.as_deref().unwrap_or_default();
        let name = filter.name.as_deref().filter(|name| !name.is_empty()).map(names::folded);
        if name.as_ref().is_some_and(|name| name.contains('\0')) {
            return Ok(Listed { items: Vec::new(), total: Some(0), next: None });
        }
        let Part::Page { offset, limit, total } = part else {
            return Err(Refusal::Invalid {
                code: "invalid_query_string",
                message: "This list has pages only.".to_owned(),
            });
        };
        let window = Window { offset: *offset, limit: *limit };
        let rows = self.store.roles(account, name.as_deref(), window).await?;
        let total = if *total { Some(self.store.count_roles(account, name.as_deref()).await?) } else { None };
        Ok(Listed { items: rows.into_iter().map(Role::from_row).collect(), total, next: None })
    }
}
