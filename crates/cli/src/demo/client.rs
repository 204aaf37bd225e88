//! A small HTTPS client for the demo's own server: it trusts the development authority and nobody else.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::client::conn::http1::SendRequest;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tenantry_tls::serving::{Connector, connector};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use crate::demo::trials::Step;

/// The longest answer read.
const MAX_ANSWER: usize = 16 * 1024 * 1024;
/// How long one call may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Calls one server.
#[derive(Clone)]
pub struct ToolClient {
    address: SocketAddr,
    connector: Connector,
    kept: Arc<Mutex<Option<SendRequest<Full<Bytes>>>>>,
}

impl std::fmt::Debug for ToolClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ToolClient").field("address", &self.address).finish_non_exhaustive()
    }
}

impl ToolClient {
    /// For a server whose certificate comes from the authority (PEM).
    ///
    /// # Errors
    /// A sentence when the authority cannot be read.
    pub fn new(address: SocketAddr, authority: &str) -> Result<ToolClient, String> {
        let connector = connector(authority, &[b"http/1.1"]).map_err(|error| error.to_string())?;
        Ok(ToolClient { address, connector, kept: Arc::default() })
    }

    /// One for the same server, in a connection of its own.
    #[must_use]
    pub fn another(&self) -> ToolClient {
        ToolClient { address: self.address, connector: self.connector.clone(), kept: Arc::default() }
    }

    /// Calls a tool and reads the JSON answer, whatever its status.
    ///
    /// # Errors
    /// A sentence when there is no answer, or it is not JSON.
    pub async fn call(&self, token: Option<&str>, step: &Step, body: &Value) -> Result<Value, String> {
        self.post(&step.path(), token, step.headers, body).await
    }

    /// Sends JSON to a path and reads the JSON answer, whatever its status.
    ///
    /// # Errors
    /// A sentence when there is no answer, or it is not JSON.
    pub async fn post(
        &self,
        path: &str,
        token: Option<&str>,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Result<Value, String> {
        let host = format!("localhost:{}", self.address.port());
        let mut request = Request::post(path).header(HOST, host).header(CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, ["Bearer ", token].concat());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Full::new(Bytes::from(body.to_string())))
            .map_err(|error| format!("the request cannot be made: {error}"))?;
        let body = tokio::time::timeout(PATIENCE, self.send(request));
        let body = body.await.map_err(|_| "no answer in time".to_owned())??;
        serde_json::from_slice(&body).map_err(|error| format!("the answer is not JSON: {error}"))
    }

    /// One request, in the connection of the one before where it still stands.
    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Bytes, String> {
        let mut kept = self.kept.lock().await;
        let mut before = kept.take();
        if let Some(sender) = &mut before
            && sender.ready().await.is_err()
        {
            before = None;
        }
        let mut sender = match before {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        let response = sender.send_request(request).await.map_err(|error| format!("no answer: {error}"))?;
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
        let body = body.map_err(|error| format!("the answer broke off: {error}"))?;
        *kept = Some(sender);
        Ok(body.to_bytes())
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, String> {
        let none = |error: &dyn std::fmt::Display| format!("no answer: {error}");
        let stream = TcpStream::connect(self.address).await.map_err(|error| none(&error))?;
        let _ = stream.set_nodelay(true);
        let name = "localhost".try_into().map_err(|_| "the server's name is not one".to_owned())?;
        let stream = self.connector.connect(name, stream).await.map_err(|error| none(&error))?;
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = handshake.map_err(|error| none(&error))?;
        tokio::spawn(connection);
        Ok(sender)
    }
}
