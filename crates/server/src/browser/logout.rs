//! `GET /v2/logout`, `GET` and `POST /oidc/logout`: the browser's session ends, and the browser is sent back where the
//! client or the platform has that address among its own for it; nowhere otherwise.

use axum::body::Body;
use axum::extract::State;
use axum::http::{Method, Request, StatusCode};
use axum::response::Response;
use tenantry_identity::authorize::Sent;
use tenantry_identity::oauth::Params;

use crate::app::App;
use crate::browser::authorize::whole;
use crate::browser::visit::{counted, read, to, visit};
use crate::browser::{cookies, pages, query};

/// Logs out.
pub(super) async fn handle(State(app): State<App>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    if let Err(response) = counted(&app, &parts) {
        return *response;
    }
    let mut params = Params::new();
    let mut doubled = false;
    if parts.method == Method::POST {
        match read(body).await {
            Ok(form) => form.pairs().for_each(|(name, value)| doubled |= params.add(name, value.to_owned()).is_err()),
            Err(response) => return *response,
        }
    } else {
        match query::params(parts.uri.query().unwrap_or_default()) {
            Ok(read) => params = read,
            Err(_) => doubled = true,
        }
    }
    let visit = visit(&app, &parts);
    whole(async move {
        if let Err(refusal) = app.identity.log_out(&visit).await {
            return pages::failed(&refusal);
        }
        let back = params.get("post_logout_redirect_uri").or_else(|| params.get("returnTo")).filter(|_| !doubled);
        let known = match back {
            Some(back) => app.identity.after_logout(params.get("client_id"), back).await,
            None => Ok(false),
        };
        let mut response = match (known, back) {
            (Ok(true), Some(back)) => {
                let state = params.get("state").map(|state| ("state", state.to_owned()));
                match state {
                    Some(state) => to(&query::location(&Sent { redirect_uri: back.to_owned(), params: vec![state] })),
                    None => to(back),
                }
            }
            (Err(refusal), _) => pages::failed(&refusal),
            _ => pages::plain(StatusCode::OK, "You are logged out", "You can close this page."),
        };
        cookies::clear(response.headers_mut(), cookies::SESSION);
        response
    })
    .await
}
