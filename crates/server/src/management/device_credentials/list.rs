//! `GET /api/v2/device-credentials`.

use serde_json::{Value, json};
use tenantry_identity::devices::{DeviceCredential, DeviceFilter};
use tenantry_identity::{Listed, Refusal};

use crate::management::paging;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let part = paging::part(&call.query, 50)?;
    let text = |name: &str| call.query.text(name).map(str::to_owned);
    let filter = DeviceFilter { user_id: text("user_id"), client_id: text("client_id"), kind: text("type") };
    let listed = call.identity.device_credentials(&call.caller, &filter, &part).await?;
    let fields: Vec<&str> = call.query.text("fields").map(|fields| fields.split(',').collect()).unwrap_or_default();
    let wanted = call.query.flag("include_fields").unwrap_or(true);
    let items = listed.items.iter().map(|credential| {
        let mut item = shown(credential);
        if let (Some(item), false) = (item.as_object_mut(), fields.is_empty()) {
            item.retain(|name, _| fields.contains(&name.as_str()) == wanted);
        }
        item
    });
    let items = items.collect();
    Ok(paging::answer(&part, "device_credentials", Listed { items, total: listed.total, next: listed.next }))
}

fn shown(credential: &DeviceCredential) -> Value {
    let mut shown = json!({
        "id": credential.id,
        "type": credential.kind,
        "user_id": credential.user_id,
        "client_id": credential.client_id,
    });
    if let Some(shown) = shown.as_object_mut() {
        for (name, value) in [("device_name", &credential.device_name), ("device_id", &credential.device_id)] {
            if let Some(value) = value {
                shown.insert(name.to_owned(), json!(value));
            }
        }
    }
    shown
}
