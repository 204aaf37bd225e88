//! The contexts of our own APIs as APIs: the permissions that each knows, and the roles that every
//! platform begins with.
//!
//! A context's API has the context's name as its identifier (`dashboard`), so that a token for it is asked
//! for like any other. Its permissions bear the names that the operations check: one word for one thing,
//! whichever API it is done through. The server's route tables are held against these lists by a test.

mod enter;

use crate::Audience;

pub use enter::Standing;

/// A permission of a context and what it lets one do.
pub type Word = (&'static str, &'static str);

/// A role that every platform begins with.
#[derive(Debug, Clone, Copy)]
pub struct BuiltInRole {
    /// Its id, the same everywhere.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// `platform`, `account` or `workspace`.
    pub level: &'static str,
    /// The context whose permissions it holds.
    pub context: Audience,
    /// What it is for.
    pub description: &'static str,
    holds: fn(&str) -> bool,
}

impl BuiltInRole {
    /// The permissions that it holds, in the order of the context's list.
    pub fn permissions(&self) -> impl Iterator<Item = &'static str> + use<'_> {
        permissions(self.context).iter().map(|(name, _)| *name).filter(|name| (self.holds)(name))
    }
}

/// The permissions that a context knows. The app has none: what its users may do there follows from the
/// policy, and their own profile is theirs.
#[must_use]
pub fn permissions(context: Audience) -> &'static [Word] {
    match context {
        Audience::App => &[],
        Audience::Dashboard => DASHBOARD,
        Audience::Portal => PORTAL,
    }
}

/// The roles that every platform begins with.
pub const ROLES: &[BuiltInRole] = &[
    BuiltInRole {
        id: "rol_PlatformOwner000",
        name: "platform-owner",
        level: "platform",
        context: Audience::Portal,
        description: "Everything on the platform",
        holds: |_| true,
    },
    BuiltInRole {
        id: "rol_PlatformOperator",
        name: "platform-operator",
        level: "platform",
        context: Audience::Portal,
        description: "Daily work across accounts: no removal, no roles, no settings",
        holds: |name| {
            name != "delete:organizations"
                && !["delete:users", "create:roles", "update:roles", "delete:roles", "create:role_members"]
                    .contains(&name)
                && !["delete:role_members", "update:tenant_settings", "delete:clients", "delete:resource_servers"]
                    .contains(&name)
        },
    },
    BuiltInRole {
        id: "rol_PlatformAuditor0",
        name: "platform-auditor",
        level: "platform",
        context: Audience::Portal,
        description: "Sees everything on the platform and changes nothing",
        holds: |name| name.starts_with("read:"),
    },
    BuiltInRole {
        id: "rol_AccountOwner0000",
        name: "account-owner",
        level: "account",
        context: Audience::Dashboard,
        description: "Everything in the account",
        holds: |_| true,
    },
    BuiltInRole {
        id: "rol_AccountAdmin0000",
        name: "account-admin",
        level: "account",
        context: Audience::Dashboard,
        description: "Members, invitations, workspaces and codes of the account",
        holds: |name| {
            !["update:organizations", "create:roles", "update:roles", "delete:roles"].contains(&name)
                && !["delete:workspaces", "delete:organization_client_grants"].contains(&name)
        },
    },
    BuiltInRole {
        id: "rol_AccountAuditor00",
        name: "account-auditor",
        level: "account",
        context: Audience::Dashboard,
        description: "Sees everything in the account and changes nothing",
        holds: |name| name.starts_with("read:"),
    },
    BuiltInRole {
        id: "rol_WorkspaceAdmin00",
        name: "workspace-admin",
        level: "workspace",
        context: Audience::Dashboard,
        description: "Members and codes of one workspace",
        holds: |name| {
            ["read:workspaces", "read:roles", "read:audit"].contains(&name)
                || name.ends_with(":workspace_members")
                || name.ends_with(":workspace_member_roles")
                || name.ends_with(":workspace_codes")
        },
    },
];

const DASHBOARD: &[Word] = &[
    ("read:organizations", "See the account and its settings"),
    ("update:organizations", "Change the account's name for people, branding and metadata"),
    ("read:organization_members", "See the account's members"),
    ("delete:organization_members", "Remove members from the account"),
    ("read:organization_member_roles", "See which roles members hold"),
    ("create:organization_member_roles", "Give roles to members"),
    ("delete:organization_member_roles", "Take roles from members"),
    ("read:organization_invitations", "See invitations"),
    ("create:organization_invitations", "Invite people"),
    ("delete:organization_invitations", "Withdraw invitations"),
    ("read:organization_client_grants", "See which clients may act for the account"),
    ("delete:organization_client_grants", "Take from a client what it may do for the account"),
    ("read:workspaces", "See the account's workspaces"),
    ("create:workspaces", "Make workspaces"),
    ("update:workspaces", "Change workspaces"),
    ("delete:workspaces", "Remove workspaces"),
    ("read:workspace_members", "See a workspace's members"),
    ("create:workspace_members", "Let members into a workspace"),
    ("delete:workspace_members", "Remove members from a workspace"),
    ("read:workspace_member_roles", "See which roles members hold in a workspace"),
    ("create:workspace_member_roles", "Give roles in a workspace"),
    ("delete:workspace_member_roles", "Take roles in a workspace"),
    ("read:workspace_codes", "See workspace codes"),
    ("create:workspace_codes", "Make workspace codes"),
    ("delete:workspace_codes", "Take workspace codes out of force"),
    ("read:api_keys", "See the account's API keys, without the keys themselves"),
    ("create:api_keys", "Make API keys that may no more than their maker"),
    ("delete:api_keys", "Take API keys out of force"),
    ("read:roles", "See the roles that can be held in the account"),
    ("create:roles", "Make roles of the account's own"),
    ("update:roles", "Change roles of the account's own, and what they permit"),
    ("delete:roles", "Remove roles of the account's own"),
    ("read:audit", "See and verify the account's audit"),
];

const PORTAL: &[Word] = &[
    ("read:organizations", "See accounts"),
    ("create:organizations", "Make accounts"),
    ("update:organizations", "Change, suspend and close accounts"),
    ("delete:organizations", "Remove accounts"),
    ("read:organization_members", "See accounts' members"),
    ("create:organization_members", "Make users members of accounts"),
    ("delete:organization_members", "Remove members from accounts"),
    ("read:organization_member_roles", "See which roles members hold"),
    ("create:organization_member_roles", "Give roles to members"),
    ("delete:organization_member_roles", "Take roles from members"),
    ("read:organization_invitations", "See invitations"),
    ("create:organization_invitations", "Invite people into accounts"),
    ("delete:organization_invitations", "Withdraw invitations"),
    ("read:workspaces", "See workspaces"),
    ("create:workspaces", "Make workspaces"),
    ("update:workspaces", "Change workspaces"),
    ("delete:workspaces", "Remove workspaces"),
    ("read:workspace_members", "See workspaces' members"),
    ("create:workspace_members", "Let members into workspaces"),
    ("delete:workspace_members", "Remove members from workspaces"),
    ("read:workspace_member_roles", "See which roles members hold in workspaces"),
    ("create:workspace_member_roles", "Give roles in workspaces"),
    ("delete:workspace_member_roles", "Take roles in workspaces"),
    ("read:workspace_codes", "See workspace codes"),
    ("create:workspace_codes", "Make workspace codes"),
    ("delete:workspace_codes", "Take workspace codes out of force"),
    ("read:api_keys", "See accounts' API keys, without the keys themselves"),
    ("create:api_keys", "Make API keys for accounts"),
    ("delete:api_keys", "Take accounts' API keys out of force"),
    ("read:organization_client_grants", "See which clients may act for accounts"),
    ("delete:organization_client_grants", "Take from clients what they may do for accounts"),
    ("read:users", "See users"),
    ("create:users", "Make users"),
    ("update:users", "Change and block users"),
    ("delete:users", "Remove users"),
    ("read:roles", "See roles"),
    ("create:roles", "Make roles"),
    ("update:roles", "Change roles and what they permit"),
    ("delete:roles", "Remove roles"),
    ("read:role_members", "See who holds a role on the platform"),
    ("create:role_members", "Give roles on the platform"),
    ("delete:role_members", "Take roles on the platform"),
    ("read:clients", "See clients"),
    ("create:clients", "Make clients"),
    ("update:clients", "Change clients"),
    ("delete:clients", "Remove clients"),
    ("read:client_grants", "See what clients may ask of APIs"),
    ("read:resource_servers", "See APIs"),
    ("create:resource_servers", "Make APIs"),
    ("update:resource_servers", "Change APIs and their permissions"),
    ("delete:resource_servers", "Remove APIs"),
    ("read:tenant_settings", "See the platform's settings"),
    ("update:tenant_settings", "Change the platform's settings"),
    ("read:audit", "See and verify the audit of the platform and of every account"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn built_in_roles_hold_what_their_context_knows() {
        let ids: BTreeSet<&str> = ROLES.iter().map(|role| role.id).collect();
        assert_eq!(ids.len(), ROLES.len());
        for role in ROLES {
            assert_eq!(role.id.len(), 20, "{}", role.id);
            assert!(role.permissions().count() > 0, "{}", role.name);
        }
        for context in [Audience::App, Audience::Dashboard, Audience::Portal] {
            let names: BTreeSet<&str> = permissions(context).iter().map(|(name, _)| *name).collect();
            assert_eq!(names.len(), permissions(context).len());
        }
    }
}
