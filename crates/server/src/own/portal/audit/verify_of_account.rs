//! `POST /portal/v1/accounts/{account_id}/audit/verify`.

use tenantry_identity::Refusal;

use crate::own::endpoint::Call;
use crate::own::reply::Shown;
use crate::own::shapes::audit::{AuditReport, VerifyAudit};

/// Answers the call.
pub(super) async fn handle(call: Call<(), VerifyAudit>) -> Result<Shown<AuditReport>, Refusal> {
    let report = call.identity.verify_audit(&call.caller, Some(call.param("account_id")), call.body.head()).await?;
    Ok(Shown(report.into()))
}
