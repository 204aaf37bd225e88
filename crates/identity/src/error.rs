//! Why a token was not made or not accepted.

use tenantry_policy::ambient::NoEntropy;
use tenantry_store::StoreError;

/// Why a token is refused. The server logs [`TokenError::code`] and tells the caller
/// [`TokenError::told`]: a caller who guesses learns nothing about how far a guess came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Longer than [`MAX_TOKEN_BYTES`](crate::MAX_TOKEN_BYTES).
    #[error("the token is too long")]
    TooLong,
    /// Not three parts of base64url (RFC 7515, section 7.1), or a header that is not one.
    #[error("the token is not a signed token")]
    Malformed,
    /// The header's `typ` is not `at+jwt` (RFC 9068, section 2.1).
    #[error("the token is not an access token")]
    Type,
    /// The header's `alg` is not the one that this issuer signs with.
    #[error("the token's algorithm is not allowed")]
    Algorithm,
    /// The header's `kid` names no key of this issuer.
    #[error("the token's key is unknown")]
    Key,
    /// The signature does not fit.
    #[error("the token's signature does not fit")]
    Signature,
    /// The claims are not of the right shape.
    #[error("the token's claims are not of the right shape")]
    Claims,
    /// Another issuer.
    #[error("the token is from another issuer")]
    Issuer,
    /// For another context.
    #[error("the token is for another audience")]
    Audience,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYet,
    /// The rights that it stands for were changed after it was made, or it was revoked.
    #[error("the token's rights were changed since it was made")]
    Revoked,
    /// The store has not answered for a second: whether the token still holds cannot be told.
    #[error("whether the token still holds cannot be told now")]
    Unsettled,
}

impl TokenError {
    /// The stable code, for logs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            TokenError::TooLong => "TOKEN_TOO_LONG",
            TokenError::Malformed => "TOKEN_MALFORMED",
            TokenError::Type => "TOKEN_TYPE",
            TokenError::Algorithm => "TOKEN_ALGORITHM",
            TokenError::Key => "TOKEN_KEY",
            TokenError::Signature => "TOKEN_SIGNATURE",
            TokenError::Claims => "TOKEN_CLAIMS",
            TokenError::Issuer => "TOKEN_ISSUER",
            TokenError::Audience => "TOKEN_AUDIENCE",
            TokenError::Expired => "TOKEN_EXPIRED",
            TokenError::NotYet => "TOKEN_NOT_YET",
            TokenError::Revoked => "TOKEN_REVOKED",
            TokenError::Unsettled => "TOKEN_UNSETTLED",
        }
    }

    /// What the caller is told. Only expiry, which every holder of a token can read in it, has a
    /// sentence of its own.
    #[must_use]
    pub fn told(self) -> &'static str {
        match self {
            TokenError::Expired => "The token has expired.",
            TokenError::Unsettled => "Tokens cannot be checked at the moment.",
            _ => "The token is not valid.",
        }
    }
}

/// Why a token could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// The life asked for is not within 1 s to 24 h.
    #[error("a token lives between 1 second and 24 hours")]
    Lifetime,
    /// The subject does not fit.
    #[error("the subject is not valid: {why}")]
    Subject {
        /// What is wrong.
        why: &'static str,
    },
    /// The token would be longer than [`MAX_TOKEN_BYTES`](crate::MAX_TOKEN_BYTES).
    #[error("the token would be longer than 16 KiB; give it fewer roles or less metadata")]
    TooLong,
    /// The issuer's address is not one.
    #[error("the issuer `{0}` is not an http or https address")]
    Issuer(String),
    /// A signing key is damaged, or was sealed with another installation's keys.
    #[error("a signing key is damaged, or the key file is not the one that it was sealed with")]
    Key,
    /// The key signs tokens, so it cannot be revoked.
    #[error("this key signs tokens; rotate first, then revoke it")]
    InUse,
    /// Signing failed.
    #[error("the token could not be signed")]
    Signing,
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    /// The key could not be read or kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IssueError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            IssueError::Lifetime => "ISSUE_LIFETIME",
            IssueError::Subject { .. } => "ISSUE_SUBJECT",
            IssueError::TooLong => "ISSUE_TOO_LONG",
            IssueError::Issuer(_) => "ISSUE_ISSUER",
            IssueError::Key => "ISSUE_KEY",
            IssueError::InUse => "ISSUE_KEY_IN_USE",
            IssueError::Signing => "ISSUE_SIGNING",
            IssueError::Entropy(_) => "NO_ENTROPY",
            IssueError::Store(error) => error.code(),
        }
    }
}
