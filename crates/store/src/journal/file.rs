//! A journal's file: locked, read and written by every process that has the store open.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Error, ErrorKind, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::StoreError;
use crate::address::beside;
use crate::audit::chain::SealKey;
use crate::audit::entry::Hash;
use crate::journal::frame::{self, HEADER_BYTES, Next, Written};
use crate::journal::mark::Mark;
use crate::journal::{changed, probe};
use crate::keys::file_error;

/// Whoever holds the lock holds it for microseconds, or for milliseconds while a journal ends.
const YIELDS: u32 = 64;
const PAUSE: Duration = Duration::from_millis(1);
const PAUSES: u32 = 5_000;

/// A journal that is open, and how far this process has read it.
pub(crate) struct Journal {
    file: Arc<File>,
    path: PathBuf,
    /// INVARIANT: every frame before it was read or written by this process, and its seal fitted.
    pub(crate) end: Mark,
    /// A place that was reached once and must be reached again, when the file was replaced meanwhile.
    pub(crate) must_reach: Option<Mark>,
    /// Frames that are not written yet, and the place behind them.
    buffer: Vec<u8>,
    added: Option<Mark>,
}

/// Nobody else appends while this is held.
pub(crate) struct Locked(Arc<File>);

impl Drop for Locked {
    fn drop(&mut self) {
        // Closing the file would free it as well.
        let _ = self.0.unlock();
    }
}

/// What a look at the file found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// It goes on here.
    Open,
    /// It was brought to its end.
    Over,
    /// It is no longer the file of that name, though it has not come to its end.
    Gone,
}

impl Journal {
    /// Begins a generation: a new file in the place of any older one. Afterwards it outlives the machine.
    pub(crate) fn create(path: &Path, key: &SealKey, generation: u64) -> Result<Journal, StoreError> {
        let (header, end) = frame::header(key, generation);
        let next = beside(path, ".next");
        let made = (|| {
            // A leftover of a crash may have other permissions.
            let _ = fs::remove_file(&next);
            let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&next)?;
            write_all(&file, &header, 0)?;
            file.sync_all()?;
            fs::rename(&next, path)?;
            sync_folder(path)?;
            Ok(file)
        })();
        let file = made.map_err(|error| file_error("write", path, &error))?;
        Ok(Journal::over(file, path, end))
    }

    /// Opens the file, if there is one.
    ///
    /// # Errors
    /// [`StoreError::Tampered`] when it does not begin as a journal of this key.
    pub(crate) fn open(path: &Path, key: &SealKey) -> Result<Option<Journal>, StoreError> {
        let file = match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(file_error("open", path, &error)),
        };
        let mut header = [0; HEADER_BYTES];
        match file.read_exact_at(&mut header, 0) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Err(changed("its header is cut")),
            Err(error) => return Err(file_error("read", path, &error)),
        }
        let end = frame::read_header(key, &header).ok_or(changed("its header's seal does not fit"))?;
        Ok(Some(Journal::over(file, path, end)))
    }

    fn over(file: File, path: &Path, end: Mark) -> Journal {
        Journal { file: Arc::new(file), path: path.to_owned(), end, must_reach: None, buffer: Vec::new(), added: None }
    }

    /// For reading what is before a mark, without the lock: that part never changes.
    pub(crate) fn share(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// Asked by seeking: asking for the file's metadata would make the next write note its exact time as well,
    /// which costs more than half of what the write does.
    pub(crate) fn length(&self) -> Result<u64, StoreError> {
        let mut file = self.file.as_ref();
        file.seek(SeekFrom::End(0)).map_err(|error| file_error("read", &self.path, &error))
    }

    /// Is this the file of that name still?
    fn is_there(&self) -> Result<bool, StoreError> {
        let found = self.file.metadata().map_err(|error| file_error("read", &self.path, &error))?;
        Ok(found.nlink() > 0)
    }

    /// Waits until nobody else appends.
    ///
    /// # Errors
    /// [`StoreError::Busy`] after 5 s.
    pub(crate) fn lock(&self) -> Result<Locked, StoreError> {
        for round in 0..YIELDS + PAUSES {
            match self.file.try_lock() {
                Ok(()) => return Ok(Locked(self.share())),
                Err(TryLockError::WouldBlock) if round < YIELDS => std::thread::yield_now(),
                Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
                Err(TryLockError::Error(error)) => return Err(file_error("lock", &self.path, &error)),
            }
        }
        Err(StoreError::Busy)
    }

    /// Reads what others have added since the last look, and cuts off what was not written to its end. A
    /// `closer` look also asks whether this is still the file of that name.
    ///
    /// # Errors
    /// [`StoreError::Tampered`]; what comes before the change has then been read.
    pub(crate) fn look(
        &mut self,
        _locked: &Locked,
        key: &SealKey,
        closer: bool,
        found: impl FnMut(&Written<'_>, &Mark),
    ) -> Result<Look, StoreError> {
        let look = match self.length()?.checked_sub(self.end.position) {
            Some(0) => Ok(Look::Open),
            Some(more) => self.read_on(more, key, found),
            None => Err(changed("it is shorter than it was")),
        };
        let look = match (look, self.must_reach) {
            (Ok(Look::Open), Some(mark)) if mark.position > self.end.position => {
                Err(changed("it is shorter than it was"))
            }
            (look, _) => look,
        };
        match look {
            Ok(Look::Over) => Ok(Look::Over),
            // Whatever is wrong with it, another file may be right.
            look if (closer || look.is_err()) && !self.is_there()? => Ok(Look::Gone),
            look => look,
        }
    }

    fn read_on(
        &mut self,
        more: u64,
        key: &SealKey,
        mut found: impl FnMut(&Written<'_>, &Mark),
    ) -> Result<Look, StoreError> {
        let mut bytes = vec![0; usize::try_from(more).map_err(|_| changed("it is too long"))?];
        let read = self.file.read_exact_at(&mut bytes, self.end.position);
        read.map_err(|error| file_error("read", &self.path, &error))?;
        let mut rest = bytes.as_slice();
        loop {
            let end = match frame::next(key, &self.end, rest) {
                Next::Nothing => return Ok(Look::Open),
                Next::Entry(written, end) => {
                    found(&written, &end);
                    end
                }
                Next::End(end) => {
                    self.end = end;
                    return Ok(Look::Over);
                }
                Next::Torn => {
                    tracing::warn!(
                        bytes = rest.len(),
                        "the audit's journal ends in an entry that was not written to its end; it is cut off"
                    );
                    let cut = self.file.set_len(self.end.position);
                    return cut.map(|()| Look::Open).map_err(|error| file_error("write", &self.path, &error));
                }
                Next::Changed => return Err(changed("a frame's seal does not fit")),
            };
            let size = usize::try_from(end.position.saturating_sub(self.end.position)).unwrap_or(usize::MAX);
            rest = rest.get(size..).unwrap_or_default();
            self.end = end;
            if self.must_reach.take_if(|mark| mark.position == end.position).is_some_and(|mark| mark != end) {
                return Err(changed("it is another than it was"));
            }
        }
    }

    /// Makes a frame of an entry (the hash it rests on, its own, its fields), or of the journal's end, and answers
    /// the place behind it. It is in the file after [`Journal::write`], with all others that were added before.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when the entry is too long; the others stay.
    pub(crate) fn add(&mut self, key: &SealKey, entry: Option<(&Hash, &Hash, &[u8])>) -> Result<u64, StoreError> {
        let too_long = StoreError::Invalid { what: "audit entry", why: "too long for the journal" };
        let before = self.added.unwrap_or(self.end);
        let end = frame::write(&mut self.buffer, key, &before, entry).ok_or(too_long)?;
        self.added = Some(end);
        Ok(end.position)
    }

    /// Writes the frames that were added.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::File`]; then none of them was written.
    pub(crate) fn write(&mut self, _locked: &Locked) -> Result<(), StoreError> {
        let Some(end) = self.added.take() else { return Ok(()) };
        let written = write_all(&self.file, &self.buffer, self.end.position);
        self.buffer.clear();
        if let Err(error) = written {
            // If this fails as well, the next look cuts it off.
            let _ = self.file.set_len(self.end.position);
            return Err(file_error("write", &self.path, &error));
        }
        self.end = end;
        Ok(())
    }

    /// Removes the file of that name.
    pub(crate) fn remove(path: &Path) -> Result<(), StoreError> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(file_error("remove", path, &error)),
            _ => Ok(()),
        }
    }
}

/// Reads frames from a mark on, up to a place that a look has reached: at least one frame, and more as
/// far as they fit into `most` bytes.
pub(crate) fn read(file: &File, from: u64, to: u64, most: usize) -> Result<Vec<u8>, StoreError> {
    let failed = |error: Error| match error.kind() {
        ErrorKind::UnexpectedEof => changed("it is shorter than it was"),
        kind => StoreError::Unavailable { why: kind.to_string() },
    };
    let mut lengths = [0; frame::LENGTHS];
    file.read_exact_at(&mut lengths, from).map_err(failed)?;
    let first = frame::size(lengths).ok_or(changed("a frame's length was changed"))?;
    let there = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
    let mut bytes = vec![0; most.max(first).min(there)];
    file.read_exact_at(&mut bytes, from).map_err(failed)?;
    Ok(bytes)
}

/// One `write`, as a rule.
fn write_all(file: &File, bytes: &[u8], place: u64) -> Result<(), Error> {
    let fitting = bytes.get(..probe::room(bytes.len())).unwrap_or_default();
    file.write_all_at(fitting, place)?;
    if fitting.len() < bytes.len() { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
}

fn sync_folder(path: &Path) -> Result<(), Error> {
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}
