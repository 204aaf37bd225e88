//! An access token of ours that somebody shows: of whichever dialect, verified.

use serde::Deserialize;
use tenantry_store::Subject as Affected;

use crate::claims::{Act, MACHINE};
use crate::issuer::{MICROS, person};
use crate::keys::{Algorithm, Form};
use crate::management::{Audiences, check_times, number_of};
use crate::oauth::{OAuthError, OAuthKind};
use crate::{Audience, Identity, TokenError};

/// What such a token says.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    /// The user; absent for a client's own.
    pub(crate) user: Option<String>,
    /// The client that it was given to.
    pub(crate) client: String,
    pub(crate) sub: String,
    pub(crate) audiences: Vec<String>,
    pub(crate) scope: Vec<String>,
    /// The account's id.
    pub(crate) org: Option<String>,
    pub(crate) workspace: Option<String>,
    /// Who acts for the user, the latest first.
    pub(crate) actors: Vec<String>,
    pub(crate) jti: Option<String>,
    /// Seconds since 1970 UTC.
    pub(crate) issued: i64,
    pub(crate) expires: i64,
}

/// What is read of a token of the compatible dialect. ID tokens have no `jti` and are none.
#[derive(Deserialize)]
struct Compat {
    iss: String,
    sub: String,
    aud: Audiences,
    azp: String,
    iat: i64,
    exp: i64,
    jti: String,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    org_id: Option<String>,
    #[serde(default)]
    act: Option<Act>,
}

/// Which dialect a token is of.
#[derive(Deserialize)]
struct Peek {
    #[serde(default)]
    context: Option<String>,
}

fn list(scope: Option<&str>) -> Vec<String> {
    scope.unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect()
}

impl Identity {
    /// Verifies an access token of ours: of the compatible dialect, of our own contexts, or opaque.
    pub(crate) async fn open_shown(&self, token: &str) -> Result<Shown, OAuthError> {
        if !token.contains('.') {
            return self.shown_opaque(token).await;
        }
        let payload =
            self.issuer.open_token(token, &Algorithm::ALL, &[Form::Plain, Form::Access]).map_err(OAuthError::from)?;
        let peek: Peek = serde_json::from_slice(&payload).map_err(|_| TokenError::Claims)?;
        match peek.context {
            Some(context) => self.shown_own(token, &context),
            None => self.shown_compat(&payload),
        }
    }

    fn shown_compat(&self, payload: &[u8]) -> Result<Shown, OAuthError> {
        let claims: Compat = serde_json::from_slice(payload).map_err(|_| TokenError::Claims)?;
        if claims.iss != self.issuer.url() {
            return Err(TokenError::Issuer.into());
        }
        check_times(claims.iat, claims.exp, self.now())?;
        let actors: Vec<String> = claims.act.iter().flat_map(Act::actors).map(str::to_owned).collect();
        let mut rests_on: Vec<Affected> = actors.iter().map(|actor| person(actor)).collect();
        rests_on.push(Affected::Token(claims.jti.clone()));
        rests_on.push(Affected::Client(claims.azp.clone()));
        rests_on.push(person(&claims.sub));
        rests_on.extend(claims.aud.iter().map(|audience| Affected::Api(audience.to_owned())));
        if let Some(org) = &claims.org_id {
            rests_on.push(Affected::Account(org.clone()));
            rests_on.push(Affected::Member { account: org.clone(), user: claims.sub.clone() });
        }
        self.issuer.hold(&rests_on, number_of(&claims.jti))?;
        Ok(Shown {
            user: (!claims.sub.ends_with(MACHINE)).then(|| claims.sub.clone()),
            client: claims.azp,
            sub: claims.sub,
            audiences: claims.aud.iter().map(str::to_owned).collect(),
            scope: list(claims.scope.as_deref()),
            org: claims.org_id,
            workspace: None,
            actors,
            jti: Some(claims.jti),
            issued: claims.iat,
            expires: claims.exp,
        })
    }

    fn shown_own(&self, token: &str, context: &str) -> Result<Shown, OAuthError> {
        let audience = Audience::parse(context).ok_or(TokenError::Audience)?;
        let verified = self.issuer.verify_for(token, audience, self.now()).map_err(OAuthError::from)?;
        let principal = verified.principal;
        let client = principal.client_id.unwrap_or_default();
        let sub = principal.user_id.clone().unwrap_or_else(|| [&client, MACHINE].concat());
        Ok(Shown {
            user: principal.user_id,
            client,
            sub,
            audiences: vec![context.to_owned()],
            scope: list(verified.scope.as_deref()),
            org: verified.org,
            workspace: principal.workspace_id,
            actors: verified.actors.to_vec(),
            jti: Some(verified.jti),
            issued: verified.issued_at_micros.div_euclid(MICROS),
            expires: verified.expires_micros.div_euclid(MICROS),
        })
    }

    async fn shown_opaque(&self, token: &str) -> Result<Shown, OAuthError> {
        let (row, opaque) = self.open_opaque(token).await?;
        let user = row.user_id.ok_or_else(|| OAuthError::new(OAuthKind::InvalidToken, "The token is not valid."))?;
        Ok(Shown {
            sub: user.clone(),
            user: Some(user),
            client: row.client_id,
            audiences: vec![[self.issuer.url(), "userinfo"].concat()],
            scope: list(Some(&opaque.scope)),
            org: opaque.org,
            workspace: None,
            actors: opaque.actors,
            jti: None,
            issued: row.created_micros.div_euclid(MICROS),
            expires: row.expires_micros.div_euclid(MICROS),
        })
    }
}
