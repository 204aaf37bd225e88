//! The demo's calls of AI models: one that a role permits, and two that look alike from outside.

use serde_json::{Value, json};

use crate::demo::trials::{Caller, Expect, Fact, Step, Trial};

/// What the demo's models stand behind.
pub const API: &str = "https://models.desk.example/";

/// Where calls of models go.
const CHAT: &str = "/v1/chat/completions";

fn chat(model: &str, said: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": said }] })
}

/// An agent may call the small model; to a manager, and to anybody who asks for the large one, there is none.
pub fn trials() -> Vec<Trial> {
    let agent = Caller::OfModels { account: "northwind", user: "ana@northwind.example" };
    let manager = Caller::OfModels { account: "northwind", user: "max@northwind.example" };
    let step = |body: Value, expect: Expect| Step { tool: CHAT, body, headers: &[], expect };
    let content = "/choices/0/message/content";
    vec![
        Trial {
            name: "agent-calls-model",
            role: "an agent of Northwind",
            caller: agent,
            steps: vec![step(
                chat("small", "Is the printer on?"),
                Expect::Bare(vec![Fact::Is(content, json!("echo: Is the printer on?"))]),
            )],
            sees: "the small model's answer".to_owned(),
            why: "the role `agent` permits `use:small` on the models' API, and the token is for it",
        },
        Trial {
            name: "manager-has-no-model",
            role: "a manager of Northwind",
            caller: manager,
            steps: vec![
                step(chat("small", "Is the printer on?"), Expect::BareRefused("model_not_found")),
                step(chat("huge", "Is the printer on?"), Expect::BareRefused("model_not_found")),
            ],
            sees: "no such model: the one that the role does not permit looks like one that does not exist".to_owned(),
            why: "the role `manager` permits nothing on the models' API",
        },
    ]
}
