//! `POST /api/v2/roles`.

use tenantry_identity::Refusal;
use tenantry_identity::roles::{Level, NewRole};

use crate::management::route::{Answer, Call};
use crate::management::users::role_shown;

/// Answers the call. A role made here can be held by members of accounts, and on the platform as well.
pub(super) async fn handle(mut call: Call) -> Result<Answer, Refusal> {
    let new = NewRole {
        account: None,
        name: call.take_text("name").unwrap_or_default(),
        description: call.take_text("description"),
        level: Level::Account,
    };
    let role = call.identity.create_role(&call.caller, new).await?;
    Ok(Answer::ok(role_shown(&role)))
}
