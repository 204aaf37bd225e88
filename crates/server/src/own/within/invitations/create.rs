//! `POST …/invitations`.

use crate::own::endpoint::Call;
use crate::own::reply::Made;
use crate::own::shapes::invitation::Invitation;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenantry_identity::Refusal;
use tenantry_identity::invitations::NewInvitation;
use tenantry_identity::text::Fields;

/// What an invitation is made from
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "InvitationNew")]
pub(super) struct Body {
    #[schemars(length(max = 320), extend("format" = "email"))]
    email: String,
    /// The client that the link leads to
    #[schemars(length(min = 1, max = 255))]
    client_id: String,
    /// Who invites, as the invited is told; the caller when nothing is said
    #[schemars(length(min = 1, max = 255))]
    inviter: Option<String>,
    /// The connection by which the invited must log in
    #[schemars(length(min = 1, max = 255))]
    connection_id: Option<String>,
    /// Roles of the account's level that the invited will hold, by id
    #[schemars(length(max = 50), inner(length(min = 1, max = 255)))]
    roles: Option<Vec<String>>,
    /// For how many seconds it may be accepted; 7 days when nothing is said
    #[schemars(range(min = 1, max = 2_592_000))]
    lifetime_seconds: Option<i64>,
}

/// An invitation that was made, with its link
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct MadeInvitation {
    /// What to hand to the invited. It is not shown again
    url: String,
    #[serde(flatten)]
    made: Invitation,
}

/// Answers the call.
pub(super) async fn handle(call: Call<(), Body>) -> Result<Made<MadeInvitation>, Refusal> {
    let body = &call.body;
    let new = NewInvitation {
        inviter: body.inviter.clone().unwrap_or_else(|| call.caller.name().to_owned()),
        email: body.email.clone(),
        client_id: body.client_id.clone(),
        connection_id: body.connection_id.clone(),
        roles: body.roles.clone().unwrap_or_default(),
        lifetime: body.lifetime_seconds.unwrap_or(0),
        // INVARIANT: attributes that policies decide by are the platform's to give, never an account's.
        fields: Fields::new(),
    };
    let made = call.identity.create_invitation(&call.caller, call.account(), new).await?;
    Ok(Made(MadeInvitation { made: Invitation::from(&made), url: made.url }))
}
