//! Statements on real rows in SQLite: pages, includes, groups, writes.

use std::cmp::Ordering;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use rusqlite::types::Value as Stored;
use tenantry_policy::catalog::{Dialect, Storage};
use tenantry_policy::condition::Cmp;
use tenantry_policy::filter::Filter;
use tenantry_policy::principal::Principal;
use tenantry_policy::query::{
    Aggregate, Create, Delete, Having, Include, Order, Query, Read, Reference, Target, Update,
};
use tenantry_policy::request::Operation;
use tenantry_policy::{ColumnId, Context, Op, Type, Value};

use super::agree::{bound, stored};
use super::statements::{SCHEMA, read};
use super::world::{NOW, access, context, id, ids, of, parent, shop, support, table, text};
use crate::program::{Change, Insert, Level, Param, Statement, Steps};
use crate::render_query;

const ROWS: &str = "
    INSERT INTO customers VALUES (1, 'acme', 'Ann', 'eu'), (2, 'globex', 'Bob', 'eu'), (3, 'acme', 'Cy', 'closed');
    INSERT INTO orders (id, tenant_id, customer_id, status, total, reference) VALUES
        (1, 'acme', 1, 'open', 1.10, 'a1'), (2, 'acme', 1, 'open', 2.20, 'a2'), (3, 'acme', NULL, 'archived', 9, 'a3'),
        (4, 'globex', 2, 'open', 4.40, 'g4'), (5, 'acme', 3, 'open', 5.50, 'a5'), (6, 'acme', NULL, 'paid', 0.30, 'a6');
    INSERT INTO orders (id, tenant_id, status, deleted_at) VALUES (7, 'acme', 'open', '2026-01-01 00:00:00');
    INSERT INTO order_lines VALUES (1, 1, 'pen', 0.1), (1, 2, 'ink', 0.2), (1, 3, 'cap', 0.3), (2, 1, 'pad', 1), (4, 1, 'car', 9);
    INSERT INTO plans VALUES (1, 'free', 1), (2, 'secret', 0);
";

fn shop_of(principal: Principal) -> (Context, rusqlite::Connection) {
    let connection = rusqlite::Connection::open_in_memory().unwrap();
    connection.execute_batch(SCHEMA).unwrap();
    connection.execute_batch(ROWS).unwrap();
    (context(shop(Dialect::Sqlite), principal), connection)
}

fn run_with(
    connection: &rusqlite::Connection,
    statement: &Statement,
    params: &[Param],
    keys: &str,
) -> Vec<Vec<Stored>> {
    let mut prepared = connection.prepare(&statement.sql).unwrap_or_else(|error| panic!("{error}: {}", statement.sql));
    let width = prepared.column_count();
    assert_eq!(width, statement.output.len());
    let mut rows = prepared.query(rusqlite::params_from_iter(bound(params, keys))).unwrap();
    let mut found = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        found.push((0..width).map(|at| row.get(at).unwrap()).collect());
    }
    found
}

fn run(connection: &rusqlite::Connection, statement: &Statement) -> Vec<Vec<Stored>> {
    run_with(connection, statement, &statement.params, "")
}

fn level(context: &Context, read: Read) -> Level {
    match &render_query(context, &Query::Read(read)).unwrap().steps {
        Steps::Read(level) => level.clone(),
        other => panic!("{other:?}"),
    }
}

fn numbers(rows: &[Vec<Stored>], at: usize) -> Vec<i64> {
    rows.iter()
        .map(|row| match &row[at] {
            Stored::Integer(number) => *number,
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn rows_that_the_rules_show() {
    for (who, name, wanted) in [
        // Archived, marked, of a closed customer, someone else's: not shown.
        (of("acme"), "orders", vec![1, 2, 6]),
        (of("globex"), "orders", vec![4]),
        (of("initech"), "orders", vec![]),
        (parent("acme", &["globex"]), "orders", vec![1, 2, 4, 6]),
        (parent("acme", &[]), "orders", vec![1, 2, 6]),
        // Support reads no customer, and cannot know that none of them is closed.
        (support(), "orders", vec![6]),
        (of("acme"), "order_lines", vec![1, 1, 1, 2]),
        (parent("acme", &["globex"]), "order_lines", vec![1, 1, 1, 2, 4]),
        (of("acme"), "plans", vec![1]),
        (support(), "customers", vec![]),
    ] {
        let (context, connection) = shop_of(who.clone());
        let key = if name == "order_lines" { "order_id" } else { "id" };
        let level = level(&context, read(&context, name, &[key]));
        assert_eq!(numbers(&run(&connection, &level.statement), 0), wanted, "{who:?} {name}");
    }
}

#[test]
fn a_row_by_its_key_is_found_only_where_it_is_visible() {
    let (context, connection) = shop_of(of("acme"));
    for (key, wanted) in [((1, 2), 1), ((4, 1), 0), ((9, 9), 0)] {
        let mut get = read(&context, "order_lines", &["sku"]);
        get.key = Some(vec![Value::Int(key.0), Value::Int(key.1)]);
        get.take = 1;
        assert_eq!(run(&connection, &level(&context, get).statement).len(), wanted, "{key:?}");
    }
}

#[test]
fn includes_come_in_one_batch_with_a_limit_per_parent() {
    let (context, connection) = shop_of(parent("acme", &["globex"]));
    let mut lines = read(&context, "order_lines", &["sku"]);
    lines.order.reverse();
    lines.order[0].descending = true;
    lines.take = 2;
    let mut customer = read(&context, "customers", &["name"]);
    customer.take = 1;
    let orders = table(&context, "orders");
    let relation = |name| orders.find_relation(name).unwrap().0;
    let mut ask = read(&context, "orders", &["status"]);
    ask.includes = vec![
        Include { relation: relation("lines"), read: lines },
        Include { relation: relation("customer"), read: customer },
    ];
    let level = level(&context, ask);
    let parents = run(&connection, &level.statement);
    let [lines, customer] = level.children.as_slice() else { panic!("two includes") };
    assert!(!lines.to_one && customer.to_one);
    assert_eq!(numbers(&parents, lines.parent[0]), vec![1, 2, 4, 6]);
    let found = run_with(&connection, &lines.level.statement, &lines.level.statement.params, "[[1],[2],[4],[6]]");
    let mut found: Vec<(i64, i64)> =
        numbers(&found, lines.own[0]).into_iter().zip(numbers(&found, lines.level.key[1])).collect();
    found.sort_by_key(|(order, _)| *order);
    assert_eq!(found, vec![(1, 3), (1, 2), (2, 1), (4, 1)]);
    let found = run_with(&connection, &customer.level.statement, &customer.level.statement.params, "[[1],[2]]");
    assert_eq!(numbers(&found, customer.own[0]), vec![1, 2]);
}

#[test]
fn an_include_does_not_trust_the_keys_it_is_given() {
    let (context, connection) = shop_of(of("acme"));
    let orders = table(&context, "orders");
    let mut ask = read(&context, "orders", &["status"]);
    for name in ["customer", "lines"] {
        let (relation, to) = orders.find_relation(name).unwrap();
        let column = if name == "customer" { "id" } else { "order_id" };
        let mut read = read(&context, &context.bound.policy.table(to.to).unwrap().name, &[column]);
        read.take = 5;
        ask.includes.push(Include { relation, read });
    }
    let level = level(&context, ask);
    for (child, wanted) in level.children.iter().zip([vec![1, 3], vec![1, 1, 1, 2]]) {
        let statement = &child.level.statement;
        let mut found = numbers(&run_with(&connection, statement, &statement.params, "[[1],[2],[3],[4]]"), 0);
        found.sort_unstable();
        assert_eq!(found, wanted, "{}", child.name);
    }
}

#[test]
fn groups() {
    let (context, connection) = shop_of(of("acme"));
    let orders = table(&context, "orders");
    let ask = |operation, column: Option<&str>, having| {
        let query = Query::Aggregate(Aggregate {
            table: orders.id,
            access: access(&context, orders, Op::Read),
            operation,
            column: column.map(|name| id(orders, name)),
            distinct: false,
            filter: None,
            group_by: vec![id(orders, "customer_id")],
            having,
            max_groups: 10,
        });
        match &render_query(&context, &query).unwrap().steps {
            Steps::Aggregate(groups) => run(&connection, &groups.statement),
            other => panic!("{other:?}"),
        }
    };
    let decimal = |text: &str| Value::Decimal(text.parse().unwrap());
    let (one, null) = (Stored::Integer(1), Stored::Null);
    assert_eq!(
        ask(Operation::Sum, Some("total"), None),
        [[one.clone(), Stored::Real(3.3)], [null.clone(), Stored::Real(0.3)]]
    );
    // 1.10 + 2.20 is 3.30 here, and not 3.3000000000000003.
    for (cmp, value, wanted) in [
        (Cmp::Eq, "3.3", 1),
        (Cmp::Ne, "3.3", 1),
        (Cmp::Gt, "3.3", 0),
        (Cmp::Ge, "3.30", 1),
        (Cmp::Gt, "3.299", 1),
        (Cmp::Lt, "3.301", 2),
        (Cmp::Eq, "3.301", 0),
        (Cmp::Lt, "99999999999999999999", 2),
    ] {
        let found = ask(Operation::Sum, Some("total"), Some(Having::Compare(cmp, decimal(value))));
        assert_eq!(found.len(), wanted, "{cmp:?} {value}");
    }
    assert_eq!(
        ask(Operation::Avg, Some("total"), Some(Having::Between(Value::Float(1.5), Value::Float(2.0)))),
        [[one.clone(), Stored::Real(3.3), Stored::Integer(2)]]
    );
    assert_eq!(
        ask(Operation::Count, None, Some(Having::Compare(Cmp::Gt, Value::Int(1)))),
        [[one.clone(), Stored::Integer(2)]]
    );
    assert_eq!(
        ask(Operation::Sum, Some("id"), Some(Having::Compare(Cmp::Lt, decimal("3.5")))),
        [[one, Stored::Integer(3)]]
    );
    assert_eq!(
        ask(Operation::Max, Some("total"), Some(Having::Compare(Cmp::Lt, decimal("1")))),
        [[null, Stored::Real(0.3)]]
    );
}

fn creates(context: &Context, rows: Vec<Vec<Option<Value>>>) -> Insert {
    let orders = table(context, "orders");
    let (customer, relation) = orders.find_relation("customer").unwrap();
    let create = Create {
        table: orders.id,
        access: access(context, orders, Op::Create),
        read: access(context, orders, Op::Read),
        columns: ids(orders, &["tenant_id", "customer_id", "status", "reference"]),
        rows,
        references: vec![Reference { relation: customer, access: context.bound.access(relation.to, Op::Read) }],
        returning: vec![id(orders, "id")],
        dry_run: false,
    };
    match &render_query(context, &Query::Create(create)).unwrap().steps {
        Steps::Create(insert) => insert.clone(),
        other => panic!("{other:?}"),
    }
}

fn order(tenant: &str, customer: Option<i64>, status: &str) -> Vec<Option<Value>> {
    vec![Some(text(tenant)), customer.map(Value::Int), Some(text(status)), None]
}

/// The hidden last column: may the new row be there?
fn ok(row: &[Stored]) -> bool {
    row.last() == Some(&Stored::Integer(1))
}

#[test]
fn new_rows_are_checked_by_their_own_statement() {
    let (context, connection) = shop_of(of("acme"));
    let insert = creates(
        &context,
        vec![
            order("acme", Some(1), "open"),
            order("acme", None, "open"),
            order("acme", Some(2), "open"),
            order("acme", Some(99), "open"),
            order("acme", Some(1), "archived"),
            order("globex", None, "open"),
        ],
    );
    let found: Vec<_> = insert.rows.iter().map(|params| run_with(&connection, &insert.statement, params, "")).collect();
    let oks: Vec<Option<bool>> = found.iter().map(|rows| rows.first().map(|row| ok(row))).collect();
    // Someone else's customer and an absent one: no row at all. The last two break rules.
    assert_eq!(oks, [Some(true), Some(true), None, None, Some(false), Some(false)]);
    assert_eq!(insert.statement.output[insert.key[0]].name.as_ref(), "id");

    let references = insert.references.as_ref().unwrap();
    let visible: Vec<_> = references
        .rows
        .iter()
        .map(|params| run_with(&connection, &references.statement, params, "") == [[Stored::Integer(1)]])
        .collect();
    assert_eq!(visible, [true, true, false, false, true, true]);
}

#[test]
fn a_conflict_is_told_only_of_visible_rows() {
    let (context, connection) = shop_of(of("acme"));
    let one = uuid::Uuid::from_u128(1);
    connection.execute("UPDATE orders SET reference = ?1 WHERE id IN (1, 4)", [one.to_string()]).unwrap();
    for (tenant, wanted) in [("acme", 1), ("globex", 0)] {
        let mut row = order(tenant, None, "open");
        row[3] = Some(Value::Uuid(one));
        let insert = creates(&context, vec![row]);
        let conflict = insert.conflict.unwrap();
        assert_eq!(run_with(&connection, &conflict.statement, &conflict.rows[0], "").len(), wanted, "{tenant}");
    }
}

fn changes(context: &Context, target: Target, set: &[(&str, Option<Value>)]) -> Change {
    let orders = table(context, "orders");
    let (customer, relation) = orders.find_relation("customer").unwrap();
    let set: Vec<(ColumnId, Option<Value>)> =
        set.iter().map(|(name, value)| (id(orders, name), value.clone())).collect();
    let points = set.iter().any(|(column, _)| *column == id(orders, "customer_id"));
    let reference = Reference { relation: customer, access: context.bound.access(relation.to, Op::Read) };
    let update = Update {
        table: orders.id,
        access: access(context, orders, Op::Update),
        read: access(context, orders, Op::Read),
        target,
        set,
        references: if points { vec![reference] } else { Vec::new() },
        returning: vec![id(orders, "status")],
        max_rows: 2,
        dry_run: false,
    };
    match &render_query(context, &Query::Update(update)).unwrap().steps {
        Steps::Update(change) => change.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn changes_touch_visible_rows_only() {
    let key = |id| Target::Key(vec![Value::Int(id)]);
    for (target, set, wanted) in [
        (key(1), ("status", Some(text("paid"))), vec![true]),
        (key(1), ("status", Some(text("archived"))), vec![false]),
        (key(1), ("customer_id", Some(Value::Int(2))), vec![]),
        (key(1), ("customer_id", None), vec![true]),
        // Archived, someone else's, marked, absent.
        (key(3), ("status", Some(text("paid"))), vec![]),
        (key(4), ("status", Some(text("paid"))), vec![]),
        (key(7), ("status", Some(text("paid"))), vec![]),
        (key(99), ("status", Some(text("paid"))), vec![]),
    ] {
        let (context, connection) = shop_of(of("acme"));
        let change = changes(&context, target.clone(), std::slice::from_ref(&set));
        assert!(change.exactly_one);
        let [params] = change.rows.as_slice() else { panic!("one row") };
        let before = run_with(&connection, &change.before, &params.before, "");
        let after = run_with(&connection, &change.update, &params.update, "");
        assert_eq!(before.len(), after.len(), "{target:?} {set:?}");
        assert_eq!(after.iter().map(|row| ok(row)).collect::<Vec<_>>(), wanted, "{target:?} {set:?}");
    }
}

#[test]
fn changes_by_keys_and_by_filter() {
    let (context, connection) = shop_of(parent("acme", &["globex"]));
    let keys = Target::Keys(vec![vec![Value::Int(1)], vec![Value::Int(4)], vec![Value::Int(6)]]);
    let change = changes(&context, keys, &[("status", Some(text("held")))]);
    let changed: Vec<usize> =
        change.rows.iter().map(|params| run_with(&connection, &change.update, &params.update, "").len()).collect();
    // Visible to a parent is not yet writable.
    assert_eq!(changed, [1, 0, 1]);

    let orders = table(&context, "orders");
    let all = Filter::IsNull { column: id(orders, "status"), negated: true };
    let change = changes(&context, Target::Where(all), &[("status", Some(text("held")))]);
    assert!(!change.exactly_one);
    // One more than `max_rows` is fetched, so that the runner can refuse.
    assert_eq!(run_with(&connection, &change.before, &change.rows[0].before, "").len(), 3);
    assert_eq!(run_with(&connection, &change.update, &change.rows[0].update, "").len(), 3);
}

#[test]
fn a_conflict_of_a_change_is_not_with_the_row_itself() {
    let (context, connection) = shop_of(of("acme"));
    let [one, two] = [1, 2].map(uuid::Uuid::from_u128);
    for (id, reference) in [(1, one), (2, two)] {
        let id = id.to_string();
        connection.execute("UPDATE orders SET reference = ?1 WHERE id = ?2", [reference.to_string(), id]).unwrap();
    }
    for (reference, wanted) in [(one, 0), (two, 1)] {
        let set = [("reference", Some(Value::Uuid(reference)))];
        let change = changes(&context, Target::Key(vec![Value::Int(1)]), &set);
        let conflict = change.conflict.unwrap();
        assert_eq!(run_with(&connection, &conflict.statement, &conflict.rows[0], "").len(), wanted);
    }
}

#[test]
fn a_marked_row_is_gone_for_every_reader() {
    let (context, connection) = shop_of(of("acme"));
    let orders = table(&context, "orders");
    let delete = |key: i64| {
        let delete = Delete {
            table: orders.id,
            access: access(&context, orders, Op::Delete),
            read: access(&context, orders, Op::Read),
            key: vec![Value::Int(key)],
            mark: Some(vec![(id(orders, "deleted_at"), Some(Value::Timestamp(NOW)))]),
            dry_run: false,
        };
        match &render_query(&context, &Query::Delete(delete)).unwrap().steps {
            Steps::Update(change) => {
                let rows = run_with(&connection, &change.update, &change.rows[0].update, "");
                rows.iter().map(|row| ok(row)).collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(delete(4), Vec::<bool>::new());
    assert_eq!(delete(1), [true]);
    assert_eq!(delete(1), Vec::<bool>::new());
    let shown =
        |name: &str, key: &str| numbers(&run(&connection, &level(&context, read(&context, name, &[key])).statement), 0);
    assert_eq!(shown("orders", "id"), [2, 6]);
    // Its lines cannot be reached any more either.
    assert_eq!(shown("order_lines", "order_id"), [2]);
}

#[test]
fn a_removed_row_is_answered() {
    let (context, connection) = shop_of(of("acme"));
    let lines = table(&context, "order_lines");
    for (key, wanted) in [((1, 2), 1), ((1, 2), 0), ((4, 1), 0)] {
        let delete = Delete {
            table: lines.id,
            access: access(&context, lines, Op::Delete),
            read: access(&context, lines, Op::Read),
            key: vec![Value::Int(key.0), Value::Int(key.1)],
            mark: None,
            dry_run: false,
        };
        match &render_query(&context, &Query::Delete(delete)).unwrap().steps {
            Steps::Delete(remove) => {
                let rows = run(&connection, &remove.statement);
                assert_eq!(rows.len(), wanted, "{key:?}");
                assert!(rows.iter().all(|row| remove.image.len() == 4 && row.len() == 4));
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Values in an order's sense: NULL last, whichever the direction.
fn after(left: Option<&Value>, right: Option<&Value>, descending: bool) -> Ordering {
    match (left, right) {
        (None, None) => Ordering::Equal,
        (None, _) => Ordering::Greater,
        (_, None) => Ordering::Less,
        (Some(left), Some(right)) => {
            let order = left.compare(right).unwrap();
            if descending { order.reverse() } else { order }
        }
    }
}

/// Columns to page by.
const PAGED: [(&str, Type); 5] = [
    ("total", Type::Decimal),
    ("email", Type::Text),
    ("placed_at", Type::Timestamp),
    ("urgent", Type::Bool),
    ("status", Type::Text),
];

fn paged_value(ty: Type) -> BoxedStrategy<Option<Value>> {
    let some = match ty {
        Type::Decimal => prop::sample::select(vec!["0.10", "0.3", "1", "-2.5"])
            .prop_map(|text| Value::Decimal(text.parse().unwrap()))
            .boxed(),
        Type::Text => prop::sample::select(vec!["", "a", "B", "b", "é"]).prop_map(Value::text).boxed(),
        Type::Timestamp => prop::sample::select(vec![0, NOW, NOW + 500_000]).prop_map(Value::Timestamp).boxed(),
        _ => any::<bool>().prop_map(Value::Bool).boxed(),
    };
    option::weighted(0.7, some).boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn pages_follow_one_another_without_gap_or_repetition(
        rows in vec(PAGED.map(|(_, ty)| paged_value(ty)), 0..12),
        order in prop::sample::subsequence(vec![0_usize, 1, 2, 3, 4], 0..4).prop_shuffle(),
        descending in vec(any::<bool>(), 5),
        take in 1_u32..4,
    ) {
        let context = context(shop(Dialect::Sqlite), of("acme"));
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        connection.execute_batch(SCHEMA).unwrap();
        let orders = table(&context, "orders");
        for (at, row) in (1_i64..).zip(&rows) {
            let mut values = vec![Stored::Integer(at)];
            for ((name, _), value) in PAGED.iter().zip(row) {
                let storage = orders.column(id(orders, name)).unwrap().facts.storage;
                // `status` is never NULL.
                let value = if *name == "status" { Some(value.clone().unwrap_or(text("z"))) } else { value.clone() };
                values.push(stored(value.as_ref(), storage));
            }
            let sql = "INSERT INTO orders (id, tenant_id, total, email, placed_at, urgent, status) \
                VALUES (?1, 'acme', ?2, ?3, ?4, ?5, ?6)";
            connection.execute(sql, rusqlite::params_from_iter(values)).unwrap();
        }
        let mut ask: Vec<Order> = order
            .iter()
            .map(|at| Order { column: id(orders, PAGED[*at].0), descending: descending[*at] })
            .collect();
        ask.push(Order { column: id(orders, "id"), descending: descending[0] });

        let value_of = |row: usize, column: ColumnId| -> Option<Value> {
            match PAGED.iter().position(|(name, _)| id(orders, name) == column) {
                None => Some(Value::Int(i64::try_from(row).unwrap() + 1)),
                Some(4) => Some(rows[row][4].clone().unwrap_or(text("z"))),
                Some(at) => rows[row][at].clone(),
            }
        };
        let mut wanted: Vec<usize> = (0..rows.len()).collect();
        wanted.sort_by(|a, b| {
            ask.iter()
                .map(|order| {
                    let (a, b) = (value_of(*a, order.column), value_of(*b, order.column));
                    after(a.as_ref(), b.as_ref(), order.descending)
                })
                .find(|order| order.is_ne())
                .unwrap_or(Ordering::Equal)
        });

        let mut found: Vec<usize> = Vec::new();
        let mut cursor = None;
        loop {
            let mut page = read(&context, "orders", &["id"]);
            page.order = ask.clone();
            page.take = take;
            page.after = cursor.take();
            let level = level(&context, page);
            let ids = numbers(&run(&connection, &level.statement), 0);
            let shown = ids.iter().take(take as usize).map(|id| usize::try_from(*id).unwrap() - 1);
            found.extend(shown);
            if ids.len() <= take as usize {
                break;
            }
            let last = *found.last().unwrap();
            cursor = Some(ask.iter().map(|order| value_of(last, order.column)).collect());
        }
        prop_assert_eq!(found, wanted);
    }
}

#[test]
fn values_are_stored_as_the_columns_say() {
    // The tests above bind as the source room does; this pins the form that the SQL relies on.
    assert_eq!(
        stored(Some(&Value::Timestamp(NOW)), Storage::TimestampText),
        Stored::Text("2026-01-01 00:00:00".into())
    );
    let half = Value::Timestamp(NOW + 500_000);
    assert_eq!(stored(Some(&half), Storage::TimestampText), Stored::Text("2026-01-01 00:00:00.5".into()));
}
