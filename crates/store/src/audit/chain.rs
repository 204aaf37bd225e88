//! How entries hang together: the hash of an entry, the seal of a head, the roster of chains. Pure.
//!
//! ```text
//! hash(n)  = SHA-256(DOMAIN ‖ hash(n-1) ‖ field₁ ‖ … ‖ field₂₅)      hash(0) = 32 zero bytes
//! field    = 0x00                            NULL
//!          | 0x01 ‖ 8 bytes big endian       integer
//!          | 0x02 ‖ u64 length ‖ UTF-8       text
//!          | 0x03 ‖ u64 length ‖ bytes       bytes
//! seal     = HMAC-SHA-256(key, DOMAIN ‖ account ‖ ordinal ‖ seq ‖ hash)
//! roster(n)= SHA-256(DOMAIN ‖ roster(n-1) ‖ account n)
//! ```
//! The fields are the columns of `tenantry_audit` in their order, without the last one (the hash).
//! Whoever can write the database can recompute every hash, but not the seals: their key is in a
//! file that the database's users do not read.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::audit::entry::{Entry, Hash, Receipt};
use crate::backend::{Cell, Param};

const ENTRY_DOMAIN: &[u8] = b"tenantry audit entry 1\n";
const HEAD_DOMAIN: &[u8] = b"tenantry audit head 1\n";
const ROSTER_DOMAIN: &[u8] = b"tenantry audit roster 1\n";
/// Of the fact by which a store knows its keys again: before and since it has a journal.
const CHECK_DOMAINS: [&[u8]; 2] = [b"tenantry key check 1\n", b"tenantry key check 2\n"];

/// How many columns of `tenantry_audit` are hashed.
pub(crate) const HASHED_COLUMNS: usize = 25;

/// Puts fields one after another so that no two different rows give the same bytes.
pub(crate) struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    pub(crate) fn new() -> Encoder {
        Encoder { bytes: Vec::with_capacity(2048) }
    }

    /// Begins the next entry of a chain.
    pub(crate) fn begin(&mut self, previous: &Hash) {
        self.bytes.clear();
        self.bytes.extend_from_slice(ENTRY_DOMAIN);
        self.bytes.extend_from_slice(&previous.0);
    }

    pub(crate) fn cell(&mut self, cell: &Cell<'_>) {
        match cell {
            Cell::Null => self.bytes.push(0),
            Cell::Int(value) => {
                self.bytes.push(1);
                self.bytes.extend_from_slice(&value.to_be_bytes());
            }
            Cell::Text(text) => self.sized(2, text.as_bytes()),
            Cell::Bytes(bytes) => self.sized(3, bytes),
            // Never written by Tenantry: a tag of its own, so that the hash cannot fit.
            Cell::Foreign => self.bytes.push(0xff),
        }
    }

    fn sized(&mut self, tag: u8, bytes: &[u8]) {
        self.bytes.push(tag);
        self.bytes.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn finish(&self) -> Hash {
        Hash(Sha256::digest(&self.bytes).into())
    }

    /// The fields put in since the entry began.
    pub(crate) fn fields(&self) -> &[u8] {
        self.bytes.get(ENTRY_DOMAIN.len() + 32..).unwrap_or_default()
    }
}

/// The hash of an entry whose fields are encoded already.
pub(crate) fn hash_of(previous: &Hash, fields: &[u8]) -> Hash {
    let mut digest = Sha256::new();
    digest.update(ENTRY_DOMAIN);
    digest.update(previous.0);
    digest.update(fields);
    Hash(digest.finalize().into())
}

/// Reads an entry's columns back from their encoding; `None` when it is not one.
pub(crate) fn decode(fields: &[u8]) -> Option<[Cell<'_>; HASHED_COLUMNS]> {
    let mut rest = fields;
    let mut cells = [Cell::Null; HASHED_COLUMNS];
    for cell in &mut cells {
        *cell = decode_cell(&mut rest)?;
    }
    rest.is_empty().then_some(cells)
}

fn decode_cell<'a>(rest: &mut &'a [u8]) -> Option<Cell<'a>> {
    let (tag, after) = rest.split_first()?;
    *rest = after;
    let mut take = |count: usize| -> Option<&'a [u8]> {
        let (taken, after) = rest.split_at_checked(count)?;
        *rest = after;
        Some(taken)
    };
    if *tag == 0 {
        return Some(Cell::Null);
    }
    let number: [u8; 8] = take(8)?.try_into().ok()?;
    match tag {
        1 => Some(Cell::Int(i64::from_be_bytes(number))),
        2 | 3 => {
            let bytes = take(usize::try_from(u64::from_be_bytes(number)).ok()?)?;
            if *tag == 3 { Some(Cell::Bytes(bytes)) } else { std::str::from_utf8(bytes).ok().map(Cell::Text) }
        }
        _ => None,
    }
}

/// The rule addresses as one text; none is NULL, as in most entries that end a call.
pub(crate) fn reasons_text(reasons: &[String]) -> Option<String> {
    if reasons.is_empty() {
        return None;
    }
    serde_json::to_string(reasons).ok()
}

/// An entry's columns in their order, without the hash.
pub(crate) fn cells<'a>(seq: i64, entry: &'a Entry, reasons: Option<&'a str>) -> [Cell<'a>; HASHED_COLUMNS] {
    let optional = |text: &'a Option<String>| text.as_deref().map_or(Cell::Null, Cell::Text);
    let number = |value: Option<i64>| value.map_or(Cell::Null, Cell::Int);
    [
        Cell::Text(&entry.account),
        Cell::Int(seq),
        Cell::Text(&entry.id),
        Cell::Text(entry.phase.name()),
        number(entry.start),
        Cell::Int(entry.time_micros),
        optional(&entry.workspace),
        optional(&entry.user),
        optional(&entry.client),
        optional(&entry.delegate),
        Cell::Text(&entry.tool),
        optional(&entry.model),
        Cell::Text(&entry.request_digest),
        optional(&entry.inputs),
        Cell::Text(entry.decision.name()),
        optional(&entry.code),
        reasons.map_or(Cell::Null, Cell::Text),
        optional(&entry.scopes),
        number(entry.rows),
        optional(&entry.keys),
        optional(&entry.before),
        optional(&entry.after),
        number(entry.duration_micros),
        optional(&entry.error),
        Cell::Text(&entry.policy_version),
    ]
}

/// The types of an entry's columns, hash included: what a missing value is sent as.
pub(crate) fn params(cells: &[Cell<'_>; HASHED_COLUMNS], hash: &Hash) -> Vec<Param> {
    const INTEGERS: [usize; 5] = [1, 4, 5, 18, 22];
    let mut params: Vec<Param> = cells
        .iter()
        .enumerate()
        .map(|(place, cell)| match cell {
            Cell::Int(value) => Param::Int(Some(*value)),
            Cell::Text(text) => Param::Text(Some((*text).to_owned())),
            Cell::Bytes(bytes) => Param::Bytes(bytes.to_vec()),
            Cell::Null | Cell::Foreign if INTEGERS.contains(&place) => Param::Int(None),
            Cell::Null | Cell::Foreign => Param::Text(None),
        })
        .collect();
    params.push(Param::Bytes(hash.0.to_vec()));
    params
}

/// The end of a chain, as the writer holds it during a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tail {
    pub(crate) ordinal: i64,
    pub(crate) seq: i64,
    pub(crate) hash: Hash,
}

impl Tail {
    /// The chain of an account that has no entry yet.
    pub(crate) fn empty(ordinal: i64) -> Tail {
        Tail { ordinal, seq: 0, hash: Hash::ZERO }
    }

    /// Makes room for one more entry.
    pub(crate) fn extend<'a>(
        &mut self,
        encoder: &mut Encoder,
        entry: &'a Entry,
        reasons: Option<&'a str>,
    ) -> (Receipt, [Cell<'a>; HASHED_COLUMNS]) {
        let seq = self.seq.saturating_add(1);
        let cells = cells(seq, entry, reasons);
        encoder.begin(&self.hash);
        cells.iter().for_each(|cell| encoder.cell(cell));
        let hash = encoder.finish();
        self.seq = seq;
        self.hash = hash;
        (Receipt { seq, hash }, cells)
    }
}

/// The key of the seals.
#[derive(Clone)]
pub(crate) struct SealKey(Hmac<Sha256>);

impl SealKey {
    pub(crate) fn new(secret: &[u8]) -> Option<SealKey> {
        Hmac::<Sha256>::new_from_slice(secret).ok().map(SealKey)
    }

    fn mac(&self, domain: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(domain);
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }

    /// The seal of anything else that the store keeps.
    pub(crate) fn seal(&self, domain: &[u8], parts: &[&[u8]]) -> [u8; 32] {
        self.mac(domain, parts).finalize().into_bytes().into()
    }

    /// Does the seal fit? Compares in constant time.
    pub(crate) fn fits(&self, domain: &[u8], parts: &[&[u8]], seal: &[u8]) -> bool {
        self.mac(domain, parts).verify_slice(seal).is_ok()
    }

    /// The value by which a store knows this key again; `journaled` since it has a journal.
    pub(crate) fn check(&self, journaled: bool) -> [u8; 32] {
        let [plain, with_journal] = CHECK_DOMAINS;
        self.seal(if journaled { with_journal } else { plain }, &[])
    }

    pub(crate) fn check_fits(&self, journaled: bool, value: &[u8]) -> bool {
        let [plain, with_journal] = CHECK_DOMAINS;
        self.fits(if journaled { with_journal } else { plain }, &[], value)
    }

    pub(crate) fn seal_head(&self, account: &str, tail: &Tail) -> [u8; 32] {
        let (ordinal, seq) = (tail.ordinal.to_be_bytes(), tail.seq.to_be_bytes());
        self.seal(HEAD_DOMAIN, &[account.as_bytes(), &ordinal, &seq, &tail.hash.0])
    }

    pub(crate) fn head_fits(&self, account: &str, tail: &Tail, seal: &[u8]) -> bool {
        let (ordinal, seq) = (tail.ordinal.to_be_bytes(), tail.seq.to_be_bytes());
        self.fits(HEAD_DOMAIN, &[account.as_bytes(), &ordinal, &seq, &tail.hash.0], seal)
    }

    pub(crate) fn seal_roster(&self, roster: &Roster) -> [u8; 32] {
        self.seal(ROSTER_DOMAIN, &[&roster.accounts.to_be_bytes(), &roster.hash.0])
    }

    pub(crate) fn roster_fits(&self, roster: &Roster, seal: &[u8]) -> bool {
        self.fits(ROSTER_DOMAIN, &[&roster.accounts.to_be_bytes(), &roster.hash.0], seal)
    }
}

/// The names of all chains, in the order in which they began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Roster {
    pub(crate) accounts: i64,
    pub(crate) hash: Hash,
}

impl Roster {
    pub(crate) const EMPTY: Roster = Roster { accounts: 0, hash: Hash::ZERO };

    /// Adds a chain and answers its ordinal.
    pub(crate) fn add(&mut self, account: &str) -> i64 {
        let mut digest = Sha256::new();
        digest.update(ROSTER_DOMAIN);
        digest.update(self.hash.0);
        digest.update((account.len() as u64).to_be_bytes());
        digest.update(account.as_bytes());
        self.accounts = self.accounts.saturating_add(1);
        self.hash = Hash(digest.finalize().into());
        self.accounts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_rows_share_an_encoding() {
        let hash_of = |cells: &[Cell<'_>]| {
            let mut encoder = Encoder::new();
            encoder.begin(&Hash::ZERO);
            cells.iter().for_each(|cell| encoder.cell(cell));
            encoder.finish()
        };
        let rows: [&[Cell<'_>]; 7] = [
            &[Cell::Text("ab"), Cell::Text("c")],
            &[Cell::Text("a"), Cell::Text("bc")],
            &[Cell::Text("abc"), Cell::Null],
            &[Cell::Null, Cell::Text("abc")],
            &[Cell::Bytes(b"abc"), Cell::Null],
            &[Cell::Text("abc"), Cell::Text("")],
            &[Cell::Int(0), Cell::Text("abc")],
        ];
        for (i, a) in rows.iter().enumerate() {
            for b in rows.iter().skip(i + 1) {
                assert_ne!(hash_of(a), hash_of(b));
            }
        }
    }

    #[test]
    fn entries_are_read_back_from_their_encoding() {
        let mut entry = Entry::started("id", "acme", "query", -3);
        entry.inputs = Some("naïve \u{2603}".to_owned());
        entry.workspace = Some(String::new());
        entry.rows = Some(i64::MIN);
        let cells = cells(7, &entry, Some("[]"));
        let mut encoder = Encoder::new();
        encoder.begin(&Hash([1; 32]));
        cells.iter().for_each(|cell| encoder.cell(cell));
        assert_eq!(decode(encoder.fields()), Some(cells));
        assert_eq!(hash_of(&Hash([1; 32]), encoder.fields()), encoder.finish());
        for cut in 0..encoder.fields().len() {
            assert_eq!(decode(&encoder.fields()[..cut]), None);
        }
        assert_eq!(decode(&[encoder.fields(), &[0]].concat()), None);
    }

    #[test]
    fn seals_depend_on_every_part() {
        let key = SealKey::new(b"key").unwrap();
        let tail = Tail { ordinal: 1, seq: 2, hash: Hash([3; 32]) };
        let seal = key.seal_head("acme", &tail);
        assert!(key.head_fits("acme", &tail, &seal));
        assert!(!key.head_fits("acm", &tail, &seal));
        assert!(!key.head_fits("acme", &Tail { ordinal: 2, ..tail.clone() }, &seal));
        assert!(!key.head_fits("acme", &Tail { seq: 3, ..tail.clone() }, &seal));
        assert!(!key.head_fits("acme", &Tail { hash: Hash([4; 32]), ..tail.clone() }, &seal));
        assert!(!SealKey::new(b"other").unwrap().head_fits("acme", &tail, &seal));
        assert!(!key.head_fits("acme", &tail, &seal[..31]));
    }
}
