//! The one layout of a file: sections in a fixed order, even spacing, conditions in their normal form.
//! Comments stay with what they stand above or beside.

use std::collections::BTreeMap;

use tenantry_policy::condition::{parse, to_text};
use toml_edit::{Array, Decor, DocumentMut, InlineTable, Item, KeyMut, RawString, Table, Value};

use crate::code::FileCode;
use crate::diagnostic::{Diagnostic, Findings};
use crate::read;
use crate::span::{Files, SourceText, Span};
use crate::tree::{Node, Tree};

/// The order of the sections.
const SECTIONS: [&str; 13] = [
    "platform",
    "tenancy",
    "source",
    "issuer",
    "api",
    "model",
    "role",
    "client",
    "connection",
    "user",
    "account",
    "principal",
    "table",
];

/// The longest line that a list is kept on.
const WIDTH: usize = 120;

/// The text in the one layout. Formatting it again changes nothing.
///
/// # Errors
/// What keeps the text from being read as TOML.
pub fn format(source: &SourceText) -> Result<String, Vec<Diagnostic>> {
    let files = Files::new(vec![source.clone()]);
    let mut findings = Findings::default();
    if source.is_json() {
        findings.error(FileCode::Syntax, Span::default(), "only TOML is formatted, this is JSON");
        return Err(findings.finish(&files));
    }
    let before = read::toml(0, &source.text, &mut findings);
    let text = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text);
    let (head, text) = split_head(text);
    let Ok(mut document) = text.parse::<DocumentMut>() else {
        if !findings.any_error() {
            findings.error(FileCode::Syntax, Span::default(), "this is not TOML");
        }
        return Err(findings.finish(&files));
    };
    if findings.any_error() {
        return Err(findings.finish(&files));
    }
    let head = tidy(&[head, "\n"].concat(), false);
    let formatted = join(&[head.trim(), layout(&mut document).trim_end()]);
    // A formatter that loses a rule opens a hole. Should the layout ever change the meaning, the text
    // stays as it is.
    let after = read::toml(0, &formatted, &mut findings);
    let kept = !findings.any_error() && same(&before, &after);
    Ok(if kept { formatted } else { source.text.clone() })
}

fn layout(document: &mut DocumentMut) -> String {
    let mut writer = Writer { order: order(document.as_table()) };
    let trailing = tidy(&[document.trailing().as_str().unwrap_or_default(), "\n"].concat(), false);
    writer.table(document.as_table_mut(), &mut Vec::new());
    document.set_trailing("");
    let body = document.to_string();
    join(&[body.trim(), trailing.trim()])
}

/// The parts that hold something, an empty line between them.
fn join(parts: &[&str]) -> String {
    let mut out = parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("\n\n");
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// The new position of every table with a header, by its old one.
fn order(root: &Table) -> BTreeMap<isize, isize> {
    let mut tables = Vec::new();
    collect(root, &mut Vec::new(), &mut tables);
    tables.sort_by_key(|(position, _)| *position);
    let mut groups: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    for (at, (_, path)) in tables.iter().enumerate() {
        groups.entry(path.iter().take(2).cloned().collect()).or_insert(at);
    }
    let mut sorted: Vec<((usize, usize), isize)> = tables
        .iter()
        .map(|(position, path)| {
            let section = path.first().map_or("", String::as_str);
            let rank = SECTIONS.iter().position(|known| *known == section).unwrap_or(SECTIONS.len());
            let group: Vec<String> = path.iter().take(2).cloned().collect();
            ((rank, groups.get(&group).copied().unwrap_or(0)), *position)
        })
        .collect();
    sorted.sort();
    let positions = sorted.into_iter().map(|(_, position)| position);
    positions.zip(1_isize..).collect()
}

fn collect(table: &Table, path: &mut Vec<String>, out: &mut Vec<(isize, Vec<String>)>) {
    for (key, item) in table.iter() {
        path.push(key.to_owned());
        let mut visit = |table: &Table, path: &mut Vec<String>| {
            if let Some(position) = table.position().filter(|_| !table.is_implicit() && !table.is_dotted()) {
                out.push((position, path.clone()));
            }
            collect(table, path, out);
        };
        match item {
            Item::Table(table) => visit(table, path),
            Item::ArrayOfTables(tables) => tables.iter().for_each(|table| visit(table, path)),
            _ => {}
        }
        path.pop();
    }
}

/// Comments at the very beginning that an empty line separates from what follows belong to the file, not
/// to the table that happens to come first. Answers them and the rest of the text.
fn split_head(text: &str) -> (&str, &str) {
    let mut at = 0;
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.trim();
        if !bare.is_empty() && !bare.starts_with('#') {
            break;
        }
        at += line.len();
        if bare.is_empty() || at == text.len() {
            end = at;
        }
    }
    text.split_at_checked(end).unwrap_or(("", text))
}

/// Rewrites the blanks around everything.
struct Writer {
    order: BTreeMap<isize, isize>,
}

impl Writer {
    /// The values and tables of a table that has its own header, or of the document.
    fn table(&mut self, table: &mut Table, path: &mut Vec<String>) {
        let mut first = true;
        self.items(table, path, &mut first);
    }

    fn items(&mut self, table: &mut Table, path: &mut Vec<String>, first: &mut bool) {
        for (mut key, item) in table.iter_mut() {
            path.push(key.get().to_owned());
            match item {
                Item::None => {}
                Item::Value(value) => {
                    self.key(&mut key, *first);
                    *first = false;
                    let room = WIDTH.saturating_sub(key.display_repr().chars().count() + 3);
                    let comment = comment_of(value.decor());
                    tidy_value(value, path, room);
                    set(value.decor_mut(), " ", &comment);
                }
                Item::Table(inner) => {
                    key.dotted_decor_mut().clear();
                    if inner.is_dotted() {
                        self.items(inner, path, first);
                    } else {
                        key.leaf_decor_mut().clear();
                        self.header(inner);
                        self.table(inner, path);
                    }
                }
                Item::ArrayOfTables(tables) => {
                    key.dotted_decor_mut().clear();
                    key.leaf_decor_mut().clear();
                    for inner in tables.iter_mut() {
                        self.header(inner);
                        self.table(inner, path);
                    }
                }
            }
            path.pop();
        }
    }

    fn key(&mut self, key: &mut KeyMut<'_>, first: bool) {
        let above = tidy(&prefix(key.leaf_decor()), !first);
        set(key.leaf_decor_mut(), &above, " ");
        key.dotted_decor_mut().clear();
    }

    fn header(&mut self, table: &mut Table) {
        if let Some(position) = table.position().and_then(|position| self.order.get(&position)) {
            table.set_position(Some(*position));
        }
        let above = ["\n", &tidy(&prefix(table.decor()), false)].concat();
        let comment = comment_of(table.decor());
        set(table.decor_mut(), &above, &comment);
    }
}

fn set(decor: &mut Decor, prefix: &str, suffix: &str) {
    decor.set_prefix(prefix);
    decor.set_suffix(suffix);
}

fn raw(text: Option<&RawString>) -> String {
    text.and_then(RawString::as_str).unwrap_or_default().to_owned()
}

fn prefix(decor: &Decor) -> String {
    raw(decor.prefix())
}

/// The comment that follows on the same line, two blanks away.
fn comment_of(decor: &Decor) -> String {
    let suffix = raw(decor.suffix());
    let comment = suffix.trim();
    if comment.starts_with('#') { ["  ", comment].concat() } else { String::new() }
}

/// Comment lines without indentation, runs of empty lines as one. `keep_first` keeps an empty line at the
/// beginning.
fn tidy(raw: &str, keep_first: bool) -> String {
    let mut out = String::new();
    let mut blank = false;
    let lines: Vec<&str> = raw.split('\n').collect();
    // What follows the last line end is only the indentation of what stands next.
    for line in lines.iter().take(lines.len().saturating_sub(1)).map(|line| line.trim()) {
        if line.is_empty() {
            blank = true;
            continue;
        }
        if blank && (!out.is_empty() || keep_first) {
            out.push('\n');
        }
        blank = false;
        out.push_str(line);
        out.push('\n');
    }
    if blank && (!out.is_empty() || keep_first) {
        out.push('\n');
    }
    out
}

/// Spacing inside a value. A value with comments inside stays as it is.
fn tidy_value(value: &mut Value, path: &mut Vec<String>, room: usize) {
    if let Value::String(text) = value {
        let written = text.display_repr();
        let block = ["\"\"\"", "'''"].iter().any(|quotes| written.starts_with(quotes));
        if !block && is_condition(path) {
            let normal = parse(text.value()).ok().map(|tree| to_text(&tree));
            if let Some(normal) = normal.filter(|normal| normal != text.value()) {
                let decor = value.decor().clone();
                *value = Value::from(normal);
                *value.decor_mut() = decor;
            }
        }
        return;
    }
    if commented(value, true) {
        return;
    }
    match value {
        Value::Array(array) => tidy_array(array, path, room),
        Value::InlineTable(table) => tidy_inline(table, path),
        _ => {}
    }
}

fn tidy_array(array: &mut Array, path: &mut Vec<String>, room: usize) {
    for (at, item) in array.iter_mut().enumerate() {
        tidy_value(item, path, usize::MAX);
        set(item.decor_mut(), if at == 0 { "" } else { " " }, "");
    }
    array.set_trailing("");
    array.set_trailing_comma(false);
    let mut alone = array.clone();
    alone.decor_mut().clear();
    let width = Value::Array(alone).to_string().trim().chars().count();
    if width > room && array.len() > 1 {
        array.iter_mut().for_each(|item| set(item.decor_mut(), "\n    ", ""));
        array.set_trailing_comma(true);
        array.set_trailing("\n");
    }
}

fn tidy_inline(table: &mut InlineTable, path: &mut Vec<String>) {
    fn walk(table: &mut InlineTable, path: &mut Vec<String>) {
        for (mut key, value) in table.iter_mut() {
            path.push(key.get().to_owned());
            key.dotted_decor_mut().clear();
            match value {
                Value::InlineTable(inner) if inner.is_dotted() => walk(inner, path),
                value => {
                    set(key.leaf_decor_mut(), " ", " ");
                    tidy_value(value, path, usize::MAX);
                    set(value.decor_mut(), " ", "");
                }
            }
            path.pop();
        }
    }
    walk(table, path);
    table.set_trailing_comma(false);
    table.set_trailing(if table.is_empty() { "" } else { " " });
}

/// Does a comment stand inside the value?
fn commented(value: &Value, outermost: bool) -> bool {
    let in_decor = |decor: &Decor| raw(decor.prefix()).contains('#') || raw(decor.suffix()).contains('#');
    if !outermost && in_decor(value.decor()) {
        return true;
    }
    match value {
        Value::Array(array) => {
            array.trailing().as_str().is_none_or(|text| text.contains('#'))
                || array.iter().any(|item| commented(item, false))
        }
        Value::InlineTable(table) => {
            let hidden = |(keys, value): &(Vec<&toml_edit::Key>, &Value)| {
                commented(value, false)
                    || keys.iter().any(|key| in_decor(key.leaf_decor()) || in_decor(key.dotted_decor()))
            };
            table.trailing().as_str().is_none_or(|text| text.contains('#')) || table.get_values().iter().any(hidden)
        }
        _ => false,
    }
}

/// Does a condition stand at this path?
fn is_condition(path: &[String]) -> bool {
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    matches!(parts.as_slice(), ["table", _, "shared"] | ["table", _, "permit" | "bypass" | "require", _, "when"])
}

/// Do both trees mean the same? Conditions may differ in spelling.
fn same(a: &Node, b: &Node) -> bool {
    match (&a.value, &b.value) {
        (Tree::Map(a), Tree::Map(b)) => {
            a.iter().count() == b.iter().count()
                && a.iter().all(|entry| b.get(&entry.key).is_some_and(|other| same(&entry.node, &other.node)))
        }
        (Tree::List(a), Tree::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Tree::Text(a), Tree::Text(b)) => a == b || parse(a).is_ok_and(|tree| to_text(&tree) == *b),
        _ => {
            let (mut left, mut right) = (String::new(), String::new());
            a.canonical(&mut left);
            b.canonical(&mut right);
            left == right
        }
    }
}
