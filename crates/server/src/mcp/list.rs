//! `tools/list`: the tools that the caller's roles allow.

use serde_json::{Value, json};
use tenantry_guard::json::Json;
use tenantry_guard::{Offered, offered};
use tenantry_policy::Bound;

use crate::mcp::revision::Revision;
use crate::mcp::rpc::{INTERNAL_ERROR, INVALID_PARAMS, Message, Refused};

/// The result, as a document.
pub(super) fn answer(bound: &Bound, revision: Revision, message: &Message) -> Result<Vec<u8>, Refused> {
    if !matches!(message.param("cursor"), None | Some(Json::Null)) {
        return Err(Refused::error(INVALID_PARAMS, "the list has one page: no cursor was given"));
    }
    let tools: Vec<Value> = offered(bound).iter().map(shown).collect::<Result<_, _>>()?;
    Ok(revision.cacheable(json!({ "tools": tools })).to_string().into_bytes())
}

fn shown(tool: &Offered) -> Result<Value, Refused> {
    let schema: Value = serde_json::from_str(&tool.input.to_text())
        .map_err(|_| Refused::error(INTERNAL_ERROR, "the call failed on our side"))?;
    Ok(json!({
        "name": tool.name,
        "description": tool.description,
        "inputSchema": schema,
        "annotations": {
            "readOnlyHint": !tool.writes,
            "destructiveHint": tool.destroys,
            "idempotentHint": !tool.writes,
            "openWorldHint": false,
        },
    }))
}
