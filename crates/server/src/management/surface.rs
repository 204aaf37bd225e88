//! The facts of each operation, read once from `surface.json`.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Map, Value};

/// One operation.
#[derive(Debug, Deserialize)]
pub(crate) struct Operation {
    pub(crate) method: String,
    /// The path after `/api/v2`, with `{parameters}`.
    pub(crate) path: String,
    /// Any of these is needed; none means that any token for this API will do.
    pub(crate) scopes: Vec<String>,
    /// Those that a refusal names, where they are fewer.
    #[serde(default)]
    pub(crate) told: Vec<String>,
    /// The query's parameters and their forms.
    #[serde(default)]
    pub(crate) query: Map<String, Value>,
    /// The forms of the path's parameters that have one.
    #[serde(default)]
    pub(crate) params: Map<String, Value>,
    /// What the body is: `application/json` or `multipart/form-data`.
    #[serde(default)]
    pub(crate) content: Option<String>,
    /// The body's form.
    #[serde(default)]
    pub(crate) body: Option<Value>,
    #[serde(default)]
    pub(crate) body_required: bool,
    /// The statuses of success.
    pub(crate) ok: Vec<u16>,
}

/// All operations, in the order of the file.
pub(crate) static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("surface.json")).unwrap_or_else(|error| {
        tracing::error!(%error, "surface.json cannot be read; the Management API answers nothing");
        Vec::new()
    })
});

impl Operation {
    /// `POST /organizations`.
    pub(crate) fn name(&self) -> String {
        [&self.method, " ", &self.path].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_surface_is_read_whole() {
        assert_eq!(OPERATIONS.len(), 172);
        assert!(OPERATIONS.iter().all(|operation| operation.path.starts_with('/') && !operation.ok.is_empty()));
    }
}
