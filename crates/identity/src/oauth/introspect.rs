//! What a token is, for the client that it is for (RFC 7662).

use serde_json::{Value, json};

use crate::Identity;
use crate::oauth::registry::{Client, Stamp};
use crate::oauth::shown::Shown;
use crate::oauth::{OAuthError, OAuthKind, OAuthRequest, Trail, hashed};
use crate::text::fields;

impl Identity {
    /// Tells a client about a token that was given to it, or for the API that it stands for. Of any other,
    /// and of one that holds no more, it learns that it is not active and nothing else.
    ///
    /// # Errors
    /// When the client does not prove who it is.
    pub async fn introspect(&self, request: &OAuthRequest) -> Result<Value, OAuthError> {
        self.store.look_for_changes().await?;
        let now = self.stamp();
        let told = async {
            let proven = self.authenticate(request, now).await?;
            proven.need_confidential()?;
            let token = request.params.need("token")?;
            self.told(&proven.client, token, now).await
        };
        let outcome = told.await;
        if let Err(error) = &outcome {
            self.refusal_on_record("tokens.introspect", request, &Trail::default(), error).await;
        }
        outcome
    }

    async fn told(&self, client: &Client, token: &str, now: Stamp) -> Result<Value, OAuthError> {
        const INACTIVE: &str = "active";
        let inactive = json!({ INACTIVE: false });
        match self.open_shown(token).await {
            Ok(shown) if may_know(client, &shown) => {
                // Rights are read again when a token is made, not here; whether its account lives is.
                if shown.org.is_some() && self.asked_account(shown.org.as_deref(), now).await.is_err() {
                    return Ok(inactive);
                }
                Ok(self.active(&shown))
            }
            Ok(_) => Ok(inactive),
            Err(error) if error.kind == OAuthKind::InvalidToken => {
                Ok(self.refresh_told(client, token).await?.unwrap_or(inactive))
            }
            Err(error) => Err(error),
        }
    }

    fn active(&self, shown: &Shown) -> Value {
        let mut told = json!({
            "active": true,
            "iss": self.issuer.url(),
            "sub": shown.sub,
            "client_id": shown.client,
            "aud": shown.audiences,
            "iat": shown.issued,
            "exp": shown.expires,
            "token_type": "Bearer",
        });
        let mut put = |name: &str, value: Value| {
            if let Some(told) = told.as_object_mut() {
                told.insert(name.to_owned(), value);
            }
        };
        if !shown.scope.is_empty() {
            put("scope", json!(shown.scope.join(" ")));
        }
        if let Some(jti) = &shown.jti {
            put("jti", json!(jti));
        }
        if let Some(org) = &shown.org {
            put("org_id", json!(org));
        }
        if let Some(workspace) = &shown.workspace {
            put("workspace_id", json!(workspace));
        }
        if let Some(act) = crate::claims::Act::of(shown.actors.iter().map(String::as_str)) {
            put("act", serde_json::to_value(act).unwrap_or(Value::Null));
        }
        told
    }

    async fn refresh_told(&self, client: &Client, token: &str) -> Result<Option<Value>, OAuthError> {
        if token.len() > 256 {
            return Ok(None);
        }
        let family = self.store.refresh_token_in_force(&hashed(token)).await?;
        let now = self.now();
        let ended = |end: Option<i64>| end.is_some_and(|end| now >= end);
        let family = family.filter(|family| {
            family.client_id == client.id() && !ended(family.expires_micros) && !ended(family.idle_micros)
        });
        Ok(family.map(|family| {
            let doc = fields(&family.doc);
            json!({
                "active": true,
                "iss": self.issuer.url(),
                "sub": family.user_id,
                "client_id": family.client_id,
                "scope": doc.get("scope"),
                "token_type": "refresh_token",
                "exp": family.expires_micros.map(|end| end.div_euclid(crate::issuer::MICROS)),
            })
        }))
    }
}

/// Is the token this client's own, or for the API that the client stands for?
fn may_know(client: &Client, shown: &Shown) -> bool {
    let api = client.known.text("resource_server_identifier");
    shown.client == client.id() || api.is_some_and(|api| shown.audiences.iter().any(|audience| audience == api))
}
