//! A chain as a file, and its verification by somebody who has only the file.
//!
//! One JSON document per line: first what it is, then the entries in order, last the chain's head.
//! ```text
//! {"format":"tenantry-audit","version":1,"account":"acme"}
//! {"seq":1,"hash":"…","entry":{…}}
//! {"head":{"account":"acme","ordinal":1,"seq":1,"hash":"…","seal":"…"}}
//! ```

use std::io::{self, BufRead};
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use crate::audit::chain::{Encoder, SealKey, Tail, cells, reasons_text};
use crate::audit::entry::{Entry, Hash, Head};
use crate::audit::verify::{ChainReport, SealState, Walk};
use crate::backend::{Param, Reading};
use crate::{Store, StoreError};

const FORMAT: &str = "tenantry-audit";
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeaderLine {
    format: String,
    version: u32,
    account: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryLine {
    seq: i64,
    hash: String,
    entry: Entry,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeadLine {
    head: SealedHead,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SealedHead {
    account: String,
    ordinal: i64,
    seq: i64,
    hash: String,
    seal: String,
}

/// Why a chain could not be exported or an exported file not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file could not be written or read.
    #[error("the export could not be written or read: {0}")]
    Io(#[from] io::Error),
    /// A line is not what an export holds there.
    #[error("line {line} is not a line of an audit export: {why}")]
    Line {
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The file ends without a head, so its end may be missing.
    #[error("the export ends without its head: its last lines are missing")]
    Cut,
}

impl ExportError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            ExportError::Store(error) => error.code(),
            ExportError::Io(_) => "EXPORT_IO",
            ExportError::Line { .. } => "EXPORT_LINE",
            ExportError::Cut => "EXPORT_CUT",
        }
    }
}

/// A line handed to the writer, without its line break.
pub type WriteLine<'a> = dyn FnMut(&str) -> io::Result<()> + Send + 'a;

impl Store {
    /// Writes the account's whole chain, as it is at this moment, line by line; answers its head, or
    /// `None` when the account has no entry (then nothing is written).
    ///
    /// # Errors
    /// When the store cannot be read, or `write` fails.
    pub async fn export(&self, account: &str, write: &mut WriteLine<'_>) -> Result<Option<Head>, ExportError> {
        let Some((head, ordinal, seal)) = self.sealed_head(account).await? else {
            return Ok(None);
        };
        let header = HeaderLine { format: FORMAT.to_owned(), version: VERSION, account: account.to_owned() };
        write(&line(&header)?)?;
        let mut after = 0;
        loop {
            let page = self.page(account, after, head.seq).await?;
            let Some(last) = page.last() else { break };
            after = last.seq;
            for recorded in page {
                let entry = EntryLine { seq: recorded.seq, hash: recorded.hash.to_string(), entry: recorded.entry };
                write(&line(&entry)?)?;
            }
        }
        let sealed = SealedHead {
            account: account.to_owned(),
            ordinal,
            seq: head.seq,
            hash: head.hash.to_string(),
            seal: Hash(seal).to_string(),
        };
        write(&line(&HeadLine { head: sealed })?)?;
        Ok(Some(head))
    }

    /// Verifies an exported file, its head's seal included. See [`verify_export`].
    ///
    /// # Errors
    /// As [`verify_export`].
    pub fn verify_export(&self, reader: impl BufRead, expected: Option<Head>) -> Result<ChainReport, ExportError> {
        walk_export(reader, expected, Some(&self.seal_key))
    }

    async fn sealed_head(&self, account: &str) -> Result<Option<(Head, i64, [u8; 32])>, StoreError> {
        type Found = Option<Option<(i64, [u8; 32], i64, [u8; 32])>>;
        let reading = Reading {
            sql: crate::audit::sql::HEAD,
            params: vec![Param::text(account)],
            step: |found: &mut Found, row| {
                *found = Some((|| Some((row.int(0)?, row.array(1)?, row.int(2)?, row.array(3)?)))());
                ControlFlow::Continue(())
            },
        };
        self.backend.settle().await?;
        match self.backend.read(vec![reading], None).await? {
            None => Ok(None),
            Some(Some((seq, hash, ordinal, seal))) => {
                Ok(Some((Head { account: account.to_owned(), seq, hash: Hash(hash) }, ordinal, seal)))
            }
            Some(None) => {
                Err(StoreError::Tampered { what: "an audit chain's head", why: "it is not of the right shape" })
            }
        }
    }
}

/// Verifies an exported file without the store: that its entries form one chain which ends in the
/// file's head. That the head itself is genuine shows in one of two ways: it equals `expected`, a
/// head that was written down before, or its seal fits ([`Store::verify_export`], which has the key).
///
/// # Errors
/// When the file cannot be read or is not an export; a chain that does not hold together is in the
/// report.
pub fn verify_export(reader: impl BufRead, expected: Option<Head>) -> Result<ChainReport, ExportError> {
    walk_export(reader, expected, None)
}

fn walk_export(
    reader: impl BufRead,
    expected: Option<Head>,
    key: Option<&SealKey>,
) -> Result<ChainReport, ExportError> {
    let wrong = |line, why| ExportError::Line { line, why };
    let mut lines = (1_u64..).zip(reader.lines());
    let Some((_, first)) = lines.next() else { return Err(ExportError::Cut) };
    let header: HeaderLine = serde_json::from_str(&first?).map_err(|_| wrong(1, "expected the header"))?;
    if header.format != FORMAT || header.version != VERSION {
        return Err(wrong(1, "another format or version"));
    }
    if expected.as_ref().is_some_and(|expected| expected.account != header.account) {
        return Err(wrong(1, "another account than the expected head's"));
    }
    let mut walk = Walk::new(&header.account, expected);
    let mut encoder = Encoder::new();
    while let Some((number, text)) = lines.next() {
        let text = text?;
        if let Ok(EntryLine { seq, hash, entry }) = serde_json::from_str(&text) {
            if entry.account != header.account {
                return Err(wrong(number, "an entry of another account"));
            }
            let reasons = reasons_text(&entry.reasons);
            encoder.begin(&walk.previous());
            cells(seq, &entry, reasons.as_deref()).iter().for_each(|cell| encoder.cell(cell));
            walk.entry(seq, Some(entry.phase), entry.start, Hash::parse(&hash), encoder.finish());
            continue;
        }
        let HeadLine { head } =
            serde_json::from_str(&text).map_err(|_| wrong(number, "expected an entry or the head"))?;
        let (hash, seal) = Hash::parse(&head.hash)
            .zip(Hash::parse(&head.seal))
            .ok_or_else(|| wrong(number, "a hash is not 64 hexadecimal digits"))?;
        if head.account != header.account {
            return Err(wrong(number, "the head of another account"));
        }
        if let Some((number, _)) = lines.next() {
            return Err(wrong(number, "lines after the head"));
        }
        let tail = Tail { ordinal: head.ordinal, seq: head.seq, hash };
        let state = match key.map(|key| key.head_fits(&head.account, &tail, &seal.0)) {
            None => SealState::Unknown,
            Some(true) => SealState::Fits,
            Some(false) => SealState::Broken,
        };
        return Ok(walk.end(Some((head.seq, hash, state))));
    }
    Err(ExportError::Cut)
}

fn line(value: &impl Serialize) -> Result<String, ExportError> {
    serde_json::to_string(value).map_err(|error| ExportError::Io(error.into()))
}
