//! `POST /app/v1/codes/redeem`.

use crate::own::endpoint::Call;
use crate::own::reply::Shown;
use crate::own::shapes::workspace::CodeContext;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenantry_identity::Refusal;

/// A code, as somebody types it
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CodeTyped")]
pub(super) struct Body {
    #[schemars(length(min = 1, max = 100))]
    code: String,
}

/// What a code led into
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Joined {
    account_id: String,
    workspace_id: String,
    /// The role that the user holds there now
    role_id: Option<String>,
    /// The context to ask for a token in
    context: CodeContext,
}

/// Answers the call.
pub(super) async fn handle(call: Call<(), Body>) -> Result<Shown<Joined>, Refusal> {
    let redeemed = call.identity.redeem_code(&call.caller, &call.body.code).await?;
    Ok(Shown(Joined {
        account_id: redeemed.account_id,
        workspace_id: redeemed.workspace_id,
        role_id: redeemed.role_id,
        context: CodeContext::of(redeemed.context),
    }))
}
