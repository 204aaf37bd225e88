//! One line of the audit.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::StoreError;

/// Where in a call an entry stands. A call that reaches the database has two entries: `started`
/// before the act and one of the others after it. A refusal may have only its `denied` one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Written before the act.
    Started,
    /// The act was done.
    Completed,
    /// The act was refused.
    Denied,
    /// The act failed or was undone; with the error `OUTCOME_UNKNOWN`, the database's last word on it was
    /// lost, and it was done or not.
    Failed,
}

impl Phase {
    /// The name, as stored and shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Phase::Started => "started",
            Phase::Completed => "completed",
            Phase::Denied => "denied",
            Phase::Failed => "failed",
        }
    }

    /// The phase of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Phase> {
        [Phase::Started, Phase::Completed, Phase::Denied, Phase::Failed].into_iter().find(|phase| phase.name() == name)
    }
}

/// The answer of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Yes.
    Allowed,
    /// No; [`Entry::code`] says why.
    Denied,
}

impl Decision {
    /// The name, as stored and shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Decision::Allowed => "allowed",
            Decision::Denied => "denied",
        }
    }

    /// The decision of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Decision> {
        [Decision::Allowed, Decision::Denied].into_iter().find(|decision| decision.name() == name)
    }
}

/// One entry, as the guard hands it in. Everything in it is already sanitized: values of denied,
/// masked and hashed fields never reach it in clear.
///
/// JSON travels as text, is stored byte for byte, and is never parsed by the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The request's id. Both entries of a call carry the same one.
    pub id: String,
    /// Where in the call.
    pub phase: Phase,
    /// The `seq` of the call's `started` entry ([`Receipt::seq`]); `None` on `started` entries and
    /// on refusals that never started.
    pub start: Option<i64>,
    /// When, in microseconds since 1970 UTC.
    pub time_micros: i64,
    /// The account whose chain this is; empty for platform principals.
    pub account: String,
    /// The workspace inside the account.
    pub workspace: Option<String>,
    /// The subject.
    pub user: Option<String>,
    /// The client application.
    pub client: Option<String>,
    /// Who acted on behalf of the subject.
    pub delegate: Option<String>,
    /// The tool.
    pub tool: String,
    /// The table.
    pub model: Option<String>,
    /// SHA-256 of the request's bytes, 64 hexadecimal digits.
    pub request_digest: String,
    /// The sanitized inputs, JSON.
    pub inputs: Option<String>,
    /// The policy's answer.
    pub decision: Decision,
    /// The refusal's code.
    pub code: Option<String>,
    /// Addresses of the rules that decided.
    pub reasons: Vec<String>,
    /// The scopes injected: SQL text whose parameters are shown by name.
    pub scopes: Option<String>,
    /// Rows read or changed.
    pub rows: Option<i64>,
    /// Keys of the rows changed, JSON.
    pub keys: Option<String>,
    /// The rows before a write, JSON.
    pub before: Option<String>,
    /// The rows after a write, JSON.
    pub after: Option<String>,
    /// How long the act took, microseconds.
    pub duration_micros: Option<i64>,
    /// The error's code.
    pub error: Option<String>,
    /// The version of the policy in force.
    pub policy_version: String,
}

/// The most that all texts of an entry may hold together, in bytes.
pub const MAX_ENTRY_BYTES: usize = 4 * 1024 * 1024;

/// The most that an account, an id or another name may hold, in bytes.
pub const MAX_NAME_BYTES: usize = 1024;

impl Entry {
    /// A `started` entry of a call with nothing else said; fill in the rest.
    #[must_use]
    pub fn started(id: &str, account: &str, tool: &str, time_micros: i64) -> Entry {
        Entry {
            id: id.to_owned(),
            phase: Phase::Started,
            start: None,
            time_micros,
            account: account.to_owned(),
            workspace: None,
            user: None,
            client: None,
            delegate: None,
            tool: tool.to_owned(),
            model: None,
            request_digest: String::new(),
            inputs: None,
            decision: Decision::Allowed,
            code: None,
            reasons: Vec::new(),
            scopes: None,
            rows: None,
            keys: None,
            before: None,
            after: None,
            duration_micros: None,
            error: None,
            policy_version: String::new(),
        }
    }

    /// The entry that ends the call which this `started` entry began: same id, account, principal,
    /// tool, model, digest, decision, code and policy version, without the parts that the started
    /// entry already holds (inputs, reasons, scopes).
    #[must_use]
    pub fn ended(&self, receipt: &Receipt, phase: Phase, time_micros: i64) -> Entry {
        self.clone().into_ended(receipt, phase, time_micros)
    }

    /// [`Entry::ended`] of an entry that is not needed any more.
    #[must_use]
    pub fn into_ended(self, receipt: &Receipt, phase: Phase, time_micros: i64) -> Entry {
        Entry {
            phase,
            start: Some(receipt.seq),
            time_micros,
            inputs: None,
            reasons: Vec::new(),
            scopes: None,
            rows: None,
            keys: None,
            before: None,
            after: None,
            duration_micros: None,
            error: None,
            ..self
        }
    }

    /// Refuses what the store could not keep, before anything is written, so that one caller's
    /// entry never spoils a commit that it shares with others. NUL characters, which PostgreSQL
    /// cannot hold, become U+FFFD.
    pub(crate) fn checked(&self) -> Result<Cow<'_, Entry>, StoreError> {
        let invalid = |what, why| Err(StoreError::Invalid { what, why });
        let mut total = 0_usize;
        for (what, text) in self.names() {
            if text.len() > MAX_NAME_BYTES {
                return invalid(what, "longer than 1024 bytes");
            }
            total += text.len();
        }
        if self.id.is_empty() {
            return invalid("audit id", "empty");
        }
        if self.tool.is_empty() {
            return invalid("audit tool", "empty");
        }
        if self.phase == Phase::Started && self.start.is_some() {
            return invalid("audit start", "a started entry cannot refer to another");
        }
        if matches!(self.phase, Phase::Completed | Phase::Failed) && self.start.is_none() {
            return invalid("audit start", "an ended call must refer to its start");
        }
        total += self.texts().map(|text| text.len()).sum::<usize>();
        total += self.reasons.iter().map(String::len).sum::<usize>();
        if total > MAX_ENTRY_BYTES {
            return invalid("audit entry", "longer than 4 MiB");
        }
        let names = self.names().map(|(_, text)| text);
        let mut every = names.chain(self.texts().chain(&self.reasons).map(String::as_str));
        if !every.any(|text| text.contains('\0')) {
            return Ok(Cow::Borrowed(self));
        }
        let mut clean = self.clone();
        for text in clean.every_text() {
            if text.contains('\0') {
                *text = text.replace('\0', "\u{fffd}");
            }
        }
        Ok(Cow::Owned(clean))
    }

    fn names(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("audit id", Some(&self.id)),
            ("audit account", Some(&self.account)),
            ("audit workspace", self.workspace.as_ref()),
            ("audit user", self.user.as_ref()),
            ("audit client", self.client.as_ref()),
            ("audit delegate", self.delegate.as_ref()),
            ("audit tool", Some(&self.tool)),
            ("audit model", self.model.as_ref()),
            ("audit request digest", Some(&self.request_digest)),
            ("audit code", self.code.as_ref()),
            ("audit error", self.error.as_ref()),
            ("audit policy version", Some(&self.policy_version)),
        ]
        .into_iter()
        .filter_map(|(what, text)| text.map(|text| (what, text.as_str())))
    }

    fn texts(&self) -> impl Iterator<Item = &String> {
        [&self.inputs, &self.scopes, &self.keys, &self.before, &self.after].into_iter().flatten()
    }

    fn every_text(&mut self) -> impl Iterator<Item = &mut String> {
        let plain =
            [&mut self.id, &mut self.account, &mut self.tool, &mut self.request_digest, &mut self.policy_version];
        let optional = [
            &mut self.workspace,
            &mut self.user,
            &mut self.client,
            &mut self.delegate,
            &mut self.model,
            &mut self.inputs,
            &mut self.code,
            &mut self.scopes,
            &mut self.keys,
            &mut self.before,
            &mut self.after,
            &mut self.error,
        ];
        plain.into_iter().chain(optional.into_iter().flatten()).chain(self.reasons.iter_mut())
    }
}

/// Proof that an entry is kept: its place in the account's chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The place in the account's chain, from 1.
    pub seq: i64,
    /// The entry's hash, which every later entry of the account rests on.
    pub hash: Hash,
}

/// An entry read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The place in the account's chain, from 1.
    pub seq: i64,
    /// The entry's hash.
    pub hash: Hash,
    /// The entry.
    pub entry: Entry,
}

/// A SHA-256, shown as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// What the first entry of a chain rests on.
    pub const ZERO: Hash = Hash([0; 32]);

    /// Reads 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Hash> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut bytes = [0_u8; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let (high, low) = (pair.first()?, pair.get(1)?);
            let nibble = |digit: u8| match digit {
                b'0'..=b'9' => Some(digit - b'0'),
                b'a'..=b'f' => Some(digit - b'a' + 10),
                _ => None,
            };
            *byte = nibble(*high)? << 4 | nibble(*low)?;
        }
        Some(Hash(bytes))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The end of an account's chain at some moment. Written down elsewhere, it later proves that no
/// entry up to it was changed and that the store was not rolled back behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The account; empty for the platform's own chain.
    pub account: String,
    /// How many entries there were.
    pub seq: i64,
    /// The hash of the last one.
    pub hash: Hash,
}

impl fmt::Display for Head {
    /// `account@seq:hash`, as [`Head::parse`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}:{}", self.account, self.seq, self.hash)
    }
}

impl Head {
    /// Reads `account@seq:hash`. The account itself may hold `@`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Head> {
        let (account, rest) = text.rsplit_once('@')?;
        let (seq, hash) = rest.split_once(':')?;
        let seq = seq.parse().ok().filter(|seq| *seq >= 0)?;
        Some(Head { account: account.to_owned(), seq, hash: Hash::parse(hash)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_read_back() {
        let head = Head { account: "a@b".to_owned(), seq: 7, hash: Hash([0xa5; 32]) };
        assert_eq!(Head::parse(&head.to_string()), Some(head));
        for wrong in ["", "a", "a@1", "a@-1:00", "a@1:zz"] {
            assert_eq!(Head::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn entries_are_checked_before_anything_is_written() {
        let good = Entry::started("r1", "acme", "query", 1);
        assert!(matches!(good.checked(), Ok(Cow::Borrowed(_))));
        let mut long = good.clone();
        long.account = "x".repeat(MAX_NAME_BYTES + 1);
        assert_eq!(long.checked().unwrap_err().code(), "STORE_INVALID");
        let mut loose = good.clone();
        loose.phase = Phase::Completed;
        assert_eq!(loose.checked().unwrap_err().code(), "STORE_INVALID");
        let mut nul = good;
        nul.reasons = vec!["a\0b".to_owned()];
        assert_eq!(nul.checked().unwrap().reasons, ["a\u{fffd}b"]);
    }
}
