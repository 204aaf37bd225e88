//! HTTP to upstreams: connections kept, TLS verified, our credential and never the caller's.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::{BodyExt, Full};
use hyper::header::{
    ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT,
};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::{Request, Uri};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use parking_lot::RwLock;
use tenantry_guard::models::{Incoming, Kind, Target, Trouble};
use tenantry_tls::calling;
use tokio::net::TcpStream;
use tower_service::Service;
use zeroize::Zeroizing;

/// How many connections to one upstream are kept while nobody uses them.
const IDLE: usize = 256;

/// How long they are kept.
const KEPT: Duration = Duration::from_secs(90);

/// The version of Anthropic's protocol.
const ANTHROPIC_VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");

pub(crate) type Http = legacy::Client<Dial, Full<Bytes>>;

/// Asks upstreams over HTTP.
#[derive(Default)]
pub struct Client {
    /// One for each patience with new connections; mostly there is one.
    clients: RwLock<Vec<(Duration, Http)>>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    pub(crate) fn of(&self, patience: Duration) -> Http {
        if let Some((_, client)) = self.clients.read().iter().find(|(known, _)| *known == patience) {
            return client.clone();
        }
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(patience));
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(IDLE)
            .pool_idle_timeout(KEPT)
            .build(Dial { http, patience });
        self.clients.write().push((patience, client.clone()));
        client
    }

    /// Posts a body to a path after the upstream's address.
    ///
    /// # Errors
    /// [`Trouble`] when no answer begins.
    pub(crate) async fn ask(&self, target: &Arc<Target>, path: &str, body: Bytes) -> Result<Incoming, Trouble> {
        let uri: Uri = [target.parts.url.trim_end_matches('/'), path].concat().parse().map_err(|_| Trouble::Connect)?;
        let mut request = Request::post(uri)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"))
            .header(USER_AGENT, HeaderValue::from_static("tenantry"));
        if let Some(key) = &target.parts.key {
            let (name, text) = match target.kind {
                Kind::Anthropic => (HeaderName::from_static("x-api-key"), Zeroizing::new(key.to_string())),
                _ => (AUTHORIZATION, Zeroizing::new(["Bearer ", key].concat())),
            };
            let mut value = HeaderValue::from_str(&text).map_err(|_| Trouble::Connect)?;
            value.set_sensitive(true);
            request = request.header(name, value);
        }
        if target.kind == Kind::Anthropic {
            request = request.header(HeaderName::from_static("anthropic-version"), ANTHROPIC_VERSION);
        }
        let request = request.body(Full::new(body)).map_err(|_| Trouble::Connect)?;
        let client = self.of(target.parts.patience.connect);
        let response = client.request(request).await.map_err(|error| match error.is_connect() {
            true => Trouble::Connect,
            false => Trouble::Broken,
        })?;
        let (head, body) = response.into_parts();
        let text = |name: HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok());
        // None was asked for, and bytes that nobody can read cannot be metered.
        if text(CONTENT_ENCODING).is_some_and(|coding| !coding.eq_ignore_ascii_case("identity")) {
            return Err(Trouble::Protocol);
        }
        let events = text(CONTENT_TYPE).is_some_and(|kind| kind.trim_start().starts_with("text/event-stream"));
        let retry_after = text(RETRY_AFTER).and_then(|seconds| seconds.trim().parse().ok());
        let body = body.into_data_stream().map(|piece| piece.map_err(|_| Trouble::Broken));
        Ok(Incoming { status: head.status.as_u16(), events, retry_after, body: Box::pin(body) })
    }
}

/// Makes connections.
#[derive(Clone)]
pub(crate) struct Dial {
    http: HttpConnector,
    patience: Duration,
}

/// A connection.
pub(crate) enum Line {
    Plain(TokioIo<TcpStream>),
    Tls(Pin<Box<dyn Secret>>),
}

/// What a TLS connection can do.
pub(crate) trait Secret: Read + Write + Send {}

impl<T: Read + Write + Send> Secret for T {}

impl Service<Uri> for Dial {
    type Response = Line;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Line, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.http.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let tls = uri.scheme_str() == Some("https");
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
        let dialled = self.http.call(uri);
        let patience = self.patience;
        Box::pin(async move {
            let stream = dialled.await?;
            if !tls {
                return Ok(Line::Plain(stream));
            }
            let name = calling::server_name(&host).ok_or("the upstream's name is not one")?;
            let connector = calling::connector().map_err(|refusal| refusal.to_string())?;
            let secret = tokio::time::timeout(patience, connector.connect(name, stream.into_inner())).await??;
            Ok(Line::Tls(Box::pin(TokioIo::new(secret))))
        })
    }
}

impl Connection for Line {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Line {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: ReadBufCursor<'_>,
    ) -> Poll<Result<(), std::io::Error>> {
        match self.get_mut() {
            Line::Plain(stream) => Pin::new(stream).poll_read(context, into),
            Line::Tls(stream) => stream.as_mut().poll_read(context, into),
        }
    }
}

impl Write for Line {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<Result<usize, std::io::Error>> {
        match self.get_mut() {
            Line::Plain(stream) => Pin::new(stream).poll_write(context, from),
            Line::Tls(stream) => stream.as_mut().poll_write(context, from),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), std::io::Error>> {
        match self.get_mut() {
            Line::Plain(stream) => Pin::new(stream).poll_flush(context),
            Line::Tls(stream) => stream.as_mut().poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), std::io::Error>> {
        match self.get_mut() {
            Line::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Line::Tls(stream) => stream.as_mut().poll_shutdown(context),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Line::Plain(stream) => stream.is_write_vectored(),
            Line::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[std::io::IoSlice<'_>],
    ) -> Poll<Result<usize, std::io::Error>> {
        match self.get_mut() {
            Line::Plain(stream) => Pin::new(stream).poll_write_vectored(context, from),
            Line::Tls(stream) => stream.as_mut().poll_write_vectored(context, from),
        }
    }
}
