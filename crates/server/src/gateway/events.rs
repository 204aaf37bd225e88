//! An answer that streams, as a body.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use parking_lot::Mutex;
use tenantry_guard::models::Delivery;
use tokio::task::JoinHandle;

use crate::gateway::failure::{Failure, Form};

/// A comment, which clients skip: says that we are still here.
const KEEP_ALIVE: &[u8] = b": keep-alive\n\n";

/// The events as they come. What fails once the answer has begun is told in an event of its own, the last. A reader who
/// takes nothing for `stalled` (at most twice that) is taken to have left: an answer holds a place and money, and must
/// not hold them for as long as somebody likes who answers pings and reads nothing.
pub(crate) fn body(form: Form, request_id: Arc<str>, delivery: Delivery, stalled: Duration) -> Body {
    let waiting = Arc::new(Waiting { delivery: Mutex::new(Some(delivery)), taken: AtomicU64::new(0) });
    let watch = Watch(tokio::spawn(watch(Arc::downgrade(&waiting), stalled)));
    let events = futures_util::stream::unfold(Some((waiting, watch)), move |reading| {
        let request_id = Arc::clone(&request_id);
        async move {
            let (waiting, watch) = reading?;
            let Some(mut delivery) = waiting.take() else {
                return Some((Err(std::io::Error::from(std::io::ErrorKind::TimedOut)), None));
            };
            match delivery.next().await? {
                Ok(bytes) => {
                    waiting.put(delivery);
                    let bytes = if bytes.is_empty() { Bytes::from_static(KEEP_ALIVE) } else { bytes };
                    Some((Ok(bytes), Some((waiting, watch))))
                }
                Err(refusal) => {
                    let last = Failure::from(refusal).event(form, &request_id);
                    Some((Ok(Bytes::from(last)), None))
                }
            }
        }
    });
    Body::from_stream(events)
}

/// A delivery between two events.
struct Waiting {
    delivery: Mutex<Option<Delivery>>,
    /// How often somebody took an event.
    taken: AtomicU64,
}

impl Waiting {
    fn take(&self) -> Option<Delivery> {
        self.taken.fetch_add(1, Ordering::Relaxed);
        self.delivery.lock().take()
    }

    fn put(&self, delivery: Delivery) {
        *self.delivery.lock() = Some(delivery);
    }
}

/// Ends with the body.
struct Watch(JoinHandle<()>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn watch(waiting: Weak<Waiting>, stalled: Duration) {
    let mut seen = None;
    loop {
        tokio::time::sleep(stalled).await;
        let Some(waiting) = waiting.upgrade() else { return };
        let taken = waiting.taken.load(Ordering::Relaxed);
        if seen.replace(taken) == Some(taken)
            && let Some(delivery) = waiting.delivery.lock().take()
        {
            // Dropping it cancels the upstream's call and settles to what was delivered.
            drop(delivery);
            tracing::info!("a caller reads nothing of its answer; it is ended");
            return;
        }
    }
}
