//! The answer no: a stable code, a sentence, and what the caller may do instead.

use std::fmt;

/// The stable codes of the data tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// No such table for this caller.
    ModelNotAllowed,
    /// No such field for this caller, or not in this place.
    FieldNotAllowed,
    /// No such relation for this caller.
    RelationNotAllowed,
    /// The caller's roles do not grant the tool on this table.
    ToolNotAllowed,
    /// The principal lacks an attribute that the table's scope needs.
    TenantScopeRequired,
    /// The call must be narrowed by a filter first.
    QueryTooBroad,
    /// A limit of the table's budget is passed.
    QueryBudgetExceeded,
    /// The table, or the column, is not writable.
    WriteDisabled,
    /// Somebody else must agree first; the request is stored.
    WriteApprovalRequired,
    /// The table wants a reason for writes.
    ReasonRequired,
    /// The write would touch more rows than allowed; nothing changed.
    MaxAffectedRowsExceeded,
    /// The arguments do not fit.
    ValidationError,
    /// No such row for this caller.
    NotFound,
    /// The caller's own data stands in the way.
    Conflict,
    /// The statement took longer than allowed.
    Timeout,
    /// No valid token.
    AuthenticationRequired,
    /// Too many calls.
    RateLimited,
    /// Our fault; details are in the server's log under the request's id.
    InternalError,
}

impl Code {
    /// Every code, for the reference.
    pub const ALL: [Code; 18] = [
        Code::ModelNotAllowed,
        Code::FieldNotAllowed,
        Code::RelationNotAllowed,
        Code::ToolNotAllowed,
        Code::TenantScopeRequired,
        Code::QueryTooBroad,
        Code::QueryBudgetExceeded,
        Code::WriteDisabled,
        Code::WriteApprovalRequired,
        Code::ReasonRequired,
        Code::MaxAffectedRowsExceeded,
        Code::ValidationError,
        Code::NotFound,
        Code::Conflict,
        Code::Timeout,
        Code::AuthenticationRequired,
        Code::RateLimited,
        Code::InternalError,
    ];

    /// The code as callers see it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Code::ModelNotAllowed => "MODEL_NOT_ALLOWED",
            Code::FieldNotAllowed => "FIELD_NOT_ALLOWED",
            Code::RelationNotAllowed => "RELATION_NOT_ALLOWED",
            Code::ToolNotAllowed => "TOOL_NOT_ALLOWED",
            Code::TenantScopeRequired => "TENANT_SCOPE_REQUIRED",
            Code::QueryTooBroad => "QUERY_TOO_BROAD",
            Code::QueryBudgetExceeded => "QUERY_BUDGET_EXCEEDED",
            Code::WriteDisabled => "WRITE_DISABLED",
            Code::WriteApprovalRequired => "WRITE_APPROVAL_REQUIRED",
            Code::ReasonRequired => "REASON_REQUIRED",
            Code::MaxAffectedRowsExceeded => "MAX_AFFECTED_ROWS_EXCEEDED",
            Code::ValidationError => "VALIDATION_ERROR",
            Code::NotFound => "NOT_FOUND",
            Code::Conflict => "CONFLICT",
            Code::Timeout => "TIMEOUT",
            Code::AuthenticationRequired => "AUTHENTICATION_REQUIRED",
            Code::RateLimited => "RATE_LIMITED",
            Code::InternalError => "INTERNAL_ERROR",
        }
    }

    /// The code of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Code> {
        Code::ALL.into_iter().find(|code| code.name() == name)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A refusal. Holds nothing that tells a foreign row, table or field from an absent one: every
/// sentence is made only from the caller's own words and from what the caller may see.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Denied {
    /// The stable code.
    pub code: Code,
    /// One sentence.
    pub message: String,
    /// What the caller may do instead.
    pub hints: Vec<String>,
    /// Where in the request, as a path such as `where[2].field`.
    pub at: Option<String>,
}

impl Denied {
    /// A refusal with a sentence.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Denied { code, message: message.into(), hints: Vec::new(), at: None }
    }

    /// With one more hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// With the place in the request.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.at = Some(place.into());
        self
    }
}
