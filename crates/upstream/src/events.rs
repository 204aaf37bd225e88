//! Events as they are written.

use serde_json::Value;

/// An event of data alone, as OpenAI's chat completions have them.
pub(crate) fn plain(data: &Value, out: &mut Vec<u8>) {
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(data.to_string().as_bytes());
    out.extend_from_slice(b"\n\n");
}

/// An event with the name that its data's `type` has, as Anthropic's and OpenAI's responses have them.
pub(crate) fn named(data: &Value, out: &mut Vec<u8>) {
    if let Some(name) = data.get("type").and_then(Value::as_str) {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name.as_bytes());
        out.push(b'\n');
    }
    plain(data, out);
}
