//! What a client is when nothing else was said.

use serde_json::{Value, json};

use crate::text::{Fields, fields};

/// The types of application that cannot keep a secret.
pub(super) fn is_public(app_type: Option<&str>) -> bool {
    matches!(app_type, Some("spa" | "native"))
}

/// Fills in what was not said.
pub(super) fn fill(given: &mut Fields, app_type: Option<&str>) {
    let mut all = usual(app_type, given);
    if let Some(Value::Object(configuration)) = given.shift_remove("jwt_configuration") {
        let mut whole = fields(&json!({ "secret_encoded": false }).to_string());
        whole.extend(configuration);
        all.insert("jwt_configuration".to_owned(), Value::Object(whole));
    }
    if let Some(Value::Object(rules)) = given.shift_remove("refresh_token") {
        all.insert("refresh_token".to_owned(), Value::Object(refresh_rules(None, rules)));
    }
    let nulls: Vec<String> = given.iter().filter(|(_, value)| value.is_null()).map(|(name, _)| name.clone()).collect();
    all.extend(std::mem::take(given));
    for name in nulls {
        all.shift_remove(&name);
    }
    mirror_logout(&mut all);
    *given = all;
}

fn usual(app_type: Option<&str>, given: &Fields) -> Fields {
    let method = given.get("token_endpoint_auth_method").and_then(Value::as_str);
    let is_public = is_public(app_type) && method.is_none() || method == Some("none");
    let (conformant, grant_types, jwt) = match app_type {
        Some("resource_server") => (true, json!([]), json!({ "secret_encoded": false, "alg": "RS256" })),
        Some("express_configuration") => (
            true,
            json!(["authorization_code", "client_credentials"]),
            json!({ "secret_encoded": false, "alg": "RS256" }),
        ),
        _ => (
            false,
            if is_public {
                json!(["authorization_code", "implicit", "refresh_token"])
            } else {
                json!(["authorization_code", "implicit", "refresh_token", "client_credentials"])
            },
            json!({ "lifetime_in_seconds": 36_000, "secret_encoded": false }),
        ),
    };
    let mut all = fields(
        &json!({
            "is_token_endpoint_ip_header_trusted": false,
            "oidc_conformant": conformant,
            "jwt_configuration": jwt,
            "sso_disabled": false,
            "cross_origin_authentication": false,
            "grant_types": grant_types,
            "custom_login_page_on": true,
            "refresh_token": refresh_rules(None, Fields::new()),
        })
        .to_string(),
    );
    if is_public && !given.contains_key("client_authentication_methods") {
        all.insert("token_endpoint_auth_method".to_owned(), json!("none"));
    }
    if app_type == Some("express_configuration") {
        all.extend(fields(
            &json!({
                "callbacks": ["https://system-admin.okta.com/admin/app/generic/oauth20redirect"],
                "organization_usage": "require",
                "organization_require_behavior": "pre_login_prompt",
                "client_authentication_methods": { "private_key_jwt": { "credentials": [] } },
                "async_approval_notification_channels": ["guardian-push"],
            })
            .to_string(),
        ));
    }
    all
}

/// The whole rules for refresh tokens from those that were there and those that are given.
pub(super) fn refresh_rules(before: Option<Fields>, given: Fields) -> Fields {
    let mut rules = fields(
        &json!({
            "rotation_type": "non-rotating",
            "expiration_type": "non-expiring",
            "leeway": 0,
            "token_lifetime": 2_592_000,
            "idle_token_lifetime": 1_296_000,
        })
        .to_string(),
    );
    let kind = |rules: &Fields| rules.get("expiration_type").cloned();
    let kind_before = before.as_ref().and_then(&kind);
    rules.extend(before.unwrap_or_default());
    crate::text::merge(&mut rules, given.clone());
    let endless = kind(&rules) == Some(json!("non-expiring"));
    let changed = kind(&rules) != kind_before;
    for name in ["infinite_token_lifetime", "infinite_idle_token_lifetime"] {
        if !given.contains_key(name) && (changed || !rules.contains_key(name)) {
            rules.insert(name.to_owned(), json!(endless));
        }
    }
    rules
}

/// Two members have the same list: the older `oidc_backchannel_logout` and `oidc_logout`.
pub(super) fn mirror_logout(all: &mut Fields) {
    const URLS: &str = "backchannel_logout_urls";
    let urls = |name: &str| all.get(name).and_then(|logout| logout.get(URLS)).cloned();
    let (name, urls) = match (urls("oidc_logout"), urls("oidc_backchannel_logout")) {
        (Some(urls), _) => ("oidc_backchannel_logout", urls),
        (None, Some(urls)) => ("oidc_logout", urls),
        (None, None) => return,
    };
    match all.get_mut(name) {
        Some(Value::Object(logout)) => drop(logout.insert(URLS.to_owned(), urls)),
        _ => drop(all.insert(name.to_owned(), json!({ URLS: urls }))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(given: Value, app_type: Option<&str>) -> Value {
        let mut given = fields(&given.to_string());
        fill(&mut given, app_type);
        Value::Object(given)
    }

    #[test]
    fn who_cannot_keep_a_secret_has_none_to_show() {
        let spa = filled(json!({}), Some("spa"));
        assert_eq!(spa["token_endpoint_auth_method"], "none");
        assert_eq!(spa["grant_types"], json!(["authorization_code", "implicit", "refresh_token"]));
        let web = filled(json!({}), None);
        assert_eq!(web.get("token_endpoint_auth_method"), None);
        assert_eq!(web["grant_types"].as_array().unwrap().len(), 4);
        let kept = filled(json!({"token_endpoint_auth_method": "client_secret_post", "grant_types": []}), Some("spa"));
        assert_eq!(
            (&kept["token_endpoint_auth_method"], &kept["grant_types"]),
            (&json!("client_secret_post"), &json!([]))
        );
    }

    #[test]
    fn rules_for_refresh_tokens_are_whole() {
        let expiring =
            filled(json!({"refresh_token": {"rotation_type": "rotating", "expiration_type": "expiring"}}), None);
        assert_eq!(
            expiring["refresh_token"],
            json!({"rotation_type": "rotating", "expiration_type": "expiring", "leeway": 0,
                "token_lifetime": 2_592_000, "idle_token_lifetime": 1_296_000,
                "infinite_token_lifetime": false, "infinite_idle_token_lifetime": false})
        );
        assert_eq!(filled(json!({}), None)["refresh_token"]["infinite_token_lifetime"], true);
    }

    #[test]
    fn both_names_of_logout_agree() {
        let filled = filled(json!({"oidc_backchannel_logout": {"backchannel_logout_urls": ["https://a"]}}), None);
        assert_eq!(filled["oidc_logout"], filled["oidc_backchannel_logout"]);
    }
}
