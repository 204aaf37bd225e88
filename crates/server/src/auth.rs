//! Who calls: the bearer token, verified, and nothing else.

use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use tenantry_identity::registration::is_self_made;
use tenantry_identity::{Audience, Cached, TokenError, tool_scopes};
use tenantry_policy::{Bound, Code, Denied};

use crate::answer::{refused, refused_as};
use crate::app::App;

/// The caller, bound to the policy in force; or the refusal to answer.
///
/// INVARIANT: the principal is what the verified token says. No other header is read for it. One whose client nobody
/// made is let in at `/mcp` alone, which asks [`known`].
pub(crate) async fn caller(app: &App, headers: &HeaderMap) -> Result<Arc<Bound>, Box<Response>> {
    let known = known(app, headers).await?;
    if known.attached.principal.client_id.as_deref().is_some_and(is_self_made) {
        let denied = Denied::new(Code::ToolNotAllowed, "this client reaches the MCP endpoint alone");
        return Err(Box::new(refused_as(StatusCode::FORBIDDEN, &denied)));
    }
    Ok(Arc::clone(&known.attached))
}

/// The same, with what the token says.
pub(crate) async fn known(app: &App, headers: &HeaderMap) -> Result<Arc<Cached<Arc<Bound>>>, Box<Response>> {
    let token = bearer(headers).ok_or_else(|| {
        let denied = Denied::new(Code::AuthenticationRequired, "a bearer token is needed")
            .hint("send the header `Authorization: Bearer TOKEN`, once");
        Box::new(refused(&denied))
    })?;
    let now = app.clock.now_micros();
    let law = app.guard.policy();
    if let Some(cached) = app.tokens.get(token, Audience::App, now)
        && Arc::ptr_eq(&cached.attached.policy, &law)
    {
        return Ok(cached);
    }
    let verified = match &app.others {
        // Which issuer a token names only chooses who checks it.
        Some(others) if others.claims(token) => app.identity.verify_external(others, token).await,
        _ => app.issuer.verify_for(token, Audience::App, now),
    };
    let verified = verified.map_err(|error| {
        tracing::info!(code = error.code(), "a token was refused");
        if error == TokenError::Unsettled {
            let denied = Denied::new(Code::Timeout, error.told()).hint("try again in a moment");
            return Box::new(refused_as(StatusCode::SERVICE_UNAVAILABLE, &denied));
        }
        Box::new(refused(&Denied::new(Code::AuthenticationRequired, error.told()).hint("ask for a new token")))
    })?;
    let bound = app.guard.bind(Arc::new(verified.principal.clone())).map_err(|denied| Box::new(refused(&denied)))?;
    // What the token's scope leaves out is left out of all that is decided for it.
    let bound = bound.keeping(tool_scopes::reach(verified.scope.as_deref()));
    Ok(app.tokens.insert(token, verified, Arc::new(bound)))
}

/// The token of the one `Authorization: Bearer` header (RFC 6750 section 2.1). Two such headers are
/// none: whoever sits between must not be able to choose.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(only), None) = (all.next(), all.next()) else { return None };
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
