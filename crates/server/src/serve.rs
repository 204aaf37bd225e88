//! Listening, until told to stop.

use std::future::Future;

use tokio::net::TcpListener;

use crate::app::{App, router};

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
    axum::serve(listener, router(app)).with_graceful_shutdown(stop).await?;
    Ok(())
}
