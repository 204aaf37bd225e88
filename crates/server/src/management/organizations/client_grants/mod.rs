//! Client grants that may be used for organizations.

pub(super) mod add;
pub(super) mod list;
pub(super) mod remove;

use serde_json::{Value, json};
use tenantry_identity::account_grants::AccountGrant;

/// A grant as this API shows it.
fn shown(grant: &AccountGrant) -> Value {
    let mut body = grant.fields.clone();
    body.insert("id".to_owned(), json!(grant.id));
    body.insert("client_id".to_owned(), json!(grant.client_id));
    body.insert("audience".to_owned(), json!(grant.audience));
    body.insert("allow_any_organization".to_owned(), json!(grant.any_account));
    body.insert("subject_type".to_owned(), json!(grant.subject_type));
    Value::Object(body)
}
