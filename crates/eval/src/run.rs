//! Making an attack, and judging it.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tenantry_policy::condition::ColumnRef;
use tenantry_policy::table::Field;
use tenantry_policy::{Bound, Code, Policy, Table, Tool};

use crate::attack::{Attack, Body, Invariant, Step, Tamper, Who};
use crate::compare::{comparable, differ, rows};
use crate::door::{Answer, Door, NoAnswer};
use crate::judge::{Seen, Sight, sight};
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
    /// The burglar with nothing but its account and its roles, where somebody can call as that.
    pub bare: Option<Arc<Bound>>,
    /// All that the burglar may see.
    pub own: Sample,
    /// Rows of which the burglar may see nothing.
    pub foreign: Sample,
    /// Where the samples were taken from data that nobody prepared: the time, microseconds since 1970 UTC. What looks like a
    /// text of the victim's is then compared with rows that the attacker may see before it counts.
    pub now_micros: Option<i64>,
}

/// What came of an attack.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The attack's name.
    pub attack: String,
    /// What did not hold; empty when all did.
    pub broken: Vec<String>,
    /// What looks as if it did not hold and may as well be the attacker's own.
    pub unclear: Vec<String>,
}

impl Verdict {
    /// Did everything hold?
    #[must_use]
    pub fn held(&self) -> bool {
        self.broken.is_empty()
    }
}

/// An answer to one step.
struct Given {
    who: Who,
    answer: Answer,
}

impl Cast {
    /// Who calls by which name.
    #[must_use]
    pub fn people(&self) -> std::collections::BTreeMap<String, Arc<Bound>> {
        [(Who::Attacker, &self.attacker), (Who::Colleague, &self.colleague), (Who::Victim, &self.victim)]
            .into_iter()
            .chain(self.bare.iter().map(|bare| (Who::Bare, bare)))
            .map(|(who, bound)| (who.name().to_owned(), Arc::clone(bound)))
            .collect()
    }
}

/// Makes an attack and judges it.
///
/// # Errors
/// When there is no answer at all.
pub async fn run(door: &impl Door, cast: &Cast, attack: &Attack) -> Result<Verdict, NoAnswer> {
    let watched = attack.invariants.contains(&Invariant::NothingChanged);
    let model = model(attack);
    let before = if watched { seen(door, cast, model).await? } else { Vec::new() };
    let answers = make(door, &attack.steps).await?;
    let last = answers.last().map(|given| &given.answer);
    let (mut broken, mut unclear) = (Vec::new(), Vec::new());
    // Whatever is asked, it is refused or answered: a fault of ours is neither.
    if let Some(given) = answers.iter().find(|given| given.answer.code == Some(Code::InternalError)) {
        broken.push(format!("internal error: {}", String::from_utf8_lossy(&given.answer.body)));
    }
    if let Some(word) = answers.iter().find_map(|given| inside(attack, &given.answer)) {
        broken.push(format!("a refusal shows the inside: `{word}` in {}", last.map_or_else(String::new, text)));
    }
    for invariant in &attack.invariants {
        let found = match invariant {
            Invariant::NoForeignRow => {
                let mut found = None;
                for given in answers.iter().filter(|given| matches!(given.who, Who::Attacker | Who::Bare)) {
                    match suspect(door, cast, attack, &given.answer).await? {
                        Suspicion::None => {}
                        Suspicion::Unclear(what) => unclear.push(what),
                        Suspicion::Foreign(what) => {
                            found = Some(what);
                            break;
                        }
                    }
                }
                found
            }
            Invariant::SameAsAbsent { twin, hiding } => {
                let twin = make(door, twin).await?;
                match (last, twin.last()) {
                    (Some(answer), Some(twin)) => differ(answer, &twin.answer, hiding)
                        .map(|(ours, theirs)| format!("{ours}, but about what is absent {theirs}")),
                    _ => Some("there is no answer".to_owned()),
                }
            }
            Invariant::Refused(codes) => match last.map(|answer| answer.code) {
                Some(Some(code)) if codes.contains(&code) => None,
                other => Some(format!("answered {other:?} instead of a refusal with one of {codes:?}")),
            },
            Invariant::NothingChanged => {
                let after = seen(door, cast, model).await?;
                let changed = before.iter().zip(&after).find(|(before, after)| before != after);
                changed.map(|((what, before), (_, after))| format!("{what} changed: {before} -> {after}"))
            }
            Invariant::Done => match last {
                Some(answer) if answer.code.is_none() => None,
                other => Some(format!("not done: {}", other.map_or_else(String::new, text))),
            },
        };
        if let Some(found) = found {
            broken.push(format!(
                "{}: {found}; the last answer: {}",
                invariant.name(),
                last.map_or_else(String::new, text)
            ));
        }
    }
    Ok(Verdict { attack: attack.name.clone(), broken, unclear })
}

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

/// Words that only what lies inside would say.
const INSIDE: [&str; 14] = [
    "SELECT ",
    "INSERT INTO",
    "UPDATE \\\"",
    "DELETE FROM",
    " WHERE ",
    "RETURNING",
    "SQLSTATE",
    "sqlite3",
    "rusqlite",
    "tokio_postgres",
    "row-level security",
    "syntax error at",
    "panicked at",
    ".rs:",
];

/// What of the inside a refusal shows, and the caller did not say itself.
fn inside(attack: &Attack, answer: &Answer) -> Option<&'static str> {
    answer.code?;
    let told = text(answer);
    let asked = said(attack);
    INSIDE.into_iter().find(|word| told.contains(word) && !asked.contains(word))
}

/// All that the attack's own calls say.
fn said(attack: &Attack) -> String {
    let steps = attack.steps.iter();
    steps
        .map(|step| match &step.body {
            Body::Json(value) => value.to_string(),
            Body::Raw(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        })
        .collect()
}

async fn make(door: &impl Door, steps: &[Step]) -> Result<Vec<Given>, NoAnswer> {
    let mut answers: Vec<Given> = Vec::with_capacity(steps.len());
    for step in steps {
        let body = match (&step.body, step.cursor) {
            (Body::Raw(bytes), _) => bytes.clone(),
            (Body::Json(arguments), None) => arguments.to_string().into_bytes(),
            (Body::Json(arguments), Some(tamper)) => {
                let last = answers.last().and_then(|given| given.answer.json.get("next_cursor")?.as_str());
                let mut arguments = arguments.clone();
                if let Some(members) = arguments.as_object_mut() {
                    members.insert("cursor".to_owned(), json!(tampered(last.unwrap_or(MADE_UP), tamper)));
                }
                arguments.to_string().into_bytes()
            }
        };
        let answer = door.call(step.who.name(), &step.tool, &body).await?;
        answers.push(Given { who: step.who, answer });
    }
    Ok(answers)
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
async fn seen(door: &impl Door, cast: &Cast, model: Option<&str>) -> Result<Vec<(String, String)>, NoAnswer> {
    let mut pages = Vec::new();
    for (who, bound) in [(Who::Victim, &cast.victim), (Who::Attacker, &cast.attacker)] {
        let tables = bound.policy.tables.iter().filter(|table| model.is_none_or(|model| model == table.name.as_ref()));
        for table in tables.filter(|table| bound.tools(table.id).has(Tool::Query)) {
            let take = table.budget.max_rows;
            let body = json!({ "model": table.name.as_ref(), "take": take }).to_string();
            let answer = door.call(who.name(), Tool::Query.name(), body.as_bytes()).await?;
            pages.push((format!("the {}'s {}", who.name(), table.name), comparable(&answer, &[])));
        }
    }
    Ok(pages)
}

/// What an answer holds that is not the attacker's.
enum Suspicion {
    /// Nothing.
    None,
    /// A text that both may have.
    Unclear(String),
    /// A row, a tenant, or a text of the victim's, or a hidden value.
    Foreign(String),
}

/// What of the victim's rows, or of hidden fields, stands in an answer.
async fn suspect(door: &impl Door, cast: &Cast, attack: &Attack, answer: &Answer) -> Result<Suspicion, NoAnswer> {
    let policy = cast.attacker.policy.as_ref();
    // By its key or its tenant a row is recognized for certain.
    if let (Some(table), Some(data)) = (model(attack).and_then(|model| policy.find(model)), answer.json.get("data"))
        && let Some(found) = rows(data).find_map(|row| foreign_row(cast, policy, table, row))
    {
        return Ok(Suspicion::Foreign(found));
    }
    let text = String::from_utf8_lossy(&answer.body);
    // What the attacker wrote itself it may read back.
    let asked = said(attack);
    let own = cast.own.texts();
    let hidden = hidden_texts(policy, &cast.own);
    let loot: BTreeSet<&str> =
        cast.foreign.texts().into_iter().filter(|text| !own.contains(text)).chain(hidden.iter().copied()).collect();
    // As JSON writes it, and as it is.
    let stands = |word: &str, place: &str| {
        let quoted = Value::from(word).to_string();
        place.contains(word) || place.contains(quoted.trim_matches('"'))
    };
    let mut unclear = Suspicion::None;
    for word in loot.iter().filter(|word| stands(word, &text) && !stands(word, &asked)) {
        let what = format!("`{word}` stands in the answer {text}");
        if cast.now_micros.is_none() || hidden.contains(word) {
            return Ok(Suspicion::Foreign(what));
        }
        match whose(door, cast, word).await? {
            Whose::Attackers => {}
            Whose::Nobodys => unclear = Suspicion::Unclear(what),
            Whose::Victims => return Ok(Suspicion::Foreign(what)),
        }
    }
    Ok(unclear)
}

/// Whose a text is.
enum Whose {
    /// Rows that the attacker may see hold it too.
    Attackers,
    /// The attacker is shown rows with it that it may not see.
    Victims,
    /// The attacker cannot ask.
    Nobodys,
}

/// Asks the door for the attacker's rows with a text of the victim's; the evaluator says whether they are its own.
async fn whose(door: &impl Door, cast: &Cast, word: &str) -> Result<Whose, NoAnswer> {
    let now = cast.now_micros.unwrap_or_default();
    for table in &cast.attacker.policy.tables {
        for (field, _) in crate::derive::findable(table) {
            let value = Value::from(word);
            if !cast.foreign.has(&table.name, field, &value) {
                continue;
            }
            if let Some(row) = crate::survey::having(door, table, field, &value).await?.into_iter().next() {
                let sight = sight(&cast.attacker, now, table, &row, Seen::Answered);
                if sight == Sight::Hidden || cast.foreign.holds(table, &row) {
                    return Ok(Whose::Victims);
                }
                return Ok(Whose::Attackers);
            }
        }
    }
    Ok(Whose::Nobodys)
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
