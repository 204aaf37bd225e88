//! The syntax tree: a condition as it was written, with byte spans, before names and types are known;
//! and its canonical text.

use std::ops::Range;

use crate::condition::cond::Cmp;
use crate::condition::error::CondError;
use crate::condition::parse::parse;
use crate::value::{Value, format_timestamp};

/// A condition as written. Parentheses leave a trace only in the nesting.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// `a AND b AND c`; at least two parts.
    And(Vec<Tree>),
    /// `a OR b OR c`; at least two parts.
    Or(Vec<Tree>),
    /// `NOT a`
    Not(Box<Tree>),
    /// A constant, a test or a comparison.
    Atom(Atom),
}

/// A constant, a test or a comparison, and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Atom {
    /// What it is.
    pub kind: AtomKind,
    /// Where it stands, in bytes.
    pub span: Range<usize>,
}

/// The kinds of atoms.
#[derive(Debug, Clone, PartialEq)]
pub enum AtomKind {
    /// `TRUE`, `FALSE`
    Const(bool),
    /// `HAS principal.x`
    Has(Path),
    /// `column IS NULL`
    IsNull {
        /// The column.
        column: Path,
        /// IS NOT NULL.
        negated: bool,
    },
    /// `left = right`
    Compare {
        /// The left side.
        left: TermTree,
        /// The operator.
        cmp: Cmp,
        /// The right side.
        right: TermTree,
    },
    /// `term IN ('a', 'b')`
    InList {
        /// The member looked for.
        term: TermTree,
        /// The list; may be empty.
        list: Vec<Literal>,
        /// NOT IN.
        negated: bool,
    },
    /// `term IN principal.roles`
    InAttr {
        /// The member looked for.
        term: TermTree,
        /// The list attribute.
        list: Path,
        /// NOT IN.
        negated: bool,
    },
    /// `term STARTS WITH 'a'`
    StartsWith {
        /// The text.
        term: TermTree,
        /// Its beginning.
        prefix: TermTree,
        /// NOT STARTS WITH.
        negated: bool,
    },
}

/// A side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub enum TermTree {
    /// A column, `relation.column` or an attribute of the principal.
    Name(Path),
    /// A literal.
    Literal(Literal),
}

impl TermTree {
    /// Where it stands, in bytes.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        match self {
            TermTree::Name(path) => path.span.clone(),
            TermTree::Literal(literal) => literal.span.clone(),
        }
    }
}

/// A name of one or more parts. Two parts beginning with `principal`, or more, name an attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// The parts between the dots; never empty.
    pub parts: Vec<Box<str>>,
    /// Where it stands, in bytes.
    pub span: Range<usize>,
}

impl Path {
    /// Does it name an attribute of the principal?
    #[must_use]
    pub fn is_attribute(&self) -> bool {
        matches!(self.parts.as_slice(), [first, _, ..] if first.as_ref() == "principal")
    }

    /// The parts with their dots.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.parts.join(".")
    }
}

/// A literal and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Literal {
    /// Its value: bool, int, decimal, text, UUID or timestamp.
    pub value: Value,
    /// Where it stands, in bytes.
    pub span: Range<usize>,
}

impl Tree {
    /// Calls `visit` with each atom, in the order of the text.
    pub fn atoms(&self, visit: &mut dyn FnMut(&Atom)) {
        match self {
            Tree::And(parts) | Tree::Or(parts) => parts.iter().for_each(|part| part.atoms(visit)),
            Tree::Not(inner) => inner.atoms(visit),
            Tree::Atom(atom) => visit(atom),
        }
    }
}

/// The canonical text: keywords in capitals, one blank, `<>`, STARTS WITH for LIKE, parentheses only
/// where needed and around AND inside OR. Parsing it gives the same tree.
#[must_use]
pub fn to_text(tree: &Tree) -> String {
    let mut out = String::new();
    write_tree(tree, &mut out);
    out
}

/// The canonical text of a condition's text. Where that would pass a limit of the language, because
/// it spells out what was written densely, the text stays as it is.
///
/// # Errors
/// [`CondError`] when the text does not parse.
pub fn canonical(text: &str) -> Result<String, CondError> {
    let printed = to_text(&parse(text)?);
    Ok(if parse(&printed).is_ok() { printed } else { text.to_owned() })
}

fn write_tree(tree: &Tree, out: &mut String) {
    match tree {
        Tree::And(parts) => write_parts(parts, " AND ", out),
        Tree::Or(parts) => write_parts(parts, " OR ", out),
        Tree::Not(inner) => {
            out.push_str("NOT ");
            write_part(inner, out);
        }
        Tree::Atom(atom) => write_atom(&atom.kind, out),
    }
}

fn write_parts(parts: &[Tree], between: &str, out: &mut String) {
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            out.push_str(between);
        }
        write_part(part, out);
    }
}

fn write_part(part: &Tree, out: &mut String) {
    if matches!(part, Tree::And(_) | Tree::Or(_)) {
        out.push('(');
        write_tree(part, out);
        out.push(')');
    } else {
        write_tree(part, out);
    }
}

fn write_atom(atom: &AtomKind, out: &mut String) {
    let not = |negated: bool| if negated { " NOT" } else { "" };
    match atom {
        AtomKind::Const(value) => out.push_str(if *value { "TRUE" } else { "FALSE" }),
        AtomKind::Has(path) => {
            out.push_str("HAS ");
            out.push_str(&path.to_text());
        }
        AtomKind::IsNull { column, negated } => {
            out.push_str(&column.to_text());
            out.push_str(" IS");
            out.push_str(not(*negated));
            out.push_str(" NULL");
        }
        AtomKind::Compare { left, cmp, right } => {
            write_term(left, out);
            out.push(' ');
            out.push_str(cmp.symbol());
            out.push(' ');
            write_term(right, out);
        }
        AtomKind::InList { term, list, negated } => {
            write_term(term, out);
            out.push_str(not(*negated));
            out.push_str(" IN (");
            for (at, literal) in list.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                out.push_str(&literal_text(&literal.value));
            }
            out.push(')');
        }
        AtomKind::InAttr { term, list, negated } => {
            write_term(term, out);
            out.push_str(not(*negated));
            out.push_str(" IN ");
            out.push_str(&list.to_text());
        }
        AtomKind::StartsWith { term, prefix, negated } => {
            write_term(term, out);
            out.push_str(not(*negated));
            out.push_str(" STARTS WITH ");
            write_term(prefix, out);
        }
    }
}

fn write_term(term: &TermTree, out: &mut String) {
    match term {
        TermTree::Name(path) => out.push_str(&path.to_text()),
        TermTree::Literal(literal) => out.push_str(&literal_text(&literal.value)),
    }
}

/// A literal as conditions write it. Types that conditions have no literal for are shown in quotes.
#[must_use]
pub fn literal_text(value: &Value) -> String {
    let quoted = |text: &str| ["'", &text.replace('\'', "''"), "'"].concat();
    let kind = |kind: &str, text: &str| [kind, " ", &quoted(text)].concat();
    match value {
        Value::Bool(value) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
        Value::Int(value) => value.to_string(),
        Value::Text(text) | Value::Json(text) => quoted(text),
        Value::Uuid(id) => kind("UUID", &id.hyphenated().to_string()),
        // Only moments of the years 1 to 9999 get past the parser, and those have a text.
        Value::Timestamp(micros) => kind("TIMESTAMP", &format_timestamp(*micros).unwrap_or_default()),
        Value::Decimal(number) => kind("DECIMAL", &number.to_string()),
        Value::Date(days) => quoted(&crate::value::format_date(*days).unwrap_or_default()),
        Value::Float(number) => quoted(&number.to_string()),
        Value::Bytes(_) => "'bytes'".to_owned(),
    }
}
