//! Tokens for users, whichever grant asks for them.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use tenantry_policy::principal::Datum;
use tenantry_store::identity::accounts::Account;
use tenantry_store::identity::users::User;
use tenantry_store::identity::workspaces::Workspace;
use tenantry_store::requester::Json;

use crate::claims::Act;
use crate::clients::lookup::KnownApi;
use crate::oauth::authenticate::Proven;
use crate::oauth::compat::{Content, own_lifetime};
use crate::oauth::opaque::Opaque;
use crate::oauth::params::shown;
use crate::oauth::profile::About;
use crate::oauth::registry::{Stamp, setting_text};
use crate::oauth::{OAuthError, OAuthKind, TokenAnswer, Trail, account, scope};
use crate::text::{Fields, fields};
use crate::{Audience, Identity, Rights, Subject, tool_scopes};

/// What is asked for, for whom, by whom.
pub(crate) struct Ask<'a> {
    pub(crate) proven: &'a Proven,
    pub(crate) user: &'a str,
    /// `None`: the platform's default, or else an opaque token.
    pub(crate) audience: Option<&'a str>,
    pub(crate) scope: Vec<String>,
    /// Nothing outside these is given.
    pub(crate) within: Option<Vec<String>>,
    /// The scopes of the token that this one is made from: those of tools are never left behind.
    pub(crate) before: Vec<String>,
    pub(crate) account: Option<Arc<Account>>,
    pub(crate) workspace: Option<Workspace>,
    /// Who acts for the user, the latest first.
    pub(crate) actors: Vec<String>,
    /// Is a grant of the client on the API needed, whatever the API says?
    pub(crate) need_grant: bool,
    /// No longer than this, in seconds.
    pub(crate) at_most: Option<i64>,
    pub(crate) gty: Option<&'static str>,
    pub(crate) session: Option<&'a str>,
    pub(crate) auth_time: Option<i64>,
    /// What the client sent to find again in the ID token.
    pub(crate) nonce: Option<&'a str>,
    pub(crate) now: Stamp,
}

impl Ask<'_> {
    /// What is given of what is asked for. Refresh tokens only where both API and client have them.
    fn granted(&self, held: &[String], offline: bool, context: Option<Audience>) -> Result<Vec<String>, OAuthError> {
        let mut granted = scope::granted(&self.scope, held, true);
        if !offline || !self.proven.client.known.may_use(crate::oauth::REFRESH_TOKEN) {
            granted.retain(|one| one != "offline_access");
        }
        if let Some(within) = &self.within {
            granted.retain(|one| within.contains(one));
        }
        let tools = tool_scopes::left(&self.scope, &self.before, context);
        granted.extend(tools.ok_or_else(|| {
            OAuthError::new(OAuthKind::InvalidScope, "The token that this one is made from does not reach so far.")
        })?);
        Ok(granted)
    }
}

/// What was made.
pub(crate) struct Given {
    pub(crate) answer: TokenAnswer,
    /// What was granted, with the scopes of OpenID.
    pub(crate) scope: Vec<String>,
    /// The audience that it is for; `None` for an opaque token.
    pub(crate) audience: Option<String>,
    /// May a refresh token come with it?
    pub(crate) offline: bool,
}

/// What is held on an API, in the API's order; only what it still knows.
fn held_on(rights: &Rights, api: &KnownApi) -> Vec<String> {
    let held: HashSet<&str> = rights.on(&api.identifier).collect();
    api.permissions.iter().filter(|name| held.contains(name.as_str())).cloned().collect()
}

impl Identity {
    /// Makes the access token, and the ID token where `openid` is asked for.
    pub(crate) async fn for_user(&self, ask: Ask<'_>, trail: &mut Trail) -> Result<Given, OAuthError> {
        let settings = self.kept_settings(ask.now).await?;
        let default = setting_text(&settings, "default_audience");
        let audience = ask.audience.or(default).filter(|audience| !self.is_userinfo(audience));
        trail.user = Some(ask.user.to_owned());
        trail.audience = audience.map(shown);
        trail.delegate = ask.actors.first().cloned();
        if let Some(account) = &ask.account {
            trail.tenant.clone_from(&account.tenant_id);
            trail.account = Some(account.id.clone());
        }
        trail.workspace = ask.workspace.as_ref().map(|workspace| workspace.id.clone());
        let (user, held) = self.user_and_rights(&ask).await?;
        let context = audience.and_then(Audience::parse);
        if context.is_none() {
            account::check_usage(&ask.proven.client, ask.account.as_deref())?;
        }
        let (mut answer, granted) = match audience {
            None if ask.need_grant => {
                return Err(OAuthError::denied("A token for an API is exchanged, not for /userinfo."));
            }
            None => self.opaque_for_user(&ask, &settings, trail).await?,
            Some(audience) => {
                let api = self.asked_api(audience, ask.now).await?;
                if api.identifier == self.issuer.management_audience() {
                    return Err(OAuthError::denied("Users have no tokens for the Management API."));
                }
                let may = self.may_of(&ask, &api, &held, context.is_some()).await?;
                let granted = ask.granted(&may, api.flag("allow_offline_access"), context)?;
                let answer = match context {
                    Some(context) => self.own_context_for_user(context, &api, &ask, &user, &held, &granted, trail)?,
                    None => self.compat_for_user(&api, &ask, &held, &granted, &settings, trail)?,
                };
                (answer, granted)
            }
        };
        trail.scope = (!granted.is_empty()).then(|| granted.join(" "));
        let offline = granted.iter().any(|one| one == "offline_access");
        if granted.iter().any(|one| one == "openid") {
            let act = Act::of(ask.actors.iter().map(String::as_str));
            let about = About {
                org: ask.account.as_deref().map(|account| account::as_claims(account, &settings)),
                session: ask.session,
                auth_time: ask.auth_time,
                nonce: ask.nonce,
                act: act.as_ref(),
            };
            answer.id_token = Some(self.id_token(&ask.proven.client, &user, &granted, &about)?);
        }
        Ok(Given { answer, scope: granted, audience: audience.map(str::to_owned), offline })
    }

    fn is_userinfo(&self, audience: &str) -> bool {
        audience.strip_prefix(self.issuer.url()) == Some("userinfo")
    }

    /// The user and what it holds. Nobody who is blocked, removed, or no member there.
    async fn user_and_rights(&self, ask: &Ask<'_>) -> Result<(User, Rights), OAuthError> {
        let gone = || OAuthError::grant("The user does not exist or may not log in.");
        let user = self.store.user(ask.user).await?.filter(|user| !user.blocked).ok_or_else(gone)?;
        let workspace = ask.workspace.as_ref();
        let account = ask.account.as_ref().map(|account| account.id.as_str());
        let rights = self.rights(ask.user, account, workspace.map(|workspace| workspace.id.as_str())).await?;
        if !rights.enabled {
            return Err(match &ask.account {
                Some(account) => OAuthError::denied(format!(
                    "user {} is not part of the {} organization",
                    shown(ask.user),
                    account.id
                )),
                None => gone(),
            });
        }
        if let Some(workspace) = workspace
            && self.store.workspace_membership(&workspace.id, ask.user).await?.is_none()
        {
            return Err(OAuthError::denied(format!(
                "user {} is not part of the {} workspace",
                shown(ask.user),
                workspace.id
            )));
        }
        Ok((user, rights))
    }

    /// What the user may ask for of an API through this client.
    async fn may_of(
        &self,
        ask: &Ask<'_>,
        api: &KnownApi,
        held: &Rights,
        own_context: bool,
    ) -> Result<Vec<String>, OAuthError> {
        let policy = api.subject_policy("user");
        let mut may =
            if own_context || api.flag("enforce_policies") { held_on(held, api) } else { api.permissions.clone() };
        if policy == "deny_all" {
            return Err(OAuthError::denied(format!("Users have no tokens for {}.", api.identifier)));
        }
        if ask.need_grant || policy == "require_client_grant" {
            let client = ask.proven.client.id();
            let mut grant = self.kept_grant(client, api, "user", ask.now).await?;
            if grant.is_none() && ask.need_grant {
                grant = self.kept_grant(client, api, "client", ask.now).await?;
                // INVARIANT: what a client was granted for some accounts does not let it act for users in others.
                if let (Some(grant), Some(account)) = (&grant, &ask.account)
                    && grant.organization_usage != "deny"
                    && !self.kept_reach(grant, &account.id, ask.now).await?
                {
                    let why = format!("Client is not authorized to access organization {}.", account.id);
                    return Err(OAuthError::denied(why));
                }
            }
            let grant = grant.ok_or_else(|| {
                OAuthError::denied(format!("Client is not authorized to access \"{}\" for users.", api.identifier))
            })?;
            if let Some(account) = &ask.account
                && ask.need_grant
                && grant.organization_usage == "deny"
                && !own_context
            {
                let why = format!("Client is not authorized to access organization {}.", account.id);
                return Err(OAuthError::denied(why));
            }
            may.retain(|permission| grant.scope.contains(permission));
        }
        Ok(may)
    }

    fn compat_for_user(
        &self,
        api: &KnownApi,
        ask: &Ask<'_>,
        held: &Rights,
        granted: &[String],
        settings: &Fields,
        trail: &mut Trail,
    ) -> Result<TokenAnswer, OAuthError> {
        let mut permissions = held_on(held, api);
        // INVARIANT: a third party gets what the user saw and agreed to, and nothing else that the user holds.
        if !ask.proven.client.known.is_first_party {
            permissions.retain(|permission| granted.contains(permission));
        }
        let content = Content {
            user: Some(ask.user),
            client: ask.proven.client.id(),
            scope: granted.to_vec(),
            permissions,
            org: ask.account.as_deref().map(|account| account::as_claims(account, settings)),
            gty: ask.gty,
            openid: granted.iter().any(|one| one == "openid"),
            act: Act::of(ask.actors.iter().map(String::as_str)),
            at_most: ask.at_most,
            epoch: ask.now.number,
        };
        let minted = self.mint(api, content)?;
        trail.jti = Some(minted.jti);
        Ok(TokenAnswer::bearer(minted.token, minted.lifetime, granted))
    }

    #[allow(clippy::too_many_arguments, reason = "one call, made above")]
    fn own_context_for_user(
        &self,
        context: Audience,
        api: &KnownApi,
        ask: &Ask<'_>,
        user: &User,
        held: &Rights,
        granted: &[String],
        trail: &mut Trail,
    ) -> Result<TokenAnswer, OAuthError> {
        let subject = own_subject(context, user, held, ask.account.as_deref(), ask.workspace.as_ref())?;
        let mut actors = ask.actors.iter().cloned();
        let permissions: Vec<String> = match &ask.actors[..] {
            [] => held_on(held, api),
            // Who acts for a user may no more than it was granted.
            _ => granted.iter().filter(|one| api.permissions.contains(one)).cloned().collect(),
        };
        let subject = Subject {
            client: Some(ask.proven.client.id().to_owned()),
            permissions,
            scope: (!granted.is_empty()).then(|| granted.join(" ")),
            delegate: actors.next(),
            earlier: actors.collect(),
            ..subject
        };
        let mut seconds = api.lifetime(false);
        if let Some(most) = ask.at_most {
            seconds = seconds.min(most);
        }
        let lifetime = own_lifetime(seconds);
        let made = self.issuer.made(lifetime, ask.now.number)?;
        trail.jti = Some(made.jti.clone());
        let token = self.issuer.issue_made(&subject, context, made).map_err(|error| match error {
            crate::IssueError::Subject { why } => OAuthError::new(OAuthKind::InvalidRequest, why),
            error => error.into(),
        })?;
        Ok(TokenAnswer::bearer(token, i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX), granted))
    }

    /// An opaque token, where no API is asked for: good for `/userinfo`.
    async fn opaque_for_user(
        &self,
        ask: &Ask<'_>,
        settings: &Fields,
        trail: &mut Trail,
    ) -> Result<(TokenAnswer, Vec<String>), OAuthError> {
        let granted = ask.granted(&[], true, None)?;
        let opaque = Opaque {
            scope: granted.join(" "),
            org: ask.account.as_deref().map(|account| account::as_claims(account, settings).0.to_owned()),
            actors: ask.actors.clone(),
            epoch: ask.now.number,
        };
        let (token, lifetime) = self.new_opaque(ask.user, ask.proven.client.id(), &opaque, ask.at_most).await?;
        trail.jti = None;
        Ok((TokenAnswer::bearer(token, lifetime, &granted), granted))
    }
}

/// Whom a user's token in one of our own contexts is for: who it is, where, and what it holds there.
///
/// # Errors
/// Where the context needs an account, or has none; where nothing of the platform is held.
pub(crate) fn own_subject(
    context: Audience,
    user: &User,
    held: &Rights,
    account: Option<&Account>,
    workspace: Option<&Workspace>,
) -> Result<Subject, OAuthError> {
    match (context, account) {
        (Audience::Portal, Some(_)) => {
            return Err(OAuthError::invalid("parameter organization is not allowed for this audience"));
        }
        // INVARIANT: only who holds a role of the platform enters what reaches across accounts.
        (Audience::Portal, None) if !held.roles.iter().any(|role| role.level == "platform") => {
            return Err(OAuthError::denied("The user holds no role of the platform."));
        }
        (Audience::App | Audience::Dashboard, None) => {
            return Err(OAuthError::invalid("parameter organization is required for this audience"));
        }
        _ => {}
    }
    Ok(Subject {
        platform: account.is_none(),
        account: account.map(|account| account.tenant_id.clone()),
        org: account.map(|account| account.id.clone()),
        org_name: account.map(|account| account.name.clone()),
        workspace: workspace.map(|workspace| workspace.id.clone()),
        user: Some(user.id.clone()),
        // INVARIANT: rules and tools know roles by name, and the file may come to know any name. What an account
        // calls a role of its own is therefore never among them; it counts by what it permits.
        roles: held.roles.iter().filter(|role| !role.own).map(|role| role.name.clone()).collect(),
        role_ids: held.roles.iter().map(|role| role.id.clone()).collect(),
        metadata: metadata(user)?,
        ..Subject::default()
    })
}

/// What only the operator can write of a user.
fn metadata(user: &User) -> Result<BTreeMap<String, Datum>, OAuthError> {
    let doc = fields(&user.doc);
    let Some(metadata) = doc.get("app_metadata").filter(|metadata| metadata.is_object()) else {
        return Ok(BTreeMap::new());
    };
    match serde_json::from_value::<Json>(metadata.clone()) {
        Ok(Json(Datum::Map(metadata))) => Ok(metadata),
        _ => Err(OAuthError::new(OAuthKind::Internal, "The user's app_metadata cannot stand in a token.")),
    }
}
