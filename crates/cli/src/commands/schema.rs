//! `tenantry schema`: the JSON Schema of the file.

use crate::output::{Failure, Outcome};

/// Runs the command.
///
/// # Errors
/// None but ours.
pub fn run() -> Result<Outcome, Failure> {
    let text = tenantry_file::schema();
    let data = serde_json::from_str(&text)
        .map_err(|error| Failure::failed("INTERNAL_ERROR", format!("the schema is not JSON: {error}")))?;
    Ok(Outcome::new(data, text))
}
