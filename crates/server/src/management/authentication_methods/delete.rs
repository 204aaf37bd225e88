//! `DELETE` of one method, of all, of the second factors, and of one provider's.

use tenantry_identity::Refusal;

use crate::management::route::{Answer, Call};

/// Answers the call for one method.
pub(super) async fn one(call: Call) -> Result<Answer, Refusal> {
    let (user, id) = (call.param("id"), call.param("authentication_method_id"));
    call.identity.delete_authentication_method(&call.caller, user, id).await?;
    Ok(Answer::none())
}

/// Answers the call for all methods.
pub(super) async fn all(call: Call) -> Result<Answer, Refusal> {
    call.identity.delete_authentication_methods(&call.caller, call.param("id")).await?;
    Ok(Answer::none())
}

/// Answers the call for the second factors.
pub(super) async fn second_factors(call: Call) -> Result<Answer, Refusal> {
    call.identity.delete_second_factors(&call.caller, call.param("id")).await?;
    Ok(Answer::none())
}

/// Answers the call for one provider's.
pub(super) async fn provider(call: Call) -> Result<Answer, Refusal> {
    call.identity.delete_second_factor(&call.caller, call.param("id"), call.param("provider")).await?;
    Ok(Answer::none())
}
