//! `POST /u/place`: which account and workspace. What is chosen stands in the request from then on, and is held
//! against the user's memberships there, as if the client had named it.

use axum::body::Body;
use axum::extract::State;
use axum::http::Request;
use axum::response::Response;

use crate::app::App;
use crate::browser::query;
use crate::browser::visit::{Asked, onward};

/// Goes there.
pub(super) async fn submit(State(app): State<App>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let (asked, form) = match Asked::with_form(app, &parts, body, "place").await {
        Ok(both) => both,
        Err(response) => return *response,
    };
    let chosen = form.get("place");
    match chosen.split_once('/') {
        _ if chosen.is_empty() => onward(&asked.query),
        Some((account, workspace)) => onward(&query::at(&asked.query, account, Some(workspace))),
        None => onward(&query::at(&asked.query, chosen, None)),
    }
}
