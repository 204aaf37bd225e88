//! Who calls a model: the one credential of the request, verified, and nothing else.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, StatusCode};
use tenantry_guard::models::{Caller, Grant};
use tenantry_identity::TokenError;
use tenantry_identity::admission::Admitted;

use crate::app::App;
use crate::auth::bearer;
use crate::gateway::Gateway;
use crate::gateway::failure::Failure;
use crate::limits::Count;
use crate::serve::Peer;

/// Where Anthropic's clients put their key.
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The caller, or the failure to answer. Who shows nothing that holds is counted by address.
pub(crate) async fn caller(
    app: &App,
    gateway: &Gateway,
    headers: &HeaderMap,
    peer: Option<Peer>,
) -> Result<Arc<Caller>, Failure> {
    let address = peer.map(|Peer(address)| address);
    let credential = match credential(headers) {
        Ok(credential) => credential,
        Err(failure) => return Err(stranger(app, address, failure)),
    };
    if let Some(admission) = gateway.callers.get(credential) {
        return Ok(Arc::clone(&admission.attached));
    }
    // Whoever shows one that holds passes, whatever others behind the same address have guessed.
    let known = known(app, gateway, credential).await;
    known.map_err(|failure| if failure.is_unauthorized() { stranger(app, address, failure) } else { failure })
}

fn stranger(app: &App, address: Option<IpAddr>, failure: Failure) -> Failure {
    match app.limits.stranger(address) {
        Ok(_) => failure,
        Err(count) => too_many(count),
    }
}

fn too_many(count: Count) -> Failure {
    let message = "Too many requests without a credential that holds.";
    Failure::plain(StatusCode::TOO_MANY_REQUESTS, "rate_limit_exceeded", message).after(count.retry_after())
}

async fn known(app: &App, gateway: &Gateway, credential: &str) -> Result<Arc<Caller>, Failure> {
    let admitted = app.identity.admit(credential).await.map_err(|error| {
        tracing::info!(code = error.code(), "a credential was refused at the gateway");
        match error {
            TokenError::Unsettled => {
                Failure::plain(StatusCode::SERVICE_UNAVAILABLE, "overloaded", error.told()).after(1)
            }
            _ => Failure::unauthorized(error.told()),
        }
    })?;
    let catalog = gateway.models.catalog();
    // For another API than any model stands behind: not a token for this place.
    if !admitted.grants.iter().any(|(api, _)| catalog.is_api(api)) {
        tracing::info!(code = TokenError::Audience.code(), "a credential was refused at the gateway");
        return Err(Failure::unauthorized(TokenError::Audience.told()));
    }
    let admitted = Arc::new(admitted);
    let caller = Arc::new(made(app, &admitted));
    Ok(Arc::clone(&gateway.callers.insert(credential, admitted, caller).attached))
}

fn made(app: &App, admitted: &Arc<Admitted>) -> Caller {
    let grants = admitted.grants.iter().map(|(api, permissions)| Grant {
        api: api.as_str().into(),
        permissions: permissions.iter().map(|permission| permission.as_str().into()).collect(),
    });
    let (identity, held) = (Arc::clone(&app.identity), Arc::clone(admitted));
    Caller {
        principal: Arc::new(admitted.principal.clone()),
        grants: grants.collect(),
        models: admitted.models.as_ref().map(|models| models.iter().map(|model| model.as_str().into()).collect()),
        key: admitted.key.as_deref().map(Into::into),
        holds: Box::new(move || identity.still_admits(&held)),
    }
}

/// The one credential: a bearer token (or key), or a key in `x-api-key`. Two are none: whoever sits between
/// must not be able to choose.
fn credential(headers: &HeaderMap) -> Result<&str, Failure> {
    let mut keys = headers.get_all(API_KEY).iter();
    let key = match (keys.next(), keys.next()) {
        (Some(only), None) => only.to_str().ok().map(str::trim).filter(|key| !key.is_empty()),
        _ => None,
    };
    let said = headers.contains_key(API_KEY);
    let authorized = headers.contains_key(axum::http::header::AUTHORIZATION);
    match (bearer(headers), key) {
        (Some(token), None) if !said => Ok(token),
        (None, Some(key)) if !authorized => Ok(key),
        (Some(token), Some(key)) if token == key => Ok(token),
        (None, None) if !said && !authorized => {
            Err(Failure::unauthorized("A credential is needed: send the header `Authorization: Bearer TOKEN`."))
        }
        _ => Err(Failure::unauthorized("One credential is needed: `Authorization: Bearer`, or `x-api-key`.")),
    }
}
