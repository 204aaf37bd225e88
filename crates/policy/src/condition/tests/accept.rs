//! What compiles.

use super::world::World;
use crate::attribute::{AttrPath, Attributes};
use crate::condition::{
    Cmp, ColumnRef, Cond, ScopeSide, Term, compile, parse, parse_attr_path, scope_equality, to_text,
};
use crate::ids::{ColumnId, RelationId};
use crate::value::{Type, Value};

/// The text, its canonical form, and the attributes that it reads.
const ACCEPTED: &[(&str, &str, &str)] = &[
    ("TRUE", "TRUE", ""),
    ("false", "FALSE", ""),
    ("((TRUE))", "TRUE", ""),
    ("is_public = TRUE", "is_public = TRUE", ""),
    ("true = is_public", "TRUE = is_public", ""),
    ("is_public <> is_public", "is_public <> is_public", ""),
    ("status != 'a'", "status <> 'a'", ""),
    ("status = 'it''s'", "status = 'it''s'", ""),
    ("status = ''", "status = ''", ""),
    ("status = '--;\"?/*'", "status = '--;\"?/*'", ""),
    ("status LIKE 'abc%'", "status STARTS WITH 'abc'", ""),
    ("status not like 'abc%'", "status NOT STARTS WITH 'abc'", ""),
    ("status starts with 'a%_\\'", "status STARTS WITH 'a%_\\'", ""),
    ("status STARTS WITH principal.metadata.p", "status STARTS WITH principal.metadata.p", "principal.metadata.p text"),
    ("level=-9223372036854775808", "level = -9223372036854775808", ""),
    ("level <= 9223372036854775807", "level <= 9223372036854775807", ""),
    ("level IN (1,2 , -3)", "level IN (1, 2, -3)", ""),
    ("level not in ()", "level NOT IN ()", ""),
    ("1 IN (1)", "1 IN (1)", ""),
    ("status IS NULL AND born is not null", "status IS NULL AND born IS NOT NULL", ""),
    ("doc IS NULL OR ratio IS NULL", "doc IS NULL OR ratio IS NULL", ""),
    ("code IS NULL OR nick IS NULL OR price IS NULL", "code IS NULL OR nick IS NULL OR price IS NULL", ""),
    ("amount >= DECIMAL '10.50'", "amount >= DECIMAL '10.50'", ""),
    ("amount = decimal '1.500'", "amount = DECIMAL '1.500'", ""),
    ("total > DECIMAL '0.12345'", "total > DECIMAL '0.12345'", ""),
    ("uid = UUID '018F3C1E-7C1A-7000-8000-00000000000A'", "uid = UUID '018f3c1e-7c1a-7000-8000-00000000000a'", ""),
    ("created_at < TIMESTAMP '2026-01-31T13:00:00.5+01:00'", "created_at < TIMESTAMP '2026-01-31T12:00:00.5Z'", ""),
    ("created_at <= principal.now", "created_at <= principal.now", "principal.now timestamp"),
    ("timestamp > timestamp '2026-01-31T12:00:00Z'", "timestamp > TIMESTAMP '2026-01-31T12:00:00Z'", ""),
    ("has = 1 and HAS principal.now", "has = 1 AND HAS principal.now", "principal.now timestamp"),
    ("has IN (1) OR has IS NULL", "has IN (1) OR has IS NULL", ""),
    ("größe > 3", "größe > 3", ""),
    (
        "customer.tenant_id = principal.tenant_id",
        "customer.tenant_id = principal.tenant_id",
        "principal.tenant_id text",
    ),
    ("customer.in = 'x'", "customer.in = 'x'", ""),
    ("'support' IN principal.roles", "'support' IN principal.roles", "principal.roles text list"),
    (
        "tenant_id NOT IN principal.metadata.a.b",
        "tenant_id NOT IN principal.metadata.a.b",
        "principal.metadata.a.b text list",
    ),
    ("level IN principal.metadata.levels", "level IN principal.metadata.levels", "principal.metadata.levels int list"),
    ("level = principal.tenant_id", "level = principal.tenant_id", "principal.tenant_id int"),
    ("uid = principal.user_id", "uid = principal.user_id", "principal.user_id uuid"),
    ("principal.metadata.beta = TRUE", "principal.metadata.beta = TRUE", "principal.metadata.beta bool"),
    (
        "principal.metadata.a = principal.metadata.b",
        "principal.metadata.a = principal.metadata.b",
        "principal.metadata.a text, principal.metadata.b text",
    ),
    // A later atom gives the type.
    (
        "HAS principal.metadata.x AND level = principal.metadata.x",
        "HAS principal.metadata.x AND level = principal.metadata.x",
        "principal.metadata.x int",
    ),
    (
        "principal.metadata.x < principal.metadata.y AND level = principal.metadata.y",
        "principal.metadata.x < principal.metadata.y AND level = principal.metadata.y",
        "principal.metadata.y int, principal.metadata.x int",
    ),
    ("HAS principal.metadata.x", "HAS principal.metadata.x", "principal.metadata.x present"),
    ("HAS principal.roles", "HAS principal.roles", "principal.roles text list"),
    ("principal.user_id IN ('a')", "principal.user_id IN ('a')", "principal.user_id text"),
    ("level = 1 OR level = 2 AND level = 3", "level = 1 OR (level = 2 AND level = 3)", ""),
    ("(level = 1 OR level = 2) AND level = 3", "(level = 1 OR level = 2) AND level = 3", ""),
    ("(level = 1 AND level = 2) AND level = 3", "(level = 1 AND level = 2) AND level = 3", ""),
    ("NOT level = 1 AND not not level = 2", "NOT level = 1 AND NOT NOT level = 2", ""),
    ("not(level=1 or level=2)", "NOT (level = 1 OR level = 2)", ""),
    ("\tlevel\r\n= 1\n", "level = 1", ""),
];

fn noted(attributes: &Attributes) -> String {
    let each = attributes.iter().map(|(id, attribute)| match (attributes.presence_only(id), attribute.list) {
        (true, _) => format!("{} present", attribute.path),
        (false, true) => format!("{} {} list", attribute.path, attribute.ty),
        (false, false) => format!("{} {}", attribute.path, attribute.ty),
    });
    each.collect::<Vec<_>>().join(", ")
}

#[test]
fn accepted_conditions_have_a_canonical_text_and_typed_attributes() {
    let world = World::new();
    for (text, canonical, reads) in ACCEPTED {
        let mut attributes = Attributes::default();
        let cond = compile(text, &world, &mut attributes).unwrap_or_else(|error| panic!("{text}\n{error:?}"));
        assert_eq!(to_text(&parse(text).unwrap()), *canonical);
        assert_eq!(noted(&attributes), *reads, "{text}");
        assert_eq!(compile(canonical, &world, &mut attributes).as_ref(), Ok(&cond), "{text}");
    }
}

#[test]
fn names_and_types_are_resolved() {
    let world = World::new();
    let mut attributes = Attributes::default();
    let cond = compile("status NOT LIKE 'a%' AND customer.id IN (1)", &world, &mut attributes).unwrap();
    let prefix = Term::Literal(Value::text("a"));
    let starts = Cond::StartsWith { term: Term::Column(ColumnRef::Own(ColumnId(2))), prefix };
    let hop = Term::Column(ColumnRef::Hop(RelationId(0), ColumnId(0)));
    let member = Cond::InLiterals { term: hop, list: vec![Value::Int(1)], negated: false };
    assert_eq!(cond, Cond::And(vec![Cond::Not(Box::new(starts)), member]));
}

#[test]
fn a_condition_that_fails_leaves_the_attributes_alone() {
    let mut attributes = Attributes::default();
    compile("tenant_id = principal.tenant_id AND level = 'x'", &World::new(), &mut attributes).unwrap_err();
    assert!(attributes.is_empty());
}

#[test]
fn limits_are_reached_but_not_passed() {
    let world = World::new();
    let mut attributes = Attributes::default();
    let deep = ["(".repeat(64), "TRUE".to_owned(), ")".repeat(64)].concat();
    let wide = ["TRUE"; 512].join(" OR ");
    let long = format!("status = '{}'", "x".repeat(4096 - 11));
    let negated = ["NOT ".repeat(64), "TRUE".to_owned()].concat();
    for text in [deep, negated, wide, long] {
        compile(&text, &world, &mut attributes).unwrap();
    }
}

#[test]
fn scope_entries() {
    let world = World::new();
    let mut attributes = Attributes::default();
    let cond = scope_equality("customer.tenant_id", "principal.tenant_id", &world, &mut attributes).unwrap();
    let tenant = attributes.find(&AttrPath::TenantId).unwrap();
    let column = Term::Column(ColumnRef::Hop(RelationId(0), ColumnId(1)));
    assert_eq!(cond, Cond::Compare { left: column, cmp: Cmp::Eq, right: Term::Attr(tenant), ty: Type::Text });
    scope_equality("Order Id", "principal.metadata.org", &world, &mut attributes).unwrap();
    for (column, attribute, side, code, span) in [
        ("tenantid", "principal.tenant_id", ScopeSide::Column, "C201", 0..8),
        ("a.b.c", "principal.tenant_id", ScopeSide::Column, "C126", 0..5),
        ("lines.id", "principal.tenant_id", ScopeSide::Column, "C203", 0..8),
        ("nick", "principal.tenant_id", ScopeSide::Column, "C214", 0..4),
        ("code", "principal.tenant_id", ScopeSide::Column, "C213", 0..4),
        ("principal.tenant_id", "principal.tenant_id", ScopeSide::Column, "C224", 0..19),
        ("tenant_id = 1", "principal.tenant_id", ScopeSide::Column, "C224", 10..11),
        ("", "principal.tenant_id", ScopeSide::Column, "C224", 0..0),
        ("tenant_id", "tenant_id", ScopeSide::Attribute, "C204", 0..9),
        ("tenant_id", "principal.roles", ScopeSide::Attribute, "C215", 0..15),
        ("level", "principal.tenant_id", ScopeSide::Attribute, "C218", 0..19),
        ("is_public", "principal.user_id", ScopeSide::Attribute, "C220", 0..17),
        ("level", "principal.now", ScopeSide::Attribute, "C210", 0..13),
        ("level", "principal.metadata", ScopeSide::Attribute, "C205", 0..18),
    ] {
        let error = scope_equality(column, attribute, &world, &mut attributes).unwrap_err();
        assert_eq!((error.side, error.error.code.name(), error.error.span), (side, code, span), "{column} {attribute}");
    }
}

#[test]
fn bare_attribute_paths() {
    let path = parse_attr_path("principal.metadata.tenant_hierarchy").unwrap();
    assert_eq!(path, AttrPath::Metadata(vec!["tenant_hierarchy".into()]));
    for text in ["principal.tenant_id", "principal.roles", "principal.metadata.a.b.c.d.e.f.g.h"] {
        assert_eq!(parse_attr_path(text).unwrap().to_string(), text);
    }
    for (text, code) in [
        ("", "C204"),
        ("principal", "C204"),
        ("principal.", "C110"),
        ("principal.email", "C204"),
        ("principal.tenant_id.x", "C204"),
        ("principal.metadata", "C205"),
        ("principal.metadata.Org", "C205"),
        ("principal.metadata.a.b.c.d.e.f.g.h.i", "C205"),
        ("principal.metadata.größe", "C205"),
        ("principal.tenant_id = 1", "C204"),
        ("principal.now()", "C117"),
        ("'x'", "C204"),
        ("principal.\"x\"", "C113"),
    ] {
        assert_eq!(parse_attr_path(text).unwrap_err().code.name(), code, "{text}");
    }
}
