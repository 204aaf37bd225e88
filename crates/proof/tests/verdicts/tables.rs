//! Tables and policies as the data files write them.

/// One policy with its verdict.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) tables: Vec<TableText>,
    pub(crate) file: String,
    /// What leaks, as `promise:table:operation`, or with the last part of an address instead.
    pub(crate) leaks: Vec<String>,
    /// What does nothing.
    pub(crate) idle: Vec<String>,
    /// What is left open.
    pub(crate) open: Vec<String>,
    /// The rule that shows what leaks.
    pub(crate) rule: Option<String>,
}

/// `orders(id int not null, tenant_id text, customer_id int -> customers.id)`; without `key a b` the first
/// column is the key. `unique a b` and `foreign a b -> table c d` say the rest.
pub(crate) struct TableText {
    pub(crate) name: String,
    /// Name, kind, may be NULL.
    pub(crate) columns: Vec<(String, String, bool)>,
    pub(crate) key: Vec<String>,
    pub(crate) unique: Vec<Vec<String>>,
    /// Own columns, the other table, its columns.
    pub(crate) foreign: Vec<(Vec<String>, String, Vec<String>)>,
}

/// Every policy of the data files.
pub(crate) fn cases() -> Vec<Case> {
    let texts = [
        include_str!("policies.toml"),
        include_str!("source.toml"),
        include_str!("leaks.toml"),
        include_str!("sound.toml"),
        include_str!("hostile.toml"),
    ];
    texts.into_iter().flat_map(read).collect()
}

fn read(text: &str) -> Vec<Case> {
    let document: serde_json::Value = toml::from_str(text).unwrap();
    let list = |one: &serde_json::Value, name: &str| -> Vec<String> {
        one[name].as_array().into_iter().flatten().map(|item| item.as_str().unwrap().to_owned()).collect()
    };
    let policies = document["policy"].as_array().unwrap().iter();
    policies
        .map(|one| Case {
            name: one["name"].as_str().unwrap().to_owned(),
            tables: tables(one["tables"].as_str().unwrap()),
            file: shown(one["file"].as_str().unwrap(), &tables(one["tables"].as_str().unwrap())),
            leaks: list(one, "leaks"),
            idle: list(one, "idle"),
            open: list(one, "open"),
            rule: one["rule"].as_str().map(str::to_owned),
        })
        .collect()
}

pub(crate) fn tables(text: &str) -> Vec<TableText> {
    text.split(';').map(str::trim).filter(|table| !table.is_empty()).map(table).collect()
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn table(text: &str) -> TableText {
    let (name, rest) = text.split_once('(').unwrap();
    let mut made = TableText {
        name: name.trim().to_owned(),
        columns: Vec::new(),
        key: Vec::new(),
        unique: Vec::new(),
        foreign: Vec::new(),
    };
    for part in rest.trim_end().trim_end_matches(')').split(',').map(str::trim) {
        if let Some(key) = part.strip_prefix("key ") {
            made.key = words(key);
        } else if let Some(unique) = part.strip_prefix("unique ") {
            made.unique.push(words(unique));
        } else if let Some(foreign) = part.strip_prefix("foreign ") {
            let (own, theirs) = foreign.split_once(" -> ").unwrap();
            let mut theirs = words(theirs);
            made.foreign.push((words(own), theirs.remove(0), theirs));
        } else {
            let (column, to) = part.split_once(" -> ").map_or((part, None), |(column, to)| (column, Some(to)));
            let parts = words(column);
            if let Some(to) = to {
                let (table, key) = to.split_once('.').unwrap();
                made.foreign.push((vec![parts[0].clone()], table.to_owned(), vec![key.to_owned()]));
            }
            made.columns.push((parts[0].clone(), parts[1].clone(), !column.ends_with("not null")));
        }
    }
    if made.key.is_empty() {
        made.key.push(made.columns[0].0.clone());
    }
    made
}

/// Every column may be seen: what callers may see is not what is tried here.
pub(crate) fn shown(file: &str, tables: &[TableText]) -> String {
    let mut text = file.to_owned();
    for table in tables {
        let fields: Vec<String> = table.columns.iter().map(|(name, ..)| format!("{name} = \"allow\"")).collect();
        let source = format!("source = \"main.{}\"\n", table.name);
        text = text.replace(&source, &format!("{source}fields = {{ {} }}\n", fields.join(", ")));
    }
    text
}
