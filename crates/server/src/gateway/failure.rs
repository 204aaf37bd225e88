//! What goes wrong, in the form of the caller's protocol.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};
use tenantry_guard::limits::{Refused, Why};
use tenantry_guard::models::{Refusal, RefusalKind};
use tenantry_policy::Clock;
use tenantry_policy::value::format_timestamp;

use super::standing;

/// A protocol's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// OpenAI's.
    OpenAi,
    /// Anthropic's.
    Anthropic,
}

impl Form {
    /// The header in which its clients look for the request's id.
    pub(crate) fn request_id(self) -> HeaderName {
        HeaderName::from_static(match self {
            Form::OpenAi => "x-request-id",
            Form::Anthropic => "request-id",
        })
    }
}

/// A failure, in no form yet.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    status: StatusCode,
    code: &'static str,
    message: String,
    param: Option<String>,
    retry_after: Option<u64>,
    limited: Option<Box<Refused>>,
    request_id: Option<Arc<str>>,
}

impl Failure {
    pub(crate) fn plain(status: StatusCode, code: &'static str, message: impl Into<String>) -> Failure {
        Failure {
            status,
            code,
            message: message.into(),
            param: None,
            retry_after: None,
            limited: None,
            request_id: None,
        }
    }

    pub(crate) fn unauthorized(message: impl Into<String>) -> Failure {
        // The code that OpenAI's clients know.
        Failure::plain(StatusCode::UNAUTHORIZED, "invalid_api_key", message)
    }

    pub(crate) fn is_unauthorized(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
    }

    pub(crate) fn after(mut self, seconds: u64) -> Failure {
        self.retry_after = Some(seconds);
        self
    }

    fn kind(&self, form: Form) -> &'static str {
        match (form, self.status.as_u16()) {
            (Form::OpenAi, 402) => "insufficient_quota",
            (Form::OpenAi, 429) => "rate_limit_error",
            (Form::OpenAi, 401 | 403) => "authentication_error",
            (Form::OpenAi, 500..) => "api_error",
            (Form::OpenAi, _) => "invalid_request_error",
            (Form::Anthropic, 401) => "authentication_error",
            (Form::Anthropic, 402) => "billing_error",
            (Form::Anthropic, 403) => "permission_error",
            (Form::Anthropic, 404) => "not_found_error",
            (Form::Anthropic, 413) => "request_too_large",
            (Form::Anthropic, 429) => "rate_limit_error",
            (Form::Anthropic, 503) => "overloaded_error",
            (Form::Anthropic, 504) => "timeout_error",
            (Form::Anthropic, 500..) => "api_error",
            (Form::Anthropic, _) => "invalid_request_error",
        }
    }

    fn body(&self, form: Form, request_id: Option<&str>) -> Value {
        let mut body = match form {
            Form::OpenAi => json!({ "error": {
                "message": self.message, "type": self.kind(form), "param": self.param, "code": self.code,
            } }),
            Form::Anthropic => json!({
                "type": "error",
                "error": { "type": self.kind(form), "message": self.message },
                "request_id": request_id,
            }),
        };
        // Whose limit it is, and when it is another one: clients leave alone what they do not know.
        if let (Some(limited), Some(error)) = (&self.limited, body.get_mut("error").and_then(Value::as_object_mut)) {
            error.insert("limit".to_owned(), json!(limited.level.name()));
            if let Why::Budget { resets_micros } = limited.why {
                error.insert("resets_at".to_owned(), json!(format_timestamp(resets_micros)));
            }
        }
        body
    }

    /// As an answer, with how the caller stands.
    pub(crate) fn response_at(&self, form: Form, clock: &dyn Clock) -> Response {
        let mut response = self.response(form);
        if let Some(limited) = &self.limited {
            let told = match limited.why {
                Why::Tokens => (None, limited.standing),
                _ => (limited.standing, None),
            };
            standing::tell(form, told, clock, response.headers_mut());
        }
        response
    }

    /// As an answer.
    pub(crate) fn response(&self, form: Form) -> Response {
        let mut response = Response::new(Body::from(self.body(form, self.request_id.as_deref()).to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Some(seconds) = self.retry_after.and_then(|seconds| HeaderValue::from_str(&seconds.to_string()).ok()) {
            headers.insert(header::RETRY_AFTER, seconds);
        }
        if let Some(id) = self.request_id.as_deref().and_then(|id| HeaderValue::from_str(id).ok()) {
            headers.insert(form.request_id(), id);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            // RFC 6750, section 3.
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer error=\"invalid_token\""));
        }
        response
    }

    /// As the last event of a stream that has begun.
    pub(crate) fn event(&self, form: Form, request_id: &str) -> String {
        let body = self.body(form, Some(request_id));
        match form {
            Form::OpenAi => format!("data: {body}\n\n"),
            Form::Anthropic => format!("event: error\ndata: {body}\n\n"),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        let status = match refusal.kind {
            RefusalKind::Invalid => StatusCode::BAD_REQUEST,
            RefusalKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            RefusalKind::ModelNotFound | RefusalKind::NotFound => StatusCode::NOT_FOUND,
            RefusalKind::Revoked => StatusCode::UNAUTHORIZED,
            RefusalKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            RefusalKind::BudgetSpent => StatusCode::PAYMENT_REQUIRED,
            RefusalKind::Upstream => StatusCode::BAD_GATEWAY,
            RefusalKind::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            RefusalKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Failure {
            status,
            code: refusal.kind.code(),
            message: refusal.message,
            param: refusal.param,
            retry_after: refusal.retry_after,
            limited: refusal.limited,
            request_id: refusal.request_id,
        }
    }
}
