use serde_json::{Value, json};
use tenantry_guard::models::{Partition, TargetParts};

use super::*;

/// What events become, one by one.
fn told(mut events: impl Events, said: &[Value]) -> Vec<Value> {
    let mut out = Vec::new();
    for event in said {
        let data = match event {
            Value::String(text) => text.clone(),
            event => event.to_string(),
        };
        events.event(data.as_bytes(), &mut out).unwrap();
    }
    let text = String::from_utf8(out).unwrap();
    text.lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap_or_else(|_| json!(data)))
        .collect()
}

fn keeping(partition: &[Partition]) -> TargetParts {
    TargetParts { partition: partition.to_vec(), ..TargetParts::default() }
}

fn conversation() -> Value {
    json!({
        "model": "m", "max_completion_tokens": 99, "temperature": 1.5, "stop": "END", "user": "t-hash", "stream": true,
        "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": [
                { "type": "text", "text": "What is this?" },
                { "type": "image_url", "image_url": { "url": "data:image/png;base64,AAAA" } },
            ] },
            { "role": "assistant", "content": null, "tool_calls": [
                { "id": "c1", "type": "function", "function": { "name": "look", "arguments": "{\"at\":1}" } },
            ] },
            { "role": "tool", "tool_call_id": "c1", "content": "a cat" },
            { "role": "user", "content": "And?" },
        ],
        "tools": [{ "type": "function", "function": {
            "name": "look", "description": "Looks", "parameters": { "type": "object" } } }],
        "tool_choice": "required", "parallel_tool_calls": false,
    })
}

#[test]
fn a_conversation_of_chat_becomes_one_of_messages_and_back() {
    let messages = chat_request(&conversation()).unwrap();
    assert_eq!(
        messages,
        json!({
            "model": "m", "max_tokens": 99, "system": "Be brief.", "temperature": 1.0, "stop_sequences": ["END"],
            "stream": true, "metadata": { "user_id": "t-hash" },
            "messages": [
                { "role": "user", "content": [
                    { "type": "text", "text": "What is this?" },
                    { "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "AAAA" } },
                ] },
                { "role": "assistant", "content": [
                    { "type": "tool_use", "id": "c1", "name": "look", "input": { "at": 1 } },
                ] },
                { "role": "user", "content": [
                    { "type": "tool_result", "tool_use_id": "c1", "content": "a cat" },
                    { "type": "text", "text": "And?" },
                ] },
            ],
            "tools": [{ "name": "look", "description": "Looks", "input_schema": { "type": "object" } }],
            "tool_choice": { "type": "any", "disable_parallel_tool_use": true },
        })
    );
    let chat = messages_request(&messages, &keeping(&[Partition::User, Partition::CacheSalt])).unwrap();
    assert_eq!(
        chat,
        json!({
            "model": "m", "max_completion_tokens": 99, "temperature": 1.0, "stop": ["END"], "stream": true,
            "stream_options": { "include_usage": true }, "user": "t-hash", "cache_salt": "t-hash",
            "messages": [
                { "role": "system", "content": "Be brief." },
                { "role": "user", "content": [
                    { "type": "text", "text": "What is this?" },
                    { "type": "image_url", "image_url": { "url": "data:image/png;base64,AAAA" } },
                ] },
                { "role": "assistant", "content": null, "tool_calls": [
                    { "id": "c1", "type": "function", "function": { "name": "look", "arguments": "{\"at\":1}" } },
                ] },
                { "role": "tool", "tool_call_id": "c1", "content": "a cat" },
                { "role": "user", "content": [{ "type": "text", "text": "And?" }] },
            ],
            "tools": [{ "type": "function", "function": {
                "name": "look", "description": "Looks", "parameters": { "type": "object" } } }],
            "tool_choice": "required", "parallel_tool_calls": false,
        })
    );
}

#[test]
fn what_changes_the_answer_and_has_no_word_is_refused() {
    for (name, value) in [
        ("n", json!(2)),
        ("logprobs", json!(true)),
        ("response_format", json!({ "type": "json_object" })),
        ("tools", json!([{ "type": "web_search" }])),
        ("messages", json!([{ "role": "function", "content": "x" }])),
        ("messages", json!([{ "role": "user", "content": [{ "type": "input_audio" }] }])),
    ] {
        let mut chat = conversation();
        chat[name] = value;
        assert!(matches!(chat_request(&chat), Err(Trouble::Untranslatable(_))), "{name}");
    }
    for (name, value) in [
        ("thinking", json!({ "type": "enabled", "budget_tokens": 1024 })),
        ("tools", json!([{ "type": "web_search_20250305", "name": "web_search" }])),
        ("messages", json!([{ "role": "user", "content": [{ "type": "document" }] }])),
    ] {
        let mut messages = json!({ "model": "m", "max_tokens": 1, "messages": [] });
        messages[name] = value;
        assert!(matches!(messages_request(&messages, &keeping(&[])), Err(Trouble::Untranslatable(_))), "{name}");
    }
}

#[test]
fn whole_answers_are_told_in_the_other_words() {
    let message = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "tool_use",
        "content": [
            { "type": "text", "text": "Let me see." },
            { "type": "tool_use", "id": "t1", "name": "look", "input": { "at": 2 } },
        ],
        "usage": { "input_tokens": 10, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 1, "output_tokens": 3 },
    });
    let chat = FromMessages::whole(&message).unwrap();
    assert_eq!(chat["choices"][0]["message"]["content"], "Let me see.");
    assert_eq!(chat["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"], "{\"at\":2}");
    assert_eq!(chat["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(
        chat["usage"],
        json!({ "prompt_tokens": 15, "completion_tokens": 3, "total_tokens": 18, "prompt_tokens_details": { "cached_tokens": 4 } })
    );
    let back = FromChat::whole(&chat).unwrap();
    assert_eq!((&back["content"], &back["stop_reason"]), (&message["content"], &message["stop_reason"]));
    assert_eq!((&back["usage"]["input_tokens"], &back["usage"]["cache_read_input_tokens"]), (&json!(11), &json!(4)));
    for (stop, finish) in [("end_turn", "stop"), ("max_tokens", "length"), ("refusal", "content_filter")] {
        let mut message = message.clone();
        message["stop_reason"] = json!(stop);
        let chat = FromMessages::whole(&message).unwrap();
        assert_eq!(chat["choices"][0]["finish_reason"], finish);
        assert_eq!(FromChat::whole(&chat).unwrap()["stop_reason"], stop);
    }
    assert!(FromMessages::whole(&json!({ "x": 1 })).is_none() && FromChat::whole(&json!({ "x": 1 })).is_none());
}

#[test]
fn streams_are_told_in_the_other_words_and_back() {
    let messages = [
        json!({ "type": "message_start", "message": { "id": "msg_1", "model": "m", "usage": { "input_tokens": 9, "output_tokens": 1 } } }),
        json!({ "type": "ping" }),
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
        json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": "Let" } }),
        json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": " me" } }),
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({ "type": "content_block_start", "index": 1, "content_block": { "type": "tool_use", "id": "t1", "name": "look", "input": {} } }),
        json!({ "type": "content_block_delta", "index": 1, "delta": { "type": "input_json_delta", "partial_json": "{\"at\"" } }),
        json!({ "type": "content_block_delta", "index": 1, "delta": { "type": "input_json_delta", "partial_json": ":2}" } }),
        json!({ "type": "content_block_stop", "index": 1 }),
        json!({ "type": "message_delta", "delta": { "stop_reason": "tool_use" }, "usage": { "output_tokens": 7 } }),
        json!({ "type": "message_stop" }),
    ];
    let chat = told(FromMessages::new(), &messages);
    let deltas: Vec<&Value> = chat.iter().map(|chunk| &chunk["choices"][0]["delta"]).collect();
    assert_eq!(*deltas[0], json!({ "role": "assistant", "content": "" }));
    assert_eq!((deltas[1]["content"].as_str(), deltas[2]["content"].as_str()), (Some("Let"), Some(" me")));
    assert_eq!(deltas[3]["tool_calls"][0]["function"]["name"], "look");
    assert_eq!(deltas[4]["tool_calls"][0], json!({ "index": 0, "function": { "arguments": "{\"at\"" } }));
    assert_eq!(chat[6]["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(chat[7]["choices"], json!([]));
    assert_eq!((&chat[7]["usage"]["prompt_tokens"], &chat[7]["usage"]["completion_tokens"]), (&json!(9), &json!(7)));
    assert_eq!(chat[8], "[DONE]");

    let back = told(FromChat::default(), &chat);
    let kinds: Vec<&str> = back.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
            "content_block_start",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
    assert_eq!(back[5]["content_block"], json!({ "type": "tool_use", "id": "t1", "name": "look", "input": {} }));
    assert_eq!(back[9]["delta"]["stop_reason"], "tool_use");
    assert_eq!((&back[9]["usage"]["input_tokens"], &back[9]["usage"]["output_tokens"]), (&json!(9), &json!(7)));

    let mut out = Vec::new();
    let failed = json!({ "type": "error", "error": { "type": "overloaded_error", "message": "Overloaded" } });
    assert_eq!(FromMessages::new().event(failed.to_string().as_bytes(), &mut out), Err(Trouble::Broken));
    assert_eq!(FromChat::default().event(b"{\"error\":{\"message\":\"x\"}}", &mut out), Err(Trouble::Broken));
    assert!(out.is_empty());
}
