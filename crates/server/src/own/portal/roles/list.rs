//! `GET /portal/v1/roles`.

use crate::own::endpoint::Call;
use crate::own::paging::Paging;
use crate::own::reply::Page;
use crate::own::shapes::role::Role;
use tenantry_identity::Refusal;
use tenantry_identity::roles::RoleFilter;

/// Answers the call.
pub(super) async fn handle(call: Call<Paging>) -> Result<Page<Role>, Refusal> {
    let (part, policy) = (call.query.counted()?, call.guard.policy());
    let listed = call.identity.roles(&call.caller, &RoleFilter::default(), &part).await?;
    Ok(call.query.page(listed, |role| Role::of(role, &policy)))
}
