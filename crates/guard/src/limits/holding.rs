//! The limits that hold in an account, and what is left of them: for those who look after it. Of what other accounts
//! share (a model, a client of several, an account above) nothing is told.

use std::collections::BTreeMap;
use std::sync::Arc;

use tenantry_policy::limits::{Budget, Limits, Rate};
use tenantry_store::StoreError;

use super::limiter::Limiter;
use super::money::ledger_name;
use super::scope::{Level, key};
use super::share::Kind;

/// The limits at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// What they are on.
    pub level: Level,
    /// Its name: the workspace's, the model's, the user's id. `None` is the account itself, or each user.
    pub name: Option<Box<str>>,
    /// In this workspace alone.
    pub workspace: Option<Box<str>>,
    /// On each user who has none of their own: then nothing is said of what is left.
    pub each: bool,
    /// What they say.
    pub limits: Limits,
    /// How many calls are left.
    pub requests: Option<u64>,
    /// How many tokens are left; never below nothing.
    pub tokens: Option<u64>,
    /// How many calls run at present, on this server.
    pub running: u32,
    /// Of the budget.
    pub money: Option<MoneyLeft>,
}

/// A budget in its period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoneyLeft {
    /// What was spent, micro-units.
    pub spent: u64,
    /// What is set aside for calls under way.
    pub held: u64,
    /// When the period ends, microseconds since 1970 UTC.
    pub resets_micros: i64,
}

/// A place, and its name among the counters.
struct Place {
    holding: Holding,
    key: Option<Arc<str>>,
}

impl Limiter {
    /// The limits that hold in an account (by tenant id), or in one of its workspaces (by id or name), the widest
    /// place first.
    ///
    /// # Errors
    /// The store's.
    pub async fn holdings(&self, tenant: &str, workspace: Option<&str>) -> Result<Vec<Holding>, StoreError> {
        let law = self.law();
        let chain = self.chain(&law, Some(tenant)).await?;
        let Some(own) = chain.first() else { return Ok(Vec::new()) };
        let workspace = workspace.map(|id| own.workspaces.get(id).map_or(id, |name| &**name));
        let mut places = Vec::new();
        let mut put = |level: Level, name: Option<&str>, within: Option<&str>, limits: Limits, parts: &[&str]| {
            if limits.is_none() {
                return;
            }
            let holding = Holding {
                level,
                name: name.map(Into::into),
                workspace: within.map(Into::into),
                each: parts.is_empty(),
                limits,
                requests: None,
                tokens: None,
                running: 0,
                money: None,
            };
            places.push(Place { holding, key: (!parts.is_empty()).then(|| key(parts)) });
        };
        put(Level::Account, None, None, own.limits.own.or(law.each_account), &["account", tenant]);
        put(Level::User, None, None, own.limits.each_user.or(law.each_user), &[]);
        for (name, model) in &law.models {
            put(Level::Model, Some(name), None, model.each_account, &["model", name, tenant]);
        }
        // Who looks after one workspace is told of nobody else's people.
        for (user, said) in own.limits.users.iter().filter(|_| workspace.is_none()) {
            let limits = said.or(own.limits.each_user).or(law.each_user);
            put(Level::User, Some(user), None, limits, &["user", tenant, "", user]);
        }
        for (name, found) in
            own.limits.workspaces.iter().filter(|(name, _)| workspace.is_none_or(|own| own == &***name))
        {
            put(Level::Workspace, Some(name), Some(name), found.own, &["workspace", tenant, name]);
            for (user, said) in &found.users {
                put(Level::User, Some(user), Some(name), *said, &["user", tenant, name, user]);
            }
        }
        self.fill(places).await
    }

    /// What is left, with at most one question to the store for rates and one for budgets.
    async fn fill(&self, places: Vec<Place>) -> Result<Vec<Holding>, StoreError> {
        let now = self.ledger_now();
        let (mut names, mut budgets) = (Vec::new(), Vec::new());
        for Place { holding, key } in &places {
            let Some(key) = key else { continue };
            let rates = [(Kind::Requests, holding.limits.requests), (Kind::Tokens, holding.limits.tokens)];
            names.extend(rates.iter().filter(|(_, rate)| rate.is_some()).map(|(kind, _)| kind.name(key)));
            budgets
                .extend(holding.limits.budget.map(|budget| (ledger_name(key, &budget), budget.period.around(now).0)));
        }
        let store = self.store();
        let ahead: Option<BTreeMap<String, i64>> = match store.filter(|store| store.is_shared()) {
            Some(store) => Some(store.shares_ahead(names).await?.into_iter().collect()),
            None => None,
        };
        let balances: BTreeMap<(String, i64), _> = match store.filter(|_| !budgets.is_empty()) {
            Some(store) => store.balances(&budgets).await?.into_iter().collect(),
            None => BTreeMap::new(),
        };
        let mut filled = Vec::with_capacity(places.len());
        for Place { mut holding, key } in places {
            if let Some(key) = key {
                let left = |kind: Kind, rate: Option<Rate>| {
                    let rate = rate?;
                    let ahead = ahead.as_ref().map(|ahead| ahead.get(&kind.name(&key)).copied().unwrap_or_default());
                    Some(self.left(&key, kind, &rate, ahead))
                };
                holding.requests = left(Kind::Requests, holding.limits.requests);
                holding.tokens = left(Kind::Tokens, holding.limits.tokens);
                holding.running = self.running(&key);
                holding.money = holding.limits.budget.map(|budget: Budget| {
                    let (start, resets_micros) = budget.period.around(now);
                    let balance = balances.get(&(ledger_name(&key, &budget), start)).copied().unwrap_or_default();
                    let whole = |micros: i64| u64::try_from(micros).unwrap_or_default();
                    MoneyLeft { spent: whole(balance.spent_micros), held: whole(balance.held_micros), resets_micros }
                });
            }
            filled.push(holding);
        }
        Ok(filled)
    }
}
