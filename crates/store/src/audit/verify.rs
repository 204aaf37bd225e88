//! Verification of the chains: every hash computed again, every seal checked.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::ops::ControlFlow;

use crate::audit::chain::{Encoder, HASHED_COLUMNS, Roster, SealKey, Tail};
use crate::audit::entry::{Hash, Head, Phase};
use crate::backend::{Cell, Param, Reading, Row};
use crate::{Store, StoreError};

/// The most problems and open calls that are listed per chain; the rest are counted.
pub const MAX_LISTED: usize = 100;

/// What is wrong with a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// An entry does not have the hash that its content and the entry before it demand: it, or the
    /// one before it, was edited, swapped or put in.
    Edited,
    /// Entries are missing, or one is there twice: places in the chain do not follow one another.
    Gap,
    /// The chain ends before its head: its last entries were cut off.
    TailCut,
    /// There are entries after the chain's head.
    BeyondHead,
    /// The head's hash is not the last entry's.
    HeadDiffers,
    /// The chain has entries and no head.
    HeadMissing,
    /// The head's seal does not fit: the head was written by somebody without the key. A chain that
    /// was rewritten from some entry on shows this.
    SealBroken,
    /// The chain is not in line with the head that was written down elsewhere: the store was
    /// rolled back, or the chain was rewritten by somebody who has the key.
    RolledBack,
    /// The roster's seal does not fit, or there are chains that it does not know, or some that it
    /// knows are gone.
    RosterBroken,
    /// The journal in front of a SQLite store's tables was changed, cut, replaced or removed. Entries that
    /// were in it may be gone, of any chain.
    JournalBroken,
}

impl ProblemKind {
    /// The stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            ProblemKind::Edited => "AUDIT_EDITED",
            ProblemKind::Gap => "AUDIT_GAP",
            ProblemKind::TailCut => "AUDIT_TAIL_CUT",
            ProblemKind::BeyondHead => "AUDIT_BEYOND_HEAD",
            ProblemKind::HeadDiffers => "AUDIT_HEAD_DIFFERS",
            ProblemKind::HeadMissing => "AUDIT_HEAD_MISSING",
            ProblemKind::SealBroken => "AUDIT_SEAL_BROKEN",
            ProblemKind::RolledBack => "AUDIT_ROLLED_BACK",
            ProblemKind::RosterBroken => "AUDIT_ROSTER_BROKEN",
            ProblemKind::JournalBroken => "AUDIT_JOURNAL_BROKEN",
        }
    }

    /// One sentence.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            ProblemKind::Edited => "the entry does not fit its hash: it was edited, swapped or put in",
            ProblemKind::Gap => "entries are missing, or one is there twice",
            ProblemKind::TailCut => "the last entries were cut off",
            ProblemKind::BeyondHead => "there are entries after the chain's head",
            ProblemKind::HeadDiffers => "the chain's head is not its last entry",
            ProblemKind::HeadMissing => "the chain has entries and no head",
            ProblemKind::SealBroken => "the head was not sealed with this store's key",
            ProblemKind::RolledBack => "the chain is not in line with the head written down before",
            ProblemKind::RosterBroken => "the list of chains was changed",
            ProblemKind::JournalBroken => "the journal was changed, cut, replaced or removed",
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What.
    pub kind: ProblemKind,
    /// The place in the chain where it shows.
    pub seq: Option<i64>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind.code())?;
        if let Some(seq) = self.seq {
            write!(f, " at entry {seq}")?;
        }
        write!(f, ": {}", self.kind.sentence())
    }
}

/// What verification found in one chain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChainReport {
    /// The account; empty for the platform's own chain.
    pub account: String,
    /// How many entries were read.
    pub entries: u64,
    /// The last entry: what to write down elsewhere. `None` for a chain with problems.
    pub head: Option<Head>,
    /// What is wrong; at most [`MAX_LISTED`].
    pub problems: Vec<Problem>,
    /// How many problems there are in all.
    pub problem_count: u64,
    /// Not a problem by itself: calls that started and have no end yet, by the place of their
    /// start, oldest first; at most [`MAX_LISTED`]. They are running, or the server died in them.
    pub open: Vec<i64>,
    /// How many such calls there are in all.
    pub open_count: u64,
}

/// What verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// How many entries were read.
    pub entries: u64,
    /// One report per chain.
    pub chains: Vec<ChainReport>,
    /// What is wrong with the list of chains, or with the journal through which all of them pass.
    pub roster: Vec<Problem>,
}

impl VerifyReport {
    /// Is nothing wrong?
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.roster.is_empty() && self.chains.iter().all(|chain| chain.problem_count == 0)
    }
}

/// Walks one chain.
pub(crate) struct Walk {
    report: ChainReport,
    previous: Hash,
    last: i64,
    open: BTreeSet<i64>,
    expected: Option<Head>,
}

impl Walk {
    pub(crate) fn new(account: &str, expected: Option<Head>) -> Walk {
        Walk {
            report: ChainReport { account: account.to_owned(), ..ChainReport::default() },
            previous: Hash::ZERO,
            last: 0,
            open: BTreeSet::new(),
            expected,
        }
    }

    pub(crate) fn problem(&mut self, kind: ProblemKind, seq: Option<i64>) {
        self.report.problem_count += 1;
        if self.report.problems.len() < MAX_LISTED {
            self.report.problems.push(Problem { kind, seq });
        }
    }

    /// The next entry: its place, phase and start, the hash kept with it, and the hash that its
    /// content gives after [`Walk::previous`].
    pub(crate) fn entry(
        &mut self,
        seq: i64,
        phase: Option<Phase>,
        start: Option<i64>,
        kept: Option<Hash>,
        computed: Hash,
    ) {
        self.report.entries += 1;
        if self.last.checked_add(1) != Some(seq) {
            // The entry that its hash rests on is not there, so there is nothing to compare with.
            self.problem(ProblemKind::Gap, Some(seq));
        } else if kept != Some(computed) {
            self.problem(ProblemKind::Edited, Some(seq));
        }
        // Going on with the hash that is kept shows where a change was made; nothing after a change
        // can hide it, since the report is never sound again.
        self.previous = kept.unwrap_or(computed);
        self.last = seq;
        match (phase, start) {
            (Some(Phase::Started), _) => {
                self.open.insert(seq);
            }
            (_, Some(start)) => {
                self.open.remove(&start);
            }
            _ => {}
        }
        let expected = self.expected.take_if(|expected| expected.seq == seq);
        if expected.is_some_and(|expected| kept != Some(expected.hash)) {
            self.problem(ProblemKind::RolledBack, Some(seq));
        }
    }

    pub(crate) fn previous(&self) -> Hash {
        self.previous
    }

    /// The end of the chain, compared with its head.
    pub(crate) fn end(mut self, head: Option<(i64, Hash, SealState)>) -> ChainReport {
        match head {
            Some((seq, hash, seal)) => {
                if self.last < seq {
                    self.problem(ProblemKind::TailCut, Some(self.last));
                } else if self.last > seq {
                    self.problem(ProblemKind::BeyondHead, Some(seq));
                } else if self.previous != hash {
                    self.problem(ProblemKind::HeadDiffers, Some(seq));
                }
                if seal == SealState::Broken {
                    self.problem(ProblemKind::SealBroken, Some(seq));
                }
            }
            None if self.report.entries > 0 => self.problem(ProblemKind::HeadMissing, Some(self.last)),
            None => {}
        }
        if let Some(expected) = self.expected.take()
            && expected.seq > 0
        {
            self.problem(ProblemKind::RolledBack, Some(expected.seq));
        }
        self.report.open_count = self.open.len() as u64;
        self.report.open = self.open.iter().copied().take(MAX_LISTED).collect();
        if self.report.problem_count == 0 && self.last > 0 {
            self.report.head = Some(Head { account: self.report.account.clone(), seq: self.last, hash: self.previous });
        }
        self.report
    }
}

/// Does a head's seal fit? Unknown to a verifier without the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SealState {
    Fits,
    Broken,
    Unknown,
}

struct HeadRow {
    account: String,
    tail: Tail,
    seal: Vec<u8>,
}

/// Verification on its way through the store's rows.
struct Verifier {
    key: SealKey,
    encoder: Encoder,
    heads: HashMap<String, HeadRow>,
    names: Vec<(i64, String)>,
    misshapen_heads: bool,
    roster: Option<(Roster, Vec<u8>)>,
    expected: HashMap<String, Head>,
    walk: Option<Walk>,
    report: VerifyReport,
}

impl Verifier {
    fn head_row(&mut self, row: &Row<'_>) -> Option<()> {
        let account = row.text(0)?;
        let tail = Tail { ordinal: row.int(1)?, seq: row.int(2)?, hash: Hash(row.array(3)?) };
        let seal = row.bytes(4)?;
        self.names.push((tail.ordinal, account.clone()));
        self.heads.insert(account.clone(), HeadRow { account, tail, seal });
        Some(())
    }

    fn entry_row(&mut self, row: &Row<'_>) {
        let account = match row.cell(0) {
            Cell::Text(account) => account,
            _ => "",
        };
        if self.walk.as_ref().is_none_or(|walk| walk.report.account != account) {
            self.finish_walk();
            self.walk = Some(Walk::new(account, self.expected.remove(account)));
        }
        let Some(walk) = &mut self.walk else { return };
        self.encoder.begin(&walk.previous());
        for place in 0..HASHED_COLUMNS {
            self.encoder.cell(&row.cell(place));
        }
        let phase = match row.cell(3) {
            Cell::Text(name) => Phase::parse(name),
            _ => None,
        };
        let kept = row.array(HASHED_COLUMNS).map(Hash);
        walk.entry(row.int(1).unwrap_or(i64::MIN), phase, row.int(4), kept, self.encoder.finish());
    }

    fn finish_walk(&mut self) {
        let Some(walk) = self.walk.take() else { return };
        let head = self.heads.remove(&walk.report.account);
        self.end(walk, head);
    }

    fn end(&mut self, walk: Walk, head: Option<HeadRow>) {
        let head = head.map(|head| {
            let fits = self.key.head_fits(&head.account, &head.tail, &head.seal);
            (head.tail.seq, head.tail.hash, if fits { SealState::Fits } else { SealState::Broken })
        });
        let report = walk.end(head);
        self.report.entries += report.entries;
        self.report.chains.push(report);
    }

    fn finish(mut self, whole_store: bool) -> VerifyReport {
        self.finish_walk();
        // Heads without any entry: the whole chain was cut.
        let mut left: Vec<HeadRow> = std::mem::take(&mut self.heads).into_values().collect();
        left.sort_by_key(|head| head.tail.ordinal);
        for head in left {
            let walk = Walk::new(&head.account, self.expected.remove(&head.account));
            self.end(walk, Some(head));
        }
        // Heads written down elsewhere of chains that are gone.
        let mut gone: Vec<Head> = std::mem::take(&mut self.expected).into_values().collect();
        gone.sort_by(|a, b| a.account.cmp(&b.account));
        for head in gone {
            let walk = Walk::new(&head.account.clone(), Some(head));
            self.end(walk, None);
        }
        if whole_store && !self.roster_is_whole() {
            self.report.roster.push(Problem { kind: ProblemKind::RosterBroken, seq: None });
        }
        self.report
    }

    fn roster_is_whole(&self) -> bool {
        let mut names: Vec<&(i64, String)> = self.names.iter().collect();
        names.sort();
        let mut computed = Roster::EMPTY;
        let in_order = names.iter().all(|(ordinal, account)| computed.add(account) == *ordinal);
        let kept = match &self.roster {
            Some((roster, seal)) => *roster == computed && self.key.roster_fits(roster, seal),
            None => computed == Roster::EMPTY && self.report.entries == 0,
        };
        in_order && kept && !self.misshapen_heads
    }
}

const ALL_HEADS: &str = "SELECT account, ordinal, seq, hash, seal FROM tenantry_audit_heads";
const ONE_HEAD: &str = "SELECT account, ordinal, seq, hash, seal FROM tenantry_audit_heads WHERE account = $1";
const ALL_ENTRIES: &str = "SELECT account, seq, id, phase, start_seq, time_micros, workspace, user_id, client, delegate, \
    tool, model, request_digest, inputs, decision, code, reasons, scopes, row_count, row_keys, rows_before, rows_after, \
    duration_micros, error, policy_version, hash FROM tenantry_audit ORDER BY account, seq";
const ONE_CHAIN: &str = "SELECT account, seq, id, phase, start_seq, time_micros, workspace, user_id, client, delegate, \
    tool, model, request_digest, inputs, decision, code, reasons, scopes, row_count, row_keys, rows_before, rows_after, \
    duration_micros, error, policy_version, hash FROM tenantry_audit WHERE account = $1 ORDER BY seq";

impl Store {
    /// Verifies one account's chain, or all of them (`None`) and the list of chains.
    ///
    /// Finds an entry edited, dropped, swapped, put in or cut off, a chain rewritten, and a chain
    /// that vanished whole. A store put back to an earlier state of its own is sound in itself: that
    /// shows only against `expected`, heads that were written down elsewhere ([`Store::heads`],
    /// or the last line of an export).
    ///
    /// # Errors
    /// Only when the store cannot be read; what is wrong with the chains is in the report.
    pub async fn verify(&self, account: Option<&str>, expected: &[Head]) -> Result<VerifyReport, StoreError> {
        let wanted = |head: &&Head| account.is_none_or(|account| account == head.account);
        // Of several heads of one account the furthest counts.
        let mut furthest: HashMap<String, Head> = HashMap::new();
        for head in expected.iter().filter(wanted) {
            let known = furthest.entry(head.account.clone()).or_insert_with(|| head.clone());
            if known.seq < head.seq {
                *known = head.clone();
            }
        }
        let verifier = Verifier {
            key: self.seal_key.clone(),
            encoder: Encoder::new(),
            heads: HashMap::new(),
            names: Vec::new(),
            misshapen_heads: false,
            roster: None,
            expected: furthest,
            walk: None,
            report: VerifyReport::default(),
        };
        let params = || account.map(Param::text).into_iter().collect::<Vec<_>>();
        let readings = vec![
            Reading {
                sql: if account.is_some() { ONE_HEAD } else { ALL_HEADS },
                params: params(),
                step: |verifier: &mut Verifier, row| {
                    verifier.misshapen_heads |= verifier.head_row(row).is_none();
                    ControlFlow::Continue(())
                },
            },
            Reading {
                sql: crate::audit::sql::ROSTER,
                params: Vec::new(),
                step: |verifier, row| {
                    verifier.roster = match (row.int(0), row.array(1), row.bytes(2)) {
                        (Some(accounts), Some(hash), Some(seal)) => Some((Roster { accounts, hash: Hash(hash) }, seal)),
                        _ => None,
                    };
                    ControlFlow::Continue(())
                },
            },
            Reading {
                sql: if account.is_some() { ONE_CHAIN } else { ALL_ENTRIES },
                params: params(),
                step: |verifier, row| {
                    verifier.entry_row(row);
                    ControlFlow::Continue(())
                },
            },
        ];
        // What can still be brought in from a journal that was changed is; the rest is reported.
        let journal_is_broken = match self.backend.settle().await {
            Ok(()) => false,
            Err(StoreError::Tampered { .. }) => true,
            Err(error) => return Err(error),
        };
        let verifier = self.backend.read(readings, verifier).await?;
        let mut report = verifier.finish(account.is_none());
        if journal_is_broken {
            report.roster.push(Problem { kind: ProblemKind::JournalBroken, seq: None });
        }
        Ok(report)
    }
}
