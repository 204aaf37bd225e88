//! Roles that the platform offers, and what they permit.

use std::collections::BTreeSet;

use serde_json::json;
use tenantry_store::Subject;

use super::Draft;
use crate::act::Act;
use crate::inventory::Inventory;
use crate::roles::{Level, NewRole, Role, check_description, check_name};
use crate::{Kind, Refusal, ids};

/// What a role permits: the API's identifier and the permission.
type Permitted = BTreeSet<(String, String)>;

impl Draft<'_> {
    /// Makes a role that permits these.
    ///
    /// # Errors
    /// [`Refusal::Invalid`]; [`Refusal::Missing`] for a permission that its API does not have.
    pub fn create_role(&mut self, there: &Inventory, new: NewRole, permitted: &Permitted) -> Result<Role, Refusal> {
        let now = self.identity.now();
        let role = Role {
            id: ids::letters(self.identity.entropy.as_ref(), "rol_", 16)?,
            account: None,
            name: check_name(&new.name)?,
            description: new.description.as_deref().map(check_description).transpose()?,
            level: new.level,
            created_micros: now,
            updated_micros: now,
            version: 1,
        };
        let rows = rows(there, permitted)?;
        let inputs = json!({ "id": role.id, "name": role.name, "level": role.level.name(), "permissions": permitted });
        self.begin(Kind::Role, &Act { name: "roles.create", tenant: "", workspace: None, inputs });
        self.batch.insert_role(&role.to_row());
        for (api, permission) in rows {
            self.batch.insert_role_permission(&role.id, api, permission);
        }
        Ok(role)
    }

    /// Changes a role's name, description, where it is held, and what it permits. Whoever holds it where it is held no
    /// more loses it.
    ///
    /// # Errors
    /// As [`Draft::create_role`].
    pub fn update_role(
        &mut self,
        there: &Inventory,
        before: &Role,
        name: &str,
        description: Option<&str>,
        level: Level,
        permitted: &Permitted,
    ) -> Result<Role, Refusal> {
        let mut role = before.clone();
        role.name = check_name(name)?;
        role.description = description.map(check_description).transpose()?;
        role.level = level;
        role.updated_micros = self.identity.now();
        let none = Permitted::new();
        let held = there.permitted.get(&role.id).unwrap_or(&none);
        let (more, less): (Permitted, Permitted) =
            (permitted.difference(held).cloned().collect(), held.difference(permitted).cloned().collect());
        let more = rows(there, &more)?;
        let inputs = json!({
            "id": role.id, "name": role.name, "level": level.name(), "description": role.description,
            "permissions": permitted,
        });
        self.begin(Kind::Role, &Act { name: "roles.update", tenant: "", workspace: None, inputs });
        self.batch.update_role(&role.to_row());
        if level != before.level {
            self.batch.move_role(&role.id, level.name());
        }
        if !more.is_empty() || !less.is_empty() || level != before.level || role.name != before.name {
            self.batch.affects(Subject::Role(role.id.clone()));
        }
        for (api, permission) in &less {
            if let Some(api) = there.apis.get(api) {
                self.batch.delete_role_permission(&role.id, &api.id, permission);
            }
        }
        for (api, permission) in more {
            self.batch.insert_role_permission(&role.id, api, permission);
        }
        role.version = role.version.saturating_add(1);
        Ok(role)
    }

    /// Removes a role from everybody who holds it, and the role.
    pub fn delete_role(&mut self, role: &Role) {
        let inputs = json!({ "id": role.id, "name": role.name });
        self.begin(Kind::Role, &Act { name: "roles.delete", tenant: "", workspace: None, inputs });
        self.batch.delete_role(&role.id);
        self.batch.affects(Subject::Role(role.id.clone()));
    }
}

/// The APIs' ids in place of their identifiers.
fn rows<'a>(there: &'a Inventory, permitted: &'a Permitted) -> Result<Vec<(&'a str, &'a str)>, Refusal> {
    permitted
        .iter()
        .map(|(api, permission)| {
            let api = there.apis.get(api).ok_or(Refusal::Missing(Kind::Api))?;
            let known = api.scopes.iter().any(|scope| scope.value == *permission);
            if known { Ok((api.id.as_str(), permission.as_str())) } else { Err(Refusal::Missing(Kind::Permission)) }
        })
        .collect()
}
