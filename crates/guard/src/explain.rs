//! What was injected into the statements of a call, with parameters shown by name: for the audit and
//! for `tenantry ask`. Values never appear.

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

/// A statement cut into what the caller asked and what rules put in. Nested injections are shown by
/// the outermost rule.
#[must_use]
pub fn show(statement: &Statement) -> Shown {
    let mut cuts: Vec<(usize, usize, String)> = statement
        .injected
        .iter()
        .map(|injected| (injected.range.start, injected.range.end, injected.rule.to_string()))
        .collect();
    cuts.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    let mut pieces = Vec::new();
    let mut at = 0;
    let mut push = |from: usize, to: usize, rule: Option<String>| {
        if let Some(text) = statement.sql.get(from..to)
            && !text.is_empty()
        {
            pieces.push(Piece { text: named(text, &statement.params), rule });
        }
    };
    for (start, end, rule) in cuts {
        if start < at {
            continue;
        }
        push(at, start, None);
        push(start, end, Some(rule));
        at = end;
    }
    push(at, statement.sql.len(), None);
    Shown { pieces }
}

/// Each rule with the text it put into the statements, once each.
#[must_use]
pub fn scopes(statements: &[Shown]) -> Vec<(&str, &str)> {
    let mut scopes: Vec<(&str, &str)> = Vec::new();
    for piece in statements.iter().flat_map(|statement| &statement.pieces) {
        if let Some(rule) = &piece.rule
            && !scopes.contains(&(rule, &piece.text))
        {
            scopes.push((rule, &piece.text));
        }
    }
    scopes
}

/// Replaces `?3` and `$3` by the parameter's name. Statements hold no literals with these signs:
/// everything that varies is a parameter, and identifiers stand in double quotes.
fn named(sql: &str, params: &[Param]) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut chars = sql.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        if c == '"' {
            quoted = !quoted;
        }
        if quoted || !matches!(c, '?' | '$') || !chars.peek().is_some_and(char::is_ascii_digit) {
            out.push(c);
            continue;
        }
        let mut number = 0_usize;
        while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
            number = number.saturating_mul(10).saturating_add(usize::try_from(digit).unwrap_or(0));
            chars.next();
        }
        out.push(':');
        match number.checked_sub(1).and_then(|at| params.get(at)) {
            Some(Param::Value { label, .. } | Param::List { label, .. }) => out.push_str(label),
            _ => out.push_str("keys"),
        }
    }
    out
}
