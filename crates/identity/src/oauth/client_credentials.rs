//! Tokens for clients that act for themselves (RFC 6749, section 4.4), also within an account.

use std::sync::Arc;

use tenantry_store::identity::accounts::Account;

use crate::clients::lookup::KnownApi;
use crate::oauth::authenticate::Proven;
use crate::oauth::compat::{Content, own_lifetime};
use crate::oauth::params::shown;
use crate::oauth::registry::{Stamp, setting_text};
use crate::oauth::{OAuthError, OAuthKind, OAuthRequest, TokenAnswer, Trail, account, scope};
use crate::{Audience, Identity, Subject};

impl Identity {
    pub(super) async fn client_credentials(
        &self,
        request: &OAuthRequest,
        proven: &Proven,
        now: Stamp,
        trail: &mut Trail,
    ) -> Result<TokenAnswer, OAuthError> {
        proven.need_confidential()?;
        let params = &request.params;
        let settings = self.kept_settings(now).await?;
        let audience = params.get("audience").or_else(|| setting_text(&settings, "default_audience"));
        let audience = audience.ok_or_else(|| {
            OAuthError::denied("No audience parameter was provided, and no default audience has been configured")
        })?;
        trail.audience = Some(shown(audience));
        let api = self.asked_api(audience, now).await?;
        if api.subject_policy("client") == "deny_all" {
            return Err(not_authorized(&api));
        }
        let client = &proven.client;
        let grant = self.kept_grant(client.id(), &api, "client", now).await?.ok_or_else(|| not_authorized(&api))?;
        let account = self.asked_account(params.get("organization"), now).await?;
        match (&account, grant.organization_usage.as_str()) {
            (None, "require") => {
                return Err(OAuthError::new(
                    OAuthKind::InvalidRequest,
                    "parameter organization is required for this client",
                ));
            }
            (Some(account), _) if !self.kept_reach(&grant, &account.id, now).await? => {
                return Err(OAuthError::denied(format!(
                    "Client is not authorized to access organization {}.",
                    account.id
                )));
            }
            _ => {}
        }
        if let Some(account) = &account {
            trail.tenant.clone_from(&account.tenant_id);
            trail.account = Some(account.id.clone());
        }
        let asked = scope::asked(params.get("scope"));
        let granted = scope::granted(&asked, &grant.scope, false);
        if granted.is_empty() && !asked.is_empty() {
            let why = format!("Client has not been granted scopes: {}", shown(&asked.join(", ")));
            return Err(OAuthError::denied(why));
        }
        trail.scope = (!granted.is_empty()).then(|| granted.join(" "));
        let answer = match Audience::parse(audience) {
            Some(context) => {
                let workspace = params.get("workspace");
                self.own_context(context, &api, proven, account, workspace, &granted, now, trail).await?
            }
            None => {
                let content = Content {
                    client: client.id(),
                    permissions: grant.scope.clone(),
                    org: account.as_deref().map(|account| account::as_claims(account, &settings)),
                    gty: Some("client-credentials"),
                    epoch: now.number,
                    scope: granted.clone(),
                    ..Content::default()
                };
                let minted = self.mint(&api, content)?;
                trail.jti = Some(minted.jti);
                TokenAnswer::bearer(minted.token, minted.lifetime, &granted)
            }
        };
        self.token_on_record("tokens.issue", request, trail).await?;
        Ok(answer)
    }

    /// The API of that identifier.
    pub(super) async fn asked_api(&self, audience: &str, now: Stamp) -> Result<Arc<KnownApi>, OAuthError> {
        let api = self.kept_api(audience, now).await?;
        api.ok_or_else(|| OAuthError::denied(format!("Service not found: {}", shown(audience))))
    }

    /// A client's own token for one of our contexts. What it was granted there is what it may.
    #[allow(clippy::too_many_arguments, reason = "one call, made above")]
    async fn own_context(
        &self,
        context: Audience,
        api: &KnownApi,
        proven: &Proven,
        account: Option<Arc<Account>>,
        workspace: Option<&str>,
        granted: &[String],
        now: Stamp,
        trail: &mut Trail,
    ) -> Result<TokenAnswer, OAuthError> {
        if (context == Audience::Portal) != account.is_none() {
            let why = if account.is_none() {
                "parameter organization is required for this audience"
            } else {
                "parameter organization is not allowed for this audience"
            };
            return Err(OAuthError::new(OAuthKind::InvalidRequest, why));
        }
        let workspace = self.asked_workspace(account.as_deref(), workspace).await?;
        trail.workspace = workspace.as_ref().map(|workspace| workspace.id.clone());
        let lifetime = own_lifetime(api.lifetime(false));
        let made = self.issuer.made(lifetime, now.number)?;
        trail.jti = Some(made.jti.clone());
        let subject = Subject {
            platform: account.is_none(),
            account: account.as_ref().map(|account| account.tenant_id.clone()),
            org: account.as_ref().map(|account| account.id.clone()),
            org_name: account.as_ref().map(|account| account.name.clone()),
            workspace: workspace.map(|workspace| workspace.id),
            client: Some(proven.client.id().to_owned()),
            permissions: granted.to_vec(),
            scope: (!granted.is_empty()).then(|| granted.join(" ")),
            ..Subject::default()
        };
        let token = self.issuer.issue_made(&subject, context, made)?;
        let seconds = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        Ok(TokenAnswer::bearer(token, seconds, granted))
    }
}

fn not_authorized(api: &KnownApi) -> OAuthError {
    OAuthError::denied(format!(
        "Client is not authorized to access \"{}\". You need to create a \"client-grant\" associated to this API.",
        api.identifier
    ))
}
