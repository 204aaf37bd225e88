//! Codes: what a client exchanges for tokens, once, within a minute.

use serde::{Deserialize, Serialize};
use serde_json::json;
use tenantry_store::BatchError;
use tenantry_store::identity::tickets::Ticket;

use crate::Identity;
use crate::act::Act;
use crate::authorize::{Authorization, Live, Place, Sent, Stopped, Visit};
use crate::issuer::MICROS;
use crate::oauth::hashed;

/// The kind of their tickets.
pub(crate) const KIND: &str = "authorization_code";

/// How long a code is good, in seconds.
const LIFE: i64 = 60;

/// What a code stands for. Kept under the code's hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Code {
    pub(crate) client: String,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: Option<String>,
    pub(crate) scope: Vec<String>,
    pub(crate) audience: Option<String>,
    pub(crate) for_mcp: bool,
    pub(crate) account: Option<String>,
    pub(crate) workspace: Option<String>,
    pub(crate) nonce: Option<String>,
    /// Seconds since 1970 UTC.
    pub(crate) auth_time: i64,
    pub(crate) session: String,
    /// The family of refresh tokens that began with it.
    #[serde(default)]
    pub(crate) family: Option<String>,
    /// The access token that it was exchanged for: its `jti`.
    #[serde(default)]
    pub(crate) jti: Option<String>,
    /// The same for an opaque one: its hash, hexadecimal.
    #[serde(default)]
    pub(crate) opaque: Option<String>,
    /// It was shown again: what came of it has ended.
    #[serde(default)]
    pub(crate) again: bool,
}

impl Code {
    pub(crate) fn to_doc(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Identity {
    /// Answers the client with a code, on record.
    pub(super) async fn give_code(
        &self,
        asked: &Authorization,
        visit: &Visit,
        live: &Live,
        place: Option<&Place>,
    ) -> Result<Sent, Stopped> {
        let text = self.random_token("")?;
        let now = self.now();
        let code = Code {
            client: asked.client.id().to_owned(),
            redirect_uri: asked.redirect_uri.clone(),
            challenge: asked.challenge.clone(),
            scope: asked.scope.clone(),
            audience: asked.audience.clone(),
            for_mcp: asked.for_mcp,
            account: place.map(|place| place.account.id.clone()),
            workspace: place.and_then(|place| place.ids().1.map(str::to_owned)),
            nonce: asked.nonce.clone(),
            auth_time: live.auth_time,
            session: live.session.clone(),
            family: None,
            jti: None,
            opaque: None,
            again: false,
        };
        let ticket = Ticket {
            hash: hashed(&text),
            kind: KIND.to_owned(),
            user_id: Some(live.user.id.clone()),
            doc: code.to_doc(),
            created_micros: now,
            expires_micros: now.saturating_add(LIFE * MICROS),
            used_micros: None,
        };
        let tenant = place.map_or("", |place| place.account.tenant_id.as_str());
        let inputs = json!({
            "client": code.client, "audience": code.audience, "scope": code.scope.join(" "), "session": code.session,
        });
        let act = Act { name: "authorizations.create", tenant, workspace: code.workspace.as_deref(), inputs };
        let caller = visit.caller(Some(&live.user.id), Some(&code.client));
        self.act(&caller, act, async {
            let mut batch = self.store.batch();
            batch.notes_only();
            batch.insert_ticket(&ticket);
            let idle = now.saturating_add(crate::login::SESSION_IDLE);
            let touched = batch.touch_session(&live.session, now, idle);
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                // It ended this moment: then there is no login to answer with.
                Err(BatchError::Untouched(place)) if place == touched => {
                    Err(crate::Refusal::Missing(crate::Kind::Session))
                }
                Err(error) => Err(error.into()),
            }
        })
        .await?;
        Ok(asked.answer(vec![("code", text)]))
    }
}
