//! What is done to show a leak: the call that reaches the row.

use std::sync::Arc;

use serde_json::Value as Json;
use tenantry_policy::request::{Act, AskInclude, AskRead, AskTarget, Id, Literal};
use tenantry_policy::value::{format_date, format_timestamp};
use tenantry_policy::{Bound, ColumnId, Context, Op, Policy, Request, Table, TableId, Tool, Type, Value, decide};
use tenantry_proof::{Obligation, Promise, Witness};
use tenantry_source::Answer;
use tenantry_sql::Program;

use super::Scene;
use super::rows::same;

/// The call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Deed {
    /// The row at a place is read.
    Read(usize),
    /// A row comes along with another through a relation.
    Include {
        /// The place of the row that is asked for.
        parent: usize,
        /// The place of the row that comes along.
        row: usize,
        relation: String,
    },
    /// The first row is made.
    Create,
    /// The first row becomes the one at a place, or stays as it is.
    Update(Option<usize>),
    /// The first row is removed.
    Delete,
}

impl Deed {
    /// What to do for a leak, and the tables whose boundary is left out.
    pub(super) fn of(table: &Table, leak: &Obligation, witness: &Witness) -> Result<(Deed, Vec<TableId>), String> {
        let own = vec![table.id];
        let place = |role: &str| {
            let place = witness.rows.iter().position(|row| row.role == role);
            place.ok_or_else(|| format!("it speaks of no {role}"))
        };
        Ok(match (leak.promise, leak.op) {
            (Promise::Include, _) => {
                let name = named(leak)?;
                let (_, relation) = table.find_relation(name).ok_or("the relation is not there")?;
                let deed =
                    Deed::Include { parent: place("row")?, row: place("included row")?, relation: name.to_owned() };
                (deed, vec![table.id, relation.to])
            }
            (Promise::UpdateNew, _) => (Deed::Update(Some(place("new row")?)), own),
            (_, Some(Op::Read) | None) => (Deed::Read(0), own),
            (_, Some(Op::Create)) => (Deed::Create, own),
            (_, Some(Op::Update)) => (Deed::Update(None), own),
            (_, Some(Op::Delete)) => (Deed::Delete, own),
        })
    }

    /// Is the row at a place one that the call makes?
    pub(super) fn makes(&self, place: usize) -> bool {
        *self == Deed::Create && place == 0
    }

    /// Did the call do it?
    pub(super) fn is_done(&self, answer: &Answer) -> bool {
        match self {
            Deed::Read(_) => answer.count == 1,
            Deed::Create | Deed::Update(_) | Deed::Delete => answer.count == 1,
            Deed::Include { row, relation, .. } => {
                let rows: Vec<Json> = serde_json::from_slice(&answer.rows).unwrap_or_default();
                let came = rows.first().map(|parent| &parent[relation.as_str()]);
                let came = match came {
                    Some(Json::Array(rows)) => rows.as_slice(),
                    Some(row) => std::slice::from_ref(row),
                    None => &[],
                };
                // The key of a rehearsal is the last column of its tables, and the row's place.
                let key = u64::try_from(*row).ok();
                came.iter().filter_map(Json::as_object).any(|row| {
                    row.iter().any(|(name, value)| name.starts_with("rehearsed_row") && value.as_u64() == key)
                })
            }
        }
    }

    /// The program of the call, under a law of a rehearsal.
    ///
    /// # Errors
    /// Why the call is refused before any statement.
    pub(super) fn program(&self, law: &Policy, scene: &Scene, leak: &Obligation) -> Result<Program, String> {
        let table = law.find(&leak.table).ok_or("its table is not there")?;
        let request = self.request(table, scene, leak)?;
        let principal = Arc::new(scene.principal.clone());
        let bound = Bound::new(Arc::new(law.clone()), principal).map_err(|error| error.to_string())?;
        let context =
            Context { bound: Arc::new(bound), now_micros: scene.now_micros, request_id: Arc::from("rehearsal") };
        let allowed = decide(&context, request).map_err(|denied| format!("the call is refused: {}", denied.message))?;
        tenantry_sql::render(&allowed).map_err(|error| error.to_string())
    }

    fn request(&self, table: &Table, scene: &Scene, leak: &Obligation) -> Result<Request, String> {
        let (tool, act) = match self {
            Deed::Read(place) => (Tool::Get, Act::Get { id: id(*place)?, select: None, include: Vec::new() }),
            Deed::Include { parent, relation, .. } => {
                let include = vec![AskInclude { relation: relation.clone(), read: AskRead::default() }];
                (Tool::Get, Act::Get { id: id(*parent)?, select: None, include })
            }
            Deed::Create => {
                let row = scene.rows.first().ok_or("it speaks of no row")?;
                let mut data = vec![(name(table, *table.key.first().ok_or("no key")?)?, place(0)?)];
                for (at, value) in row.values.iter().enumerate() {
                    let column = u16::try_from(at).map(ColumnId).map_err(|error| error.to_string())?;
                    // What no call can write is left out, and NULL.
                    if table.column(column).is_some_and(|column| writable(column.facts.ty)) {
                        data.push((name(table, column)?, literal(value.as_ref())?));
                    }
                }
                (Tool::Create, Act::Create { rows: vec![data], return_fields: None })
            }
            Deed::Update(new) => {
                let data = changes(table, scene, leak, *new)?;
                (Tool::Update, Act::Update { target: AskTarget::Id(id(0)?), data })
            }
            Deed::Delete => (Tool::Delete, Act::Delete { id: id(0)? }),
        };
        Ok(Request { tool, model: table.name.to_string(), act, reason: Some(super::ROLE.to_owned()), dry_run: false })
    }
}

/// The last part of what an obligation is about: the relation's name.
fn named(leak: &Obligation) -> Result<&str, String> {
    let about = leak.about.as_ref().ok_or("it is about no relation")?;
    let prefix = ["table.", &leak.table, ".relation."].concat();
    about.as_str().strip_prefix(&prefix).ok_or_else(|| "it is about no relation".to_owned())
}

fn place(place: usize) -> Result<Literal, String> {
    i64::try_from(place).map(Literal::Int).map_err(|error| error.to_string())
}

fn id(at: usize) -> Result<Id, String> {
    place(at).map(Id::Single)
}

fn name(table: &Table, column: ColumnId) -> Result<String, String> {
    table.column(column).map(|column| column.facts.name.clone()).ok_or_else(|| "a column is not there".to_owned())
}

/// Can a call write values of the type?
fn writable(ty: Option<Type>) -> bool {
    ty.is_some_and(|ty| ty != Type::Bytes)
}

fn literal(value: Option<&Value>) -> Result<Literal, String> {
    let text = |text: String| Literal::Text(Arc::from(text));
    Ok(match value {
        None => Literal::Null,
        Some(Value::Bool(value)) => Literal::Bool(*value),
        Some(Value::Int(value)) => Literal::Int(*value),
        Some(Value::Decimal(value)) => Literal::Number(Arc::from(value.to_string())),
        Some(Value::Float(value)) => Literal::Number(Arc::from(value.to_string())),
        Some(Value::Text(value)) => Literal::Text(Arc::clone(value)),
        Some(Value::Uuid(value)) => text(value.hyphenated().to_string()),
        Some(Value::Timestamp(micros)) => text(format_timestamp(*micros).ok_or("a moment that no text can say")?),
        Some(Value::Date(days)) => text(format_date(*days).ok_or("a date that no text can say")?),
        Some(Value::Json(document)) => Literal::Object(Arc::clone(document)),
        Some(Value::Bytes(_)) => return Err("bytes cannot be written".to_owned()),
    })
}

/// What an update sets: where the new row differs; else the reference that is asked about, or a column, to what it
/// is.
fn changes(
    table: &Table,
    scene: &Scene,
    leak: &Obligation,
    new: Option<usize>,
) -> Result<Vec<(String, Literal)>, String> {
    let before = scene.rows.first().ok_or("it speaks of no row")?;
    let after = scene.rows.get(new.unwrap_or(0)).ok_or("it speaks of no new row")?;
    let value = |of: &super::rows::Filled, column: &ColumnId| of.values.get(column.index()).cloned().flatten();
    let can: Vec<ColumnId> = table
        .writes
        .update
        .iter()
        .copied()
        .filter(|column| table.column(*column).is_some_and(|column| writable(column.facts.ty)))
        .collect();
    let differs = |column: &&ColumnId| !same(value(before, column).as_ref(), value(after, column).as_ref());
    let mut set: Vec<ColumnId> = can.iter().filter(differs).copied().collect();
    if set.is_empty() && leak.promise == Promise::Reference {
        let (_, relation) = table.find_relation(named(leak)?).ok_or("the relation is not there")?;
        let own: Vec<ColumnId> = relation.pairs.iter().map(|(own, _)| *own).collect();
        set = can.iter().filter(|column| own.contains(column)).copied().collect();
    }
    if set.is_empty() {
        // What refers to nothing, where there is such a column: a reference would have to be visible, too.
        let refers = |column: &ColumnId| {
            table.relations.iter().any(|relation| relation.pairs.iter().any(|(own, _)| own == column))
        };
        set.extend(can.iter().find(|column| !refers(column)).or(can.first()));
    }
    set.into_iter().map(|column| Ok((name(table, column)?, literal(value(after, &column).as_ref())?))).collect()
}
