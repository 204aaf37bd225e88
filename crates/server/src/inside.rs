//! The server's own routes, called without a socket: for what attacks it from within.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::{BodyExt, Limited};
use tenantry_eval::{Asked, NoAnswer, Told, Wire};
use tower::ServiceExt;

use crate::app::{App, router};

/// The longest answer read.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// A server's routes in this process.
#[derive(Clone)]
pub struct Inside(Router);

impl std::fmt::Debug for Inside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Inside").finish_non_exhaustive()
    }
}

impl Inside {
    /// The routes of an app: tokens are verified there, calls limited and put on record, as for everybody.
    #[must_use]
    pub fn of(app: App) -> Inside {
        Inside(router(app))
    }
}

impl Wire for Inside {
    async fn send(&self, asked: Asked) -> Result<Told, NoAnswer> {
        let broken = |why: &dyn std::fmt::Display| NoAnswer::Unreachable(why.to_string());
        let mut request = Request::builder().method(asked.method.as_str()).uri(asked.path.as_str());
        for (name, value) in &asked.headers {
            request = request.header(name.as_str(), value.as_str());
        }
        let request = request.body(Body::from(asked.body)).map_err(|error| broken(&error))?;
        let response = match self.0.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let status = response.status().as_u16();
        let headers = response.headers().iter();
        let headers = headers
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await.map_err(|error| broken(&error))?;
        Ok(Told { status, headers, body: body.to_bytes().to_vec() })
    }
}
