//! Callers who speak messages, an upstream that speaks chat completions.

use serde_json::{Map, Value, json};
use tenantry_guard::models::{CapField, Partition, TargetParts, Trouble};

use super::{Events, count, list, said, text};
use crate::events;

fn no<T>(why: &'static str) -> Result<T, Trouble> {
    Err(Trouble::Untranslatable(why))
}

/// A request of messages as one of chat completions, with what the upstream keeps callers apart by and what it calls the
/// cap of an answer.
pub(crate) fn request(asked: &Value, upstream: &TargetParts) -> Result<Value, Trouble> {
    if said(asked, "thinking") && asked.pointer("/thinking/type").and_then(Value::as_str) != Some("disabled") {
        return no("This model has no `thinking` to show.");
    }
    if said(asked, "mcp_servers") {
        return no("This model calls no `mcp_servers`.");
    }
    let mut messages = Vec::new();
    match asked.get("system") {
        Some(Value::String(words)) => messages.push(json!({ "role": "system", "content": words })),
        Some(Value::Array(blocks)) => {
            let words: Vec<&str> = blocks.iter().filter_map(|block| text(block, "text")).collect();
            messages.push(json!({ "role": "system", "content": words.join("\n\n") }));
        }
        _ => {}
    }
    for message in list(asked, "messages") {
        let content = message.get("content").unwrap_or(&Value::Null);
        match text(message, "role") {
            Some("user") => user(content, &mut messages)?,
            Some("assistant") => messages.push(assistant(content)?),
            _ => return no("A message has a `role` that this model does not know."),
        }
    }
    let mut made = Map::new();
    let mut copy = |from: &str, to: &str| {
        if said(asked, from) {
            made.insert(to.to_owned(), asked.get(from).cloned().unwrap_or_default());
        }
    };
    copy("model", "model");
    let cap = match upstream.cap_field {
        CapField::MaxCompletionTokens => "max_completion_tokens",
        CapField::MaxTokens => "max_tokens",
    };
    copy("max_tokens", cap);
    copy("temperature", "temperature");
    copy("top_p", "top_p");
    copy("stop_sequences", "stop");
    copy("stream", "stream");
    made.insert("messages".to_owned(), Value::Array(messages));
    if asked.get("stream").and_then(Value::as_bool).unwrap_or(false) {
        made.insert("stream_options".to_owned(), json!({ "include_usage": true }));
    }
    if let Some(user) = asked.pointer("/metadata/user_id") {
        for field in &upstream.partition {
            let name = match field {
                Partition::User => "user",
                Partition::PromptCacheKey => "prompt_cache_key",
                Partition::CacheSalt => "cache_salt",
            };
            made.insert(name.to_owned(), user.clone());
        }
    }
    tools(asked, &mut made)?;
    Ok(Value::Object(made))
}

fn tools(asked: &Value, made: &mut Map<String, Value>) -> Result<(), Trouble> {
    let mut tools = Vec::new();
    for tool in list(asked, "tools") {
        if text(tool, "type").is_some_and(|kind| kind != "custom") {
            return no("This model has no `tools` of its own.");
        }
        let mut function = json!({ "name": tool.get("name"), "parameters": tool.get("input_schema") });
        if let (Some(function), Some(description)) = (function.as_object_mut(), tool.get("description")) {
            function.insert("description".to_owned(), description.clone());
        }
        tools.push(json!({ "type": "function", "function": function }));
    }
    if tools.is_empty() {
        return Ok(());
    }
    made.insert("tools".to_owned(), Value::Array(tools));
    if let Some(choice) = asked.get("tool_choice") {
        let said = match text(choice, "type") {
            Some("any") => json!("required"),
            Some("none") => json!("none"),
            Some("tool") => json!({ "type": "function", "function": { "name": choice.get("name") } }),
            _ => json!("auto"),
        };
        made.insert("tool_choice".to_owned(), said);
        if choice.get("disable_parallel_tool_use").and_then(Value::as_bool).unwrap_or(false) {
            made.insert("parallel_tool_calls".to_owned(), Value::Bool(false));
        }
    }
    Ok(())
}

/// The words of a content.
fn plain(content: &Value) -> String {
    match content {
        Value::String(words) => words.clone(),
        Value::Array(blocks) => blocks.iter().filter_map(|block| text(block, "text")).collect(),
        _ => String::new(),
    }
}

fn user(content: &Value, messages: &mut Vec<Value>) -> Result<(), Trouble> {
    let Value::Array(blocks) = content else {
        messages.push(json!({ "role": "user", "content": content }));
        return Ok(());
    };
    let mut parts = Vec::new();
    for block in blocks {
        match text(block, "type") {
            Some("text") => parts.push(json!({ "type": "text", "text": block.get("text") })),
            Some("image") => parts.push(json!({ "type": "image_url", "image_url": { "url": picture(block)? } })),
            // The answers of tools come before anything else that the user says.
            Some("tool_result") => messages.push(json!({
                "role": "tool", "tool_call_id": block.get("tool_use_id"),
                "content": plain(block.get("content").unwrap_or(&Value::Null)),
            })),
            _ => return no("A message has a block that this model does not know."),
        }
    }
    if !parts.is_empty() {
        messages.push(json!({ "role": "user", "content": parts }));
    }
    Ok(())
}

fn picture(block: &Value) -> Result<String, Trouble> {
    let source = block.get("source").unwrap_or(&Value::Null);
    match (text(source, "type"), text(source, "media_type"), text(source, "data"), text(source, "url")) {
        (Some("base64"), Some(kind), Some(data), _) => Ok(["data:", kind, ";base64,", data].concat()),
        (Some("url"), _, _, Some(url)) => Ok(url.to_owned()),
        _ => no("A picture has a `source` that this model does not know."),
    }
}

fn assistant(content: &Value) -> Result<Value, Trouble> {
    let Value::Array(blocks) = content else { return Ok(json!({ "role": "assistant", "content": content })) };
    let mut calls = Vec::new();
    for block in blocks {
        match text(block, "type") {
            Some("text") => {}
            Some("tool_use") => {
                let arguments = block.get("input").map_or_else(|| "{}".to_owned(), Value::to_string);
                let function = json!({ "name": block.get("name"), "arguments": arguments });
                calls.push(json!({ "id": block.get("id"), "type": "function", "function": function }));
            }
            // What it thought is its own.
            Some("thinking" | "redacted_thinking") => {}
            _ => return no("A message has a block that this model does not know."),
        }
    }
    let words = plain(content);
    let content = if words.is_empty() && !calls.is_empty() { Value::Null } else { json!(words) };
    let mut made = json!({ "role": "assistant", "content": content });
    if let (Some(made), false) = (made.as_object_mut(), calls.is_empty()) {
        made.insert("tool_calls".to_owned(), Value::Array(calls));
    }
    Ok(made)
}

/// Why it ended.
fn reason(finish: Option<&str>) -> &'static str {
    match finish {
        Some("length") => "max_tokens",
        Some("tool_calls" | "function_call") => "tool_use",
        Some("content_filter") => "refusal",
        _ => "end_turn",
    }
}

fn usage(used: &Value) -> Value {
    let cached = used.pointer("/prompt_tokens_details/cached_tokens").and_then(Value::as_u64).unwrap_or_default();
    json!({
        "input_tokens": count(used, "prompt_tokens").saturating_sub(cached), "cache_read_input_tokens": cached,
        "cache_creation_input_tokens": 0, "output_tokens": count(used, "completion_tokens"),
    })
}

/// The answer's translator: whole, or event by event.
#[derive(Debug, Default)]
pub(crate) struct FromChat {
    begun: bool,
    ended: bool,
    /// The block that is open: its place, and which call of the answer it is (`None`: words).
    open: Option<(usize, Option<u64>)>,
    blocks: usize,
    reason: Option<&'static str>,
    usage: Option<Value>,
}

impl FromChat {
    /// A whole answer.
    pub(crate) fn whole(chat: &Value) -> Option<Value> {
        let choice = list(chat, "choices").first()?;
        let message = choice.get("message")?;
        let mut content = Vec::new();
        if let Some(words) = text(message, "content").filter(|words| !words.is_empty()) {
            content.push(json!({ "type": "text", "text": words }));
        }
        for call in list(message, "tool_calls") {
            let arguments = call.pointer("/function/arguments").and_then(Value::as_str).unwrap_or("{}");
            let input: Value = serde_json::from_str(arguments).unwrap_or_else(|_| json!({}));
            content.push(json!({
                "type": "tool_use", "id": call.get("id"), "name": call.pointer("/function/name"), "input": input,
            }));
        }
        Some(json!({
            "id": chat.get("id"), "type": "message", "role": "assistant", "model": chat.get("model"),
            "content": content, "stop_reason": reason(text(choice, "finish_reason")), "stop_sequence": null,
            "usage": usage(chat.get("usage").unwrap_or(&Value::Null)),
        }))
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if let Some((place, _)) = self.open.take() {
            events::named(&json!({ "type": "content_block_stop", "index": place }), out);
        }
    }

    /// Opens a block unless it is the one that is open; its place.
    fn block(&mut self, call: Option<u64>, block: &Value, out: &mut Vec<u8>) -> usize {
        if let Some((place, open)) = self.open
            && open == call
        {
            return place;
        }
        self.close(out);
        let place = self.blocks;
        self.blocks += 1;
        self.open = Some((place, call));
        events::named(&json!({ "type": "content_block_start", "index": place, "content_block": block }), out);
        place
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if self.ended || !self.begun {
            return;
        }
        self.ended = true;
        self.close(out);
        let usage = self.usage.take().unwrap_or_else(|| json!({ "output_tokens": 0 }));
        let delta = json!({ "stop_reason": self.reason.unwrap_or("end_turn"), "stop_sequence": null });
        events::named(&json!({ "type": "message_delta", "delta": delta, "usage": usage }), out);
        events::named(&json!({ "type": "message_stop" }), out);
    }
}

impl Events for FromChat {
    fn event(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), Trouble> {
        if data == b"[DONE]" {
            self.end(out);
            return Ok(());
        }
        let chunk: Value = serde_json::from_slice(data).map_err(|_| Trouble::Protocol)?;
        if said(&chunk, "error") {
            return Err(Trouble::Broken);
        }
        if !self.begun {
            self.begun = true;
            let message = json!({
                "id": chunk.get("id"), "type": "message", "role": "assistant", "model": chunk.get("model"),
                "content": [], "stop_reason": null, "stop_sequence": null,
                "usage": { "input_tokens": 0, "output_tokens": 0 },
            });
            events::named(&json!({ "type": "message_start", "message": message }), out);
        }
        if let Some(used) = chunk.get("usage").filter(|used| used.is_object()) {
            self.usage = Some(usage(used));
        }
        let Some(choice) = list(&chunk, "choices").first() else { return Ok(()) };
        let delta = choice.get("delta").unwrap_or(&Value::Null);
        if let Some(words) = text(delta, "content").filter(|words| !words.is_empty()) {
            let place = self.block(None, &json!({ "type": "text", "text": "" }), out);
            let delta = json!({ "type": "text_delta", "text": words });
            events::named(&json!({ "type": "content_block_delta", "index": place, "delta": delta }), out);
        }
        for call in list(delta, "tool_calls") {
            let at = count(call, "index");
            let block = json!({ "type": "tool_use", "id": call.get("id"), "name": call.pointer("/function/name"), "input": {} });
            let place = self.block(Some(at), &block, out);
            if let Some(piece) =
                call.pointer("/function/arguments").and_then(Value::as_str).filter(|one| !one.is_empty())
            {
                let delta = json!({ "type": "input_json_delta", "partial_json": piece });
                events::named(&json!({ "type": "content_block_delta", "index": place, "delta": delta }), out);
            }
        }
        if let Some(finish) = text(choice, "finish_reason") {
            self.reason = Some(reason(Some(finish)));
        }
        Ok(())
    }
}
