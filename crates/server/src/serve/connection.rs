//! One connection, from its handshake to its end.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tower::ServiceExt as _;

use super::patient::Patient;
use super::{Patience, Peer, Wire};

/// Speaks with a client until either side ends it. Whatever goes wrong ends this connection only.
pub(super) async fn speak(
    stream: TcpStream,
    from: SocketAddr,
    wire: Wire,
    patience: Patience,
    router: Router,
    watcher: Watcher,
) {
    // Answers are written whole: waiting for more only delays them.
    let _ = stream.set_nodelay(true);
    match wire {
        Wire::Plain => {
            let io = Patient::new(stream, patience.handshake, patience.stalled);
            first(io, from, patience, router, watcher).await;
        }
        Wire::Tls(acceptor) => {
            let stream = match tokio::time::timeout(patience.handshake, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => stream,
                Ok(Err(error)) => return tracing::debug!(%from, %error, "a TLS handshake failed"),
                Err(_) => return tracing::debug!(%from, "a TLS handshake took too long"),
            };
            let second = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            let io = Patient::new(stream, patience.handshake, patience.stalled);
            if second {
                self::second(io, from, patience, router, watcher).await;
            } else {
                first(io, from, patience, router, watcher).await;
            }
        }
    }
}

/// HTTP/1.1.
async fn first<S>(io: Patient<S>, from: SocketAddr, patience: Patience, router: Router, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(patience.headers);
    let service = service_fn(move |request| answer(router.clone(), from, request));
    let connection = builder.serve_connection(TokioIo::new(io), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%from, %error, "a connection ended with an error");
    }
}

/// HTTP/2.
async fn second<S>(io: Patient<S>, from: SocketAddr, patience: Patience, router: Router, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(patience.streams)
        .keep_alive_interval(patience.headers)
        .keep_alive_timeout(patience.stalled);
    let service = service_fn(move |request| answer(router.clone(), from, request));
    let connection = builder.serve_connection(TokioIo::new(io), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%from, %error, "a connection ended with an error");
    }
}

async fn answer(
    router: Router,
    from: SocketAddr,
    request: hyper::Request<Incoming>,
) -> Result<axum::response::Response, std::convert::Infallible> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(Peer(from.ip().to_canonical()));
    router.oneshot(request).await
}
