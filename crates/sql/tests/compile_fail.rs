//! What must not compile: SQL from a query that nobody decided, and a statement that nobody rendered.
#![allow(missing_docs, reason = "tests")]

#[test]
fn the_types_that_carry_the_law_cannot_be_gone_around() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
