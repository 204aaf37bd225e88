//! New ids: a prefix that tells the kind, and unpredictable letters and digits.

use tenantry_policy::Entropy;
use tenantry_policy::ambient::NoEntropy;

const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// `prefix` and `length` letters and digits, each about 5.95 bits.
///
/// # Errors
/// [`NoEntropy`].
pub(crate) fn letters(entropy: &dyn Entropy, prefix: &str, length: usize) -> Result<String, NoEntropy> {
    let mut id = String::with_capacity(prefix.len() + length);
    id.push_str(prefix);
    let mut drawn = [0_u8; 32];
    while id.len() < prefix.len() + length {
        entropy.fill(&mut drawn)?;
        for byte in drawn {
            // Four times the alphabet; the rest would favour its first letters.
            if id.len() < prefix.len() + length && byte < 248 {
                id.push(LETTERS.get(usize::from(byte % 62)).copied().map_or('0', char::from));
            }
        }
    }
    Ok(id)
}

/// `prefix` and `2 * bytes` hexadecimal digits.
///
/// # Errors
/// [`NoEntropy`].
pub(crate) fn hex(entropy: &dyn Entropy, prefix: &str, bytes: usize) -> Result<String, NoEntropy> {
    let mut drawn = vec![0; bytes];
    entropy.fill(&mut drawn)?;
    let mut id = prefix.to_owned();
    for byte in drawn {
        for nibble in [byte >> 4, byte & 15] {
            id.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
    Ok(id)
}
