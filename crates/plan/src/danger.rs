//! What a plan warns of: findings with stable codes, which may be waived by name, with a reason and an end.

use crate::resource::Kind;
use crate::step::{Action, Step};

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Danger {
    /// The stable code, as waivers name it.
    pub code: &'static str,
    /// What it is about, in words.
    pub why: String,
    /// Until when it is waived, and why, when the file says so.
    pub waived: Option<String>,
}

impl Danger {
    /// A finding that nobody waived.
    #[must_use]
    pub fn new(code: &'static str, why: impl Into<String>) -> Danger {
        Danger { code, why: why.into(), waived: None }
    }
}

/// What is dangerous in itself about a step, whatever its fields say.
pub(crate) fn of_action(step: &Step) -> Option<Danger> {
    if step.action == Action::Delete && (step.kind == Kind::Database || crate::postgres::stays(step)) {
        // It is noted as no longer managed, and nothing else happens to it.
        return None;
    }
    match (step.action, step.kind) {
        (Action::Delete | Action::Replace, Kind::Account) => Some(Danger::new(
            "delete-account",
            "its workspaces, memberships and invitations go with it; its rows in the sources stay, and its tenant id is never given again",
        )),
        (Action::Delete | Action::Replace, Kind::Workspace) => {
            Some(Danger::new("delete-workspace", "what its members hold there goes with it"))
        }
        (Action::Delete | Action::Replace, Kind::User) => {
            Some(Danger::new("delete-user", "its memberships, sessions and passwords go with it, and its tokens end"))
        }
        (Action::Delete | Action::Replace, Kind::Api) => {
            Some(Danger::new("delete-api", "permissions of roles and grants of clients on it go with it"))
        }
        // A group that nobody logs in as, and that holds nothing but its members' question whose they are.
        (_, Kind::DbRole) if step.address.as_str().contains(".role.\"tenantry:") => None,
        (Action::Delete | Action::Replace, Kind::DbRole) => {
            Some(Danger::new("drop-role", "its sessions can no longer be opened"))
        }
        (Action::Delete | Action::Replace, Kind::Schema | Kind::Database) => {
            Some(Danger::new("drop-objects", "what it holds goes with it"))
        }
        (Action::Delete, Kind::RowSecurity) => {
            Some(Danger::new("row-security-off", "every role with a right on the table then sees every row"))
        }
        _ => None,
    }
}
