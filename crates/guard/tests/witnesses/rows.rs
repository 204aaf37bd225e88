//! The rows of a witness as rows that a database holds: what no rule reads is filled in.

use serde_json::{Map, Value as Json, json};
use tenantry_policy::value::format_timestamp;
use tenantry_policy::{ColumnId, Policy, Table, Type, Value};
use tenantry_proof::Witness;

/// A row by the names of its columns.
pub type Row = Map<String, Json>;

fn told(value: &Value) -> Json {
    match value {
        Value::Bool(value) => json!(value),
        Value::Int(value) => json!(value),
        Value::Decimal(value) => json!(value.to_string()),
        Value::Text(value) => json!(value.as_ref()),
        Value::Uuid(value) => json!(value.hyphenated().to_string()),
        Value::Timestamp(micros) => json!(format_timestamp(*micros).expect("a moment that text can say")),
        other => panic!("{other:?} is in no condition"),
    }
}

/// A value that nothing else has.
fn fresh(ty: Type, next: &mut i64) -> Json {
    *next += 1;
    match ty {
        Type::Bool => json!(false),
        Type::Int => json!(1_000 + *next),
        Type::Decimal => json!(format!("{next}.00")),
        Type::Text => json!(format!("made up {next}")),
        Type::Uuid => json!(format!("99999999-0000-4000-8000-{next:012}")),
        _ => json!("2026-01-01T00:00:00Z"),
    }
}

fn name(table: &Table, column: ColumnId) -> &String {
    &table.column(column).unwrap().facts.name
}

fn ty(table: &Table, column: ColumnId) -> Type {
    table.column(column).unwrap().facts.ty.unwrap()
}

/// The rows, by the places of the witness.
pub fn fill(policy: &Policy, witness: &Witness) -> Vec<Row> {
    let table = |place: usize| policy.table(witness.rows[place].table).unwrap();
    let mut next = 0;
    let mut rows: Vec<Row> = Vec::new();
    for (place, cast) in witness.rows.iter().enumerate() {
        let columns = cast.columns.iter();
        rows.push(
            columns
                .map(|(at, value)| (name(table(place), ColumnId(*at)).clone(), value.as_ref().map_or(Json::Null, told)))
                .collect(),
        );
    }
    // Keys by which rows are joined.
    for (place, cast) in witness.rows.iter().enumerate() {
        for (holder, relation) in &cast.of {
            for (own, theirs) in &table(*holder).relations[usize::from(*relation)].pairs {
                let (here, there) = (name(table(*holder), *own).clone(), name(table(place), *theirs).clone());
                let known = rows[*holder].get(&here).or_else(|| rows[place].get(&there)).cloned();
                let value = known.unwrap_or_else(|| fresh(ty(table(place), *theirs), &mut next));
                let before = [rows[*holder].insert(here, value.clone()), rows[place].insert(there, value.clone())];
                assert!(before.iter().flatten().all(|known| *known == value), "keys that differ: {witness:?}");
            }
        }
    }
    for place in 0..rows.len() {
        let table = table(place);
        // What leads nowhere must not lead to a row that is there for another.
        for relation in table.relations.iter().filter(|relation| relation.to_one) {
            for (own, _) in &relation.pairs {
                let column = name(table, *own).clone();
                if table.key.contains(own) || rows[place].contains_key(&column) {
                    continue;
                }
                let nullable = table.column(*own).unwrap().facts.nullable;
                let value = if nullable { Json::Null } else { fresh(ty(table, *own), &mut next) };
                rows[place].insert(column, value);
            }
        }
        for at in 0..table.columns.len() {
            let column = ColumnId(u16::try_from(at).unwrap());
            let facts = &table.column(column).unwrap().facts;
            if rows[place].contains_key(&facts.name) {
                continue;
            }
            let kept = (witness.rows[place].role == "new row").then(|| rows[0].get(&facts.name).cloned()).flatten();
            let value = match kept {
                Some(kept) => kept,
                None if facts.nullable => Json::Null,
                None => fresh(ty(table, column), &mut next),
            };
            rows[place].insert(facts.name.clone(), value);
        }
    }
    rows
}
