//! `GET` and `POST /authorize` (RFC 6749, section 4.1.1).

use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use url::form_urlencoded::Serializer;

use crate::app::App;
use crate::browser::visit::{Asked, counted, onward, read};
use crate::browser::{pages, query};

/// What comes next.
pub(super) async fn show(State(app): State<App>, request: Request<Body>) -> Response {
    let (parts, _) = request.into_parts();
    let asked = match Asked::of(app, &parts).await {
        Ok(asked) => asked,
        Err(response) => return *response,
    };
    whole(async move {
        match asked.app.identity.next_step(&asked.authorization, &asked.visit).await {
            Ok(step) => pages::next(&asked, step).await,
            Err(stopped) => pages::stopped(&stopped),
        }
    })
    .await
}

/// The same request as a form (OpenID Connect Core, section 3.1.2.1), as an address: a form of another site comes
/// without cookies.
pub(super) async fn submit(State(app): State<App>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    if let Err(response) = counted(&app, &parts) {
        return *response;
    }
    let form = match read(body).await {
        Ok(form) => form,
        Err(response) => return *response,
    };
    let mut text = Serializer::new(String::new());
    text.extend_pairs(form.pairs());
    let text = text.finish();
    if text.len() > query::LONGEST {
        return pages::plain(StatusCode::BAD_REQUEST, "This login cannot go on", "The request is too long.");
    }
    onward(&text)
}

/// A step in a task of its own: a browser that goes away must not leave half of one.
pub(super) async fn whole(step: impl Future<Output = Response> + Send + 'static) -> Response {
    match tokio::spawn(step).await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(%error, "a step of a login did not end");
            pages::plain(StatusCode::INTERNAL_SERVER_ERROR, "Not now", "It failed on our side. Try again in a moment.")
        }
    }
}
