//! Answers in our envelope: `{"success":true,"data":…}`, as the data tools answer.

use axum::http::StatusCode;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::{Value, json};
use tenantry_identity::{Listed, Refusal};

use crate::own::endpoint::Form;

/// An answer, ready to send.
pub(crate) struct Done {
    pub(crate) status: StatusCode,
    pub(crate) body: Option<Value>,
}

/// A kind of answer.
pub(crate) trait Reply {
    /// The status of success.
    const STATUS: StatusCode;
    /// The form of the body.
    const FORM: Option<Form>;
    /// The answer.
    fn done(self) -> Result<Done, Refusal>;
}

/// 200 with what was asked for.
pub(crate) struct Shown<T>(pub(crate) T);

/// 201 with what was made.
pub(crate) struct Made<T>(pub(crate) T);

/// 200 with a part of a list.
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next: Option<String>,
}

/// 204: done, and there is nothing to show.
pub(crate) struct Gone;

impl<T: Serialize + JsonSchema> Reply for Shown<T> {
    const STATUS: StatusCode = StatusCode::OK;
    const FORM: Option<Form> = Some(envelope::<T>);

    fn done(self) -> Result<Done, Refusal> {
        Ok(Done { status: Self::STATUS, body: Some(json!({ "success": true, "data": value(self.0)? })) })
    }
}

impl<T: Serialize + JsonSchema> Reply for Made<T> {
    const STATUS: StatusCode = StatusCode::CREATED;
    const FORM: Option<Form> = Some(envelope::<T>);

    fn done(self) -> Result<Done, Refusal> {
        Ok(Done { status: Self::STATUS, body: Some(json!({ "success": true, "data": value(self.0)? })) })
    }
}

impl<T: Serialize + JsonSchema> Reply for Page<T> {
    const STATUS: StatusCode = StatusCode::OK;
    const FORM: Option<Form> = Some(|generator| {
        let item = generator.subschema_for::<T>();
        json_schema!({
            "type": "object",
            "required": ["success", "data", "next_cursor", "has_more"],
            "properties": {
                "success": { "const": true },
                "data": { "type": "array", "items": item },
                "next_cursor": { "type": ["string", "null"] },
                "has_more": { "type": "boolean" },
            },
            "additionalProperties": false,
        })
    });

    fn done(self) -> Result<Done, Refusal> {
        let items = self.items.into_iter().map(value).collect::<Result<Vec<Value>, Refusal>>()?;
        let has_more = self.next.is_some();
        let body = json!({ "success": true, "data": items, "next_cursor": self.next, "has_more": has_more });
        Ok(Done { status: Self::STATUS, body: Some(body) })
    }
}

impl Reply for Gone {
    const STATUS: StatusCode = StatusCode::NO_CONTENT;
    const FORM: Option<Form> = None;

    fn done(self) -> Result<Done, Refusal> {
        Ok(Done { status: Self::STATUS, body: None })
    }
}

impl<T> Page<T> {
    /// From a part of a list, each item as it is shown.
    pub(crate) fn of<S>(listed: Listed<S>, show: impl FnMut(S) -> T) -> Page<T> {
        Page { items: listed.items.into_iter().map(show).collect(), next: listed.next }
    }

    /// All there is.
    pub(crate) fn whole<S>(items: impl IntoIterator<Item = S>, show: impl FnMut(S) -> T) -> Page<T> {
        Page { items: items.into_iter().map(show).collect(), next: None }
    }
}

fn value<T: Serialize>(data: T) -> Result<Value, Refusal> {
    serde_json::to_value(data).map_err(|_| Refusal::Internal("an answer cannot be written"))
}

fn envelope<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let data = generator.subschema_for::<T>();
    json_schema!({
        "type": "object",
        "required": ["success", "data"],
        "properties": { "success": { "const": true }, "data": data },
        "additionalProperties": false,
    })
}
