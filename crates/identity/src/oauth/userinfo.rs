//! Who the user of an access token is (OpenID Connect Core, section 5.3).

use serde_json::{Map, Value, json};

use crate::oauth::{OAuthError, OAuthKind, profile};
use crate::{Identity, TokenError};

impl Identity {
    /// What the token's scopes tell of its user.
    ///
    /// # Errors
    /// When the token does not hold, is not for `/userinfo`, or was not asked for with `openid`.
    pub async fn userinfo(&self, token: &str) -> Result<Map<String, Value>, OAuthError> {
        let shown = self.open_shown(token).await?;
        let here = [self.issuer.url(), "userinfo"].concat();
        if !shown.audiences.contains(&here) {
            return Err(TokenError::Audience.into());
        }
        if !shown.scope.iter().any(|one| one == "openid") {
            return Err(OAuthError::new(OAuthKind::InsufficientScope, "The token was not asked for with openid."));
        }
        let user = shown.user.ok_or(TokenError::Claims)?;
        let user = self.store.user(&user).await?.filter(|user| !user.blocked).ok_or(TokenError::Revoked)?;
        let mut claims = profile::claims(&user, &shown.scope);
        claims.shift_insert(0, "sub".to_owned(), json!(user.id));
        if let Some(org) = shown.org {
            claims.insert("org_id".to_owned(), json!(org));
        }
        Ok(claims)
    }
}
