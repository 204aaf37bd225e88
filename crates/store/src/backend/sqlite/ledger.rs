//! The audit on SQLite: entries go into the journal, and from there into the tables.
//!
//! A journal lives as long as its generation. The database notes which one is open and up to where its
//! entries are in the tables ([`State`]); a generation begins and ends inside a transaction that writes, so
//! of several processes only one does it.
//!
//! | step | what is on the disk afterwards | a crash here |
//! | --- | --- | --- |
//! | begin 1 | the file of generation n + 1, flushed; noted: n is whole | it has no entry yet, and is made again |
//! | begin 2 | noted and flushed: n + 1 is open | |
//! | append | one more frame | part of a frame is cut off at the next look |
//! | drain 1 | frames up to a place flushed | |
//! | drain 2 | in one transaction: these entries in the tables, noted: up to that place | all of it or nothing |
//! | end 1 | a last frame; nobody appends after it | whoever looks next goes on with end 2 |
//! | end 2 | noted and flushed: n is whole | |
//! | end 3 | no file | the file is replaced when n + 1 begins |

use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;

use rusqlite::Connection;

use super::{Sqlite, chains, state};
use crate::StoreError;
use crate::address::beside;
use crate::audit::chain::{self, Encoder, SealKey, Tail};
use crate::audit::entry::{Entry, Receipt};
use crate::journal::file::{self, Journal, Locked, Look};
use crate::journal::frame::{self, Next, Written};
use crate::journal::mark::{Mark, State};
use crate::journal::{changed, probe};
use crate::keys::file_error;

/// So many own entries wake the thread that moves them into the tables.
const MANY: usize = 16_384;

/// So many ends of acts that wait are written by who adds the last one.
const MANY_SOON: usize = 64;

/// The most bytes of entries that are moved in one transaction, but for a single one that is longer.
const CHUNK: usize = if cfg!(test) { 16 << 10 } else { 4 << 20 };

/// How long a journal gets before the next one is begun.
const LONG: u64 = if cfg!(test) { 128 << 10 } else { 32 << 20 };

/// How much may wait in the journal when it cannot be moved. Then who appends must move it, and so learns why
/// it cannot be.
const TOO_MUCH: u64 = if cfg!(test) { 256 << 10 } else { 64 << 20 };

/// Whoever appends finds the journal ended and begins the next one, or finds that others have: more than
/// once in a row only when many processes come and go.
const TRIES: usize = 16;

/// A journal that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Which journal, counted from 1.
    pub generation: u64,
    /// Up to here, in bytes from its beginning, its entries are in the tables.
    pub position: u64,
    /// Where its file was put, if there was one.
    pub aside: Option<PathBuf>,
}

/// What this process knows of the journal.
pub(super) struct Ledger {
    journal: Option<Journal>,
    /// The end of every chain that has entries which were not yet in the tables when last looked.
    tails: HashMap<String, Known>,
    encoder: Encoder,
    /// Up to where the entries are in the tables, as far as this process knows.
    drained: u64,
    /// What was on record when the file was last seen, and must be in any other one of that name.
    must_reach: Option<Mark>,
    /// How many entries this process has appended since it last moved any.
    pending: usize,
    /// Has it appended any at all to this journal?
    wrote: bool,
}

struct Known {
    tail: Tail,
    /// Behind the chain's last frame.
    position: u64,
}

impl Ledger {
    pub(super) fn new() -> Ledger {
        Ledger {
            journal: None,
            tails: HashMap::new(),
            encoder: Encoder::new(),
            drained: 0,
            must_reach: None,
            pending: 0,
            wrote: false,
        }
    }

    fn let_go(&mut self) {
        self.journal = None;
        self.tails.clear();
        self.pending = 0;
        self.wrote = false;
    }

    /// Reads what others have added, and keeps the ends of the chains right.
    fn look(&mut self, key: &SealKey, closer: bool) -> Result<Option<(Locked, Look)>, StoreError> {
        let Some(journal) = &mut self.journal else { return Ok(None) };
        let locked = journal.lock()?;
        let tails = &mut self.tails;
        let look = journal.look(&locked, key, closer, |written, end| note(tails, written, end))?;
        self.must_reach = None;
        Ok(Some((locked, look)))
    }
}

/// Entries that are written to the journal together.
struct Piece<'a, 'e> {
    sqlite: &'a Sqlite,
    key: &'a SealKey,
    journal: &'a mut Journal,
    tails: &'a HashMap<String, Known>,
    encoder: &'a mut Encoder,
    /// The ends of chains, for when all of it is written.
    reached: Vec<(&'e str, Known)>,
}

impl<'e> Piece<'_, 'e> {
    fn add(&mut self, entry: &'e Entry) -> Result<Receipt, StoreError> {
        let reached = self.reached.iter().rev().find(|(account, _)| *account == entry.account).map(|(_, known)| known);
        let mut tail = match reached.or_else(|| self.tails.get(&entry.account)) {
            Some(known) => known.tail.clone(),
            None => self.sqlite.with_reader(|connection| chains::tail(connection, self.key, &entry.account))?,
        };
        let previous = tail.hash;
        let reasons = chain::reasons_text(&entry.reasons);
        let (receipt, _) = tail.extend(self.encoder, entry, reasons.as_deref());
        let position = self.journal.add(self.key, Some((&previous, &receipt.hash, self.encoder.fields())))?;
        self.reached.push((&entry.account, Known { tail, position }));
        Ok(receipt)
    }
}

/// Keeps the end of a chain to which an entry was added.
fn note(tails: &mut HashMap<String, Known>, written: &Written<'_>, end: &Mark) {
    let Some((account, seq)) = written.place() else { return };
    let known = Known { tail: Tail { ordinal: 0, seq, hash: written.hash }, position: end.position };
    match tails.get_mut(account) {
        Some(kept) => *kept = known,
        None => drop(tails.insert(account.to_owned(), known)),
    }
}

impl Sqlite {
    /// Appends an entry; it is on record when this returns.
    pub(crate) fn append(&self, entry: &Entry) -> Result<Receipt, StoreError> {
        if self.journal.is_none() {
            let reasons = chain::reasons_text(&entry.reasons);
            return self.append_in_memory(self.key()?, entry, reasons.as_deref());
        }
        self.write_with(&mut self.ledger.lock(), Some(entry))?.ok_or(StoreError::Closed)
    }

    /// Appends an entry together with the next one, or after [`SOON`].
    pub(crate) fn append_soon(&self, entry: Entry) -> Result<(), StoreError> {
        if self.journal.is_none() {
            return self.append(&entry).map(drop);
        }
        let waiting = {
            let mut soon = self.soon.lock();
            soon.push(entry);
            soon.len()
        };
        if waiting >= MANY_SOON {
            return self.write_soon(&mut self.ledger.lock());
        }
        if waiting == 1 {
            self.look_soon();
        }
        Ok(())
    }

    /// Writes what [`Sqlite::append_soon`] has kept.
    pub(super) fn write_soon(&self, ledger: &mut Ledger) -> Result<(), StoreError> {
        if self.soon.lock().is_empty() {
            return Ok(());
        }
        self.write_with(ledger, None).map(drop)
    }

    /// Writes what waits, and an entry after it, in one piece: all of them or none.
    fn write_with(&self, ledger: &mut Ledger, own: Option<&Entry>) -> Result<Option<Receipt>, StoreError> {
        let key = self.key()?;
        for _ in 0..TRIES {
            if ledger.journal.is_none() {
                self.attach(ledger, true)?;
            }
            let Some((locked, look)) = ledger.look(key, false)? else { continue };
            if look != Look::Open {
                self.leave(ledger, locked, look)?;
                continue;
            }
            let Ledger { journal: Some(journal), tails, encoder, drained, pending, wrote, .. } = &mut *ledger else {
                continue;
            };
            if journal.end.position.saturating_sub(*drained) > TOO_MUCH {
                *drained = self.drain(key, &journal.share(), &journal.end, false)?.mark.position;
            }
            let waiting = std::mem::take(&mut *self.soon.lock());
            let mut piece = Piece { sqlite: self, key, journal, tails, encoder, reached: Vec::new() };
            let mut later = Vec::new();
            for entry in &waiting {
                match piece.add(entry) {
                    Ok(_) => {}
                    // Others must not wait for one whose chain was changed from outside.
                    Err(error @ (StoreError::Tampered { .. } | StoreError::Invalid { .. })) => {
                        tracing::error!(request = %entry.id, %error, "the end of an act cannot be put on record");
                    }
                    Err(_) => later.push(entry.clone()),
                }
            }
            let own = own.map(|entry| piece.add(entry)).transpose();
            let reached = piece.reached;
            if let Err(error) = journal.write(&locked) {
                self.soon.lock().splice(0..0, waiting);
                return Err(error);
            }
            self.soon.lock().splice(0..0, later);
            drop(locked);
            let before = *pending / MANY;
            *pending += reached.len();
            *wrote |= !reached.is_empty();
            for (account, known) in reached {
                match tails.get_mut(account) {
                    Some(kept) => *kept = known,
                    None => drop(tails.insert(account.to_owned(), known)),
                }
            }
            if *pending / MANY > before {
                self.wake();
            }
            return own;
        }
        Err(StoreError::Busy)
    }

    /// Without a file there is no journal: the entry goes into the tables.
    fn append_in_memory(&self, key: &SealKey, entry: &Entry, reasons: Option<&str>) -> Result<Receipt, StoreError> {
        let mut encoder = Encoder::new();
        self.writer.lock().transaction(false, |connection| {
            let mut tail = chains::tail(connection, key, &entry.account)?;
            let previous = tail.hash;
            let (receipt, cells) = tail.extend(&mut encoder, entry, reasons);
            let mut chains = chains::Chains::new(connection, key)?;
            chains.put(&Written { cells, previous, hash: receipt.hash })?;
            chains.seal()?;
            Ok(receipt)
        })
    }

    /// Finds the journal that is open, or begins one if wished. Answers whether there is one.
    ///
    /// # Errors
    /// [`StoreError::Tampered`] when the file is not the one that the database notes.
    fn attach(&self, ledger: &mut Ledger, begin: bool) -> Result<bool, StoreError> {
        let (key, Some(path)) = (self.key()?, &self.journal) else { return Ok(false) };
        ledger.let_go();
        let found = self.writer.lock().transaction(true, |connection| {
            let state = state::read(connection, key)?;
            let found = Journal::open(path, key)?;
            if !state.whole {
                let mut journal = found.ok_or(changed("it is missing"))?;
                if journal.end.generation != state.mark.generation {
                    return Err(changed("it is older or newer than the database"));
                }
                if journal.length()? < state.mark.position {
                    return Err(changed("it is shorter than what the database has of it"));
                }
                journal.end = state.mark;
                return Ok(Some(journal));
            }
            // What is there, if anything, was left by a crash: of the last generation, which is whole, or of
            // the next one, which nobody could append to.
            if let Some(journal) = found {
                let is_empty = journal.length()? == journal.end.position;
                let next = state.mark.generation.checked_add(1);
                if journal.end.generation > state.mark.generation && !(is_empty && Some(journal.end.generation) == next)
                {
                    return Err(changed("it is newer than the database"));
                }
            }
            if !begin {
                return Ok(None);
            }
            let next = state.mark.generation.checked_add(1).ok_or(changed("its generations are used up"))?;
            let journal = Journal::create(path, key, next)?;
            probe::reached("begun");
            state::put(connection, key, &State { mark: journal.end, whole: false })?;
            Ok(Some(journal))
        })?;
        probe::reached("begin noted");
        let Some(mut journal) = found else { return Ok(false) };
        if let Some(mark) = ledger.must_reach {
            if mark.generation != journal.end.generation {
                return Err(changed("it is another than it was"));
            }
            if mark.position > journal.end.position {
                journal.must_reach = Some(mark);
            }
        }
        ledger.drained = journal.end.position;
        ledger.journal = Some(journal);
        Ok(true)
    }

    /// Lets go of a journal that is over, after seeing to it that its end is complete, or of a file that
    /// was replaced.
    fn leave(&self, ledger: &mut Ledger, locked: Locked, look: Look) -> Result<(), StoreError> {
        let Some(journal) = &ledger.journal else { return Ok(()) };
        let key = self.key()?;
        match look {
            // What this process has of it is genuine, and may be nowhere else.
            Look::Gone => {
                self.drain(key, &journal.share(), &journal.end, false)?;
                ledger.must_reach = Some(journal.must_reach.unwrap_or(journal.end));
            }
            Look::Open | Look::Over => {
                self.complete(key, journal)?;
                ledger.must_reach = None;
            }
        }
        drop(locked);
        ledger.let_go();
        Ok(())
    }

    /// What remains to be done with a journal that has its last frame; it is locked, so that only one
    /// process does it.
    fn complete(&self, key: &SealKey, journal: &Journal) -> Result<(), StoreError> {
        let generation = journal.end.generation;
        self.drain(key, &journal.share(), &journal.end, true)?;
        probe::reached("end noted");
        let Some(path) = &self.journal else { return Ok(()) };
        // INVARIANT: a file is removed only while nobody can begin the next generation in its place.
        self.writer.lock().transaction(false, |connection| {
            let state = state::read(connection, key)?;
            if state.whole && state.mark.generation == generation { Journal::remove(path) } else { Ok(()) }
        })
    }

    /// Moves everything that is on record into the tables, from whichever process it came.
    ///
    /// # Errors
    /// [`StoreError::Tampered`] when the journal was changed; what comes before the change has been moved.
    pub(crate) fn settle(&self) -> Result<(), StoreError> {
        if self.journal.is_none() {
            return Ok(());
        }
        let key = self.key()?;
        let (file, end, pending, soon, read) = {
            let mut ledger = self.ledger.lock();
            // What is on record already is moved whether or not more can be put there.
            let soon = self.write_soon(&mut ledger);
            let mut tries = 0..TRIES;
            loop {
                if ledger.journal.is_none() && (self.has_none(key)? || !self.attach(&mut ledger, false)?) {
                    return Ok(());
                }
                let read = match ledger.look(key, true) {
                    Ok(Some((_, Look::Open))) => Ok(()),
                    Ok(Some((locked, look))) if tries.next().is_some() => {
                        self.leave(&mut ledger, locked, look)?;
                        continue;
                    }
                    Ok(_) => return Err(StoreError::Busy),
                    Err(error) => Err(error),
                };
                let Some(journal) = &ledger.journal else { continue };
                break (journal.share(), journal.end, ledger.pending, soon, read);
            }
        };
        let moved = self.drain(key, &file, &end, false)?;
        let mut ledger = self.ledger.lock();
        if ledger.journal.as_ref().is_some_and(|journal| journal.end.generation == end.generation) {
            ledger.pending = ledger.pending.saturating_sub(pending);
            // What the tables have by now is read from them, so that changes to them are noticed.
            ledger.drained = ledger.drained.max(moved.mark.position.min(end.position));
            let drained = ledger.drained;
            ledger.tails.retain(|_, known| known.position > drained);
        }
        read.and(soon)
    }

    /// Gives up, on purpose, what is in a journal that is missing or was changed: what the tables have is then all
    /// there is, and the next entry begins another journal. What lies there of it is put aside. `None` when
    /// nothing is lost.
    ///
    /// # Errors
    /// Those of [`Sqlite::settle`] but [`StoreError::Tampered`].
    pub(crate) fn accept_loss(&self) -> Result<Option<Lost>, StoreError> {
        // What comes before a change is moved first.
        match self.settle() {
            Ok(()) => return Ok(None),
            Err(StoreError::Tampered { .. }) => {}
            Err(error) => return Err(error),
        }
        let (key, Some(path)) = (self.key()?, &self.journal) else { return Ok(None) };
        let mut ledger = self.ledger.lock();
        ledger.let_go();
        ledger.must_reach = None;
        ledger.drained = 0;
        self.writer.lock().transaction(true, |connection| {
            let state = state::read(connection, key)?;
            if state.whole {
                return Ok(None);
            }
            let aside = beside(path, &[".lost-", &state.mark.generation.to_string()].concat());
            let aside = match std::fs::rename(path, &aside) {
                Ok(()) => Some(aside),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
                Err(error) => return Err(file_error("rename", path, &error)),
            };
            state::put(connection, key, &State { mark: state.mark, whole: true })?;
            Ok(Some(Lost { generation: state.mark.generation, position: state.mark.position, aside }))
        })
    }

    /// Is there plainly no journal? Anything else takes a closer look.
    fn has_none(&self, key: &SealKey) -> Result<bool, StoreError> {
        let is_there = self.journal.as_ref().is_some_and(|path| path.exists());
        Ok(!is_there && self.with_reader(|connection| state::read(connection, key))?.whole)
    }

    /// Moves the entries up to a place that was looked at into the tables, a chunk at a time, and answers
    /// what is noted in the end: no less than that place, unless others have moved on to the next journal.
    fn drain(&self, key: &SealKey, file: &File, end: &Mark, is_end: bool) -> Result<State, StoreError> {
        let writer = self.writer.lock();
        let is_moved = |state: &State| {
            state.mark.generation != end.generation || state.whole || state.mark.position >= end.position
        };
        let mut state = state::read(&writer.connection, key)?;
        if is_moved(&state) {
            return Ok(state);
        }
        // What the tables have must be in the file after a loss of power too: it would seem cut otherwise.
        file.sync_data().map_err(|error| StoreError::Unavailable { why: error.kind().to_string() })?;
        while !is_moved(&state) {
            let mut fault = None;
            state = writer.transaction(is_end, |connection| {
                let mut state = state::read(connection, key)?;
                if is_moved(&state) {
                    return Ok(state);
                }
                let bytes = file::read(file, state.mark.position, end.position, CHUNK)?;
                fault = move_entries(connection, key, &bytes, &mut state)?;
                probe::reached("drained");
                Ok(state)
            })?;
            probe::reached("drain noted");
            if let Some(error) = fault {
                return Err(error);
            }
        }
        Ok(state)
    }

    /// Brings the journal to its end, so that the database stands by itself and its file may be copied alone.
    pub(super) fn finish(&self) -> Result<(), StoreError> {
        // Most of it without keeping anybody else waiting.
        self.settle()?;
        let key = self.key()?;
        let mut ledger = self.ledger.lock();
        if !ledger.wrote {
            return Ok(());
        }
        let Some((locked, mut look)) = ledger.look(key, true)? else { return Ok(()) };
        if let (Look::Open, Some(journal)) = (&look, &mut ledger.journal) {
            journal.add(key, None)?;
            journal.write(&locked)?;
            probe::reached("end written");
            look = Look::Over;
        }
        self.leave(&mut ledger, locked, look)
    }

    /// What the thread does that looks after the journal: moves entries, and begins the next journal when
    /// this one has become long.
    pub(super) fn tend(&self) -> Result<(), StoreError> {
        if self.ledger.lock().pending == 0 && self.soon.lock().is_empty() {
            return Ok(());
        }
        self.settle()?;
        if self.ledger.lock().journal.as_ref().is_none_or(|journal| journal.end.position < LONG) {
            return Ok(());
        }
        self.finish()?;
        let mut ledger = self.ledger.lock();
        if ledger.journal.is_none() {
            self.attach(&mut ledger, true)?;
        }
        Ok(())
    }
}

/// Puts the entries of a piece of the journal into the tables and notes how far. What is wrong with the
/// frame where it stops, if anything is, is the answer: what comes before it is kept.
fn move_entries(
    connection: &Connection,
    key: &SealKey,
    bytes: &[u8],
    state: &mut State,
) -> Result<Option<StoreError>, StoreError> {
    let from = state.mark.position;
    let mut chains = chains::Chains::new(connection, key)?;
    let fault = loop {
        let behind = usize::try_from(state.mark.position.saturating_sub(from)).unwrap_or(usize::MAX);
        match frame::next(key, &state.mark, bytes.get(behind..).unwrap_or_default()) {
            Next::Nothing => break None,
            Next::Entry(written, mark) => {
                chains.put(&written)?;
                state.mark = mark;
            }
            Next::End(mark) => {
                *state = State { mark, whole: true };
                break None;
            }
            // The rest of it belongs to the next piece; a piece begins with a whole frame.
            Next::Torn if behind > 0 => break None,
            Next::Torn | Next::Changed => break Some(changed("a frame's seal does not fit")),
        }
    };
    chains.seal()?;
    state::put(connection, key, state)?;
    Ok(fault)
}
