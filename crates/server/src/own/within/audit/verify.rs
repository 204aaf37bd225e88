//! `POST …/audit/verify`.

use tenantry_identity::Refusal;

use crate::own::endpoint::Call;
use crate::own::reply::Shown;
use crate::own::shapes::audit::{AuditReport, VerifyAudit};

/// Answers the call.
pub(super) async fn handle(call: Call<(), VerifyAudit>) -> Result<Shown<AuditReport>, Refusal> {
    let report = call.identity.verify_audit(&call.caller, Some(call.account()), call.body.head()).await?;
    Ok(Shown(report.into()))
}
