//! Calls over kept connections, one after another in each.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::gateway::peers::Peer;
use crate::timing::{Watch, number};
use crate::{Doing as _, Problem};

/// In which shape answers come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Whole.
    Json,
    /// Server-sent events.
    Events,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Shape::Json => "JSON",
            Shape::Events => "SSE",
        })
    }
}

/// How it went.
pub(super) struct Told {
    pub(super) calls: f64,
    pub(super) took: Duration,
    pub(super) median: Duration,
}

fn body(shape: Shape) -> Bytes {
    let words = "Please tell me, in about thirty words, what the quick brown fox does, and why it does so at all.";
    let stream = match shape {
        Shape::Json => "",
        Shape::Events => ",\"stream\":true,\"stream_options\":{\"include_usage\":true}",
    };
    format!(
        "{{\"model\":\"small\",\"messages\":[{{\"role\":\"system\",\"content\":\"You are brief.\"}},{{\"role\":\"user\",\"content\":\"{words}\"}}],\"temperature\":0.2{stream}}}"
    )
    .into()
}

/// Calls for so long over so many connections.
pub(super) async fn run(peer: &Peer, shape: Shape, connections: usize, span: Duration) -> Result<Told, Problem> {
    let watch = Watch::start();
    let mut tasks = Vec::with_capacity(connections);
    for _ in 0..connections {
        tasks.push(tokio::spawn(one(peer.address, peer.token.clone(), shape, span)));
    }
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.doing("call")??);
    }
    let took = watch.passed();
    all.sort_unstable();
    let median = all.get(all.len() / 2).copied().unwrap_or_default();
    Ok(Told { calls: number(all.len().max(1)), took, median })
}

async fn one(
    address: std::net::SocketAddr,
    token: String,
    shape: Shape,
    span: Duration,
) -> Result<Vec<Duration>, Problem> {
    let stream = TcpStream::connect(address).await.doing("connect")?;
    let _ = stream.set_nodelay(true);
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.doing("connect")?;
    tokio::spawn(connection);
    let body = body(shape);
    let bearer = ["Bearer ", &token].concat();
    let began = Watch::start();
    let mut taken = Vec::new();
    while began.passed() < span {
        let request = Request::post("/v1/chat/completions")
            .header(HOST, address.to_string())
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, &bearer)
            .body(Full::new(body.clone()))
            .doing("call")?;
        // Behind a stream the connection takes a moment.
        sender.ready().await.doing("call")?;
        let watch = Watch::start();
        let response = sender.send_request(request).await.doing("call")?;
        let status = response.status();
        let answer = response.into_body().collect().await.doing("read an answer")?.to_bytes();
        taken.push(watch.passed());
        let whole = match shape {
            Shape::Json => answer.ends_with(b"}"),
            Shape::Events => answer.ends_with(b"data: [DONE]\n\n"),
        };
        if !status.is_success() || !whole {
            return Err(Problem::new("call", format!("{status}: {}", String::from_utf8_lossy(&answer))));
        }
    }
    Ok(taken)
}
