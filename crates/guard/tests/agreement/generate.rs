//! Random conditions, rows and principals, with values that databases are known to disagree about.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};

/// The kinds that conditions may use, and the columns of `t` that have them.
pub const KINDS: &[(&str, &[&str])] = &[
    ("int", &["id", "i", "n", "hop.k"]),
    ("text", &["tenant_id", "s", "hop.name"]),
    ("bool", &["b", "hop.open"]),
    ("decimal", &["d"]),
    ("timestamp", &["ts"]),
    ("uuid", &["u"]),
];

/// The scalar attribute of each kind; its list is the same name with `list_` before it.
pub fn attribute(kind: &str) -> String {
    format!("principal.metadata.{kind}_value")
}

fn list(kind: &str) -> String {
    format!("principal.metadata.list_{kind}")
}

const TEXTS: &[&str] =
    &["", " ", "a", "A", "a ", "ab", "ä", "ä", "%", "_", "o'neil", "\"", "\\", "日本", "zzzz", "NULL", "0", "true"];
const NUMBERS: &[i64] = &[0, 1, -1, 2, 7, i64::MAX, i64::MIN, 1 << 53, (1 << 53) + 1, -(1 << 40)];
const DECIMALS: &[&str] = &["0", "0.01", "-0.01", "1", "1.1", "1.10", "0.3", "99999999.99", "-12345.67"];
const TIMES: &[&str] = &[
    "1970-01-01T00:00:00Z",
    "2026-01-31T09:00:00Z",
    "2026-01-31T09:00:00.5Z",
    "2026-01-31T09:00:00.000001Z",
    "1969-12-31T23:59:59.999999Z",
];
const UUIDS: &[&str] = &[
    "00000000-0000-0000-0000-000000000000",
    "018f4c1e-7b5a-7c3e-9d2f-0a1b2c3d4e5f",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
];

/// Rows of a table.
pub type Rows = Vec<Map<String, Value>>;

/// The generator.
pub struct Dice(ChaCha8Rng);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(ChaCha8Rng::seed_from_u64(seed))
    }

    fn below(&mut self, n: usize) -> usize {
        self.0.random_range(0..n)
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<'t, T>(&mut self, items: &'t [T]) -> &'t T {
        let at = self.below(items.len());
        &items[at]
    }

    /// A value of a kind as JSON.
    pub fn value(&mut self, kind: &str) -> Value {
        match kind {
            "int" => json!(*self.pick(NUMBERS)),
            "text" => json!(*self.pick(TEXTS)),
            "bool" => json!(self.one_in(2)),
            "decimal" => json!(*self.pick(DECIMALS)),
            "timestamp" => json!(*self.pick(TIMES)),
            _ => json!(*self.pick(UUIDS)),
        }
    }

    fn maybe(&mut self, kind: &str) -> Value {
        if self.one_in(5) { Value::Null } else { self.value(kind) }
    }

    /// The rows of `t` and of `r`, to which its relation `hop` leads.
    pub fn rows(&mut self) -> (Rows, Rows) {
        let related: Vec<Map<String, Value>> = (0..6)
            .map(|id| {
                object([
                    ("id", json!(id)),
                    ("name", self.maybe("text")),
                    ("k", self.maybe("int")),
                    ("open", self.maybe("bool")),
                ])
            })
            .collect();
        let rows = (0..14)
            .map(|id| {
                object([
                    ("id", json!(id)),
                    ("tenant_id", self.value("text")),
                    ("i", self.maybe("int")),
                    ("n", self.value("int")),
                    ("s", self.maybe("text")),
                    ("b", self.maybe("bool")),
                    ("d", self.maybe("decimal")),
                    ("ts", self.maybe("timestamp")),
                    ("u", self.maybe("uuid")),
                    ("r_id", if self.one_in(4) { Value::Null } else { json!(self.below(6)) }),
                ])
            })
            .collect();
        (rows, related)
    }

    /// A principal's metadata: each attribute may be missing; lists may be empty.
    pub fn metadata(&mut self) -> BTreeMap<String, Value> {
        let mut metadata = BTreeMap::new();
        for (kind, _) in KINDS {
            if !self.one_in(4) {
                metadata.insert(format!("{kind}_value"), self.fit(kind));
            }
            if !self.one_in(4) {
                let count = self.below(4);
                let items: Vec<Value> = (0..count).map(|_| self.fit(kind)).collect();
                metadata.insert(format!("list_{kind}"), json!(items));
            }
        }
        metadata
    }

    /// A value that a token may carry: texts are not empty and in composed form.
    fn fit(&mut self, kind: &str) -> Value {
        loop {
            let value = self.value(kind);
            match value.as_str() {
                Some("" | "ä") if kind == "text" => {}
                _ => return value,
            }
        }
    }

    /// A condition's text.
    pub fn condition(&mut self, depth: usize) -> String {
        if depth < 4 && self.one_in(2) {
            let count = 2 + self.below(2);
            let parts: Vec<String> = (0..count).map(|_| self.condition(depth + 1)).collect();
            return match self.below(3) {
                0 => format!("({})", parts.join(" AND ")),
                1 => format!("({})", parts.join(" OR ")),
                _ => format!("NOT {}", Self::in_brackets(&parts[0])),
            };
        }
        let (kind, columns) = *self.pick(KINDS);
        let column = *self.pick(columns);
        match self.below(9) {
            0 => format!("HAS {}", if self.one_in(2) { attribute(kind) } else { list(kind) }),
            1 => {
                let own = *self.pick(&["i", "s", "b", "d", "ts", "u", "r_id"]);
                format!("{own} IS {}NULL", if self.one_in(2) { "NOT " } else { "" })
            }
            2 => {
                let count = self.below(4);
                let items: Vec<String> = (0..count).map(|_| self.literal(kind)).collect();
                format!("{column} {}IN ({})", self.not(), items.join(", "))
            }
            3 => format!("{column} {}IN {}", self.not(), list(kind)),
            4 if kind == "text" => {
                let prefix = *self.pick(&["a", "A", "ä", "%", "_", "o'", "\\"]);
                format!("{column} {}STARTS WITH {}", self.not(), quoted(prefix))
            }
            5 => format!("{} {}IN {}", self.literal(kind), self.not(), list(kind)),
            6 => format!("{} {} {}", attribute(kind), self.cmp(kind), self.literal(kind)),
            7 => format!("{column} {} {}", self.cmp(kind), attribute(kind)),
            _ => format!("{column} {} {}", self.cmp(kind), self.literal(kind)),
        }
    }

    fn in_brackets(text: &str) -> String {
        if text.starts_with('(') { text.to_owned() } else { format!("({text})") }
    }

    fn not(&mut self) -> &'static str {
        if self.one_in(2) { "NOT " } else { "" }
    }

    fn cmp(&mut self, kind: &str) -> &'static str {
        let ordered = matches!(kind, "int" | "decimal" | "timestamp");
        let all = ["=", "<>", "<", "<=", ">", ">="];
        let count = if ordered { all.len() } else { 2 };
        all[self.below(count)]
    }

    fn literal(&mut self, kind: &str) -> String {
        let value = self.value(kind);
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match kind {
            "int" => text,
            "bool" => text.to_uppercase(),
            "text" => quoted(&text),
            "decimal" => format!("DECIMAL {}", quoted(&text)),
            "timestamp" => format!("TIMESTAMP {}", quoted(&text)),
            _ => format!("UUID {}", quoted(&text)),
        }
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
