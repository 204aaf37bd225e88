//! `GET /exports/{file}`: what an export made, for whoever has a link that is good for a minute.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::stream;
use tenantry_identity::{Kind, Refusal};

use crate::app::App;
use crate::management::failure::response;

/// Answers the call.
pub(crate) async fn handle(
    State(app): State<App>,
    Path(file): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let until = query.get("until").and_then(|until| until.parse().ok());
    let signature = query.get("signature");
    let (Some(until), Some(signature)) = (until, signature) else {
        return response(&Refusal::Missing(Kind::Job));
    };
    let download = match app.identity.open_job_link(&file, until, signature) {
        Ok(download) => download,
        Err(refusal) => return response(&refusal),
    };
    let kind = if download.format == "csv" { "text/csv; charset=utf-8" } else { "application/x-ndjson" };
    let identity = Arc::clone(&app.identity);
    let pieces = stream::unfold((identity, download, 0_i64), |(identity, download, place)| async move {
        match identity.download(&download, place).await {
            Ok(Some(piece)) => Some((Ok(Bytes::from(piece)), (identity, download, place + 1))),
            Ok(None) => None,
            // The answer breaks off, so that nobody takes a part for the whole.
            Err(error) => {
                tracing::error!(%error, "an export could not be read");
                Some((Err(std::io::Error::other("the export could not be read")), (identity, download, i64::MAX)))
            }
        }
    });
    let mut response = Response::new(Body::from_stream(pieces));
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
