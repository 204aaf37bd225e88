//! Who calls a model, and what it may.

use std::sync::Arc;

use tenantry_policy::Principal;

use super::catalog::Model;

/// What a caller may on an API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The API's identifier: an audience of the token.
    pub api: Box<str>,
    /// The permissions held on it.
    pub permissions: Vec<Box<str>>,
}

/// A verified caller. Made by the server from a token or an API key whose truth was checked.
///
/// INVARIANT: nothing here comes from a path, a body, or a header other than the credential.
pub struct Caller {
    /// Who asks.
    pub principal: Arc<Principal>,
    /// What it may, by API.
    pub grants: Vec<Grant>,
    /// The only models that it may call, for a key that is limited to some.
    pub models: Option<Vec<Box<str>>>,
    /// The API key's id, when one was shown.
    pub key: Option<Box<str>>,
    /// Does the credential still hold? Asked again while an answer streams.
    pub holds: Box<dyn Fn() -> bool + Send + Sync>,
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller")
            .field("principal", &self.principal)
            .field("grants", &self.grants)
            .finish_non_exhaustive()
    }
}

impl Caller {
    /// May it call this model?
    #[must_use]
    pub fn may(&self, model: &Model) -> bool {
        let listed = self.models.as_ref().is_none_or(|models| models.iter().any(|name| **name == *model.name));
        listed && self.grants.iter().any(|grant| grant.api == model.api && grant.permissions.contains(&model.requires))
    }

    /// The account whose rows, budgets and caches these are; empty for callers of the platform itself.
    #[must_use]
    pub fn account(&self) -> &str {
        self.principal.tenant_id.as_deref().unwrap_or_default()
    }

    /// What caches and stateful ids are kept apart by: the account, or, where there is none, the subject.
    #[must_use]
    pub fn partition(&self) -> String {
        match (&self.principal.tenant_id, &self.principal.user_id, &self.principal.client_id) {
            (Some(account), ..) => ["account/", account].concat(),
            (None, Some(user), _) => ["user/", user].concat(),
            (None, None, client) => ["client/", client.as_deref().unwrap_or_default()].concat(),
        }
    }
}
