//! Members as they are shown.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenantry_identity::Part;
use tenantry_identity::members;
use tenantry_identity::text::time;

/// A member of an account or of a workspace
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Member {
    user_id: String,
    email: Option<String>,
    name: Option<String>,
    picture: Option<String>,
    /// Is the user kept out?
    blocked: bool,
    /// The roles held there, when they were asked for
    roles: Option<Vec<MemberRole>>,
    since: String,
}

/// A role that a member holds
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MemberRole {
    id: String,
    name: String,
    description: Option<String>,
    since: String,
}

impl From<members::Member> for Member {
    fn from(member: members::Member) -> Member {
        Member {
            user_id: member.user_id,
            email: member.email,
            name: member.name,
            picture: member.picture,
            blocked: member.blocked,
            roles: member.roles.map(|roles| roles.into_iter().map(MemberRole::from).collect()),
            since: time(member.since_micros),
        }
    }
}

impl From<members::MemberRole> for MemberRole {
    fn from(role: members::MemberRole) -> MemberRole {
        MemberRole { id: role.id, name: role.name, description: role.description, since: time(role.since_micros) }
    }
}

/// Which members
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberQuery {
    /// Also show the roles that they hold there
    pub(crate) with_roles: Option<bool>,
    /// How many items at most, 1 to 100
    #[schemars(range(min = 1, max = 100))]
    take: Option<i64>,
    /// Where an earlier answer ended: its `next_cursor`
    #[schemars(length(max = 2000))]
    cursor: Option<String>,
}

impl MemberQuery {
    /// The part that is asked for.
    pub(crate) fn part(&self) -> Part {
        Part::From { from: self.cursor.clone(), take: self.take.unwrap_or(50).clamp(1, 100) }
    }
}

/// Users, by id
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserIds {
    #[schemars(length(min = 1, max = 100), inner(length(min = 1, max = 1024)))]
    pub(crate) users: Vec<String>,
}

/// Roles, by id
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleIds {
    #[schemars(length(min = 1, max = 50), inner(length(min = 1, max = 255)))]
    pub(crate) roles: Vec<String>,
}
