//! Password hashes that come with imported users.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::Value;

use crate::password::{Hash, WrongHash};
use crate::text::Fields;

/// The hash of an imported user: `password_hash` (bcrypt) or `custom_password_hash`, as text; `None` when
/// there is neither.
///
/// # Errors
/// [`WrongHash`].
pub fn imported(user: &Fields) -> Result<Option<String>, WrongHash> {
    if let Some(custom) = user.get("custom_password_hash").and_then(Value::as_object) {
        return custom_hash(custom).map(Some);
    }
    match user.get("password_hash") {
        Some(Value::String(text)) => Hash::parse(text).map(|_| Some(text.clone())),
        Some(Value::Null) | None => Ok(None),
        Some(_) => Err(WrongHash::Unknown),
    }
}

fn custom_hash(custom: &Fields) -> Result<String, WrongHash> {
    let text = |name: &str| custom.get(name).and_then(Value::as_str);
    let encoding = custom.get("password").and_then(|password| password.get("encoding")).and_then(Value::as_str);
    // The plain password in other encodings: none of them is what people type today.
    if !matches!(encoding, None | Some("utf8" | "utf-8" | "ascii")) {
        return Err(WrongHash::Unknown);
    }
    let hash = custom.get("hash").ok_or(WrongHash::Unknown)?;
    let value = hash.get("value").and_then(Value::as_str).ok_or(WrongHash::Unknown)?;
    match text("algorithm") {
        Some(kind @ ("argon2" | "bcrypt" | "pbkdf2")) => {
            let right = match kind {
                "argon2" => value.starts_with("$argon2"),
                "bcrypt" => value.starts_with("$2"),
                _ => value.starts_with("$pbkdf2-"),
            };
            if !right {
                return Err(WrongHash::Unknown);
            }
            Hash::parse(value).map(|_| value.to_owned())
        }
        Some("scrypt") if value.starts_with("$scrypt$") => Hash::parse(value).map(|_| value.to_owned()),
        Some("scrypt") => {
            let whole = |name: &str| custom.get(name).and_then(Value::as_u64);
            let narrow = |name: &str, usual: u32| match whole(name) {
                Some(value) => u32::try_from(value).map_err(|_| WrongHash::Costly),
                None => Ok(usual),
            };
            let salt = custom.get("salt").ok_or(WrongHash::Unknown)?;
            let salt = decoded(salt, "utf8")?;
            let hash = decoded(hash, "base64")?;
            if whole("keylen").is_some_and(|length| usize::try_from(length) != Ok(hash.len())) {
                return Err(WrongHash::Unknown);
            }
            let cost = whole("cost").unwrap_or(16_384);
            Hash::scrypt(cost, narrow("blockSize", 8)?, narrow("parallelization", 1)?, &salt, &hash)
        }
        Some("hmac" | "ldap" | "md4" | "md5" | "sha1" | "sha256" | "sha512") => Err(WrongHash::Weak),
        _ => Err(WrongHash::Unknown),
    }
}

/// `{value, encoding}`.
fn decoded(part: &Value, usual: &str) -> Result<Vec<u8>, WrongHash> {
    let value = part.get("value").and_then(Value::as_str).ok_or(WrongHash::Unknown)?;
    match part.get("encoding").and_then(Value::as_str).unwrap_or(usual) {
        "base64" => STANDARD_NO_PAD.decode(value.trim_end_matches('=')).map_err(|_| WrongHash::Unknown),
        "hex" => unhex(value).ok_or(WrongHash::Unknown),
        "utf8" | "ascii" => Ok(value.as_bytes().to_vec()),
        _ => Err(WrongHash::Unknown),
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits?;
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => Some(high << 4 | low),
        _ => None,
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(user: Value) -> Result<Option<String>, WrongHash> {
        imported(user.as_object().unwrap())
    }

    #[test]
    fn hashes_are_taken_or_refused_by_their_strength() {
        let bcrypt = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
        assert_eq!(read(json!({})), Ok(None));
        assert_eq!(read(json!({"password_hash": bcrypt})), Ok(Some(bcrypt.to_owned())));
        assert_eq!(read(json!({"password_hash": 5})), Err(WrongHash::Unknown));
        assert_eq!(
            read(json!({"custom_password_hash": {"algorithm": "bcrypt", "hash": {"value": bcrypt}}})),
            Ok(Some(bcrypt.to_owned()))
        );
        assert_eq!(
            read(json!({"custom_password_hash": {"algorithm": "pbkdf2", "hash": {"value": bcrypt}}})),
            Err(WrongHash::Unknown)
        );
        assert_eq!(
            read(
                json!({"custom_password_hash": {"algorithm": "md5", "hash": {"value": "5f4dcc3b5aa765d61d8327deb882cf99", "encoding": "hex"}}})
            ),
            Err(WrongHash::Weak)
        );
        let scrypt = json!({"custom_password_hash": {"algorithm": "scrypt", "cost": 1024, "blockSize": 8,
            "parallelization": 16, "keylen": 64, "salt": {"value": "NaCl", "encoding": "utf8"},
            "hash": {"encoding": "hex", "value": "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"}}});
        let text = read(scrypt).unwrap().unwrap();
        assert!(Hash::parse(&text).unwrap().fits(b"password"));
    }
}
