//! Conditions in SQLite say exactly what the evaluator says: TRUE, FALSE and UNKNOWN.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use rusqlite::types::Value as Stored;
use tenantry_policy::attribute::{AttrPath, Attributes};
use tenantry_policy::bound::Slot;
use tenantry_policy::catalog::{Dialect, Storage};
use tenantry_policy::condition::{Cmp, ColumnRef, Cond, RowView, Term, Truth, eval};
use tenantry_policy::principal::{Datum, Principal};
use tenantry_policy::table::{OpSet, Rule, RuleKind, Table, Writes};
use tenantry_policy::value::{format_date, format_timestamp};
use tenantry_policy::{Address, AttrId, Bound, ColumnId, Context, Op, Policy, RelationId, Type, Value};
use uuid::Uuid;

use super::world::{NOW, Spec, column, policy};
use crate::program::Param;
use crate::scribe::{Marked, Need, Row, Scribe};

/// The columns of both tables, by position: their types, and whether a rule may read them.
const COLUMNS: [(&str, Type); 10] = [
    ("id", Type::Int),
    ("next", Type::Int),
    ("word", Type::Text),
    ("loose", Type::Text),
    ("number", Type::Int),
    ("amount", Type::Decimal),
    ("price", Type::Decimal),
    ("flag", Type::Bool),
    ("at", Type::Timestamp),
    ("moment", Type::Timestamp),
];
const UUID: ColumnId = ColumnId(10);

/// How a value is bound and stored.
pub(super) fn stored(value: Option<&Value>, storage: Storage) -> Stored {
    match value {
        None => Stored::Null,
        Some(Value::Bool(flag)) => Stored::Integer(i64::from(*flag)),
        Some(Value::Int(number)) => Stored::Integer(*number),
        Some(Value::Decimal(number)) => Stored::Real(number.to_string().parse().unwrap()),
        Some(Value::Text(text) | Value::Json(text)) => Stored::Text(text.to_string()),
        Some(Value::Uuid(id)) => Stored::Text(id.hyphenated().to_string()),
        Some(Value::Timestamp(micros)) if storage == Storage::TimestampMicros => Stored::Integer(*micros),
        Some(Value::Timestamp(micros)) => {
            Stored::Text(format_timestamp(*micros).unwrap().replace('T', " ").replace('Z', ""))
        }
        Some(Value::Date(days)) => Stored::Text(format_date(*days).unwrap()),
        Some(Value::Float(number)) => Stored::Real(*number),
        Some(Value::Bytes(bytes)) => Stored::Blob(bytes.to_vec()),
    }
}

pub(super) fn bound(params: &[Param], keys: &str) -> Vec<Stored> {
    params
        .iter()
        .map(|param| match param {
            Param::Value { value, storage, .. } => stored(value.as_ref(), *storage),
            Param::Keys { .. } => Stored::Text(keys.to_owned()),
            Param::List { .. } => panic!("SQLite has no lists"),
        })
        .collect()
}

fn world() -> Policy {
    let columns = || {
        let mut columns: Vec<_> = COLUMNS.iter().map(|(name, ty)| column(Dialect::Sqlite, name, *ty, true)).collect();
        columns.push(column(Dialect::Sqlite, "uid", Type::Uuid, true));
        columns[3].facts.loose_collation = Some("NOCASE".to_owned());
        columns[5].facts.scale = Some(2);
        columns[6].facts.scale = Some(4);
        columns[9].facts.storage = Storage::TimestampMicros;
        columns
    };
    let own = Spec {
        name: "own",
        columns: columns(),
        key: vec!["id"],
        unique: vec![],
        relations: vec![("next", "related", true, "next", "id")],
        rules: vec![(RuleKind::Shared, "", OpSet::READ, "TRUE")],
        boundary: ("TRUE", "TRUE"),
        writes: |_| Writes::default(),
    };
    let related = Spec {
        name: "related",
        columns: columns(),
        key: vec!["id"],
        unique: vec![],
        relations: vec![],
        // Rows that the principal may not read on their own count as absent.
        rules: vec![
            (RuleKind::Permit, "seen", OpSet::READ, "word <> 'hidden' OR word IS NULL"),
            (RuleKind::Require, "small", OpSet::READ, "number < 100 OR number IS NULL"),
        ],
        boundary: ("TRUE", "TRUE"),
        writes: |_| Writes::default(),
    };
    let mut policy = policy(Dialect::Sqlite, vec![own, related]);
    policy.attributes = attributes();
    policy
}

/// Name, type, list.
const ATTRIBUTES: [(&str, Type, bool); 9] = [
    ("word", Type::Text, false),
    ("number", Type::Int, false),
    ("amount", Type::Decimal, false),
    ("flag", Type::Bool, false),
    ("at", Type::Timestamp, false),
    ("uid", Type::Uuid, false),
    ("words", Type::Text, true),
    ("numbers", Type::Int, true),
    ("amounts", Type::Decimal, true),
];

fn attributes() -> Attributes {
    let mut attributes = Attributes::default();
    for (name, ty, list) in ATTRIBUTES {
        attributes.note(AttrPath::Metadata(vec![name.into()]), ty, list).unwrap();
    }
    attributes.note(AttrPath::Now, Type::Timestamp, false).unwrap();
    attributes
}

fn value(ty: Type) -> BoxedStrategy<Value> {
    let decimal = |text: &'static str| Value::Decimal(text.parse().unwrap());
    match ty {
        Type::Int => select(vec![i64::MIN, -1, 0, 1, 2, 99, 100, i64::MAX]).prop_map(Value::Int).boxed(),
        Type::Text => {
            select(vec!["a", "A", "ab", "hidden", "é", "e\u{301}", "a ", "b'\"--", "%"]).prop_map(Value::text).boxed()
        }
        Type::Decimal => select(vec!["0", "0.1", "0.10", "0.30", "-1.25", "12.34", "-0.01", "0.29", "1.15", "4.35"])
            .prop_map(decimal)
            .boxed(),
        Type::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Type::Timestamp => {
            select(vec![0, NOW, NOW + 1, NOW + 500_000, NOW + 1_000_000]).prop_map(Value::Timestamp).boxed()
        }
        _ => select(vec![1_u128, 2, u128::MAX]).prop_map(|id| Value::Uuid(Uuid::from_u128(id))).boxed(),
    }
}

/// Literals may be what no column can hold.
fn literal(ty: Type) -> BoxedStrategy<Value> {
    match ty {
        Type::Decimal => {
            let odd = [
                "0.105",
                "-1.255",
                "-0.009",
                "99999999999999999999.5",
                "-99999999999999999999",
                "0.1000000000000000000000001",
            ];
            prop_oneof![value(ty), select(odd.to_vec()).prop_map(|text| Value::Decimal(text.parse().unwrap()))].boxed()
        }
        Type::Text => prop_oneof![value(ty), Just(Value::text(""))].boxed(),
        _ => value(ty),
    }
}

fn reach(ty: Type) -> BoxedStrategy<ColumnRef> {
    let mut ids: Vec<ColumnId> =
        (0..).zip(COLUMNS).filter(|(_, (_, known))| *known == ty).map(|(at, _)| ColumnId(at)).collect();
    if ty == Type::Uuid {
        ids.push(UUID);
    }
    (select(ids), any::<bool>())
        .prop_map(|(id, hop)| if hop { ColumnRef::Hop(RelationId(0), id) } else { ColumnRef::Own(id) })
        .boxed()
}

fn attr(ty: Type, list: bool) -> BoxedStrategy<AttrId> {
    let mut ids: Vec<AttrId> = (0..)
        .zip(ATTRIBUTES)
        .filter(|(_, (_, known, many))| *known == ty && *many == list)
        .map(|(at, _)| AttrId(at))
        .collect();
    if ty == Type::Timestamp && !list {
        ids.push(AttrId(9));
    }
    select(ids).boxed()
}

fn term(ty: Type) -> BoxedStrategy<Term> {
    prop_oneof![
        4 => reach(ty).prop_map(Term::Column),
        2 => attr(ty, false).prop_map(Term::Attr),
        2 => literal(ty).prop_map(Term::Literal),
    ]
    .boxed()
}

fn any_type() -> BoxedStrategy<Type> {
    select(vec![Type::Int, Type::Text, Type::Decimal, Type::Bool, Type::Timestamp, Type::Uuid]).boxed()
}

fn atom() -> BoxedStrategy<Cond> {
    let compare = any_type().prop_flat_map(|ty| {
        let mut operators = vec![Cmp::Eq, Cmp::Ne];
        if ty.ordered_in_conditions() {
            operators.extend([Cmp::Lt, Cmp::Le, Cmp::Gt, Cmp::Ge]);
        }
        (term(ty), select(operators), term(ty)).prop_map(move |(left, cmp, right)| Cond::Compare {
            left,
            cmp,
            right,
            ty,
        })
    });
    let literals = any_type().prop_flat_map(|ty| {
        (term(ty), vec(literal(ty), 0..3), any::<bool>()).prop_map(|(term, list, negated)| Cond::InLiterals {
            term,
            list,
            negated,
        })
    });
    let listed = select(vec![Type::Int, Type::Text, Type::Decimal]).prop_flat_map(|ty| {
        (term(ty), attr(ty, true), any::<bool>()).prop_map(|(term, list, negated)| Cond::InAttr { term, list, negated })
    });
    let prefix = prop_oneof![literal(Type::Text).prop_map(Term::Literal), attr(Type::Text, false).prop_map(Term::Attr)];
    prop_oneof![
        1 => any::<bool>().prop_map(Cond::Const),
        1 => (0_u16..10).prop_map(|at| Cond::Has(AttrId(at))),
        2 => (any_type().prop_flat_map(reach), any::<bool>())
            .prop_map(|(column, negated)| Cond::IsNull { column, negated }),
        8 => compare,
        3 => literals,
        3 => listed,
        3 => (term(Type::Text), prefix).prop_map(|(term, prefix)| Cond::StartsWith { term, prefix }),
    ]
    .boxed()
}

fn cond() -> BoxedStrategy<Cond> {
    atom()
        .prop_recursive(4, 16, 3, |inner| {
            prop_oneof![
                vec(inner.clone(), 1..4).prop_map(Cond::And),
                vec(inner.clone(), 1..4).prop_map(Cond::Or),
                inner.prop_map(|inner| Cond::Not(Box::new(inner))),
            ]
        })
        .boxed()
}

/// Numbers that only the finer of the two decimal columns can hold.
fn literal_price() -> impl Strategy<Value = &'static str> {
    select(vec!["0.1001", "0.2999", "12.3456", "-1.2501"])
}

/// A row's values after its id.
fn row() -> impl Strategy<Value = Vec<Option<Value>>> {
    let next = option::of((1_i64..5).prop_map(Value::Int));
    let fine =
        || prop_oneof![value(Type::Decimal), literal_price().prop_map(|text| Value::Decimal(text.parse().unwrap()))];
    let rest: Vec<_> = COLUMNS
        .iter()
        .skip(2)
        .copied()
        .chain([("uid", Type::Uuid)])
        .map(|(name, ty)| option::weighted(0.8, if name == "price" { fine().boxed() } else { value(ty) }))
        .collect();
    (next, rest).prop_map(|(next, mut rest)| {
        rest.insert(0, next);
        rest
    })
}

fn principal() -> impl Strategy<Value = Principal> {
    let datum = |value: Value| match value {
        Value::Bool(flag) => Datum::Bool(flag),
        Value::Int(number) => Datum::Int(number),
        Value::Decimal(number) => Datum::Number(number.to_string()),
        Value::Text(text) => Datum::Text(text.to_string()),
        Value::Uuid(id) => Datum::Text(id.hyphenated().to_string()),
        Value::Timestamp(micros) => Datum::Text(format_timestamp(micros).unwrap()),
        other => panic!("{other:?}"),
    };
    let each: Vec<_> = ATTRIBUTES
        .iter()
        .map(|(_, ty, list)| {
            // A second spelling of a letter would be refused when a principal is bound.
            let fit = value(*ty).prop_filter("composed", |value| *value != Value::text("e\u{301}"));
            let one = if *list {
                vec(fit, 0..3).prop_map(move |items| Datum::List(items.into_iter().map(datum).collect())).boxed()
            } else {
                fit.prop_map(datum).boxed()
            };
            option::weighted(0.8, one)
        })
        .collect();
    each.prop_map(|values| {
        let named = ATTRIBUTES.iter().zip(values).filter_map(|((name, ..), value)| Some(((*name).to_owned(), value?)));
        Principal { metadata: named.collect::<BTreeMap<_, _>>(), ..Principal::default() }
    })
}

struct View<'a> {
    own: &'a [Option<Value>],
    related: &'a [Vec<Option<Value>>],
}

impl View<'_> {
    fn of(row: &[Option<Value>], id: ColumnId) -> Option<&Value> {
        row.get(id.index()).and_then(Option::as_ref)
    }
}

impl RowView for View<'_> {
    fn value(&self, column: ColumnRef) -> Option<&Value> {
        match column {
            ColumnRef::Own(id) => View::of(self.own, id),
            ColumnRef::Hop(_, id) => {
                let key = View::of(self.own, ColumnId(1))?;
                let row = self.related.iter().find(|row| View::of(row, ColumnId(0)) == Some(key))?;
                let seen = View::of(row, ColumnId(2)) != Some(&Value::text("hidden"))
                    && !matches!(View::of(row, ColumnId(4)), Some(Value::Int(number)) if *number >= 100);
                if seen { View::of(row, id) } else { None }
            }
        }
    }
}

fn with_ids(rows: Vec<Vec<Option<Value>>>) -> Vec<Vec<Option<Value>>> {
    (1..)
        .zip(rows)
        .map(|(id, mut row)| {
            row.insert(0, Some(Value::Int(id)));
            row
        })
        .collect()
}

fn fill(connection: &rusqlite::Connection, table: &Table, rows: &[Vec<Option<Value>>]) {
    for row in rows {
        let values: Vec<Stored> = row
            .iter()
            .zip(&table.columns)
            .map(|(value, column)| stored(value.as_ref(), column.facts.storage))
            .collect();
        let sql = format!("INSERT INTO {} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", table.db_name);
        connection.execute(&sql, rusqlite::params_from_iter(values)).unwrap();
    }
}

fn filled(context: &Context, own: &[Vec<Option<Value>>], related: &[Vec<Option<Value>>]) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open_in_memory().unwrap();
    let columns = "(id INTEGER PRIMARY KEY, next INTEGER, word TEXT, loose TEXT COLLATE NOCASE, number INTEGER, \
        amount NUMERIC(10,2), price DECIMAL(12,4), flag BOOLEAN, at DATETIME, moment INTEGER, uid TEXT)";
    for (name, rows) in [("own", own), ("related", related)] {
        connection.execute_batch(&format!("CREATE TABLE {name} {columns}")).unwrap();
        fill(&connection, context.bound.policy.find(name).unwrap(), rows);
    }
    connection
}

fn truths(context: &Context, connection: &rusqlite::Connection, cond: &Cond, need: Need, few: bool) -> Vec<Truth> {
    let table = context.bound.policy.find("own").unwrap();
    let mut scribe = Scribe::call(context, table, None);
    scribe.few = few;
    let row = Row::new(scribe.sql.alias(), table);
    scribe.sql.push("SELECT (");
    scribe.cond(row, cond, need).unwrap();
    scribe.sql.push(") FROM ");
    scribe.sql.table_as(table, row.alias);
    scribe.sql.push(" ORDER BY 1 + ");
    scribe.sql.column(row.alias, table, ColumnId(0)).unwrap();
    let statement = scribe.sql.finish().unwrap().statement;
    let mut prepared = connection.prepare(&statement.sql).unwrap_or_else(|error| panic!("{error}: {}", statement.sql));
    let params = rusqlite::params_from_iter(bound(&statement.params, ""));
    prepared
        .query_map(params, |row| row.get::<_, Option<i64>>(0))
        .unwrap()
        .map(|truth| match truth.unwrap() {
            None => Truth::Unknown,
            Some(0) => Truth::False,
            Some(_) => Truth::True,
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn sqlite_agrees_with_the_evaluator(
        conds in vec(cond(), 4),
        rows in vec(row(), 1..6),
        related in vec(row(), 0..5),
        principal in principal(),
    ) {
        let bound = Bound::new(Arc::new(world()), Arc::new(principal)).unwrap();
        let context = Context { bound: Arc::new(bound), now_micros: NOW, request_id: "test".into() };
        let (rows, related) = (with_ids(rows), with_ids(related));
        let connection = filled(&context, &rows, &related);
        for cond in &conds {
            let wanted: Vec<Truth> =
                rows.iter().map(|own| eval(cond, &View { own, related: &related }, &context)).collect();
            prop_assert_eq!(&truths(&context, &connection, cond, Need::Exact, false), &wanted, "{:?}", cond);
            let allowed: Vec<bool> = wanted.iter().map(|truth| truth.is_true()).collect();
            for few in [false, true] {
                let found = truths(&context, &connection, cond, Need::Truth, few);
                let found: Vec<bool> = found.iter().map(|truth| truth.is_true()).collect();
                prop_assert_eq!(&found, &allowed, "few: {} {:?}", few, cond);
            }
        }
    }
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let kinds =
        [RuleKind::Scope, RuleKind::Permit, RuleKind::Permit, RuleKind::Bypass, RuleKind::Require, RuleKind::Live];
    let one = (select(kinds.to_vec()), cond()).prop_map(|(kind, when)| {
        let address = Address::new(["table.own.", kind.name()].concat());
        Rule { address, kind, on: OpSet::ALL, when, text: "".into() }
    });
    vec(one, 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn rules_combine_as_the_law_says(
        rules in rules(),
        boundary in prop_oneof![Just(Cond::Const(true)), cond()],
        rows in vec(row(), 1..6),
        related in vec(row(), 0..5),
        principal in principal(),
    ) {
        let mut policy = world();
        for table in policy.tables.iter_mut().filter(|table| table.name.as_ref() == "own") {
            table.rules.clone_from(&rules);
            table.boundary[0] = boundary.clone();
        }
        let bound = Bound::new(Arc::new(policy), Arc::new(principal)).unwrap();
        let context = Context { bound: Arc::new(bound), now_micros: NOW, request_id: "test".into() };
        let (rows, related) = (with_ids(rows), with_ids(related));
        let connection = filled(&context, &rows, &related);
        let table = context.bound.policy.find("own").unwrap();
        let wanted: Vec<i64> = (1..)
            .zip(&rows)
            .filter(|(_, own)| {
                let holds = |cond: &Cond| eval(cond, &View { own, related: &related }, &context).is_true();
                rules.iter().any(|rule| rule.kind.widens() && holds(&rule.when))
                    && rules.iter().all(|rule| rule.kind.widens() || holds(&rule.when))
                    && holds(&boundary)
            })
            .map(|(id, _)| id)
            .collect();
        for few in [false, true] {
            let mut scribe = Scribe::call(&context, table, None);
            scribe.few = few;
            let row = Row::new(scribe.sql.alias(), table);
            scribe.sql.push("SELECT id FROM ");
            scribe.sql.table_as(table, row.alias);
            scribe.sql.push(" WHERE ");
            scribe.visible(row, &[context.bound.access(table.id, Op::Read)], Marked::Hidden).unwrap();
            scribe.sql.push(" ORDER BY id");
            let statement = scribe.sql.finish().unwrap().statement;
            let params = rusqlite::params_from_iter(super::agree::bound(&statement.params, ""));
            let mut prepared = connection.prepare(&statement.sql).unwrap();
            let found: Vec<i64> = prepared.query_map(params, |row| row.get(0)).unwrap().map(Result::unwrap).collect();
            prop_assert_eq!(&found, &wanted, "few: {} {}", few, statement.sql);
        }
    }
}

#[test]
fn the_principal_of_the_test_is_read_as_meant() {
    let list = Datum::List(Vec::new());
    let metadata = BTreeMap::from([("words".to_owned(), list), ("number".to_owned(), Datum::Int(5))]);
    let bound = Bound::new(Arc::new(world()), Arc::new(Principal { metadata, ..Principal::default() })).unwrap();
    assert_eq!(bound.slot(AttrId(1)), &Slot::One(Value::Int(5)));
    assert_eq!(bound.slot(AttrId(6)), &Slot::Many(Vec::new()));
    assert_eq!(bound.slot(AttrId(0)), &Slot::Missing);
    assert_eq!(bound.slot(AttrId(9)), &Slot::Now);
}
