//! Tokens by a code (RFC 6749, section 4.1.3; RFC 7636, section 4.5). A code is good once; shown again, what
//! came of it ends (RFC 6749, section 4.1.2).

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tenantry_store::identity::refresh_tokens::RefreshToken;
use tenantry_store::{BatchError, Subject as Affected};

use crate::Identity;
use crate::authorize::{CODE, Code};
use crate::identity::TRIES;
use crate::oauth::authenticate::Proven;
use crate::oauth::refresh::Beginning;
use crate::oauth::registry::Stamp;
use crate::oauth::user::{Ask, Given};
use crate::oauth::{OAuthError, OAuthRequest, REFRESH_TOKEN, TokenAnswer, Trail, hashed};

fn invalid() -> OAuthError {
    OAuthError::grant("Invalid authorization code")
}

/// Is this the secret whose S256 the code is bound to? A code that is bound to none takes none: whoever sends one
/// believes in a protection that is not there (RFC 9700, section 2.1.1).
fn verifier_fits(challenge: Option<&str>, verifier: Option<&str>) -> bool {
    match (challenge, verifier) {
        (None, None) => true,
        (Some(challenge), Some(verifier)) => {
            let letters = |one: char| one.is_ascii_alphanumeric() || matches!(one, '-' | '.' | '_' | '~');
            let s256 = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
            (43..=128).contains(&verifier.len())
                && verifier.chars().all(letters)
                && verify_slices_are_equal(s256.as_bytes(), challenge.as_bytes()).is_ok()
        }
        _ => false,
    }
}

impl Identity {
    pub(super) async fn by_code(
        &self,
        request: &OAuthRequest,
        proven: &Proven,
        now: Stamp,
        trail: &mut Trail,
    ) -> Result<TokenAnswer, OAuthError> {
        let params = &request.params;
        let (shown, redirect_uri) = (params.need("code")?, params.need("redirect_uri")?);
        if shown.len() > 256 {
            return Err(invalid());
        }
        let hash = hashed(shown);
        let row = self.store.ticket(&hash).await?.filter(|row| row.kind == CODE).ok_or_else(invalid)?;
        let code: Code = serde_json::from_str(&row.doc).map_err(|_| invalid())?;
        // INVARIANT: a code is good for the client that it was given to. Another's tells it nothing, and ends nothing.
        if code.client != proven.client.id() {
            return Err(invalid());
        }
        let user = row.user_id.clone().ok_or_else(invalid)?;
        trail.user = Some(user.clone());
        if row.used_micros.is_some() {
            self.shown_again(&hash, request, trail).await?;
            return Err(invalid());
        }
        let mut batch = self.store.batch();
        batch.notes_only();
        // A wrong secret uses the code up as well: it is in the wrong hands.
        let used = batch.use_ticket(&hash, self.now());
        match self.store.commit(batch).await {
            Ok(_) => {}
            Err(BatchError::Untouched(place)) if place == used => {
                if self.store.ticket(&hash).await?.is_some_and(|row| row.used_micros.is_some()) {
                    self.shown_again(&hash, request, trail).await?;
                }
                return Err(invalid());
            }
            Err(error) => return Err(error.into()),
        }
        if code.redirect_uri != redirect_uri
            || !verifier_fits(code.challenge.as_deref(), params.get("code_verifier"))
            || params.get("audience").is_some_and(|asked| Some(asked) != code.audience.as_deref())
        {
            return Err(invalid());
        }
        // Who logged out, or was logged out, in the meantime, is given nothing.
        self.store.session(&code.session).await?.ok_or_else(invalid)?;
        let account = self.asked_account(code.account.as_deref(), now).await.map_err(|_| invalid())?;
        let workspace = self.asked_workspace(account.as_deref(), code.workspace.as_deref()).await;
        let workspace = workspace.map_err(|_| invalid())?;
        let ask = Ask {
            proven,
            user: &user,
            audience: code.audience.as_deref(),
            scope: code.scope.clone(),
            // A third party has what the user saw, and no more.
            within: (!proven.client.known.is_first_party).then(|| code.scope.clone()),
            before: Vec::new(),
            account: account.clone(),
            workspace: workspace.clone(),
            actors: Vec::new(),
            need_grant: false,
            at_most: None,
            gty: None,
            session: Some(&code.session),
            auth_time: Some(code.auth_time),
            nonce: code.nonce.as_deref(),
            now,
        };
        let given = self.for_user(ask, trail).await?;
        // Programs that speak MCP do not ask for `offline_access`. Theirs lasts as long as the login does.
        let online = code.for_mcp && !given.offline && proven.client.known.may_use(REFRESH_TOKEN);
        let family = if given.offline || online {
            let beginning = Beginning { session: Some(code.session.clone()), online, auth_time: code.auth_time };
            Some(self.ready_family(proven, &user, &given, account.as_deref(), workspace.as_ref(), beginning)?)
        } else {
            None
        };
        self.keep_what_came(&hash, code, &given, family.as_ref().map(|(row, _)| row), trail).await?;
        self.token_on_record("tokens.issue", request, trail).await?;
        Ok(TokenAnswer { refresh_token: family.map(|(_, token)| token), ..given.answer })
    }

    /// Notes beside the code what came of it, together with the refresh tokens' family. Nothing is kept when the code
    /// was shown again in the meantime.
    async fn keep_what_came(
        &self,
        hash: &[u8],
        code: Code,
        given: &Given,
        family: Option<&RefreshToken>,
        trail: &Trail,
    ) -> Result<(), OAuthError> {
        let opaque = trail.jti.is_none().then(|| hashed(&given.answer.access_token));
        let after = Code {
            family: family.map(|row| row.id.clone()),
            jti: trail.jti.clone(),
            opaque: opaque.as_deref().map(crate::text::hex),
            ..code.clone()
        };
        let mut batch = self.store.batch();
        batch.notes_only();
        let noted = batch.note_ticket(hash, &code.to_doc(), &after.to_doc());
        if let Some(family) = family {
            batch.insert_refresh_token(family);
        }
        match self.store.commit(batch).await {
            Ok(_) => Ok(()),
            Err(BatchError::Untouched(place)) if place == noted => {
                let mut batch = self.store.batch();
                batch.notes_only();
                end_access(&mut batch, trail.jti.as_deref(), opaque.as_deref());
                self.store.commit(batch).await?;
                Err(invalid())
            }
            Err(BatchError::Dangling(_)) => Err(invalid()),
            Err(error) => Err(error.into()),
        }
    }

    /// Somebody holds a copy of a code: nobody can tell who, so what came of it ends.
    async fn shown_again(&self, hash: &[u8], request: &OAuthRequest, trail: &mut Trail) -> Result<(), OAuthError> {
        for _ in 0..TRIES {
            let Some(row) = self.store.ticket(hash).await? else { return Ok(()) };
            let Ok(code) = serde_json::from_str::<Code>(&row.doc) else { return Ok(()) };
            if code.again {
                return Ok(());
            }
            trail.account.clone_from(&code.account);
            if let Some(id) = &code.account
                && let Some(account) = self.store.account(id).await?
            {
                trail.tenant = account.tenant_id;
            }
            let after = Code { again: true, ..code.clone() };
            let opaque = code.opaque.as_deref().and_then(crate::text::unhex);
            let mut batch = self.store.batch();
            batch.notes_only();
            let noted = batch.note_ticket(hash, &row.doc, &after.to_doc());
            if let Some(family) = &code.family {
                batch.delete_refresh_token(family);
            }
            end_access(&mut batch, code.jti.as_deref(), opaque.as_deref());
            match self.store.commit(batch).await {
                Ok(_) => {
                    tracing::warn!(client = %code.client, "an authorization code was shown twice; what came of it has ended");
                    return self.token_on_record("codes.reuse", request, trail).await;
                }
                Err(BatchError::Untouched(place)) if place == noted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

fn end_access(batch: &mut tenantry_store::Batch, jti: Option<&str>, opaque: Option<&[u8]>) {
    if let Some(jti) = jti {
        batch.affects(Affected::Token(jti.to_owned()));
    }
    if let Some(hash) = opaque {
        batch.delete_opaque_token(hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verifiers_fit_their_challenge_alone() {
        // RFC 7636, appendix B.
        let (verifier, challenge) =
            ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(verifier_fits(Some(challenge), Some(verifier)));
        assert!(verifier_fits(None, None));
        for (challenge, verifier) in [
            (Some(challenge), None),
            (None, Some(verifier)),
            (Some(challenge), Some(challenge)),
            (Some(challenge), Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXK")),
            (Some(verifier), Some(verifier)),
            (Some(challenge), Some("")),
        ] {
            assert!(!verifier_fits(challenge, verifier));
        }
    }
}
