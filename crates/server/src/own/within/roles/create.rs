//! `POST …/roles`.

use schemars::JsonSchema;
use serde::Deserialize;
use tenantry_identity::Refusal;
use tenantry_identity::roles::{Level, NewRole};

use super::free;
use crate::own::endpoint::Call;
use crate::own::reply::Made;
use crate::own::shapes::role::Role;

/// What a role of an account's own is made from
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AccountRoleNew")]
pub(super) struct Body {
    #[schemars(length(min = 1, max = 300))]
    name: String,
    #[schemars(length(max = 2000))]
    description: Option<String>,
    /// Where it can be held; `account` when nothing is said
    level: Option<OwnLevel>,
}

/// Where a role of an account's own can be held
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "AccountRoleLevel")]
enum OwnLevel {
    Account,
    Workspace,
}

/// Answers the call.
pub(super) async fn handle(call: Call<(), Body>) -> Result<Made<Role>, Refusal> {
    let policy = call.guard.policy();
    free(&policy, &call.body.name)?;
    let new = NewRole {
        account: Some(call.account().to_owned()),
        name: call.body.name.clone(),
        description: call.body.description.clone(),
        level: match call.body.level {
            Some(OwnLevel::Workspace) => Level::Workspace,
            Some(OwnLevel::Account) | None => Level::Account,
        },
    };
    let role = call.identity.create_role(&call.caller, new).await?;
    Ok(Made(Role::of(role, &policy)))
}
