//! TOML to a tree, with as many errors at once as the text allows.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::code::FileCode;
use crate::diagnostic::Findings;
use crate::read::DEEPEST;
use crate::span::Span;
use crate::tree::{Entry, Map, Node, Tree};

/// The most syntax errors reported of one text: those that follow are mostly echoes.
const MOST: usize = 8;

/// Reads a TOML text. Errors are noted; what could be read is returned.
pub(crate) fn read(file: usize, text: &str, findings: &mut Findings) -> Node {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors.iter().take(MOST) {
        let range = error.span().unwrap_or(text.len()..text.len());
        let span = Span::new(file, range.clone());
        if error.message() == "duplicate key" {
            let key = text.get(range.clone()).unwrap_or("").trim_matches(['"', '\'']);
            let finding = findings.error(FileCode::DuplicateKey, span, format!("`{key}` is defined twice"));
            if let Some(first) = earlier(text, &table, &range) {
                finding.label(Span::new(file, first), "first defined here");
            }
        } else {
            findings.error(FileCode::Syntax, span, format!("this is not TOML: {}", error.message()));
        }
    }
    Converter { file, text, findings }.table(table.get_ref(), table.span(), 0)
}

struct Converter<'a> {
    file: usize,
    text: &'a str,
    findings: &'a mut Findings,
}

impl Converter<'_> {
    fn table(&mut self, table: &DeTable<'_>, span: Range<usize>, depth: usize) -> Node {
        let mut entries: Vec<(&Spanned<_>, &Spanned<DeValue<'_>>)> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let mut map = Map::default();
        for (key, value) in entries {
            let key_span = Span::new(self.file, key.span());
            let node = self.value(value, depth + 1);
            map.insert(Entry { key: key.get_ref().to_string(), key_span, node });
        }
        Node { span: Span::new(self.file, span), value: Tree::Map(map) }
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, depth: usize) -> Node {
        let span = Span::new(self.file, value.span());
        if depth > DEEPEST {
            self.findings.error(FileCode::TooLarge, span, format!("the file is nested deeper than {DEEPEST}"));
            return Node { span, value: Tree::Null };
        }
        let value = match value.get_ref() {
            DeValue::String(text) => Tree::Text(text.to_string()),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Tree::Int(number),
                Err(_) => {
                    self.findings.error(FileCode::Syntax, span, "the integer is outside the 64-bit range");
                    Tree::Int(0)
                }
            },
            DeValue::Float(number) => match number.as_str().parse::<f64>() {
                Ok(parsed) if parsed.is_finite() => Tree::Number(number.as_str().to_owned()),
                _ => {
                    self.findings.error(FileCode::Syntax, span, "the number is not finite");
                    Tree::Number("0".to_owned())
                }
            },
            DeValue::Boolean(value) => Tree::Bool(*value),
            DeValue::Datetime(_) => Tree::Moment(self.text.get(span.start..span.end).unwrap_or("").to_owned()),
            DeValue::Array(items) => Tree::List(items.iter().map(|item| self.value(item, depth + 1)).collect()),
            DeValue::Table(table) => return self.table(table, value.span(), depth),
        };
        Node { span, value }
    }
}

/// Where a key that stands twice was first defined. The parser's error names only the second place.
fn earlier(text: &str, table: &Spanned<DeTable<'_>>, second: &Range<usize>) -> Option<Range<usize>> {
    let line_start = text.get(..second.start)?.rfind('\n').map_or(0, |at| at + 1);
    let line = text.get(line_start..)?.lines().next()?;
    let before = text.get(..line_start)?;
    let (known, _) = DeTable::parse_recoverable(before);
    let mut path = if line.trim_start().starts_with('[') { Vec::new() } else { last_header(before) };
    path.extend(path_of(line));
    find(known.get_ref(), &path).or_else(|| {
        // Inside an inline table: the nearest earlier key of that text.
        let mut nearest = None;
        let key = text.get(second.clone())?.trim_matches(['"', '\'']);
        nearest_key(table.get_ref(), key, second.start, &mut nearest);
        nearest
    })
}

/// The keys of the last table header in a text.
fn last_header(text: &str) -> Vec<String> {
    let header = text.lines().rev().find(|line| {
        let line = line.trim_start();
        line.starts_with('[') && !DeTable::parse_recoverable(line).0.get_ref().is_empty()
    });
    header.map(path_of).unwrap_or_default()
}

/// The keys that one line leads through: `[a.b]` or `a.b = …`.
fn path_of(line: &str) -> Vec<String> {
    let (table, _) = DeTable::parse_recoverable(line);
    let header = line.trim_start().starts_with('[');
    let mut path = Vec::new();
    let mut here = table.get_ref();
    while let Some((key, value)) = here.iter().next() {
        path.push(key.get_ref().to_string());
        let written = value.span();
        match value.get_ref() {
            // A braced value belongs to the key, not to the path.
            DeValue::Table(inner) if header || line.get(written).is_none_or(|text| !text.starts_with('{')) => {
                here = inner
            }
            _ => break,
        }
    }
    path
}

fn find(table: &DeTable<'_>, path: &[String]) -> Option<Range<usize>> {
    let (first, rest) = path.split_first()?;
    let (key, value) = table.get_key_value(first.as_str())?;
    if rest.is_empty() {
        return Some(key.span());
    }
    match value.get_ref() {
        DeValue::Table(inner) => find(inner, rest),
        _ => None,
    }
}

fn nearest_key(table: &DeTable<'_>, key: &str, before: usize, nearest: &mut Option<Range<usize>>) {
    for (name, value) in table {
        let span = name.span();
        if name.get_ref() == key && span.start < before && nearest.as_ref().is_none_or(|known| known.start < span.start)
        {
            *nearest = Some(span);
        }
        if let DeValue::Table(inner) = value.get_ref() {
            nearest_key(inner, key, before, nearest);
        }
    }
}
