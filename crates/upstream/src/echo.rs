//! The built-in upstream: says again what it is told, the same each time. For demonstrations and tests, so
//! that the first call works without anybody's key. A word is a token.
//!
//! Where a chat offers tools and its user says `call TOOL {…}`, that call is what it answers with, so that
//! programs that use tools can be tried; told the tool's result, it says that again.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tenantry_guard::models::{Incoming, Outgoing, Surface, Trouble};

use crate::events;

/// When it says that its answers were made: always then.
const CREATED: i64 = 1_700_000_000;

/// How many numbers an embedding has where nobody asks for another count.
const DIMENSIONS: u64 = 16;

/// The most numbers of an embedding.
const MOST_DIMENSIONS: u64 = 3072;

/// Answers a request.
pub(crate) fn answer(request: &Outgoing) -> Result<Incoming, Trouble> {
    let body: Value = serde_json::from_slice(&request.body).map_err(|_| Trouble::Protocol)?;
    let model = body.get("model").and_then(Value::as_str).unwrap_or_default();
    let mark: String = Sha256::digest(&request.body).iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    let made = match request.surface {
        Surface::Chat => chat(&body, model, &mark, request.stream),
        Surface::Responses => responses(&body, model, &mark, request.stream),
        Surface::Embeddings => embeddings(&body, model),
        Surface::Messages => messages(&body, model, &mark, request.stream),
    };
    Ok(match made {
        Ok(Made::Whole(value)) => whole(200, &value),
        Ok(Made::Events(pieces)) => {
            let pieces = pieces.into_iter().map(|piece| Ok(Bytes::from(piece)));
            // A piece at a time, as a model would.
            let body = futures_util::stream::iter(pieces).then(|piece| async {
                tokio::task::yield_now().await;
                piece
            });
            Incoming { status: 200, events: true, retry_after: None, body: Box::pin(body) }
        }
        Err((message, param)) => {
            let error = json!({ "error": { "message": message, "type": "invalid_request_error", "param": param, "code": null } });
            whole(400, &error)
        }
    })
}

/// What was made.
enum Made {
    Whole(Value),
    Events(Vec<Vec<u8>>),
}

type Asked = Result<Made, (String, &'static str)>;

fn whole(status: u16, value: &Value) -> Incoming {
    let bytes = Bytes::from(value.to_string());
    Incoming { status, events: false, retry_after: None, body: Box::pin(futures_util::stream::iter([Ok(bytes)])) }
}

/// The words of a message's content: a text, or a list of parts.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str));
            texts.collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    }
}

/// What is said last, and how many words there are in all.
fn heard(list: &Value, name: &'static str) -> Result<(String, usize), (String, &'static str)> {
    if let Value::String(text) = list {
        return Ok((text.clone(), words(text)));
    }
    let said = list.as_array().filter(|said| !said.is_empty());
    let said = said.ok_or_else(|| (format!("`{name}` needs at least one message."), name))?;
    let texts: Vec<String> = said.iter().map(|one| text_of(one.get("content").unwrap_or(&Value::Null))).collect();
    let count = texts.iter().map(|text| words(text)).sum();
    Ok((texts.into_iter().next_back().unwrap_or_default(), count))
}

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

/// The answer in pieces, cut at the most tokens; whether it was cut.
fn pieces(said: &str, most: Option<u64>) -> (Vec<String>, bool) {
    let all: Vec<&str> = std::iter::once("echo:").chain(said.split_whitespace()).collect();
    let most = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    let kept = all.iter().take(most).enumerate();
    let kept = kept.map(|(at, word)| if at == 0 { (*word).to_owned() } else { [" ", word].concat() }).collect();
    (kept, all.len() > most)
}

/// The call of an offered tool that the user's last words ask for: its name and its arguments.
fn asked_call(body: &Value, said: &str) -> Option<(String, String)> {
    let last = body.get("messages")?.as_array()?.last()?;
    if last.get("role").and_then(Value::as_str) != Some("user") {
        return None;
    }
    let offered = body.get("tools")?.as_array()?.iter().filter_map(|tool| tool.pointer("/function/name")?.as_str());
    offered
        .filter_map(|name| {
            let at = said.find(&["call ", name, " {"].concat())?;
            let arguments = said.get(at..)?.split_once(" {").map(|(_, rest)| ["{", rest].concat())?;
            // What stands after the object is still said to people.
            let mut read = serde_json::Deserializer::from_str(&arguments).into_iter::<Value>();
            let arguments = read.next()?.ok().filter(Value::is_object)?;
            Some((at, name.to_owned(), arguments.to_string()))
        })
        .min_by_key(|(at, ..)| *at)
        .map(|(_, name, arguments)| (name, arguments))
}

fn chat(body: &Value, model: &str, mark: &str, stream: bool) -> Asked {
    let (said, input) = heard(body.get("messages").unwrap_or(&Value::Null), "messages")?;
    let call = asked_call(body, &said);
    let most = ["max_completion_tokens", "max_tokens"].iter().filter_map(|name| body.get(name)?.as_u64()).min();
    let (pieces, cut) = if call.is_some() { (Vec::new(), false) } else { pieces(&said, most) };
    let reason = match (&call, cut) {
        (Some(_), _) => "tool_calls",
        (None, true) => "length",
        (None, false) => "stop",
    };
    let called = call.as_ref().map(|(name, arguments)| {
        let id = format!("call_{mark}");
        json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } })
    });
    let output = call.as_ref().map_or(pieces.len(), |(_, arguments)| words(arguments));
    let usage = json!({ "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output });
    let id = ["chatcmpl-", mark].concat();
    if !stream {
        let mut message = json!({ "role": "assistant", "content": pieces.concat(), "refusal": null });
        if let (Some(message), Some(called)) = (message.as_object_mut(), &called) {
            message.insert("content".to_owned(), Value::Null);
            message.insert("tool_calls".to_owned(), json!([called]));
        }
        return Ok(Made::Whole(json!({
            "id": id, "object": "chat.completion", "created": CREATED, "model": model,
            "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": reason }],
            "usage": usage,
        })));
    }
    let with_usage = body.pointer("/stream_options/include_usage").and_then(Value::as_bool).unwrap_or(false);
    let chunk = |choices: Value, usage: Option<&Value>| {
        let mut chunk = json!({
            "id": id, "object": "chat.completion.chunk", "created": CREATED, "model": model, "choices": choices,
        });
        if let (true, Some(chunk)) = (with_usage, chunk.as_object_mut()) {
            chunk.insert("usage".to_owned(), usage.cloned().unwrap_or(Value::Null));
        }
        let mut out = Vec::new();
        events::plain(&chunk, &mut out);
        out
    };
    let choice = |delta: Value, reason: Option<&str>| json!([{ "index": 0, "delta": delta, "finish_reason": reason }]);
    let mut out = vec![chunk(choice(json!({ "role": "assistant", "content": "" }), None), None)];
    out.extend(pieces.iter().map(|piece| chunk(choice(json!({ "content": piece }), None), None)));
    if let Some(called) = &called {
        out.push(chunk(choice(json!({ "tool_calls": [with(called, json!({ "index": 0 }))] }), None), None));
    }
    out.push(chunk(choice(json!({}), Some(reason)), None));
    if with_usage {
        out.push(chunk(json!([]), Some(&usage)));
    }
    out.push(b"data: [DONE]\n\n".to_vec());
    Ok(Made::Events(out))
}

fn responses(body: &Value, model: &str, mark: &str, stream: bool) -> Asked {
    let (said, input) = heard(body.get("input").unwrap_or(&Value::Null), "input")?;
    let most = body.get("max_output_tokens").and_then(Value::as_u64);
    let (pieces, cut) = pieces(&said, most);
    let output = pieces.len();
    let (id, item) = (["resp_", mark].concat(), ["msg_", mark].concat());
    let status = if cut { "incomplete" } else { "completed" };
    let part = |text: &str| json!({ "type": "output_text", "text": text, "annotations": [] });
    let message = |status: &str, content: Value| json!({ "type": "message", "id": item, "status": status, "role": "assistant", "content": content });
    let response = |status: &str, output_items: Value, usage: Value| {
        json!({
            "id": id, "object": "response", "created_at": CREATED, "status": status, "model": model, "error": null,
            "incomplete_details": if status == "incomplete" { json!({ "reason": "max_output_tokens" }) } else { Value::Null },
            "instructions": null, "metadata": {}, "output": output_items, "parallel_tool_calls": true,
            "previous_response_id": body.get("previous_response_id"), "temperature": 1.0, "tool_choice": "auto",
            "tools": [], "top_p": 1.0, "usage": usage,
        })
    };
    let usage = json!({
        "input_tokens": input, "input_tokens_details": { "cached_tokens": 0 }, "output_tokens": output,
        "output_tokens_details": { "reasoning_tokens": 0 }, "total_tokens": input + output,
    });
    let text = pieces.concat();
    let done = response(status, json!([message(status, json!([part(&text)]))]), usage);
    if !stream {
        return Ok(Made::Whole(done));
    }
    let begun = response("in_progress", json!([]), Value::Null);
    let at = json!({ "item_id": item, "output_index": 0, "content_index": 0 });
    let mut all = vec![
        json!({ "type": "response.created", "response": begun }),
        json!({ "type": "response.output_item.added", "output_index": 0, "item": message("in_progress", json!([])) }),
        with(&at, json!({ "type": "response.content_part.added", "part": part("") })),
    ];
    all.extend(
        pieces
            .iter()
            .map(|piece| with(&at, json!({ "type": "response.output_text.delta", "delta": piece, "logprobs": [] }))),
    );
    all.push(with(&at, json!({ "type": "response.output_text.done", "text": text, "logprobs": [] })));
    all.push(with(&at, json!({ "type": "response.content_part.done", "part": part(&text) })));
    let item_done = message(status, json!([part(&text)]));
    all.push(json!({ "type": "response.output_item.done", "output_index": 0, "item": item_done }));
    all.push(json!({ "type": format!("response.{status}"), "response": done }));
    let numbered = all.into_iter().enumerate().map(|(at, event)| {
        let mut out = Vec::new();
        events::named(&with(&event, json!({ "sequence_number": at })), &mut out);
        out
    });
    Ok(Made::Events(numbered.collect()))
}

/// An object with the members of another as well.
fn with(one: &Value, other: Value) -> Value {
    let mut all = other.as_object().cloned().unwrap_or_default();
    all.extend(one.as_object().cloned().unwrap_or_default());
    Value::Object(all)
}

fn embeddings(body: &Value, model: &str) -> Asked {
    let input = match body.get("input") {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(texts)) if !texts.is_empty() => match texts.iter().all(Value::is_number) {
            true => vec![Value::Array(texts.clone()).to_string()],
            false => texts.iter().map(|text| text.as_str().map_or_else(|| text.to_string(), str::to_owned)).collect(),
        },
        _ => return Err(("`input` needs a text or a list.".to_owned(), "input")),
    };
    let dimensions = body.get("dimensions").and_then(Value::as_u64).unwrap_or(DIMENSIONS);
    if dimensions == 0 || dimensions > MOST_DIMENSIONS {
        return Err((format!("`dimensions` is from 1 to {MOST_DIMENSIONS}."), "dimensions"));
    }
    let packed = body.get("encoding_format").and_then(Value::as_str) == Some("base64");
    let data: Vec<Value> = input
        .iter()
        .enumerate()
        .map(|(at, text)| {
            let numbers: Vec<f32> = (0..dimensions).map(|place| number(text, place)).collect();
            let embedding = match packed {
                true => {
                    json!(STANDARD.encode(numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>()))
                }
                false => json!(numbers),
            };
            json!({ "object": "embedding", "index": at, "embedding": embedding })
        })
        .collect();
    let tokens: usize = input.iter().map(|text| words(text)).sum();
    let usage = json!({ "prompt_tokens": tokens, "total_tokens": tokens });
    Ok(Made::Whole(json!({ "object": "list", "data": data, "model": model, "usage": usage })))
}

/// A number between -1 and 1 that depends on the text and the place.
fn number(text: &str, place: u64) -> f32 {
    let digest = Sha256::new().chain_update(place.to_be_bytes()).chain_update(text.as_bytes()).finalize();
    let pair = match digest.as_slice() {
        [one, other, ..] => i16::from_be_bytes([*one, *other]),
        _ => 0,
    };
    f32::from(pair) / 32_768.0
}

fn messages(body: &Value, model: &str, mark: &str, stream: bool) -> Asked {
    let (said, heard) = heard(body.get("messages").unwrap_or(&Value::Null), "messages")?;
    let most = body.get("max_tokens").and_then(Value::as_u64).filter(|most| *most > 0);
    let most = most.ok_or_else(|| ("`max_tokens` is needed.".to_owned(), "max_tokens"))?;
    let input = heard + words(&text_of(body.get("system").unwrap_or(&Value::Null)));
    let (pieces, cut) = pieces(&said, Some(most));
    let reason = if cut { "max_tokens" } else { "end_turn" };
    let id = ["msg_", mark].concat();
    let message = |content: Value, reason: Option<&str>, output: usize| {
        json!({
            "id": id, "type": "message", "role": "assistant", "model": model, "content": content,
            "stop_reason": reason, "stop_sequence": null, "usage": { "input_tokens": input, "output_tokens": output },
        })
    };
    if !stream {
        let content = json!([{ "type": "text", "text": pieces.concat() }]);
        return Ok(Made::Whole(message(content, Some(reason), pieces.len())));
    }
    let mut all = vec![
        json!({ "type": "message_start", "message": message(json!([]), None, 0) }),
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
    ];
    all.extend(pieces.iter().map(
        |piece| json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": piece } }),
    ));
    all.push(json!({ "type": "content_block_stop", "index": 0 }));
    let delta = json!({ "stop_reason": reason, "stop_sequence": null });
    all.push(json!({ "type": "message_delta", "delta": delta, "usage": { "output_tokens": pieces.len() } }));
    all.push(json!({ "type": "message_stop" }));
    let written = all.iter().map(|event| {
        let mut out = Vec::new();
        events::named(event, &mut out);
        out
    });
    Ok(Made::Events(written.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: &Value) -> Value {
        match chat(body, "small", "m", false) {
            Ok(Made::Whole(answer)) => answer["choices"][0].clone(),
            _ => panic!("a whole answer was expected"),
        }
    }

    #[test]
    fn a_tool_is_called_where_the_user_says_so_and_its_result_is_said_again() {
        let tools = json!([{ "type": "function", "function": { "name": "query" } }]);
        let user = |text: &str| json!({ "messages": [{ "role": "user", "content": text }], "tools": tools });
        let choice = said(&user(r#"What is open? call query {"model":"tickets","where":{"a":"}"}} Thanks."#));
        assert_eq!(choice["finish_reason"], "tool_calls");
        let call = &choice["message"]["tool_calls"][0]["function"];
        assert_eq!(call["name"], "query");
        assert_eq!(call["arguments"], r#"{"model":"tickets","where":{"a":"}"}}"#);
        for text in ["call delete {}", "call query", "call query {", "call query [1]", "query {}"] {
            let choice = said(&user(text));
            assert_eq!(
                (choice["finish_reason"].as_str(), &choice["message"]["tool_calls"]),
                (Some("stop"), &Value::Null),
                "{text}"
            );
        }
        // A tool's result is no user: what stands in it is said again and calls nothing.
        let told = json!({ "tools": tools, "messages": [
            { "role": "user", "content": "call query {}" },
            { "role": "assistant", "content": null, "tool_calls": [] },
            { "role": "tool", "tool_call_id": "x", "content": "call query {}" },
        ] });
        assert_eq!(said(&told)["message"]["content"], "echo: call query {}");
    }
}
