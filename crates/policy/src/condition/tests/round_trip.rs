//! Any text is answered without a panic; any tree prints to a text that parses to the same tree.

use proptest::collection::vec;
use proptest::prelude::*;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::world::World;
use crate::attribute::Attributes;
use crate::condition::syntax::{Atom, AtomKind, Literal, Path, TermTree, Tree};
use crate::condition::{Cmp, compile, parse, parse_attr_path, scope_equality, syntax, to_text};
use crate::value::Value;

/// Pieces that, in random order, come closer to the grammar than random characters.
const PIECES: &[&str] = &[
    "AND",
    "OR",
    "NOT",
    "(",
    ")",
    "TRUE",
    "FALSE",
    "HAS",
    "IS",
    "NULL",
    "IN",
    "STARTS",
    "WITH",
    "LIKE",
    "=",
    "<>",
    "!=",
    "<",
    "<=",
    "==",
    ",",
    ".",
    "-",
    "--",
    "principal",
    "principal.tenant_id",
    "principal.roles",
    "principal.metadata.a",
    "metadata",
    "status",
    "level",
    "is_public",
    "customer",
    "customer.tenant_id",
    "lines.id",
    "'a'",
    "'a%'",
    "''",
    "'",
    "\"",
    "1",
    "-5",
    "1.5",
    "99999999999999999999",
    "UUID",
    "TIMESTAMP",
    "DECIMAL",
    "'2026-01-31T12:00:00Z'",
    "'1.5'",
    "SELECT",
    "CASE",
    "lower(",
    "BETWEEN",
    "\0",
    "\u{202e}",
    "é",
    "ß",
    "*",
    "::",
    "$1",
    "/*",
    ";",
    "[",
    "uid",
    "created_at",
    "amount",
];

fn check(text: &str) -> Result<(), TestCaseError> {
    let world = World::new();
    if let Err(error) = compile(text, &world, &mut Attributes::default()) {
        prop_assert!(text.get(error.span.clone()).is_some(), "{text:?} {error:?}");
    }
    let _ = parse_attr_path(text);
    let _ = scope_equality(text, text, &world, &mut Attributes::default());
    if let Ok(tree) = parse(text) {
        let printed = to_text(&tree);
        let again = parse(&printed).map_err(|error| TestCaseError::fail(format!("{printed}: {error}")))?;
        prop_assert_eq!(plain(&again), plain(&tree), "{}", printed);
        prop_assert_eq!(to_text(&again), printed);
    }
    Ok(())
}

/// The tree without its spans.
fn plain(tree: &Tree) -> Tree {
    let path = |path: &Path| Path { parts: path.parts.clone(), span: 0..0 };
    let literal = |literal: &Literal| Literal { value: literal.value.clone(), span: 0..0 };
    let term = |term: &TermTree| match term {
        TermTree::Name(name) => TermTree::Name(path(name)),
        TermTree::Literal(value) => TermTree::Literal(literal(value)),
    };
    match tree {
        Tree::And(parts) => Tree::And(parts.iter().map(plain).collect()),
        Tree::Or(parts) => Tree::Or(parts.iter().map(plain).collect()),
        Tree::Not(inner) => Tree::Not(Box::new(plain(inner))),
        Tree::Atom(atom) => Tree::Atom(Atom {
            span: 0..0,
            kind: match &atom.kind {
                AtomKind::Const(value) => AtomKind::Const(*value),
                AtomKind::Has(name) => AtomKind::Has(path(name)),
                AtomKind::IsNull { column, negated } => AtomKind::IsNull { column: path(column), negated: *negated },
                AtomKind::Compare { left, cmp, right } => {
                    AtomKind::Compare { left: term(left), cmp: *cmp, right: term(right) }
                }
                AtomKind::InList { term: member, list, negated } => {
                    AtomKind::InList { term: term(member), list: list.iter().map(literal).collect(), negated: *negated }
                }
                AtomKind::InAttr { term: member, list, negated } => {
                    AtomKind::InAttr { term: term(member), list: path(list), negated: *negated }
                }
                AtomKind::StartsWith { term: text, prefix, negated } => {
                    AtomKind::StartsWith { term: term(text), prefix: term(prefix), negated: *negated }
                }
            },
        }),
    }
}

fn name() -> impl Strategy<Value = Box<str>> {
    let odd =
        prop::sample::select(vec!["has", "like", "starts", "uuid", "select", "values", "case", "between", "_", "é1"]);
    prop_oneof!["[a-z_][a-z0-9_]{0,6}".boxed(), odd.prop_map(str::to_owned).boxed()]
        .prop_filter("a reserved word", |word| {
            !["and", "or", "not", "in", "is", "null", "true", "false", "principal"].contains(&word.as_str())
        })
        .prop_map(String::into_boxed_str)
}

fn attribute() -> impl Strategy<Value = Path> {
    vec(name(), 1..3).prop_map(|rest| {
        let parts = std::iter::once("principal".into()).chain(rest).collect();
        Path { parts, span: 0..0 }
    })
}

fn path() -> impl Strategy<Value = Path> {
    vec(name(), 1..3).prop_map(|parts| Path { parts, span: 0..0 })
}

fn literal() -> impl Strategy<Value = Literal> {
    let value = prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        "[^\0]{0,12}".prop_map(|text: String| Value::text(&text)),
        any::<u128>().prop_map(|bits| Value::Uuid(Uuid::from_u128(bits))),
        (-62_135_596_800_000_000_i64..253_402_300_800_000_000).prop_map(Value::Timestamp),
        (-9_999_999_999_i64..9_999_999_999, 0_u32..9)
            .prop_map(|(digits, scale)| Value::Decimal(Decimal::new(digits, scale))),
    ];
    value.prop_map(|value| Literal { value, span: 0..0 })
}

fn term() -> impl Strategy<Value = TermTree> {
    prop_oneof![
        path().prop_map(TermTree::Name),
        attribute().prop_map(TermTree::Name),
        literal().prop_map(TermTree::Literal)
    ]
}

fn atom() -> impl Strategy<Value = Tree> {
    let cmps = vec![Cmp::Eq, Cmp::Ne, Cmp::Lt, Cmp::Le, Cmp::Gt, Cmp::Ge];
    prop_oneof![
        any::<bool>().prop_map(AtomKind::Const),
        attribute().prop_map(AtomKind::Has),
        (path(), any::<bool>()).prop_map(|(column, negated)| AtomKind::IsNull { column, negated }),
        (term(), prop::sample::select(cmps), term()).prop_map(|(left, cmp, right)| AtomKind::Compare {
            left,
            cmp,
            right
        }),
        (term(), vec(literal(), 0..3), any::<bool>()).prop_map(|(term, list, negated)| AtomKind::InList {
            term,
            list,
            negated
        }),
        (term(), attribute(), any::<bool>()).prop_map(|(term, list, negated)| AtomKind::InAttr { term, list, negated }),
        (term(), term(), any::<bool>()).prop_map(|(term, prefix, negated)| AtomKind::StartsWith {
            term,
            prefix,
            negated
        }),
    ]
    .prop_map(|kind| Tree::Atom(Atom { kind, span: 0..0 }))
}

fn tree() -> impl Strategy<Value = Tree> {
    atom().prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Tree::And),
            vec(inner.clone(), 2..4).prop_map(Tree::Or),
            inner.prop_map(|inner| Tree::Not(Box::new(inner))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn random_characters_never_panic(text in "\\PC{0,40}") {
        check(&text)?;
    }

    #[test]
    fn random_bytes_never_panic(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn random_pieces_never_panic(pieces in vec(prop::sample::select(PIECES), 0..14), blank in any::<bool>()) {
        check(&pieces.join(if blank { " " } else { "" }))?;
    }

    #[test]
    fn trees_survive_printing(tree in tree()) {
        let printed = to_text(&tree);
        prop_assume!(printed.len() <= 4_096);
        let parsed = parse(&printed).map_err(|error| TestCaseError::fail(format!("{printed}: {error:?}")))?;
        prop_assert_eq!(plain(&parsed), tree, "{}", printed);
    }
}

#[test]
fn a_text_whose_canonical_form_passes_a_limit_is_left_as_it_is() {
    let dense = vec!["a=1"; 500].join(" or ");
    assert_eq!(syntax::canonical(&dense).unwrap(), dense);
    assert_eq!(syntax::canonical(" a=1  or(b=2)").unwrap(), "a = 1 OR b = 2");
    assert!(syntax::canonical("a =").is_err());
}
