//! Invitations into organizations.

pub(super) mod create;
pub(super) mod delete;
pub(super) mod list;
pub(super) mod read;

use serde_json::{Value, json};
use tenantry_identity::invitations::Invitation;
use tenantry_identity::text::time;

use crate::management::query::Query;

/// An invitation as this API shows it.
fn shown(invitation: &Invitation) -> Value {
    let mut body = invitation.fields.clone();
    body.insert("id".to_owned(), json!(invitation.id));
    body.insert("organization_id".to_owned(), json!(invitation.account_id));
    body.insert("invitation_url".to_owned(), json!(invitation.url));
    body.insert("ticket_id".to_owned(), json!(invitation.ticket_id));
    body.insert("created_at".to_owned(), json!(time(invitation.created_micros)));
    body.insert("expires_at".to_owned(), json!(time(invitation.expires_micros)));
    Value::Object(body)
}

/// The same with only the fields that the query asks for.
fn shown_as_asked(invitation: &Invitation, query: &Query) -> Value {
    let body = shown(invitation);
    let (Some(named), Value::Object(mut members)) = (query.text("fields"), body.clone()) else { return body };
    let include = query.flag("include_fields") != Some(false);
    members.retain(|name, _| named.split(',').any(|wanted| wanted == name) == include);
    Value::Object(members)
}
