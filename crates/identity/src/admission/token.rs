//! Tokens of the compatible dialect, as whoever stands behind an API reads them.

use serde::Deserialize;
use tenantry_policy::Principal;
use tenantry_store::Subject as Affected;

use crate::admission::Admitted;
use crate::claims::{Act, MACHINE};
use crate::issuer::{MICROS, person};
use crate::keys::{Algorithm, Form};
use crate::management::{Audiences, check_times, number_of};
use crate::{Identity, MAX_LIFETIME, Refusal, TokenError};

/// What is read of such a token. ID tokens have no `jti`, tokens of our own contexts have a `context`.
#[derive(Deserialize)]
struct Read {
    iss: String,
    sub: String,
    aud: Audiences,
    azp: String,
    iat: i64,
    exp: i64,
    jti: String,
    #[serde(default)]
    permissions: Option<Vec<String>>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    org_id: Option<String>,
    #[serde(default)]
    context: Option<String>,
    #[serde(default)]
    act: Option<Act>,
}

impl Identity {
    pub(super) async fn admit_token(&self, token: &str) -> Result<Admitted, TokenError> {
        let payload = self.issuer.open_token(token, &Algorithm::ALL, &[Form::Plain, Form::Access])?;
        let claims: Read = serde_json::from_slice(&payload).map_err(|_| TokenError::Claims)?;
        if claims.iss != self.issuer.url() {
            return Err(TokenError::Issuer);
        }
        if claims.context.is_some() {
            return Err(TokenError::Audience);
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
        // Before anything is read: a change that comes in between then counts against it.
        let known = self.issuer.hold(&rests_on, number_of(&claims.jti))?;
        let tenant = match &claims.org_id {
            Some(org) => Some(self.active_tenant(org).await?),
            None => None,
        };
        let (user, client) = match claims.sub.strip_suffix(MACHINE) {
            Some(client) if client == claims.azp && actors.is_empty() => (None, client.to_owned()),
            Some(_) => return Err(TokenError::Claims),
            None => (Some(claims.sub.clone()), claims.azp.clone()),
        };
        // In the dialects without permissions, what was granted of them stands in the scope.
        let scope = claims.scope.as_deref().unwrap_or_default();
        let permissions =
            claims.permissions.unwrap_or_else(|| scope.split_ascii_whitespace().map(str::to_owned).collect());
        let mut grants: Vec<(String, Vec<String>)> =
            claims.aud.iter().map(|audience| (audience.to_owned(), permissions.clone())).collect();
        if let Some(user) = &user {
            // The token names no roles; what it says is held against what they permit now.
            let held = self.rights(user, claims.org_id.as_deref(), None).await.map_err(|error| unsettled(&error))?;
            if !held.enabled {
                return Err(TokenError::Revoked);
            }
            for (api, permissions) in &mut grants {
                permissions.retain(|permission| held.on(api).any(|known| known == permission));
            }
            rests_on.extend(held.roles.into_iter().map(|role| Affected::Role(role.id)));
        }
        let longest = claims.iat.saturating_add(i64::try_from(MAX_LIFETIME.as_secs()).unwrap_or(i64::MAX));
        Ok(Admitted {
            principal: Principal {
                tenant_id: tenant,
                user_id: user,
                client_id: Some(client),
                delegate: actors.into_iter().next(),
                ..Principal::default()
            },
            grants,
            models: None,
            key: None,
            expires_micros: claims.exp.min(longest).saturating_mul(MICROS),
            fresh_until: self.fresh_until(),
            rests_on,
            known,
        })
    }

    /// The tenant id of an account that is active.
    pub(super) async fn active_tenant(&self, account: &str) -> Result<String, TokenError> {
        let account = self.kept_account(account, self.stamp()).await.map_err(|error| unsettled(&error))?;
        let account = account.filter(|account| account.status == "active").ok_or(TokenError::Revoked)?;
        Ok(account.tenant_id.clone())
    }
}

/// The store did not answer: nothing can be told of a token.
pub(super) fn unsettled(error: &Refusal) -> TokenError {
    tracing::error!(%error, "a credential cannot be checked");
    TokenError::Unsettled
}
