//! Why an operation was not done.

use tenantry_policy::ambient::NoEntropy;
use tenantry_store::{BatchError, StoreError};

use crate::caller::Permission;
use crate::password::Fault;

/// A kind of thing that may be missing or taken. One word per kind, the same in code, API and command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// An account (organization).
    Account,
    /// A workspace.
    Workspace,
    /// A user.
    User,
    /// An identity of a user.
    UserIdentity,
    /// A membership of a user in an account.
    Member,
    /// A role.
    Role,
    /// A permission of an API.
    Permission,
    /// An API (resource server).
    Api,
    /// A client.
    Client,
    /// A client's credential.
    Credential,
    /// A client's grant on an API.
    ClientGrant,
    /// A connection.
    Connection,
    /// An invitation.
    Invitation,
    /// A domain by which logins find their account.
    Domain,
    /// A connection that an account may use.
    AccountConnection,
    /// A client's grant that an account lets be used.
    AccountGrant,
    /// A workspace code.
    WorkspaceCode,
    /// An API key.
    ApiKey,
    /// An authentication method of a user.
    AuthenticationMethod,
    /// A session.
    Session,
    /// A refresh token.
    RefreshToken,
    /// A user's consent to a client.
    Consent,
    /// A device's credential.
    DeviceCredential,
    /// A job.
    Job,
    /// A log event.
    Log,
    /// A ticket.
    Ticket,
    /// A signing key.
    SigningKey,
    /// A group of another identity provider.
    Group,
    /// A call in the audit.
    AuditEntry,
}

impl Kind {
    /// The word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Account => "account",
            Kind::Workspace => "workspace",
            Kind::User => "user",
            Kind::UserIdentity => "identity",
            Kind::Member => "member",
            Kind::Role => "role",
            Kind::Permission => "permission",
            Kind::Api => "api",
            Kind::Client => "client",
            Kind::Credential => "credential",
            Kind::ClientGrant => "client grant",
            Kind::Connection => "connection",
            Kind::Invitation => "invitation",
            Kind::Domain => "domain",
            Kind::AccountConnection => "account's connection",
            Kind::AccountGrant => "account's client grant",
            Kind::WorkspaceCode => "workspace code",
            Kind::ApiKey => "API key",
            Kind::AuthenticationMethod => "authentication method",
            Kind::Session => "session",
            Kind::RefreshToken => "refresh token",
            Kind::Consent => "consent",
            Kind::DeviceCredential => "device credential",
            Kind::Job => "job",
            Kind::Log => "log event",
            Kind::Ticket => "ticket",
            Kind::SigningKey => "signing key",
            Kind::Group => "group",
            Kind::AuditEntry => "audit entry",
        }
    }
}

/// Why an operation was not done. Nothing was written, unless the store did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// There is no such thing.
    #[error("the {} does not exist", .0.name())]
    Missing(Kind),
    /// It lies where the caller may not look; each API answers as if it did not exist.
    #[error("there is nothing here")]
    Hidden,
    /// There is one already.
    #[error("the {} exists already", .0.name())]
    Exists(Kind),
    /// Somebody else changed it at the same time, again and again.
    #[error("the {} was changed by somebody else at the same time", .0.name())]
    Contended(Kind),
    /// What was sent does not fit. `code` is stable (`validation_error` for want of a better one).
    #[error("{message}")]
    Invalid {
        /// The stable code: `invalid_body`, `invalid_uri`, `invalid_query_string`, `validation_error`, ….
        code: &'static str,
        /// What is wrong, for the caller. Never holds a secret that was sent.
        message: String,
    },
    /// A new password is not taken.
    #[error("{0}")]
    Password(Fault),
    /// There are as many as there may be; the sentence for the caller.
    #[error("{0}")]
    Limit(&'static str),
    /// It is known what is meant, and not offered here.
    #[error("{0}")]
    Unsupported(&'static str),
    /// A permission is missing.
    #[error("a permission is missing: any of {}", any_of.join(", "))]
    Forbidden {
        /// Any of these would do.
        any_of: &'static [Permission],
    },
    /// Too many attempts; again after so many seconds.
    #[error("too many attempts; try again in {retry_after} s")]
    TooMany {
        /// Seconds, 1 or more.
        retry_after: u64,
    },
    /// What was sent is longer than may be.
    #[error("longer than {most} bytes")]
    TooLarge {
        /// The most bytes.
        most: u64,
    },
    /// The request was made before with another body.
    #[error("this Idempotency-Key was used before for another request")]
    KeyReused,
    /// The request with this key is under way, or its outcome is not known.
    #[error("the request with this Idempotency-Key is under way, or its outcome is not known")]
    KeyInUse,
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    /// The store's trouble.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something that should not happen; `0` says where, without values.
    #[error("an internal error: {0}")]
    Internal(&'static str),
}

impl Refusal {
    /// What was sent does not fit, without a code of its own.
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Refusal {
        Refusal::Invalid { code: "validation_error", message: message.into() }
    }

    /// The stable code, for logs and the audit.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Missing(_) | Refusal::Hidden => "NOT_FOUND",
            Refusal::Exists(_) | Refusal::Contended(_) | Refusal::KeyReused | Refusal::KeyInUse => "CONFLICT",
            Refusal::Invalid { .. } | Refusal::Password(_) | Refusal::TooLarge { .. } => "VALIDATION_ERROR",
            Refusal::Unsupported(_) => "NOT_SUPPORTED",
            Refusal::Forbidden { .. } => "FORBIDDEN",
            Refusal::Limit(_) => "LIMIT_REACHED",
            Refusal::TooMany { .. } => "RATE_LIMITED",
            Refusal::Entropy(_) => "NO_ENTROPY",
            Refusal::Store(error) => error.code(),
            Refusal::Internal(_) => "INTERNAL_ERROR",
        }
    }
}

/// A batch that failed for a reason that the operation did not foresee.
impl From<BatchError> for Refusal {
    fn from(error: BatchError) -> Refusal {
        match error {
            BatchError::Store(error) => Refusal::Store(error),
            BatchError::Untouched(_) => Refusal::Internal("a statement touched nothing"),
            BatchError::Duplicate(_) => Refusal::Internal("a statement made something twice"),
            BatchError::Dangling(_) => Refusal::Internal("a statement referred to nothing"),
        }
    }
}
