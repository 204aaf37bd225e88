//! `GET …/members/{user_id}/roles`.

use crate::own::endpoint::Call;
use crate::own::paging::Paging;
use crate::own::reply::Page;
use crate::own::shapes::member::MemberRole;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call<Paging>) -> Result<Page<MemberRole>, Refusal> {
    let (user, part) = (call.param("user_id"), call.query.part());
    call.identity.known_member(&call.caller, call.any_of, call.account(), None, user).await?;
    let listed = call.identity.member_roles(&call.caller, call.account(), user, &part).await?;
    Ok(Page::of(listed, MemberRole::from))
}
