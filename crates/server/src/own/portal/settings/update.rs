//! `PATCH /portal/v1/settings`.

use schemars::JsonSchema;
use serde::Deserialize;
use tenantry_identity::Refusal;

use super::shape::Settings;
use crate::own::endpoint::Call;
use crate::own::reply::Shown;

/// What may be changed of the platform's settings
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlatformSettingsChange")]
#[expect(dead_code, reason = "its form is what counts: the members are taken as they were sent")]
pub(super) struct Body {
    #[schemars(length(min = 1, max = 255))]
    friendly_name: Option<String>,
    #[schemars(length(max = 2048), extend("format" = "absolute-uri-or-empty"))]
    picture_url: Option<String>,
    #[schemars(length(max = 320), extend("format" = "email-or-empty"))]
    support_email: Option<String>,
    #[schemars(length(max = 2048), extend("format" = "absolute-uri-or-empty"))]
    support_url: Option<String>,
    #[schemars(length(max = 2048), extend("format" = "absolute-https-uri-or-empty"))]
    default_redirection_uri: Option<String>,
}

/// Answers the call.
pub(super) async fn handle(mut call: Call<(), Body>) -> Result<Shown<Settings>, Refusal> {
    let change = std::mem::take(&mut call.sent);
    let settings = call.identity.update_settings(&call.caller, change).await?;
    Ok(Shown(settings.into()))
}
