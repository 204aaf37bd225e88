//! Rights on what is there, and on what will be made.

use std::collections::{BTreeMap, BTreeSet};

use tenantry_policy::object::{Future, Object, ObjectKind, Privilege, quote_name};
use tenantry_policy::seat;
use tenantry_source::cluster::Grantee;

use super::scope::OWN;
use super::text::told;
use super::{Said, Writer, several, usual_of_everybody};
use crate::postgres::current::builtin;
use crate::postgres::ground::privileges;

/// Rights, each with whether it may be given on.
type Held = BTreeMap<Privilege, bool>;

/// Why rights are not said, each with what they are on.
#[derive(Default)]
struct Unsaid {
    names: Vec<String>,
    runtime: BTreeSet<String>,
    others: usize,
}

impl Writer<'_> {
    /// Rights on everything: an owner's where they are not the owner's usual ones, everybody's where they are not
    /// what PostgreSQL gives everybody, and all others.
    pub(super) fn grants(&mut self) -> Said {
        let snapshot = self.snapshot;
        let major = snapshot.server.major();
        let mut said = Said::new();
        let mut unsaid = Unsaid::default();
        // Columns of one table with the same list stand in one key.
        let mut columns: BTreeMap<(Option<&str>, Object, String), Vec<String>> = BTreeMap::new();
        for (object, thing) in &snapshot.things {
            if self.is_of_seats(object) {
                continue;
            }
            let kind = object.kind();
            let mut held: BTreeMap<Option<&str>, Held> = BTreeMap::new();
            for grant in &thing.rights {
                let to = grant.grantee.role();
                let may_give = grant.grantable && to != Some(&thing.owner);
                *held.entry(to).or_default().entry(grant.privilege).or_default() |= may_give;
            }
            if kind != ObjectKind::Column {
                let everybody = held.entry(None).or_default();
                let is_usual = usual_of_everybody(object)
                    .is_some_and(|usual| *everybody == usual.iter().map(|privilege| (*privilege, false)).collect());
                let elsewhere = matches!(object, Object::Database(name) if **name != *snapshot.server.database);
                if is_usual || elsewhere {
                    held.remove(&None);
                }
                if !thing.owner.is_empty() {
                    let all: Held = privileges(kind, major).map(|privilege| (privilege, false)).collect();
                    if *held.entry(Some(&thing.owner)).or_default() == all {
                        held.remove(&Some(thing.owner.as_ref()));
                    }
                }
            }
            for (to, rights) in held {
                // A parameter has no owner, and its list names the superuser who stands for one.
                let is_superuser = to.and_then(|role| snapshot.roles.get(role)).is_some_and(|role| role.superuser);
                if kind == ObjectKind::Parameter && is_superuser || !self.may_be_said(to, object, &mut unsaid) {
                    continue;
                }
                let list = list(&rights, kind, major);
                if let Some(role) = to
                    && self.asked.governed.contains(object.table_of_column().as_ref().unwrap_or(object))
                {
                    self.on_governed.insert(role.to_owned());
                }
                match object {
                    Object::Column { name, .. } => {
                        let Some(table) = object.table_of_column() else { continue };
                        columns.entry((to, table, list)).or_default().push(name.clone());
                    }
                    _ => said.entry(to.map(str::to_owned)).or_default().push((object.to_string(), list)),
                }
            }
        }
        for ((to, table, list), names) in columns {
            let names: Vec<_> = names.iter().map(|name| quote_name(name)).collect();
            let key = format!("{table}({})", names.join(", "));
            said.entry(to.map(str::to_owned)).or_default().push((key, list));
        }
        let Unsaid { names, runtime, others } = unsaid;
        if !names.is_empty() {
            self.leave(format!("rights, since the file cannot say one of the names: {}", several(&names)));
        }
        if !runtime.is_empty() {
            let role = told(&quote_name(self.asked.runtime.unwrap_or_default()));
            let on = several(&runtime.into_iter().collect::<Vec<_>>());
            self.leave(format!("what {role}, which runs the data tools, may do with governed tables ({on}): it follows from their rules"));
        }
        if others > 0 {
            self.leave(format!("{others} lists of rights of roles that are not here"));
        }
        said
    }

    fn may_be_said(&self, to: Option<&str>, object: &Object, unsaid: &mut Unsaid) -> bool {
        let spelt = object.to_string();
        if let Some(role) = to {
            if role.starts_with(seat::ROLES) {
                // Told once, with all that seats rest on.
                return false;
            }
            if !self.roles.contains(role) && !role.starts_with(OWN) {
                unsaid.others = unsaid.others.saturating_add(1);
                return false;
            }
            let table = object.table_of_column();
            if self.asked.runtime == Some(role) && self.asked.governed.contains(table.as_ref().unwrap_or(object)) {
                unsaid.runtime.insert(told(&table.as_ref().unwrap_or(object).to_string()));
                return false;
            }
        }
        let is_sayable = Object::parse(&spelt).as_ref() == Ok(object) && to.is_none_or(Self::sayable);
        if !is_sayable {
            unsaid.names.push(told(&format!("{spelt} (`{}`)", to.unwrap_or("PUBLIC"))));
        }
        is_sayable
    }

    /// Rights on what roles will make, where they are not those that PostgreSQL gives by itself.
    pub(super) fn defaults(&mut self) -> Said {
        let snapshot = self.snapshot;
        let major = snapshot.server.major();
        let mut said = Said::new();
        let mut unsaid = Vec::new();
        for row in &snapshot.defaults {
            let future = Future {
                kind: row.kind,
                schema: row.schema.as_deref().map(str::to_owned),
                owner: row.owner.to_string(),
            };
            let spelt = future.to_string();
            let mut held: BTreeMap<Option<&str>, Held> = BTreeMap::new();
            for grant in &row.rights {
                let may_give = grant.grantable && grant.grantee.role() != Some(&row.owner);
                *held.entry(grant.grantee.role()).or_default().entry(grant.privilege).or_default() |= may_give;
            }
            if row.schema.is_none() {
                for to in [Some(row.owner.as_ref()), Grantee::Public.role()] {
                    if *held.entry(to).or_default() == builtin(snapshot, to, &future) {
                        held.remove(&to);
                    }
                }
            }
            let is_sayable = Future::parse(&spelt).as_ref() == Ok(&future);
            for (to, rights) in held {
                let known = to.is_none_or(|role| self.roles.contains(role) || role.starts_with(OWN));
                if is_sayable && known && to.is_none_or(Self::sayable) {
                    let list = list(&rights, row.kind, major);
                    said.entry(to.map(str::to_owned)).or_default().push((spelt.clone(), list));
                } else {
                    unsaid.push(format!("{} to `{}`", told(&spelt), told(to.unwrap_or("PUBLIC"))));
                }
            }
        }
        if !unsaid.is_empty() {
            self.leave(format!(
                "default privileges of roles that are not here, or whose names the file cannot say: {}",
                several(&unsaid)
            ));
        }
        said
    }
}

/// The list of the file.
fn list(held: &Held, kind: ObjectKind, major: u32) -> String {
    let all: Vec<Privilege> = privileges(kind, major).collect();
    let told = |name: &str, may_give: bool| {
        if may_give { format!("\"{name} WITH GRANT OPTION\"") } else { format!("\"{name}\"") }
    };
    let mut options = held.values().copied();
    let first = options.next().unwrap_or_default();
    let each: Vec<String> =
        if all.len() > 1 && all.iter().all(|one| held.contains_key(one)) && options.all(|one| one == first) {
            vec![told("ALL", first)]
        } else {
            held.iter().map(|(privilege, may_give)| told(privilege.name(), *may_give)).collect()
        };
    format!("[{}]", each.join(", "))
}
