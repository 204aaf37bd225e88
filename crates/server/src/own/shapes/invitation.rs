//! Invitations as they are shown.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use tenantry_identity::invitations;
use tenantry_identity::text::time;

/// An invitation that was not accepted yet
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Invitation {
    id: String,
    /// Who invites, as the invited is told
    inviter: String,
    email: String,
    /// The client that the link leads to
    client_id: String,
    connection_id: Option<String>,
    /// The roles that the invited will hold in the account, by id
    roles: Vec<String>,
    created_at: String,
    expires_at: String,
}

impl From<&invitations::Invitation> for Invitation {
    fn from(invitation: &invitations::Invitation) -> Invitation {
        let fields = &invitation.fields;
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let inner = |outer: &str, name: &str| text(fields.get(outer).and_then(|outer| outer.get(name)));
        let roles = fields.get("roles").and_then(Value::as_array).into_iter().flatten();
        Invitation {
            id: invitation.id.clone(),
            inviter: inner("inviter", "name"),
            email: inner("invitee", "email"),
            client_id: text(fields.get("client_id")),
            connection_id: fields.get("connection_id").and_then(Value::as_str).map(str::to_owned),
            roles: roles.filter_map(Value::as_str).map(str::to_owned).collect(),
            created_at: time(invitation.created_micros),
            expires_at: time(invitation.expires_micros),
        }
    }
}
