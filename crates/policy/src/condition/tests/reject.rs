//! What does not compile, why, where, and what is written instead.

use super::world::World;
use crate::attribute::Attributes;
use crate::condition::{CondCode, CondError, compile, parse};

/// The code, the text with the place between « and », and a part of the hint.
const REJECTED: &[(&str, &str, &str)] = &[
    // Text
    ("C104", "status = 'a«\0»b'", ""),
    ("C104", "status«\u{b}» = 'a'", ""),
    ("C104", "«\u{7f}»", ""),
    ("C105", "status =«\u{a0}»'a'", "plain blanks"),
    ("C105", "status = «‘»a’", "single quotes"),
    ("C105", "«{»", ""),
    ("C105", "stat«\u{202e}»us = 'a'", ""),
    ("C106", "status = «'abc»", "twice"),
    ("C106", "status = «'it''s»", "twice"),
    ("C107", "«»", "TRUE"),
    ("C107", "« \n»", "TRUE"),
    // Grammar
    ("C110", "status =«»", ""),
    ("C110", "status = 'a' AND«»", ""),
    ("C110", "«AND» status = 'a'", ""),
    ("C110", "status «paid»", "an operator is one of"),
    ("C110", "status = 'a' «status» = 'b'", ""),
    ("C110", "status = 'a' «'b'»", ""),
    ("C110", "status = «(»'a')", "group conditions"),
    ("C110", "status = 'a'«)»", ""),
    ("C110", "status NOT «=» 'a'", "before it"),
    ("C110", "customer. «=» 1", ""),
    ("C110", "status STARTS «'a'»", ""),
    ("C110", "«'a'» IS NULL", ""),
    ("C110", "status IS «'a'»", "="),
    ("C110", "status «ISNULL»", "status IS NULL"),
    ("C110", "status «NOTNULL»", "status IS NOT NULL"),
    ("C110", "status = 'a' «COLLATE» NOCASE", ""),
    ("C110", "«CASE» WHEN TRUE THEN 1 END = 1", "AND and OR"),
    ("C110", "HAS «tenant_id»", "IS NOT NULL"),
    ("C110", "HAS«»", "HAS principal"),
    ("C110", "level IN (1 «2»)", ""),
    ("C110", "«<» 5", ""),
    ("C111", "«(»status = 'a'", ""),
    ("C111", "level IN «(»1, 2", ""),
    ("C112", "«level < 1 <» 2", "AND"),
    ("C112", "«(level = 1) =» TRUE", ""),
    ("C112", "«(level = 1) IS» NULL", ""),
    ("C112", "«status IS NULL =» TRUE", ""),
    ("C113", "«\"status\"» = 'a'", "write `status` for a column, `'status'` for text"),
    ("C113", "status = «\"a»", ""),
    ("C113", "«`status`» = 'a'", ""),
    ("C113", "«[status]» = 'a'", ""),
    ("C114", "TRUE «--» all", "description"),
    ("C114", "TRUE «/*» all */", "description"),
    ("C115", "TRUE«;» DROP TABLE x", ""),
    ("C116", "status = «?»", "principal"),
    ("C116", "status = «$1»", "principal"),
    ("C116", "status = «:name»", "principal"),
    ("C116", "status = «@name»", "principal"),
    ("C117", "«lower(»status) = 'a'", ""),
    ("C117", "created_at < «now(»)", "principal.now"),
    ("C117", "«pg_catalog.lower(»status) = 'a'", ""),
    ("C117", "tenant_id = «current_setting(»'x')", "principal.tenant_id"),
    ("C118", "«CAST(»id AS text) = '1'", "UUID"),
    ("C118", "id«::»text = '1'", "UUID"),
    ("C119", "level «+» 1 = 2", ""),
    ("C119", "level «-» 1 = 2", ""),
    ("C119", "level = 1 «-»1", ""),
    ("C119", "level = «-» 1", "without a blank"),
    ("C119", "level = «-»level", ""),
    ("C119", "status «||» 'a' = 'b'", ""),
    ("C119", "level «%» 2 = 0", ""),
    ("C120", "id IN «(SELECT» 1)", "relation.column"),
    ("C120", "id = «(SELECT» 1)", "relation.column"),
    ("C120", "«(SELECT» 1) = 1", "relation.column"),
    ("C120", "«EXISTS(»SELECT 1)", "relation.column"),
    ("C120", "id IN «(VALUES» (1))", ""),
    ("C121", "status = «NULL»", "status IS NULL"),
    ("C121", "status <> «null»", "status IS NOT NULL"),
    ("C121", "«NULL» = status", "IS NULL"),
    ("C121", "level IN (1, «NULL»)", "OR level IS NULL"),
    ("C122", "level «BETWEEN» 1 AND 2", "level >= low AND level <= high"),
    ("C122", "level NOT «BETWEEN» 1 AND 2", "level >= low"),
    ("C123", "is_public «IS TRUE»", "is_public = TRUE"),
    ("C123", "is_public «IS NOT FALSE»", "is_public = TRUE OR is_public IS NULL"),
    ("C123", "status «IS NOT DISTINCT» FROM 'a'", ""),
    ("C124", "status LIKE «'%abc'»", "STARTS WITH"),
    ("C124", "status LIKE «'a_c%'»", "STARTS WITH"),
    ("C124", "status LIKE «'a%c%'»", "STARTS WITH"),
    ("C124", "status LIKE «'a\\%'»", "STARTS WITH"),
    ("C124", "status LIKE «'abc'»", "status = 'abc'"),
    ("C124", "status LIKE «principal».user_id", "STARTS WITH"),
    ("C124", "status LIKE 'a%' «ESCAPE» '!'", "STARTS WITH"),
    ("C124", "status «ILIKE» 'a%'", "STARTS WITH"),
    ("C124", "status NOT «GLOB» 'a*'", "STARTS WITH"),
    ("C125", "status LIKE «'%'»", "IS NOT NULL"),
    ("C125", "status STARTS WITH «''»", "IS NOT NULL"),
    ("C126", "«main.orders.status» = 'a'", "relation.column"),
    ("C127", "status IN «'a'»", "IN ('a', 'b')"),
    ("C127", "status IN «tenant_id»", "principal.roles"),
    ("C127", "tenant_id IN («principal.tenant_id»)", "without parentheses"),
    ("C127", "status IN («paid»)", "'paid'"),
    ("C127", "level = «ANY(»principal.metadata.x)", "IN"),
    ("C128", "status «==» 'a'", "write `=`"),
    ("C128", "level «=<» 1", "write `<=`"),
    ("C128", "level «<=>» 1", "comparisons are"),
    ("C128", "«!»is_public = TRUE", "NOT"),
    ("C128", "status «~» 'a'", ""),
    ("C128", "doc «-»> 'a' = 1", ""),
    // Literals
    ("C130", "level = «9223372036854775808»", "9223372036854775807"),
    ("C130", "level = «-9223372036854775809»", "-9223372036854775808"),
    ("C130", "level = «1e5»", "digits only"),
    ("C130", "level = «0x10»", "digits only"),
    ("C130", "level = «1_000»", "digits only"),
    ("C131", "uid = «UUID 'abc'»", "018f"),
    ("C131", "uid = «UUID '{018f3c1e-7c1a-7000-8000-00000000000a}'»", "018f"),
    ("C132", "created_at = «TIMESTAMP '2026-01-31T12:00:00'»", "offset"),
    ("C132", "created_at = «TIMESTAMP '2026-01-31'»", "offset"),
    ("C132", "created_at = «TIMESTAMP '2026-01-31T12:00:00.1234567Z'»", "six digits"),
    ("C132", "created_at = «TIMESTAMP '2026-02-30T12:00:00Z'»", ""),
    ("C133", "amount = «DECIMAL '1e5'»", ""),
    ("C133", "amount = «DECIMAL '12345678901234567890123456789'»", "28"),
    ("C134", "amount = «1.50»", "DECIMAL '1.50'"),
    ("C134", "amount = «-1.50»", "DECIMAL '-1.50'"),
    ("C135", "born = «DATE '2026-01-31'»", "TIMESTAMP"),
    ("C135", "status = «E'a'»", "plain single quotes"),
    // Names
    ("C201", "«statsu» = 'a'", "did you mean `status`?"),
    ("C201", "«Status» = 'a'", "did you mean `status`?"),
    ("C201", "status = «paid»", "'paid'"),
    ("C201", "created_at < «CURRENT_TIMESTAMP»", "principal.now"),
    ("C201", "«customer.tenantid» = 'a'", "did you mean `customer.tenant_id`?"),
    ("C201", "«customer.zzz» = 'a'", "its columns are `id`"),
    ("C202", "«custmer.id» = 1", "did you mean `customer.id`?"),
    ("C202", "«orders.status» = 'a'", "stand alone: `status`"),
    ("C202", "tenant_id = «principle.tenant_id»", "did you mean `principal.tenant_id`?"),
    ("C203", "«lines.id» = 1", "one row"),
    ("C204", "tenant_id = «principal.tenant»", "principal.metadata.tenant"),
    ("C204", "tenant_id = «principal.tenantid»", "did you mean `principal.tenant_id`?"),
    ("C204", "tenant_id = «principal.roles.x»", ""),
    ("C205", "tenant_id = «principal.metadata»", "1 to 8"),
    ("C205", "tenant_id = «principal.metadata.Org»", ""),
    // Types
    ("C210", "status = «1»", "write `'1'`"),
    ("C210", "«1» = status", "write `'1'`"),
    ("C210", "level = «'1'»", "write `1`"),
    ("C210", "level = «'x'»", "same type"),
    ("C210", "is_public = «1»", "write `TRUE`"),
    ("C210", "is_public = «'false'»", "write `FALSE`"),
    ("C210", "uid = «'018F3C1E-7C1A-7000-8000-00000000000A'»", "write `UUID '018f3c1e"),
    ("C210", "created_at > «'2026-01-31T12:00:00Z'»", "write `TIMESTAMP '2026"),
    ("C210", "amount > «5»", "write `DECIMAL '5'`"),
    ("C210", "«level = status»", ""),
    ("C210", "«'1' = 1»", ""),
    ("C210", "«level > principal.now»", ""),
    ("C210", "level IN (1, «'a'»)", ""),
    ("C210", "principal.user_id IN ('a', «1»)", ""),
    ("C210", "«level» IN principal.roles", ""),
    ("C211", "«status < 'a'»", "STARTS WITH"),
    ("C211", "«uid > principal.user_id»", ""),
    ("C211", "«is_public >= FALSE»", ""),
    ("C212", "«born» = 'a'", "IS NULL"),
    ("C212", "«ratio» = 1", "decimal"),
    ("C212", "«doc» = 'a'", ""),
    ("C212", "«shape» = 'a'", ""),
    ("C212", "«shape» IS NULL", ""),
    ("C213", "«code» = 'a'", "varchar"),
    ("C213", "«code» IN ('a')", "varchar"),
    ("C214", "«nick» = 'a'", ""),
    ("C214", "'a' = «nick»", ""),
    ("C214", "«nick» IN principal.roles", ""),
    ("C214", "«nick» STARTS WITH 'a'", ""),
    ("C215", "status = «principal.roles»", "IN principal.roles"),
    ("C215", "«principal.roles» IN ('a')", ""),
    ("C215", "status IN principal.metadata.l AND status = «principal.metadata.l»", ""),
    ("C216", "status IN «principal.user_id»", "= principal.user_id"),
    ("C216", "created_at IN «principal.now»", ""),
    ("C216", "status = principal.metadata.l AND status IN «principal.metadata.l»", ""),
    ("C217", "«is_public»", "is_public = TRUE"),
    ("C217", "NOT («is_public»)", "is_public = TRUE"),
    ("C217", "«'a'» AND TRUE", ""),
    ("C217", "«principal.tenant_id»", "HAS principal.tenant_id"),
    ("C218", "status = principal.metadata.x AND level = «principal.metadata.x»", ""),
    ("C219", "«level» STARTS WITH 'a'", ""),
    ("C219", "status STARTS WITH «1»", ""),
    ("C219", "status STARTS WITH «tenant_id»", ""),
    ("C220", "is_public = «principal.tenant_id»", ""),
    ("C220", "created_at = «principal.user_id»", ""),
    ("C221", "«price» = DECIMAL '1'", "DECIMAL(10,2)"),
    ("C221", "amount = «DECIMAL '1.234'»", "no row"),
    ("C222", "«customer.tenant_id» IS NULL", ""),
    ("C222", "«customer.tenant_id» IS NOT NULL", ""),
    ("C223", "«principal.tenant_id» IS NULL", "`NOT HAS principal.tenant_id`"),
    ("C223", "«principal.tenant_id» IS NOT NULL", "`HAS principal.tenant_id`"),
];

#[test]
fn rejected_conditions_say_why_and_where() {
    let world = World::new();
    let mut wrong = Vec::new();
    for (code, marked, hint) in REJECTED {
        let text = marked.replace(['«', '»'], "");
        let error = match compile(&text, &world, &mut Attributes::default()) {
            Ok(cond) => {
                wrong.push(format!("{text}: compiles to {cond:?}"));
                continue;
            }
            Err(error) => error,
        };
        let found = mark(&text, &error);
        let hinted = error.hint.clone().unwrap_or_default();
        if error.code.name() != *code || found != *marked || !hinted.contains(hint) {
            wrong.push(format!("wanted {code} {marked} ({hint})\n found {} {found}\n {error} ({hinted})", error.code));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn mark(text: &str, error: &CondError) -> String {
    let (start, end) = (error.span.start, error.span.end);
    [text.get(..start).unwrap(), "«", text.get(start..end).unwrap(), "»", text.get(end..).unwrap()].concat()
}

#[test]
fn limits_are_refused_with_their_own_codes() {
    let deep = ["(".repeat(65), "TRUE".to_owned(), ")".repeat(65)].concat();
    let wide = ["a=a"; 513].join(" OR ");
    for (text, code) in [
        (deep, CondCode::TooDeep),
        ("NOT ".repeat(1_000), CondCode::TooDeep),
        ("(".repeat(4_096), CondCode::TooDeep),
        ("(".repeat(4_097), CondCode::TextTooLong),
        ("ä".repeat(1_000_000), CondCode::TextTooLong),
        (wide, CondCode::TooManyAtoms),
    ] {
        let error = parse(&text).unwrap_err();
        assert_eq!(error.code, code);
        assert!(text.get(error.span).is_some());
    }
}

#[test]
fn every_code_has_a_name_of_its_own_and_an_explanation() {
    let names: std::collections::BTreeSet<_> = CondCode::ALL.iter().map(|code| code.name()).collect();
    let slugs: std::collections::BTreeSet<_> = CondCode::ALL.iter().map(|code| code.slug()).collect();
    assert_eq!((names.len(), slugs.len()), (CondCode::ALL.len(), CondCode::ALL.len()));
    for code in CondCode::ALL {
        assert!(code.explain().len() > 20 && code.explain().ends_with('.'), "{code}");
        assert!(!code.explain().contains("  "), "{code}");
    }
}

#[test]
fn every_code_has_a_case() {
    let limits = ["C101", "C102", "C103"];
    let scope = ["C224"];
    for code in CondCode::ALL {
        let tried = REJECTED.iter().any(|(name, ..)| *name == code.name());
        assert!(tried || limits.contains(&code.name()) || scope.contains(&code.name()), "{code} {}", code.slug());
    }
}
