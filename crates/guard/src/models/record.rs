//! What a model call leaves in the audit: an entry before the upstream is asked and one after. No prompt, no
//! answer, no key.

use std::time::Duration;

use sha2::{Digest, Sha256};
use tenantry_store::{Decision, Entry, Phase, Receipt, Store, StoreError};

use super::body::{Parsed, quoted};
use super::caller::Caller;
use super::refusal::Refusal;
use super::surface::Surface;
use super::usage::Usage;

/// A call on its way, as the audit will tell it.
#[derive(Debug)]
pub(crate) struct Record {
    entry: Entry,
    receipt: Option<Receipt>,
    begun_micros: i64,
}

fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}

impl Record {
    pub(crate) fn new(
        id: &str,
        caller: &Caller,
        surface: Surface,
        body: &[u8],
        now_micros: i64,
        version: &str,
    ) -> Record {
        let principal = &caller.principal;
        let mut entry = Entry::started(id, caller.account(), surface.tool(), now_micros);
        entry.workspace.clone_from(&principal.workspace_id);
        entry.user.clone_from(&principal.user_id);
        // A key stands where the client of a token would.
        entry.client = caller.key.as_deref().map(str::to_owned).or_else(|| principal.client_id.clone());
        entry.delegate.clone_from(&principal.delegate);
        entry.request_digest = hex(&Sha256::digest(body));
        version.clone_into(&mut entry.policy_version);
        Record { entry, receipt: None, begun_micros: now_micros }
    }

    /// Notes what was asked, without a word of the prompt.
    pub(crate) fn asked(&mut self, parsed: &Parsed<'_>, bytes: usize) {
        self.entry.model = Some(shown(&parsed.model));
        let max = parsed.max_tokens.map_or_else(|| "null".to_owned(), |max| max.to_string());
        self.entry.inputs = Some(format!(
            "{{\"model\":{},\"stream\":{},\"max_tokens\":{max},\"choices\":{},\"bytes\":{bytes}}}",
            quoted(&shown(&parsed.model)),
            parsed.stream,
            parsed.choices,
        ));
    }

    /// Notes what let it pass.
    pub(crate) fn allowed_by(&mut self, api: &str, permission: &str) {
        self.entry.reasons.push(["permission.", permission, "@", api].concat());
    }

    /// Writes the entry before the act. It is durable when this returns.
    pub(crate) async fn start(&mut self, store: &Store) -> Result<(), StoreError> {
        self.receipt = Some(store.append(&self.entry).await?);
        Ok(())
    }

    /// Writes the only entry of a call that was refused. False when it could not be written.
    pub(crate) async fn refused(self, store: &Store, refusal: &Refusal) -> bool {
        let mut entry = self.entry;
        entry.phase = Phase::Denied;
        entry.decision = Decision::Denied;
        entry.code = Some(refusal.kind.code().to_owned());
        entry.error.clone_from(&entry.code);
        appended(store, entry).await
    }

    /// Writes the entry after the act.
    pub(crate) async fn end(self, store: &Store, told: Told<'_>) -> bool {
        let Some(receipt) = &self.receipt else { return false };
        let micros = i64::try_from(told.took.as_micros()).unwrap_or(i64::MAX);
        let phase = if told.error.is_some() { Phase::Failed } else { Phase::Completed };
        let mut entry = self.entry.into_ended(receipt, phase, self.begun_micros.saturating_add(micros));
        entry.duration_micros = Some(micros);
        entry.error = told.error.map(str::to_owned);
        let Usage { input, cached_input, output, reported, .. } = told.usage;
        entry.after = Some(format!(
            "{{\"upstream\":{},\"input_tokens\":{input},\"cached_tokens\":{cached_input},\"output_tokens\":{output},\
             \"reported\":{reported},\"cost_micros\":{}}}",
            quoted(told.upstream),
            told.cost,
        ));
        let request = entry.id.clone();
        match store.append_soon(entry).await {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(%request, %error, "the audit's last entry of a model call cannot be written");
                false
            }
        }
    }
}

/// How a call went, for its last entry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told<'a> {
    pub(crate) upstream: &'a str,
    pub(crate) usage: Usage,
    pub(crate) cost: u64,
    pub(crate) took: Duration,
    pub(crate) error: Option<&'static str>,
}

async fn appended(store: &Store, entry: Entry) -> bool {
    let request = entry.id.clone();
    match store.append(entry).await {
        Ok(_) => true,
        Err(error) => {
            tracing::error!(%request, %error, "the audit's entry of a model call cannot be written");
            false
        }
    }
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
