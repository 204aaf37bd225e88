//! `POST /portal/v1/roles`.

use crate::own::endpoint::Call;
use crate::own::reply::Made;
use crate::own::shapes::role::{Role, RoleLevel};
use schemars::JsonSchema;
use serde::Deserialize;
use tenantry_identity::Refusal;
use tenantry_identity::roles::NewRole;

/// What a role of the platform's is made from
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RoleNew")]
pub(super) struct Body {
    #[schemars(length(min = 1, max = 300))]
    name: String,
    #[schemars(length(max = 2000))]
    description: Option<String>,
    /// Where it can be held
    level: RoleLevel,
}

/// Answers the call.
pub(super) async fn handle(call: Call<(), Body>) -> Result<Made<Role>, Refusal> {
    let Body { name, description, level } = &call.body;
    let new = NewRole { account: None, name: name.clone(), description: description.clone(), level: (*level).into() };
    let role = call.identity.create_role(&call.caller, new).await?;
    Ok(Made(Role::of(role, &call.guard.policy())))
}
