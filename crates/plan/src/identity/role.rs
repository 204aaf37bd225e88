//! Roles and their descriptions.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tenantry_file::Loaded;
use tenantry_identity::roles::{Level, NewRole, Role, RoleFilter};
use tenantry_identity::{Caller, Identity, Part, Refusal};

use crate::error::PlanError;
use crate::resource::{Kind, Resource, Target};
use crate::state::State;
use crate::step::{Action, Step};
use crate::work::{Done, Work};

/// Items of one page.
const PAGE: i64 = 1_000;

/// What the file wants.
pub(super) fn desired(loaded: &Loaded) -> Vec<Resource> {
    let roles = loaded.document().role.iter();
    roles
        .map(|(name, role)| {
            Resource::new(Kind::Role, Target::Identity, ["role.", name].concat())
                .with("name", name.as_str())
                .with("description", role.description.as_deref().map_or(Value::Null, Value::from))
                .at(loaded.located(&["role", name]))
        })
        .collect()
}

/// What is there.
pub(super) async fn current(
    identity: &Identity,
    caller: &Caller,
    state: &State,
    desired: &[Resource],
) -> Result<Vec<Resource>, PlanError> {
    let mut roles = Vec::new();
    loop {
        let offset = i64::try_from(roles.len()).unwrap_or(i64::MAX);
        let part = Part::Page { offset, limit: PAGE, total: false };
        let listed = identity.roles(caller, &RoleFilter::default(), &part).await;
        let listed = listed.map_err(|refusal| PlanError::refused("role", refusal))?;
        let last = i64::try_from(listed.items.len()).is_ok_and(|count| count < PAGE);
        roles.extend(listed.items);
        if last {
            break;
        }
    }
    let by_id: BTreeMap<&str, &Role> = roles.iter().map(|role| (role.id.as_str(), role)).collect();
    let by_name: BTreeMap<&str, &Role> = roles.iter().map(|role| (role.name.as_str(), role)).collect();
    let mut found = BTreeMap::new();
    for row in state.managed(&Target::Identity).filter(|row| row.kind == Kind::Role.name()) {
        let name = row.address.strip_prefix("role.").unwrap_or_default();
        let role = match row.id.as_deref() {
            Some(id) => by_id.get(id),
            None => by_name.get(name),
        };
        if let Some(role) = role {
            found.insert(row.address.clone(), as_resource(&row.address, role));
        }
    }
    for wanted in desired.iter().filter(|wanted| wanted.kind == Kind::Role) {
        let address = wanted.address.as_str();
        if found.contains_key(address) {
            continue;
        }
        if let Some(role) = address.strip_prefix("role.").and_then(|name| by_name.get(name)) {
            found.insert(address.to_owned(), as_resource(address, role));
        }
    }
    Ok(found.into_values().collect())
}

fn as_resource(address: &str, role: &Role) -> Resource {
    Resource::new(Kind::Role, Target::Identity, address)
        .with("name", role.name.as_str())
        .with("description", role.description.as_deref().map_or(Value::Null, Value::from))
        .called(role.id.as_str())
}

/// Does a step.
pub(super) async fn apply(work: &Work<'_>, step: &Step) -> Result<Done, PlanError> {
    let refused = |refusal: Refusal| PlanError::refused(step.address.as_str(), refusal);
    let field = |name: &str| step.wanted.as_ref().and_then(|wanted| wanted.fields.get(name)).and_then(Value::as_str);
    let id = step.id.clone().unwrap_or_default();
    match step.action {
        Action::Create => {
            let new = NewRole {
                account: None,
                name: field("name").unwrap_or_default().to_owned(),
                description: field("description").map(str::to_owned),
                level: Level::Account,
            };
            let role = work.identity.create_role(work.caller, new).await.map_err(refused)?;
            Ok(Done::new(step, role.id))
        }
        Action::Update | Action::Replace => {
            let mut change = tenantry_identity::text::Fields::new();
            for name in ["name", "description"] {
                if step.changes.iter().any(|changed| changed.field == name) {
                    change.insert(name.to_owned(), field(name).map_or(Value::Null, |text| json!(text)));
                }
            }
            work.identity.update_role(work.caller, &id, change).await.map_err(refused)?;
            Ok(Done::new(step, id))
        }
        Action::Delete => match work.identity.delete_role(work.caller, &id).await {
            // Somebody else removed it: what was wanted is so.
            Ok(()) | Err(Refusal::Missing(_)) => Ok(Done::gone(step)),
            Err(refusal) => Err(refused(refusal)),
        },
        Action::Adopt => Ok(Done::new(step, id)),
    }
}
