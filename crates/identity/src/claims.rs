//! What a token for one of our own contexts says, and the principal that it makes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tenantry_policy::Principal;
use tenantry_policy::principal::Datum;
use tenantry_store::requester::Json;

use crate::{Audience, IssueError};

/// The end of a `sub` that names a client acting for itself.
pub(crate) const MACHINE: &str = "@clients";

/// The longest name in a token, in bytes.
const MAX_NAME: usize = 1024;

/// How many actors may stand behind one another.
pub(crate) const MAX_ACTORS: usize = 4;

/// Whom a token is for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Subject {
    /// The account, as its rows carry it (its tenant id); absent for platform principals and only for them.
    pub account: Option<String>,
    /// The account's id, where the account is one of the store's.
    pub org: Option<String>,
    /// The account's name.
    pub org_name: Option<String>,
    /// The workspace inside the account.
    pub workspace: Option<String>,
    /// The user; absent for a client that acts for itself.
    pub user: Option<String>,
    /// The client application (`azp`).
    pub client: Option<String>,
    /// Names of the roles held.
    pub roles: Vec<String>,
    /// The same roles' ids: a token is refused when one of them was changed.
    pub role_ids: Vec<String>,
    /// What the roles permit in the context.
    pub permissions: Vec<String>,
    /// What was asked for and granted.
    pub scope: Option<String>,
    /// Attributes that the operator controls. Never ones that the user can edit.
    pub metadata: BTreeMap<String, Datum>,
    /// Who acts on behalf of the user (RFC 8693, section 4.1).
    pub delegate: Option<String>,
    /// Who acted before, the latest first: the delegate of the token that was exchanged, and so on.
    pub earlier: Vec<String>,
    /// A platform principal: no account of its own.
    pub platform: bool,
}

/// The claims. Strict on both ways: an unknown claim, a double one, or one of another type refuses
/// the token.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    pub(crate) sub: String,
    pub(crate) aud: String,
    pub(crate) iat: i64,
    pub(crate) exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) nbf: Option<i64>,
    pub(crate) jti: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) azp: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scope: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) permissions: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) org_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) org_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    workspace_id: Option<String>,
    roles: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) role_ids: Vec<String>,
    pub(crate) context: String,
    /// The user or the client, without the mark of a client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    principal_id: Option<String>,
    /// The number of the last change of rights that the maker knew. Without it, any change counts.
    #[serde(default)]
    pub(crate) epoch: i64,
    metadata: Json,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    platform: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) act: Option<Act>,
}

/// Who acts (RFC 8693, section 4.1); inside it who acted before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Act {
    pub(crate) sub: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) act: Option<Box<Act>>,
}

impl Act {
    /// Actors, the latest first.
    pub(crate) fn of<'a>(actors: impl DoubleEndedIterator<Item = &'a str>) -> Option<Act> {
        actors.rev().fold(None, |inner: Option<Act>, sub| Some(Act { sub: sub.to_owned(), act: inner.map(Box::new) }))
    }

    /// The actors, the latest first.
    pub(crate) fn actors(&self) -> Vec<&str> {
        let mut actors = vec![self.sub.as_str()];
        let mut here = self;
        while let Some(inner) = &here.act {
            actors.push(&inner.sub);
            here = inner;
        }
        actors
    }
}

/// When and under which number a token is made.
pub(crate) struct Made {
    pub(crate) jti: String,
    pub(crate) iat: i64,
    pub(crate) exp: i64,
    pub(crate) epoch: i64,
}

impl Claims {
    /// The claims of a subject; times in seconds since 1970 UTC.
    pub(crate) fn of(subject: &Subject, issuer: &str, audience: Audience, made: Made) -> Result<Claims, IssueError> {
        let wrong = |why| Err(IssueError::Subject { why });
        if subject.platform == subject.account.is_some() {
            return wrong("it needs an account, unless it is a platform principal, which has none");
        }
        if subject.platform && subject.workspace.is_some() {
            return wrong("a platform principal has no workspace");
        }
        let (sub, principal) = match (&subject.user, &subject.client) {
            (Some(user), _) if user.ends_with(MACHINE) => return wrong("a user's name cannot end with `@clients`"),
            (Some(user), _) => (user.clone(), user.clone()),
            (None, Some(client)) => ([client, MACHINE].concat(), client.clone()),
            (None, None) => return wrong("it needs a user or a client"),
        };
        if subject.user.is_none() && subject.delegate.is_some() {
            return wrong("nobody acts on behalf of a client");
        }
        let actors = subject.delegate.iter().chain(&subject.earlier).map(String::as_str);
        let claims = Claims {
            iss: issuer.to_owned(),
            sub,
            aud: audience.name().to_owned(),
            iat: made.iat,
            exp: made.exp,
            nbf: None,
            jti: made.jti,
            azp: subject.client.clone(),
            scope: subject.scope.clone(),
            permissions: subject.permissions.clone(),
            account_id: subject.account.clone(),
            org_id: subject.org.clone(),
            org_name: subject.org_name.clone(),
            workspace_id: subject.workspace.clone(),
            roles: subject.roles.clone(),
            role_ids: subject.role_ids.clone(),
            context: audience.name().to_owned(),
            principal_id: Some(principal),
            epoch: made.epoch,
            metadata: Json(Datum::Map(subject.metadata.clone())),
            platform: subject.platform,
            act: Act::of(actors),
        };
        if !claims.names_fit() {
            return wrong("a name is empty, longer than 1024 bytes, or holds a control character");
        }
        Ok(claims)
    }

    /// The principal, or `None` when the claims contradict one another.
    pub(crate) fn principal(self) -> Option<Principal> {
        if self.platform == self.account_id.is_some() || (self.platform && self.workspace_id.is_some()) {
            return None;
        }
        if !self.names_fit() {
            return None;
        }
        let Json(Datum::Map(metadata)) = self.metadata else { return None };
        let (user_id, named) = match self.sub.strip_suffix(MACHINE) {
            None => (Some(self.sub.clone()), self.sub.as_str()),
            // INVARIANT: only a client's own token has no user, and it names that client twice.
            Some(client) if self.azp.as_deref() == Some(client) && self.act.is_none() => (None, client),
            Some(_) => return None,
        };
        if self.principal_id.as_deref().is_some_and(|principal| principal != named) {
            return None;
        }
        Some(Principal {
            tenant_id: self.account_id,
            user_id,
            workspace_id: self.workspace_id,
            roles: self.roles,
            metadata,
            client_id: self.azp,
            delegate: self.act.map(|act| act.sub),
        })
    }

    pub(crate) fn workspace(&self) -> Option<&str> {
        self.workspace_id.as_deref()
    }

    fn names_fit(&self) -> bool {
        let optional = [&self.azp, &self.account_id, &self.workspace_id, &self.org_id, &self.org_name];
        let actors = self.act.as_ref().map(Act::actors).unwrap_or_default();
        actors.len() <= MAX_ACTORS
            && [&self.sub, &self.jti]
                .into_iter()
                .chain(optional.into_iter().flatten())
                .chain(self.roles.iter().chain(&self.role_ids).chain(&self.permissions))
                .map(String::as_str)
                .chain(actors)
                .all(|name| !name.is_empty() && name.len() <= MAX_NAME && !name.chars().any(char::is_control))
    }
}
