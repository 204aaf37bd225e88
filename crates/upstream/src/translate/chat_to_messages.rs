//! Callers who speak chat completions, an upstream that speaks messages.

use serde_json::{Map, Value, json};
use tenantry_guard::models::Trouble;

use super::{Events, count, list, said, text};
use crate::events;

/// The output tokens asked for where the caller names no number: messages must name one.
const USUAL_TOKENS: u64 = 4096;

fn no<T>(why: &'static str) -> Result<T, Trouble> {
    Err(Trouble::Untranslatable(why))
}

/// A request of chat completions as one of messages.
pub(crate) fn request(chat: &Value) -> Result<Value, Trouble> {
    if count(chat, "n") > 1 {
        return no("This model gives one answer at a time: `n` is 1.");
    }
    if chat.get("logprobs").and_then(Value::as_bool).unwrap_or(false) {
        return no("This model tells no `logprobs`.");
    }
    if chat.get("response_format").and_then(|format| text(format, "type")).is_some_and(|kind| kind != "text") {
        return no("This model has no `response_format` but text.");
    }
    if said(chat, "audio") || list(chat, "modalities").iter().any(|one| one != "text") {
        return no("This model speaks no other `modalities` than text.");
    }
    let mut system = String::new();
    let mut messages: Vec<Value> = Vec::new();
    for message in list(chat, "messages") {
        match text(message, "role") {
            Some("system" | "developer") => {
                if !system.is_empty() {
                    system.push_str("\n\n");
                }
                system.push_str(&plain(message.get("content").unwrap_or(&Value::Null)));
            }
            Some("user") => push(&mut messages, "user", parts(message.get("content").unwrap_or(&Value::Null))?),
            Some("assistant") => push(&mut messages, "assistant", said_before(message)?),
            Some("tool") => {
                let result = json!({
                    "type": "tool_result", "tool_use_id": message.get("tool_call_id"),
                    "content": plain(message.get("content").unwrap_or(&Value::Null)),
                });
                push(&mut messages, "user", vec![result]);
            }
            _ => return no("A message has a `role` that this model does not know."),
        }
    }
    let most = ["max_completion_tokens", "max_tokens"].into_iter().filter_map(|name| chat.get(name)?.as_u64()).min();
    let mut made = Map::new();
    made.insert("model".to_owned(), chat.get("model").cloned().unwrap_or_default());
    made.insert("max_tokens".to_owned(), json!(most.unwrap_or(USUAL_TOKENS)));
    made.insert("messages".to_owned(), Value::Array(messages));
    if !system.is_empty() {
        made.insert("system".to_owned(), json!(system));
    }
    if let Some(temperature) = chat.get("temperature").and_then(Value::as_f64) {
        // From 0 to 2 there, from 0 to 1 here.
        made.insert("temperature".to_owned(), json!(temperature.min(1.0)));
    }
    if said(chat, "top_p") {
        made.insert("top_p".to_owned(), chat.get("top_p").cloned().unwrap_or_default());
    }
    match chat.get("stop") {
        Some(Value::String(stop)) => {
            made.insert("stop_sequences".to_owned(), json!([stop]));
        }
        Some(stops @ Value::Array(_)) => {
            made.insert("stop_sequences".to_owned(), stops.clone());
        }
        _ => {}
    }
    if chat.get("stream").and_then(Value::as_bool).unwrap_or(false) {
        made.insert("stream".to_owned(), Value::Bool(true));
    }
    // The keyed hash of the account, set before.
    if let Some(user) = text(chat, "user") {
        made.insert("metadata".to_owned(), json!({ "user_id": user }));
    }
    tools(chat, &mut made)?;
    Ok(Value::Object(made))
}

fn tools(chat: &Value, made: &mut Map<String, Value>) -> Result<(), Trouble> {
    let mut tools = Vec::new();
    for tool in list(chat, "tools") {
        let Some(function) = tool.get("function").filter(|_| text(tool, "type") == Some("function")) else {
            return no("This model knows no `tools` but functions.");
        };
        let schema = function.get("parameters").cloned().unwrap_or_else(|| json!({ "type": "object" }));
        let mut one = json!({ "name": function.get("name"), "input_schema": schema });
        if let (Some(one), Some(description)) = (one.as_object_mut(), function.get("description")) {
            one.insert("description".to_owned(), description.clone());
        }
        tools.push(one);
    }
    if tools.is_empty() {
        return Ok(());
    }
    made.insert("tools".to_owned(), Value::Array(tools));
    let mut choice = match chat.get("tool_choice") {
        Some(Value::String(choice)) => match choice.as_str() {
            "none" => json!({ "type": "none" }),
            "required" => json!({ "type": "any" }),
            _ => json!({ "type": "auto" }),
        },
        Some(choice @ Value::Object(_)) => {
            json!({ "type": "tool", "name": choice.pointer("/function/name") })
        }
        _ => json!({ "type": "auto" }),
    };
    let parallel = chat.get("parallel_tool_calls").and_then(Value::as_bool).unwrap_or(true);
    if let (false, Some(choice)) = (parallel, choice.as_object_mut()) {
        choice.insert("disable_parallel_tool_use".to_owned(), Value::Bool(true));
    }
    made.insert("tool_choice".to_owned(), choice);
    Ok(())
}

/// Adds to the last message where it is of the same side: the two must take turns.
fn push(messages: &mut Vec<Value>, role: &str, content: Vec<Value>) {
    if let Some(last) = messages.last_mut().filter(|last| text(last, "role") == Some(role))
        && let Some(before) = last.get_mut("content").and_then(Value::as_array_mut)
    {
        before.extend(content);
        return;
    }
    messages.push(json!({ "role": role, "content": content }));
}

/// The words of a content.
fn plain(content: &Value) -> String {
    match content {
        Value::String(words) => words.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| text(part, "text")).collect(),
        _ => String::new(),
    }
}

fn parts(content: &Value) -> Result<Vec<Value>, Trouble> {
    let Value::Array(parts) = content else { return Ok(vec![json!({ "type": "text", "text": plain(content) })]) };
    let mut made = Vec::with_capacity(parts.len());
    for part in parts {
        match text(part, "type") {
            Some("text") => made.push(json!({ "type": "text", "text": part.get("text") })),
            Some("image_url") => {
                let url = part.pointer("/image_url/url").and_then(Value::as_str).unwrap_or_default();
                made.push(json!({ "type": "image", "source": picture(url)? }));
            }
            _ => return no("A message has a part that this model does not know."),
        }
    }
    Ok(made)
}

fn picture(url: &str) -> Result<Value, Trouble> {
    if let Some(rest) = url.strip_prefix("data:") {
        let Some((kind, data)) = rest.split_once(";base64,") else {
            return no("A picture is not `data:…;base64,…`.");
        };
        return Ok(json!({ "type": "base64", "media_type": kind, "data": data }));
    }
    Ok(json!({ "type": "url", "url": url }))
}

/// What the model said and called before.
fn said_before(message: &Value) -> Result<Vec<Value>, Trouble> {
    let mut made = Vec::new();
    let words = plain(message.get("content").unwrap_or(&Value::Null));
    if !words.is_empty() {
        made.push(json!({ "type": "text", "text": words }));
    }
    for call in list(message, "tool_calls") {
        let arguments = call.pointer("/function/arguments").and_then(Value::as_str).unwrap_or("{}");
        let Ok(input) = serde_json::from_str::<Value>(if arguments.is_empty() { "{}" } else { arguments }) else {
            return no("The `arguments` of an earlier call are not JSON.");
        };
        made.push(json!({
            "type": "tool_use", "id": call.get("id"), "name": call.pointer("/function/name"), "input": input,
        }));
    }
    Ok(made)
}

/// Why it ended.
fn reason(stop: Option<&str>) -> &'static str {
    match stop {
        Some("max_tokens" | "model_context_window_exceeded") => "length",
        Some("tool_use") => "tool_calls",
        Some("refusal") => "content_filter",
        _ => "stop",
    }
}

fn usage(input: u64, read: u64, made: u64, output: u64) -> Value {
    let prompt = input.saturating_add(read).saturating_add(made);
    json!({
        "prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt.saturating_add(output),
        "prompt_tokens_details": { "cached_tokens": read },
    })
}

/// The answer's translator: whole, or event by event.
#[derive(Debug)]
pub(crate) struct FromMessages {
    /// When it is said to be made, seconds since 1970 UTC.
    created: i64,
    id: String,
    model: String,
    input: u64,
    read: u64,
    made: u64,
    output: u64,
    /// Which call a block of the answer is: (the block's place, the call's).
    calls: Vec<(u64, usize)>,
}

impl FromMessages {
    pub(crate) fn new() -> FromMessages {
        FromMessages {
            created: 0,
            id: String::new(),
            model: String::new(),
            input: 0,
            read: 0,
            made: 0,
            output: 0,
            calls: Vec::new(),
        }
    }

    /// A whole answer.
    pub(crate) fn whole(message: &Value) -> Option<Value> {
        let content = message.get("content")?.as_array()?;
        let words: String = content
            .iter()
            .filter(|block| text(block, "type") == Some("text"))
            .filter_map(|block| text(block, "text"))
            .collect();
        let calls: Vec<Value> = content
            .iter()
            .filter(|block| text(block, "type") == Some("tool_use"))
            .map(|block| {
                let arguments = block.get("input").map_or_else(|| "{}".to_owned(), Value::to_string);
                let function = json!({ "name": block.get("name"), "arguments": arguments });
                json!({ "id": block.get("id"), "type": "function", "function": function })
            })
            .collect();
        let content = if words.is_empty() && !calls.is_empty() { Value::Null } else { json!(words) };
        let mut said = json!({ "role": "assistant", "content": content, "refusal": null });
        if let (Some(said), false) = (said.as_object_mut(), calls.is_empty()) {
            said.insert("tool_calls".to_owned(), Value::Array(calls));
        }
        let used = message.get("usage").unwrap_or(&Value::Null);
        let (read, made) = (count(used, "cache_read_input_tokens"), count(used, "cache_creation_input_tokens"));
        Some(json!({
            "id": message.get("id"), "object": "chat.completion", "created": 0, "model": message.get("model"),
            "choices": [{
                "index": 0, "message": said, "logprobs": null, "finish_reason": reason(text(message, "stop_reason")),
            }],
            "usage": usage(count(used, "input_tokens"), read, made, count(used, "output_tokens")),
        }))
    }

    fn chunk(&self, choices: &Value, usage: &Value, out: &mut Vec<u8>) {
        let chunk = json!({
            "id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model,
            "choices": choices, "usage": usage,
        });
        events::plain(&chunk, out);
    }

    fn delta(&self, delta: Value, reason: Option<&str>, out: &mut Vec<u8>) {
        self.chunk(&json!([{ "index": 0, "delta": delta, "finish_reason": reason }]), &Value::Null, out);
    }

    fn used(&mut self, used: &Value) {
        for (name, into) in [
            ("input_tokens", &mut self.input),
            ("cache_read_input_tokens", &mut self.read),
            ("cache_creation_input_tokens", &mut self.made),
            ("output_tokens", &mut self.output),
        ] {
            *into = count(used, name).max(*into);
        }
    }
}

impl Events for FromMessages {
    fn event(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), Trouble> {
        let event: Value = serde_json::from_slice(data).map_err(|_| Trouble::Protocol)?;
        match text(&event, "type") {
            Some("message_start") => {
                let message = event.get("message").unwrap_or(&Value::Null);
                text(message, "id").unwrap_or_default().clone_into(&mut self.id);
                text(message, "model").unwrap_or_default().clone_into(&mut self.model);
                self.used(message.get("usage").unwrap_or(&Value::Null));
                self.delta(json!({ "role": "assistant", "content": "" }), None, out);
            }
            Some("content_block_start") => {
                let block = event.get("content_block").unwrap_or(&Value::Null);
                match text(block, "type") {
                    Some("tool_use") => {
                        let place = self.calls.len();
                        self.calls.push((count(&event, "index"), place));
                        let function = json!({ "name": block.get("name"), "arguments": "" });
                        let call =
                            json!({ "index": place, "id": block.get("id"), "type": "function", "function": function });
                        self.delta(json!({ "tool_calls": [call] }), None, out);
                    }
                    Some("text") => {
                        if let Some(words) = text(block, "text").filter(|words| !words.is_empty()) {
                            self.delta(json!({ "content": words }), None, out);
                        }
                    }
                    _ => {}
                }
            }
            Some("content_block_delta") => {
                let delta = event.get("delta").unwrap_or(&Value::Null);
                match text(delta, "type") {
                    Some("text_delta") => self.delta(json!({ "content": delta.get("text") }), None, out),
                    Some("input_json_delta") => {
                        let at = count(&event, "index");
                        let call = self.calls.iter().find(|(block, _)| *block == at).map_or(0, |(_, call)| *call);
                        let function = json!({ "arguments": delta.get("partial_json") });
                        self.delta(json!({ "tool_calls": [{ "index": call, "function": function }] }), None, out);
                    }
                    _ => {}
                }
            }
            Some("message_delta") => {
                self.used(event.get("usage").unwrap_or(&Value::Null));
                let stop = event.pointer("/delta/stop_reason").and_then(Value::as_str);
                if stop.is_some() {
                    self.delta(json!({}), Some(reason(stop)), out);
                }
            }
            Some("message_stop") => {
                self.chunk(&json!([]), &usage(self.input, self.read, self.made, self.output), out);
                out.extend_from_slice(b"data: [DONE]\n\n");
            }
            Some("error") => return Err(Trouble::Broken),
            // `ping`, the ends of blocks, and what comes to be said later.
            _ => {}
        }
        Ok(())
    }
}
