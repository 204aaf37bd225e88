//! Reads the few ASN.1 structures that clients bring (DER, ITU-T X.690): public keys and certificates.

use jiff::Timestamp;

/// The tags that are met here.
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;

/// 1.2.840.113549.1.1.1 and .10: RSA keys, without and with PSS (RFC 4055).
const RSA: [&[u8]; 2] =
    [&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01], &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a]];

/// 30 December 9999, microseconds since 1970 UTC.
const LAST: i64 = 253_402_128_000_000_000;

/// What lies ahead.
#[derive(Debug, Clone, Copy)]
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The next value: its tag, its contents, and the whole of it.
    fn next(&mut self) -> Option<(u8, &'a [u8], &'a [u8])> {
        let (tag, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (length, rest) = if *first < 0x80 {
            (usize::from(*first), rest)
        } else {
            let bytes = usize::from(*first & 0x7f);
            if bytes == 0 || bytes > 4 {
                return None;
            }
            let (bytes, rest) = rest.split_at_checked(bytes)?;
            (bytes.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte)), rest)
        };
        let (contents, after) = rest.split_at_checked(length)?;
        let (whole, _) = self.0.split_at_checked(self.0.len() - after.len())?;
        self.0 = after;
        Some((*tag, contents, whole))
    }

    /// The contents of the next value, which must have this tag.
    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (found, contents, _) = self.next()?;
        (found == tag).then_some(contents)
    }
}

/// An RSA public key: modulus and exponent without leading zeros (RFC 8017, section 3.1).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RsaKey<'a> {
    pub(super) modulus: &'a [u8],
    pub(super) exponent: &'a [u8],
}

/// The RSA key in a SubjectPublicKeyInfo (RFC 5280, section 4.1); `None` for anything else.
pub(super) fn rsa_key(info: &[u8]) -> Option<RsaKey<'_>> {
    let mut info = Reader(Reader(info).expect(SEQUENCE)?);
    let mut algorithm = Reader(info.expect(SEQUENCE)?);
    if !RSA.contains(&algorithm.expect(OBJECT)?) {
        return None;
    }
    let (unused, key) = info.expect(BIT_STRING)?.split_first()?;
    if *unused != 0 {
        return None;
    }
    let mut key = Reader(Reader(key).expect(SEQUENCE)?);
    Some(RsaKey { modulus: positive(key.expect(INTEGER)?)?, exponent: positive(key.expect(INTEGER)?)? })
}

fn positive(mut bytes: &[u8]) -> Option<&[u8]> {
    if bytes.first()? & 0x80 != 0 {
        return None;
    }
    while let Some((0, rest)) = bytes.split_first() {
        bytes = rest;
    }
    (!bytes.is_empty()).then_some(bytes)
}

/// What is read from a certificate (RFC 5280, section 4.1). Nothing of it is believed: it was brought by
/// whoever may change the client.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Certificate<'a> {
    /// The subject, a line for each attribute: `C=JP`.
    pub(super) subject: String,
    /// When it ends, microseconds since 1970 UTC.
    pub(super) expires_micros: i64,
    /// Its SubjectPublicKeyInfo.
    pub(super) key: &'a [u8],
}

/// Reads a certificate.
pub(super) fn certificate(der: &[u8]) -> Option<Certificate<'_>> {
    let mut body = Reader(Reader(Reader(der).expect(SEQUENCE)?).expect(SEQUENCE)?);
    let mut ahead = body;
    if ahead.next()?.0 == VERSION {
        body = ahead;
    }
    body.expect(INTEGER)?;
    body.expect(SEQUENCE)?;
    body.expect(SEQUENCE)?;
    let mut validity = Reader(body.expect(SEQUENCE)?);
    validity.next()?;
    let (kind, end, _) = validity.next()?;
    let subject = name(body.expect(SEQUENCE)?)?;
    let (tag, _, key) = body.next()?;
    if tag != SEQUENCE {
        return None;
    }
    Some(Certificate { subject, expires_micros: time(kind, end)?, key })
}

fn name(contents: &[u8]) -> Option<String> {
    let mut sets = Reader(contents);
    let mut lines = Vec::new();
    while !sets.0.is_empty() {
        let mut set = Reader(sets.expect(SET)?);
        let mut attributes = Vec::new();
        while !set.0.is_empty() {
            let mut attribute = Reader(set.expect(SEQUENCE)?);
            let object = attribute.expect(OBJECT)?;
            let (_, value, _) = attribute.next()?;
            attributes.push([&short_name(object)?, "=", &String::from_utf8_lossy(value)].concat());
        }
        lines.push(attributes.join("+"));
    }
    Some(lines.join("\n"))
}

/// The short name of an attribute (RFC 4514, section 3), or its dotted numbers.
fn short_name(object: &[u8]) -> Option<String> {
    Some(
        match object {
            [0x55, 0x04, 3] => "CN",
            [0x55, 0x04, 4] => "SN",
            [0x55, 0x04, 5] => "serialNumber",
            [0x55, 0x04, 6] => "C",
            [0x55, 0x04, 7] => "L",
            [0x55, 0x04, 8] => "ST",
            [0x55, 0x04, 9] => "street",
            [0x55, 0x04, 10] => "O",
            [0x55, 0x04, 11] => "OU",
            [0x55, 0x04, 12] => "title",
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01] => "emailAddress",
            [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19] => "DC",
            [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01] => "UID",
            other => return dotted(other),
        }
        .to_owned(),
    )
}

fn dotted(object: &[u8]) -> Option<String> {
    let mut numbers = Vec::new();
    let mut number = 0_u64;
    for byte in object {
        number = number.checked_mul(128)?.checked_add(u64::from(byte & 0x7f))?;
        if byte & 0x80 == 0 {
            numbers.push(number);
            number = 0;
        }
    }
    let (first, rest) = numbers.split_first()?;
    let (one, two) = if *first < 80 { (first / 40, first % 40) } else { (2, first - 80) };
    let all = [one, two].into_iter().chain(rest.iter().copied());
    Some(all.map(|number| number.to_string()).collect::<Vec<_>>().join("."))
}

/// A time in a certificate (RFC 5280, section 4.1.2.5).
fn time(kind: u8, text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let whole = match kind {
        UTC_TIME => [if text.get(..2)? < "50" { "20" } else { "19" }, text].concat(),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    // A certificate without an end says so (section 4.1.2.5); our times end a day earlier.
    if whole.starts_with("999912") {
        return Some(LAST);
    }
    let part = |from: usize, to: usize| whole.get(from..to);
    let time = format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0, 4)?,
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?,
        part(12, 14)?
    );
    Some(time.parse::<Timestamp>().ok()?.as_microsecond())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_and_numbers_are_read() {
        assert_eq!(time(UTC_TIME, b"700101000001Z"), Some(1_000_000));
        assert_eq!(time(GENERALIZED_TIME, b"19700101000001Z"), Some(1_000_000));
        assert_eq!(time(UTC_TIME, b"490101000000Z"), time(GENERALIZED_TIME, b"20490101000000Z"));
        assert_eq!(time(GENERALIZED_TIME, b"99991231235959Z"), Some(LAST));
        assert_eq!(crate::text::time(LAST), "9999-12-30T00:00:00.000Z");
        assert_eq!(time(UTC_TIME, b"7001010000"), None);
        assert_eq!(dotted(&[0x2a, 0x86, 0x48]), Some("1.2.840".to_owned()));
        assert_eq!(short_name(&[0x55, 0x04, 3]), Some("CN".to_owned()));
    }

    proptest! {
        #[test]
        fn nothing_that_is_brought_breaks_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = rsa_key(&bytes);
            let _ = certificate(&bytes);
        }
    }
}
