//! `POST /u/factor`: the second factor.

use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use tenantry_identity::login::LoginRefusal;

use crate::app::App;
use crate::browser::authorize::whole;
use crate::browser::login::TOO_MANY;
use crate::browser::visit::{Asked, Form, onward};
use crate::browser::{cookies, pages};

/// Shows it.
pub(super) async fn submit(State(app): State<App>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    match Asked::with_form(app, &parts, body, "factor").await {
        Ok((asked, form)) => whole(shown(asked, form)).await,
        Err(response) => *response,
    }
}

async fn shown(asked: Asked, form: Form) -> Response {
    match asked.app.identity.show_factor(&asked.authorization, &asked.visit, form.get("code")).await {
        Ok(cookie) => {
            let mut response = onward(&asked.query);
            cookies::set(response.headers_mut(), cookies::SESSION, &cookie);
            response
        }
        Err(LoginRefusal::Wrong | LoginRefusal::Blocked) => {
            pages::factor(&asked, StatusCode::BAD_REQUEST, Some("Wrong code, or one that was used before.")).await
        }
        Err(LoginRefusal::TooMany | LoginRefusal::Throttled { .. }) => {
            pages::factor(&asked, StatusCode::TOO_MANY_REQUESTS, Some(TOO_MANY)).await
        }
        Err(LoginRefusal::Refused(refusal)) => pages::failed(&refusal),
    }
}
