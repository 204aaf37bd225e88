//! Roles in an account: which can be held there, and what the account's own ones may permit.

use tenantry_store::identity::Window;

use crate::caller::Target;
use crate::roles::{PermissionRow, Role};
use crate::users::{PermissionName, names};
use crate::{Audience, Caller, Identity, Listed, Part, Reach, Refusal};

/// More permissions than a platform offers.
const MANY: i64 = 10_000;

impl Identity {
    /// The roles that can be held in an account: its own, then those that the platform offers to all.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the account does not exist; [`Refusal::Invalid`] for a part that is not asked
    /// for by numbers.
    pub async fn account_roles(&self, caller: &Caller, account: &str, part: &Part) -> Result<Listed<Role>, Refusal> {
        self.reach_account(caller, &["read:roles"], account).await?;
        let rows = self.store.roles_for_account(account, window(part)?).await?;
        Ok(Listed { items: rows.into_iter().map(Role::from_row).collect(), total: None, next: None })
    }

    /// What roles of an account's own may permit.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the account does not exist; [`Refusal::Invalid`] for a part that is not asked
    /// for by numbers.
    pub async fn offered_permissions(
        &self,
        caller: &Caller,
        account: &str,
        part: &Part,
    ) -> Result<Listed<PermissionRow>, Refusal> {
        self.reach_account(caller, &["read:roles"], account).await?;
        let items = self.store.offered_permissions(self.never_offered(), window(part)?).await?;
        Ok(Listed { items, total: None, next: None })
    }

    /// Passes when a role of an account's own may permit these, by this caller's word.
    ///
    /// INVARIANT: whoever is bound to an account lets its roles permit what the platform offers to accounts and
    /// nothing else, and of our own contexts only what they may themselves.
    pub(crate) async fn may_permit(&self, caller: &Caller, permissions: &[PermissionName]) -> Result<(), Refusal> {
        let Reach::Account { permissions: held, .. } = &caller.reach else { return Ok(()) };
        let all = Window { offset: 0, limit: MANY };
        let offered = self.store.offered_permissions(self.never_offered(), all).await?;
        for wanted in permissions {
            let is_offered = offered.iter().any(|row| row.identifier == wanted.api && row.name == wanted.name);
            let is_held = wanted.api != Audience::Dashboard.name() || held.contains(&wanted.name);
            if !is_offered {
                return Err(Refusal::Missing(crate::Kind::Permission));
            }
            if !is_held {
                return Err(Refusal::Forbidden { any_of: &[] });
            }
        }
        Ok(())
    }

    /// Passes when an account's own role may bear that name: none that a role of the platform's bears, since
    /// policies know roles by their names.
    pub(crate) async fn free_for_accounts(&self, name: &str) -> Result<(), Refusal> {
        if self.store.is_offered_role(&names::folded(name)).await? {
            return Err(Refusal::Exists(crate::Kind::Role));
        }
        Ok(())
    }

    /// Which of these names of the platform's roles accounts have given to roles of their own: the name, how many
    /// accounts, and the name of one of them. Such a role stays the account's, and gets nothing of the platform's.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`]; the store's.
    pub async fn own_role_names<'a>(
        &self,
        caller: &Caller,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<Vec<(&'a str, i64, String)>, Refusal> {
        caller.may(&["read:roles"], Target::Platform)?;
        let names: Vec<(String, &str)> = names.into_iter().map(|name| (names::folded(name), name)).collect();
        let found = self.store.own_role_names(names.iter().map(|(folded, _)| folded)).await?;
        let shown = found.into_iter().filter_map(|(folded, count, account)| {
            let (_, name) = names.iter().find(|(known, _)| *known == folded)?;
            Some((*name, count, account))
        });
        Ok(shown.collect())
    }

    /// The APIs that reach beyond an account, by their identifiers.
    fn never_offered(&self) -> [String; 2] {
        [Audience::Portal.name().to_owned(), self.issuer.management_audience()]
    }
}

fn window(part: &Part) -> Result<Window, Refusal> {
    match part {
        Part::Page { offset, limit, .. } => Ok(Window { offset: *offset, limit: *limit }),
        Part::From { .. } => Err(Refusal::invalid("this list has pages only")),
    }
}
