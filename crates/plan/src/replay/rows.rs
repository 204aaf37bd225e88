//! The rows of a witness as rows that a table holds: what no rule reads is filled in.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use tenantry_policy::{ColumnId, Policy, Table, TableId, Type, Value};
use tenantry_proof::Witness;

/// A whole row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Filled {
    pub(super) table: TableId,
    /// By the places of the table's columns.
    pub(super) values: Vec<Option<Value>>,
}

/// A row on the way there.
type Known = BTreeMap<u16, Option<Value>>;

/// The rows, by the places of the witness.
///
/// # Errors
/// The witness contradicts itself, or the policy.
pub(super) fn fill(policy: &Policy, witness: &Witness) -> Result<Vec<Filled>, String> {
    let mut rows: Vec<(&Table, Known)> = Vec::new();
    for cast in &witness.rows {
        let table = policy.table(cast.table).ok_or("it speaks of a table that is not there")?;
        rows.push((table, cast.columns.clone()));
    }
    let mut fresh =
        Fresh { taken: rows.iter().flat_map(|(_, row)| row.values().flatten().cloned()).collect(), next: 0 };
    join(witness, &mut rows, &mut fresh)?;
    let mut filled: Vec<Filled> = Vec::new();
    for ((table, mut row), cast) in rows.into_iter().zip(&witness.rows) {
        if cast.role == "new row"
            && let Some(before) = filled.iter().find(|before| before.table == table.id)
        {
            // What the witness does not speak of stays as it was.
            for (at, value) in before.values.iter().enumerate() {
                if let Ok(at) = u16::try_from(at) {
                    row.entry(at).or_insert_with(|| value.clone());
                }
            }
        }
        let mut values = Vec::with_capacity(table.columns.len());
        for (at, column) in table.columns.iter().enumerate() {
            let known = u16::try_from(at).ok().and_then(|at| row.remove(&at));
            values.push(match (known, column.facts.ty) {
                (Some(known), _) => known,
                (None, Some(ty)) if !column.facts.nullable => Some(fresh.of(ty)),
                // NULL leads nowhere.
                (None, _) => None,
            });
        }
        filled.push(Filled { table: table.id, values });
    }
    Ok(filled)
}

/// Gives rows that a relation joins the same keys.
fn join(witness: &Witness, rows: &mut [(&Table, Known)], fresh: &mut Fresh) -> Result<(), String> {
    for (place, cast) in witness.rows.iter().enumerate() {
        for (holder, relation) in &cast.of {
            let (table, known) = rows.get(*holder).ok_or("a row hangs on none")?;
            let relation = table.relations.get(usize::from(*relation)).ok_or("a relation is not there")?;
            let mut made = Vec::new();
            for (own, theirs) in &relation.pairs {
                let there = rows.get(place).and_then(|(_, row)| row.get(&theirs.0));
                let value = match known.get(&own.0).or(there) {
                    Some(value) => value.clone(),
                    None => Some(fresh.of(ty(table, *own)?)),
                };
                made.push((*own, *theirs, value));
            }
            for (own, theirs, value) in made {
                for (row, column) in [(*holder, own), (place, theirs)] {
                    let Some((_, row)) = rows.get_mut(row) else { continue };
                    let before = row.insert(column.0, value.clone());
                    if before.is_some_and(|before| !same(before.as_ref(), value.as_ref())) {
                        return Err("rows that a relation joins have different keys".to_owned());
                    }
                }
            }
        }
    }
    Ok(())
}

fn ty(table: &Table, column: ColumnId) -> Result<Type, String> {
    table.column(column).and_then(|column| column.facts.ty).ok_or_else(|| "a key has no type".to_owned())
}

pub(super) fn same(left: Option<&Value>, right: Option<&Value>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => left.same(right),
        (None, None) => true,
        _ => false,
    }
}

/// Values that nothing else of the witness has.
struct Fresh {
    taken: Vec<Value>,
    next: u32,
}

impl Fresh {
    fn of(&mut self, ty: Type) -> Value {
        loop {
            self.next = self.next.saturating_add(1);
            let value = made(ty, self.next);
            // A bool has no third value, and so many of any other are not taken.
            if ty == Type::Bool || self.next == u32::MAX || !self.taken.iter().any(|known| known.same(&value)) {
                return value;
            }
        }
    }
}

fn made(ty: Type, number: u32) -> Value {
    match ty {
        Type::Bool => Value::Bool(false),
        Type::Int => Value::Int(1_000_i64.saturating_add(number.into())),
        Type::Decimal => Value::Decimal(Decimal::from(number)),
        Type::Text => Value::text(&format!("made up {number}")),
        Type::Uuid => {
            Value::Uuid(uuid::Uuid::from_u128(0x9999_9999_0000_4000_8000_0000_0000_0000 | u128::from(number)))
        }
        Type::Timestamp => Value::Timestamp(1_767_225_600_000_000_i64.saturating_add(number.into())),
        Type::Date => Value::Date(20_454),
        Type::Float => Value::Float(f64::from(number)),
        Type::Json => Value::Json("{}".into()),
        Type::Bytes => Value::Bytes([0_u8].as_slice().into()),
    }
}
