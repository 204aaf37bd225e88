//! Programs, decided and rendered as for callers, on a real file behind the fence.

use std::collections::HashMap;

use tenantry_policy::attribute::AttrPath;
use tenantry_policy::catalog::{Catalog, Dialect};
use tenantry_policy::condition::{Cmp, ColumnRef, Cond, Term};
use tenantry_policy::policy::RoleGrants;
use tenantry_policy::request::{
    Act, AskAggregate, AskFilter, AskHaving, AskInclude, AskOrder, AskRead, AskTarget, FilterOp, Id, Literal, Operation,
};
use tenantry_policy::table::{AutoValue, Budget, Column, DeleteMode, Field, Relation, Writes};
use tenantry_policy::tool::ToolSet;
use tenantry_policy::{
    Address, AttrId, Attributes, Bound, ColumnId, Context, OpSet, Policy, Principal, Request, Rule, RuleKind, Table,
    TableId, Tool, decide,
};

use super::*;
use crate::stored::InUse;
use crate::{Source, SourceUrl};

const TABLES: &str = "
CREATE TABLE customers (id INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL, name TEXT NOT NULL COLLATE NOCASE);
CREATE TABLE lines (id UUID PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders, sku TEXT, meta JSON);
CREATE TABLE orders (
  id INTEGER PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  customer_id INTEGER REFERENCES customers,
  title TEXT UNIQUE,
  total NUMERIC(12, 2) CHECK (total < 1000),
  at TIMESTAMP,
  paid BOOLEAN NOT NULL DEFAULT 0,
  day DATE,
  gone TIMESTAMP
);
CREATE TABLE changes (what TEXT);
CREATE TRIGGER orders_changed AFTER UPDATE ON orders BEGIN INSERT INTO changes SELECT name FROM customers LIMIT 1; END;
INSERT INTO customers VALUES (1, 'acme', 'Ada'), (2, 'acme', 'bob'), (3, 'globex', 'Cy');
INSERT INTO orders VALUES
  (1, 'acme', 1, 'one', 10.5, '2024-01-01 00:00:00', 1, '2024-02-29', NULL),
  (2, 'acme', 1, 'two', 20, '2024-01-01 00:00:00.25', 0, NULL, NULL),
  (3, 'acme', 2, 'three', NULL, NULL, 0, NULL, NULL), (4, 'globex', 3, 'four', 40, NULL, 0, NULL, NULL),
  (5, 'acme', 2, 'old', 1, NULL, 0, NULL, '2020-01-01 00:00:00');
INSERT INTO lines VALUES
  ('01890a5d-ac96-774b-bcce-b302099a8051', 1, 'a', '{\"n\":1}'), ('01890a5d-ac96-774b-bcce-b302099a8052', 1, 'b', '7'),
  ('01890a5d-ac96-774b-bcce-b302099a8053', 4, 'c', NULL);
";

struct World {
    room: Room,
    source: Source,
    tables: Vec<Table>,
    attributes: Attributes,
}

impl World {
    async fn new() -> World {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("shop.db");
        rusqlite::Connection::open(&path).unwrap().execute_batch(TABLES).unwrap();
        let room = Room { dir, redactor: Redactor { hash: HashKey::derive(b"test", "acme") } };
        let url = SourceUrl::parse(&format!("sqlite:{}", path.display())).unwrap();
        let options = Options { readers: Some(1), ..Options::default() };
        let source = Source::open("main", &url, options, clock(0)).await.unwrap();
        let catalog = source.catalog().await.unwrap();
        let mut attributes = Attributes::default();
        let tenant = attributes.note(AttrPath::TenantId, Type::Text, false).unwrap();
        let names = ["customers", "lines", "orders"];
        let tables = (0..).zip(names).map(|(id, name)| table(&catalog, TableId(id), name, tenant)).collect();
        World { room, source, tables, attributes }
    }

    fn context(&self, tenant: &str) -> Context {
        let by_name = self.tables.iter().map(|table| (Arc::clone(&table.name), table.id)).collect();
        let tools = self.tables.iter().map(|table| (table.id, ToolSet::ALL)).collect();
        let policy = Policy {
            version: [0; 32],
            tables: self.tables.clone(),
            roles: HashMap::from([(Arc::from("agent"), RoleGrants { tools })]),
            attributes: self.attributes.clone(),
            reach_read: Vec::new(),
            reach_write: Vec::new(),
            by_name,
        };
        let principal = Principal {
            tenant_id: Some(tenant.to_owned()),
            user_id: Some("u1".to_owned()),
            roles: vec!["agent".to_owned()],
            ..Principal::default()
        };
        let bound = Bound::new(Arc::new(policy), Arc::new(principal)).unwrap();
        Context { bound: Arc::new(bound), now_micros: 1_700_000_000_500_000, request_id: Arc::from("r1") }
    }

    async fn ask(&self, tenant: &str, tool: Tool, model: &str, act: Act, dry_run: bool) -> Result<Answer, RunError> {
        let request = Request { tool, model: model.to_owned(), act, reason: None, dry_run };
        let allowed = decide(&self.context(tenant), request).unwrap();
        let program = tenantry_sql::render(&allowed).unwrap();
        self.source.run(program, self.room.redactor.clone()).await
    }

    async fn acme(&self, tool: Tool, act: Act) -> Result<Answer, RunError> {
        self.ask("acme", tool, "orders", act, false).await
    }

    async fn create(&self, data: &[(&str, Literal)]) -> Result<Answer, RunError> {
        self.acme(Tool::Create, rows(&[data])).await
    }

    async fn update(&self, id: i64, data: &[(&str, Literal)]) -> Result<Answer, RunError> {
        let target = AskTarget::Id(Id::Single(Literal::Int(id)));
        self.acme(Tool::Update, Act::Update { target, data: named(data) }).await
    }

    /// What is in the file: the first column of the rows.
    fn stored(&self, sql: &str) -> Vec<String> {
        let outside = self.room.outside();
        let mut statement = outside.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, rusqlite::types::Value>(0)).unwrap();
        rows.map(|value| match value.unwrap() {
            rusqlite::types::Value::Null => "NULL".to_owned(),
            rusqlite::types::Value::Integer(value) => value.to_string(),
            rusqlite::types::Value::Real(value) => value.to_string(),
            rusqlite::types::Value::Text(value) => value,
            rusqlite::types::Value::Blob(_) => "BLOB".to_owned(),
        })
        .collect()
    }
}

fn table(catalog: &Catalog, id: TableId, name: &str, tenant: AttrId) -> Table {
    let facts = catalog.tables.iter().find(|table| table.name == name).unwrap();
    let column = |name: &str| ColumnId(u16::try_from(facts.column(name).unwrap()).unwrap());
    // Lines belong to the tenant of their order.
    let scoped = match name {
        "lines" => ColumnRef::Hop(tenantry_policy::RelationId(0), ColumnId(1)),
        _ => ColumnRef::Own(column("tenant_id")),
    };
    let own = || Cond::Compare { left: Term::Column(scoped), cmp: Cmp::Eq, right: Term::Attr(tenant), ty: Type::Text };
    let rule = |kind: RuleKind, on, when| Rule {
        address: Address::new(format!("table.{name}.{}", kind.name())),
        kind,
        on,
        when,
        text: Arc::from("…"),
    };
    let mut rules = vec![rule(RuleKind::Scope, OpSet::ALL, own())];
    if name == "orders" {
        let live = Cond::IsNull { column: ColumnRef::Own(column("gone")), negated: false };
        rules.push(rule(RuleKind::Live, OpSet::ALL, live));
    }
    let relation = |name: &str, to: u16, to_one: bool, from: &str, other: u16| Relation {
        name: Arc::from(name),
        to: TableId(to),
        to_one,
        pairs: vec![(column(from), ColumnId(other))],
    };
    let relations = match name {
        "customers" => vec![relation("orders", 2, false, "id", 2)],
        "lines" => vec![relation("order", 2, true, "order_id", 0)],
        _ => vec![relation("customer", 0, true, "customer_id", 0), relation("lines", 1, false, "id", 1)],
    };
    let written: Vec<ColumnId> = facts
        .columns
        .iter()
        .filter(|column| !["id", "tenant_id", "gone"].contains(&column.name.as_str()))
        .map(|facts| column(&facts.name))
        .collect();
    let ids = |key: &[usize]| key.iter().map(|at| ColumnId(u16::try_from(*at).unwrap())).collect();
    Table {
        id,
        name: Arc::from(name),
        description: None,
        source: Arc::from("main"),
        dialect: Dialect::Sqlite,
        schema: Arc::from("main"),
        db_name: Arc::from(name),
        columns: facts
            .columns
            .iter()
            .map(|facts| Column { facts: facts.clone(), field: Field::Allow, description: None })
            .collect(),
        key: ids(&facts.primary_key),
        unique: facts.unique.iter().map(|key| ids(key)).collect(),
        relations,
        tenant: Some(scoped),
        rules,
        boundary: [own(), own(), own(), own()],
        writes: Writes {
            create: Some(written.clone()),
            update: written,
            delete: if name == "orders" { DeleteMode::Soft(column("gone")) } else { DeleteMode::Hard },
            auto_set: match name {
                "lines" => Vec::new(),
                _ => vec![(column("tenant_id"), AutoValue::Attr(tenant))],
            },
            max_rows: 2,
            ..Writes::default()
        },
        budget: Budget { timeout: Duration::from_secs(60), ..Budget::default() },
        by_name: facts.columns.iter().map(|facts| (Arc::from(facts.name.as_str()), column(&facts.name))).collect(),
    }
}

fn named(data: &[(&str, Literal)]) -> Vec<(String, Literal)> {
    data.iter().map(|(field, value)| ((*field).to_owned(), value.clone())).collect()
}

fn rows(rows: &[&[(&str, Literal)]]) -> Act {
    Act::Create { rows: rows.iter().map(|data| named(data)).collect(), return_fields: None }
}

fn literal(value: &str) -> Literal {
    Literal::Text(Arc::from(value))
}

fn number(value: &str) -> Literal {
    Literal::Number(Arc::from(value))
}

fn select(fields: &[&str]) -> Option<Vec<String>> {
    Some(fields.iter().map(|field| (*field).to_owned()).collect())
}

fn order(field: &str) -> Vec<AskOrder> {
    vec![AskOrder { field: field.to_owned(), descending: false }]
}

fn leaf(field: &str, op: FilterOp, value: Literal) -> AskFilter {
    AskFilter::Leaf { field: field.to_owned(), op, value }
}

fn get(id: i64) -> Act {
    Act::Get { id: Id::Single(Literal::Int(id)), select: select(&["id", "title"]), include: Vec::new() }
}

fn everything() -> Act {
    Act::Query(AskRead { select: select(&["id"]), order: order("id"), ..AskRead::default() })
}

#[tokio::test]
async fn the_stored_values_fit() {
    let world = World::new().await;
    let in_use = |world: &World| {
        let columns = |table: &Table| {
            let facts = table.columns.iter().map(|column| &column.facts);
            facts.map(|facts| (Arc::from(facts.name.as_str()), facts.ty.unwrap(), facts.storage)).collect()
        };
        world.tables.iter().map(|table| InUse { table: table.db_name.clone(), columns: columns(table) }).collect()
    };
    assert_eq!(world.source.verify_stored_types(in_use(&world)).await.unwrap(), []);
    world.room.outside().execute_batch("UPDATE orders SET at = '1.1.2024' WHERE id = 2").unwrap();
    let found = world.source.verify_stored_types(in_use(&world)).await.unwrap();
    assert_eq!((found.len(), found[0].column.as_str(), found[0].rows), (1, "at", 1));
}

#[tokio::test]
async fn a_page_of_own_rows_and_where_it_goes_on() {
    let world = World::new().await;
    let read = AskRead { order: order("total"), take: Some(2), ..AskRead::default() };
    let fields = ["id", "title", "total", "at", "paid", "day"];
    let answer =
        world.acme(Tool::Query, Act::Query(AskRead { select: select(&fields), ..read.clone() })).await.unwrap();
    assert_eq!(
        text(&answer),
        concat!(
            r#"[{"id":1,"title":"one","total":10.50,"at":"2024-01-01T00:00:00Z","paid":true,"day":"2024-02-29"},"#,
            r#"{"id":2,"title":"two","total":20.00,"at":"2024-01-01T00:00:00.25Z","paid":false,"day":null}]"#
        )
    );
    assert!(answer.has_more && answer.count == 2);
    let next = AskRead { select: select(&["id"]), after: answer.last, ..read };
    let answer = world.acme(Tool::Query, Act::Query(next)).await.unwrap();
    assert_eq!((text(&answer), answer.has_more, &answer.last), (r#"[{"id":3}]"#, false, &None));
    for id in [4, 5, 99] {
        assert_eq!(text(&world.acme(Tool::Get, get(id)).await.unwrap()), "[]", "{id}");
    }
    assert_eq!(text(&world.acme(Tool::Get, get(1)).await.unwrap()), r#"[{"id":1,"title":"one"}]"#);
}

#[tokio::test]
async fn filters_of_every_operator_pass_the_fence() {
    let world = World::new().await;
    let list = |values: &[Literal]| Literal::List(values.to_vec());
    for (filter, ids) in [
        (leaf("id", FilterOp::Eq, Literal::Int(2)), "2"),
        (leaf("title", FilterOp::Ne, literal("one")), "2,3"),
        (leaf("total", FilterOp::Gt, number("10.5")), "2"),
        (leaf("total", FilterOp::Eq, number("10.50")), "1"),
        (leaf("total", FilterOp::Between, list(&[Literal::Int(1), number("19.999")])), "1"),
        (leaf("total", FilterOp::In, list(&[number("10.5"), Literal::Int(20)])), "1,2"),
        (leaf("at", FilterOp::Eq, literal("2024-01-01T00:00:00.25Z")), "2"),
        (leaf("at", FilterOp::Lte, literal("2024-01-01T00:00:00Z")), "1"),
        (leaf("day", FilterOp::Gte, literal("2024-02-29")), "1"),
        (leaf("paid", FilterOp::Eq, Literal::Bool(false)), "2,3"),
        (leaf("total", FilterOp::IsNull, Literal::Bool(true)), "3"),
        (leaf("title", FilterOp::Contains, literal("e")), "1,3"),
        (leaf("title", FilterOp::StartsWith, literal("t")), "2,3"),
        (leaf("title", FilterOp::EndsWith, literal("ee")), "3"),
        (leaf("title", FilterOp::NotIn, list(&[literal("one"), literal("' OR 1=1 --")])), "2,3"),
        (AskFilter::Not(Box::new(leaf("total", FilterOp::Lt, Literal::Int(15)))), "2"),
    ] {
        let shown = format!("{filter:?}");
        let read = AskRead { select: select(&["id"]), order: order("id"), filter: Some(filter), ..AskRead::default() };
        let answer = world.acme(Tool::Query, Act::Query(read)).await.unwrap();
        let found: Vec<serde_json::Value> = serde_json::from_slice(&answer.rows).unwrap();
        let found: Vec<String> = found.iter().map(|row| row["id"].to_string()).collect();
        assert_eq!(found.join(","), ids, "{shown}");
    }
}

#[tokio::test]
async fn includes_at_every_level() {
    let world = World::new().await;
    let include = |relation: &str, fields: &[&str], by: &str, include: Vec<AskInclude>| AskInclude {
        relation: relation.to_owned(),
        read: AskRead { select: select(fields), order: order(by), take: Some(2), include, ..AskRead::default() },
    };
    let lines = include("lines", &["sku", "meta"], "sku", Vec::new());
    let orders = include("orders", &["id"], "id", vec![lines]);
    let read = AskRead { select: select(&["name"]), order: order("id"), include: vec![orders], ..AskRead::default() };
    let answer = world.ask("acme", Tool::Query, "customers", Act::Query(read), false).await.unwrap();
    assert_eq!(
        text(&answer),
        concat!(
            r#"[{"name":"Ada","orders":[{"id":1,"lines":[{"sku":"a","meta":{"n":1}},{"sku":"b","meta":7}]},"#,
            r#"{"id":2,"lines":[]}]},{"name":"bob","orders":[{"id":3,"lines":[]}]}]"#
        )
    );
    let order_of =
        AskInclude { relation: "order".to_owned(), read: AskRead { select: select(&["title"]), ..AskRead::default() } };
    let read = AskRead { select: select(&["sku"]), order: order("sku"), include: vec![order_of], ..AskRead::default() };
    let answer = world.ask("acme", Tool::Query, "lines", Act::Query(read.clone()), false).await.unwrap();
    assert_eq!(text(&answer), r#"[{"sku":"a","order":{"title":"one"}},{"sku":"b","order":{"title":"one"}}]"#);
    let answer = world.ask("globex", Tool::Query, "lines", Act::Query(read), false).await.unwrap();
    assert_eq!(text(&answer), r#"[{"sku":"c","order":{"title":"four"}}]"#);
}

#[tokio::test]
async fn calculations() {
    let world = World::new().await;
    let ask = |operation, field: &str| AskAggregate {
        operation,
        field: Some(field.to_owned()),
        filter: None,
        group_by: Vec::new(),
        having: None,
        distinct: false,
    };
    for (operation, field, wanted) in [
        (Operation::Count, "total", r#"[{"value":2}]"#),
        (Operation::Sum, "total", r#"[{"value":30.50}]"#),
        (Operation::Sum, "id", r#"[{"value":6}]"#),
        (Operation::Avg, "total", r#"[{"value":15.25}]"#),
        (Operation::Min, "total", r#"[{"value":10.50}]"#),
        (Operation::Max, "title", r#"[{"value":"two"}]"#),
        (Operation::Max, "at", r#"[{"value":"2024-01-01T00:00:00.25Z"}]"#),
    ] {
        let answer = world.acme(Tool::Aggregate, Act::Aggregate(ask(operation, field))).await.unwrap();
        assert_eq!(text(&answer), wanted, "{operation:?} {field}");
    }
    for (operation, having) in
        [(Operation::Count, Literal::Int(2)), (Operation::Sum, number("30.5")), (Operation::Avg, number("15.25"))]
    {
        let grouped = AskAggregate {
            group_by: vec!["customer_id".to_owned()],
            having: Some(AskHaving { op: FilterOp::Gte, value: having }),
            ..ask(operation, "total")
        };
        let answer = world.acme(Tool::Aggregate, Act::Aggregate(grouped)).await.unwrap();
        assert!(text(&answer).starts_with(r#"[{"customer_id":1,"value":"#), "{operation:?} {}", text(&answer));
        assert_eq!(answer.count, 1);
    }
}

#[tokio::test]
async fn a_row_is_made_or_refused() {
    let world = World::new().await;
    let answer = world
        .create(&[
            ("title", literal("new")),
            ("total", number("7.5")),
            ("customer_id", Literal::Int(2)),
            ("at", literal("2024-05-05T10:00:00.5+01:00")),
            ("paid", Literal::Bool(true)),
        ])
        .await
        .unwrap();
    let shown = text(&answer);
    assert!(shown.contains(r#""total":7.50"#) && shown.contains(r#""at":"2024-05-05T09:00:00.5Z""#), "{shown}");
    assert_eq!((answer.changes.len(), answer.changes[0].before.is_none()), (1, true));
    assert_eq!(
        world.stored("SELECT tenant_id || total || at || paid FROM orders WHERE title = 'new'"),
        ["acme7.52024-05-05 09:00:00.51"]
    );

    let foreign = world.create(&[("title", literal("x")), ("customer_id", Literal::Int(3))]).await;
    assert_eq!(foreign, Err(RunError::ReferenceNotVisible { names: vec!["customer".to_owned()] }));
    assert_eq!(foreign, world.create(&[("title", literal("x")), ("customer_id", Literal::Int(77))]).await);
    assert_eq!(world.create(&[("title", literal("one"))]).await, Err(RunError::UniqueConflict { own: true }));
    assert_eq!(world.create(&[("title", literal("four"))]).await, Err(RunError::UniqueConflict { own: false }));
    assert_eq!(world.create(&[("total", Literal::Int(1000))]).await, Err(RunError::Constraint(Constraint::Check)));
    let both = rows(&[&[("title", literal("p"))], &[("title", literal("one"))]]);
    assert_eq!(world.acme(Tool::BulkCreate, both).await, Err(RunError::UniqueConflict { own: true }));
    assert_eq!(world.stored("SELECT count(*) FROM orders"), ["6"]);
    let dry = world.ask("acme", Tool::Create, "orders", rows(&[&[("title", literal("dry"))]]), true).await.unwrap();
    assert_eq!((dry.count, world.stored("SELECT count(*) FROM orders")), (1, vec!["6".to_owned()]));
    let line = rows(&[&[("order_id", Literal::Int(4)), ("sku", literal("z"))]]);
    let line = world.ask("acme", Tool::Create, "lines", line, false).await;
    assert_eq!(line, Err(RunError::ReferenceNotVisible { names: vec!["order".to_owned()] }));
}

#[tokio::test]
async fn changes_tell_before_and_after() {
    let world = World::new().await;
    let answer = world.update(1, &[("title", literal("uno"))]).await.unwrap();
    let [change] = answer.changes.as_slice() else { panic!("{answer:?}") };
    let (before, after) = (change.before.as_deref().unwrap(), change.after.as_deref().unwrap());
    assert!(String::from_utf8_lossy(before).contains(r#""title":"one""#));
    assert!(String::from_utf8_lossy(after).contains(r#""title":"uno""#));
    assert_eq!(world.stored("SELECT what FROM changes"), ["Ada"], "the table's own trigger ran");
    assert_eq!(world.update(1, &[("title", literal("two"))]).await, Err(RunError::UniqueConflict { own: true }));
    for id in [4, 5, 99] {
        assert_eq!(world.update(id, &[("title", literal("x"))]).await, Err(RunError::NotFound), "{id}");
    }
    let foreign = world.update(1, &[("customer_id", Literal::Int(3))]).await;
    assert_eq!(foreign, Err(RunError::ReferenceNotVisible { names: vec!["customer".to_owned()] }));

    let ids = |ids: &[i64]| AskTarget::Ids(ids.iter().map(|id| Id::Single(Literal::Int(*id))).collect());
    let bulk = |target| Act::Update { target, data: named(&[("total", Literal::Int(5))]) };
    assert_eq!(world.acme(Tool::BulkUpdate, bulk(ids(&[1, 4]))).await, Err(RunError::NotFound));
    assert_eq!(world.acme(Tool::BulkUpdate, bulk(ids(&[1, 2]))).await.unwrap().count, 2);
    let all = AskTarget::Where(leaf("id", FilterOp::Gt, Literal::Int(0)));
    assert_eq!(world.acme(Tool::BulkUpdate, bulk(all)).await, Err(RunError::MaxRows { limit: 2 }));
    let some = AskTarget::Where(leaf("total", FilterOp::Eq, Literal::Int(5)));
    let answer = world.acme(Tool::BulkUpdate, Act::Update { target: some, data: named(&[("total", number("6.25"))]) });
    assert_eq!(answer.await.unwrap().changes.len(), 2);
    assert_eq!(world.stored("SELECT total FROM orders ORDER BY id"), ["6.25", "6.25", "NULL", "40", "1"]);
}

#[tokio::test]
async fn rows_go_softly_or_for_good() {
    let world = World::new().await;
    let delete = |id| Act::Delete { id: Id::Single(Literal::Int(id)) };
    let answer = world.acme(Tool::Delete, delete(2)).await.unwrap();
    assert_eq!((answer.count, answer.changes.len()), (1, 1));
    assert_eq!(world.stored("SELECT gone FROM orders WHERE id = 2"), ["2023-11-14 22:13:20.5"]);
    assert_eq!(text(&world.acme(Tool::Query, everything()).await.unwrap()), r#"[{"id":1},{"id":3}]"#);
    for id in [2, 4, 99] {
        assert_eq!(world.acme(Tool::Delete, delete(id)).await, Err(RunError::NotFound), "{id}");
    }
    let used = world.ask("acme", Tool::Delete, "customers", delete(1), false).await;
    assert_eq!(used, Err(RunError::Constraint(Constraint::ForeignKey)));
    let line =
        |end: &str| Act::Delete { id: Id::Single(literal(&format!("01890a5d-ac96-774b-bcce-b302099a805{end}"))) };
    assert_eq!(world.ask("acme", Tool::Delete, "lines", line("3"), false).await, Err(RunError::NotFound));
    let gone = world.ask("acme", Tool::Delete, "lines", line("1"), false).await.unwrap();
    assert!(gone.changes[0].before.is_some() && gone.changes[0].after.is_none());
    assert_eq!(world.stored("SELECT sku FROM lines ORDER BY sku"), ["b", "c"]);
}
