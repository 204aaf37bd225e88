//! SCRAM-SHA-256 verifiers (RFC 5802 section 3, RFC 7677), in the form that `pg_authid` keeps (RFC 5803):
//! `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`. Made here, so that neither the server nor its log
//! ever gets a password.

use std::fmt;
use std::num::NonZeroU32;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::{hmac, pbkdf2};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// As many as PostgreSQL itself takes, and RFC 7677 asks for at least.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).unwrap();

/// What the server checks a password against. Neither `Debug` nor any statement's `Display` shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier(String);

/// The password cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPassword {
    /// PostgreSQL takes no empty password.
    #[error("the password is empty")]
    Empty,
    /// A NUL ends a password on its way.
    #[error("the password holds a NUL")]
    Nul,
}

impl Verifier {
    /// The verifier of a password; `salt` is fresh randomness.
    ///
    /// The password is prepared as RFC 4013 says; one that the profile prohibits is taken as it is, which is what
    /// PostgreSQL's server and clients do.
    ///
    /// # Errors
    /// [`BadPassword`].
    pub fn of(password: &str, salt: [u8; 16]) -> Result<Verifier, BadPassword> {
        if password.is_empty() {
            return Err(BadPassword::Empty);
        }
        if password.contains('\0') {
            return Err(BadPassword::Nul);
        }
        let prepared = stringprep::saslprep(password).unwrap_or(password.into());
        let mut salted = [0_u8; 32];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ITERATIONS, &salt, prepared.as_bytes(), &mut salted);
        let key = hmac::Key::new(hmac::HMAC_SHA256, &salted);
        let client = hmac::sign(&key, b"Client Key");
        let stored = digest(&SHA256, client.as_ref());
        let server = hmac::sign(&key, b"Server Key");
        Ok(Verifier(format!(
            "SCRAM-SHA-256${ITERATIONS}:{}${}:{}",
            STANDARD.encode(salt),
            STANDARD.encode(stored),
            STANDARD.encode(server)
        )))
    }

    /// For a statement alone.
    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The password, salt and keys of RFC 7677 section 3, as PostgreSQL's own regression tests have them.
    #[test]
    fn the_verifier_is_the_one_that_the_standard_says() {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let verifier = Verifier::of("pencil", salt.try_into().unwrap()).unwrap();
        assert_eq!(
            verifier.text(),
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
        );
    }

    #[test]
    fn what_cannot_be_a_password_is_refused() {
        assert_eq!(Verifier::of("", [0; 16]), Err(BadPassword::Empty));
        assert_eq!(Verifier::of("a\0b", [0; 16]), Err(BadPassword::Nul));
        // RFC 4013: a soft hyphen maps to nothing.
        assert_eq!(Verifier::of("I\u{ad}X", [1; 16]), Verifier::of("IX", [1; 16]));
        assert_ne!(Verifier::of("IX", [1; 16]), Verifier::of("IX", [2; 16]));
    }
}
