//! What an endpoint is given, and what it answers.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::Value;
use tenantry_identity::text::Fields;
use tenantry_identity::{Caller, Identity, Refusal};

use crate::management::query::Query;

/// An endpoint: `POST /organizations`, as in `surface.json`, and what answers it.
pub(crate) struct Route {
    pub(crate) operation: &'static str,
    pub(crate) handle: fn(Call) -> Answering,
    /// What of the operation is not offered, for docs/auth0-compatibility.md.
    pub(crate) partly: Option<&'static str>,
}

/// An answer on its way.
pub(crate) type Answering = Pin<Box<dyn Future<Output = Result<Answer, Refusal>> + Send>>;

/// Makes a [`Route`] from an operation and an `async fn(Call) -> Result<Answer, Refusal>`; a third part
/// says what of the operation is not offered: `partly: "no export to files"`.
macro_rules! route {
    ($operation:literal, $handle:path) => {
        $crate::management::route::Route { operation: $operation, handle: |call| Box::pin($handle(call)), partly: None }
    };
    ($operation:literal, $handle:path, partly: $note:literal) => {
        $crate::management::route::Route {
            operation: $operation,
            handle: |call| Box::pin($handle(call)),
            partly: Some($note),
        }
    };
}
pub(crate) use route;

/// A call that passed: the caller holds one of the operation's scopes, and path, query and body have the
/// form that the operation takes.
pub(crate) struct Call {
    pub(crate) identity: Arc<Identity>,
    pub(crate) caller: Caller,
    /// The path's parameters, decoded, in their order.
    params: Vec<(String, String)>,
    pub(crate) query: Query,
    /// The body's members; empty when there was none.
    pub(crate) body: Fields,
    /// The file among the body's parts, where the operation takes one.
    pub(crate) upload: Option<std::fs::File>,
}

impl Call {
    pub(crate) fn new(
        identity: Arc<Identity>,
        caller: Caller,
        params: Vec<(String, String)>,
        query: Query,
        body: Fields,
    ) -> Call {
        Call { identity, caller, params, query, body, upload: None }
    }

    /// A parameter of the path, by its name in `surface.json`.
    pub(crate) fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// A text member of the body, taken out.
    pub(crate) fn take_text(&mut self, name: &str) -> Option<String> {
        match self.body.shift_remove(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// A list of texts in the body.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let items = self.body.get(name).and_then(Value::as_array);
        items.into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect()
    }
}

/// What an endpoint answers.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// `None` answers no body.
    pub(crate) body: Option<Value>,
}

impl Answer {
    pub(crate) fn ok(body: impl Into<Value>) -> Answer {
        Answer { status: StatusCode::OK, body: Some(body.into()) }
    }

    pub(crate) fn created(body: impl Into<Value>) -> Answer {
        Answer { status: StatusCode::CREATED, body: Some(body.into()) }
    }

    pub(crate) fn accepted(body: impl Into<Value>) -> Answer {
        Answer { status: StatusCode::ACCEPTED, body: Some(body.into()) }
    }

    pub(crate) fn none() -> Answer {
        Answer { status: StatusCode::NO_CONTENT, body: None }
    }
}
