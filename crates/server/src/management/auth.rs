//! Who calls the Management API: a bearer token for it, verified.

use std::net::IpAddr;

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use tenantry_identity::{Caller, TokenError};

use crate::app::App;
use crate::auth::bearer;
use crate::management::failure::shaped;

/// The caller, or the refusal to answer.
///
/// INVARIANT: who the caller is and what it may comes from the verified token alone.
pub(crate) fn caller(
    app: &App,
    headers: &HeaderMap,
    address: Option<IpAddr>,
    request_id: String,
) -> Result<Caller, Box<Response>> {
    let refuse = |message: &str| Box::new(shaped(StatusCode::UNAUTHORIZED, None, message));
    let token = bearer(headers).ok_or_else(|| refuse("Missing authentication"))?;
    let verified = app.identity.issuer().verify_management(token, app.clock.now_micros()).map_err(|error| {
        tracing::info!(code = error.code(), "a token for the Management API was refused");
        if error == TokenError::Unsettled {
            return Box::new(shaped(StatusCode::SERVICE_UNAVAILABLE, None, error.told()));
        }
        refuse("Invalid token.")
    })?;
    Ok(Caller { user: None, client: Some(verified.client), delegate: None, reach: verified.reach, address, request_id })
}
