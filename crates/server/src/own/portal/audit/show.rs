//! `GET /portal/v1/audit/{call_id}`.

use tenantry_identity::Refusal;

use crate::own::endpoint::Call;
use crate::own::reply::Page;
use crate::own::shapes::audit::AuditEntry;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Page<AuditEntry>, Refusal> {
    let found = call.identity.audit_of(&call.caller, None, call.param("call_id")).await?;
    Ok(Page::whole(found, AuditEntry::from))
}
