//! 14: row security, read back from the catalog, shows what the rules show: no more and no less.
//!
//! Both are asked about one small database: the catalog's policies as this room reads them, and the rules, put
//! into the same terms here and not by way of the SQL that was made from them. The solver looks for a session and
//! rows for which the two differ.

use tenantry_policy::attribute::{AttrPath, Attribute};
use tenantry_policy::bound::Slot;
use tenantry_policy::catalog::Dialect;
use tenantry_policy::condition::{Cmp, ColumnRef, Cond, Term};
use tenantry_policy::database::{Database, DbCommand, DbPolicy, Relation};
use tenantry_policy::table::DeleteMode;
use tenantry_policy::{Address, AttrId, Op, OpSet, Policy, RelationId, Rule, RuleKind, Table, Type, Value, seat};

use super::access::{Laws, Roles};
use super::encode::Bound;
use super::evaluate::{Evaluator, Scenery};
use super::expr::{Expr, List, ListForm, Query, ROOT, Scan, Select, cast};
use super::judge::Court;
use super::read::Reader;
use super::report::{Leak, Replay, Said, Verdict};
use super::tenants::SEAT;
use super::world::World;
use crate::obligation::{Obligation, Outcome, Promise};
use crate::witness::{Cast, Witness};

/// What came of one comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Equality {
    /// The table, by the name that callers use.
    pub table: String,
    /// The operation.
    pub op: Op,
    /// As a row that is written, rather than one that is there?
    pub written: bool,
    /// Who asks.
    pub party: Party,
    /// The answer.
    pub outcome: Equal,
}

/// Who asks a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// Tenantry, which says in settings for whom.
    Server,
    /// Somebody with an SQL seat, of whom the database knows the tenant and nothing else is known.
    Seat,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Equal {
    /// The two show the same rows, to every principal.
    Same,
    /// The database shows a row that the rules do not.
    Shows(Box<Leak>),
    /// The database hides a row that the rules show.
    Hides(Box<Leak>),
    /// It was not understood, or could not be looked through.
    NotUnderstood(String),
}

/// How deep hops may lead.
const DEEPEST: usize = 16;

/// Compares the row security of a source with the rules that it was made from: for the role that Tenantry connects
/// as, and for SQL seats, those that nothing tells apart together. Tables that the database does not have are left
/// out: the file's compiler refuses them. So are seats that are none in the database yet.
#[must_use]
pub fn equal(database: &Database, policy: &Policy, source: &str, role: &str, seats: &[String]) -> Vec<Equality> {
    let mut all = compared(database, policy, source, role, Party::Server);
    let mut met: Vec<Vec<usize>> = Vec::new();
    for seat in seats {
        let Some(known) = database.roles.iter().find(|known| known.name == *seat) else { continue };
        if !known.acts_as.iter().any(|group| group.starts_with(seat::ROLES)) {
            continue;
        }
        let policies = database.relations.iter().flat_map(|relation| &relation.policies).enumerate();
        let own = |of: &DbPolicy| of.roles.iter().any(|role| role == "PUBLIC" || known.acts_as.contains(role));
        let mut sign: Vec<usize> = policies.filter(|(_, policy)| own(policy)).map(|(at, _)| at).collect();
        if known.superuser || known.bypasses {
            sign.push(usize::MAX);
        }
        if !met.contains(&sign) {
            all.extend(compared(database, policy, source, seat, Party::Seat));
            met.push(sign);
        }
    }
    all
}

fn compared(database: &Database, policy: &Policy, source: &str, role: &str, party: Party) -> Vec<Equality> {
    let mut reader = Reader::new(database);
    let laws = Laws::read(&mut reader);
    let roles = Roles::new(database, &[]);
    let owners = vec![None; database.relations.len()];
    let shared = vec![None; database.relations.len()];
    let whys = reader.whys.clone();
    let never = Expr::Or(Vec::new());
    let said = Said::default();
    let court = Court {
        database,
        laws: &laws,
        roles: &roles,
        owners: &owners,
        whys: &whys,
        shared: &shared,
        bypass: &never,
        given: &said,
    };
    let mut all = Vec::new();
    for table in policy.tables.iter().filter(|table| &*table.source == source && table.dialect == Dialect::Postgres) {
        let Some(at) = place(database, table) else { continue };
        if never_applied(database, at) {
            continue;
        }
        for (op, command, written) in [
            (Op::Read, DbCommand::Select, false),
            (Op::Create, DbCommand::Insert, true),
            (Op::Update, DbCommand::Update, false),
            (Op::Update, DbCommand::Update, true),
            (Op::Delete, DbCommand::Delete, false),
        ] {
            let mut rules = Rules { database, policy, party, next: 2_000_000 };
            let outcome = match rules.visible(table, op, 0) {
                Err(why) => Equal::NotUnderstood(why),
                Ok(shows) => compare(&court, at, &shows, command, written, role),
            };
            all.push(Equality { table: table.name.to_string(), op, written, party, outcome });
        }
    }
    all
}

/// Has a table no row security at all, ours or anybody's?
fn never_applied(database: &Database, at: usize) -> bool {
    database.relations.get(at).is_some_and(|relation| !relation.secured && relation.policies.is_empty())
}

/// Comparisons as obligations of the file.
#[must_use]
pub fn obligations(found: &[Equality], policy: &Policy) -> Vec<Obligation> {
    let one = |one: &Equality| {
        let outcome = match &one.outcome {
            Equal::Same => Outcome::Proved,
            Equal::NotUnderstood(why) => Outcome::Undecided(why.clone()),
            Equal::Shows(leak) => Outcome::Leaks(Box::new(witness(leak, policy, leak.by.clone()))),
            Equal::Hides(leak) => {
                let by = vec!["the rules, and hidden by row security".to_owned()];
                Outcome::Leaks(Box::new(witness(leak, policy, by)))
            }
        };
        let about = match (one.written, one.party) {
            (false, Party::Server) => None,
            (true, Party::Server) => Some(Address::new("as written")),
            (false, Party::Seat) => Some(Address::new("for SQL seats")),
            (true, Party::Seat) => Some(Address::new("for SQL seats, as written")),
        };
        Obligation { promise: Promise::Security, table: one.table.clone(), op: Some(one.op), about, outcome }
    };
    found.iter().map(one).collect()
}

/// A session and rows in the terms of the file.
fn witness(leak: &Leak, policy: &Policy, rules: Vec<String>) -> Witness {
    let tenant = |attribute: &Attribute| attribute.path == AttrPath::TenantId;
    let named = |attribute: &Attribute| {
        let name = attribute.setting().to_lowercase();
        let seat = tenant(attribute) && leak.settings.iter().any(|(known, _)| known == SEAT);
        if seat { SEAT.to_owned() } else { name }
    };
    let slot = |attribute: &Attribute| -> Slot {
        let name = named(attribute);
        let text = leak.settings.iter().find(|(known, _)| *known == name).map(|(_, text)| text.as_str());
        match text {
            None | Some("") => Slot::Missing,
            Some(text) if attribute.list => Slot::Many(
                text.trim_matches(['{', '}'])
                    .split(',')
                    .filter(|item| !item.is_empty())
                    .filter_map(|item| cast(&Value::text(item.trim_matches('"')), attribute.ty))
                    .collect(),
            ),
            Some(text) => cast(&Value::text(text), attribute.ty).map_or(Slot::Missing, Slot::One),
        }
    };
    let read = |attribute: &Attribute| {
        let name = named(attribute);
        leak.settings.iter().any(|(known, _)| *known == name)
    };
    let principal = policy
        .attributes
        .iter()
        .filter(|(_, attribute)| attribute.path != AttrPath::Now && read(attribute))
        .map(|(id, attribute)| (id, slot(attribute)));
    let rows = leak.rows.iter().filter_map(|row| {
        let table = policy.tables.iter().find(|table| *table.schema == *row.schema && *table.db_name == *row.table)?;
        let cells = row.cells.iter().filter_map(|(name, value)| {
            let at = table.columns.iter().position(|column| column.facts.name == *name)?;
            Some((u16::try_from(at).ok()?, value.clone()))
        });
        Some(Cast { role: row.role.clone(), table: table.id, columns: cells.collect(), of: Vec::new() })
    });
    let mut replayed = vec![crate::witness::EVALUATOR.to_owned()];
    replayed.push(match &leak.replay {
        Replay::Database => "the database itself".to_owned(),
        Replay::Evaluator(why) => ["not the database (", why, ")"].concat(),
    });
    Witness {
        principal: principal.collect(),
        now_micros: crate::domain::SOME_TIME,
        rows: rows.collect(),
        rules,
        replayed,
    }
}

fn place(database: &Database, table: &Table) -> Option<usize> {
    database.relations.iter().position(|relation| *relation.schema == *table.schema && *relation.name == *table.db_name)
}

fn compare(court: &Court<'_>, at: usize, shows: &Expr, command: DbCommand, written: bool, role: &str) -> Equal {
    for (by_database, by_rules) in [(true, false), (false, true)] {
        let made = World::new(court.database, court.laws, court.roles, role, (at, 1), &[shows]);
        let mut world = match made {
            Ok(world) => world,
            Err(why) => return Equal::NotUnderstood(why),
        };
        let row = world.row(at, if written { "new row" } else { "row" }, !written);
        let security = world.allowed(row, role, command, written);
        let rules = world.tri(shows, &[(ROOT, Bound::Row(row))], role);
        let mut wanted =
            vec![if by_database { security.yes } else { security.no }, if by_rules { rules.yes } else { !rules.yes }];
        // What is not understood of the catalog may hide as well as show.
        if !by_database {
            let free = world.solver.fresh();
            let unsure = world.solver.and([!security.yes, !security.no, free]);
            let hides = world.solver.or([security.no, unsure]);
            if let Some(first) = wanted.first_mut() {
                *first = hides;
            }
        }
        // Tenantry sets each setting to what casts, or to the empty text.
        wanted.extend(world.cast.clone());
        world.facts(&[row]);
        let found = court.decide(&mut world, wanted, &[row], |court, scenery| {
            confirmed(court, scenery, shows, command, written, role, by_database)
        });
        match found {
            Err(Verdict::Proved) => {}
            Err(Verdict::NotUnderstood(why) | Verdict::Warns(why)) => return Equal::NotUnderstood(why),
            Err(Verdict::Leaks(_)) => {}
            Ok((scenery, by)) => {
                let fix = "apply the file again: tenantry apply".to_owned();
                let Verdict::Leaks(leak) = court.leak(role, scenery, by, fix) else { continue };
                return if by_database { Equal::Shows(leak) } else { Equal::Hides(leak) };
            }
        }
    }
    Equal::Same
}

fn confirmed(
    court: &Court<'_>,
    scenery: &Scenery,
    shows: &Expr,
    command: DbCommand,
    written: bool,
    role: &str,
    by_database: bool,
) -> Result<Option<Vec<String>>, super::evaluate::Stop> {
    let evaluator = Evaluator { database: court.database, laws: court.laws, roles: court.roles, scenery };
    let by = evaluator.allowed(0, role, command, written)?;
    let rules = evaluator.holds(shows, 0, role)?;
    if by_database == by.is_empty() || rules == by_database {
        return Ok(None);
    }
    let relation = scenery.rows.first().and_then(|row| court.database.relations.get(row.relation));
    let names = by.iter().map(|at| {
        let policy = relation.and_then(|relation| relation.policies.get(*at));
        policy.map_or_else(
            || "row security does not hold the role".to_owned(),
            |policy| ["policy ", &policy.name].concat(),
        )
    });
    Ok(Some(names.collect()))
}

/// Rules in the terms of the catalog.
struct Rules<'a> {
    database: &'a Database,
    policy: &'a Policy,
    party: Party,
    next: usize,
}

impl Rules<'_> {
    /// TRUE of the rows of a table that rules and boundary show for an operation. As row security has it: the marks
    /// of a soft delete are left out, and an update may be a soft delete.
    fn visible(&mut self, table: &Table, op: Op, depth: usize) -> Result<Expr, String> {
        if self.party == Party::Seat {
            return self.seated(table, op, depth);
        }
        let soft = matches!(table.writes.delete, DeleteMode::Soft(_));
        let counts = |rule: &&Rule| {
            let on: OpSet = rule.on;
            if !soft || op != Op::Update {
                return on.has(op);
            }
            let (update, delete) = (on.has(Op::Update), on.has(Op::Delete));
            if rule.kind.widens() { update || delete } else { update && delete }
        };
        let (mut widen, mut all) = (Vec::new(), Vec::new());
        for rule in table.rules.iter().filter(|rule| rule.kind != RuleKind::Live).filter(counts) {
            let holds = self.cond(table, &rule.when, depth)?;
            if rule.kind.widens() { widen.push(holds) } else { all.push(holds) }
        }
        all.push(Expr::Or(widen));
        let boundary = |op: Op| table.boundary.get(op.index()).ok_or_else(|| "a boundary is missing".to_owned());
        let mut within = vec![self.cond(table, boundary(op)?, depth)?];
        if soft && op == Op::Update {
            within.push(self.cond(table, boundary(Op::Delete)?, depth)?);
        }
        all.push(Expr::Or(within));
        Ok(Expr::And(all))
    }

    /// The same for an SQL seat: what it may not do by itself it does to no row, and what it writes it can read,
    /// before and after.
    fn seated(&mut self, table: &Table, op: Op, depth: usize) -> Result<Expr, String> {
        if !table.seat_ops().has(op) {
            return Ok(Expr::Or(Vec::new()));
        }
        let mut all = Vec::new();
        let ops: &[Op] = if op == Op::Read { &[Op::Read] } else { &[Op::Read, op] };
        for op in ops {
            let mut widen = Vec::new();
            for rule in table.rules.iter().filter(|rule| rule.on.has(*op)) {
                let holds = self.cond(table, &rule.when, depth)?;
                if rule.kind.widens() { widen.push(holds) } else { all.push(holds) }
            }
            all.push(Expr::Or(widen));
            let boundary = table.boundary.get(op.index()).ok_or("a boundary is missing")?;
            all.push(self.cond(table, boundary, depth)?);
        }
        Ok(Expr::And(all))
    }

    /// Is an attribute one of which nothing is known?
    fn unsaid(&self, attr: AttrId) -> bool {
        let known = self.policy.attributes.get(attr);
        self.party == Party::Seat && !known.is_some_and(|one| one.path == AttrPath::TenantId && !one.list)
    }

    fn cond(&mut self, table: &Table, cond: &Cond, depth: usize) -> Result<Expr, String> {
        Ok(match cond {
            Cond::Const(value) => Expr::Value(Value::Bool(*value)),
            Cond::And(parts) => {
                Expr::And(parts.iter().map(|part| self.cond(table, part, depth)).collect::<Result<_, _>>()?)
            }
            Cond::Or(parts) => {
                Expr::Or(parts.iter().map(|part| self.cond(table, part, depth)).collect::<Result<_, _>>()?)
            }
            Cond::Not(inner) => Expr::Not(Box::new(self.cond(table, inner, depth)?)),
            Cond::Has(attr) if self.unsaid(*attr) => Expr::Value(Value::Bool(false)),
            Cond::Has(attr) => {
                let attribute = self.policy.attributes.get(*attr).ok_or("an attribute is missing")?;
                if attribute.path == AttrPath::Now {
                    Expr::Value(Value::Bool(true))
                } else {
                    Expr::Not(Box::new(Expr::IsNull(Box::new(self.setting(*attr)?))))
                }
            }
            Cond::IsNull { column, negated } => {
                let is = Expr::IsNull(Box::new(self.column(table, *column, depth)?));
                if *negated { Expr::Not(Box::new(is)) } else { is }
            }
            Cond::Compare { left, cmp, right, .. } => {
                let (left, right) = (self.term(table, left, depth)?, self.term(table, right, depth)?);
                Expr::Compare(*cmp, Box::new(left), Box::new(right))
            }
            Cond::InLiterals { term, list, negated } => {
                let left = Box::new(self.term(table, term, depth)?);
                let list = List::Items(list.iter().cloned().map(Expr::Value).collect());
                let within = Expr::Any { left, cmp: Cmp::Eq, list, all: false };
                if *negated { Expr::Not(Box::new(within)) } else { within }
            }
            Cond::InAttr { list, .. } if self.unsaid(*list) => Expr::Null(Some(Type::Bool)),
            Cond::InAttr { term, list, negated } => {
                let left = Box::new(self.term(table, term, depth)?);
                let ty =
                    self.policy.attributes.get(*list).map(|attribute| attribute.ty).ok_or("an attribute is missing")?;
                let list = List::Setting { of: Box::new(self.setting(*list)?), form: ListForm::Array, ty };
                let within = Expr::Any { left, cmp: Cmp::Eq, list, all: false };
                if *negated { Expr::Not(Box::new(within)) } else { within }
            }
            Cond::StartsWith { term, prefix } => {
                let (text, prefix) = (self.term(table, term, depth)?, self.term(table, prefix, depth)?);
                Expr::StartsWith(Box::new(text), Box::new(prefix))
            }
        })
    }

    fn term(&mut self, table: &Table, term: &Term, depth: usize) -> Result<Expr, String> {
        match term {
            Term::Literal(value) => Ok(Expr::Value(value.clone())),
            Term::Column(column) => self.column(table, *column, depth),
            Term::Attr(attr) => {
                let ty =
                    self.policy.attributes.get(*attr).map(|attribute| attribute.ty).ok_or("an attribute is missing")?;
                if self.unsaid(*attr) {
                    return Ok(Expr::Null(Some(ty)));
                }
                let text = self.setting(*attr)?;
                Ok(if ty == Type::Text { text } else { Expr::Cast(Box::new(text), ty) })
            }
        }
    }

    /// An attribute as its setting: the empty text is none.
    fn setting(&self, attr: AttrId) -> Result<Expr, String> {
        let attribute = self.policy.attributes.get(attr).ok_or("an attribute is missing")?;
        if self.party == Party::Seat {
            return Ok(Expr::Setting(SEAT.to_owned()));
        }
        let setting = Expr::Setting(attribute.setting().to_lowercase());
        Ok(Expr::NullIf(Box::new(setting), Box::new(Expr::Value(Value::text("")))))
    }

    fn column(&mut self, table: &Table, column: ColumnRef, depth: usize) -> Result<Expr, String> {
        match column {
            ColumnRef::Own(id) => {
                let facts = table.column(id).map(|column| &column.facts).ok_or("a column is missing")?;
                self.of(table, &facts.name, ROOT)
            }
            ColumnRef::Hop(relation, id) => self.hop(table, relation, id, depth),
        }
    }

    /// A column by its name, where the catalog has it as the type that the rules know.
    fn of(&self, table: &Table, name: &str, binding: usize) -> Result<Expr, String> {
        let at = place(self.database, table).ok_or_else(|| format!("there is no table `{}`", table.db_name))?;
        let relation: &Relation = self.database.relations.get(at).ok_or("there is no such table")?;
        let column = relation.column(name).ok_or_else(|| format!("`{}` has no column `{name}`", table.db_name))?;
        let ty = relation.columns.get(column).and_then(|column| column.ty);
        let ty = ty.filter(|ty| ty.in_conditions()).ok_or_else(|| format!("`{name}` is of another type"))?;
        Ok(Expr::Column { binding, column, ty })
    }

    /// A hop: the other row's column, where there is such a row and the principal may read it.
    fn hop(
        &mut self,
        table: &Table,
        relation: RelationId,
        column: tenantry_policy::ColumnId,
        depth: usize,
    ) -> Result<Expr, String> {
        if depth > DEEPEST {
            return Err("its hops lead in a circle".to_owned());
        }
        let facts = table.relation(relation).ok_or("a relation is missing")?;
        let other = self.policy.table(facts.to).ok_or("a table is missing")?;
        let at = place(self.database, other).ok_or_else(|| format!("there is no table `{}`", other.db_name))?;
        self.next += 1;
        let binding = self.next;
        let mut filter = Vec::new();
        for (own, theirs) in &facts.pairs {
            let name = |table: &Table, id| table.column(id).map(|column| column.facts.name.clone());
            let own = name(table, *own).ok_or("a column is missing")?;
            let theirs = name(other, *theirs).ok_or("a column is missing")?;
            let (left, right) = (self.of(other, &theirs, binding)?, self.of(table, &own, ROOT)?);
            filter.push(Expr::Compare(Cmp::Eq, Box::new(left), Box::new(right)));
        }
        filter.push(self.visible(other, Op::Read, depth + 1)?.about(ROOT, binding));
        // The marks of a soft delete count for hops.
        for rule in other.rules.iter().filter(|rule| rule.kind == RuleKind::Live && rule.on.has(Op::Read)) {
            filter.push(self.cond(other, &rule.when, depth + 1)?.about(ROOT, binding));
        }
        let name = other.column(column).map(|column| column.facts.name.clone()).ok_or("a column is missing")?;
        let out = vec![self.of(other, &name, binding)?];
        let from = vec![Scan::Table { binding, relation: at, actor: Some(String::new()) }];
        let select = Select { from, filter: Expr::And(filter), out };
        Ok(Expr::Scalar(Box::new(Query { branches: vec![select], one: false })))
    }
}
