//! A small HTTP client for the demo's own server.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::demo::trials::Step;

/// The longest answer read.
const MAX_ANSWER: usize = 16 * 1024 * 1024;
/// How long one call may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Calls tools at one address.
#[derive(Debug, Clone)]
pub struct ToolClient {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
}

impl ToolClient {
    /// For a server such as `http://127.0.0.1:8080`.
    #[must_use]
    pub fn new(base: &str) -> ToolClient {
        ToolClient { client: Client::builder(TokioExecutor::new()).build_http(), base: base.to_owned() }
    }

    /// Calls a tool and reads the JSON answer, whatever its status.
    ///
    /// # Errors
    /// A sentence when there is no answer, or it is not JSON.
    pub async fn call(&self, token: Option<&str>, step: &Step, body: &Value) -> Result<Value, String> {
        let mut request = Request::post([&self.base, "/app/v1/tools/", step.tool].concat())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, ["Bearer ", token].concat());
        }
        for (name, value) in step.headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Full::new(Bytes::from(body.to_string())))
            .map_err(|error| format!("the request cannot be made: {error}"))?;
        let answer = async {
            let response = self.client.request(request).await.map_err(|error| format!("no answer: {error}"))?;
            Limited::new(response.into_body(), MAX_ANSWER)
                .collect()
                .await
                .map_err(|error| format!("the answer broke off: {error}"))
        };
        let body = tokio::time::timeout(PATIENCE, answer).await.map_err(|_| "no answer in time".to_owned())??;
        serde_json::from_slice(&body.to_bytes()).map_err(|error| format!("the answer is not JSON: {error}"))
    }
}
