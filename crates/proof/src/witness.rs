//! A principal and rows with plain values, found by the solver and put through the evaluator.

use std::collections::BTreeMap;

use tenantry_policy::attribute::AttrPath;
use tenantry_policy::bound::Slot;
use tenantry_policy::condition::{AttrView, ColumnRef, RowView, eval};
use tenantry_policy::principal::Datum;
use tenantry_policy::{AttrId, Op, Policy, Principal, Table, TableId, Value};

use crate::domain::SOME_TIME;
use crate::model::{Problem, RowId};

/// Who and what breaks a promise, or shows that something is possible.
#[derive(Debug, Clone, PartialEq)]
pub struct Witness {
    /// The principal's attributes that matter, by path.
    pub principal: Vec<(AttrId, Slot)>,
    /// The time.
    pub now_micros: i64,
    /// The rows, the one in question first.
    pub rows: Vec<Cast>,
    /// Addresses of the rules that are TRUE for the row in question.
    pub rules: Vec<String>,
    /// Of a leak: where it was tried and happened. The evaluator comes first; whoever has databases adds them.
    pub replayed: Vec<String>,
}

/// The word for the evaluator in [`Witness::replayed`].
pub(crate) const EVALUATOR: &str = "evaluator";

/// A row of a witness.
#[derive(Debug, Clone, PartialEq)]
pub struct Cast {
    /// What it is: `row`, `new row`, `row of customer`.
    pub role: String,
    /// Its table.
    pub table: TableId,
    /// Its columns that matter, by position; the others may hold anything.
    pub columns: BTreeMap<u16, Option<Value>>,
    /// For a related row: the places of whose it is, each with the relation's position.
    pub of: Vec<(usize, u16)>,
}

impl Witness {
    /// Reads the model found last.
    pub(crate) fn read(problem: &Problem<'_>, op: Op) -> Witness {
        let mut principal = Vec::new();
        let mut now_micros = SOME_TIME;
        for (attr, symbol) in &problem.attributes {
            let path = problem.policy.attributes.get(*attr).map(|attribute| &attribute.path);
            match problem.value(symbol) {
                Some(Value::Timestamp(time)) if path == Some(&AttrPath::Now) => {
                    now_micros = time;
                    principal.push((*attr, Slot::Now));
                }
                Some(value) => principal.push((*attr, Slot::One(value))),
                None => principal.push((*attr, Slot::Missing)),
            }
        }
        for (attr, set) in &problem.lists {
            let slot = problem.items(set).map_or(Slot::Missing, Slot::Many);
            principal.push((*attr, slot));
        }
        principal.sort_by_key(|(attr, _)| *attr);
        // A row that does not exist, or hangs on one that does not, is no part of it.
        let mut places: BTreeMap<usize, usize> = BTreeMap::new();
        for (at, row) in problem.rows.iter().enumerate() {
            let hangs = row.is_related && !problem.leading_to(RowId(at)).any(|(of, _)| places.contains_key(&of.0));
            if problem.solver.holds(row.exists) && !hangs {
                places.insert(at, places.len());
            }
        }
        let cast = |(at, row): (usize, &crate::model::Row)| {
            places.get(&at)?;
            let leading = problem.leading_to(RowId(at));
            let of = leading.filter_map(|(of, relation)| Some((places.get(&of.0).copied()?, relation))).collect();
            let columns = row.columns.iter().map(|(at, symbol)| (*at, problem.value(symbol))).collect();
            Some(Cast { role: row.role.clone(), table: row.table, columns, of })
        };
        let rows = problem.rows.iter().enumerate().filter_map(cast).collect();
        let mut witness = Witness { principal, now_micros, rows, rules: Vec::new(), replayed: Vec::new() };
        witness.rules = witness.true_rules(problem.policy, 0, op);
        witness
    }

    /// The rules of an operation that are TRUE for the row at a place.
    fn true_rules(&self, policy: &Policy, place: usize, op: Op) -> Vec<String> {
        let Some(table) = self.rows.get(place).and_then(|row| policy.table(row.table)) else { return Vec::new() };
        let row = View { witness: self, policy, place, depth: 0 };
        let holds = table.rules.iter().filter(|rule| rule.on.has(op) && eval(&rule.when, &row, self).is_true());
        holds.map(|rule| rule.address.to_string()).collect()
    }

    /// Do the rules show the row at a place, by the evaluator, before the boundary? `without` leaves out a rule.
    pub(crate) fn shows(&self, policy: &Policy, place: usize, op: Op, without: Option<usize>) -> bool {
        let Some(table) = self.rows.get(place).and_then(|row| policy.table(row.table)) else { return false };
        shows(table, &View { witness: self, policy, place, depth: 0 }, self, op, without)
    }

    /// Is the row at a place within the boundary, by the evaluator?
    pub(crate) fn bounded(&self, policy: &Policy, place: usize, op: Op) -> bool {
        let Some(table) = self.rows.get(place).and_then(|row| policy.table(row.table)) else { return false };
        let row = View { witness: self, policy, place, depth: 0 };
        table.boundary.get(op.index()).is_some_and(|within| eval(within, &row, self).is_true())
    }

    /// The place of the first row with a role.
    pub(crate) fn place(&self, role: &str) -> Option<usize> {
        self.rows.iter().position(|row| row.role == role)
    }

    /// The principal as a token would describe it. Attributes that no text can carry are left out.
    #[must_use]
    pub fn as_principal(&self, policy: &Policy) -> Principal {
        let mut principal = Principal::default();
        for (attr, slot) in &self.principal {
            let Some(attribute) = policy.attributes.get(*attr) else { continue };
            let single = match slot {
                Slot::One(value) => Some(text(value)),
                _ => None,
            };
            match &attribute.path {
                AttrPath::TenantId => principal.tenant_id = single,
                AttrPath::UserId => principal.user_id = single,
                AttrPath::WorkspaceId => principal.workspace_id = single,
                AttrPath::Roles => {
                    if let Slot::Many(roles) = slot {
                        principal.roles = roles.iter().map(text).collect();
                    }
                }
                AttrPath::Now => {}
                AttrPath::Metadata(path) => {
                    let datum = match slot {
                        Slot::One(value) => datum(value),
                        Slot::Many(values) => Datum::List(values.iter().map(datum).collect()),
                        Slot::Missing | Slot::Now => continue,
                    };
                    put(&mut principal.metadata, path, datum);
                }
            }
        }
        principal
    }
}

fn put(into: &mut BTreeMap<String, Datum>, path: &[Box<str>], datum: Datum) {
    match path {
        [] => {}
        [last] => drop(into.insert(last.to_string(), datum)),
        [first, rest @ ..] => {
            let inner = into.entry(first.to_string()).or_insert_with(|| Datum::Map(BTreeMap::new()));
            if let Datum::Map(inner) = inner {
                put(inner, rest, datum);
            }
        }
    }
}

fn datum(value: &Value) -> Datum {
    match value {
        Value::Bool(value) => Datum::Bool(*value),
        Value::Int(value) => Datum::Int(*value),
        Value::Decimal(value) => Datum::Number(value.to_string()),
        other => Datum::Text(text(other)),
    }
}

/// A value as a token, a setting or a report writes it.
#[must_use]
pub fn text(value: &Value) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Decimal(value) => value.to_string(),
        Value::Text(value) => value.to_string(),
        Value::Uuid(value) => value.hyphenated().to_string(),
        Value::Timestamp(micros) => tenantry_policy::value::format_timestamp(*micros).unwrap_or_default(),
        _ => String::new(),
    }
}

fn shows(table: &Table, row: &dyn RowView, attrs: &dyn AttrView, op: Op, without: Option<usize>) -> bool {
    let mut widened = false;
    for (at, rule) in table.rules.iter().enumerate() {
        if !rule.on.has(op) || without == Some(at) {
            continue;
        }
        let holds = eval(&rule.when, row, attrs).is_true();
        if rule.kind.widens() {
            widened |= holds;
        } else if !holds {
            return false;
        }
    }
    widened
}

impl AttrView for Witness {
    fn slot(&self, id: AttrId) -> &Slot {
        self.principal.iter().find(|(known, _)| *known == id).map_or(&Slot::Missing, |(_, slot)| slot)
    }

    fn now_micros(&self) -> i64 {
        self.now_micros
    }
}

/// A row of a witness as conditions see it.
struct View<'w> {
    witness: &'w Witness,
    policy: &'w Policy,
    place: usize,
    depth: usize,
}

impl RowView for View<'_> {
    fn value(&self, column: ColumnRef) -> Option<&Value> {
        match column {
            ColumnRef::Own(column) => self.witness.rows.get(self.place)?.columns.get(&column.0)?.as_ref(),
            ColumnRef::Hop(relation, column) => {
                let wanted = (self.place, relation.0);
                let place = self.witness.rows.iter().position(|row| row.of.contains(&wanted))?;
                let other = self.witness.rows.get(place)?;
                let table = self.policy.table(other.table)?;
                // Hops never lead in a circle; the bound is for policies made by hand.
                let depth = self.depth + 1;
                let row = View { witness: self.witness, policy: self.policy, place, depth };
                let readable = depth < 16
                    && shows(table, &row, self.witness, Op::Read, None)
                    && table
                        .boundary
                        .get(Op::Read.index())
                        .is_some_and(|within| eval(within, &row, self.witness).is_true());
                if !readable {
                    return None;
                }
                other.columns.get(&column.0)?.as_ref()
            }
        }
    }
}
