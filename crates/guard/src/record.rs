//! What a call leaves in the audit: an entry before the act and one after it.

use std::time::Duration;

use sha2::{Digest, Sha256};
use tenantry_policy::reason::{Reason, active_rules, reasons};
use tenantry_policy::{Access, Bound, Code, Context, Denied};
use tenantry_source::ChangeRecord;
use tenantry_sql::Program;
use tenantry_store::{Decision, Entry, Phase, Receipt, Store, StoreError};

use crate::explain::{self, Shown};
use crate::json::{Json, write_text};
use crate::sanitize;

/// A call on its way, as the audit will tell it.
pub(crate) struct Call {
    entry: Entry,
    receipt: Option<Receipt>,
    /// Has the entry before the act been written?
    pub(crate) started: bool,
    /// Was the database's answer to a commit lost?
    pub(crate) uncertain: bool,
    /// The caller's reason.
    pub(crate) reason: Option<String>,
    /// Are the rules and the statements shown to somebody?
    explained: bool,
    /// The rules in play, for `ask`.
    pub(crate) reasons: Vec<Reason>,
    /// The statements, for `ask`.
    pub(crate) statements: Vec<Shown>,
    now_micros: i64,
}

/// The most bytes that the keys, the rows before or the rows after a write take in an entry: all three
/// fit beside its names.
const MOST_IMAGES: usize = tenantry_store::MAX_ENTRY_BYTES / 4;

/// The error of an entry about a write whose commit was never answered.
const UNCERTAIN: &str = "OUTCOME_UNKNOWN";

/// How a call ended.
pub(crate) enum Outcome {
    /// Done.
    Done { body: Vec<u8>, count: u64, changes: Vec<ChangeRecord> },
    /// Refused or failed.
    Refused { denied: Denied, details: Vec<(&'static str, Json)> },
}

impl Call {
    pub(crate) fn new(context: &Context, tool: &str, body: &[u8], explained: bool) -> Call {
        let principal = &context.bound.principal;
        let tool: String = tool.chars().filter(|c| !c.is_control()).take(64).collect();
        let tool = if tool.is_empty() { "none".to_owned() } else { tool };
        let mut entry = Entry::started(&context.request_id, context.bound.account(), &tool, context.now_micros);
        entry.workspace.clone_from(&principal.workspace_id);
        entry.user.clone_from(&principal.user_id);
        entry.client.clone_from(&principal.client_id);
        entry.delegate.clone_from(&principal.delegate);
        entry.request_digest = hex(&Sha256::digest(body));
        entry.policy_version = context.bound.policy.short_version();
        Call {
            entry,
            receipt: None,
            started: false,
            uncertain: false,
            reason: None,
            explained,
            reasons: Vec::new(),
            statements: Vec::new(),
            now_micros: context.now_micros,
        }
    }

    /// Notes the arguments, without values of hidden fields.
    pub(crate) fn inputs(&mut self, bound: &Bound, arguments: &Json) {
        if let Json::Object(members) = arguments
            && let Some((_, Json::Text(model))) = members.iter().find(|(name, _)| name == "model")
        {
            self.entry.model = Some(model.chars().filter(|c| !c.is_control()).take(64).collect());
        }
        self.entry.inputs = Some(sanitize::arguments(bound, arguments).to_text());
    }

    /// Notes the rules in play.
    pub(crate) fn accesses(&mut self, bound: &Bound, accesses: &[Access]) {
        for access in accesses {
            let Some(table) = bound.policy.table(access.table) else { continue };
            for rule in active_rules(table, access) {
                let address = rule.address.to_string();
                if !self.entry.reasons.contains(&address) {
                    self.entry.reasons.push(address);
                }
            }
            if self.explained {
                for reason in reasons(&bound.policy, access) {
                    if !self.reasons.contains(&reason) {
                        self.reasons.push(reason);
                    }
                }
            }
        }
    }

    /// Notes that somebody approved the call.
    pub(crate) fn approved(&mut self, id: &str) {
        let id: String = id.chars().filter(|c| !c.is_control()).take(64).collect();
        self.entry.reasons.push(["approval.", &id].concat());
    }

    /// Notes what the rules put into the statements.
    pub(crate) fn program(&mut self, program: &Program) {
        let statements = explain::statements(program);
        if self.explained {
            self.statements = statements.iter().map(|statement| explain::show(statement)).collect();
        }
        let mut text = String::from("[");
        for (rule, sql) in explain::scopes(&statements) {
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str("{\"rule\":");
            write_text(&rule, &mut text);
            text.push_str(",\"sql\":");
            write_text(&sql, &mut text);
            text.push('}');
        }
        text.push(']');
        self.entry.scopes = Some(text);
    }
}

/// Writes the entry before the act. It is durable when this returns.
pub(crate) async fn start(store: &Store, call: &mut Call) -> Result<(), StoreError> {
    let receipt = store.append(&call.entry).await?;
    call.receipt = Some(receipt);
    call.started = true;
    Ok(())
}

/// Writes the entry after the act, or the only entry of a refusal. False when it could not be
/// written; an act that was started then shows in the audit as started and never ended.
pub(crate) async fn end(store: &Store, call: Call, outcome: &Outcome, elapsed: Duration) -> bool {
    let request = call.entry.id.clone();
    let time = call.now_micros.saturating_add(i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX));
    let mut entry = match (&call.receipt, outcome) {
        (Some(receipt), Outcome::Done { .. }) => call.entry.into_ended(receipt, Phase::Completed, time),
        // Not done, and not failed either: it waits for somebody.
        (Some(receipt), Outcome::Refused { denied, .. }) if denied.code == Code::WriteApprovalRequired => {
            let mut entry = call.entry.into_ended(receipt, Phase::Denied, time);
            entry.decision = Decision::Denied;
            entry.code = Some(denied.code.name().to_owned());
            entry
        }
        (Some(receipt), Outcome::Refused { .. }) => call.entry.into_ended(receipt, Phase::Failed, time),
        (None, _) => {
            let mut entry = call.entry;
            entry.phase = Phase::Denied;
            entry.time_micros = time;
            entry
        }
    };
    entry.duration_micros = i64::try_from(elapsed.as_micros()).ok();
    match outcome {
        Outcome::Done { count, changes, .. } => {
            entry.rows = i64::try_from(*count).ok();
            if !changes.is_empty() {
                entry.keys = Some(bounded(images(changes, |change| Some(&change.key))));
                entry.before = Some(bounded(images(changes, |change| change.before.as_ref())));
                entry.after = Some(bounded(images(changes, |change| change.after.as_ref())));
            }
        }
        Outcome::Refused { denied, .. } => {
            if call.receipt.is_none() {
                entry.decision = Decision::Denied;
                entry.code = Some(denied.code.name().to_owned());
            }
            // The record must not say of an act that it was not done when nobody knows.
            entry.error = Some(if call.uncertain { UNCERTAIN } else { denied.code.name() }.to_owned());
        }
    }
    match store.append(entry).await {
        Ok(_) => true,
        Err(error) => {
            tracing::error!(%request, %error, "the audit's second entry cannot be written");
            false
        }
    }
}

/// A JSON array of row images, as the source wrote them.
fn images<'c>(changes: &'c [ChangeRecord], pick: impl Fn(&'c ChangeRecord) -> Option<&'c Vec<u8>>) -> String {
    let mut text = String::from("[");
    for (at, change) in changes.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        match pick(change) {
            Some(bytes) => text.push_str(&String::from_utf8_lossy(bytes)),
            None => text.push_str("null"),
        }
    }
    text.push(']');
    text
}

/// The images themselves, or what identifies them when the entry could not hold them: an entry that is
/// too large would not be written at all, and the write would stand in the audit without an end.
fn bounded(images: String) -> String {
    if images.len() <= MOST_IMAGES {
        return images;
    }
    format!("{{\"omitted_bytes\":{},\"sha256\":\"{}\"}}", images.len(), hex(&Sha256::digest(&images)))
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
    text
}
