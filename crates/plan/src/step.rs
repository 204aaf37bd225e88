//! The difference between what is wanted and what is there, thing by thing.

use std::collections::BTreeMap;

use serde_json::Value;
use tenantry_policy::Address;

use crate::danger::Danger;
use crate::resource::{Kind, Resource, Target};

/// What is to be done with a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Made.
    Create,
    /// Changed in place.
    Update,
    /// Removed and made anew, since a field that cannot change is another one.
    Replace,
    /// Removed: the file does not name it any more.
    Delete,
    /// Is there as wanted, but was not made from the file: from now on the file manages it.
    Adopt,
}

impl Action {
    /// The word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Action::Create => "create",
            Action::Update => "update",
            Action::Replace => "replace",
            Action::Delete => "delete",
            Action::Adopt => "adopt",
        }
    }

    /// The sign before a line.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Action::Create => "+",
            Action::Update => "~",
            Action::Replace => "±",
            Action::Delete => "-",
            Action::Adopt => "=",
        }
    }
}

/// A field that changes. A secret's value is in neither place.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Which: `permissions.https://models.example`, `branding.colors.primary`.
    pub field: String,
    /// What it is; `None` when it is not there.
    pub before: Option<Value>,
    /// What it will be; `None` when it goes.
    pub after: Option<Value>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// With which thing.
    pub address: Address,
    /// Its kind.
    pub kind: Kind,
    /// Where it lives.
    pub target: Target,
    /// What it is called there, if it is there.
    pub id: Option<String>,
    /// What is done.
    pub action: Action,
    /// Field by field.
    pub changes: Vec<Change>,
    /// What may go wrong, or be meant otherwise.
    pub dangers: Vec<Danger>,
    /// What it means, in words, where the fields do not say it.
    pub notes: Vec<String>,
    /// Is it there without having been made from the file? Then it is managed from now on.
    pub adopts: bool,
    /// Its place among things of its kind.
    pub rank: u32,
    /// Where it stands in the file.
    pub place: Option<String>,
    /// What the file wants; `None` when it goes.
    pub wanted: Option<Resource>,
}

impl Step {
    /// Is a secret field to be set?
    #[must_use]
    pub fn sets(&self, field: &str) -> bool {
        let secret = self.wanted.as_ref().is_some_and(|wanted| wanted.secrets.contains_key(field));
        secret && self.changes.iter().any(|change| change.field == field)
    }

    /// A step that only notes a thing as managed.
    #[must_use]
    pub fn adopting(wanted: &Resource, found: &Resource) -> Step {
        let mut step = step(wanted, Action::Adopt, Vec::new(), Some(wanted));
        step.id.clone_from(&found.id);
        step.adopts = true;
        step
    }
}

/// The steps that make `current` what `desired` says, in an order in which each finds what it needs: things
/// are made before what refers to them, and removed after it.
#[must_use]
pub fn difference(desired: &[Resource], current: &[Resource]) -> Vec<Step> {
    let known: BTreeMap<&str, &Resource> = current.iter().map(|found| (found.address.as_str(), found)).collect();
    let wanted: BTreeMap<&str, &Resource> = desired.iter().map(|wanted| (wanted.address.as_str(), wanted)).collect();
    let mut make: Vec<Step> = wanted
        .values()
        .filter_map(|wanted| match known.get(wanted.address.as_str()) {
            None => Some(created(wanted)),
            Some(found) => changed(wanted, found),
        })
        .collect();
    let mut remove: Vec<Step> = known
        .values()
        .filter(|found| !wanted.contains_key(found.address.as_str()))
        .map(|found| removed(found))
        .collect();
    make.sort_by(|a, b| (&a.target, a.kind, a.rank, &a.address).cmp(&(&b.target, b.kind, b.rank, &b.address)));
    remove.sort_by(|a, b| (&b.target, b.kind, b.rank, &b.address).cmp(&(&a.target, a.kind, a.rank, &a.address)));
    // What is revoked goes first, so that nothing is left in reach while the rest is made; but what others
    // still lean on goes last.
    let (early, late): (Vec<Step>, Vec<Step>) = remove.into_iter().partition(|step| step.kind.is_right());
    early.into_iter().chain(make).chain(late).collect()
}

impl Kind {
    /// Does it only give somebody something, so that nothing leans on it?
    #[must_use]
    pub fn is_right(self) -> bool {
        matches!(
            self,
            Kind::Member
                | Kind::Principal
                | Kind::ClientGrant
                | Kind::AccountConnection
                | Kind::DbMembership
                | Kind::DbSeat
                | Kind::DbGrant
                | Kind::DbDefault
                | Kind::DbPolicy
        )
    }
}

fn step(thing: &Resource, action: Action, changes: Vec<Change>, wanted: Option<&Resource>) -> Step {
    Step {
        address: thing.address.clone(),
        kind: thing.kind,
        target: thing.target.clone(),
        id: thing.id.clone(),
        action,
        changes,
        dangers: Vec::new(),
        notes: Vec::new(),
        adopts: false,
        rank: thing.rank,
        place: thing.place.clone(),
        wanted: wanted.cloned(),
    }
}

fn created(wanted: &Resource) -> Step {
    let mut changes = Vec::new();
    for (name, value) in &wanted.fields {
        compare(name, None, Some(value), &mut changes);
    }
    for (name, given) in &wanted.secrets {
        let after = Some(Value::String(format!("(secret, {given})")));
        changes.push(Change { field: name.clone(), before: None, after });
    }
    step(wanted, Action::Create, changes, Some(wanted))
}

fn removed(found: &Resource) -> Step {
    let mut changes = Vec::new();
    for (name, value) in &found.fields {
        compare(name, Some(value), None, &mut changes);
    }
    step(found, Action::Delete, changes, None)
}

fn changed(wanted: &Resource, found: &Resource) -> Option<Step> {
    let mut changes = Vec::new();
    for (name, value) in &wanted.fields {
        compare(name, found.fields.get(name), Some(value), &mut changes);
    }
    for (name, print) in &wanted.prints {
        if found.prints.get(name) != Some(print) {
            let given = wanted.secrets.get(name).map_or("changed", String::as_str);
            changes.push(Change {
                field: name.clone(),
                before: Some(Value::String("(secret)".to_owned())),
                after: Some(Value::String(format!("(secret, {given})"))),
            });
        }
    }
    if changes.is_empty() {
        return None;
    }
    let replaced = changes.iter().any(|change| {
        let top = change.field.split('.').next().unwrap_or_default();
        wanted.fixed.contains(&top)
    });
    let mut step = step(wanted, if replaced { Action::Replace } else { Action::Update }, changes, Some(wanted));
    step.id.clone_from(&found.id);
    Some(step)
}

/// Goes into objects, so that a change is told where it is. Lists are compared whole.
fn compare(field: &str, before: Option<&Value>, after: Option<&Value>, changes: &mut Vec<Change>) {
    // What is null is not there.
    let (before, after) = (before.filter(|value| !value.is_null()), after.filter(|value| !value.is_null()));
    if before == after {
        return;
    }
    let empty = serde_json::Map::new();
    let (old, new) = match (before, after) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => (old, new),
        (None, Some(Value::Object(new))) if !new.is_empty() => (&empty, new),
        (Some(Value::Object(old)), None) if !old.is_empty() => (old, &empty),
        _ => {
            changes.push(Change { field: field.to_owned(), before: before.cloned(), after: after.cloned() });
            return;
        }
    };
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        compare(&[field, ".", name].concat(), old.get(name), new.get(name), changes);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn thing(kind: Kind, address: &str) -> Resource {
        Resource::new(kind, Target::Identity, address)
    }

    #[test]
    fn differences_are_told_where_they_are() {
        let found =
            thing(Kind::Account, "account.acme").with("branding", json!({"colors": {"primary": "#000"}, "x": 1}));
        let wanted =
            thing(Kind::Account, "account.acme").with("branding", json!({"colors": {"primary": "#fff"}, "y": [1]}));
        let steps = difference(std::slice::from_ref(&wanted), &[found]);
        let told: Vec<(&str, bool, bool)> = steps[0]
            .changes
            .iter()
            .map(|change| (change.field.as_str(), change.before.is_some(), change.after.is_some()))
            .collect();
        assert_eq!(
            told,
            [("branding.colors.primary", true, true), ("branding.x", true, false), ("branding.y", false, true)]
        );
        assert_eq!(steps[0].action, Action::Update);
        assert!(difference(std::slice::from_ref(&wanted), std::slice::from_ref(&wanted)).is_empty());
    }

    #[test]
    fn things_are_made_before_what_leans_on_them_and_rights_go_first() {
        let desired = [thing(Kind::User, "user.a"), thing(Kind::Account, "account.b"), thing(Kind::Role, "role.c")];
        let current = [thing(Kind::Member, "member.d"), thing(Kind::Account, "account.e"), thing(Kind::User, "user.f")];
        let order: Vec<String> = difference(&desired, &current)
            .iter()
            .map(|step| format!("{}{}", step.action.sign(), step.address))
            .collect();
        assert_eq!(order, ["-member.d", "+role.c", "+account.b", "+user.a", "-user.f", "-account.e"]);
    }

    #[test]
    fn a_fixed_field_makes_another_thing() {
        let mut wanted = thing(Kind::Account, "account.acme").with("tenant_id", "b");
        wanted.fixed = &["tenant_id"];
        let found = thing(Kind::Account, "account.acme").with("tenant_id", "a");
        assert_eq!(difference(&[wanted], &[found])[0].action, Action::Replace);
    }

    #[test]
    fn a_secret_is_named_and_never_told() {
        let mut wanted = thing(Kind::DbRole, "source.main.role.app");
        wanted.secrets.insert("password".to_owned(), "generate".to_owned());
        let steps = difference(&[wanted], &[]);
        assert_eq!(steps[0].changes[0].after, Some(json!("(secret, generate)")));
    }
}
