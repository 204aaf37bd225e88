//! A place in a journal, and what the database notes of it.

use crate::audit::chain::SealKey;

const STATE_DOMAIN: &[u8] = b"tenantry journal state 1\n";

/// A seal of the journal: a frame's, or the header's. Each rests on the one before.
pub(crate) type Seal = [u8; 32];

/// The end of a frame (or of the header): everything before it is settled by the seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Which journal, counted from 1.
    pub(crate) generation: u64,
    /// In bytes from the beginning of the file.
    pub(crate) position: u64,
    pub(crate) seal: Seal,
}

/// What the database notes: up to where the entries are in its tables. It changes in the transaction that
/// puts them there, so that nothing is moved twice or left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) mark: Mark,
    /// Is this the end of its generation? Then there need not be a file. Otherwise there must be.
    pub(crate) whole: bool,
}

impl State {
    /// Of a store that never had a journal.
    pub(crate) const NONE: State = State { mark: Mark { generation: 0, position: 0, seal: [0; 32] }, whole: true };

    /// As the database keeps it, sealed.
    pub(crate) fn write(&self, key: &SealKey) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(81);
        bytes.extend_from_slice(&self.mark.generation.to_be_bytes());
        bytes.extend_from_slice(&self.mark.position.to_be_bytes());
        bytes.extend_from_slice(&self.mark.seal);
        bytes.push(u8::from(self.whole));
        let seal = key.seal(STATE_DOMAIN, &[&bytes]);
        bytes.extend_from_slice(&seal);
        bytes
    }

    /// Reads it back; `None` when its seal does not fit.
    pub(crate) fn read(key: &SealKey, bytes: &[u8]) -> Option<State> {
        let (content, seal) = bytes.split_last_chunk::<32>()?;
        if !key.fits(STATE_DOMAIN, &[content], seal) {
            return None;
        }
        let (generation, rest) = content.split_first_chunk::<8>()?;
        let (position, rest) = rest.split_first_chunk::<8>()?;
        let (seal, rest) = rest.split_first_chunk::<32>()?;
        let whole = match rest {
            [0] => false,
            [1] => true,
            _ => return None,
        };
        let (generation, position) = (u64::from_be_bytes(*generation), u64::from_be_bytes(*position));
        Some(State { mark: Mark { generation, position, seal: *seal }, whole })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_back_and_sealed() {
        let key = SealKey::new(b"key").unwrap();
        let state = State { mark: Mark { generation: 3, position: 500, seal: [9; 32] }, whole: false };
        let bytes = state.write(&key);
        assert_eq!(State::read(&key, &bytes), Some(state));
        assert_eq!(State::read(&SealKey::new(b"other").unwrap(), &bytes), None);
        for place in 0..bytes.len() {
            let mut other = bytes.clone();
            other[place] ^= 1;
            assert_eq!(State::read(&key, &other), None, "{place}");
        }
        assert_eq!(State::read(&key, &bytes[1..]), None);
        assert_eq!(State::read(&key, &[]), None);
    }
}
