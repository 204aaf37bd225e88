//! `GET /portal/v1/roles/{role_id}/users`.

use crate::own::endpoint::Call;
use crate::own::paging::Paging;
use crate::own::reply::Page;
use schemars::JsonSchema;
use serde::Serialize;
use tenantry_identity::Refusal;
use tenantry_identity::roles::Holder;
use tenantry_identity::text::time;

/// Somebody who holds a role on the platform
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct RoleHolder {
    user_id: String,
    email: Option<String>,
    name: Option<String>,
    picture: Option<String>,
    since: String,
}

impl From<Holder> for RoleHolder {
    fn from(holder: Holder) -> RoleHolder {
        RoleHolder {
            user_id: holder.user_id,
            email: holder.email,
            name: holder.name,
            picture: holder.picture,
            since: time(holder.since_micros),
        }
    }
}

/// Answers the call.
pub(super) async fn handle(call: Call<Paging>) -> Result<Page<RoleHolder>, Refusal> {
    let listed = call.identity.role_users(&call.caller, call.param("role_id"), &call.query.part()).await?;
    Ok(Page::of(listed, RoleHolder::from))
}
