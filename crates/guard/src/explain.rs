//! What was injected into the statements of a call, with parameters shown by name: for the audit and
//! for `tenantry ask`. Values never appear.

use std::ops::Range;

use tenantry_policy::Address;
use tenantry_sql::program::{Child, Level, Param, Program, Statement, Steps};

/// One statement as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The text; each parameter stands as its name, `:principal.tenant_id`.
    pub pieces: Vec<Piece>,
}

/// A part of a statement's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// The rule that put it there; `None` for what the caller asked.
    pub rule: Option<String>,
}

/// The statements that carry rules, outermost first.
#[must_use]
pub fn statements(program: &Program) -> Vec<&Statement> {
    let mut found = Vec::new();
    match &program.steps {
        Steps::Read(level) => levels(level, &mut found),
        Steps::Aggregate(groups) => found.push(&groups.statement),
        Steps::Create(insert) => found.push(&insert.statement),
        Steps::Update(change) => found.push(&change.update),
        Steps::Delete(remove) => found.push(&remove.statement),
        _ => {}
    }
    found
}

fn levels<'p>(level: &'p Level, found: &mut Vec<&'p Statement>) {
    found.push(&level.statement);
    for Child { level, .. } in &level.children {
        levels(level, found);
    }
}

/// What rules put into a statement, in the text's order: from where to where, and the rule. Nested injections
/// count as the outermost rule's.
fn cuts(statement: &Statement) -> Vec<(&Range<usize>, &Address)> {
    let mut cuts: Vec<_> = statement.injected.iter().map(|injected| (&injected.range, &injected.rule)).collect();
    cuts.sort_by(|(a, _), (b, _)| a.start.cmp(&b.start).then(b.end.cmp(&a.end)));
    let mut at = 0;
    cuts.retain(|(range, _)| {
        let is_outermost = range.start >= at;
        if is_outermost {
            at = range.end;
        }
        is_outermost
    });
    cuts
}

/// A statement cut into what the caller asked and what rules put in.
#[must_use]
pub fn show(statement: &Statement) -> Shown {
    let mut pieces = Vec::new();
    let mut at = 0;
    let mut push = |from: usize, to: usize, rule: Option<&Address>| {
        if let Some(text) = statement.sql.get(from..to)
            && !text.is_empty()
        {
            pieces.push(Piece { text: named(text, &statement.params), rule: rule.map(Address::to_string) });
        }
    };
    for (range, rule) in cuts(statement) {
        push(at, range.start, None);
        push(range.start, range.end, Some(rule));
        at = range.end;
    }
    push(at, statement.sql.len(), None);
    Shown { pieces }
}

/// Each rule with the text it put into the statements, once each.
#[must_use]
pub fn scopes(statements: &[&Statement]) -> Vec<(String, String)> {
    let mut scopes: Vec<(String, String)> = Vec::new();
    for statement in statements {
        for (range, rule) in cuts(statement) {
            let text = statement.sql.get(range.clone()).unwrap_or_default();
            let scope = (rule.to_string(), named(text, &statement.params));
            if !text.is_empty() && !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
    }
    scopes
}

/// Replaces `?3` and `$3` by the parameter's name. Statements hold no literals with these signs:
/// everything that varies is a parameter, and identifiers stand in double quotes.
fn named(sql: &str, params: &[Param]) -> String {
    let mut out = String::with_capacity(sql.len() + 32);
    let mut quoted = false;
    let mut rest = sql;
    while let Some((before, sign, after)) = cut_at_sign(rest) {
        out.push_str(before);
        rest = after;
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let numbered = after.split_at_checked(digits).filter(|(number, _)| !number.is_empty());
        quoted ^= sign == '"';
        let (Some((number, behind)), false) = (numbered, quoted || sign == '"') else {
            out.push(sign);
            continue;
        };
        rest = behind;
        out.push(':');
        let at = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        match at.and_then(|at| params.get(at)) {
            Some(Param::Value { label, .. } | Param::List { label, .. }) => out.push_str(label),
            _ => out.push_str("keys"),
        }
    }
    out.push_str(rest);
    out
}

/// The text before the next sign that may mean something, the sign, and the text after it.
fn cut_at_sign(text: &str) -> Option<(&str, char, &str)> {
    let (at, sign) = text.char_indices().find(|(_, c)| matches!(c, '"' | '?' | '$'))?;
    let (before, after) = text.split_at_checked(at)?;
    Some((before, sign, after.get(1..)?))
}
