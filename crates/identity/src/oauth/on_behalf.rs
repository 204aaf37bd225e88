//! Tokens that the operator of the machine makes for others: whoever has the keys could sign them anyway,
//! so they are made here, with what their subject really holds, and put on record.

use std::time::Duration;

use serde_json::json;
use zeroize::Zeroizing;

use crate::act::Act;
use crate::oauth::compat::Content;
use crate::oauth::user::own_subject;
use crate::oauth::{CLIENT_CREDENTIALS, OAuthError, OAuthRequest, Params, TokenAnswer};
use crate::{Audience, Caller, Identity, Kind, Reach, Refusal};

/// The client that tokens name which the operator made.
const OPERATOR: &str = "operator";

/// For whom, where, and for how long.
#[derive(Debug, Clone)]
pub struct OnBehalf<'a> {
    /// The user's id.
    pub user: &'a str,
    /// The account's id.
    pub account: Option<&'a str>,
    /// The workspace's id.
    pub workspace: Option<&'a str>,
    /// The context that it is for.
    pub context: Audience,
    /// 1 s to 24 h.
    pub lifetime: Duration,
}

/// For whom, where, for which API, and for how long.
#[derive(Debug, Clone)]
pub struct ForApi<'a> {
    /// The user's id.
    pub user: &'a str,
    /// The account's id.
    pub account: Option<&'a str>,
    /// The API's identifier.
    pub audience: &'a str,
    /// 1 s to 24 h.
    pub lifetime: Duration,
}

impl Identity {
    /// A user's token for an API, with the permissions that it holds there now; in the API's own dialect.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] for anybody but the operator; [`Refusal::Missing`]; [`Refusal::Invalid`] for a
    /// user who is blocked or no member there, and with the token endpoint's words.
    pub async fn api_token_on_behalf(&self, caller: &Caller, ask: ForApi<'_>) -> Result<TokenAnswer, Refusal> {
        only_operator(caller)?;
        self.store.look_for_changes().await?;
        let now = self.stamp();
        let api = self.kept_api(ask.audience, now).await?.ok_or(Refusal::Missing(Kind::Api))?;
        // Our own contexts have tokens of their own, and users none for the Management API.
        if Audience::parse(&api.identifier).is_some() || api.identifier == self.issuer.management_audience() {
            return Err(Refusal::Missing(Kind::Api));
        }
        let account = match ask.account {
            Some(id) => Some(self.store.account(id).await?.ok_or(Refusal::Missing(Kind::Account))?),
            None => None,
        };
        let held = self.rights(ask.user, ask.account, None).await?;
        if !held.enabled {
            return Err(Refusal::invalid("the user is blocked, or no member of the account"));
        }
        let permissions: Vec<String> = held.on(&api.identifier).map(str::to_owned).collect();
        let content = Content {
            user: Some(ask.user),
            client: OPERATOR,
            scope: permissions.clone(),
            permissions,
            org: account.as_ref().map(|account| (account.id.as_str(), None)),
            at_most: i64::try_from(ask.lifetime.as_secs()).ok(),
            epoch: now.number,
            ..Content::default()
        };
        let inputs = json!({ "user": ask.user, "audience": ask.audience });
        let tenant = account.as_ref().map_or("", |account| account.tenant_id.as_str());
        let act = Act { name: "tokens.issue", tenant, workspace: None, inputs };
        self.act(caller, act, async {
            let minted = self.mint(&api, content).map_err(told)?;
            Ok(TokenAnswer::bearer(minted.token, minted.lifetime, &[]))
        })
        .await
    }

    /// A user's token, with the roles and permissions that it holds there now.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] for anybody but the operator; [`Refusal::Missing`]; [`Refusal::Invalid`] for a
    /// user who is blocked or no member there, and where the context does not fit.
    pub async fn token_on_behalf(&self, caller: &Caller, ask: OnBehalf<'_>) -> Result<String, Refusal> {
        only_operator(caller)?;
        self.store.look_for_changes().await?;
        let now = self.stamp();
        let user = self.store.user(ask.user).await?.ok_or(Refusal::Missing(Kind::User))?;
        let account = match ask.account {
            Some(id) => Some(self.store.account(id).await?.ok_or(Refusal::Missing(Kind::Account))?),
            None => None,
        };
        let workspace = match (&account, ask.workspace) {
            (Some(account), Some(id)) => {
                let found = self.store.workspace(id).await?.filter(|found| found.account_id == account.id);
                let found = found.ok_or(Refusal::Missing(Kind::Workspace))?;
                if self.store.workspace_membership(&found.id, ask.user).await?.is_none() {
                    return Err(Refusal::invalid("the user is no member of the workspace"));
                }
                Some(found)
            }
            _ => None,
        };
        let held = self.rights(ask.user, ask.account, ask.workspace).await?;
        if user.blocked || !held.enabled {
            return Err(Refusal::invalid("the user is blocked, or no member of the account"));
        }
        let mut subject = own_subject(ask.context, &user, &held, account.as_ref(), workspace.as_ref()).map_err(told)?;
        subject.permissions = held.on(ask.context.name()).map(str::to_owned).collect();
        let made = self.issuer.made(ask.lifetime, now.number).map_err(|error| Refusal::invalid(error.to_string()))?;
        let inputs = json!({ "user": ask.user, "context": ask.context.name(), "jti": made.jti });
        let tenant = account.as_ref().map_or("", |account| account.tenant_id.as_str());
        let act = Act { name: "tokens.issue", tenant, workspace: ask.workspace, inputs };
        self.act(caller, act, async {
            let issued = self.issuer.issue_made(&subject, ask.context, made);
            issued.map_err(|error| Refusal::invalid(error.to_string()))
        })
        .await
    }

    /// A client's token for an API, by its own secret and grants.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] for anybody but the operator; [`Refusal::Missing`];
    /// [`Refusal::Unsupported`] for a client that has no secret; [`Refusal::Invalid`] with the token
    /// endpoint's words.
    pub async fn token_of_client(
        &self,
        caller: &Caller,
        client: &str,
        audience: &str,
        account: Option<&str>,
    ) -> Result<TokenAnswer, Refusal> {
        only_operator(caller)?;
        let known = self.known_client(client).await?.ok_or(Refusal::Missing(Kind::Client))?;
        let secret = self.client_secret(&known)?.and_then(|secret| String::from_utf8(secret).ok());
        let secret = secret.ok_or(Refusal::Unsupported("the client has no secret; it asks for tokens itself"))?;
        let mut params = Params::new();
        let given = [("grant_type", Some(CLIENT_CREDENTIALS)), ("audience", Some(audience)), ("organization", account)];
        for (name, value) in given {
            if let Some(value) = value {
                params.add(name, value.to_owned()).map_err(told)?;
            }
        }
        let request = OAuthRequest {
            params,
            basic: Some((known.id, Zeroizing::new(secret))),
            request_id: caller.request_id.clone(),
            ..OAuthRequest::default()
        };
        self.token(&request).await.map_err(told)
    }
}

fn only_operator(caller: &Caller) -> Result<(), Refusal> {
    if caller.reach == Reach::Operator { Ok(()) } else { Err(Refusal::Forbidden { any_of: &[] }) }
}

fn told(error: OAuthError) -> Refusal {
    Refusal::invalid(error.description)
}
