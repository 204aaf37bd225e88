//! `GET …/audit`.

use tenantry_identity::Refusal;

use crate::own::endpoint::Call;
use crate::own::reply::Page;
use crate::own::shapes::audit::{AuditEntry, AuditQuery};

/// Answers the call.
pub(super) async fn handle(call: Call<AuditQuery>) -> Result<Page<AuditEntry>, Refusal> {
    let found = call.identity.audit(&call.caller, Some(call.account()), call.query.part()?).await?;
    Ok(call.query.page(found))
}
