//! Why a model call is refused or fails. The server gives it the form of the caller's protocol.

use std::sync::Arc;

use crate::limits::{Refused, Why};

/// What kind of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalKind {
    /// The request is not right.
    Invalid,
    /// The body is too large.
    TooLarge,
    /// The model is absent, or not the caller's: told apart by nobody.
    ModelNotFound,
    /// Something else that is absent, or not the caller's.
    NotFound,
    /// The credential does not hold any more.
    Revoked,
    /// Too many calls or tokens for now.
    RateLimited,
    /// A budget is spent.
    BudgetSpent,
    /// The upstream failed.
    Upstream,
    /// No upstream takes calls now.
    Overloaded,
    /// The upstream took too long.
    Timeout,
    /// Our own fault.
    Internal,
}

impl RefusalKind {
    /// The stable code, in the audit and in answers.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            RefusalKind::Invalid => "invalid_request",
            RefusalKind::TooLarge => "request_too_large",
            RefusalKind::ModelNotFound => "model_not_found",
            RefusalKind::NotFound => "not_found",
            RefusalKind::Revoked => "credential_revoked",
            RefusalKind::RateLimited => "rate_limit_exceeded",
            RefusalKind::BudgetSpent => "insufficient_quota",
            RefusalKind::Upstream => "upstream_failed",
            RefusalKind::Overloaded => "overloaded",
            RefusalKind::Timeout => "upstream_timeout",
            RefusalKind::Internal => "internal_error",
        }
    }
}

/// Why a call is refused or fails. Tells nothing about other accounts, nor about upstreams.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What kind.
    pub kind: RefusalKind,
    /// For people.
    pub message: String,
    /// The field of the request that is wrong.
    pub param: Option<String>,
    /// Seconds after which it may be tried again.
    pub retry_after: Option<u64>,
    /// The limit that refused it.
    pub limited: Option<Box<Refused>>,
    /// The request's id, as on record.
    pub request_id: Option<Arc<str>>,
}

impl Refusal {
    /// Of a kind, with a sentence.
    #[must_use]
    pub fn new(kind: RefusalKind, message: impl Into<String>) -> Refusal {
        Refusal { kind, message: message.into(), param: None, retry_after: None, limited: None, request_id: None }
    }

    /// A request that is not right.
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Refusal {
        Refusal::new(RefusalKind::Invalid, message)
    }

    /// The field that is wrong.
    #[must_use]
    pub fn param(mut self, name: impl Into<String>) -> Refusal {
        self.param = Some(name.into());
        self
    }

    /// Seconds after which it may be tried again.
    #[must_use]
    pub fn after(mut self, seconds: u64) -> Refusal {
        self.retry_after = Some(seconds);
        self
    }

    /// Of a request that has an id.
    pub(crate) fn of(mut self, request_id: Arc<str>) -> Refusal {
        self.request_id = Some(request_id);
        self
    }

    /// The one answer for models that are absent and models that are not the caller's.
    pub(crate) fn no_model(name: &str) -> Refusal {
        let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
        Refusal::new(
            RefusalKind::ModelNotFound,
            format!("The model `{name}` does not exist or you do not have access to it."),
        )
        .param("model")
    }

    pub(crate) fn internal() -> Refusal {
        Refusal::new(RefusalKind::Internal, "The call failed on our side.")
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Refusal {
        let kind = match refused.why {
            Why::Requests | Why::Tokens | Why::Concurrent => RefusalKind::RateLimited,
            Why::Budget { .. } => RefusalKind::BudgetSpent,
            Why::Ledger => RefusalKind::Overloaded,
        };
        let mut message = refused.message();
        if let Some(first) = message.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        message.push('.');
        Refusal { retry_after: refused.retry_after(), limited: Some(Box::new(refused)), ..Refusal::new(kind, message) }
    }
}

/// The longest sentence of an upstream that is told.
const LONGEST: usize = 500;

/// What an upstream says of a request that it refuses. Its words are told where they are plain words.
pub(crate) fn said(body: &[u8], too_large: bool, key: Option<&str>) -> Refusal {
    #[derive(serde::Deserialize)]
    struct Outer {
        #[serde(default)]
        error: Option<serde_json::Value>,
        #[serde(default)]
        message: Option<String>,
    }
    let outer: Option<Outer> = serde_json::from_slice(body).ok();
    let inner = outer.as_ref().and_then(|outer| outer.error.as_ref());
    let text = |name: &str| inner.and_then(|error| error.get(name)).and_then(serde_json::Value::as_str);
    let message = text("message")
        .or_else(|| inner.and_then(serde_json::Value::as_str))
        .or_else(|| outer.as_ref().and_then(|outer| outer.message.as_deref()));
    let kind = if too_large { RefusalKind::TooLarge } else { RefusalKind::Invalid };
    let harmless = |text: &str| harmless(text) && key.is_none_or(|key| key.is_empty() || !text.contains(key));
    let message = message.filter(|message| harmless(message)).map_or_else(
        || "The model does not take this request.".to_owned(),
        |message| message.chars().filter(|c| !c.is_control()).take(LONGEST).collect(),
    );
    let mut refusal = Refusal::new(kind, message);
    refusal.param = text("param").filter(|param| param.len() <= 128 && harmless(param)).map(str::to_owned);
    refusal
}

/// Holds a sentence nothing of our account there: no key, no address, no organization?
pub(crate) fn harmless(text: &str) -> bool {
    let lower = text.to_lowercase();
    !["sk-", "org-", "proj_", "key", "http", "account", "billing", "quota", "token:"]
        .iter()
        .any(|word| lower.contains(word))
}
