//! What roles permit.

use serde_json::{Value, json};
use tenantry_store::identity::Window;
use tenantry_store::identity::roles::PermissionRow;
use tenantry_store::{BatchError, Subject};

use crate::act::Act;
use crate::users::PermissionName;
use crate::{Caller, Identity, Kind, Listed, Part, Refusal};

/// The most that a role permits.
const MOST: i64 = 1_000;

impl Identity {
    /// What a role permits, in the order of the APIs' identifiers and the permissions' names.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn role_permissions(
        &self,
        caller: &Caller,
        id: &str,
        part: &Part,
    ) -> Result<Listed<PermissionRow>, Refusal> {
        self.role(caller, id).await?;
        let Part::Page { offset, limit, total } = part else {
            return Err(Refusal::Invalid {
                code: "invalid_query_string",
                message: "This list has pages only.".to_owned(),
            });
        };
        let items = self.store.role_permissions(id, Window { offset: *offset, limit: *limit }).await?;
        let total = if *total { Some(self.store.count_role_permissions(id).await?) } else { None };
        Ok(Listed { items, total, next: None })
    }

    /// Lets a role permit more. What it permits already stays.
    ///
    /// # Errors
    /// [`Refusal::Missing`] for the role, and for a permission that its API does not have.
    pub async fn add_role_permissions(
        &self,
        caller: &Caller,
        id: &str,
        permissions: &[PermissionName],
    ) -> Result<(), Refusal> {
        let found = self.known_role(id).await;
        self.may_role(caller, &["update:roles"], &found)?;
        let role = found?;
        self.may_permit(caller, permissions).await?;
        let rows = self.permissions_named(permissions, true).await?;
        let more = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        if self.store.count_role_permissions(id).await?.saturating_add(more) > MOST {
            return Err(Refusal::invalid(format!("a role permits no more than {MOST} things")));
        }
        let tenant = self.tenant_of(role.account.as_deref()).await?;
        let act =
            Act { name: "roles.permissions.add", tenant: &tenant, workspace: None, inputs: said(id, permissions) };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            for row in &rows {
                batch.insert_role_permission(id, &row.api_id, &row.name);
            }
            batch.affects(Subject::Role(id.to_owned()));
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Dangling(_)) => Err(Refusal::Missing(Kind::Permission)),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    /// Lets a role permit less. What it does not permit is as good as taken.
    ///
    /// # Errors
    /// [`Refusal::Missing`] for the role.
    pub async fn remove_role_permissions(
        &self,
        caller: &Caller,
        id: &str,
        permissions: &[PermissionName],
    ) -> Result<(), Refusal> {
        let found = self.known_role(id).await;
        self.may_role(caller, &["update:roles"], &found)?;
        let role = found?;
        self.outranks(caller, &[id.to_owned()]).await?;
        let rows = self.permissions_named(permissions, false).await?;
        let tenant = self.tenant_of(role.account.as_deref()).await?;
        let inputs = said(id, permissions);
        let act = Act { name: "roles.permissions.remove", tenant: &tenant, workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            for row in &rows {
                batch.delete_role_permission(id, &row.api_id, &row.name);
            }
            batch.affects(Subject::Role(id.to_owned()));
            self.store.commit(batch).await?;
            Ok(())
        })
        .await
    }
}

fn said(role: &str, permissions: &[PermissionName]) -> Value {
    let names: Vec<_> = permissions.iter().map(|one| json!({ "api": one.api, "name": one.name })).collect();
    json!({ "id": role, "permissions": names })
}
