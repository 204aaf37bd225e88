//! One HTTP connection that is kept open, so that what is timed is the call.

use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// A request.
#[derive(Debug, Clone)]
pub struct Ask {
    pub path: String,
    pub body: Option<Value>,
    pub token: String,
    pub headers: Vec<(&'static str, String)>,
}

impl Ask {
    pub fn tool(tool: &str, body: Value, token: &str) -> Ask {
        Ask { path: format!("/app/v1/tools/{tool}"), body: Some(body), token: token.to_owned(), headers: Vec::new() }
    }
}

/// What of an answer stands before its body, without the date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub status: u16,
    pub headers: Vec<(String, String)>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub head: Head,
    /// The bytes, with the call's id and a cursor taken out.
    pub body: Vec<u8>,
    pub json: Value,
    pub time: Duration,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

pub struct Client(SendRequest<Full<Bytes>>);

impl Client {
    pub async fn connect(port: u16) -> Client {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("the server listens");
        stream.set_nodelay(true).expect("a socket");
        let (sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("a connection");
        tokio::spawn(connection);
        Client(sender)
    }

    pub async fn send(&mut self, ask: &Ask) -> Answer {
        let body = ask.body.as_ref().map_or_else(Vec::new, |body| body.to_string().into_bytes());
        let mut request = Request::post(&ask.path)
            .header("authorization", format!("Bearer {}", ask.token))
            .header("content-type", "application/json");
        if !ask.headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "tenantry.example");
        }
        for (name, value) in &ask.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(Bytes::from(body))).expect("a request");
        self.0.ready().await.expect("the connection is still open");
        let started = Instant::now();
        let response = self.0.send_request(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let time = started.elapsed();
        let mut headers: Vec<(String, String)> = parts
            .headers
            .iter()
            .filter(|(name, _)| name.as_str() != "date")
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        headers.sort();
        let json: Value = serde_json::from_slice(&bytes).expect("JSON");
        let mut text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
        for place in ["/error/details/request_id", "/next_cursor"] {
            if let Some(word) = json.pointer(place).and_then(Value::as_str) {
                text = text.replace(word, "…");
            }
        }
        Answer { head: Head { status: parts.status.as_u16(), headers }, body: text.into_bytes(), json, time }
    }
}
