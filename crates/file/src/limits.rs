//! Limits: inherited and only narrowed below, and as the law has them.

use tenantry_policy::limits::{AccountLimits, LimitLaw, Limits, ModelLimits, WorkspaceLimits};

use crate::code::FileCode;
use crate::diagnostic::Findings;
use crate::model::{Account, Document};
use crate::tree::Node;
use crate::words::{Millis, brief};

/// Checks that no place widens what the place above it says.
pub(crate) fn check(document: &Document, root: &Node, findings: &mut Findings) {
    let mut checker = Checker { root, findings };
    for (id, account) in &document.account {
        let own = account.limits.law();
        let at = ["account", id.as_str(), "limits"];
        // A circle of accounts is an error of its own.
        let mut above = account.parent.as_deref();
        for _ in 0..document.account.len() {
            let Some((name, parent)) = above.and_then(|above| document.account.get_key_value(above)) else { break };
            checker.narrower(own, &at, parent.limits.law(), &format!("account `{}`, which is above it", brief(name)));
            above = parent.parent.as_deref();
        }
        checker.account(id, account, own);
    }
    for (name, model) in &document.model {
        let at = ["model", name.as_str(), "each_account"];
        checker.narrower(model.each_account.law(), &at, model.limits.law(), "the model has for all accounts");
    }
}

struct Checker<'a> {
    root: &'a Node,
    findings: &'a mut Findings,
}

impl Checker<'_> {
    fn account(&mut self, id: &str, account: &Account, own: Limits) {
        let all = format!("account `{}`", brief(id));
        self.narrower(account.each_user.law(), &["account", id, "each_user"], own, &all);
        for (user, member) in &account.user {
            self.narrower(member.limits.law(), &["account", id, "user", user, "limits"], own, &all);
        }
        for (name, workspace) in &account.workspace {
            let limits = workspace.limits.law();
            self.narrower(limits, &["account", id, "workspace", name, "limits"], own, &all);
            for (user, member) in &workspace.user {
                let at = ["account", id, "workspace", name, "user", user, "limits"];
                let said = member.limits.law();
                let here = format!("workspace `{}`", brief(name));
                if !self.narrower(said, &at, limits, &here) && !self.narrower(said, &at, own, &all) {
                    let everywhere = account.user.get(user).map(|member| member.limits.law()).unwrap_or_default();
                    self.narrower(said, &at, everywhere, "the same user in the whole account");
                }
            }
        }
    }

    /// Notes a limit that lets more pass than the place above; true when there is one.
    fn narrower(&mut self, own: Limits, at: &[&str], above: Limits, whose: &str) -> bool {
        let Some(widened) = own.widened(&above) else { return false };
        let path: Vec<&str> = at.iter().copied().chain([widened]).collect();
        self.findings
            .error(FileCode::WiderLimit, self.root.span_of(&path), format!("`{widened}` allows more than {whose}"))
            .hint("limits are only narrowed below: say less, or leave it out and share what is above");
        true
    }
}

/// What the file says of limits. Clients stand in it by their names in the file.
pub(crate) fn law(document: &Document) -> LimitLaw {
    let usual = document.platform.as_ref().map(|platform| platform.limits.clone()).unwrap_or_default();
    let accounts = document.account.iter().map(|(id, account)| (id.as_str().into(), account_law(account)));
    let clients = document.client.iter().map(|(name, client)| (name.as_str().into(), client.limits.law()));
    let models = document.model.iter().map(|(name, model)| {
        let limits = ModelLimits { own: model.limits.law(), each_account: model.each_account.law() };
        (name.as_str().into(), limits)
    });
    LimitLaw {
        accounts: accounts.collect(),
        each_account: usual.each_account.law(),
        each_user: usual.each_user.law(),
        each_client: usual.each_client.law(),
        clients: clients.filter(|(_, limits): &(_, Limits)| !limits.is_none()).collect(),
        models: models.filter(|(_, limits): &(_, ModelLimits)| *limits != ModelLimits::default()).collect(),
        wait: usual.wait.as_ref().and_then(Millis::duration),
        waiting: usual.waiting.and_then(|many| usize::try_from(many).ok()),
    }
}

fn account_law(account: &Account) -> AccountLimits {
    let members = |users: &std::collections::BTreeMap<String, crate::model::Member>| {
        let users = users.iter().map(|(user, member)| (user.as_str().into(), member.limits.law()));
        users.filter(|(_, limits): &(_, Limits)| !limits.is_none()).collect()
    };
    let workspaces = account.workspace.iter().map(|(name, workspace)| {
        let limits = WorkspaceLimits { own: workspace.limits.law(), users: members(&workspace.user) };
        (name.as_str().into(), limits)
    });
    AccountLimits {
        own: account.limits.law(),
        parent: account.parent.as_deref().map(Into::into),
        each_user: account.each_user.law(),
        users: members(&account.user),
        workspaces: workspaces
            .filter(|(_, limits): &(_, WorkspaceLimits)| *limits != WorkspaceLimits::default())
            .collect(),
    }
}
