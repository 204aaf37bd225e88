//! What callers see instead of a masked or hashed value.

use std::sync::OnceLock;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A way to mask text. The result never tells the length of what it hides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mask {
    /// `***`
    All,
    /// The last n characters (1 to 8): `***1234`. Values no longer than 2n show nothing.
    Last(u8),
    /// The first n characters (1 to 8): `Nor***`. Values no longer than 2n show nothing.
    First(u8),
    /// The first character and the domain: `a***@example.com`.
    Email,
}

impl Mask {
    /// The mask of that name: `all`, `last4`, `first3`, `email`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Mask> {
        let count = |digits: &str| digits.parse::<u8>().ok().filter(|n| (1..=8).contains(n) && digits.len() == 1);
        match name {
            "all" => Some(Mask::All),
            "email" => Some(Mask::Email),
            _ => match (name.strip_prefix("last"), name.strip_prefix("first")) {
                (Some(digits), _) => count(digits).map(Mask::Last),
                (_, Some(digits)) => count(digits).map(Mask::First),
                _ => None,
            },
        }
    }

    /// The name, as [`Mask::parse`] reads it.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Mask::All => "all".to_owned(),
            Mask::Email => "email".to_owned(),
            Mask::Last(n) => ["last", &n.to_string()].concat(),
            Mask::First(n) => ["first", &n.to_string()].concat(),
        }
    }

    /// Writes the masked form of `text` to the end of `out`.
    pub fn write(self, text: &str, out: &mut String) {
        match self {
            Mask::All => out.push_str("***"),
            Mask::Last(n) => {
                out.push_str("***");
                let count = text.chars().count();
                if count > 2 * usize::from(n) {
                    out.extend(text.chars().skip(count - usize::from(n)));
                }
            }
            Mask::First(n) => {
                if text.chars().count() > 2 * usize::from(n) {
                    out.extend(text.chars().take(usize::from(n)));
                }
                out.push_str("***");
            }
            Mask::Email => match text.rsplit_once('@') {
                Some((local, domain)) if local.chars().count() > 1 => {
                    out.extend(local.chars().take(1));
                    out.push_str("***@");
                    out.push_str(domain);
                }
                _ => out.push_str("***"),
            },
        }
    }
}

/// The key of one account's hashed fields. It is derived when the first field is hashed: most calls hash none.
#[derive(Clone)]
pub struct HashKey {
    secret: Vec<u8>,
    account: String,
    derived: OnceLock<Vec<u8>>,
}

impl std::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashKey(…)")
    }
}

impl HashKey {
    /// The key of `account` under the installation's secret (HMAC-SHA-256). Platform principals
    /// have the empty account.
    #[must_use]
    pub fn derive(secret: &[u8], account: &str) -> HashKey {
        HashKey { secret: secret.to_vec(), account: account.to_owned(), derived: OnceLock::new() }
    }

    /// Writes the hash of a column's value, 32 hexadecimal digits, to the end of `out`. The table
    /// and column take part, so equal values of two columns look different.
    pub fn write(&self, table: &str, column: &str, value: &[u8], out: &mut String) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let key = self.derived.get_or_init(|| mac(&self.secret, &[b"tenantry hash key", self.account.as_bytes()]));
        for byte in mac(key, &[table.as_bytes(), column.as_bytes(), value]).iter().take(16) {
            for nibble in [byte >> 4, byte & 15] {
                out.push(DIGITS.get(usize::from(nibble)).copied().map_or('0', char::from));
            }
        }
    }
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        // HMAC takes a key of any length; an empty digest would still tell nothing.
        return vec![0; 32];
    };
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(mask: &str, text: &str) -> String {
        let mut out = String::new();
        Mask::parse(mask).unwrap().write(text, &mut out);
        out
    }

    #[test]
    fn masks_show_only_what_they_name() {
        assert_eq!(masked("last4", "4111111111111234"), "***1234");
        assert_eq!(masked("last4", "12345678"), "***");
        assert_eq!(masked("first3", "Northwind"), "Nor***");
        assert_eq!(masked("first3", "Nor"), "***");
        assert_eq!(masked("email", "ada@example.com"), "a***@example.com");
        assert_eq!(masked("email", "a@example.com"), "***");
        assert_eq!(masked("email", "nobody"), "***");
        assert_eq!(masked("all", "x"), "***");
        assert!(Mask::parse("last9").is_none() && Mask::parse("last04").is_none() && Mask::parse("middle").is_none());
    }

    #[test]
    fn hashes_differ_by_account_table_column_and_value() {
        let hash = |account: &str, table: &str, column: &str, value: &[u8]| {
            let mut out = String::new();
            HashKey::derive(b"secret", account).write(table, column, value, &mut out);
            out
        };
        let base = hash("acme", "users", "email", b"a@example.com");
        assert_eq!(base.len(), 32);
        assert_eq!(base, hash("acme", "users", "email", b"a@example.com"));
        assert_ne!(base, hash("globex", "users", "email", b"a@example.com"));
        assert_ne!(base, hash("acme", "user", "semail", b"a@example.com"));
        assert_ne!(base, hash("acme", "users", "email", b"b@example.com"));
    }
}
