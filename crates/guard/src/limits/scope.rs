//! Which limits a call stands under.

use std::collections::BTreeMap;
use std::sync::Arc;

use tenantry_policy::Principal;
use tenantry_policy::limits::{AccountLimits, LimitLaw, Limits};

/// What a limit is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// A model, for all accounts together or for each.
    Model,
    /// A client.
    Client,
    /// A user.
    User,
    /// A workspace.
    Workspace,
    /// An account.
    Account,
}

impl Level {
    /// The word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Level::Model => "model",
            Level::Client => "client",
            Level::User => "user",
            Level::Workspace => "workspace",
            Level::Account => "account",
        }
    }
}

/// One limit on the way of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) level: Level,
    /// Its name among the counters, and in the ledger.
    pub(crate) key: Arc<str>,
    pub(crate) limits: Limits,
    /// May a caller be told how it stands?
    ///
    /// INVARIANT: never of what other accounts share, or its numbers would tell what they do.
    pub(crate) shown: bool,
}

/// An account, and its limits.
#[derive(Debug, Clone, Default)]
pub(crate) struct Link {
    pub(crate) tenant: Box<str>,
    pub(crate) limits: AccountLimits,
    /// Names of its workspaces by their ids: tokens carry either.
    pub(crate) workspaces: BTreeMap<Box<str>, Box<str>>,
}

/// An account, and those above it.
pub(crate) type Chain = [Link];

/// A name among the counters: parts never run into each other, whatever they hold.
pub(super) fn key(parts: &[&str]) -> Arc<str> {
    let mut key = String::with_capacity(parts.iter().map(|part| part.len() + 1).sum());
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            key.push('/');
        }
        for letter in part.chars() {
            match letter {
                '/' => key.push_str("%2F"),
                '%' => key.push_str("%25"),
                letter => key.push(letter),
            }
        }
    }
    key.into()
}

/// The limits that a call stands under, those of the narrowest place first.
pub(crate) fn scopes(law: &LimitLaw, chain: &Chain, principal: &Principal, model: Option<&str>) -> Vec<Scope> {
    let mut found = Vec::new();
    let mut add = |level: Level, parts: &[&str], limits: Limits, shown: bool| {
        if !limits.is_none() {
            found.push(Scope { level, key: key(parts), limits, shown });
        }
    };
    let own = chain.first();
    let tenant = principal.tenant_id.as_deref();
    // One workspace has one name here, however the token calls it.
    let workspace = principal.workspace_id.as_deref();
    let workspace = workspace.map(|id| own.and_then(|own| own.workspaces.get(id)).map_or(id, |name| &**name));
    let here = own.zip(workspace).and_then(|(own, name)| Some((name, own.limits.workspaces.get(name)?)));
    if let Some(user) = principal.user_id.as_deref() {
        let account = tenant.unwrap_or_default();
        if let Some((name, limits)) = here.and_then(|(name, workspace)| Some((name, workspace.users.get(user)?))) {
            add(Level::User, &["user", account, name, user], *limits, true);
        }
        let said = own.and_then(|own| own.limits.users.get(user)).copied().unwrap_or_default();
        let usual = own.map(|own| own.limits.each_user).unwrap_or_default();
        add(Level::User, &["user", account, "", user], said.or(usual).or(law.each_user), true);
    }
    if let Some(client) = principal.client_id.as_deref() {
        let said = law.clients.get(client).copied().unwrap_or_default();
        // A client of several accounts is shared by them.
        add(Level::Client, &["client", client], said, false);
        add(Level::Client, &["client", client, tenant.unwrap_or_default()], law.each_client, true);
    }
    if let (Some(own), Some((name, workspace))) = (own, here) {
        add(Level::Workspace, &["workspace", &own.tenant, name], workspace.own, true);
    }
    for (place, link) in chain.iter().enumerate() {
        // What an account above has left tells what others below it do.
        add(Level::Account, &["account", &link.tenant], link.limits.own.or(law.each_account), place == 0);
    }
    if let Some((name, limits)) = model.and_then(|model| Some((model, law.models.get(model)?))) {
        if let Some(tenant) = tenant {
            add(Level::Model, &["model", name, tenant], limits.each_account, true);
        }
        add(Level::Model, &["model", name], limits.own, false);
    }
    found
}

#[cfg(test)]
mod tests {
    use tenantry_policy::limits::{ModelLimits, Rate, WorkspaceLimits};

    use super::*;

    fn requests(text: &str) -> Limits {
        Limits { requests: Rate::parse(text), ..Limits::default() }
    }

    #[test]
    fn a_call_stands_under_every_level_and_inherits_what_is_not_said() {
        let workspace = WorkspaceLimits { own: requests("2/s"), users: [("ada".into(), requests("1/s"))].into() };
        let acme = AccountLimits {
            own: Limits::default(),
            parent: Some("group".into()),
            each_user: requests("9/s"),
            workspaces: [("prod".into(), workspace)].into(),
            ..AccountLimits::default()
        };
        let group = AccountLimits { own: requests("50/s"), ..AccountLimits::default() };
        let law = LimitLaw {
            each_account: requests("40/s"),
            each_client: requests("30/s"),
            models: [("small".into(), ModelLimits { own: requests("100/s"), each_account: requests("20/s") })].into(),
            ..LimitLaw::default()
        };
        let chain = [
            Link { tenant: "acme".into(), limits: acme, workspaces: [("ws_1".into(), "prod".into())].into() },
            Link { tenant: "group".into(), limits: group, ..Link::default() },
        ];
        let principal = Principal {
            tenant_id: Some("acme".into()),
            user_id: Some("ada".into()),
            workspace_id: Some("prod".into()),
            client_id: Some("app".into()),
            ..Principal::default()
        };
        let found = scopes(&law, &chain, &principal, Some("small"));
        let told: Vec<(&str, u64, bool)> =
            found.iter().map(|one| (&*one.key, one.limits.requests.unwrap().count, one.shown)).collect();
        assert_eq!(
            told,
            [
                ("user/acme/prod/ada", 1, true),
                ("user/acme//ada", 9, true),
                ("client/app/acme", 30, true),
                ("workspace/acme/prod", 2, true),
                ("account/acme", 40, true),
                ("account/group", 50, false),
                ("model/small/acme", 20, true),
                ("model/small", 100, false),
            ]
        );
        let by_id = Principal { workspace_id: Some("ws_1".into()), ..principal.clone() };
        assert_eq!(scopes(&law, &chain, &by_id, Some("small")), found);
        assert!(scopes(&LimitLaw::default(), &[], &principal, Some("small")).is_empty());
    }

    #[test]
    fn names_never_run_into_each_other() {
        assert_ne!(key(&["a/b", "c"]), key(&["a", "b/c"]));
        assert_ne!(key(&["a%2Fb"]), key(&["a/b"]));
    }
}
