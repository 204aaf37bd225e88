//! Tokens on record: each one given, and each refusal.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};
use tenantry_store::{Decision, Entry, Phase};

use crate::Identity;
use crate::logs::Event;
use crate::oauth::params::shown;
use crate::oauth::{OAuthError, OAuthRequest};

/// Whom and what an act concerns, as far as it is known when it ends.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trail {
    /// The tenant id of the account; empty for the platform.
    pub(crate) tenant: String,
    /// The account's id.
    pub(crate) account: Option<String>,
    pub(crate) workspace: Option<String>,
    pub(crate) user: Option<String>,
    /// The client, once it has proven who it is.
    pub(crate) client: Option<String>,
    pub(crate) client_name: Option<String>,
    pub(crate) delegate: Option<String>,
    pub(crate) audience: Option<String>,
    pub(crate) scope: Option<String>,
    pub(crate) jti: Option<String>,
    pub(crate) connection: Option<String>,
}

impl Identity {
    /// Puts what was done on record; it is then done. No record, no token.
    pub(crate) async fn token_on_record(
        &self,
        name: &'static str,
        request: &OAuthRequest,
        trail: &Trail,
    ) -> Result<(), OAuthError> {
        let entry = self.entry(name, request, trail, None);
        self.store.append_ended(entry, Phase::Completed, self.now()).await?;
        Ok(())
    }

    /// Puts a refusal on record and in the log.
    pub(crate) async fn refusal_on_record(
        &self,
        name: &'static str,
        request: &OAuthRequest,
        trail: &Trail,
        error: &OAuthError,
    ) {
        let named = crate::oauth::authenticate::named(request);
        let mut entry = self.entry(name, request, trail, named.as_deref());
        entry.phase = Phase::Denied;
        entry.decision = Decision::Denied;
        entry.code = Some(error.kind.name().to_ascii_uppercase());
        if let Err(error) = self.store.append(entry).await {
            tracing::error!(request = %request.request_id, %error, "a refusal is not on record");
        }
        tracing::info!(
            request = %request.request_id, client = trail.client.as_deref().or(named.as_deref()),
            code = error.kind.name(), why = %error.description, "a token was refused"
        );
    }

    fn entry(&self, name: &'static str, request: &OAuthRequest, trail: &Trail, named: Option<&str>) -> Entry {
        let mut entry = Entry::started(&request.request_id, &trail.tenant, name, self.now());
        entry.workspace.clone_from(&trail.workspace);
        entry.user.clone_from(&trail.user);
        entry.client.clone_from(&trail.client);
        entry.delegate.clone_from(&trail.delegate);
        let mut inputs = json!({});
        let mut put = |name: &str, value: Option<&str>| {
            if let (Some(value), Some(inputs)) = (value, inputs.as_object_mut()) {
                inputs.insert(name.to_owned(), Value::String(value.to_owned()));
            }
        };
        put("grant_type", request.params.get("grant_type").map(shown).as_deref());
        // What was only said is told apart from what was proven.
        put("claimed_client", named.filter(|_| trail.client.is_none()));
        put("audience", trail.audience.as_deref());
        put("scope", trail.scope.as_deref());
        put("jti", trail.jti.as_deref());
        let inputs = inputs.to_string();
        entry.request_digest = crate::text::hex(digest(&SHA256, inputs.as_bytes()).as_ref());
        entry.inputs = Some(inputs);
        entry
    }

    /// Notes an event of a grant: its code when a token was given, and when it was refused.
    pub(crate) fn log_grant(
        &self,
        codes: (&'static str, &'static str),
        request: &OAuthRequest,
        trail: &Trail,
        error: Option<&OAuthError>,
    ) {
        let kind = if error.is_some() { codes.1 } else { codes.0 };
        let named = trail.client.clone().or_else(|| crate::oauth::authenticate::named(request));
        self.log(Event {
            description: error.map(|error| error.description.clone()),
            user_id: trail.user.clone(),
            connection: trail.connection.clone(),
            client_id: named,
            client_name: trail.client_name.clone(),
            account: trail.account.clone(),
            address: request.address,
            user_agent: request.user_agent.clone(),
            audience: trail.audience.clone(),
            scope: trail.scope.clone(),
            ..Event::new(kind)
        });
    }
}
