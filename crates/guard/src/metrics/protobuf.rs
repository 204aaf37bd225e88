//! As much of protobuf's wire format as figures need: messages are written field by field, and of an answer two
//! fields are read.

/// A message that is being written.
#[derive(Debug, Default, Clone)]
pub(super) struct Message(Vec<u8>);

/// How a field's value is written.
const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const BYTES: u64 = 2;
const FIXED32: u64 = 5;

impl Message {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Puts the fields of another message after these.
    pub(super) fn append(&mut self, other: &Message) {
        self.0.extend_from_slice(&other.0);
    }

    fn varint(&mut self, mut number: u64) {
        loop {
            let low = u8::try_from(number & 0x7f).unwrap_or_default();
            number >>= 7;
            if number == 0 {
                self.0.push(low);
                return;
            }
            self.0.push(low | 0x80);
        }
    }

    fn tag(&mut self, field: u64, kind: u64) {
        self.varint(field << 3 | kind);
    }

    pub(super) fn uint(&mut self, field: u64, number: u64) {
        self.tag(field, VARINT);
        self.varint(number);
    }

    pub(super) fn fixed(&mut self, field: u64, number: u64) {
        self.tag(field, FIXED64);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub(super) fn double(&mut self, field: u64, number: f64) {
        self.fixed(field, number.to_bits());
    }

    pub(super) fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.tag(field, BYTES);
        self.varint(u64::try_from(bytes.len()).unwrap_or_default());
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn text(&mut self, field: u64, text: &str) {
        self.bytes(field, text.as_bytes());
    }

    pub(super) fn message(&mut self, field: u64, message: &Message) {
        self.bytes(field, &message.0);
    }

    /// Numbers of 8 bytes each, packed.
    pub(super) fn packed(&mut self, field: u64, numbers: impl IntoIterator<Item = u64>) {
        let mut packed = Vec::new();
        for number in numbers {
            packed.extend_from_slice(&number.to_le_bytes());
        }
        self.bytes(field, &packed);
    }
}

/// A field's value as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read<'d> {
    Number(u64),
    Bytes(&'d [u8]),
}

/// The fields of a message in their order; ends where something cannot be read.
pub(super) fn fields(mut rest: &[u8]) -> impl Iterator<Item = (u64, Read<'_>)> {
    std::iter::from_fn(move || {
        let tag = varint(&mut rest)?;
        let value = match tag & 7 {
            VARINT => Read::Number(varint(&mut rest)?),
            BYTES => {
                let length = usize::try_from(varint(&mut rest)?).ok()?;
                let (value, after) = rest.split_at_checked(length)?;
                rest = after;
                Read::Bytes(value)
            }
            FIXED64 => {
                let (value, after) = rest.split_first_chunk::<8>()?;
                rest = after;
                Read::Number(u64::from_le_bytes(*value))
            }
            FIXED32 => {
                let (value, after) = rest.split_first_chunk::<4>()?;
                rest = after;
                Read::Number(u32::from_le_bytes(*value).into())
            }
            _ => return None,
        };
        Some((tag >> 3, value))
    })
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (first, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(first & 0x7f).checked_shl(shift)?;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut inner = Message::default();
        inner.text(1, "name");
        let mut message = Message::default();
        for number in [0, 1, 127, 128, 300, u64::MAX] {
            message.uint(9, number);
        }
        message.fixed(16, 7);
        message.message(2, &inner);
        let bytes = message.into_bytes();
        let read: Vec<_> = fields(&bytes).collect();
        let numbers = [0, 1, 127, 128, 300, u64::MAX].map(|number| (9, Read::Number(number)));
        assert_eq!(read.get(..6).unwrap(), numbers);
        assert_eq!(read[6], (16, Read::Number(7)));
        assert_eq!(read[7], (2, Read::Bytes(b"\x0a\x04name")));
        assert_eq!(read.len(), 8);
        // The specification's own example: field 1 is 150.
        let mut message = Message::default();
        message.uint(1, 150);
        assert_eq!(message.into_bytes(), [0x08, 0x96, 0x01]);
    }

    #[test]
    fn what_cannot_be_read_ends_it() {
        for bytes in
            [&b"\x0a\x05abc"[..], b"\x0a", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x0b", b"\x09abc"]
        {
            assert_eq!(fields(bytes).count(), 0, "{bytes:?}");
        }
    }
}
