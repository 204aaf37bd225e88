//! Making an attack, and judging it.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tenantry_guard::{Guard, Reply};
use tenantry_policy::condition::ColumnRef;
use tenantry_policy::table::Field;
use tenantry_policy::{Bound, Code, Policy, Table, Tool};

use crate::attack::{Attack, Body, Invariant, Step, Tamper, Who};
use crate::sample::Sample;

/// A cursor where there is none to send.
const MADE_UP: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Who is who, and what is whose.
#[derive(Debug, Clone)]
pub struct Cast {
    /// The burglar.
    pub attacker: Arc<Bound>,
    /// Another user of the burglar's account.
    pub colleague: Arc<Bound>,
    /// The one whose rows the burglar is after.
    pub victim: Arc<Bound>,
    /// All that the burglar may see.
    pub own: Sample,
    /// Rows of which the burglar may see nothing.
    pub foreign: Sample,
}

/// What came of an attack.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The attack's name.
    pub attack: String,
    /// What did not hold; empty when all did.
    pub broken: Vec<String>,
}

impl Verdict {
    /// Did everything hold?
    #[must_use]
    pub fn held(&self) -> bool {
        self.broken.is_empty()
    }
}

/// An answer to one step.
struct Answer {
    who: Who,
    reply: Reply,
    json: Value,
}

/// Makes an attack and judges it.
pub async fn run(guard: &Guard, cast: &Cast, attack: &Attack) -> Verdict {
    let watched = attack.invariants.contains(&Invariant::NothingChanged);
    let model = model(attack);
    let before = if watched { seen(guard, cast, model).await } else { Vec::new() };
    let answers = make(guard, cast, &attack.steps).await;
    let mut broken = Vec::new();
    // Whatever is asked, it is refused or answered: a fault of ours is neither.
    if let Some(answer) = answers.iter().find(|answer| answer.reply.code == Some(Code::InternalError)) {
        broken.push(format!("internal error: {}", answer.json));
    }
    for invariant in &attack.invariants {
        let found = match invariant {
            Invariant::NoForeignRow => answers
                .iter()
                .zip(&attack.steps)
                .filter(|(answer, _)| answer.who == Who::Attacker)
                .find_map(|(answer, _)| foreign(cast, attack, answer)),
            Invariant::SameAsAbsent { twin, hiding } => {
                let twin = make(guard, cast, twin).await;
                differ(answers.last(), twin.last(), hiding)
            }
            Invariant::Refused(codes) => match answers.last().map(|answer| answer.reply.code) {
                Some(Some(code)) if codes.contains(&code) => None,
                other => Some(format!("answered {other:?} instead of a refusal with one of {codes:?}")),
            },
            Invariant::NothingChanged => {
                let after = seen(guard, cast, model).await;
                let changed = before.iter().zip(&after).find(|(before, after)| before != after);
                changed.map(|((what, before), (_, after))| format!("{what} changed: {before} -> {after}"))
            }
            Invariant::Done => match answers.last() {
                Some(answer) if answer.reply.code.is_none() => None,
                other => {
                    Some(format!("not done: {}", other.map_or_else(String::new, |answer| answer.json.to_string())))
                }
            },
        };
        if let Some(found) = found {
            let last = answers.last().map_or_else(String::new, |answer| answer.json.to_string());
            broken.push(format!("{}: {found}; the last answer: {last}", invariant.name()));
        }
    }
    Verdict { attack: attack.name.clone(), broken }
}

async fn make(guard: &Guard, cast: &Cast, steps: &[Step]) -> Vec<Answer> {
    let mut answers: Vec<Answer> = Vec::with_capacity(steps.len());
    for step in steps {
        let body = match (&step.body, step.cursor) {
            (Body::Raw(bytes), _) => bytes.clone(),
            (Body::Json(arguments), None) => arguments.to_string().into_bytes(),
            (Body::Json(arguments), Some(tamper)) => {
                let last = answers.last().and_then(|answer| answer.json.get("next_cursor")?.as_str());
                let mut arguments = arguments.clone();
                if let Some(members) = arguments.as_object_mut() {
                    members.insert("cursor".to_owned(), json!(tampered(last.unwrap_or(MADE_UP), tamper)));
                }
                arguments.to_string().into_bytes()
            }
        };
        let bound = match step.who {
            Who::Attacker => &cast.attacker,
            Who::Colleague => &cast.colleague,
            Who::Victim => &cast.victim,
        };
        let reply = guard.call(bound, &step.tool, &body).await;
        let json = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
        answers.push(Answer { who: step.who, reply, json });
    }
    answers
}

fn tampered(cursor: &str, tamper: Tamper) -> String {
    let count = cursor.chars().count();
    match tamper {
        Tamper::Keep => cursor.to_owned(),
        Tamper::Cut => cursor.chars().take(count.saturating_sub(1)).collect(),
        Tamper::Extend => cursor.chars().chain(['A']).collect(),
        Tamper::Change(part) => {
            // Never the last character, whose lowest bits may mean nothing.
            let place = (count.saturating_sub(2) * usize::from(part.min(100))) / 100;
            let change = |(at, c): (usize, char)| match (at == place, c) {
                (true, 'A') => 'B',
                (true, _) => 'A',
                (false, c) => c,
            };
            cursor.chars().enumerate().map(change).collect()
        }
    }
}

/// The model that the attacker's last call names.
fn model(attack: &Attack) -> Option<&str> {
    attack.steps.iter().rev().find_map(|step| match &step.body {
        Body::Json(value) if step.who == Who::Attacker => value.get("model")?.as_str(),
        _ => None,
    })
}

/// What attacker and victim see of the table that is attacked, or of all where none is named, by the
/// first page.
async fn seen(guard: &Guard, cast: &Cast, model: Option<&str>) -> Vec<(String, String)> {
    let mut pages = Vec::new();
    for (who, bound) in [("the victim's", &cast.victim), ("the attacker's", &cast.attacker)] {
        let tables = bound.policy.tables.iter().filter(|table| model.is_none_or(|model| model == table.name.as_ref()));
        for table in tables.filter(|table| bound.tools(table.id).has(Tool::Query)) {
            let take = table.budget.max_rows;
            let body = json!({ "model": table.name.as_ref(), "take": take }).to_string();
            let reply = guard.call(bound, Tool::Query.name(), body.as_bytes()).await;
            pages.push((format!("{who} {}", table.name), comparable(&reply, &[])));
        }
    }
    pages
}

/// An answer's text without what differs from call to call.
fn comparable(reply: &Reply, hiding: &[(String, &str)]) -> String {
    let mut text = String::from_utf8_lossy(&reply.body).replace(reply.request_id.as_ref(), "ID");
    let json: Value = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
    for place in ["/error/details/approval_id", "/next_cursor"] {
        if let Some(word) = json.pointer(place).and_then(Value::as_str) {
            text = text.replace(word, "ID");
        }
    }
    if !hiding.is_empty() {
        // A guess at what was meant depends on how a word is spelt, not on what it names.
        for hint in json.pointer("/error/hints").and_then(Value::as_array).into_iter().flatten() {
            if let Some(hint) = hint.as_str().filter(|hint| hint.starts_with("did you mean")) {
                text = text.replace(&[Value::from(hint).to_string().as_str(), ","].concat(), "");
            }
        }
    }
    for (word, stands_for) in hiding {
        text = text.replace(word.as_str(), stands_for);
    }
    text
}

fn differ(answer: Option<&Answer>, twin: Option<&Answer>, hiding: &[(String, String)]) -> Option<String> {
    let (Some(answer), Some(twin)) = (answer, twin) else { return Some("there is no answer".to_owned()) };
    let ours: Vec<_> = hiding.iter().map(|(word, _)| (word.clone(), "WORD")).collect();
    let theirs: Vec<_> = hiding.iter().map(|(_, word)| (word.clone(), "WORD")).collect();
    let (a, b) = (comparable(&answer.reply, &ours), comparable(&twin.reply, &theirs));
    if answer.reply.code == twin.reply.code && a == b {
        return None;
    }
    Some(format!("{:?} {a}, but about what is absent {:?} {b}", answer.reply.code, twin.reply.code))
}

/// What of the victim's rows, or of hidden fields, stands in an answer.
fn foreign(cast: &Cast, attack: &Attack, answer: &Answer) -> Option<String> {
    let policy = cast.attacker.policy.as_ref();
    let text = String::from_utf8_lossy(&answer.reply.body);
    // What the attacker wrote itself it may read back.
    let asked: String = attack
        .steps
        .iter()
        .map(|step| match &step.body {
            Body::Json(value) => value.to_string(),
            Body::Raw(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        })
        .collect();
    let own = cast.own.texts();
    let hidden = hidden_texts(policy, &cast.own);
    let loot: BTreeSet<&str> =
        cast.foreign.texts().into_iter().filter(|text| !own.contains(text)).chain(hidden).collect();
    // As JSON writes it, and as it is.
    let stands = |word: &str, place: &str| {
        let quoted = Value::from(word).to_string();
        place.contains(word) || place.contains(quoted.trim_matches('"'))
    };
    if let Some(word) = loot.iter().find(|word| stands(word, &text) && !stands(word, &asked)) {
        return Some(format!("`{word}` stands in the answer {text}"));
    }
    let table = policy.find(model(attack)?)?;
    let data = answer.json.get("data")?;
    rows(data).find_map(|row| foreign_row(cast, policy, table, row))
}

/// Clear values that are never shown, not even to those whose they are, unless they are also shown
/// somewhere else.
fn hidden_texts<'s>(policy: &Policy, own: &'s Sample) -> BTreeSet<&'s str> {
    let (mut hidden, mut shown) = (BTreeSet::new(), BTreeSet::new());
    for table in &policy.tables {
        for column in &table.columns {
            let texts = own.texts_of(&table.name, &column.facts.name);
            if column.field == Field::Allow { shown.extend(texts) } else { hidden.extend(texts) }
        }
    }
    hidden.difference(&shown).copied().collect()
}

/// The objects of an answer's `data`.
fn rows(data: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    data.as_array().map_or(std::slice::from_ref(data), Vec::as_slice).iter().filter_map(Value::as_object)
}

fn foreign_row(cast: &Cast, policy: &Policy, table: &Table, row: &Map<String, Value>) -> Option<String> {
    let name = |id| table.column(id).map(|column| column.facts.name.as_str());
    let theirs = cast.foreign.rows(&table.name);
    let keys: Vec<&str> = table.key.iter().filter_map(|id| name(*id)).collect();
    if !keys.is_empty()
        && keys.iter().all(|key| row.contains_key(*key))
        && theirs.iter().any(|other| keys.iter().all(|key| other.get(*key) == row.get(*key)))
    {
        return Some(format!("a foreign row of `{}`: {}", table.name, Value::from(row.clone())));
    }
    if let Some(ColumnRef::Own(id)) = table.tenant
        && let Some(tenant) = name(id)
        && let Some(value) = row.get(tenant)
        && theirs.iter().any(|other| other.get(tenant) == Some(value))
        && !cast.own.has(&table.name, tenant, value)
    {
        return Some(format!("a foreign tenant in `{}`: {}", table.name, Value::from(row.clone())));
    }
    table.relations.iter().find_map(|relation| {
        let other = policy.table(relation.to)?;
        rows(row.get(relation.name.as_ref())?).find_map(|row| foreign_row(cast, policy, other, row))
    })
}
