//! Listening, until told to stop.
//!
//! ```text
//! accept (a place is free) -> handshake (in time) -> HTTP/1.1 or 2 over a stream that does not wait for ever
//! ```

mod connection;
mod patient;

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use tenantry_tls::serving::Acceptor;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::app::{App, router};

/// How often the sources are checked: do they answer, and has the runtime role gained any power?
const WATCH: Duration = Duration::from_secs(5);

/// How long calls under way may take when the server is told to stop.
const LAST: Duration = Duration::from_secs(60);

/// How long to wait when the machine gives no more connections.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// The server stopped by itself.
#[derive(Debug, thiserror::Error)]
#[error("the server stopped: {0}")]
pub struct ServeError(#[from] std::io::Error);

/// How connections are spoken with.
#[derive(Clone)]
pub enum Wire {
    /// HTTP/1.1 without TLS: on the loopback, or behind a proxy that speaks TLS.
    Plain,
    /// TLS, and in it HTTP/2 or HTTP/1.1, as the client likes (ALPN).
    Tls(Acceptor),
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Wire::Plain => "Plain",
            Wire::Tls(_) => "Tls",
        })
    }
}

/// The protocols spoken inside TLS (ALPN, RFC 7301), the best first.
pub const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// How long clients are waited for, and how many there may be.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Connections at one time; more wait to be accepted.
    pub connections: usize,
    /// Until the TLS handshake is done, and again until the first byte of a request.
    pub handshake: Duration,
    /// Until a request's headers are there, from when the connection has nothing else to do.
    pub headers: Duration,
    /// Until a client that takes no more of its answer takes some.
    pub stalled: Duration,
    /// Requests at one time in one HTTP/2 connection.
    pub streams: u32,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            connections: 8192,
            handshake: Duration::from_secs(10),
            headers: Duration::from_secs(60),
            stalled: Duration::from_secs(30),
            streams: 128,
        }
    }
}

/// Where a request's connection comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// A request as if it came from an address, for callers of [`router`] in the same process.
#[must_use]
pub fn from_address(address: IpAddr, request: axum::http::request::Builder) -> axum::http::request::Builder {
    request.extension(Peer(address.to_canonical()))
}

/// Serves until `stop` is done; calls under way are then finished first.
///
/// # Errors
/// [`ServeError`] when the listener fails.
pub async fn serve(
    listener: TcpListener,
    wire: Wire,
    app: App,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    serve_with(listener, wire, Patience::default(), app, stop).await
}

/// The same with another patience.
///
/// # Errors
/// [`ServeError`] when the listener fails.
pub async fn serve_with(
    listener: TcpListener,
    wire: Wire,
    patience: Patience,
    app: App,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let guard = app.guard.clone();
    let identity = app.identity.clone();
    let gateway = app.gateway.clone();
    let _round = app.identity.watch();
    let watch = tokio::spawn(async move {
        let mut round = tokio::time::interval(WATCH);
        loop {
            round.tick().await;
            // A source that fails the check lends no connection until a later one passes, so all that
            // is left to do here is to say so.
            if let Err((source, error)) = guard.health().await {
                tracing::error!(%source, %error, "a source failed its check");
            }
        }
    });
    let graceful = GracefulShutdown::new();
    let router = router(app.patient(patience.stalled));
    let accepted = accept(&listener, &wire, patience, &router, &graceful, stop).await;
    drop(listener);
    watch.abort();
    if tokio::time::timeout(LAST, graceful.shutdown()).await.is_err() {
        tracing::warn!("calls under way did not end in {} s", LAST.as_secs());
    }
    identity.stop_jobs().await;
    identity.flush_logs().await;
    if let Some(gateway) = gateway {
        gateway.models.flush().await;
    }
    accepted
}

async fn accept(
    listener: &TcpListener,
    wire: &Wire,
    patience: Patience,
    router: &axum::Router,
    graceful: &GracefulShutdown,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let places = Arc::new(Semaphore::new(patience.connections));
    let mut stop = std::pin::pin!(stop);
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = &mut stop => return Ok(()),
            next = next => next,
        };
        // The semaphore is never closed.
        let Ok(place) = place else { return Ok(()) };
        let (stream, from): (_, SocketAddr) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_of_one_connection(&error) => continue,
            // No more files, no memory: connections that end give some back.
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                tokio::time::sleep(EXHAUSTED).await;
                continue;
            }
        };
        let speaking = connection::speak(stream, from, wire.clone(), patience, router.clone(), graceful.watcher());
        tokio::spawn(async move {
            speaking.await;
            drop(place);
        });
    }
}

/// Errors of `accept` that concern the connection and not the listener (accept(2)).
fn is_of_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionRefused | ConnectionAborted | ConnectionReset)
}
