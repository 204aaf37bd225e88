//! Random worlds and random calls, from a seed.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::world::{Row, TABLES, World, creatable, relations, shown, spec, updatable, usable};

/// The generator.
pub struct Dice(pub ChaCha8Rng);

const TENANTS: &[&str] = &["a", "b", "p", "A", "a ", "zz"];
const USERS: &[&str] = &["ada", "bob", "eve", "pat", "Ada"];
/// Texts that look alike, are empty, or mean something to a database.
const TEXTS: &[&str] = &[
    "",
    " ",
    "open",
    "Open",
    "open ",
    "closed",
    "hidden",
    "а",
    "a",
    "ä",
    "ä",
    "%",
    "_",
    "o'neil",
    "\"x\"",
    "\\",
    "NULL",
    "0",
    "x; DROP TABLE orders",
    "$1",
    "?1",
    "日本",
    "🦀",
    "zzzz",
];
const NUMBERS: &[i64] = &[0, 1, -1, 2, 3, 5, 10, 100, i32::MAX as i64 + 1, -(1 << 40), 1 << 40];

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(ChaCha8Rng::seed_from_u64(seed))
    }

    pub fn below(&mut self, n: usize) -> usize {
        self.0.random_range(0..n.max(1))
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'t, T>(&mut self, items: &'t [T]) -> &'t T {
        let at = self.below(items.len());
        &items[at]
    }

    /// A world of random rows whose references exist.
    pub fn world(&mut self) -> World {
        let mut world = World::default();
        for table in TABLES {
            let mut rows: Vec<Row> = Vec::new();
            let count = 10 + self.below(30);
            for at in 0..count {
                let mut row = Row::new();
                for (column, kind, nullable) in table.columns {
                    let reference = table.references.iter().find(|(own, _)| own == column);
                    let value = match (*column, reference) {
                        ("id", _) => json!(at * 3 + self.below(3)),
                        ("deleted", _) => json!(self.one_in(4)),
                        (_, Some((_, other))) => match world.rows(other) {
                            rows if !rows.is_empty() && !self.one_in(6) => self.pick(rows)["id"].clone(),
                            _ => Value::Null,
                        },
                        _ => self.value(column, kind, *nullable),
                    };
                    row.insert((*column).to_owned(), value);
                }
                if !rows.iter().any(|known| table.key.iter().all(|key| known[*key] == row[*key])) {
                    rows.push(row);
                }
            }
            world.tables.insert(table.name, rows);
        }
        world
    }

    fn value(&mut self, column: &str, kind: &str, nullable: bool) -> Value {
        if nullable && self.one_in(8) {
            return Value::Null;
        }
        match (column, kind) {
            ("tenant_id", _) => json!(*self.pick(TENANTS)),
            ("owner" | "user_id", _) => json!(*self.pick(USERS)),
            ("status", _) => json!(*self.pick(&["open", "open", "closed", "hidden", "Open", ""])),
            ("card", _) => json!(*self.pick(&["4111111111111234", "123", "12345678", ""])),
            (_, "int") => json!(*self.pick(NUMBERS)),
            (_, "bool") => json!(self.one_in(2)),
            _ => json!(*self.pick(TEXTS)),
        }
    }

    fn value_of(&mut self, table: &str, field: &str, null: bool) -> Value {
        let (column, kind, nullable) =
            *spec(table).columns.iter().find(|column| column.0 == field).expect("a known field");
        match column {
            "id" | "customer_id" | "order_id" if null && nullable && self.one_in(8) => Value::Null,
            "id" | "customer_id" | "order_id" => json!(self.below(100)),
            _ => self.value(column, kind, nullable && null),
        }
    }

    fn id(&mut self, world: &World, table: &str) -> Value {
        let rows = world.rows(table);
        let key = spec(table).key;
        if rows.is_empty() || self.one_in(6) {
            return match key {
                [_] => json!(1_000_000 + self.below(1000)),
                keys => Value::Object(keys.iter().map(|key| ((*key).to_owned(), json!("nobody"))).collect()),
            };
        }
        let row = self.pick(rows);
        match key {
            [key] => row[*key].clone(),
            keys => Value::Object(keys.iter().map(|key| ((*key).to_owned(), row[*key].clone())).collect()),
        }
    }

    /// A random call of a random tool.
    pub fn call(&mut self, world: &World) -> (&'static str, Value) {
        let table = self.pick(TABLES).name;
        let tool = *self.pick(&[
            "query",
            "query",
            "query",
            "get",
            "get",
            "aggregate",
            "aggregate",
            "create",
            "bulk_create",
            "update",
            "update",
            "bulk_update",
            "delete",
        ]);
        let mut args = json!({ "model": table });
        match tool {
            "query" => self.read(&mut args, table, 0),
            "get" => {
                args["id"] = self.id(world, table);
                if self.one_in(3) {
                    self.includes(&mut args, table, 0);
                }
            }
            "aggregate" => self.aggregate(&mut args, table),
            "create" => args["data"] = self.row(table),
            "bulk_create" => {
                let count = 1 + self.below(6);
                args["rows"] = (0..count).map(|_| self.row(table)).collect();
            }
            "update" => {
                args["id"] = self.id(world, table);
                args["data"] = self.data(table);
            }
            "bulk_update" => {
                args["data"] = self.data(table);
                if let Some(data) = args["data"].as_object_mut() {
                    data.remove("customer_id");
                    if data.is_empty() {
                        data.insert("status".to_owned(), json!("open"));
                    }
                }
                if self.one_in(2) {
                    let mut ids: Vec<Value> = Vec::new();
                    for _ in 0..1 + self.below(6) {
                        let id = self.id(world, table);
                        if !ids.contains(&id) {
                            ids.push(id);
                        }
                    }
                    args["ids"] = json!(ids);
                } else {
                    args["where"] = self.filter(table, 0);
                }
            }
            _ => args["id"] = self.id(world, table),
        }
        if !matches!(tool, "query" | "get" | "aggregate") && self.one_in(6) {
            args["dry_run"] = json!(true);
        }
        (tool, args)
    }

    fn read(&mut self, args: &mut Value, table: &str, depth: usize) {
        if self.one_in(2) {
            args["where"] = self.filter(table, 0);
        }
        if self.one_in(2) {
            let mut order: Vec<Value> = Vec::new();
            for _ in 0..1 + self.below(3) {
                let field = *self.pick(&usable(table));
                if !order.iter().any(|known| known["field"] == json!(field)) {
                    order.push(json!({ "field": field, "direction": if self.one_in(2) { "asc" } else { "desc" } }));
                }
            }
            args["order_by"] = json!(order);
        }
        if self.one_in(2) {
            args["take"] = json!(1 + self.below(8));
        }
        if self.one_in(3) {
            let mut fields: Vec<&str> = shown(table).to_vec();
            fields.retain(|_| !self.one_in(3));
            if !fields.is_empty() {
                args["select"] = json!(fields);
            }
        }
        if depth < 2 && self.one_in(3) {
            self.includes(args, table, depth);
        }
    }

    fn includes(&mut self, args: &mut Value, table: &str, depth: usize) {
        let mut includes = Vec::new();
        for (name, other, to_one, ..) in relations(table) {
            if includes.len() < 2 && self.one_in(2) {
                let mut include = json!({ "relation": name });
                self.read(&mut include, other, depth + 1);
                if *to_one && let Some(members) = include.as_object_mut() {
                    members.remove("take");
                    members.remove("order_by");
                }
                includes.push(include);
            }
        }
        if !includes.is_empty() {
            args["include"] = json!(includes);
        }
    }

    fn filter(&mut self, table: &str, depth: usize) -> Value {
        if depth < 3 && self.one_in(3) {
            let count = 1 + self.below(3);
            let parts: Vec<Value> = (0..count).map(|_| self.filter(table, depth + 1)).collect();
            return match self.below(4) {
                0 => json!({ "and": parts }),
                1 => json!({ "or": parts }),
                2 => json!(parts),
                _ => json!({ "not": parts[0] }),
            };
        }
        let field = *self.pick(&usable(table));
        let kind = spec(table).columns.iter().find(|column| column.0 == field).expect("a known field").1;
        let ops: &[&str] = match kind {
            "bool" => &["eq", "ne", "in", "not_in", "is_null"],
            "int" => &["eq", "ne", "lt", "lte", "gt", "gte", "in", "not_in", "is_null", "between"],
            _ => &[
                "eq",
                "ne",
                "lt",
                "lte",
                "gt",
                "gte",
                "in",
                "not_in",
                "is_null",
                "between",
                "contains",
                "startswith",
                "endswith",
            ],
        };
        let op = *self.pick(ops);
        let value = match op {
            "is_null" => json!(self.one_in(2)),
            "in" | "not_in" => {
                let count = self.below(4);
                (0..count).map(|_| self.value_of(table, field, false)).collect()
            }
            "between" => json!([self.value_of(table, field, false), self.value_of(table, field, false)]),
            "contains" | "startswith" | "endswith" => loop {
                let value = self.value_of(table, field, false);
                if value != json!("") {
                    break value;
                }
            },
            _ => self.value_of(table, field, false),
        };
        // A list of filters inside `not` or at a leaf is a list; a leaf is an object.
        json!({ "field": field, "op": op, "value": value })
    }

    fn aggregate(&mut self, args: &mut Value, table: &str) {
        let ints: Vec<&str> = usable(table)
            .into_iter()
            .filter(|field| spec(table).columns.iter().any(|column| column.0 == *field && column.1 == "int"))
            .collect();
        let operation = *self.pick(&["count", "count", "sum", "avg", "min", "max"]);
        args["operation"] = json!(operation);
        if operation != "count" || self.one_in(2) {
            args["field"] = json!(*self.pick(&ints));
            args["distinct"] = json!(self.one_in(3));
        }
        if self.one_in(2) {
            args["where"] = self.filter(table, 0);
        }
        if self.one_in(2) {
            let mut by: Vec<&str> = Vec::new();
            for _ in 0..1 + self.below(2) {
                let field = *self.pick(&usable(table));
                if !by.contains(&field) {
                    by.push(field);
                }
            }
            args["group_by"] = json!(by);
        }
        if self.one_in(4) && operation != "avg" {
            args["having"] = json!({ "op": *self.pick(&["gt", "lte", "ne", "eq"]), "value": *self.pick(NUMBERS) });
        }
    }

    fn row(&mut self, table: &str) -> Value {
        let fields = creatable(table);
        let mut row = json!({});
        for field in fields {
            row[*field] = match *field {
                "id" if self.one_in(4) => json!(self.below(100)),
                "id" => json!(10_000 + self.below(1_000_000)),
                field => self.value_of(table, field, true),
            };
        }
        if fields.is_empty() {
            row["id"] = json!(1);
        }
        row
    }

    fn data(&mut self, table: &str) -> Value {
        let mut data = json!({});
        for field in updatable(table) {
            if self.one_in(2) {
                data[*field] = self.value_of(table, field, true);
            }
        }
        if data.as_object().is_some_and(serde_json::Map::is_empty) {
            let field = updatable(table).first().copied().unwrap_or("id");
            data[field] = self.value_of(table, field, true);
        }
        data
    }
}
