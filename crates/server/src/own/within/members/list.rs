//! `GET …/members`.

use crate::own::endpoint::Call;
use crate::own::reply::Page;
use crate::own::shapes::member::{Member, MemberQuery};
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call<MemberQuery>) -> Result<Page<Member>, Refusal> {
    let (with_roles, part) = (call.query.with_roles.unwrap_or(false), call.query.part());
    let listed = call.identity.members(&call.caller, call.account(), with_roles, &part).await?;
    Ok(Page::of(listed, Member::from))
}
