//! Attacks on what stands before the guard: tokens, headers, paths, methods, and the APIs for people and
//! accounts. Requests as bytes, answers as statuses; nothing here is our own code's opinion of them.

mod forge;
mod people;
mod requests;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::door::{Asked, NoAnswer, Told, Wire};

pub use people::{ApiFacts, Insider, insiders};
pub use requests::{Hand, requests};

/// One request that must not get anywhere.
#[derive(Debug, Clone, PartialEq)]
pub struct WireAttack {
    /// What kind of attack it is: one of [`WIRE_FAMILIES`].
    pub family: &'static str,
    /// What it tries.
    pub name: String,
    /// The request.
    pub ask: Asked,
    /// What must come of it.
    pub must: Must,
}

/// The kinds of attacks over HTTP.
pub const WIRE_FAMILIES: &[&str] =
    &["tokens", "other audiences", "headers", "paths", "methods", "content types", "identity", "approvals"];

/// What must come of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Must {
    /// One of these statuses.
    Answer(Vec<u16>),
    /// The answer to this request, but for its id; pairs of words count as equal (ours, the other's).
    BeAs(Asked, Vec<(String, String)>),
    /// One of these statuses, or the answer to this request.
    AnswerOrBeAs(Vec<u16>, Asked),
}

/// Makes an attack. `loot` are texts of the victim's that no answer may hold, unless the request says them
/// itself. What did not hold, or `None`.
///
/// # Errors
/// When there is no answer at all.
pub async fn intrude(
    wire: &impl Wire,
    attack: &WireAttack,
    loot: &BTreeSet<String>,
) -> Result<Option<String>, NoAnswer> {
    let told = wire.send(attack.ask.clone()).await?;
    let text = String::from_utf8_lossy(&told.body).into_owned();
    let said = said(&attack.ask);
    if let Some(word) = loot.iter().find(|word| text.contains(word.as_str()) && !said.contains(word.as_str())) {
        return Ok(Some(format!("`{word}` stands in the answer {} {}", told.status, clip(&text))));
    }
    if told.status >= 500 && told.status != 501 {
        return Ok(Some(format!("a fault of ours: {} {}", told.status, clip(&text))));
    }
    let plain = |told: &Told| comparable(told, &[]);
    Ok(match &attack.must {
        Must::Answer(statuses) => (!statuses.contains(&told.status))
            .then(|| format!("answered {} instead of {statuses:?}: {}", told.status, clip(&text))),
        Must::BeAs(other, hiding) => {
            let twin = wire.send(other.clone()).await?;
            let ours: Vec<(&str, &str)> = hiding.iter().map(|(word, _)| (word.as_str(), "WORD")).collect();
            let theirs: Vec<(&str, &str)> = hiding.iter().map(|(_, word)| (word.as_str(), "WORD")).collect();
            let (a, b) = (comparable(&told, &ours), comparable(&twin, &theirs));
            (told.status != twin.status || a != b)
                .then(|| format!("answered {} {}, and otherwise {} {}", told.status, clip(&a), twin.status, clip(&b)))
        }
        Must::AnswerOrBeAs(statuses, other) => {
            if statuses.contains(&told.status) {
                None
            } else {
                let twin = wire.send(other.clone()).await?;
                (told.status != twin.status || plain(&told) != plain(&twin))
                    .then(|| format!("answered {} {}, and otherwise {}", told.status, clip(&plain(&told)), twin.status))
            }
        }
    })
}

/// All that a request says but its token.
fn said(asked: &Asked) -> String {
    let headers = asked.headers.iter().filter(|(name, _)| name != "authorization").map(|(_, value)| value.as_str());
    let mut text: String = headers.collect::<Vec<_>>().join(" ");
    text.push_str(&asked.path);
    text.push_str(&String::from_utf8_lossy(&asked.body));
    text
}

/// An answer's text without what differs from call to call.
fn comparable(told: &Told, hiding: &[(&str, &str)]) -> String {
    let mut text = String::from_utf8_lossy(&told.body).into_owned();
    let json: Value = serde_json::from_slice(&told.body).unwrap_or(Value::Null);
    for place in ["/error/details/request_id", "/next_cursor", "/error/details/approval_id"] {
        if let Some(word) = json.pointer(place).and_then(Value::as_str).filter(|word| !word.is_empty()) {
            text = text.replace(word, "ID");
        }
    }
    for (word, stands_for) in hiding {
        text = text.replace(word, stands_for);
    }
    text
}

fn clip(text: &str) -> String {
    const MOST: usize = 300;
    let start: String = text.chars().take(MOST).collect();
    if text.chars().nth(MOST).is_some() { start + "…" } else { start }
}
