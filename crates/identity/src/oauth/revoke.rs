//! Tokens given back (RFC 7009).

use tenantry_store::Subject as Affected;

use crate::Identity;
use crate::oauth::authenticate::Proven;
use crate::oauth::{OAuthError, OAuthKind, OAuthRequest, Trail, hashed};

impl Identity {
    /// Takes a token out of force: a refresh token with its family, an access token by itself, here within a
    /// second on every server. One that is unknown is out of force already.
    ///
    /// # Errors
    /// When the client does not prove who it is, or the token was given to another.
    pub async fn revoke(&self, request: &OAuthRequest) -> Result<(), OAuthError> {
        let mut trail = Trail::default();
        let outcome = self.revoked(request, &mut trail).await;
        if let Err(error) = &outcome {
            self.refusal_on_record("tokens.revoke", request, &trail, error).await;
        }
        self.log_grant(("srrt", "frrt"), request, &trail, outcome.as_ref().err());
        outcome
    }

    async fn revoked(&self, request: &OAuthRequest, trail: &mut Trail) -> Result<(), OAuthError> {
        let proven = self.authenticate(request, self.stamp()).await?;
        trail.client = Some(proven.client.id().to_owned());
        let token = request.params.need("token")?;
        if token.len() > crate::MAX_TOKEN_BYTES {
            return Ok(());
        }
        let hash = hashed(token);
        let family = match self.store.refresh_token_in_force(&hash).await? {
            Some(family) => Some(family),
            None => match self.store.refresh_token_spent(&hash).await? {
                Some((id, _)) => self.store.refresh_token(&id).await?,
                None => None,
            },
        };
        let mut batch = self.store.batch();
        if let Some(family) = family {
            owns(&proven, &family.client_id)?;
            trail.user = Some(family.user_id);
            batch.notes_only();
            batch.delete_refresh_token(&family.id);
        } else {
            match self.open_shown(token).await {
                Ok(shown) => {
                    owns(&proven, &shown.client)?;
                    trail.user = shown.user;
                    trail.jti.clone_from(&shown.jti);
                    match shown.jti {
                        Some(jti) => batch.affects(Affected::Token(jti)),
                        None => {
                            batch.notes_only();
                            batch.delete_opaque_token(&hash);
                        }
                    }
                }
                Err(error) if error.kind == OAuthKind::InvalidToken => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        self.store.commit(batch).await?;
        self.token_on_record("tokens.revoke", request, trail).await
    }
}

fn owns(proven: &Proven, client: &str) -> Result<(), OAuthError> {
    if proven.client.id() == client {
        return Ok(());
    }
    Err(OAuthError::new(OAuthKind::UnauthorizedClient, "The token was given to another client."))
}
