//! What people and roles hold: tools, permissions of APIs, models. Differences of sets, per role and per user.

use std::collections::{BTreeMap, BTreeSet};

use tenantry_file::Loaded;

use crate::effect::{Side, counted, tell};
use crate::plan::Effect;

/// A kind of thing that is held by roles.
type Grants = BTreeMap<String, BTreeSet<String>>;

/// What of it comes with roles.
type Held = fn(&Given, &BTreeSet<String>) -> BTreeSet<String>;

/// Everything that roles give, by role.
#[derive(Default)]
struct Given {
    tools: Grants,
    permissions: Grants,
    models: BTreeMap<String, String>,
}

/// Adds what roles and users gain and lose.
pub(super) fn compare(
    old: &Side,
    new: &Side,
    old_people: Option<&Loaded>,
    new_people: Option<&Loaded>,
    effects: &mut Vec<Effect>,
) {
    let (before, after) = (given(old, old_people), given(new, new_people));
    for (noun, of) in [("tool", Given::tools as fn(&Given) -> &Grants), ("permission", Given::permissions)] {
        let (from, to) = (of(&before), of(&after));
        let roles: BTreeSet<&String> = from.keys().chain(to.keys()).collect();
        let holders = |role: &str| -> Vec<String> {
            let held = roles_of(new_people.or(old_people));
            held.into_iter().filter(|(_, roles)| roles.contains(role)).map(|(who, _)| who).collect()
        };
        for role in roles {
            let none = BTreeSet::new();
            let delta = delta(from.get(role).unwrap_or(&none), to.get(role).unwrap_or(&none));
            if delta != (Vec::new(), Vec::new()) {
                tell(effects, |_| format!("role.{role}"), BTreeMap::from([(delta, holders(role))]), noun);
            }
        }
    }
    let (old_roles, new_roles) = (roles_of(old_people), roles_of(new_people));
    let people: BTreeSet<&String> = old_roles.keys().chain(new_roles.keys()).collect();
    let held = |given: &Given, roles: Option<&BTreeSet<String>>, of: Held| {
        roles.map(|roles| of(given, roles)).unwrap_or_default()
    };
    let kinds: [(&str, Held); 3] =
        [("tool", Given::tools_of), ("permission", Given::permissions_of), ("model", Given::models_of)];
    for (noun, of) in kinds {
        let mut changes: BTreeMap<(Vec<String>, Vec<String>), Vec<String>> = BTreeMap::new();
        for who in &people {
            let delta = delta(&held(&before, old_roles.get(*who), of), &held(&after, new_roles.get(*who), of));
            if delta != (Vec::new(), Vec::new()) {
                changes.entry(delta).or_default().push((*who).clone());
            }
        }
        tell(effects, counted, changes, noun);
    }
}

fn delta(from: &BTreeSet<String>, to: &BTreeSet<String>) -> (Vec<String>, Vec<String>) {
    (to.difference(from).cloned().collect(), from.difference(to).cloned().collect())
}

impl Given {
    fn tools(&self) -> &Grants {
        &self.tools
    }

    fn permissions(&self) -> &Grants {
        &self.permissions
    }

    fn tools_of(&self, roles: &BTreeSet<String>) -> BTreeSet<String> {
        roles.iter().filter_map(|role| self.tools.get(role)).flatten().cloned().collect()
    }

    fn permissions_of(&self, roles: &BTreeSet<String>) -> BTreeSet<String> {
        roles.iter().filter_map(|role| self.permissions.get(role)).flatten().cloned().collect()
    }

    fn models_of(&self, roles: &BTreeSet<String>) -> BTreeSet<String> {
        let held = self.permissions_of(roles);
        self.models.iter().filter(|(_, needs)| held.contains(*needs)).map(|(model, _)| model.clone()).collect()
    }
}

/// What roles give: tools and models by the rules, permissions by the roles of people.
fn given(law: &Side, people: Option<&Loaded>) -> Given {
    let mut given = Given::default();
    for (role, grants) in &law.policy.roles {
        let tools = grants.tools.iter().flat_map(|(table, tools)| {
            let name = law.policy.table(*table).map(|table| table.name.to_string()).unwrap_or_default();
            tools.iter().map(move |tool| format!("{name}.{tool}")).collect::<Vec<_>>()
        });
        given.tools.entry(role.to_string()).or_default().extend(tools);
    }
    for (name, role) in people.iter().flat_map(|loaded| &loaded.document().role) {
        let permissions =
            role.permissions.iter().flat_map(|(api, names)| names.iter().map(move |name| scoped(api, name)));
        given.permissions.entry(name.clone()).or_default().extend(permissions);
    }
    for (name, model) in law.loaded.iter().flat_map(|loaded| &loaded.document().model) {
        given.models.insert(name.as_str().to_owned(), scoped(&model.api, &model.requires));
    }
    given
}

fn scoped(api: &str, permission: &str) -> String {
    format!("{permission} of {api}")
}

/// Everybody of a file, with their roles: `acme/ann`, `acme/prod/ann`, `ops@platform.example`.
fn roles_of(loaded: Option<&Loaded>) -> BTreeMap<String, BTreeSet<String>> {
    let Some(loaded) = loaded else { return BTreeMap::new() };
    let directory = loaded.directory();
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for one in directory.users.iter().chain(&directory.principals) {
        let parts = [one.account.as_deref(), one.workspace.as_deref(), Some(one.user.as_str())];
        let name = parts.into_iter().flatten().collect::<Vec<_>>().join("/");
        all.entry(name).or_default().extend(one.roles.iter().cloned());
    }
    all
}
