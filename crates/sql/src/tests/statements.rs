//! Every kind of statement, as text: read them before accepting a change.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use sqlparser::dialect::{PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;
use tenantry_policy::catalog::Dialect;
use tenantry_policy::condition::Cmp;
use tenantry_policy::filter::{Filter, Place};
use tenantry_policy::query::{
    Aggregate, Create, Delete, Having, Include, Order, Query, Read, Reference, Target, Update,
};
use tenantry_policy::request::Operation;
use tenantry_policy::{ColumnId, Context, Op, RelationId, Value};
use uuid::Uuid;

use super::world::{NOW, access, context, id, ids, of, parent, shop, support, table, text};
use crate::program::{Level, Param, Statement, Steps, Touch};
use crate::{Program, SQLITE_FUNCTIONS, render_query};

pub(super) fn read(context: &Context, name: &str, select: &[&str]) -> Read {
    let table = table(context, name);
    Read {
        table: table.id,
        access: access(context, table, Op::Read),
        select: ids(table, select),
        filter: None,
        key: None,
        order: table.key.iter().map(|column| Order { column: *column, descending: false }).collect(),
        take: 25,
        after: None,
        includes: Vec::new(),
    }
}

fn relation(context: &Context, name: &str, relation: &str) -> RelationId {
    table(context, name).find_relation(relation).unwrap().0
}

fn reference(context: &Context, name: &str, to: &str) -> Reference {
    let relation = relation(context, name, to);
    let to = table(context, name).relation(relation).unwrap().to;
    Reference { relation, access: context.bound.access(to, Op::Read) }
}

fn filters(context: &Context, word: &str) -> Filter {
    let orders = table(context, "orders");
    let column = |name: &str| id(orders, name);
    Filter::And(vec![
        Filter::Compare { column: column("status"), cmp: Cmp::Ne, value: text(word) },
        Filter::Compare { column: column("total"), cmp: Cmp::Ge, value: Value::Decimal("12.345".parse().unwrap()) },
        Filter::Compare { column: column("closed_at"), cmp: Cmp::Lt, value: Value::Timestamp(NOW) },
        Filter::Compare { column: column("placed_at"), cmp: Cmp::Gt, value: Value::Timestamp(NOW) },
        Filter::Compare { column: column("urgent"), cmp: Cmp::Eq, value: Value::Bool(true) },
        Filter::Compare { column: column("due"), cmp: Cmp::Le, value: Value::Date(20_000) },
        Filter::Compare { column: column("weight"), cmp: Cmp::Gt, value: Value::Float(1.5) },
        Filter::In { column: column("reference"), list: vec![Value::Uuid(Uuid::nil())], negated: true },
        Filter::In { column: column("closed_at"), list: vec![Value::Timestamp(NOW)], negated: false },
        Filter::In { column: column("customer_id"), list: Vec::new(), negated: false },
        Filter::Or(vec![
            Filter::Match { column: column("email"), place: Place::Inside, text: word.into() },
            Filter::Match { column: column("email"), place: Place::Start, text: word.into() },
            Filter::Match { column: column("email"), place: Place::End, text: word.into() },
            Filter::Compare { column: column("email"), cmp: Cmp::Lt, value: text(word) },
            Filter::Not(Box::new(Filter::IsNull { column: column("email"), negated: true })),
        ]),
        Filter::Between { column: column("customer_id"), low: Value::Int(1), high: Value::Int(9) },
    ])
}

/// One of each kind of query. `word` is what the caller sent, wherever text fits.
pub(super) fn queries(context: &Context, word: &str) -> Vec<(&'static str, Query)> {
    let (orders, lines) = (table(context, "orders"), table(context, "order_lines"));
    let column = |name: &str| id(orders, name);
    let order = |name: &str, descending| Order { column: column(name), descending };

    let mut page = read(context, "orders", &["id", "status", "card", "email", "closed_at", "extra"]);
    page.filter = Some(filters(context, word));
    page.order = vec![order("total", true), order("email", false), order("id", false)];
    page.after = Some(vec![Some(Value::Decimal("9.99".parse().unwrap())), None, Some(Value::Int(7))]);

    let mut onward = read(context, "orders", &["id"]);
    onward.order = vec![order("status", false), order("id", false)];
    onward.after = Some(vec![Some(text(word)), Some(Value::Int(7))]);

    let mut tree = read(context, "customers", &["name"]);
    let mut related = read(context, "orders", &["status"]);
    related.order = vec![order("placed_at", true), order("id", false)];
    related.filter = Some(Filter::Compare { column: column("status"), cmp: Cmp::Eq, value: text(word) });
    related.take = 3;
    let mut back = read(context, "customers", &["name"]);
    back.take = 1;
    related.includes = vec![
        Include { relation: relation(context, "orders", "lines"), read: read(context, "order_lines", &["sku"]) },
        Include { relation: relation(context, "orders", "customer"), read: back },
    ];
    tree.includes = vec![Include { relation: relation(context, "customers", "orders"), read: related }];

    let mut get = read(context, "order_lines", &["sku", "price"]);
    get.key = Some(vec![Value::Int(1), Value::Int(2)]);
    get.take = 1;

    let group = |operation, column: Option<ColumnId>, having| {
        Query::Aggregate(Aggregate {
            table: orders.id,
            access: access(context, orders, Op::Read),
            operation,
            column,
            distinct: false,
            filter: None,
            group_by: vec![id(orders, "status"), id(orders, "closed_at"), id(orders, "total")],
            having,
            max_groups: 100,
        })
    };
    let total = Some(column("total"));
    let decimal = |text: &str| Value::Decimal(text.parse().unwrap());

    let columns = ["tenant_id", "customer_id", "status", "total", "reference", "closed_at", "extra"];
    let row = |customer: Option<i64>, total: &str| {
        vec![
            Some(text("acme")),
            customer.map(Value::Int),
            Some(text(word)),
            Some(decimal(total)),
            Some(Value::Uuid(Uuid::nil())),
            Some(Value::Timestamp(NOW)),
            Some(Value::Json(word.into())),
        ]
    };
    let create = Create {
        table: orders.id,
        access: access(context, orders, Op::Create),
        read: access(context, orders, Op::Read),
        columns: ids(orders, &columns),
        rows: vec![row(Some(1), "1.00"), row(None, "2.00")],
        references: vec![reference(context, "orders", "customer")],
        returning: ids(orders, &["id", "status"]),
        dry_run: false,
    };
    let update = |target, set: Vec<(ColumnId, Option<Value>)>, references| Update {
        table: orders.id,
        access: access(context, orders, Op::Update),
        read: access(context, orders, Op::Read),
        target,
        set,
        references,
        returning: ids(orders, &["id", "status"]),
        max_rows: 10,
        dry_run: false,
    };
    let customer = reference(context, "orders", "customer");
    let delete = |table: &tenantry_policy::Table, key, mark| {
        Query::Delete(Delete {
            table: table.id,
            access: access(context, table, Op::Delete),
            read: access(context, table, Op::Read),
            key,
            mark,
            dry_run: false,
        })
    };
    vec![
        ("page", Query::Read(page)),
        ("onward", Query::Read(onward)),
        ("tree", Query::Read(tree)),
        ("get", Query::Read(get)),
        ("plans", Query::Read(read(context, "plans", &["id", "name"]))),
        ("sum", group(Operation::Sum, total, Some(Having::Compare(Cmp::Gt, decimal("10.005"))))),
        ("average", group(Operation::Avg, total, Some(Having::Between(Value::Float(1.0), Value::Float(2.0))))),
        ("count", group(Operation::Count, None, Some(Having::Compare(Cmp::Gt, Value::Int(1))))),
        (
            "least",
            group(Operation::Min, Some(column("closed_at")), Some(Having::Compare(Cmp::Lt, Value::Timestamp(NOW)))),
        ),
        ("greatest", group(Operation::Max, Some(column("email")), None)),
        ("create", Query::Create(create)),
        (
            "update",
            Query::Update(update(
                Target::Keys(vec![vec![Value::Int(1)], vec![Value::Int(2)]]),
                vec![
                    (column("customer_id"), Some(Value::Int(3))),
                    (column("reference"), Some(Value::Uuid(Uuid::nil()))),
                ],
                vec![customer],
            )),
        ),
        (
            "update where",
            Query::Update(update(
                Target::Where(filters(context, word)),
                vec![(column("status"), Some(text(word))), (column("closed_at"), None)],
                Vec::new(),
            )),
        ),
        (
            "soft delete",
            delete(orders, vec![Value::Int(1)], Some(vec![(column("deleted_at"), Some(Value::Timestamp(NOW)))])),
        ),
        ("hard delete", delete(lines, vec![Value::Int(1), Value::Int(2)], None)),
    ]
}

/// Every statement of a program, and what it is for.
pub(super) fn statements(program: &Program) -> Vec<(&'static str, &Statement)> {
    fn levels<'p>(level: &'p Level, list: &mut Vec<(&'static str, &'p Statement)>) {
        list.push(("read", &level.statement));
        level.children.iter().for_each(|child| levels(&child.level, list));
    }
    let mut list = Vec::new();
    match &program.steps {
        Steps::Read(level) => levels(level, &mut list),
        Steps::Aggregate(groups) => list.push(("aggregate", &groups.statement)),
        Steps::Create(insert) => {
            list.push(("insert", &insert.statement));
            list.extend(insert.references.iter().map(|found| ("references", &found.statement)));
            list.extend(insert.conflict.iter().map(|found| ("conflict", &found.statement)));
        }
        Steps::Update(change) => {
            list.push(("before", &change.before));
            list.push(("update", &change.update));
            list.extend(change.references.iter().map(|found| ("references", &found.statement)));
            list.extend(change.conflict.iter().map(|found| ("conflict", &found.statement)));
        }
        Steps::Delete(remove) => list.push(("delete", &remove.statement)),
    }
    list
}

fn describe(program: &Program) -> String {
    let mut out = String::new();
    for (what, statement) in statements(program) {
        out += &format!("-- {what}\n{}\n", statement.sql);
        for (at, param) in statement.params.iter().enumerate() {
            let line = match param {
                Param::Value { value, ty, storage, label } => format!("{label} = {value:?} ({ty}, {storage:?})"),
                Param::List { values, ty, label } => format!("{label} = {values:?} ({ty}[])"),
                Param::Keys { pair, ty, storage } => format!("keys {pair} ({ty}, {storage:?})"),
            };
            out += &format!("   {}: {line}\n", at + 1);
        }
        for output in &statement.output {
            out += &format!("   -> {} {} {:?} {:?}\n", output.name, output.ty, output.storage, output.show);
        }
        for part in &statement.injected {
            out += &format!("   [{}] {}\n", part.rule, statement.sql.get(part.range.clone()).unwrap());
        }
        out.push('\n');
    }
    out
}

pub(super) fn people() -> Vec<(&'static str, tenantry_policy::Principal)> {
    vec![("tenant", of("acme")), ("parent", parent("acme", &["globex", "initech"])), ("support", support())]
}

#[test]
fn statements_as_text() {
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let context = context(shop(dialect), parent("acme", &["globex"]));
        for (name, query) in queries(&context, "open") {
            let program = render_query(&context, &query).unwrap();
            insta::assert_snapshot!(format!("{dialect:?} {name}"), describe(&program));
        }
    }
}

#[test]
fn every_statement_is_one_statement() {
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        for (_, principal) in people() {
            let context = context(shop(dialect), principal);
            for (name, query) in queries(&context, "open") {
                for (what, statement) in statements(&render_query(&context, &query).unwrap()) {
                    let parsed = match dialect {
                        Dialect::Sqlite => Parser::parse_sql(&SQLiteDialect {}, &statement.sql),
                        Dialect::Postgres => Parser::parse_sql(&PostgreSqlDialect {}, &statement.sql),
                    };
                    let parsed = parsed.unwrap_or_else(|error| panic!("{name} {what}: {error}\n{}", statement.sql));
                    assert_eq!(parsed.len(), 1, "{name} {what}");
                }
            }
        }
    }
}

#[test]
fn injected_parts_lie_in_the_text_and_nest() {
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let context = context(shop(dialect), parent("acme", &["globex"]));
        for (_, query) in queries(&context, "open") {
            for (_, statement) in statements(&render_query(&context, &query).unwrap()) {
                let mut open: Vec<std::ops::Range<usize>> = Vec::new();
                for part in &statement.injected {
                    let text = statement.sql.get(part.range.clone()).unwrap();
                    assert!(text.starts_with('(') && text.ends_with(')') || text == "0" || text == "FALSE", "{text}");
                    open.retain(|outer| outer.end > part.range.start);
                    assert!(open.last().is_none_or(|outer| outer.end >= part.range.end));
                    open.push(part.range.clone());
                }
            }
        }
    }
}

pub(super) const SCHEMA: &str = "
    CREATE TABLE customers (id INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL, name TEXT NOT NULL, region TEXT,
        UNIQUE (tenant_id, name));
    CREATE TABLE orders (id INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL, customer_id INTEGER, status TEXT NOT NULL,
        total NUMERIC(10,2), placed_at DATETIME, closed_at INTEGER, urgent INTEGER, reference TEXT, card TEXT,
        email TEXT, note TEXT, deleted_at DATETIME, extra TEXT, weight REAL, due DATE, UNIQUE (tenant_id, reference));
    CREATE TABLE order_lines (order_id INTEGER NOT NULL, line_no INTEGER NOT NULL, sku TEXT NOT NULL,
        price NUMERIC(10,2), PRIMARY KEY (order_id, line_no));
    CREATE TABLE plans (id INTEGER PRIMARY KEY, name TEXT NOT NULL, is_public INTEGER);
";

/// The least that an authorizer must let through for a statement, and nothing else.
fn allows(touches: &[Touch], context: &AuthContext<'_>) -> bool {
    let touch = |table: &str, fits: &dyn Fn(&Touch) -> bool| touches.iter().any(|t| &*t.table == table && fits(t));
    match context.action {
        AuthAction::Select => true,
        AuthAction::Function { function_name } => SQLITE_FUNCTIONS.contains(&function_name.to_lowercase().as_str()),
        AuthAction::Read { table_name, column_name } => {
            touch(table_name, &|t| column_name.is_empty() || t.reads.iter().any(|read| &**read == column_name))
        }
        AuthAction::Insert { table_name } => touch(table_name, &|t| t.inserts),
        AuthAction::Update { table_name, column_name } => {
            touch(table_name, &|t| t.updates.iter().any(|name| &**name == column_name))
        }
        AuthAction::Delete { table_name } => touch(table_name, &|t| t.deletes),
        _ => false,
    }
}

#[test]
fn sqlite_prepares_every_statement_within_its_touches() {
    for (who, principal) in people() {
        let context = context(shop(Dialect::Sqlite), principal);
        for (name, query) in queries(&context, "open") {
            for (what, statement) in statements(&render_query(&context, &query).unwrap()) {
                let mut connection = rusqlite::Connection::open_in_memory().unwrap();
                connection.execute_batch(SCHEMA).unwrap();
                let denied = Arc::new(Mutex::new(BTreeSet::new()));
                let (touches, seen) = (statement.touches.clone(), Arc::clone(&denied));
                connection
                    .authorizer(Some(move |context: AuthContext<'_>| {
                        if allows(&touches, &context) {
                            return Authorization::Allow;
                        }
                        seen.lock().unwrap().insert(format!("{:?}", context.action));
                        Authorization::Deny
                    }))
                    .unwrap();
                let prepared = connection.prepare(&statement.sql).map(|prepared| prepared.column_count());
                let denied = denied.lock().unwrap();
                assert_eq!(prepared, Ok(statement.output.len()), "{who} {name} {what}: {denied:?}\n{}", statement.sql);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_a_caller_sends_never_stands_in_the_text(
        tail in prop_oneof![Just("'; DROP TABLE orders; --".to_owned()), "\\PC{0,12}", Just("\") OR 1=1 --".to_owned())],
        on_postgres: bool,
    ) {
        let word = format!("zqx{tail}");
        let dialect = if on_postgres { Dialect::Postgres } else { Dialect::Sqlite };
        let (hostile, tame) = (parent("acme", &["globex"]), parent("acme", &["globex"]));
        let (hostile, tame) = (context(shop(dialect), hostile), context(shop(dialect), tame));
        let texts = |context: &Context, word: &str| -> Vec<String> {
            queries(context, word)
                .iter()
                .flat_map(|(_, query)| {
                    let program = render_query(context, query).unwrap();
                    statements(&program).iter().map(|(_, statement)| statement.sql.clone()).collect::<Vec<_>>()
                })
                .collect()
        };
        let (hostile, tame) = (texts(&hostile, &word), texts(&tame, "open"));
        prop_assert!(hostile.iter().all(|sql| !sql.contains("zqx")));
        // Not a byte of the text depends on it.
        prop_assert_eq!(hostile, tame);
    }
}
