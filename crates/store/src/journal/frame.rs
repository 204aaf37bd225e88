//! The bytes of a journal. Pure.
//!
//! ```text
//! header = "tenantry journal" ‖ u32 version ‖ u64 generation ‖ seal₀
//! frame  = u32 length ‖ u32 !length ‖ body ‖ seal        length is that of the body
//! body   = kind ‖ hash before ‖ hash ‖ fields            as in audit/chain.rs; kind 2 ends the journal
//! seal₀  = HMAC-SHA-256(key, DOMAIN ‖ generation)
//! sealₙ  = HMAC-SHA-256(key, DOMAIN ‖ generation ‖ sealₙ₋₁ ‖ kind ‖ hash before ‖ hash)
//! ```
//! Numbers are big endian. The hash settles the fields, the seal settles the hash, the place of the frame
//! and everything before it. The length is there twice so that no damage to it looks like a frame that
//! was not written to its end.

use crate::audit::chain::{HASHED_COLUMNS, SealKey, decode, hash_of};
use crate::audit::entry::Hash;
use crate::backend::Cell;
use crate::journal::mark::{Mark, Seal};

const MAGIC: &[u8; 16] = b"tenantry journal";
const VERSION: u32 = 1;
const HEADER_DOMAIN: &[u8] = b"tenantry journal header 1\n";
const FRAME_DOMAIN: &[u8] = b"tenantry journal frame 1\n";

/// How long the header is.
pub(crate) const HEADER_BYTES: usize = 60;

/// A frame's bytes before its body.
pub(crate) const LENGTHS: usize = 8;

const SEAL_BYTES: usize = 32;
const ENTRY: u8 = 1;
const END: u8 = 2;

/// The header of a generation, and the place behind it.
pub(crate) fn header(key: &SealKey, generation: u64) -> (Vec<u8>, Mark) {
    let seal = key.seal(HEADER_DOMAIN, &[&generation.to_be_bytes()]);
    let mut bytes = Vec::with_capacity(HEADER_BYTES);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_be_bytes());
    bytes.extend_from_slice(&generation.to_be_bytes());
    bytes.extend_from_slice(&seal);
    (bytes, Mark { generation, position: HEADER_BYTES as u64, seal })
}

/// Reads a header; `None` when it is not one that this key sealed.
pub(crate) fn read_header(key: &SealKey, bytes: &[u8; HEADER_BYTES]) -> Option<Mark> {
    let (_, rest) = bytes.split_at_checked(MAGIC.len() + 4)?;
    let (generation, _) = rest.split_first_chunk::<8>()?;
    let (expected, mark) = header(key, u64::from_be_bytes(*generation));
    (expected == bytes).then_some(mark)
}

/// Adds a frame to a buffer and answers the place behind it. Nothing to put in ends the journal.
pub(crate) fn write(
    out: &mut Vec<u8>,
    key: &SealKey,
    before: &Mark,
    entry: Option<(&Hash, &Hash, &[u8])>,
) -> Option<Mark> {
    let (kind, (previous, hash, fields)) = match entry {
        Some(entry) => (ENTRY, entry),
        None => (END, (&Hash::ZERO, &Hash::ZERO, &[][..])),
    };
    let length = u32::try_from(1 + 64 + fields.len()).ok()?;
    let seal = frame_seal(key, before, kind, previous, hash);
    let before_it = out.len();
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&(!length).to_be_bytes());
    out.push(kind);
    out.extend_from_slice(&previous.0);
    out.extend_from_slice(&hash.0);
    out.extend_from_slice(fields);
    out.extend_from_slice(&seal);
    Some(Mark { position: before.position.checked_add((out.len() - before_it) as u64)?, seal, ..*before })
}

fn frame_seal(key: &SealKey, before: &Mark, kind: u8, previous: &Hash, hash: &Hash) -> Seal {
    key.seal(FRAME_DOMAIN, &[&before.generation.to_be_bytes(), &before.seal, &[kind], &previous.0, &hash.0])
}

/// An entry in a frame.
#[derive(Debug, PartialEq)]
pub(crate) struct Written<'a> {
    pub(crate) cells: [Cell<'a>; HASHED_COLUMNS],
    /// The hash that it rests on.
    pub(crate) previous: Hash,
    pub(crate) hash: Hash,
}

impl Written<'_> {
    /// The account, and the place in its chain.
    pub(crate) fn place(&self) -> Option<(&str, i64)> {
        match self.cells {
            [Cell::Text(account), Cell::Int(seq), ..] => Some((account, seq)),
            _ => None,
        }
    }
}

/// What comes next in a journal.
#[derive(Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "it lives for one step of a loop, on the stack")]
pub(crate) enum Next<'a> {
    /// No more bytes.
    Nothing,
    /// An entry, and the place behind it.
    Entry(Written<'a>, Mark),
    /// The journal ends here, and the place behind that.
    End(Mark),
    /// A frame that was not written to its end, and all that is there of it.
    Torn,
    /// Something that this key never sealed in this place.
    Changed,
}

/// Reads the frame after a mark; `rest` begins there.
pub(crate) fn next<'a>(key: &SealKey, before: &Mark, rest: &'a [u8]) -> Next<'a> {
    match frame(key, before, rest) {
        Some(next) => next,
        None if rest.is_empty() => Next::Nothing,
        None if is_torn(rest) => Next::Torn,
        None => Next::Changed,
    }
}

/// How many bytes the frame takes that begins with these; `None` when its length was changed.
pub(crate) fn size(lengths: [u8; LENGTHS]) -> Option<usize> {
    let [a, b, c, d, e, f, g, h] = lengths;
    let length = u32::from_be_bytes([a, b, c, d]);
    let is_whole = u32::from_be_bytes([e, f, g, h]) == !length;
    let body = usize::try_from(length).ok().filter(|_| is_whole)?;
    Some(LENGTHS + body + SEAL_BYTES)
}

/// A process that is killed leaves the first part of a frame. A machine that loses power leaves that, or
/// zeros where blocks never reached the disk; a seal has zeros in the end by chance only (2⁻²⁵⁶).
fn is_torn(rest: &[u8]) -> bool {
    let is_part = match rest.first_chunk::<LENGTHS>() {
        None => true,
        Some(lengths) => size(*lengths).is_some_and(|size| size > rest.len()),
    };
    is_part || rest.last_chunk::<SEAL_BYTES>() == Some(&[0; SEAL_BYTES])
}

fn frame<'a>(key: &SealKey, before: &Mark, rest: &'a [u8]) -> Option<Next<'a>> {
    let size = size(*rest.first_chunk::<LENGTHS>()?)?;
    let (body, seal) = rest.get(LENGTHS..size)?.split_last_chunk::<SEAL_BYTES>()?;
    let (kind, body) = body.split_first()?;
    let (previous, body) = body.split_first_chunk::<32>()?;
    let (hash, fields) = body.split_first_chunk::<32>()?;
    let (previous, hash) = (Hash(*previous), Hash(*hash));
    if frame_seal(key, before, *kind, &previous, &hash) != *seal {
        return None;
    }
    let mark = Mark { position: before.position.checked_add(size as u64)?, seal: *seal, ..*before };
    match *kind {
        ENTRY if hash_of(&previous, fields) == hash => {
            Some(Next::Entry(Written { cells: decode(fields)?, previous, hash }, mark))
        }
        END if fields.is_empty() => Some(Next::End(mark)),
        _ => None,
    }
}
