//! Tokens on behalf of a user, for a client that was shown the user's token (RFC 8693). Decisions rest on
//! the user alone; who acts is named in `act`, and who acted before inside it.

use tenantry_store::identity::accounts::Account;

use crate::Identity;
use crate::claims::{MACHINE, MAX_ACTORS};
use crate::oauth::authenticate::Proven;
use crate::oauth::registry::Stamp;
use crate::oauth::user::Ask;
use crate::oauth::{OAuthError, OAuthRequest, TokenAnswer, Trail, scope};

/// RFC 8693, section 3.
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

impl Identity {
    pub(super) async fn exchange(
        &self,
        request: &OAuthRequest,
        proven: &Proven,
        now: Stamp,
        trail: &mut Trail,
    ) -> Result<TokenAnswer, OAuthError> {
        // Whoever acts for others must be who it says.
        proven.need_confidential()?;
        let params = &request.params;
        let token = params.need("subject_token")?;
        let kind = params.need("subject_token_type")?;
        if kind != ACCESS_TOKEN && kind != JWT {
            return Err(OAuthError::invalid("subject_token_type must be that of an access token of this server"));
        }
        if params.get("requested_token_type").is_some_and(|asked| asked != ACCESS_TOKEN) {
            return Err(OAuthError::invalid("requested_token_type: only access tokens are given"));
        }
        if params.get("actor_token").is_some() || params.get("actor_token_type").is_some() {
            return Err(OAuthError::invalid("actor_token: the client itself acts"));
        }
        let audience = params.need("audience")?;
        let shown = self.open_shown(token).await.map_err(|error| match error.kind {
            crate::oauth::OAuthKind::InvalidToken => OAuthError::grant("The subject token is not valid."),
            _ => error,
        })?;
        let user = shown.user.as_deref().ok_or_else(|| OAuthError::grant("The subject token is not a user's."))?;
        trail.user = Some(user.to_owned());
        let mut actors = vec![[proven.client.id(), MACHINE].concat()];
        actors.extend(shown.actors.iter().cloned());
        if actors.len() > MAX_ACTORS {
            return Err(OAuthError::grant("Too many act for one another."));
        }
        // INVARIANT: the account is the subject's; a request cannot choose another.
        let account = self.asked_account(shown.org.as_deref(), now).await?;
        let named = |account: &Account, asked: &str| account.id == asked || account.name == asked;
        if let Some(asked) = params.get("organization")
            && !account.as_deref().is_some_and(|account| named(account, asked))
        {
            return Err(OAuthError::denied("The subject token is for another organization."));
        }
        let workspace =
            self.asked_workspace(account.as_deref(), shown.workspace.as_deref().or_else(|| params.get("workspace")));
        let workspace = workspace.await?;
        if let Some(asked) = params.get("workspace")
            && !workspace.as_ref().is_some_and(|workspace| workspace.id == asked || workspace.name == asked)
        {
            return Err(OAuthError::denied("The subject token is for another workspace."));
        }
        let mut asked = scope::asked(params.get("scope"));
        asked.retain(|one| !scope::OPENID.contains(&one.as_str()));
        let left = shown.expires.saturating_sub(self.issuer.now_seconds()).max(1);
        let ask = Ask {
            proven,
            user,
            audience: Some(audience),
            scope: asked,
            // For the same API no more than the user's token had.
            within: shown.audiences.iter().any(|known| known == audience).then(|| shown.scope.clone()),
            before: shown.scope.clone(),
            account,
            workspace,
            actors,
            need_grant: true,
            at_most: Some(left),
            gty: None,
            session: None,
            auth_time: None,
            nonce: None,
            now,
        };
        let mut answer = self.for_user(ask, trail).await?.answer;
        answer.issued_token_type = Some(ACCESS_TOKEN);
        self.token_on_record("tokens.exchange", request, trail).await?;
        Ok(answer)
    }
}
