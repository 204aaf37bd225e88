//! Listening, until told to stop.

use std::future::Future;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::app::{App, router};

/// How often the sources are checked: do they answer, and has the runtime role gained any power?
const WATCH: Duration = Duration::from_secs(5);

/// The server stopped by itself.
#[derive(Debug, thiserror::Error)]
#[error("the server stopped: {0}")]
pub struct ServeError(#[from] std::io::Error);

/// Serves until `stop` is done; calls under way are then finished first.
///
/// # Errors
/// [`ServeError`] when the listener fails.
pub async fn serve(
    listener: TcpListener,
    app: App,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let guard = app.guard.clone();
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
    let served = axum::serve(listener, router(app)).with_graceful_shutdown(stop).await;
    watch.abort();
    Ok(served?)
}
