//! An answer that streams, as a body.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use tenantry_guard::models::Delivery;

use crate::gateway::failure::{Failure, Form};

/// A comment, which clients skip: says that we are still here.
const KEEP_ALIVE: &[u8] = b": keep-alive\n\n";

/// The events as they come. What fails once the answer has begun is told in an event of its own, the last.
pub(crate) fn body(form: Form, request_id: Arc<str>, delivery: Delivery) -> Body {
    let events = futures_util::stream::unfold(Some(delivery), move |delivery| {
        let request_id = Arc::clone(&request_id);
        async move {
            let mut delivery = delivery?;
            match delivery.next().await? {
                Ok(bytes) if bytes.is_empty() => Some((Ok(Bytes::from_static(KEEP_ALIVE)), Some(delivery))),
                Ok(bytes) => Some((Ok::<_, std::convert::Infallible>(bytes), Some(delivery))),
                Err(refusal) => {
                    let last = Failure::from(refusal).event(form, &request_id);
                    Some((Ok(Bytes::from(last)), None))
                }
            }
        }
    });
    Body::from_stream(events)
}
