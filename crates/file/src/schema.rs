//! The JSON Schema of the file, generated from the model's types.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::model::Document;

/// The schema as a tree; also what [`crate::shape`] checks files against.
pub(crate) static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Document>();
    schema.insert("title".to_owned(), Value::from("tenantry.toml"));
    schema.to_value()
});

/// The JSON Schema (draft 2020-12) of `tenantry.toml`, as text that ends with a line end.
#[must_use]
pub fn schema() -> String {
    let mut text = serde_json::to_string_pretty(&*SCHEMA).unwrap_or_default();
    text.push('\n');
    text
}
