//! The keys and certificates that clients prove themselves with, as they bring them: PEM (RFC 7468).

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::clients::der;

/// RSA keys shorter than this are refused, in bits (RFC 7518, section 3.3).
const SHORTEST: usize = 2048;

/// Longer ones too: they would cost much to verify with.
const LONGEST: usize = 8192;

/// The longest PEM that is read, in bytes.
const MAX_PEM: usize = 32 * 1024;

/// A public key that was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PublicKey {
    /// The key's thumbprint (RFC 7638).
    pub(super) thumbprint: String,
    /// The key as PEM, SubjectPublicKeyInfo.
    pub(super) pem: String,
    /// When the certificate ends that it came in, microseconds since 1970 UTC.
    pub(super) expires_micros: Option<i64>,
}

/// A certificate that was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Certificate {
    /// The SHA-256 of the whole, base64url (RFC 8705, section 3.1).
    pub(super) thumbprint: String,
    /// The subject, a line for each attribute.
    pub(super) subject: String,
    /// When it ends, microseconds since 1970 UTC.
    pub(super) expires_micros: i64,
    /// The certificate as PEM.
    pub(super) pem: String,
}

/// Reads an RSA public key, alone or in a certificate. `Err` says what is wrong.
pub(super) fn public_key(pem: &str) -> Result<PublicKey, &'static str> {
    const WRONG: &str = "The pem is not an RSA public key or a certificate of one";
    let (label, bytes) = decode(pem).ok_or(WRONG)?;
    let (info, expires_micros) = match label {
        "PUBLIC KEY" => (bytes.as_slice(), None),
        "CERTIFICATE" => {
            let certificate = der::certificate(&bytes).ok_or(WRONG)?;
            (certificate.key, Some(certificate.expires_micros))
        }
        _ => return Err(WRONG),
    };
    let key = der::rsa_key(info).ok_or(WRONG)?;
    let leading = key.modulus.first().map_or(0, |byte| byte.leading_zeros());
    let bits = (key.modulus.len() * 8).saturating_sub(usize::try_from(leading).unwrap_or(0));
    if !(SHORTEST..=LONGEST).contains(&bits) {
        return Err("The RSA key must have 2048 to 8192 bits");
    }
    // The members of RFC 7638, section 3, in this order and without spaces.
    let (modulus, exponent) = (URL_SAFE_NO_PAD.encode(key.modulus), URL_SAFE_NO_PAD.encode(key.exponent));
    let members = [r#"{"e":""#, &exponent, r#"","kty":"RSA","n":""#, &modulus, r#""}"#].concat();
    let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, members.as_bytes()));
    Ok(PublicKey { thumbprint, pem: encode("PUBLIC KEY", info), expires_micros })
}

/// Reads a certificate. `Err` says what is wrong.
pub(super) fn certificate(pem: &str) -> Result<Certificate, &'static str> {
    const WRONG: &str = "The pem is not a certificate";
    let (label, bytes) = decode(pem).ok_or(WRONG)?;
    if label != "CERTIFICATE" {
        return Err(WRONG);
    }
    let certificate = der::certificate(&bytes).ok_or(WRONG)?;
    Ok(Certificate {
        thumbprint: URL_SAFE_NO_PAD.encode(digest(&SHA256, &bytes)),
        subject: certificate.subject,
        expires_micros: certificate.expires_micros,
        pem: encode("CERTIFICATE", &bytes),
    })
}

/// The first block of a PEM text: its label and its bytes.
fn decode(pem: &str) -> Option<(&str, Vec<u8>)> {
    if pem.len() > MAX_PEM {
        return None;
    }
    let (_, rest) = pem.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (body, end) = rest.split_once("-----END ")?;
    if end.split_once("-----")?.0 != label {
        return None;
    }
    let body: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    Some((label, STANDARD.decode(body).ok()?))
}

fn encode(label: &str, bytes: &[u8]) -> String {
    let body = STANDARD.encode(bytes);
    let mut pem = ["-----BEGIN ", label, "-----\n"].concat();
    let mut letters = body.chars().peekable();
    while letters.peek().is_some() {
        pem.extend(letters.by_ref().take(64));
        pem.push('\n');
    }
    pem.push_str(&["-----END ", label, "-----\n"].concat());
    pem
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{KeyPair, RsaKeyPair};

    use super::*;

    #[test]
    fn a_key_is_named_by_its_thumbprint() {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let info = pair.public_key().as_der().unwrap();
        let pem = encode("PUBLIC KEY", info.as_ref());
        let key = public_key(&pem).unwrap();
        assert_eq!(key.thumbprint.len(), 43);
        assert_eq!(key.pem, pem);
        assert_eq!(public_key(&pem.replace('\n', "\r\n")).unwrap(), key);
        assert!(jsonwebtoken::DecodingKey::from_rsa_pem(key.pem.as_bytes()).is_ok());
        for wrong in
            ["", "x", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", &pem.replace("PUBLIC", "PRIVATE")]
        {
            assert!(public_key(wrong).is_err());
        }
        assert!(certificate(&pem).is_err());
    }

    /// The key of RFC 7638, section 3.1.
    #[test]
    fn the_standards_own_example_fits() {
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let modulus = URL_SAFE_NO_PAD.decode(n).unwrap();
        let value = |tag: u8, contents: &[u8]| {
            let length = u16::try_from(contents.len()).unwrap().to_be_bytes();
            [&[tag, 0x82], &length[..], contents].concat()
        };
        let key = value(0x30, &[value(2, &[&[0], &modulus[..]].concat()), value(2, &[1, 0, 1])].concat());
        let algorithm = value(0x30, &value(6, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01]));
        let info = value(0x30, &[algorithm, value(3, &[&[0], &key[..]].concat())].concat());
        let key = public_key(&encode("PUBLIC KEY", &info)).unwrap();
        assert_eq!(key.thumbprint, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }
}
