//! Between OpenAI's chat completions and Anthropic's messages, both ways: requests, answers, and streams event
//! by event. What one protocol has no word for is refused where it changes the answer, and left out where it
//! only tunes it.

mod chat_to_messages;
mod messages_to_chat;
mod stream;

use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::Value;
use tenantry_guard::models::{Arriving, Incoming, Trouble};

pub(crate) use chat_to_messages::{FromMessages, request as chat_request};
pub(crate) use messages_to_chat::{FromChat, request as messages_request};

/// The largest answer that is translated whole, in bytes.
const LARGEST: usize = 64 * 1024 * 1024;

/// A protocol's answer, event by event, in another's words.
pub(crate) trait Events: Send + 'static {
    /// Translates an event's data; what it becomes is written to `out`.
    ///
    /// # Errors
    /// [`Trouble`] when the upstream tells of its own failure, or of something that is no event.
    fn event(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), Trouble>;
}

/// An answer in the other protocol's words.
pub(crate) async fn answer<E: Events>(
    incoming: Incoming,
    whole: impl FnOnce(&Value) -> Option<Value>,
    events: E,
) -> Result<Incoming, Trouble> {
    let Incoming { status, events: streamed, retry_after, body } = incoming;
    if !(200..300).contains(&status) {
        // Both protocols say `error.message`.
        return Ok(Incoming { status, events: streamed, retry_after, body });
    }
    if streamed {
        return Ok(Incoming { status, events: true, retry_after, body: stream::translated(body, events) });
    }
    let bytes = collected(body).await?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|_| Trouble::Protocol)?;
    let said = whole(&value).ok_or(Trouble::Protocol)?;
    let piece = Ok(Bytes::from(said.to_string()));
    Ok(Incoming { status, events: false, retry_after, body: Box::pin(futures_util::stream::iter([piece])) })
}

async fn collected(mut body: Arriving) -> Result<Vec<u8>, Trouble> {
    let mut all = Vec::new();
    while let Some(piece) = body.next().await {
        let piece = piece?;
        if all.len() + piece.len() > LARGEST {
            return Err(Trouble::Protocol);
        }
        all.extend_from_slice(&piece);
    }
    Ok(all)
}

/// A text among a value's members.
fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}

/// A list among a value's members; none where it is absent.
fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A number among a value's members; 0 where it is absent.
fn count(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_u64).unwrap_or_default()
}

/// Is a member there, and not null?
fn said(value: &Value, name: &str) -> bool {
    value.get(name).is_some_and(|value| !value.is_null())
}

#[cfg(test)]
mod tests;
