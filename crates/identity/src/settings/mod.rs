//! The platform's settings (tenant settings): one document, what was not said has its usual value.

mod read;
pub(crate) mod update;

use serde_json::json;

use crate::text::{Fields, fields};
use crate::{Identity, Refusal};

/// The document's name.
pub(crate) const NAME: &str = "platform";

impl Identity {
    /// The settings as they stand, and the version that was read (`None` when nothing was ever said).
    pub(crate) async fn stored_settings(&self) -> Result<(Fields, Option<i64>), Refusal> {
        Ok(match self.store.setting(NAME).await? {
            Some(setting) => (fields(&setting.doc), Some(setting.version)),
            None => (Fields::new(), None),
        })
    }

    /// The settings with the usual values filled in, for what acts on them.
    pub(crate) async fn known_settings(&self) -> Result<Fields, Refusal> {
        Ok(whole(self.stored_settings().await?.0))
    }
}

/// What nobody said.
fn usual() -> Fields {
    let usual = json!({
        "change_password": { "enabled": false, "html": "" },
        "guardian_mfa_page": { "enabled": false, "html": "" },
        "enabled_locales": ["en"],
        "flags": {
            "allow_changing_enable_sso": false,
            "allow_legacy_delegation_grant_types": false,
            "allow_legacy_ro_grant_types": false,
            "allow_other_legacy_grant_types": false,
            "cannot_change_enforce_client_authentication_on_passwordless_start": true,
            "disable_clickjack_protection_headers": false,
            "disable_impersonation": true,
            "enable_sso": true,
            "enforce_client_authentication_on_passwordless_start": true,
            "new_universal_login_experience_enabled": true,
            "universal_login": true,
            "revoke_refresh_token_grant": false,
        },
        "session_lifetime": 168,
        "idle_session_lifetime": 72,
        "ephemeral_session_lifetime": 72,
        "idle_ephemeral_session_lifetime": 24,
        "sandbox_version": "22",
        "sandbox_versions_available": ["22", "18"],
        "session_cookie": { "mode": "persistent" },
        "sessions": { "oidc_logout_prompt_enabled": true },
        "oidc_logout": { "rp_logout_end_session_endpoint_discovery": true },
        "universal_login": { "is_custom_theme_set": false, "is_custom_template_set": false },
        "customize_mfa_in_postlogin_action": false,
        "allow_organization_name_in_authentication_api": false,
        "pushed_authorization_requests_supported": false,
        "resource_parameter_profile": "audience",
        "client_id_metadata_document_supported": false,
        "phone_consolidated_experience": true,
    });
    fields(&usual.to_string())
}

/// The stored settings over the usual ones.
pub(crate) fn whole(stored: Fields) -> Fields {
    let mut all = usual();
    for (name, value) in stored {
        match (all.get_mut(&name), value) {
            (Some(serde_json::Value::Object(members)), serde_json::Value::Object(given)) => members.extend(given),
            // Taken away on purpose, though it has a usual value.
            (_, serde_json::Value::Null) => drop(all.shift_remove(&name)),
            (_, value) => drop(all.insert(name, value)),
        }
    }
    all
}
