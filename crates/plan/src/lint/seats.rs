//! SQL seats: login roles of one account's people, who bring statements of their own.

use std::collections::{BTreeMap, BTreeSet};

use tenantry_policy::condition::{ColumnRef, Cond};
use tenantry_policy::object::{Object, Privilege};
use tenantry_policy::table::Field;
use tenantry_policy::{ColumnId, Op, Policy, RuleKind, Table, TableId, seat};
use tenantry_sql::security::{Command, runtime_rights};
use tenantry_sql::{PolicyExpression, seat_expressions};

use super::{Ground, Level, Lint};
use crate::rights::Way;

pub(super) fn look(ground: &Ground<'_>, policy: &Policy, found: &mut Vec<Lint>) {
    let names: Vec<&str> = ground
        .snapshot()
        .roles
        .keys()
        .map(AsRef::as_ref)
        .filter(|name| ground.declared(name).is_some_and(|declared| declared.tenant.is_some()))
        .collect();
    if names.is_empty() {
        return;
    }
    let expressions = seat_expressions(policy, ground.source).unwrap_or_default();
    for name in names {
        let seat = Seat { ground, policy, name, acts: ground.holds.settable(name).into_keys().collect() };
        let mut told = Vec::new();
        seat.powers(&mut told);
        seat.making(&mut told);
        for table in policy.tables.iter().filter(|table| *table.source == *ground.source) {
            seat.columns(table, &mut told);
            seat.needs(table, &expressions, &mut told);
        }
        seat.estimates(found);
        found.extend(told.into_iter().map(|(level, what, fix)| {
            ground.role("seat", level, name, format!("role {name} is of one account's people, and {what}"), fix)
        }));
    }
}

type Told = Vec<(Level, String, &'static str)>;

struct Seat<'g, 'a> {
    ground: &'g Ground<'a>,
    policy: &'g Policy,
    name: &'a str,
    /// The roles that it may act as, itself among them.
    acts: Vec<&'a str>,
}

impl<'a> Seat<'_, 'a> {
    /// What it is, or may become.
    fn powers(&self, told: &mut Told) {
        let snapshot = self.ground.snapshot();
        let reached: BTreeSet<&str> =
            self.acts.iter().flat_map(|role| self.ground.holds.inherited(role).into_keys()).collect();
        let owners = self.owners();
        for role in reached {
            let own = role == self.name;
            let way = if own { String::new() } else { format!("may act as {role}, which ") };
            let mut add = |what: &str, fix| told.push((Level::Refused, format!("{way}{what}"), fix));
            let Some(facts) = snapshot.roles.get(role) else { continue };
            for (has, power) in [(facts.createrole, "CREATEROLE"), (facts.createdb, "CREATEDB")] {
                if has {
                    add(&format!("has {power}"), "take it away");
                }
            }
            if let Some(thing) = owners.get(role) {
                add(&format!("owns {thing}"), "let a role own it that nobody's people log in as");
            }
            if own {
                continue;
            }
            if role == self.ground.runtime {
                add("runs the data tools: its sessions are believed who they are of", "take the membership away");
            }
            if facts.superuser || facts.bypassrls {
                add("row security does not hold", "take the membership away");
            }
            if role.starts_with("pg_") {
                add("reaches past any account", "take the membership away; grant what is needed by name");
            }
            if self.ground.declared(role).is_some_and(|declared| declared.tenant.is_some()) {
                let fix = "give each of them what it needs by itself, or by a group without an account";
                add("is another such role", fix);
            }
        }
    }

    /// Who owns what seats are held by: governed tables, their schemas, the table of seats.
    fn owners(&self) -> BTreeMap<&'a str, Object> {
        let snapshot = self.ground.snapshot();
        let mut held: Vec<Object> = self.ground.governed.keys().cloned().collect();
        held.extend(self.ground.governed.keys().filter_map(|table| Some(Object::Schema(table.schema()?.to_owned()))));
        held.push(Object::Schema(seat::SCHEMA.to_owned()));
        held.push(Object::Database(snapshot.server.database.to_string()));
        let owned = held.into_iter().filter_map(|object| Some((snapshot.things.get(&object)?.owner.as_ref(), object)));
        owned.collect()
    }

    /// Where it could put something in the way of others.
    fn making(&self, told: &mut Told) {
        for object in self.ground.snapshot().things.keys() {
            let privileges: &[Privilege] = match object {
                Object::Schema(_) | Object::Database(_) => &[Privilege::Create],
                Object::Table { .. } if self.ground.governed.contains_key(object) => {
                    &[Privilege::Trigger, Privilege::References]
                }
                _ => continue,
            };
            for privilege in privileges {
                // What everybody may is told as such.
                let own = self.ways(*privilege, object).into_iter().any(|way| way != Way::Public);
                if own {
                    let what = format!("holds {privilege} on {object}");
                    told.push((Level::Refused, what, "take it back: a seat reads and writes rows"));
                }
            }
        }
    }

    fn ways(&self, privilege: Privilege, object: &Object) -> Vec<Way> {
        self.acts.iter().flat_map(|role| self.ground.holds.ways(role, privilege, object)).collect()
    }

    /// The columns of a table that it holds a privilege on.
    fn held(&self, table: &Table, privilege: Privilege) -> BTreeSet<ColumnId> {
        let columns = (0..).zip(&table.columns).map(|(at, column)| (ColumnId(at), column));
        let holds = |name: &str| !self.ways(privilege, &column(table, name)).is_empty();
        columns.filter(|(_, column)| holds(&column.facts.name)).map(|(id, _)| id).collect()
    }

    /// Columns that the file hides, masks or lets nobody set.
    fn columns(&self, table: &Table, told: &mut Told) {
        let ops = table.seat_ops();
        let object = object(table);
        let name = |id: &ColumnId| table.column(*id).map(|column| column.facts.name.to_string()).unwrap_or_default();
        let needed = needed(self.policy, table);
        let hidden = |id: &ColumnId| match table.column(*id).map(|column| &column.field) {
            Some(Field::Allow) | None => false,
            Some(Field::Denied) => !needed.contains(id),
            Some(Field::Mask { .. } | Field::Hash { .. }) => true,
        };
        let read: Vec<String> = self.held(table, Privilege::Select).iter().filter(|id| hidden(id)).map(name).collect();
        if !read.is_empty() {
            let what = format!(
                "reads {} of {object} as it stands, which `fields` of table {} hides or masks",
                read.join(", "),
                table.name
            );
            told.push((Level::Refused, what, "grant SELECT on the other columns by name"));
        }
        let rights = runtime_rights(self.policy, table).unwrap_or_default();
        for (op, privilege) in [(Op::Create, Privilege::Insert), (Op::Update, Privilege::Update)] {
            if !ops.has(op) {
                continue;
            }
            let let_set = |id: &ColumnId| {
                rights
                    .iter()
                    .any(|right| right.privilege == privilege && right.column.as_deref() == Some(name(id).as_str()))
            };
            let set: Vec<String> = self.held(table, privilege).iter().filter(|id| !let_set(id)).map(name).collect();
            if !set.is_empty() {
                let what = format!(
                    "may {} {} of {object}, which `write` of table {} lets nobody set",
                    privilege.name().to_lowercase(),
                    set.join(", "),
                    table.name
                );
                told.push((Level::Refused, what, "grant it on the columns that `write` names"));
            }
        }
    }

    /// Columns whose values the planner's estimates tell of, whoever's they are.
    fn estimates(&self, found: &mut Vec<Lint>) {
        for table in self.policy.tables.iter().filter(|table| *table.source == *self.ground.source) {
            let object = object(table);
            let Some(relation) = self.ground.snapshot().relation(&object) else { continue };
            // A key that is taken is told by the key itself.
            let plain = needed(self.policy, table);
            let columns: Vec<&str> = self
                .held(table, Privilege::Select)
                .difference(&plain)
                .filter_map(|id| Some(table.column(*id)?.facts.name.as_str()))
                .filter(|name| !relation.unsampled.iter().any(|other| other.as_ref() == *name))
                .collect();
            let known = |one: &Lint| one.code == "seat-estimates" && one.address == ["table.", &table.name].concat();
            if columns.is_empty() || found.iter().any(known) {
                continue;
            }
            let what = format!(
                "EXPLAIN tells {} how often values of {} occur among every account's rows of {object}",
                self.name,
                columns.join(", ")
            );
            let fix = "ALTER TABLE ... ALTER COLUMN ... SET STATISTICS 0 where values are secret, then ANALYZE";
            found.push(self.ground.object("seat-estimates", Level::Noted, &object, what, fix));
        }
    }

    /// Rights that the rules of a table need of whoever reads it.
    fn needs(&self, table: &Table, expressions: &[PolicyExpression], told: &mut Told) {
        if self.held(table, Privilege::Select).is_empty() {
            return;
        }
        let own = expressions.iter().filter(|expression| {
            expression.table == table.name && matches!(expression.command, Command::All | Command::Select)
        });
        let reads: BTreeSet<(TableId, ColumnId)> =
            own.flat_map(|expression| expression.reads.iter().copied()).collect();
        let mut missing: BTreeMap<TableId, Vec<String>> = BTreeMap::new();
        for (id, read) in reads {
            let Some(other) = self.policy.table(id) else { continue };
            let Some(facts) = other.column(read).map(|column| &column.facts) else { continue };
            if self.ways(Privilege::Select, &column(other, &facts.name)).is_empty() {
                missing.entry(id).or_default().push(facts.name.to_string());
            }
        }
        for (id, columns) in missing {
            let Some(other) = self.policy.table(id) else { continue };
            let what = format!(
                "reads {}, whose rules look at {}({}), which it may not read: every query of it fails",
                object(table),
                object(other),
                columns.join(", ")
            );
            told.push((Level::Warned, what, "grant SELECT on those columns; it sees its own account's rows of them"));
        }
    }
}

/// Columns that keys, ways between tables and whose a row is are made of, whatever `fields` says of them.
fn needed(policy: &Policy, table: &Table) -> BTreeSet<ColumnId> {
    let mut all: BTreeSet<ColumnId> = table.key.iter().chain(table.unique.iter().flatten()).copied().collect();
    for rule in table.rules.iter().filter(|rule| rule.kind == RuleKind::Scope) {
        rule.when.columns(&mut |reach| {
            if let ColumnRef::Own(id) = reach {
                all.insert(id);
            }
        });
    }
    for other in &policy.tables {
        for relation in &other.relations {
            if other.id == table.id {
                all.extend(relation.pairs.iter().map(|(own, _)| *own));
            }
            if relation.to == table.id {
                all.extend(relation.pairs.iter().map(|(_, theirs)| *theirs));
            }
        }
        let mut hops = |cond: &Cond| {
            cond.columns(&mut |reach| {
                if let ColumnRef::Hop(relation, id) = reach
                    && other.relation(relation).is_some_and(|relation| relation.to == table.id)
                {
                    all.insert(id);
                }
            });
        };
        other.rules.iter().map(|rule| &rule.when).chain(&other.boundary).for_each(&mut hops);
    }
    all
}

fn object(table: &Table) -> Object {
    Object::Table { schema: table.schema.to_string(), name: table.db_name.to_string() }
}

fn column(table: &Table, name: &str) -> Object {
    Object::Column { schema: table.schema.to_string(), table: table.db_name.to_string(), name: name.to_owned() }
}
