//! `POST /u/login`: name and password.

use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use tenantry_identity::login::LoginRefusal;
use zeroize::Zeroizing;

use crate::app::App;
use crate::browser::authorize::whole;
use crate::browser::visit::{Asked, Form, onward};
use crate::browser::{cookies, pages, query};

/// The same for a wrong name, a wrong password, and a user who may not log in.
const WRONG: &str = "Wrong name or password.";

/// The same for everybody, whether or not there is such a user.
pub(super) const TOO_MANY: &str = "Too many attempts. Try again later, or ask whoever looks after your account.";

/// Logs in.
pub(super) async fn submit(State(app): State<App>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    match Asked::with_form(app, &parts, body, "login").await {
        Ok((asked, form)) => whole(logged_in(asked, form)).await,
        Err(response) => *response,
    }
}

async fn logged_in(asked: Asked, form: Form) -> Response {
    let identifier = form.get("identifier");
    let password = Zeroizing::new(form.get("password").to_owned());
    match asked.app.identity.log_in(&asked.authorization, &asked.visit, identifier, password).await {
        Ok(cookie) => {
            let mut response = onward(&query::logged_in(&asked.query));
            cookies::set(response.headers_mut(), cookies::SESSION, &cookie);
            response
        }
        Err(LoginRefusal::Wrong | LoginRefusal::Blocked) => {
            pages::login(&asked, StatusCode::BAD_REQUEST, identifier, Some(WRONG)).await
        }
        Err(LoginRefusal::TooMany | LoginRefusal::Throttled { .. }) => {
            pages::login(&asked, StatusCode::TOO_MANY_REQUESTS, identifier, Some(TOO_MANY)).await
        }
        Err(LoginRefusal::Refused(refusal)) => pages::failed(&refusal),
    }
}
