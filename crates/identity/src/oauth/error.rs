//! Why a request of OAuth is refused.

use crate::{IssueError, Refusal, TokenError};

/// The kind of a refusal: by it a server chooses the status, and programs read its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OAuthKind {
    /// Something is missing, doubled or malformed.
    InvalidRequest,
    /// Who the client is was not proven, by an assertion.
    InvalidClient,
    /// Who the client is was not proven, by a secret or none.
    Unauthorized,
    /// It is proven, and may not use this grant.
    UnauthorizedClient,
    /// It may not have what it asks for.
    AccessDenied,
    /// What the token was to be given for is not good: a password, a refresh token, a subject's token.
    InvalidGrant,
    /// None of the scopes asked for can be given.
    InvalidScope,
    /// The resource is none, or another than the audience (RFC 8707, section 2).
    InvalidTarget,
    /// The grant is not offered.
    UnsupportedGrantType,
    /// The user has second factors, and only one was shown.
    MfaRequired,
    /// Too many failed attempts.
    TooManyAttempts {
        /// Seconds until the next may be made, where that is known.
        retry_after: Option<u64>,
    },
    /// The access token shown is not good (RFC 6750, section 3.1).
    InvalidToken,
    /// The access token shown is good, and not for this.
    InsufficientScope,
    /// The store does not answer.
    Unavailable,
    /// Our own fault.
    Internal,
}

impl OAuthKind {
    /// The name in `error` (RFC 6749, section 5.2; some are of the compatible API).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            OAuthKind::InvalidRequest => "invalid_request",
            OAuthKind::InvalidClient => "invalid_client",
            OAuthKind::Unauthorized | OAuthKind::AccessDenied => "access_denied",
            OAuthKind::UnauthorizedClient => "unauthorized_client",
            OAuthKind::InvalidGrant => "invalid_grant",
            OAuthKind::InvalidScope => "invalid_scope",
            OAuthKind::InvalidTarget => "invalid_target",
            OAuthKind::UnsupportedGrantType => "unsupported_grant_type",
            OAuthKind::MfaRequired => "mfa_required",
            OAuthKind::TooManyAttempts { .. } => "too_many_attempts",
            OAuthKind::InvalidToken => "invalid_token",
            OAuthKind::InsufficientScope => "insufficient_scope",
            OAuthKind::Unavailable => "temporarily_unavailable",
            OAuthKind::Internal => "server_error",
        }
    }
}

/// Why a request of OAuth is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{description}")]
pub struct OAuthError {
    /// The kind.
    pub kind: OAuthKind,
    /// For the client's makers; never with a secret.
    pub description: String,
}

impl OAuthError {
    pub(crate) fn new(kind: OAuthKind, description: impl Into<String>) -> OAuthError {
        OAuthError { kind, description: description.into() }
    }

    pub(crate) fn invalid(description: impl Into<String>) -> OAuthError {
        OAuthError::new(OAuthKind::InvalidRequest, description)
    }

    pub(crate) fn denied(description: impl Into<String>) -> OAuthError {
        OAuthError::new(OAuthKind::AccessDenied, description)
    }

    pub(crate) fn grant(description: impl Into<String>) -> OAuthError {
        OAuthError::new(OAuthKind::InvalidGrant, description)
    }

    /// The client is not who it says: whether there is such a client is not told.
    pub(crate) fn unauthorized() -> OAuthError {
        OAuthError::new(OAuthKind::Unauthorized, "Unauthorized")
    }
}

impl From<Refusal> for OAuthError {
    fn from(refusal: Refusal) -> OAuthError {
        match refusal {
            Refusal::Store(error) => {
                tracing::error!(%error, "the store failed a request of OAuth");
                OAuthError::new(OAuthKind::Unavailable, "The store does not answer; try again in a moment.")
            }
            Refusal::TooMany { retry_after } => {
                OAuthError::new(OAuthKind::TooManyAttempts { retry_after: Some(retry_after) }, "Too many attempts.")
            }
            Refusal::Invalid { message, .. } => OAuthError::invalid(message),
            _ => OAuthError::new(OAuthKind::Internal, "The call failed on our side."),
        }
    }
}

impl From<tenantry_store::StoreError> for OAuthError {
    fn from(error: tenantry_store::StoreError) -> OAuthError {
        OAuthError::from(Refusal::Store(error))
    }
}

impl From<tenantry_policy::ambient::NoEntropy> for OAuthError {
    fn from(error: tenantry_policy::ambient::NoEntropy) -> OAuthError {
        OAuthError::from(Refusal::Entropy(error))
    }
}

impl From<tenantry_store::BatchError> for OAuthError {
    fn from(error: tenantry_store::BatchError) -> OAuthError {
        OAuthError::from(Refusal::from(error))
    }
}

impl From<IssueError> for OAuthError {
    fn from(error: IssueError) -> OAuthError {
        match error {
            IssueError::Store(error) => OAuthError::from(error),
            IssueError::TooLong => OAuthError::invalid("The token would be too long; ask for fewer permissions."),
            error => {
                tracing::error!(%error, "a token could not be made");
                OAuthError::new(OAuthKind::Internal, "The token could not be made.")
            }
        }
    }
}

impl From<TokenError> for OAuthError {
    fn from(error: TokenError) -> OAuthError {
        let kind = if error == TokenError::Unsettled { OAuthKind::Unavailable } else { OAuthKind::InvalidToken };
        OAuthError::new(kind, error.told())
    }
}
