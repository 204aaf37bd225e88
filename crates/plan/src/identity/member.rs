//! Where users are members, and the roles that they hold there. Whoever is a member of a workspace is one of its
//! account, whether the file says so or not.

use std::collections::BTreeSet;

use serde_json::Value;
use tenantry_file::Loaded;
use tenantry_identity::Refusal;

use crate::error::PlanError;
use crate::identity::address::address;
use crate::identity::doing::Doing;
use crate::identity::value::set;
use crate::identity::{Ground, Sought, user};
use crate::resource::{Kind, Resource, Target};
use crate::step::Action;
use crate::work::Done;

/// What the file wants.
pub(super) fn desired(loaded: &Loaded, all: &mut Vec<Resource>) -> Result<(), PlanError> {
    for (account, declared) in &loaded.document().account {
        let mut implied: BTreeSet<&str> = BTreeSet::new();
        for (workspace, inside) in &declared.workspace {
            for (key, member) in &inside.user {
                let path = ["account", account, "workspace", workspace, "user", key];
                all.push(thing(loaded, &path, set(&member.roles), loaded.located(&path))?);
                implied.insert(key);
            }
        }
        for (key, member) in &declared.user {
            implied.remove(key.as_str());
            let path = ["account", account, "user", key];
            all.push(thing(loaded, &path, set(&member.roles), loaded.located(&path))?);
        }
        for key in implied {
            all.push(thing(
                loaded,
                &["account", account, "user", key],
                Value::Null,
                loaded.located(&["account", account]),
            )?);
        }
    }
    Ok(())
}

fn thing(loaded: &Loaded, path: &[&str], roles: Value, place: Option<String>) -> Result<Resource, PlanError> {
    let key = path.last().copied().unwrap_or_default();
    Ok(Resource::new(Kind::Member, Target::Identity, address(path))
        .with("roles", roles)
        .called(user::id(loaded, key)?)
        .at(place))
}

/// The account, and the workspace, of an address.
fn place<'a>(keys: &'a [&'a str]) -> (&'a str, Option<&'a str>) {
    match keys {
        ["account", tenant, "workspace", workspace, ..] => (tenant, Some(workspace)),
        ["account", tenant, ..] => (tenant, None),
        _ => ("", None),
    }
}

/// What is there.
pub(super) fn found(ground: &Ground, sought: &Sought<'_>) -> Option<Resource> {
    let (tenant, workspace) = place(sought.keys);
    let account = ground.account(tenant).ok()?;
    let workspace = match workspace {
        Some(name) => Some(ground.workspace(tenant, name).ok()?),
        None => None,
    };
    let key = sought.keys.last().copied().unwrap_or_default();
    let ids = ground.user_ids(key, sought.wanted.and_then(|wanted| wanted.id.as_deref()), sought.id);
    let is_member = |user: &str| match workspace {
        Some(workspace) => ground.there.workspace_members.contains(&(workspace.id.clone(), user.to_owned())),
        None => ground.there.members.contains(&(account.id.clone(), user.to_owned())),
    };
    let user = ids.into_iter().find(|user| is_member(user))?;
    let spot = workspace.map(|workspace| workspace.id.clone()).unwrap_or_default();
    let held = ground.there.held.get(&(user.clone(), account.id.clone(), spot));
    let roles = held.map_or(Value::Null, |held| set(ground.role_names(held)));
    Some(sought.thing(Kind::Member, &user).with("roles", roles))
}

/// Does a step.
pub(super) fn apply(doing: &mut Doing<'_, '_>) -> Result<Done, Refusal> {
    let keys: Vec<&str> = doing.keys.iter().map(String::as_str).collect();
    let (tenant, workspace) = place(&keys);
    let user = doing.user();
    let found = (doing.ground.account(tenant), workspace.map(|name| doing.ground.workspace(tenant, name)).transpose());
    let (account, workspace) = match found {
        (Ok(account), Ok(workspace)) => (account.clone(), workspace.cloned()),
        // Whoever is no more has no members.
        _ if doing.step.action == Action::Delete => return doing.gone(),
        (Err(refusal), _) | (_, Err(refusal)) => return Err(refusal),
    };
    if doing.step.action == Action::Delete {
        doing.draft.remove_member(&account, workspace.as_ref(), &user);
        return doing.gone();
    }
    let wanted = doing.ground.role_ids(&doing.list("roles"))?;
    if doing.makes() {
        doing.draft.add_member(&account, workspace.as_ref(), &user, &wanted);
    } else {
        let spot = workspace.as_ref().map(|workspace| workspace.id.clone()).unwrap_or_default();
        let held = doing.ground.there.held.get(&(user.clone(), account.id.clone(), spot)).cloned().unwrap_or_default();
        let more: Vec<String> = wanted.iter().filter(|role| !held.contains(role)).cloned().collect();
        let less: Vec<String> = held.into_iter().filter(|role| !wanted.contains(role)).collect();
        doing.draft.change_member_roles(&account, workspace.as_ref(), &user, &more, &less);
    }
    doing.done(user)
}
