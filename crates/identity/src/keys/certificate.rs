//! The certificate of a key that signs: older clients take the public key from one (RFC 5280). Everybody who
//! has the key makes the same bytes, since RSASSA-PKCS1-v1_5 signs without randomness.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::keys::Key;

/// 1.2.840.113549.1.1.11: sha256WithRSAEncryption.
const SHA256_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
/// 2.5.4.3: commonName.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// 1.2.840.113549.1.7.2 and .1: signedData and data (RFC 2315).
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];

/// How long a key is used follows from the key sets. The certificate's own times say nothing about it.
const NOT_BEFORE: &[u8] = b"240101000000Z";
const NOT_AFTER: &[u8] = b"491231235959Z";

/// A certificate in the forms that are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyCertificate {
    /// PEM.
    pub cert: String,
    /// The same in a PKCS #7 envelope, PEM.
    pub pkcs7: String,
    /// `/CN=host`.
    pub subject: String,
}

/// The certificate of an RSA key for a host; `None` for other keys.
pub(super) fn certificate(key: &Key, host: &str) -> Option<KeyCertificate> {
    let algorithm = value(0x30, &[value(0x06, SHA256_WITH_RSA), vec![0x05, 0]].concat());
    let name =
        value(0x30, &value(0x31, &value(0x30, &[value(0x06, COMMON_NAME), value(0x0c, host.as_bytes())].concat())));
    let serial: Vec<u8> = std::iter::once(1).chain(key.kid.bytes().take(15)).collect();
    let body = value(
        0x30,
        &[
            value(0xa0, &value(0x02, &[2])),
            value(0x02, &serial),
            algorithm.clone(),
            name.clone(),
            value(0x30, &[value(0x17, NOT_BEFORE), value(0x17, NOT_AFTER)].concat()),
            name,
            key.public_der()?,
        ]
        .concat(),
    );
    let signature = [&[0][..], &key.sign_bytes(&body)?].concat();
    let whole = value(0x30, &[body, algorithm, value(0x03, &signature)].concat());
    let envelope = value(
        0x30,
        &[
            value(0x06, SIGNED_DATA),
            value(
                0xa0,
                &value(
                    0x30,
                    &[
                        value(0x02, &[1]),
                        value(0x31, &[]),
                        value(0x30, &value(0x06, DATA)),
                        value(0xa0, &whole),
                        value(0x31, &[]),
                    ]
                    .concat(),
                ),
            ),
        ]
        .concat(),
    );
    Some(KeyCertificate {
        cert: pem("CERTIFICATE", &whole),
        pkcs7: pem("PKCS7", &envelope),
        subject: ["/CN=", host].concat(),
    })
}

/// A value of DER: tag, length, contents (X.690, section 8.1).
fn value(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len();
    let mut whole = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => whole.push(short),
        _ => {
            let bytes: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
            whole.push(0x80 | u8::try_from(bytes.len()).unwrap_or(8));
            whole.extend(bytes);
        }
    }
    whole.extend_from_slice(contents);
    whole
}

/// PEM (RFC 7468).
fn pem(label: &str, bytes: &[u8]) -> String {
    let body = STANDARD.encode(bytes);
    let mut text = ["-----BEGIN ", label, "-----\n"].concat();
    let mut letters = body.chars().peekable();
    while letters.peek().is_some() {
        text.extend(letters.by_ref().take(64));
        text.push('\n');
    }
    text.push_str(&["-----END ", label, "-----\n"].concat());
    text
}
