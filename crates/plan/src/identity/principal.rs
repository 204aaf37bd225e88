//! Principals of the platform: users who act for it as a whole, with roles held on the platform.

use serde_json::Value;
use tenantry_file::Loaded;
use tenantry_identity::{OWNER_ROLE, Refusal};

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
    for (key, principal) in &loaded.document().principal {
        let path = ["principal", key.as_str()];
        all.push(
            Resource::new(Kind::Principal, Target::Identity, address(&path))
                .with("roles", set(&principal.roles))
                .called(user::id(loaded, key)?)
                .at(loaded.located(&path)),
        );
    }
    Ok(())
}

/// The roles that a user holds on the platform, but for the owner's where the file does not name it: who owns the
/// platform is never taken away by a file that forgot to say so.
fn held(ground: &Ground, id: &str, wanted: &[&str]) -> Vec<String> {
    let spot = (id.to_owned(), String::new(), String::new());
    let names_owner = ground.role(Some(OWNER_ROLE), "").is_some_and(|owner| wanted.contains(&owner.name.as_str()));
    let held = ground.there.held.get(&spot).into_iter().flatten();
    held.filter(|role| names_owner || role.as_str() != OWNER_ROLE).cloned().collect()
}

/// What is there.
pub(super) fn found(ground: &Ground, sought: &Sought<'_>) -> Option<Resource> {
    let ids = ground.user_ids(sought.key(1), sought.wanted.and_then(|wanted| wanted.id.as_deref()), sought.id);
    let user = ids.iter().find_map(|id| ground.there.users.get(id))?;
    let wanted = crate::identity::ground::texts(sought.wanted.and_then(|wanted| wanted.fields.get("roles")));
    let roles = held(ground, &user.id, &wanted);
    // Somebody who holds nothing and does not act for the platform is no principal yet.
    if roles.is_empty() && !user.platform && sought.id.is_none() {
        return None;
    }
    let roles = if roles.is_empty() { Value::Null } else { set(ground.role_names(&roles)) };
    Some(sought.thing(Kind::Principal, &user.id).with("roles", roles))
}

/// Does a step.
pub(super) fn apply(doing: &mut Doing<'_, '_>) -> Result<Done, Refusal> {
    let user = doing.user();
    let names = if doing.step.action == Action::Delete { Vec::new() } else { doing.list("roles") };
    let wanted = doing.ground.role_ids(&names)?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let held = held(doing.ground, &user, &names);
    let more: Vec<String> = wanted.iter().filter(|role| !held.contains(role)).cloned().collect();
    let less: Vec<String> = held.into_iter().filter(|role| !wanted.contains(role)).collect();
    if !more.is_empty() || !less.is_empty() {
        doing.draft.change_platform_roles(&user, &more, &less);
    }
    if doing.step.action == Action::Delete { doing.gone() } else { doing.done(user) }
}
