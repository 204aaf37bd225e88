//! The two questions: who may do what with a thing, and what may one role do.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tenantry_policy::object::{Object, Privilege};
use tenantry_source::cluster::{RelationKind, Snapshot};

use super::holds::{Holds, Way};
use super::rows::Rows;

/// A role that holds a right on a thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The role.
    pub role: String,
    /// May it open sessions?
    pub login: bool,
    /// The thing.
    pub object: Object,
    /// The right.
    pub privilege: Privilege,
    /// The columns that it has the right on, when not on the whole table.
    pub columns: Vec<String>,
    /// How it comes to it.
    pub ways: Vec<Way>,
    /// The role that it must become first by SET ROLE; `None` when the right is used at once.
    pub becomes: Option<String>,
    /// Which rows.
    pub rows: Rows,
    /// May it look into the schema? Without that the right is of no use.
    pub reaches: bool,
}

/// A view that shows what it reads as its owner does, to whoever may read the view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Through {
    /// The view or materialized view.
    pub view: Object,
    /// Its owner, with whose eyes it reads; a materialized view holds what it saw.
    pub owner: String,
    /// Is it materialized?
    pub copy: bool,
    /// Who may read it.
    pub readers: Vec<String>,
}

/// Who may do what with a thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhoCan {
    /// The thing.
    pub object: Object,
    /// Its owner.
    pub owner: String,
    /// Right by right, role by role.
    pub holders: Vec<Holder>,
    /// Ways around it.
    pub through: Vec<Through>,
}

/// Who may do what with a thing; `None` when there is no such thing. PostgreSQL's own roles (`pg_…`) are told as
/// ways, not as holders.
#[must_use]
pub fn who_can(snapshot: &Snapshot, object: &Object) -> Option<WhoCan> {
    let holds = Holds::new(snapshot);
    let table = object.table_of_column().unwrap_or_else(|| object.clone());
    let thing = snapshot.things.get(object).or_else(|| snapshot.things.get(&table))?;
    if let (Object::Column { name, .. }, Some(relation)) = (object, snapshot.relation(&table))
        && !relation.columns.iter().any(|column| column.as_ref() == name)
    {
        return None;
    }
    let mut holders = Vec::new();
    for role in people(snapshot) {
        holders.extend(of_role(&holds, role, &[object]));
    }
    holders.sort_by(|a, b| (a.privilege, &a.role).cmp(&(b.privilege, &b.role)));
    Some(WhoCan { object: object.clone(), owner: thing.owner.to_string(), holders, through: through(&holds, &table) })
}

/// Everything that one role may do; `None` when there is no such role. What everybody may do with everything
/// by PostgreSQL's own defaults (call functions, use types) is left out.
#[must_use]
pub fn access(snapshot: &Snapshot, role: &str) -> Option<Vec<Holder>> {
    let (role, _) = snapshot.roles.get_key_value(role)?;
    let holds = Holds::new(snapshot);
    let objects: Vec<&Object> = snapshot
        .things
        .iter()
        .filter(|(object, thing)| thing.changed || object.schema().is_some() && thing.extension.is_none())
        .filter(|(object, _)| !matches!(object, Object::Column { .. }))
        .map(|(object, _)| object)
        .collect();
    let mut all = of_role(&holds, role, &objects);
    all.retain(|holder| {
        let own = matches!(holder.object.schema(), Some("pg_catalog" | "information_schema"));
        let changed = snapshot.things.get(&holder.object).is_some_and(|thing| thing.changed);
        let by_default = (own || !changed) && holder.ways.iter().all(|way| *way == Way::Public);
        !by_default
    });
    all.sort_by(|a, b| (&a.object, a.privilege).cmp(&(&b.object, b.privilege)));
    Some(all)
}

fn people(snapshot: &Snapshot) -> impl Iterator<Item = &str> {
    snapshot.roles.keys().map(AsRef::as_ref).filter(|name| !name.starts_with("pg_"))
}

fn of_role<'a>(holds: &Holds<'a>, role: &'a str, objects: &[&Object]) -> Vec<Holder> {
    let snapshot = holds.snapshot();
    let login = snapshot.roles.get(role).is_some_and(|role| role.login);
    // Itself first: what needs SET ROLE is told only where the right is not there already.
    let mut asked: BTreeMap<&str, Option<&str>> = BTreeMap::from([(role, None)]);
    for (other, _) in holds.settable(role) {
        asked.entry(other).or_insert(Some(other));
    }
    let mut order: Vec<(&str, Option<&str>)> = asked.into_iter().collect();
    order.sort_by_key(|(_, becomes)| becomes.is_some());
    let mut all: Vec<Holder> = Vec::new();
    let mut known: BTreeSet<(usize, Privilege)> = BTreeSet::new();
    for (actor, becomes) in order {
        let inherited = holds.inherited(actor);
        for (at, object) in objects.iter().enumerate() {
            for privilege in object.kind().privileges() {
                if known.contains(&(at, *privilege)) {
                    continue;
                }
                let mut ways = holds.ways_of(actor, &inherited, *privilege, object);
                let columns =
                    if ways.is_empty() { columns(holds, actor, *privilege, object, &mut ways) } else { Vec::new() };
                if ways.is_empty() {
                    continue;
                }
                known.insert((at, *privilege));
                all.push(Holder {
                    role: role.to_owned(),
                    login,
                    object: (*object).clone(),
                    privilege: *privilege,
                    columns,
                    ways,
                    becomes: becomes.map(str::to_owned),
                    rows: holds.rows(actor, *privilege, object),
                    reaches: reaches(holds, actor, object),
                });
            }
        }
    }
    all
}

/// The columns of a table that a role has a right on, when it has none on the whole.
fn columns<'a>(
    holds: &Holds<'a>,
    role: &'a str,
    privilege: Privilege,
    object: &Object,
    ways: &mut Vec<Way>,
) -> Vec<String> {
    let Object::Table { schema, name } = object else { return Vec::new() };
    let Some(relation) = holds.snapshot().relation(object) else { return Vec::new() };
    let mut found = Vec::new();
    for column in &relation.columns {
        let column = Object::Column { schema: schema.clone(), table: name.clone(), name: column.to_string() };
        // Columns stand in the snapshot only where they have rights of their own.
        if !holds.snapshot().things.contains_key(&column) {
            continue;
        }
        let by = holds.ways(role, privilege, &column);
        if !by.is_empty() {
            ways.extend(by);
            if let Object::Column { name, .. } = column {
                found.push(name);
            }
        }
    }
    ways.sort();
    ways.dedup();
    found
}

fn reaches<'a>(holds: &Holds<'a>, role: &'a str, object: &Object) -> bool {
    object.schema().is_none_or(|schema| {
        let schema = Object::Schema(schema.to_owned());
        // The catalog's own schemas stand in a snapshot only when somebody changed them; everybody reads them.
        !holds.snapshot().things.contains_key(&schema) || !holds.ways(role, Privilege::Usage, &schema).is_empty()
    })
}

/// Views over a table, and views over those, that read with their owner's eyes.
fn through(holds: &Holds<'_>, table: &Object) -> Vec<Through> {
    let snapshot = holds.snapshot();
    let mut reached = BTreeSet::from([table.clone()]);
    let mut all = Vec::new();
    loop {
        let before = reached.len();
        for (view, thing) in &snapshot.things {
            let Some(relation) = snapshot.relation(view) else { continue };
            let is_view = matches!(relation.kind, RelationKind::View | RelationKind::Materialized);
            if !is_view || reached.contains(view) || !relation.reads.iter().any(|read| reached.contains(read)) {
                continue;
            }
            reached.insert(view.clone());
            let copy = relation.kind == RelationKind::Materialized;
            if relation.security_invoker && !copy {
                continue;
            }
            let readers: Vec<String> = people(snapshot)
                .filter(|role| *role != thing.owner.as_ref() && !holds.is_superuser(role))
                .filter(|role| !of_role(holds, role, &[view]).iter().all(|held| held.privilege != Privilege::Select))
                .map(str::to_owned)
                .collect();
            all.push(Through { view: view.clone(), owner: thing.owner.to_string(), copy, readers });
        }
        if reached.len() == before {
            return all;
        }
    }
}

impl Holder {
    /// For programs.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let rows = match &self.rows {
            Rows::Whole => Value::Null,
            Rows::Every(why) => json!({ "which": "every", "why": why }),
            Rows::None => json!({ "which": "none" }),
            Rows::By { shown, narrowed } => json!({ "which": "by_policies", "shown": shown, "narrowed": narrowed }),
            Rows::AsOwner(owner) => json!({ "which": "as_owner", "owner": owner }),
        };
        json!({
            "role": self.role,
            "login": self.login,
            "object": self.object.to_string(),
            "privilege": self.privilege.name(),
            "columns": if self.columns.is_empty() { Value::Null } else { json!(self.columns) },
            "ways": self.ways.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "becomes": self.becomes,
            "rows": rows,
            "reaches_schema": self.reaches,
        })
    }
}

impl WhoCan {
    /// For programs.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "object": self.object.to_string(),
            "owner": self.owner,
            "holders": self.holders.iter().map(Holder::to_json).collect::<Vec<_>>(),
            "through": self.through.iter().map(|through| json!({
                "view": through.view.to_string(),
                "owner": through.owner,
                "copy": through.copy,
                "readers": through.readers,
            })).collect::<Vec<_>>(),
        })
    }
}
