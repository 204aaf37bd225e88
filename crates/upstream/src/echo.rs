//! The built-in upstream: says again what it is told, the same each time. For demonstrations and tests, so
//! that the first call works without anybody's key. A word is a token.
//!
//! Where tools are offered and the user says `call TOOL {…}`, that call is what it answers with, so that programs that
//! use tools can be tried; told the tool's result, it says that again. Where a form is asked for (JSON, or a schema),
//! it answers with the least that has it.

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

/// The most answers of one chat.
const MOST_CHOICES: u64 = 128;

/// The most numbers of an embedding.
const MOST_DIMENSIONS: u64 = 3072;

/// Answers a request.
pub(crate) fn answer(request: &Outgoing) -> Result<Incoming, Trouble> {
    let body = crate::read(&request.body)?;
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

/// The words of a message's content: a text, or a list of parts, among them the results of tools.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| match part.get("text").and_then(Value::as_str) {
                Some(text) => Some(text.to_owned()),
                None => part.get("content").map(text_of),
            });
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
    let content = |one: &Value| text_of(one.get("content").or_else(|| one.get("output")).unwrap_or(&Value::Null));
    let texts: Vec<String> = said.iter().map(content).collect();
    let count = texts.iter().map(|text| words(text)).sum();
    Ok((texts.into_iter().next_back().unwrap_or_default(), count))
}

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

/// The answer in pieces, cut at the most tokens; whether it was cut.
fn pieces(said: &str, format: Option<&Value>, most: Option<u64>) -> (Vec<String>, bool) {
    let text = formed(format, said).unwrap_or_else(|| ["echo: ", said].concat());
    let all: Vec<&str> = text.split_whitespace().collect();
    let most = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    let kept = all.iter().take(most).enumerate();
    let kept = kept.map(|(at, word)| if at == 0 { (*word).to_owned() } else { [" ", word].concat() }).collect();
    (kept, all.len() > most)
}

/// Does a person speak last, rather than the model or a tool?
fn asked_by_user(said: Option<&Value>) -> bool {
    let last = match said {
        Some(Value::String(_)) => return true,
        said => said.and_then(Value::as_array).and_then(|all| all.last()),
    };
    let results = |content: &Value| {
        let blocks = content.as_array().map_or(&[][..], Vec::as_slice);
        blocks.iter().any(|block| block.get("type").and_then(Value::as_str) == Some("tool_result"))
    };
    last.is_some_and(|last| {
        last.get("role").and_then(Value::as_str) == Some("user") && !last.get("content").is_some_and(results)
    })
}

/// The call of an offered tool that the user's last words ask for: its name and its arguments. `name` is where a tool
/// has its name.
fn asked_call(body: &Value, turns: &str, name: &str, said: &str) -> Option<(String, Value)> {
    if !asked_by_user(body.get(turns)) {
        return None;
    }
    let offered = body.get("tools")?.as_array()?.iter().filter_map(|tool| tool.pointer(name)?.as_str());
    offered
        .filter_map(|name| {
            let at = said.find(&["call ", name, " {"].concat())?;
            let arguments = said.get(at..)?.split_once(" {").map(|(_, rest)| ["{", rest].concat())?;
            // What stands after the object is still said to people.
            let mut read = serde_json::Deserializer::from_str(&arguments).into_iter::<Value>();
            let arguments = read.next()?.ok().filter(Value::is_object)?;
            Some((at, name.to_owned(), arguments))
        })
        .min_by_key(|(at, ..)| *at)
        .map(|(_, name, arguments)| (name, arguments))
}

/// What is answered where a form is asked for: the least that has it, with what was said in its texts. `None` where
/// texts are free.
fn formed(format: Option<&Value>, said: &str) -> Option<String> {
    let format = format?;
    match format.get("type")?.as_str()? {
        "json_object" => Some(json!({ "echo": said }).to_string()),
        "json_schema" => {
            let schema = format.pointer("/json_schema/schema").or_else(|| format.get("schema"))?;
            Some(instance(schema, schema, said, 0).to_string())
        }
        _ => None,
    }
}

/// The least value that a schema lets pass, as far as models are asked for such.
fn instance(root: &Value, schema: &Value, said: &str, depth: usize) -> Value {
    if depth > 16 {
        return Value::Null;
    }
    let inner = |schema: &Value| instance(root, schema, said, depth + 1);
    if let Some(place) = schema.get("$ref").and_then(Value::as_str) {
        return root.pointer(place.trim_start_matches('#')).map_or(Value::Null, inner);
    }
    if let Some(value) = schema.get("const").or_else(|| schema.pointer("/enum/0")) {
        return value.clone();
    }
    if let Some(first) = ["/anyOf/0", "/oneOf/0", "/allOf/0"].into_iter().find_map(|place| schema.pointer(place)) {
        return inner(first);
    }
    let kind = schema.get("type");
    match kind.and_then(Value::as_str).or_else(|| kind?.get(0)?.as_str()) {
        Some("string") => json!(said),
        Some("integer" | "number") => json!(words(said)),
        Some("boolean") => json!(true),
        Some("array") => json!([inner(schema.get("items").unwrap_or(&Value::Null))]),
        Some("object") => {
            let members = schema.get("properties").and_then(Value::as_object);
            members.into_iter().flatten().map(|(name, schema)| (name.clone(), inner(schema))).collect()
        }
        _ => Value::Null,
    }
}

fn chat(body: &Value, model: &str, mark: &str, stream: bool) -> Asked {
    let (said, input) = heard(body.get("messages").unwrap_or(&Value::Null), "messages")?;
    let call = asked_call(body, "messages", "/function/name", &said).map(|(name, input)| (name, input.to_string()));
    let most = ["max_completion_tokens", "max_tokens"].iter().filter_map(|name| body.get(name)?.as_u64()).min();
    let format = body.get("response_format");
    let (pieces, cut) = if call.is_some() { (Vec::new(), false) } else { pieces(&said, format, most) };
    let many = body.get("n").and_then(Value::as_u64).unwrap_or(1).clamp(1, MOST_CHOICES);
    let reason = match (&call, cut) {
        (Some(_), _) => "tool_calls",
        (None, true) => "length",
        (None, false) => "stop",
    };
    let called = call.as_ref().map(|(name, arguments)| {
        let id = format!("call_{mark}");
        json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } })
    });
    let one = call.as_ref().map_or(pieces.len(), |(_, arguments)| words(arguments));
    let output = one.saturating_mul(usize::try_from(many).unwrap_or(1));
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
            "choices": (0..many).map(|index| {
                json!({ "index": index, "message": message, "logprobs": null, "finish_reason": reason })
            }).collect::<Vec<_>>(),
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
    let mut out = Vec::new();
    for index in 0..many {
        let mut tell = |delta: Value, reason: Option<&str>| {
            out.push(chunk(json!([{ "index": index, "delta": delta, "finish_reason": reason }]), None));
        };
        tell(json!({ "role": "assistant", "content": "" }), None);
        for piece in &pieces {
            tell(json!({ "content": piece }), None);
        }
        if let Some(called) = &called {
            tell(json!({ "tool_calls": [with(called, json!({ "index": 0 }))] }), None);
        }
        tell(json!({}), Some(reason));
    }
    if with_usage {
        out.push(chunk(json!([]), Some(&usage)));
    }
    out.push(b"data: [DONE]\n\n".to_vec());
    Ok(Made::Events(out))
}

fn responses(body: &Value, model: &str, mark: &str, stream: bool) -> Asked {
    let (said, input) = heard(body.get("input").unwrap_or(&Value::Null), "input")?;
    let most = body.get("max_output_tokens").and_then(Value::as_u64);
    let called = asked_call(body, "input", "/name", &said).map(|(name, input)| (name, input.to_string()));
    let (pieces, cut) = pieces(&said, body.pointer("/text/format"), most);
    let cut = cut && called.is_none();
    let output = called.as_ref().map_or(pieces.len(), |(_, arguments)| words(arguments));
    let id = ["resp_", mark].concat();
    let status = if cut { "incomplete" } else { "completed" };
    let response = |status: &str, output_items: Value, usage: Value| {
        json!({
            "id": id, "object": "response", "created_at": CREATED, "status": status, "model": model, "error": null,
            "incomplete_details": if status == "incomplete" { json!({ "reason": "max_output_tokens" }) } else { Value::Null },
            "instructions": null, "metadata": {}, "output": output_items, "parallel_tool_calls": true,
            "previous_response_id": body.get("previous_response_id"), "temperature": 1.0, "tool_choice": "auto",
            "tools": body.get("tools").cloned().unwrap_or_else(|| json!([])), "top_p": 1.0, "usage": usage,
        })
    };
    let usage = json!({
        "input_tokens": input, "input_tokens_details": { "cached_tokens": 0 }, "output_tokens": output,
        "output_tokens_details": { "reasoning_tokens": 0 }, "total_tokens": input + output,
    });
    let (item, told) = match &called {
        Some((name, arguments)) => function_call(name, arguments, mark),
        None => message(&pieces, status, mark),
    };
    let done = response(status, json!([item]), usage);
    if !stream {
        return Ok(Made::Whole(done));
    }
    let begun = response("in_progress", json!([]), Value::Null);
    let mut all = vec![
        json!({ "type": "response.created", "response": begun }),
        json!({ "type": "response.in_progress", "response": begun }),
    ];
    all.extend(told);
    all.push(json!({ "type": "response.output_item.done", "output_index": 0, "item": item }));
    all.push(json!({ "type": format!("response.{status}"), "response": done }));
    let numbered = all.into_iter().enumerate().map(|(at, event)| {
        let mut out = Vec::new();
        events::named(&with(&event, json!({ "sequence_number": at })), &mut out);
        out
    });
    Ok(Made::Events(numbered.collect()))
}

/// A message among the items of a response, and the events that tell it piece by piece.
fn message(pieces: &[String], status: &str, mark: &str) -> (Value, Vec<Value>) {
    let id = ["msg_", mark].concat();
    let part = |text: &str| json!({ "type": "output_text", "text": text, "annotations": [] });
    let item = |status: &str, content: Value| json!({ "type": "message", "id": id, "status": status, "role": "assistant", "content": content });
    let text = pieces.concat();
    let at = json!({ "item_id": id, "output_index": 0, "content_index": 0 });
    let mut told = vec![
        json!({ "type": "response.output_item.added", "output_index": 0, "item": item("in_progress", json!([])) }),
        with(&at, json!({ "type": "response.content_part.added", "part": part("") })),
    ];
    let deltas = pieces.iter();
    told.extend(
        deltas.map(|piece| with(&at, json!({ "type": "response.output_text.delta", "delta": piece, "logprobs": [] }))),
    );
    told.push(with(&at, json!({ "type": "response.output_text.done", "text": text, "logprobs": [] })));
    told.push(with(&at, json!({ "type": "response.content_part.done", "part": part(&text) })));
    (item(status, json!([part(&text)])), told)
}

/// A call of a function among the items of a response, and the events that tell it.
fn function_call(name: &str, arguments: &str, mark: &str) -> (Value, Vec<Value>) {
    let id = ["fc_", mark].concat();
    let item = |status: &str, arguments: &str| {
        json!({
            "type": "function_call", "id": id, "call_id": format!("call_{mark}"), "name": name, "arguments": arguments,
            "status": status,
        })
    };
    let at = json!({ "item_id": id, "output_index": 0 });
    let told = vec![
        json!({ "type": "response.output_item.added", "output_index": 0, "item": item("in_progress", "") }),
        with(&at, json!({ "type": "response.function_call_arguments.delta", "delta": arguments })),
        with(&at, json!({ "type": "response.function_call_arguments.done", "name": name, "arguments": arguments })),
    ];
    (item("completed", arguments), told)
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
    let called = asked_call(body, "messages", "/name", &said);
    let (pieces, cut) = pieces(&said, None, Some(most));
    let output = called.as_ref().map_or(pieces.len(), |(_, arguments)| words(&arguments.to_string()));
    let reason = match (&called, cut) {
        (Some(_), _) => "tool_use",
        (None, true) => "max_tokens",
        (None, false) => "end_turn",
    };
    let id = ["msg_", mark].concat();
    let message = |content: Value, reason: Option<&str>, output: usize| {
        json!({
            "id": id, "type": "message", "role": "assistant", "model": model, "content": content,
            "stop_reason": reason, "stop_sequence": null, "usage": { "input_tokens": input, "output_tokens": output },
        })
    };
    // A block as it begins, what is added to it, and as it is when it is whole.
    let (begun, deltas, whole) = match &called {
        Some((name, arguments)) => {
            let used = |input: &Value| json!({ "type": "tool_use", "id": format!("toolu_{mark}"), "name": name, "input": input });
            let delta = json!({ "type": "input_json_delta", "partial_json": arguments.to_string() });
            (used(&json!({})), vec![delta], used(arguments))
        }
        None => {
            let text = |text: &str| json!({ "type": "text", "text": text });
            let deltas = pieces.iter().map(|piece| json!({ "type": "text_delta", "text": piece }));
            (text(""), deltas.collect(), text(&pieces.concat()))
        }
    };
    if !stream {
        return Ok(Made::Whole(message(json!([whole]), Some(reason), output)));
    }
    let mut all = vec![
        json!({ "type": "message_start", "message": message(json!([]), None, 0) }),
        json!({ "type": "content_block_start", "index": 0, "content_block": begun }),
    ];
    let deltas = deltas.into_iter();
    all.extend(deltas.map(|delta| json!({ "type": "content_block_delta", "index": 0, "delta": delta })));
    all.push(json!({ "type": "content_block_stop", "index": 0 }));
    let delta = json!({ "stop_reason": reason, "stop_sequence": null });
    all.push(json!({ "type": "message_delta", "delta": delta, "usage": { "output_tokens": output } }));
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

    fn events(made: Asked) -> Vec<Value> {
        let Ok(Made::Events(events)) = made else { panic!("events were expected") };
        let data = |event: &Vec<u8>| {
            let text = String::from_utf8(event.clone()).unwrap();
            serde_json::from_str(text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap()).unwrap()
        };
        events.iter().map(data).collect()
    }

    #[test]
    fn a_tool_is_called_in_every_form_and_its_result_said_again() {
        let tools = json!([{ "type": "function", "name": "query", "parameters": {} }]);
        let ask = |input: Value| json!({ "input": input, "tools": tools });
        let Ok(Made::Whole(answer)) = responses(&ask(json!(r#"call query {"a":1}"#)), "m", "x", false) else {
            panic!()
        };
        let call = &answer["output"][0];
        assert_eq!(
            (&call["type"], &call["name"], &call["arguments"]),
            (&json!("function_call"), &json!("query"), &json!(r#"{"a":1}"#))
        );
        let told =
            events(responses(&ask(json!([{ "role": "user", "content": r#"call query {"a":1}"# }])), "m", "x", true));
        let kinds: Vec<&str> = told.iter().map(|event| event["type"].as_str().unwrap()).collect();
        assert_eq!(
            kinds,
            [
                "response.created",
                "response.in_progress",
                "response.output_item.added",
                "response.function_call_arguments.delta",
                "response.function_call_arguments.done",
                "response.output_item.done",
                "response.completed",
            ]
        );
        assert!(told.iter().enumerate().all(|(at, event)| event["sequence_number"] == at));
        let result = json!([{ "type": "function_call_output", "call_id": "call_x", "output": "call query {}" }]);
        let Ok(Made::Whole(answer)) = responses(&ask(result), "m", "x", false) else { panic!() };
        assert_eq!(answer["output"][0]["content"][0]["text"], "echo: call query {}");

        let tools = json!([{ "name": "query", "input_schema": {} }]);
        let ask = |content: Value| json!({ "max_tokens": 99, "tools": tools, "messages": [{ "role": "user", "content": content }] });
        let Ok(Made::Whole(answer)) = messages(&ask(json!(r#"call query {"a":1}"#)), "m", "x", false) else { panic!() };
        assert_eq!((&answer["stop_reason"], &answer["content"][0]["input"]), (&json!("tool_use"), &json!({ "a": 1 })));
        let told = events(messages(&ask(json!(r#"call query {"a":1}"#)), "m", "x", true));
        assert_eq!(told[1]["content_block"]["input"], json!({}));
        assert_eq!(told[2]["delta"], json!({ "type": "input_json_delta", "partial_json": r#"{"a":1}"# }));
        let result = json!([{ "type": "tool_result", "tool_use_id": "toolu_x", "content": [{ "type": "text", "text": "call query {}" }] }]);
        let Ok(Made::Whole(answer)) = messages(&ask(result), "m", "x", false) else { panic!() };
        assert_eq!(answer["content"][0]["text"], "echo: call query {}");
    }

    #[test]
    fn a_form_is_kept_and_as_many_answers_given_as_are_asked_for() {
        let schema = json!({
            "type": "object", "$defs": { "day": { "type": "string" } },
            "properties": { "day": { "$ref": "#/$defs/day" }, "people": { "type": "array", "items": { "type": "integer" } },
                "kind": { "enum": ["a", "b"] } },
        });
        let format = json!({ "type": "json_schema", "json_schema": { "name": "x", "schema": schema } });
        let body =
            json!({ "n": 3, "response_format": format, "messages": [{ "role": "user", "content": "on friday" }] });
        let Ok(Made::Whole(answer)) = chat(&body, "m", "x", false) else { panic!() };
        assert_eq!(answer["choices"].as_array().unwrap().len(), 3);
        assert_eq!(answer["choices"][2]["message"]["content"], r#"{"day":"on friday","people":[2],"kind":"a"}"#);
        assert_eq!(answer["usage"]["completion_tokens"], 6);
        assert_eq!(events_of_chat(&body), 3);
    }

    /// How many answers end.
    fn events_of_chat(body: &Value) -> usize {
        let Ok(Made::Events(events)) = chat(body, "m", "x", true) else { panic!() };
        events.iter().filter(|event| String::from_utf8_lossy(event).contains("\"finish_reason\":\"stop\"")).count()
    }
}
