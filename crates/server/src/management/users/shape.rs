//! Users, identities, roles and permissions as this API shows them.

use serde_json::{Value, json};
use tenantry_identity::roles::{PermissionRow, Role};
use tenantry_identity::text::{Fields, time};
use tenantry_identity::users::{PermissionName, User, UserIdentity};

use crate::management::query::Query;
use crate::management::route::Call;

/// A user.
pub(super) fn shown(user: &User) -> Fields {
    let mut body = Fields::new();
    let mut put = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    put("user_id", json!(user.id));
    if let Some(email) = &user.email {
        put("email", json!(email));
        put("email_verified", json!(user.email_verified));
    }
    if let Some(username) = &user.username {
        put("username", json!(username));
    }
    if let Some(phone) = &user.phone {
        put("phone_number", json!(phone));
    }
    if user.phone.is_some() || user.phone_verified {
        put("phone_verified", json!(user.phone_verified));
    }
    for (name, value) in &user.fields {
        put(name, value.clone());
    }
    if user.blocked {
        put("blocked", json!(true));
    }
    put("identities", user.identities.iter().map(identity).collect());
    put("created_at", json!(time(user.created_micros)));
    put("updated_at", json!(time(user.updated_micros)));
    if user.logins > 0 {
        put("logins_count", json!(user.logins));
    }
    if let Some(micros) = user.last_login_micros {
        put("last_login", json!(time(micros)));
    }
    if let Some(address) = &user.last_ip {
        put("last_ip", json!(address));
    }
    body
}

/// What a user may log in as.
pub(super) fn identity(identity: &UserIdentity) -> Value {
    let mut body = json!({
        "connection": identity.connection,
        "user_id": identity.subject,
        "provider": identity.provider,
        "isSocial": identity.is_social(),
    });
    if let (Some(profile), Some(body)) = (&identity.profile, body.as_object_mut()) {
        body.insert("profileData".to_owned(), Value::Object(profile.clone()));
    }
    body
}

/// A role. What only our own APIs know stays out.
pub(crate) fn role_shown(role: &Role) -> Value {
    let mut body = json!({ "id": role.id, "name": role.name });
    if let (Some(description), Some(body)) = (&role.description, body.as_object_mut()) {
        body.insert("description".to_owned(), json!(description));
    }
    body
}

/// A permission.
pub(crate) fn permission_shown(permission: &PermissionRow) -> Fields {
    let body = json!({
        "resource_server_identifier": permission.identifier,
        "permission_name": permission.name,
        "resource_server_name": permission.api_name.as_ref().unwrap_or(&permission.identifier),
        "description": permission.description.as_deref().unwrap_or_default(),
    });
    if let Value::Object(body) = body { body } else { Fields::new() }
}

/// The permissions that a body names.
pub(crate) fn permission_names(call: &Call) -> Vec<PermissionName> {
    let items = call.body.get("permissions").and_then(Value::as_array);
    let text = |item: &Value, name: &str| item.get(name).and_then(Value::as_str).map(str::to_owned);
    items
        .into_iter()
        .flatten()
        .filter_map(|item| {
            Some(PermissionName {
                api: text(item, "resource_server_identifier")?,
                name: text(item, "permission_name")?,
            })
        })
        .collect()
}

/// Leaves only the fields that `fields` names, or all others with `include_fields=false`.
pub(super) fn chosen(query: &Query, mut body: Fields) -> Value {
    if let Some(fields) = query.text("fields").filter(|fields| !fields.is_empty()) {
        let names: Vec<&str> = fields.split(',').map(str::trim).collect();
        let include = query.flag("include_fields").unwrap_or(true);
        body.retain(|name, _| names.contains(&name.as_str()) == include);
    }
    Value::Object(body)
}
