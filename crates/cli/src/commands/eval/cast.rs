//! Who attacks whom: people of the file, one for each way of holding rights, each against somebody of an account that is
//! none of theirs.

use std::collections::BTreeSet;

use tenantry_file::{Loaded, PrincipalSpec};
use tenantry_policy::principal::Datum;

use crate::who::Who;

/// One burglar and the one whose rows it is after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) attacker: Who,
    pub(super) victim: Who,
    /// Another user of the burglar's account.
    pub(super) colleague: Option<Who>,
}

/// A pair for every account and set of roles; at most `most`.
pub(super) fn pairs(loaded: &Loaded, most: usize) -> Vec<Pair> {
    let users = &loaded.directory().users;
    let mut seen: BTreeSet<(Option<&str>, Vec<&str>, bool)> = BTreeSet::new();
    let mut pairs = Vec::new();
    for user in users {
        let roles: Vec<&str> = user.roles.iter().map(String::as_str).collect();
        let reaches = user.metadata.values().any(|datum| matches!(datum, Datum::List(_)));
        if roles.is_empty() || !seen.insert((user.account.as_deref(), roles, reaches)) {
            continue;
        }
        if let Some(victim) = victim(loaded, user) {
            let colleague = users.iter().find(|other| other.account == user.account && other.user != user.user);
            pairs.push(Pair { attacker: who(user), victim: who(victim), colleague: colleague.map(who) });
        }
    }
    pairs.truncate(most);
    pairs
}

/// Somebody with the most tools, of an account that is neither above nor below the burglar's, nor in its reach.
fn victim<'a>(loaded: &'a Loaded, attacker: &PrincipalSpec) -> Option<&'a PrincipalSpec> {
    let directory = loaded.directory();
    let reached: Vec<&str> = attacker
        .metadata
        .values()
        .flat_map(|datum| match datum {
            Datum::List(items) => items.as_slice(),
            _ => &[],
        })
        .filter_map(|item| match item {
            Datum::Text(text) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    let tools = |user: &PrincipalSpec| -> usize {
        let roles = user.roles.iter().filter_map(|name| loaded.document().role.get(name));
        roles.flat_map(|role| &role.tools).map(|tool| if tool.to_string().ends_with('*') { 8 } else { 1 }).sum()
    };
    let strangers = directory.users.iter().filter(|other| {
        let account = other.account.as_deref();
        account != attacker.account.as_deref()
            && !above(loaded, attacker.account.as_deref()).iter().any(|id| Some(*id) == account)
            && !above(loaded, account).iter().any(|id| Some(*id) == attacker.account.as_deref())
            && !account.is_some_and(|account| reached.contains(&account))
            && !other.roles.is_empty()
    });
    strangers.max_by_key(|other| tools(other))
}

/// An account and those above it.
fn above<'a>(loaded: &'a Loaded, from: Option<&'a str>) -> Vec<&'a str> {
    let accounts = &loaded.directory().accounts;
    let mut line = Vec::new();
    let mut here = from;
    while let Some(id) = here.filter(|id| !line.contains(id)) {
        line.push(id);
        here = accounts.iter().find(|account| account.id == id).and_then(|account| account.parent.as_deref());
    }
    line
}

fn who(user: &PrincipalSpec) -> Who {
    match &user.account {
        Some(account) => {
            Who::User { account: account.clone(), workspace: user.workspace.clone(), user: user.user.clone() }
        }
        None => Who::Platform(user.user.clone()),
    }
}
