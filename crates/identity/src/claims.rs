//! What a token says, and the principal that it makes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tenantry_policy::Principal;
use tenantry_policy::principal::Datum;
use tenantry_store::requester::Json;

use crate::{Audience, IssueError};

/// The end of a `sub` that names a client acting for itself.
const MACHINE: &str = "@clients";

/// The longest name in a token, in bytes.
const MAX_NAME: usize = 1024;

/// Whom a token is for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Subject {
    /// The account; absent for platform principals and only for them.
    pub account: Option<String>,
    /// The workspace inside the account.
    pub workspace: Option<String>,
    /// The user; absent for a client that acts for itself.
    pub user: Option<String>,
    /// The client application (`azp`).
    pub client: Option<String>,
    /// Names of the roles held.
    pub roles: Vec<String>,
    /// Attributes that the operator controls. Never ones that the user can edit.
    pub metadata: BTreeMap<String, Datum>,
    /// Who acts on behalf of the user (RFC 8693, section 4.1).
    pub delegate: Option<String>,
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
    azp: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    workspace_id: Option<String>,
    roles: Vec<String>,
    pub(crate) context: String,
    metadata: Json,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    platform: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    act: Option<Act>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Act {
    sub: String,
}

impl Claims {
    /// The claims of a subject; times in seconds since 1970 UTC.
    pub(crate) fn of(
        subject: &Subject,
        issuer: &str,
        audience: Audience,
        jti: String,
        iat: i64,
        exp: i64,
    ) -> Result<Claims, IssueError> {
        let wrong = |why| Err(IssueError::Subject { why });
        if subject.platform == subject.account.is_some() {
            return wrong("it needs an account, unless it is a platform principal, which has none");
        }
        if subject.platform && subject.workspace.is_some() {
            return wrong("a platform principal has no workspace");
        }
        let sub = match (&subject.user, &subject.client) {
            (Some(user), _) if user.ends_with(MACHINE) => return wrong("a user's name cannot end with `@clients`"),
            (Some(user), _) => user.clone(),
            (None, Some(client)) => [client, MACHINE].concat(),
            (None, None) => return wrong("it needs a user or a client"),
        };
        if subject.user.is_none() && subject.delegate.is_some() {
            return wrong("nobody acts on behalf of a client");
        }
        let claims = Claims {
            iss: issuer.to_owned(),
            sub,
            aud: audience.name().to_owned(),
            iat,
            exp,
            nbf: None,
            jti,
            azp: subject.client.clone(),
            account_id: subject.account.clone(),
            workspace_id: subject.workspace.clone(),
            roles: subject.roles.clone(),
            context: audience.name().to_owned(),
            metadata: Json(Datum::Map(subject.metadata.clone())),
            platform: subject.platform,
            act: subject.delegate.clone().map(|sub| Act { sub }),
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
        let user_id = match self.sub.strip_suffix(MACHINE) {
            None => Some(self.sub),
            // INVARIANT: only a client's own token has no user, and it names that client twice.
            Some(client) if self.azp.as_deref() == Some(client) && self.act.is_none() => None,
            Some(_) => return None,
        };
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

    fn names_fit(&self) -> bool {
        let optional = [&self.azp, &self.account_id, &self.workspace_id].into_iter().flatten();
        let delegate = self.act.as_ref().map(|act| &act.sub);
        [&self.sub, &self.jti]
            .into_iter()
            .chain(optional)
            .chain(delegate)
            .chain(&self.roles)
            .all(|name| !name.is_empty() && name.len() <= MAX_NAME && !name.chars().any(char::is_control))
    }
}
