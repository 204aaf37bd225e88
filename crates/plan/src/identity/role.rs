//! Roles, where they are held, and what they permit.

use std::collections::BTreeSet;

use tenantry_file::Loaded;
use tenantry_identity::roles::{Level, NewRole, Role};
use tenantry_identity::{Caller, Identity, Refusal};

use crate::error::PlanError;
use crate::identity::address::address;
use crate::identity::doing::Doing;
use crate::identity::ground::texts;
use crate::identity::value::{object, set, text};
use crate::identity::{Ground, Sought};
use crate::plan::Finding;
use crate::resource::{Kind, Resource, Target};
use crate::step::Action;
use crate::work::Done;

/// What the file wants.
pub(super) fn desired(loaded: &Loaded) -> impl Iterator<Item = Resource> {
    loaded.document().role.iter().map(|(name, role)| {
        let permissions = role.permissions.iter().map(|(api, permissions)| (api, set(permissions)));
        Resource::new(Kind::Role, Target::Identity, address(&["role", name]))
            .with("name", name.as_str())
            .with("description", text(role.description.as_deref()))
            .with("level", loaded.level(name).name())
            .with("permissions", object(permissions))
            .at(loaded.located(&["role", name]))
    })
}

/// Roles of the file whose names accounts have given to roles of their own.
pub(super) async fn same_names(
    identity: &Identity,
    caller: &Caller,
    loaded: &Loaded,
) -> Result<Vec<Finding>, PlanError> {
    let names = loaded.document().role.keys().map(String::as_str);
    let found = identity.own_role_names(caller, names).await;
    let found = found.map_err(|refusal| PlanError::refused("identity", refusal))?;
    let told = found.into_iter().map(|(name, count, account)| Finding {
        code: "own-role-of-that-name",
        address: address(&["role", name]),
        what: match count {
            1 => format!(
                "the account `{account}` has a role of its own of this name: it stays the account's, and gets nothing \
                 of what the file gives to this one"
            ),
            count => format!(
                "{count} accounts have roles of their own of this name (`{account}` is one): they stay theirs, and get \
                 nothing of what the file gives to this one"
            ),
        },
        place: loaded.located(&["role", name]),
    });
    Ok(told.collect())
}

/// What is there.
pub(super) fn found(ground: &Ground, sought: &Sought<'_>) -> Option<Resource> {
    let role = ground.role(sought.id, sought.key(1))?;
    Some(shown(ground, role, sought.thing(Kind::Role, &role.id)))
}

/// A role as the file writes it.
pub(super) fn shown(ground: &Ground, role: &Role, thing: Resource) -> Resource {
    let permitted = ground.there.permitted.get(&role.id);
    let apis: BTreeSet<&str> = permitted.into_iter().flatten().map(|(api, _)| api.as_str()).collect();
    let permissions = apis.into_iter().map(|api| {
        let names = permitted.into_iter().flatten().filter(|(of, _)| of == api).map(|(_, name)| name);
        (ground.api_name(api), set(names))
    });
    thing
        .with("name", role.name.as_str())
        .with("description", text(role.description.as_deref()))
        .with("level", role.level.name())
        .with("permissions", object(permissions))
}

/// Does a step.
pub(super) fn apply(doing: &mut Doing<'_, '_>) -> Result<Done, Refusal> {
    let name = doing.key(1).to_owned();
    let before = doing.ground.role(doing.step.id.as_deref(), &name).cloned();
    if doing.step.action == Action::Delete {
        if let Some(role) = before {
            doing.draft.delete_role(&role);
            doing.ground.there.roles.remove(&role.name);
        }
        return doing.gone();
    }
    let description = doing.text("description");
    let level = doing.text("level").and_then(|level| Level::parse(&level)).unwrap_or(Level::Account);
    let wanted = doing.field("permissions");
    let permitted: BTreeSet<(String, String)> = wanted
        .as_object()
        .into_iter()
        .flatten()
        .flat_map(|(api, names)| {
            let api = doing.ground.audience(api);
            texts(Some(names)).into_iter().map(move |name| (api.to_owned(), name.to_owned()))
        })
        .collect();
    let there = &doing.ground.there;
    let role = match before {
        Some(before) if doing.step.action == Action::Update => {
            doing.draft.update_role(there, &before, &name, description.as_deref(), level, &permitted)?
        }
        _ => {
            let new = NewRole { account: None, name: name.clone(), description, level };
            doing.draft.create_role(there, new, &permitted)?
        }
    };
    let id = role.id.clone();
    doing.ground.there.permitted.insert(id.clone(), permitted);
    doing.ground.there.roles.retain(|_, known| known.id != id);
    doing.ground.there.roles.insert(name, role);
    doing.done(id)
}
