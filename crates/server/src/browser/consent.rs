//! `POST /u/consent`: yes or no.

use axum::body::Body;
use axum::extract::State;
use axum::http::Request;
use axum::response::Response;
use tenantry_identity::authorize::Step;

use crate::app::App;
use crate::browser::authorize::whole;
use crate::browser::pages;
use crate::browser::visit::{Asked, Form};

/// Says it.
pub(super) async fn submit(State(app): State<App>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    match Asked::with_form(app, &parts, body, "consent").await {
        Ok((asked, form)) => whole(said(asked, form)).await,
        Err(response) => *response,
    }
}

async fn said(asked: Asked, form: Form) -> Response {
    let identity = &asked.app.identity;
    // Anything but yes is no.
    let step = match form.get("answer") {
        "yes" => identity.consent(&asked.authorization, &asked.visit).await,
        _ => identity.decline(&asked.authorization, &asked.visit).await.map(Step::Sent),
    };
    match step {
        Ok(step) => pages::next(&asked, step).await,
        Err(stopped) => pages::stopped(&stopped),
    }
}
