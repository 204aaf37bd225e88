//! `GET /portal/v1/users`.

use crate::own::endpoint::Call;
use crate::own::reply::Page;
use crate::own::shapes::user::User;
use schemars::JsonSchema;
use serde::Deserialize;
use tenantry_identity::users::UserFilter;
use tenantry_identity::{Part, Refusal};

/// Which users
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserQuery {
    /// As in the compatible API: `email:"ada@acme.example" AND blocked:true`
    #[schemars(length(max = 2000))]
    q: Option<String>,
    /// Only those who have an identity of this connection
    #[schemars(length(max = 255))]
    connection: Option<String>,
    /// How many items at most, 1 to 100
    #[schemars(range(min = 1, max = 100))]
    take: Option<i64>,
    /// Where an earlier answer ended: its `next_cursor`
    #[schemars(length(max = 2000))]
    cursor: Option<String>,
}

/// Answers the call.
pub(super) async fn handle(call: Call<UserQuery>) -> Result<Page<User>, Refusal> {
    let UserQuery { q, connection, take, cursor } = call.query;
    let filter = UserFilter { query: q, connection, sort: None };
    let part = Part::From { from: cursor, take: take.unwrap_or(50).clamp(1, 100) };
    let listed = call.identity.users(&call.caller, &filter, &part).await?;
    Ok(Page::of(listed, User::from))
}
