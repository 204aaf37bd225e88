//! Refresh tokens (RFC 6749, section 6): rotated with each use, and the whole family ends when one that was
//! rotated away is shown again (RFC 9700, section 4.14).

use serde_json::{Value, json};
use tenantry_store::BatchError;
use tenantry_store::identity::accounts::Account;
use tenantry_store::identity::refresh_tokens::RefreshToken;
use tenantry_store::identity::workspaces::Workspace;

use crate::identity::TRIES;
use crate::issuer::MICROS;
use crate::oauth::authenticate::Proven;
use crate::oauth::registry::Stamp;
use crate::oauth::user::{Ask, Given};
use crate::oauth::{OAuthError, OAuthKind, OAuthRequest, TokenAnswer, Trail, hashed, scope};
use crate::text::{Fields, fields};
use crate::{Identity, ids};

/// How long a family lives at most, in seconds, where the client says nothing else: 30 days.
const LIFETIME: i64 = 2_592_000;

/// How long it lives unused: 15 days.
const IDLE: i64 = 1_296_000;

/// How a client's refresh tokens behave.
struct Manner {
    rotating: bool,
    /// How long the token before the one in force is still taken, for requests that were made twice.
    leeway_micros: i64,
    lifetime: Option<i64>,
    idle: Option<i64>,
}

impl Manner {
    fn of(proven: &Proven) -> Manner {
        let said = proven.client.known.fields.get("refresh_token").and_then(Value::as_object);
        let text = |name: &str| said.and_then(|said| said.get(name)?.as_str());
        let number = |name: &str| said.and_then(|said| said.get(name)?.as_i64());
        let flag = |name: &str| said.and_then(|said| said.get(name)?.as_bool()).unwrap_or(false);
        let expiring = text("expiration_type") != Some("non-expiring");
        let ends = |infinite: &str, name: &str, usual: i64| {
            (expiring && !flag(infinite)).then(|| number(name).unwrap_or(usual).max(1))
        };
        Manner {
            // A client that cannot prove who it is rotates whatever it says (RFC 9700, section 2.2.2).
            rotating: !proven.confidential || text("rotation_type") != Some("non-rotating"),
            leeway_micros: number("leeway").unwrap_or(0).clamp(0, 60) * MICROS,
            lifetime: ends("infinite_token_lifetime", "token_lifetime", LIFETIME),
            idle: ends("infinite_idle_token_lifetime", "idle_token_lifetime", IDLE),
        }
    }
}

/// From what a family begins.
pub(super) struct Beginning {
    /// The session in which it is made.
    pub(super) session: Option<String>,
    /// Does it end with that session?
    pub(super) online: bool,
    /// When the user showed who it is, in seconds since 1970 UTC.
    pub(super) auth_time: i64,
}

/// A refresh token that was shown, and its family.
struct Turn {
    family: RefreshToken,
    doc: Fields,
}

fn unknown() -> OAuthError {
    OAuthError::grant("Unknown or invalid refresh token.")
}

fn after(now: i64, seconds: Option<i64>) -> Option<i64> {
    seconds.map(|seconds| now.saturating_add(seconds.saturating_mul(MICROS)))
}

impl Identity {
    /// Begins a family; answers its first token.
    pub(super) async fn new_family(
        &self,
        proven: &Proven,
        user: &str,
        given: &Given,
        account: Option<&Account>,
        workspace: Option<&Workspace>,
    ) -> Result<String, OAuthError> {
        let beginning = Beginning { session: None, online: false, auth_time: self.now().div_euclid(MICROS) };
        let (family, token) = self.ready_family(proven, user, given, account, workspace, beginning)?;
        let mut batch = self.store.batch();
        batch.notes_only();
        batch.insert_refresh_token(&family);
        match self.store.commit(batch).await {
            Ok(_) => Ok(token),
            Err(BatchError::Dangling(_)) => Err(OAuthError::grant("The user or the client does not exist any more.")),
            Err(error) => Err(error.into()),
        }
    }

    /// A family that is to be kept, and its first token. Nothing is written.
    pub(super) fn ready_family(
        &self,
        proven: &Proven,
        user: &str,
        given: &Given,
        account: Option<&Account>,
        workspace: Option<&Workspace>,
        beginning: Beginning,
    ) -> Result<(RefreshToken, String), OAuthError> {
        let manner = Manner::of(proven);
        let token = self.random_token("v1.")?;
        let now = self.now();
        let scope = given.scope.join(" ");
        let resource_servers: Vec<Value> =
            given.audience.iter().map(|audience| json!({ "audience": audience, "scopes": scope })).collect();
        let doc = json!({
            "audience": given.audience,
            "scope": scope,
            "auth_time": beginning.auth_time,
            "resource_servers": resource_servers,
            "online": beginning.online,
        });
        let family = RefreshToken {
            id: ids::letters(self.entropy.as_ref(), "rt_", 24)?,
            user_id: user.to_owned(),
            client_id: proven.client.id().to_owned(),
            session_id: beginning.session,
            account_id: account.map(|account| account.id.clone()),
            workspace_id: workspace.map(|workspace| workspace.id.clone()),
            hash: hashed(&token),
            generation: 0,
            rotating: manner.rotating,
            doc: doc.to_string(),
            created_micros: now,
            used_micros: None,
            idle_micros: after(now, manner.idle),
            expires_micros: after(now, manner.lifetime),
        };
        Ok((family, token))
    }

    pub(super) async fn refresh(
        &self,
        request: &OAuthRequest,
        proven: &Proven,
        now: Stamp,
        trail: &mut Trail,
    ) -> Result<TokenAnswer, OAuthError> {
        let shown = request.params.need("refresh_token")?;
        let manner = Manner::of(proven);
        let mut answer = None;
        for _ in 0..TRIES {
            let turn = self.turn(shown, proven, &manner, request, trail).await?;
            let answer = match &mut answer {
                Some(answer) => answer,
                none => none.insert(self.refreshed(request, proven, now, &turn, trail).await?),
            };
            let used = self.now();
            let idle = after(used, manner.idle);
            let mut batch = self.store.batch();
            batch.notes_only();
            if manner.rotating || turn.family.rotating {
                let next = self.random_token("v1.")?;
                batch.rotate_refresh_token(&turn.family.id, &turn.family.hash, &hashed(&next), used, idle);
                answer.refresh_token = Some(next);
            } else {
                batch.use_refresh_token(&turn.family.id, &turn.family.hash, used, idle);
            }
            match self.store.commit(batch).await {
                Ok(_) => {
                    self.token_on_record("tokens.issue", request, trail).await?;
                    return Ok(answer.clone());
                }
                // Another request was faster with the same token: look again, it is spent by now.
                Err(BatchError::Untouched(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(unknown())
    }

    /// The family of the token shown. One that was rotated away ends the family, unless it was a moment ago.
    async fn turn(
        &self,
        shown: &str,
        proven: &Proven,
        manner: &Manner,
        request: &OAuthRequest,
        trail: &mut Trail,
    ) -> Result<Turn, OAuthError> {
        if shown.len() > 256 {
            return Err(unknown());
        }
        let hash = hashed(shown);
        let now = self.now();
        let family = match self.store.refresh_token_in_force(&hash).await? {
            Some(family) => family,
            None => {
                let (id, spent) = self.store.refresh_token_spent(&hash).await?.ok_or_else(unknown)?;
                let family = self.store.refresh_token(&id).await?.ok_or_else(unknown)?;
                // Another client's token tells it nothing, and ends nothing.
                if family.client_id != proven.client.id() {
                    return Err(unknown());
                }
                if manner.leeway_micros == 0 || now.saturating_sub(spent) > manner.leeway_micros {
                    self.end_family(&family, request, trail).await?;
                    return Err(unknown());
                }
                family
            }
        };
        // INVARIANT: a refresh token is good for the client that it was given to, and for no other.
        if family.client_id != proven.client.id() {
            return Err(unknown());
        }
        let ended = |end: Option<i64>| end.is_some_and(|end| now >= end);
        if ended(family.expires_micros) || ended(family.idle_micros) {
            return Err(unknown());
        }
        let doc = fields(&family.doc);
        if doc.get("online").and_then(Value::as_bool) == Some(true) {
            // INVARIANT: what was given without `offline_access` ends with the login.
            let session = match &family.session_id {
                Some(id) => self.store.session(id).await?,
                None => None,
            };
            if session.is_none_or(|session| session.expires_micros <= now) {
                return Err(unknown());
            }
        }
        Ok(Turn { family, doc })
    }

    async fn refreshed(
        &self,
        request: &OAuthRequest,
        proven: &Proven,
        now: Stamp,
        turn: &Turn,
        trail: &mut Trail,
    ) -> Result<TokenAnswer, OAuthError> {
        let params = &request.params;
        let family = &turn.family;
        trail.user = Some(family.user_id.clone());
        let text = |name: &str| turn.doc.get(name).and_then(Value::as_str);
        let audience = text("audience");
        if params.get("audience").is_some_and(|asked| Some(asked) != audience) {
            return Err(OAuthError::denied("The refresh token was given for another audience."));
        }
        let whole = scope::asked(text("scope"));
        let asked: Vec<String> = match params.get("scope") {
            None => whole.clone(),
            Some(asked) => scope::asked(Some(asked)).into_iter().filter(|one| whole.contains(one)).collect(),
        };
        if asked.is_empty() && params.get("scope").is_some() {
            return Err(OAuthError::new(OAuthKind::InvalidScope, "The scope was not granted before."));
        }
        let account = self.asked_account(family.account_id.as_deref(), now).await.map_err(|_| unknown())?;
        let named = |account: &Account, asked: &str| account.id == asked || account.name == asked;
        if let Some(asked) = params.get("organization")
            && !account.as_deref().is_some_and(|account| named(account, asked))
        {
            return Err(OAuthError::denied("The refresh token was given for another organization."));
        }
        let workspace = self.asked_workspace(account.as_deref(), family.workspace_id.as_deref()).await;
        let workspace = workspace.map_err(|_| unknown())?;
        if let Some(asked) = params.get("workspace")
            && !workspace.as_ref().is_some_and(|workspace| workspace.id == asked || workspace.name == asked)
        {
            return Err(OAuthError::denied("The refresh token was given for another workspace."));
        }
        let userinfo = [self.issuer.url(), "userinfo"].concat();
        let ask = Ask {
            proven,
            user: &family.user_id,
            // What no audience was asked for stays so, whatever the platform's default is by now.
            audience: Some(audience.unwrap_or(&userinfo)),
            within: Some(asked.clone()),
            before: whole,
            scope: asked,
            account,
            workspace,
            actors: Vec::new(),
            need_grant: false,
            at_most: None,
            gty: Some("refresh-token"),
            session: family.session_id.as_deref(),
            auth_time: turn.doc.get("auth_time").and_then(Value::as_i64),
            nonce: None,
            now,
        };
        Ok(self.for_user(ask, trail).await?.answer)
    }

    /// Somebody holds a copy of a token: nobody can tell who, so the family ends.
    async fn end_family(
        &self,
        family: &RefreshToken,
        request: &OAuthRequest,
        trail: &mut Trail,
    ) -> Result<(), OAuthError> {
        trail.user = Some(family.user_id.clone());
        trail.account.clone_from(&family.account_id);
        if let Some(id) = &family.account_id
            && let Some(account) = self.store.account(id).await?
        {
            trail.tenant = account.tenant_id;
        }
        let mut batch = self.store.batch();
        batch.notes_only();
        batch.delete_refresh_token(&family.id);
        self.store.commit(batch).await?;
        tracing::warn!(family = %family.id, user = %family.user_id, "a refresh token was used twice; its family has ended");
        self.token_on_record("tokens.reuse", request, trail).await
    }
}
