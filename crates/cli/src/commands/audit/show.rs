//! `tenantry audit show`.

use serde_json::Value;
use tenantry_store::{Recorded, Store};

use crate::commands::audit::{chains, entry};
use crate::output::{Failure, Outcome, Paint};
use crate::runtime::store_failure;

/// Shows both entries of one act.
pub(super) async fn run(store: &Store, id: &str, account: Option<&str>) -> Result<Outcome, Failure> {
    let mut found: Vec<Recorded> = Vec::new();
    for chain in chains(store, account).await? {
        found.extend(store.show(&chain, id).await.map_err(|error| store_failure(&error))?);
    }
    if found.is_empty() {
        return Err(Failure::no("NOT_FOUND", format!("the audit has no act `{id}`"))
            .hint("tenantry audit list prints ids in the last column"));
    }
    let data: Vec<Value> = found.iter().map(entry).collect();
    let mut text = String::new();
    for value in &data {
        let Some(members) = value.as_object() else { continue };
        text.push_str(&Paint::STRONG.on(members.get("phase").and_then(Value::as_str).unwrap_or_default()));
        text.push('\n');
        for (name, value) in members {
            match value {
                Value::Null => {}
                Value::Array(items) if items.is_empty() => {}
                Value::String(value) => text.push_str(&format!("  {name:<16} {value}\n")),
                Value::Array(items) => {
                    text.push_str(&format!("  {name}\n"));
                    for item in items {
                        text.push_str(&format!(
                            "    {}\n",
                            item.as_str().map_or_else(|| item.to_string(), str::to_owned)
                        ));
                    }
                }
                other => text.push_str(&format!("  {name:<16} {other}\n")),
            }
        }
    }
    Ok(Outcome::new(Value::Array(data), text))
}
