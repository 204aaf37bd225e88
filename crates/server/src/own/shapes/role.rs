//! Roles and permissions as they are shown.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenantry_identity::roles;
use tenantry_identity::text::time;
use tenantry_identity::users::PermissionName;
use tenantry_policy::{Policy, Tool};

/// Where a role can be held
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RoleLevel {
    Platform,
    Account,
    Workspace,
}

impl From<roles::Level> for RoleLevel {
    fn from(level: roles::Level) -> RoleLevel {
        match level {
            roles::Level::Platform => RoleLevel::Platform,
            roles::Level::Account => RoleLevel::Account,
            roles::Level::Workspace => RoleLevel::Workspace,
        }
    }
}

impl From<RoleLevel> for roles::Level {
    fn from(level: RoleLevel) -> roles::Level {
        match level {
            RoleLevel::Platform => roles::Level::Platform,
            RoleLevel::Account => roles::Level::Account,
            RoleLevel::Workspace => roles::Level::Workspace,
        }
    }
}

/// A named set of permissions
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Role {
    id: String,
    /// The account whose own it is; absent for one that the platform offers to all
    account_id: Option<String>,
    name: String,
    description: Option<String>,
    level: RoleLevel,
    /// The data tools that the policy gives to roles of this name: `orders.query`
    tools: Vec<String>,
    created_at: String,
    updated_at: String,
}

impl Role {
    /// A role with what the policy in force gives it.
    pub(crate) fn of(role: roles::Role, policy: &Policy) -> Role {
        // INVARIANT: the policy knows the platform's roles; an account's own never gets what one of them has.
        let grants = if role.account.is_none() { policy.roles.get(role.name.as_str()) } else { None };
        let mut tools = Vec::new();
        for (table, set) in grants.into_iter().flat_map(|grants| &grants.tools) {
            let Some(table) = policy.table(*table) else { continue };
            let held = Tool::ALL.into_iter().filter(|tool| set.has(*tool));
            tools.extend(held.map(|tool| [&table.name, ".", tool.name()].concat()));
        }
        Role {
            id: role.id,
            account_id: role.account,
            name: role.name,
            description: role.description,
            level: role.level.into(),
            tools,
            created_at: time(role.created_micros),
            updated_at: time(role.updated_micros),
        }
    }
}

/// A permission of an API
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Permission {
    /// The API's identifier
    api: String,
    /// The API's name
    api_name: Option<String>,
    name: String,
    description: Option<String>,
}

impl From<roles::PermissionRow> for Permission {
    fn from(row: roles::PermissionRow) -> Permission {
        Permission { api: row.identifier, api_name: row.api_name, name: row.name, description: row.description }
    }
}

/// A permission, by names
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NamedPermission {
    /// The API's identifier
    #[schemars(length(min = 1, max = 600))]
    api: String,
    #[schemars(length(min = 1, max = 280))]
    name: String,
}

/// Permissions, by names
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NamedPermissions {
    #[schemars(length(min = 1, max = 100))]
    permissions: Vec<NamedPermission>,
}

impl NamedPermissions {
    /// As the operations take them.
    pub(crate) fn names(&self) -> Vec<PermissionName> {
        let each = self.permissions.iter();
        each.map(|one| PermissionName { api: one.api.clone(), name: one.name.clone() }).collect()
    }
}

/// What may be changed of a role
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "its form is what counts: the members are taken as they were sent")]
pub(crate) struct RoleChange {
    #[schemars(with = "String", length(min = 1, max = 300))]
    #[serde(default)]
    name: Option<String>,
    #[schemars(length(max = 2000))]
    description: Option<String>,
}
