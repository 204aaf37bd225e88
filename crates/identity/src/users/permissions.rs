//! What a user may on the platform, in no account.

use serde_json::json;
use tenantry_store::identity::Window;
use tenantry_store::identity::roles::{PermissionHeld, PermissionRow};
use tenantry_store::{BatchError, Subject};

use crate::act::Act;
use crate::caller::Target;
use crate::users::is_id;
use crate::{Caller, Identity, Kind, Listed, Part, Refusal};

/// A permission of an API, by their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionName {
    /// The API's identifier.
    pub api: String,
    /// The permission.
    pub name: String,
}

/// Where a permission comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// It was given to the user itself.
    Direct,
    /// A role (id and name) gives it.
    Role(String, String),
}

/// A permission that a user holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldPermission {
    /// The permission.
    pub permission: PermissionRow,
    /// Where it comes from; one at least.
    pub sources: Vec<Source>,
}

impl Identity {
    /// What a user may on the platform, in no account: by itself and by the roles that it holds there.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn user_permissions(
        &self,
        caller: &Caller,
        user: &str,
        part: &Part,
    ) -> Result<Listed<HeldPermission>, Refusal> {
        caller.may(&["read:users"], Target::Platform)?;
        self.must_exist(user).await?;
        let Part::Page { offset, limit, total } = part else {
            return Err(Refusal::Invalid {
                code: "invalid_query_string",
                message: "This list has pages only.".to_owned(),
            });
        };
        let rows = self.store.held_permissions(user, Window { offset: *offset, limit: *limit }).await?;
        let mut items: Vec<HeldPermission> = Vec::new();
        for PermissionHeld { permission, role } in rows {
            let source = role.map_or(Source::Direct, |(id, name)| Source::Role(id, name));
            match items.last_mut() {
                Some(last) if last.permission == permission => last.sources.push(source),
                _ => items.push(HeldPermission { permission, sources: vec![source] }),
            }
        }
        let total = if *total { Some(self.store.count_held_permissions(user).await?) } else { None };
        Ok(Listed { items, total, next: None })
    }

    /// Gives permissions to a user itself. They count on the platform, in no account.
    ///
    /// # Errors
    /// [`Refusal::Missing`] for the user, and for a permission that its API does not have.
    pub async fn add_user_permissions(
        &self,
        caller: &Caller,
        user: &str,
        permissions: &[PermissionName],
    ) -> Result<(), Refusal> {
        caller.may(&["update:users"], Target::Platform)?;
        self.must_exist(user).await?;
        let found = self.permissions_named(permissions, true).await?;
        let act = Act { name: "users.permissions.add", tenant: "", workspace: None, inputs: said(user, permissions) };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            for permission in &found {
                batch.insert_user_permission(user, &permission.api_id, &permission.name);
            }
            batch.affects(Subject::User(user.to_owned()));
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Dangling(_)) => Err(Refusal::Missing(Kind::Permission)),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    /// Takes permissions from a user itself. What its roles give stays.
    ///
    /// # Errors
    /// [`Refusal::Missing`] for the user.
    pub async fn remove_user_permissions(
        &self,
        caller: &Caller,
        user: &str,
        permissions: &[PermissionName],
    ) -> Result<(), Refusal> {
        caller.may(&["update:users"], Target::Platform)?;
        self.must_exist(user).await?;
        let found = self.permissions_named(permissions, false).await?;
        let inputs = said(user, permissions);
        let act = Act { name: "users.permissions.remove", tenant: "", workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            for permission in &found {
                batch.delete_user_permission(user, &permission.api_id, &permission.name);
            }
            batch.affects(Subject::User(user.to_owned()));
            self.store.commit(batch).await?;
            Ok(())
        })
        .await
    }

    /// Passes when there is such a user.
    pub(crate) async fn must_exist(&self, user: &str) -> Result<(), Refusal> {
        if is_id(user) && self.store.user(user).await?.is_some() {
            return Ok(());
        }
        Err(Refusal::Missing(Kind::User))
    }

    /// The permissions with these names, each once.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when one does not exist and `all` must.
    pub(crate) async fn permissions_named(
        &self,
        permissions: &[PermissionName],
        all: bool,
    ) -> Result<Vec<PermissionRow>, Refusal> {
        let fits = |name: &&PermissionName| !name.api.contains('\0') && !name.name.contains('\0');
        let known: Vec<&PermissionName> = permissions.iter().filter(fits).collect();
        let apis: Vec<&str> = known.iter().map(|permission| permission.api.as_str()).collect();
        let names: Vec<&str> = known.iter().map(|permission| permission.name.as_str()).collect();
        let wanted: std::collections::HashSet<(&str, &str)> =
            permissions.iter().map(|permission| (permission.api.as_str(), permission.name.as_str())).collect();
        let mut found = self.store.permissions_among(&apis, &names).await?;
        found.retain(|row| wanted.contains(&(row.identifier.as_str(), row.name.as_str())));
        if all && found.len() < wanted.len() {
            return Err(Refusal::Missing(Kind::Permission));
        }
        Ok(found)
    }
}

fn said(user: &str, permissions: &[PermissionName]) -> serde_json::Value {
    let names: Vec<_> = permissions.iter().map(|one| json!({ "api": one.api, "name": one.name })).collect();
    json!({ "id": user, "permissions": names })
}
