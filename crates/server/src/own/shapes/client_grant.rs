//! Clients' grants as an account sees them.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use tenantry_identity::account_grants::AccountGrant;

/// What a client may do for the account
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ClientGrant {
    id: String,
    client_id: String,
    /// The API's identifier
    audience: String,
    /// The API's permissions
    permissions: Vec<String>,
    /// Whom the client acts for: `client` (itself) or `user`
    subject_type: String,
    /// May it be used for every account?
    every_account: bool,
}

impl From<AccountGrant> for ClientGrant {
    fn from(grant: AccountGrant) -> ClientGrant {
        let scope = grant.fields.get("scope").and_then(Value::as_array).into_iter().flatten();
        ClientGrant {
            permissions: scope.filter_map(Value::as_str).map(str::to_owned).collect(),
            id: grant.id,
            client_id: grant.client_id,
            audience: grant.audience,
            subject_type: grant.subject_type,
            every_account: grant.any_account,
        }
    }
}
