//! The interpreter: what a call must answer, worked out over plain rows in memory.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use crate::world::{Person, Row, World, creatable, granted, relations, scope_missing, shown, spec};

/// What a call must answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Expect {
    /// Success; the body without `success` and `next_cursor`.
    Body(Value),
    /// A refusal with one of these codes.
    Refused(&'static [&'static str]),
}

/// Answers a call and changes the world as the engine must.
pub fn answer(world: &mut World, person: &Person, tool: &str, args: &Value) -> Expect {
    let table = args["model"].as_str().expect("a model");
    let any = ["query", "get", "aggregate", "create", "update", "delete"].iter().any(|t| granted(person, table, t));
    if !any {
        return Expect::Refused(&["MODEL_NOT_ALLOWED"]);
    }
    if !granted(person, table, tool) {
        return Expect::Refused(&["TOOL_NOT_ALLOWED"]);
    }
    let op = match tool {
        "query" | "get" | "aggregate" => "read",
        "create" | "bulk_create" => "create",
        "delete" => "delete",
        _ => "update",
    };
    if scope_missing(person, table, op) {
        return Expect::Refused(&["TENANT_SCOPE_REQUIRED"]);
    }
    let before = world.clone();
    let expect = match tool {
        "query" => query(world, person, table, args),
        "get" => get(world, person, table, args),
        "aggregate" => aggregate(world, person, table, args),
        "create" => create(world, person, table, args, &[args["data"].clone()], true),
        "bulk_create" => create(world, person, table, args, args["rows"].as_array().expect("rows"), false),
        "update" => update(world, person, table, args),
        "bulk_update" => bulk_update(world, person, table, args),
        "delete" => delete(world, person, table, args),
        _ => unreachable!("a known tool"),
    };
    if args["dry_run"] == json!(true) || matches!(expect, Expect::Refused(_)) {
        *world = before;
    }
    expect
}

/// Rows that a read shows, all of them, in order: for comparing pages.
pub fn all_rows(world: &World, person: &Person, table: &str, args: &Value) -> Vec<Value> {
    let rows = fitting(world, person, table, args);
    rows.iter().map(|row| show(world, person, table, row, args)).collect()
}

fn fitting(world: &World, person: &Person, table: &str, args: &Value) -> Vec<Row> {
    let mut rows: Vec<Row> = world
        .rows(table)
        .iter()
        .filter(|row| world.reads(person, table, row) && fits(row, &args["where"]) == Some(true))
        .cloned()
        .collect();
    sort(table, &mut rows, &args["order_by"]);
    rows
}

fn query(world: &World, person: &Person, table: &str, args: &Value) -> Expect {
    if let Some(refused) = includes_refused(person, table, args) {
        return refused;
    }
    let rows = fitting(world, person, table, args);
    let take = args["take"].as_u64().unwrap_or(25) as usize;
    let data: Vec<Value> = rows.iter().take(take).map(|row| show(world, person, table, row, args)).collect();
    Expect::Body(json!({ "data": data, "has_more": rows.len() > take }))
}

fn get(world: &World, person: &Person, table: &str, args: &Value) -> Expect {
    if let Some(refused) = includes_refused(person, table, args) {
        return refused;
    }
    let row = find(world, table, &args["id"]).filter(|row| world.reads(person, table, row));
    Expect::Body(match row {
        Some(row) => json!({ "data": show(world, person, table, row, args), "found": true }),
        None => json!({ "data": null, "found": false }),
    })
}

fn includes_refused(person: &Person, table: &str, args: &Value) -> Option<Expect> {
    for include in args["include"].as_array().into_iter().flatten() {
        let name = include["relation"].as_str().expect("a relation");
        let (_, other, ..) = relations(table).iter().find(|relation| relation.0 == name).expect("a known relation");
        let readable = granted(person, other, "query") || granted(person, other, "get");
        if !readable || scope_missing(person, other, "read") {
            return Some(Expect::Refused(&["RELATION_NOT_ALLOWED"]));
        }
        if let Some(refused) = includes_refused(person, other, include) {
            return Some(refused);
        }
    }
    None
}

fn show(world: &World, person: &Person, table: &str, row: &Row, args: &Value) -> Value {
    let mut object = Map::new();
    let wanted: Vec<&str> = match args["select"].as_array() {
        Some(names) => names.iter().map(|name| name.as_str().expect("a name")).collect(),
        None => shown(table).to_vec(),
    };
    for field in wanted {
        object.insert(field.to_owned(), redact(field, &row[field]));
    }
    for include in args["include"].as_array().into_iter().flatten() {
        let name = include["relation"].as_str().expect("a relation");
        let (_, other, to_one, own, its) =
            *relations(table).iter().find(|relation| relation.0 == name).expect("a known relation");
        let mut related = fitting(world, person, other, include);
        related.retain(|candidate| !row[own].is_null() && candidate[its] == row[own]);
        let take = if to_one { 1 } else { include["take"].as_u64().unwrap_or(25) as usize };
        let mut data: Vec<Value> =
            related.iter().take(take).map(|row| show(world, person, other, row, include)).collect();
        let value = if to_one { data.pop().unwrap_or(Value::Null) } else { Value::Array(data) };
        object.insert(name.to_owned(), value);
    }
    Value::Object(object)
}

/// A hash is only known to be one; a card keeps its last four digits.
pub fn redact(field: &str, value: &Value) -> Value {
    match (field, value) {
        (_, Value::Null) => Value::Null,
        ("email", _) => json!("<hash>"),
        ("card", Value::String(card)) => {
            let digits: Vec<char> = card.chars().collect();
            let tail: String =
                if digits.len() > 8 { digits[digits.len() - 4..].iter().collect() } else { String::new() };
            json!(format!("***{tail}"))
        }
        _ => value.clone(),
    }
}

fn find<'w>(world: &'w World, table: &str, id: &Value) -> Option<&'w Row> {
    world.rows(table).iter().find(|row| is(table, row, id))
}

fn is(table: &str, row: &Row, id: &Value) -> bool {
    spec(table).key.iter().all(|key| match id {
        Value::Object(parts) => row[*key] == parts[*key],
        value => row[*key] == *value,
    })
}

fn sort(table: &str, rows: &mut [Row], order: &Value) {
    let mut keys: Vec<(String, bool)> = order
        .as_array()
        .into_iter()
        .flatten()
        .map(|o| (o["field"].as_str().expect("a field").to_owned(), o["direction"] == json!("desc")))
        .collect();
    for key in spec(table).key {
        if !keys.iter().any(|(name, _)| name == key) {
            keys.push(((*key).to_owned(), false));
        }
    }
    rows.sort_by(|a, b| {
        keys.iter().fold(Ordering::Equal, |so_far, (field, descending)| {
            so_far.then_with(|| match (&a[field], &b[field]) {
                (Value::Null, Value::Null) => Ordering::Equal,
                (Value::Null, _) => Ordering::Greater,
                (_, Value::Null) => Ordering::Less,
                (x, y) if *descending => compare(y, x),
                (x, y) => compare(x, y),
            })
        })
    });
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.as_f64().expect("a number").total_cmp(&b.as_f64().expect("a number")),
        },
        (Value::String(a), Value::String(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        _ => panic!("values of two types: {a} {b}"),
    }
}

/// Three-valued: `None` is unknown.
fn fits(row: &Row, filter: &Value) -> Option<bool> {
    #[allow(clippy::manual_try_fold, reason = "three-valued: an unknown part does not end the walk")]
    let and = |items: &[Value]| {
        items.iter().map(|item| fits(row, item)).fold(Some(true), |a, b| match (a, b) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        })
    };
    match filter {
        Value::Null => return Some(true),
        Value::Array(items) => return and(items),
        _ => {}
    }
    if let Some(items) = filter["and"].as_array() {
        return and(items);
    }
    if let Some(items) = filter["or"].as_array() {
        #[allow(clippy::manual_try_fold, reason = "three-valued: an unknown part does not end the walk")]
        return items.iter().map(|item| fits(row, item)).fold(Some(false), |a, b| match (a, b) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        });
    }
    if !filter["not"].is_null() {
        return fits(row, &filter["not"]).map(|truth| !truth);
    }
    let value = &row[filter["field"].as_str().expect("a field")];
    let other = &filter["value"];
    let op = filter["op"].as_str().expect("an operator");
    if op == "is_null" {
        return Some(value.is_null() == (*other != json!(false)));
    }
    if let Some(list) = other.as_array().filter(|_| op != "between") {
        if list.is_empty() {
            return Some(op == "not_in");
        }
        if value.is_null() {
            return None;
        }
        return Some(list.contains(value) == (op == "in"));
    }
    if value.is_null() {
        return None;
    }
    let text = || (value.as_str().expect("a text"), other.as_str().expect("a text"));
    Some(match op {
        "eq" => compare(value, other) == Ordering::Equal,
        "ne" => compare(value, other) != Ordering::Equal,
        "lt" => compare(value, other) == Ordering::Less,
        "lte" => compare(value, other) != Ordering::Greater,
        "gt" => compare(value, other) == Ordering::Greater,
        "gte" => compare(value, other) != Ordering::Less,
        "contains" => text().0.contains(text().1),
        "startswith" => text().0.starts_with(text().1),
        "endswith" => text().0.ends_with(text().1),
        "between" => compare(value, &other[0]) != Ordering::Less && compare(value, &other[1]) != Ordering::Greater,
        _ => unreachable!("a known operator"),
    })
}

fn aggregate(world: &World, person: &Person, table: &str, args: &Value) -> Expect {
    let by: Vec<&str> = args["group_by"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let rows = fitting(world, person, table, args);
    let mut groups: Vec<(Vec<Value>, Vec<Row>)> = Vec::new();
    for row in rows {
        let key: Vec<Value> = by.iter().map(|field| row[*field].clone()).collect();
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((key, vec![row])),
        }
    }
    if by.is_empty() && groups.is_empty() {
        groups.push((Vec::new(), Vec::new()));
    }
    groups.sort_by(|a, b| {
        a.0.iter().zip(&b.0).fold(Ordering::Equal, |so_far, pair| {
            so_far.then_with(|| match pair {
                (Value::Null, Value::Null) => Ordering::Equal,
                (Value::Null, _) => Ordering::Greater,
                (_, Value::Null) => Ordering::Less,
                (x, y) => compare(x, y),
            })
        })
    });
    let data: Vec<Value> = groups
        .into_iter()
        .filter_map(|(key, rows)| {
            let value = calculate(&rows, args);
            if !args["having"].is_null() {
                let fake = Row::from([("value".to_owned(), value.clone())]);
                let mut test = args["having"].clone();
                test["field"] = json!("value");
                if fits(&fake, &test) != Some(true) {
                    return None;
                }
            }
            let mut object: Map<String, Value> = by.iter().map(|f| (*f).to_owned()).zip(key).collect();
            object.insert("value".to_owned(), value);
            Some(Value::Object(object))
        })
        .collect();
    Expect::Body(json!({ "data": data }))
}

fn calculate(rows: &[Row], args: &Value) -> Value {
    let Some(field) = args["field"].as_str() else { return json!(rows.len()) };
    let mut values: Vec<&Value> = rows.iter().map(|row| &row[field]).filter(|value| !value.is_null()).collect();
    if args["distinct"] == json!(true) {
        values.sort_by(|a, b| compare(a, b));
        values.dedup();
    }
    let sum = || values.iter().map(|value| i128::from(value.as_i64().expect("an integer"))).sum::<i128>();
    match args["operation"].as_str().expect("an operation") {
        "count" => json!(values.len()),
        _ if values.is_empty() => Value::Null,
        "sum" => json!(i64::try_from(sum()).expect("a small sum")),
        "avg" => json!(sum() as f64 / values.len() as f64),
        "min" => values.iter().copied().min_by(|a, b| compare(a, b)).expect("not empty").clone(),
        "max" => values.iter().copied().max_by(|a, b| compare(a, b)).expect("not empty").clone(),
        _ => unreachable!("a known operation"),
    }
}

/// Is the row that a written field points at one that the person may read?
fn reference_visible(world: &World, person: &Person, table: &str, field: &str, value: &Value) -> bool {
    value.is_null()
        || spec(table).references.iter().filter(|(own, _)| *own == field).all(|(_, other)| {
            world.rows(other).iter().any(|row| {
                row["id"] == *value
                    && (world.bare || (!scope_missing(person, other, "read") && world.reads(person, other, row)))
            })
        })
}

fn create(world: &mut World, person: &Person, table: &str, args: &Value, rows: &[Value], single: bool) -> Expect {
    if rows.len() > 5 {
        return Expect::Refused(&["MAX_AFFECTED_ROWS_EXCEEDED"]);
    }
    let before = world.clone();
    let mut data = Vec::new();
    for given in rows {
        let mut row = Row::new();
        for (column, _, _) in spec(table).columns {
            let value = match *column {
                "tenant_id" => json!(person.tenant),
                "owner" => json!(person.user),
                "deleted" => json!(false),
                _ => given[*column].clone(),
            };
            row.insert((*column).to_owned(), value);
        }
        let faults = [
            creatable(table).iter().any(|f| !reference_visible(world, person, table, f, &row[*f])),
            find(world, table, &key_of(table, &row)).is_some(),
            !allowed_after(world, person, table, &row),
        ];
        match faults {
            [false, false, false] => {}
            [false, true, false] => {
                return match find(&before, table, &key_of(table, &row)) {
                    Some(holder) if before.reads(person, table, holder) => Expect::Refused(&["CONFLICT"]),
                    Some(_) => Expect::Refused(&["VALIDATION_ERROR"]),
                    // In the way of itself: two rows of one call.
                    None => Expect::Refused(&["CONFLICT", "VALIDATION_ERROR"]),
                };
            }
            // Two faults at once: either may be named.
            [_, true, _] => return Expect::Refused(&["CONFLICT", "VALIDATION_ERROR"]),
            _ => return Expect::Refused(&["VALIDATION_ERROR"]),
        }
        world.rows_mut(table).push(row.clone());
        data.push(show(world, person, table, &row, &Value::Null));
    }
    written(data, single, args)
}

/// A new row of a table that hangs on another one is judged with itself in the world.
fn allowed_after(world: &World, person: &Person, table: &str, row: &Row) -> bool {
    world.writes(person, table, row)
}

fn key_of(table: &str, row: &Row) -> Value {
    Value::Object(spec(table).key.iter().map(|key| ((*key).to_owned(), row[*key].clone())).collect())
}

fn written(mut data: Vec<Value>, single: bool, args: &Value) -> Expect {
    let mut body = Map::new();
    let count = data.len();
    if single {
        body.insert("data".to_owned(), data.pop().unwrap_or(Value::Null));
    } else {
        body.insert("data".to_owned(), Value::Array(data));
        body.insert("count".to_owned(), json!(count));
    }
    if args["dry_run"] == json!(true) {
        body.insert("dry_run".to_owned(), json!(true));
        body.insert("count".to_owned(), json!(count));
    }
    Expect::Body(Value::Object(body))
}

fn change(
    world: &World,
    person: &Person,
    table: &str,
    row: &Row,
    data: &Value,
) -> Result<Row, &'static [&'static str]> {
    let mut new = row.clone();
    for (field, value) in data.as_object().expect("fields") {
        if !reference_visible(world, person, table, field, value) {
            return Err(&["VALIDATION_ERROR"]);
        }
        new.insert(field.clone(), value.clone());
    }
    if world.writes(person, table, &new) { Ok(new) } else { Err(&["VALIDATION_ERROR"]) }
}

fn update(world: &mut World, person: &Person, table: &str, args: &Value) -> Expect {
    let row = find(world, table, &args["id"]).filter(|row| world.writes(person, table, row)).cloned();
    let Some(row) = row else {
        let bad_reference = args["data"]
            .as_object()
            .expect("fields")
            .iter()
            .any(|(field, value)| !reference_visible(world, person, table, field, value));
        return Expect::Refused(if bad_reference { &["NOT_FOUND", "VALIDATION_ERROR"] } else { &["NOT_FOUND"] });
    };
    match change(world, person, table, &row, &args["data"]) {
        Err(codes) => Expect::Refused(codes),
        Ok(new) => {
            put(world, table, new.clone());
            written(vec![show(world, person, table, &new, &Value::Null)], true, args)
        }
    }
}

fn put(world: &mut World, table: &str, new: Row) {
    let id = key_of(table, &new);
    for row in world.rows_mut(table) {
        if is(table, row, &id) {
            *row = new.clone();
        }
    }
}

fn bulk_update(world: &mut World, person: &Person, table: &str, args: &Value) -> Expect {
    let rows: Vec<Row> = match args["ids"].as_array() {
        Some(ids) => {
            if ids.len() > 5 {
                return Expect::Refused(&["MAX_AFFECTED_ROWS_EXCEEDED"]);
            }
            let found: Vec<Row> = ids
                .iter()
                .filter_map(|id| find(world, table, id).filter(|row| world.writes(person, table, row)).cloned())
                .collect();
            if found.len() < ids.len() {
                return Expect::Refused(&["NOT_FOUND", "VALIDATION_ERROR"]);
            }
            found
        }
        None => {
            let rows = world.rows(table).iter();
            rows.filter(|row| world.writes(person, table, row) && fits(row, &args["where"]) == Some(true))
                .cloned()
                .collect()
        }
    };
    if rows.len() > 5 {
        return Expect::Refused(&["MAX_AFFECTED_ROWS_EXCEEDED", "VALIDATION_ERROR"]);
    }
    let mut data = Vec::new();
    for row in rows {
        match change(world, person, table, &row, &args["data"]) {
            Err(codes) => return Expect::Refused(codes),
            Ok(new) => {
                put(world, table, new.clone());
                data.push(show(world, person, table, &new, &Value::Null));
            }
        }
    }
    written(data, false, args)
}

fn delete(world: &mut World, person: &Person, table: &str, args: &Value) -> Expect {
    if table == "customers" {
        return Expect::Refused(&["WRITE_DISABLED"]);
    }
    let row = find(world, table, &args["id"]).filter(|row| world.writes(person, table, row)).cloned();
    let Some(row) = row else { return Expect::Refused(&["NOT_FOUND"]) };
    let key = key_of(table, &row);
    if table == "docs" {
        let mut marked = row;
        marked.insert("deleted".to_owned(), json!(true));
        put(world, table, marked);
    } else {
        if table == "orders" && world.rows("lines").iter().any(|line| line["order_id"] == row["id"]) {
            return Expect::Refused(&["VALIDATION_ERROR"]);
        }
        let id = key_of(table, &row);
        world.rows_mut(table).retain(|row| !is(table, row, &id));
    }
    let mut body = json!({ "data": { "deleted": true } });
    if args["dry_run"] == json!(true) {
        body["data"] = json!({ "deleted": false, "would_delete": key });
        body["dry_run"] = json!(true);
        body["count"] = json!(1);
    }
    Expect::Body(body)
}
