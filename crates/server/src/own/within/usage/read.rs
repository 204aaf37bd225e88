//! `GET …/usage`.

use tenantry_identity::Refusal;

use crate::own::endpoint::Call;
use crate::own::reply::Shown;
use crate::own::shapes::usage::{Usage, UsageQuery};

/// Answers the call.
pub(super) async fn handle(call: Call<UsageQuery>) -> Result<Shown<Usage>, Refusal> {
    let (part, by) = call.query.part(call.identity.now())?;
    let (from, to) = (part.from_micros, part.to_micros);
    let sums = call.identity.usage(&call.caller, call.account(), part).await?;
    Ok(Shown(Usage::of(sums, &by, from, to)))
}
