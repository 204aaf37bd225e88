//! Tokens to the syntax tree, by recursive descent. Every construct that people bring along from SQL
//! and that the language leaves out has its own error here, with what to write instead.

use std::ops::Range;

use uuid::Uuid;

use crate::condition::cond::Cmp;
use crate::condition::error::{CondCode, CondError};
use crate::condition::lex::{Tok, Token, lex};
use crate::condition::syntax::{Atom, AtomKind, Literal, Path, TermTree, Tree};
use crate::value::{Value, parse_decimal, parse_timestamp};

/// The longest condition, in bytes.
pub const MAX_BYTES: usize = 4_096;
/// How deep parentheses and NOT may nest.
pub const MAX_DEPTH: usize = 64;
/// The most atoms of one condition.
pub const MAX_ATOMS: usize = 512;

/// Words that are never names.
const RESERVED: [&str; 8] = ["AND", "OR", "NOT", "IN", "IS", "NULL", "TRUE", "FALSE"];

/// Parses a condition.
///
/// # Errors
/// [`CondError`] for the first mistake in the text.
pub fn parse(text: &str) -> Result<Tree, CondError> {
    let mut parser = Parser::new(text)?;
    if matches!(parser.tok(), Tok::End) {
        let hint = "write `TRUE` for always, `FALSE` for never";
        return Err(CondError::new(0..text.len(), CondCode::Empty, "the condition is empty").hint(hint));
    }
    let tree = parser.or()?;
    parser.end("AND, OR or the end of the condition")?;
    Ok(tree)
}

/// Parses a name that stands alone: the key of a scope entry, the path of an attribute.
pub(crate) fn parse_path(text: &str, code: CondCode, wanted: &str) -> Result<Path, CondError> {
    let mut parser = Parser::new(text)?;
    let span = parser.span();
    match parser.tok() {
        Tok::Word(word) => {
            let word: Box<str> = (*word).into();
            parser.advance();
            let path = parser.path(word, span)?;
            match parser.tok() {
                Tok::End => Ok(path),
                Tok::Bad(error) => Err((**error).clone()),
                _ => Err(CondError::new(parser.span(), code, format!("expected {wanted} and nothing else"))),
            }
        }
        Tok::Bad(error) => Err((**error).clone()),
        _ => Err(CondError::new(span, code, format!("expected {wanted}"))),
    }
}

struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    depth: usize,
    atoms: usize,
    end: Token<'a>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Result<Self, CondError> {
        if text.len() > MAX_BYTES {
            let from = text.char_indices().map(|(at, _)| at).find(|at| *at >= MAX_BYTES).unwrap_or(MAX_BYTES);
            let message = format!("the condition has {} bytes, {MAX_BYTES} are allowed", text.len());
            return Err(CondError::new(from..text.len(), CondCode::TextTooLong, message)
                .hint("split it into several rules, or keep a long list in the principal's metadata"));
        }
        let end = Token { tok: Tok::End, span: text.len()..text.len() };
        Ok(Parser { tokens: lex(text), at: 0, depth: 0, atoms: 0, end })
    }

    fn token(&self) -> &Token<'a> {
        self.tokens.get(self.at).unwrap_or(&self.end)
    }

    fn tok(&self) -> &Tok<'a> {
        &self.token().tok
    }

    fn tok_after(&self) -> &Tok<'a> {
        &self.tokens.get(self.at + 1).unwrap_or(&self.end).tok
    }

    fn span(&self) -> Range<usize> {
        self.token().span.clone()
    }

    fn advance(&mut self) {
        self.at += 1;
    }

    /// The end of the last token taken.
    fn taken(&self) -> usize {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(0, |token| token.span.end)
    }

    fn is(&self, keyword: &str) -> bool {
        is_word(self.tok(), keyword)
    }

    fn take(&mut self, keyword: &str) -> bool {
        let found = self.is(keyword);
        if found {
            self.advance();
        }
        found
    }

    /// The error for a token that does not belong here.
    fn unexpected(&self, wanted: &str) -> CondError {
        let found = match self.tok() {
            Tok::Bad(error) => return (**error).clone(),
            Tok::Minus => return arithmetic(self.span()),
            Tok::Op(cmp) => format!("found `{}`", cmp.symbol()),
            Tok::End => "the condition ends".to_owned(),
            Tok::Word(word) => format!("found `{word}`"),
            Tok::Text(_) => "found a text literal".to_owned(),
            Tok::Int(digits) | Tok::Point(digits) => format!("found `{digits}`"),
            Tok::Open => "found `(`".to_owned(),
            Tok::Close => "found `)`".to_owned(),
            Tok::Comma => "found `,`".to_owned(),
            Tok::Dot => "found `.`".to_owned(),
        };
        CondError::new(self.span(), CondCode::UnexpectedToken, format!("expected {wanted}, {found}"))
    }

    fn end(&self, wanted: &str) -> Result<(), CondError> {
        match self.tok() {
            Tok::End => Ok(()),
            _ => Err(self.unexpected(wanted)),
        }
    }

    fn deeper(&mut self) -> Result<(), CondError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let message = format!("parentheses and NOT nest deeper than {MAX_DEPTH}");
            return Err(CondError::new(self.span(), CondCode::TooDeep, message)
                .hint("AND and OR take any number of parts side by side"));
        }
        Ok(())
    }

    fn or(&mut self) -> Result<Tree, CondError> {
        let first = self.and()?;
        if !self.is("OR") {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.take("OR") {
            parts.push(self.and()?);
        }
        Ok(Tree::Or(parts))
    }

    fn and(&mut self) -> Result<Tree, CondError> {
        let first = self.not()?;
        if !self.is("AND") {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.take("AND") {
            parts.push(self.not()?);
        }
        Ok(Tree::And(parts))
    }

    fn not(&mut self) -> Result<Tree, CondError> {
        if !self.is("NOT") {
            return self.prim();
        }
        self.deeper()?;
        self.advance();
        let inner = self.not()?;
        self.depth -= 1;
        Ok(Tree::Not(Box::new(inner)))
    }

    fn prim(&mut self) -> Result<Tree, CondError> {
        if !matches!(self.tok(), Tok::Open) {
            return self.atom().map(Tree::Atom);
        }
        let open = self.span();
        self.deeper()?;
        self.advance();
        self.no_subquery(open.start)?;
        let inner = self.or()?;
        match self.tok() {
            Tok::Close => self.advance(),
            Tok::End => {
                return Err(CondError::new(open, CondCode::UnclosedParenthesis, "this `(` has no `)`"));
            }
            _ => return Err(self.unexpected("AND, OR or `)`")),
        }
        self.depth -= 1;
        if matches!(self.tok(), Tok::Op(_)) || self.is("IS") || self.is("IN") {
            return Err(chained(open.start..self.span().end));
        }
        Ok(inner)
    }

    fn no_subquery(&self, start: usize) -> Result<(), CondError> {
        let sql = self.is("SELECT") || self.is("WITH") || self.is("VALUES");
        let goes_on = match self.tok_after() {
            Tok::Word(word) => !is_operator(word),
            Tok::Int(_) | Tok::Text(_) | Tok::Open | Tok::Bad(_) => true,
            _ => false,
        };
        // A column may be called `values`: then an operator follows.
        if sql && goes_on {
            return Err(subquery(start..self.span().end));
        }
        Ok(())
    }

    fn atom(&mut self) -> Result<Atom, CondError> {
        let start = self.span().start;
        self.atoms += 1;
        if self.atoms > MAX_ATOMS {
            let message = format!("the condition has more than {MAX_ATOMS} comparisons and tests");
            return Err(CondError::new(self.span(), CondCode::TooManyAtoms, message)
                .hint("use IN with a list, or split the condition into several rules"));
        }
        let kind = if self.is("HAS") && self.has_follows() { self.has()? } else { self.comparison()? };
        if let Tok::Op(_) = self.tok() {
            return Err(chained(start..self.span().end));
        }
        Ok(Atom { kind, span: start..self.taken() })
    }

    /// `has` may also be a column: then an operator follows.
    fn has_follows(&self) -> bool {
        match self.tok_after() {
            Tok::Word(word) => !is_operator(word),
            Tok::End | Tok::Text(_) => true,
            _ => false,
        }
    }

    fn has(&mut self) -> Result<AtomKind, CondError> {
        self.advance();
        let hint = "write `HAS principal.metadata.x`; a column is tested with `column IS NOT NULL`";
        match self.tok() {
            Tok::Word(word) => {
                let (word, span) = ((*word).into(), self.span());
                self.advance();
                let path = self.path(word, span)?;
                if path.is_attribute() {
                    return Ok(AtomKind::Has(path));
                }
                let message = format!("HAS tests attributes of the principal, `{}` is not one", path.to_text());
                Err(CondError::new(path.span, CondCode::UnexpectedToken, message).hint(hint))
            }
            _ => Err(self.unexpected("an attribute of the principal after HAS").hint_else(hint)),
        }
    }

    fn comparison(&mut self) -> Result<AtomKind, CondError> {
        let term = self.term(None)?;
        match self.tok() {
            Tok::Op(cmp) => {
                let cmp = *cmp;
                self.advance();
                let right = self.term(Some((&term, cmp)))?;
                return Ok(AtomKind::Compare { left: term, cmp, right });
            }
            Tok::Word(_) => {}
            _ => return self.bare(term),
        }
        if self.is("IS") {
            return self.is_null(term);
        }
        if self.is("BETWEEN") {
            return Err(self.between(&term));
        }
        let negated = self.take("NOT");
        if self.take("IN") {
            return self.member(term, negated);
        }
        if self.take("STARTS") {
            if !self.take("WITH") {
                return Err(self.unexpected("`WITH` after `STARTS`"));
            }
            let prefix = self.term(None)?;
            return Ok(AtomKind::StartsWith { term, prefix, negated });
        }
        if self.take("LIKE") {
            let prefix = self.like(&term)?;
            return Ok(AtomKind::StartsWith { term, prefix, negated });
        }
        if self.is("BETWEEN") {
            return Err(self.between(&term));
        }
        if ["ILIKE", "GLOB", "REGEXP", "RLIKE", "MATCH", "SIMILAR"].iter().any(|word| self.is(word)) {
            return Err(unsupported_like(self.span(), &term));
        }
        if negated {
            return Err(self
                .unexpected("`IN` or `STARTS WITH` after `NOT`")
                .hint_else("`NOT` of a comparison stands before it: `NOT a = b`"));
        }
        self.bare(term)
    }

    /// A term with no operator behind it.
    fn bare(&mut self, term: TermTree) -> Result<AtomKind, CondError> {
        if self.is("ISNULL") || self.is("NOTNULL") {
            let hint = format!("write `{} IS {}NULL`", shown(&term), if self.is("ISNULL") { "" } else { "NOT " });
            return Err(self.unexpected("an operator").hint_else(hint));
        }
        let ends = matches!(self.tok(), Tok::End | Tok::Close) || self.is("AND") || self.is("OR");
        match &term {
            TermTree::Literal(Literal { value: Value::Bool(value), .. }) => Ok(AtomKind::Const(*value)),
            _ if !ends => {
                let hint = "an operator is one of =, <>, <, <=, >, >=, IN, STARTS WITH, IS NULL";
                Err(self.unexpected(&format!("an operator after `{}`", shown(&term))).hint_else(hint))
            }
            TermTree::Literal(literal) => {
                let message = "a value alone is not a condition";
                Err(CondError::new(literal.span.clone(), CondCode::NotACondition, message)
                    .hint("compare it with a column"))
            }
            TermTree::Name(path) => {
                let name = path.to_text();
                let message = format!("`{name}` alone is not a condition");
                let hint = match path.is_attribute() {
                    true => format!("write `HAS {name}` to test whether it is there, or compare it: `column = {name}`"),
                    false => format!("write `{name} = TRUE`"),
                };
                Err(CondError::new(path.span.clone(), CondCode::NotACondition, message).hint(hint))
            }
        }
    }

    fn is_null(&mut self, term: TermTree) -> Result<AtomKind, CondError> {
        let is = self.span();
        self.advance();
        let negated = self.take("NOT");
        if !self.is("NULL") {
            if let Some(word) = ["TRUE", "FALSE", "UNKNOWN", "DISTINCT"].iter().find(|word| self.is(word)) {
                let hint = match (*word, negated) {
                    ("TRUE", false) => format!("write `{} = TRUE`", shown(&term)),
                    ("FALSE", false) => format!("write `{} = FALSE`", shown(&term)),
                    ("UNKNOWN", _) => format!("write `{} IS {}NULL`", shown(&term), if negated { "NOT " } else { "" }),
                    ("DISTINCT", _) => "compare with `=` or `<>`, and test for NULL with `IS NULL`".to_owned(),
                    (word, _) => {
                        let other = if word == "TRUE" { "FALSE" } else { "TRUE" };
                        format!("write `{0} = {other} OR {0} IS NULL`", shown(&term))
                    }
                };
                let span = is.start..self.span().end;
                return Err(CondError::new(span, CondCode::IsTruth, "IS tests only for NULL").hint(hint));
            }
            return Err(self.unexpected("`NULL` or `NOT NULL` after `IS`").hint_else("compare values with `=`"));
        }
        self.advance();
        match term {
            TermTree::Name(column) => Ok(AtomKind::IsNull { column, negated }),
            TermTree::Literal(literal) => {
                let message = "IS NULL tests a column, not a literal";
                Err(CondError::new(literal.span, CondCode::UnexpectedToken, message).hint("write `TRUE` or `FALSE`"))
            }
        }
    }

    fn between(&self, term: &TermTree) -> CondError {
        let hint = format!("write `{0} >= low AND {0} <= high`", shown(term));
        CondError::new(self.span(), CondCode::Between, "conditions have no BETWEEN").hint(hint)
    }

    fn member(&mut self, term: TermTree, negated: bool) -> Result<AtomKind, CondError> {
        let wanted = "a list after `IN`";
        let hint = "write `IN ('a', 'b')` or `IN principal.roles`";
        match self.tok() {
            Tok::Open => {
                let open = self.span();
                self.advance();
                self.no_subquery(open.start)?;
                let list = self.literals(open, &term)?;
                Ok(AtomKind::InList { term, list, negated })
            }
            Tok::Word(word) if !reserved(word) => {
                let (word, span) = (Box::from(*word), self.span());
                self.advance();
                let list = self.path(word, span)?;
                if list.is_attribute() {
                    return Ok(AtomKind::InAttr { term, list, negated });
                }
                let message = format!("`{}` is not a list", list.to_text());
                Err(CondError::new(list.span, CondCode::BadList, message).hint(hint))
            }
            Tok::Bad(_) => Err(self.unexpected(wanted)),
            _ => Err(CondError::new(self.span(), CondCode::BadList, format!("expected {wanted}")).hint(hint)),
        }
    }

    /// The literals of a list, its `(` taken.
    fn literals(&mut self, open: Range<usize>, term: &TermTree) -> Result<Vec<Literal>, CondError> {
        let mut list = Vec::new();
        if matches!(self.tok(), Tok::Close) {
            self.advance();
            return Ok(list);
        }
        loop {
            if self.is("NULL") {
                return Err(CondError::new(self.span(), CondCode::NullLiteral, "a list holds no NULL")
                    .hint(format!("add `OR {} IS NULL` if that is meant", shown(term))));
            }
            match self.term(None)? {
                TermTree::Literal(literal) => list.push(literal),
                TermTree::Name(path) => {
                    let name = path.to_text();
                    let hint = match path.is_attribute() {
                        true => {
                            format!("write `IN {name}` without parentheses for a list, or join comparisons with OR")
                        }
                        false => format!("text stands in single quotes: `'{name}'`"),
                    };
                    let message = "a list in parentheses holds literals only";
                    return Err(CondError::new(path.span, CondCode::BadList, message).hint(hint));
                }
            }
            match self.tok() {
                Tok::Comma => self.advance(),
                Tok::Close => {
                    self.advance();
                    return Ok(list);
                }
                Tok::End => {
                    return Err(CondError::new(open, CondCode::UnclosedParenthesis, "this `(` has no `)`"));
                }
                _ => return Err(self.unexpected("`,` or `)`")),
            }
        }
    }

    fn like(&mut self, term: &TermTree) -> Result<TermTree, CondError> {
        let span = self.span();
        let Tok::Text(pattern) = self.tok() else {
            return match self.tok() {
                Tok::Bad(_) | Tok::End => Err(self.unexpected("a text literal after `LIKE`")),
                _ => Err(unsupported_like(span, term)),
            };
        };
        let prefix = pattern.strip_suffix('%').filter(|prefix| !prefix.contains(['%', '_', '\\'])).map(Value::text);
        let whole = (!pattern.contains(['%', '_', '\\'])).then(|| pattern.replace('\'', "''"));
        self.advance();
        if let Some(whole) = whole {
            return Err(unsupported_like(span, term).hint(format!("write `{} = '{whole}'`", shown(term))));
        }
        match prefix {
            Some(_) if self.is("ESCAPE") => Err(unsupported_like(self.span(), term)),
            Some(value) => Ok(TermTree::Literal(Literal { value, span })),
            None => Err(unsupported_like(span, term)),
        }
    }

    /// A name or a literal. `left` is what stands before it in a comparison, for hints.
    fn term(&mut self, left: Option<(&TermTree, Cmp)>) -> Result<TermTree, CondError> {
        let span = self.span();
        let literal = |value, span| Ok(TermTree::Literal(Literal { value, span }));
        match self.tok() {
            Tok::Text(text) => {
                let value = Value::text(text);
                self.advance();
                literal(value, span)
            }
            Tok::Int(digits) => {
                let value = integer(digits, span.clone())?;
                self.advance();
                literal(value, span)
            }
            Tok::Point(digits) => Err(bare_decimal(digits, span)),
            Tok::Minus => self.negative(),
            Tok::Word(word) => {
                let word = *word;
                self.word(word, left)
            }
            Tok::Open => {
                self.advance();
                self.no_subquery(span.start)?;
                let message = "expected a name or a value, found `(`";
                Err(CondError::new(span, CondCode::UnexpectedToken, message)
                    .hint("parentheses group conditions, not values"))
            }
            Tok::Op(_) => {
                Err(CondError::new(span, CondCode::UnexpectedToken, "expected a name or a value before the operator"))
            }
            _ => Err(self.unexpected("a name or a value")),
        }
    }

    fn negative(&mut self) -> Result<TermTree, CondError> {
        let minus = self.span();
        self.advance();
        let span = minus.start..self.span().end;
        let adjacent = self.span().start == minus.end;
        match self.tok() {
            Tok::Int(digits) if adjacent => {
                let value = integer(&["-", digits].concat(), span.clone())?;
                self.advance();
                Ok(TermTree::Literal(Literal { value, span }))
            }
            Tok::Point(digits) if adjacent => Err(bare_decimal(&["-", digits].concat(), span)),
            _ => Err(arithmetic(minus)),
        }
    }

    /// A term that begins with a word.
    fn word(&mut self, word: &'a str, left: Option<(&TermTree, Cmp)>) -> Result<TermTree, CondError> {
        let span = self.span();
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword);
        if is("TRUE") || is("FALSE") {
            self.advance();
            return Ok(TermTree::Literal(Literal { value: Value::Bool(is("TRUE")), span }));
        }
        if is("NULL") {
            let hint = match left {
                Some((term, Cmp::Ne)) => format!("write `{} IS NOT NULL`", shown(term)),
                Some((term, _)) => format!("write `{} IS NULL`", shown(term)),
                None => "write `column IS NULL`".to_owned(),
            };
            return Err(CondError::new(span, CondCode::NullLiteral, "NULL is not a value").hint(hint));
        }
        if reserved(word) {
            return Err(self.unexpected("a name or a value"));
        }
        self.advance();
        if let Tok::Text(text) = self.tok() {
            let whole = span.start..self.span().end;
            let value = typed_literal(word, text, &span, &whole)?;
            self.advance();
            return Ok(TermTree::Literal(Literal { value, span: whole }));
        }
        if is("CASE") && matches!(self.tok(), Tok::Word(word) if !is_operator(word)) {
            return Err(CondError::new(span, CondCode::UnexpectedToken, "conditions have no CASE")
                .hint("join the cases with AND and OR"));
        }
        self.path(word.into(), span).map(TermTree::Name)
    }

    /// A name whose first part has been taken.
    fn path(&mut self, first: Box<str>, span: Range<usize>) -> Result<Path, CondError> {
        let mut path = Path { parts: vec![first], span };
        while matches!(self.tok(), Tok::Dot) {
            self.advance();
            let Tok::Word(part) = self.tok() else { return Err(self.unexpected("a name after `.`")) };
            path.parts.push((*part).into());
            path.span.end = self.span().end;
            self.advance();
        }
        if matches!(self.tok(), Tok::Open) {
            return Err(function(&path, path.span.start..self.span().end));
        }
        if path.parts.len() > 2 && !path.is_attribute() {
            let message = format!("`{}` has more than one hop", path.to_text());
            return Err(
                CondError::new(path.span, CondCode::LongName, message).hint("a name is `column` or `relation.column`")
            );
        }
        Ok(path)
    }
}

fn is_word(tok: &Tok<'_>, keyword: &str) -> bool {
    matches!(tok, Tok::Word(word) if word.eq_ignore_ascii_case(keyword))
}

fn reserved(word: &str) -> bool {
    RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(word))
}

/// May the word follow a complete term?
fn is_operator(word: &str) -> bool {
    ["IS", "IN", "NOT", "LIKE", "STARTS", "BETWEEN", "AND", "OR"]
        .iter()
        .any(|operator| operator.eq_ignore_ascii_case(word))
}

/// The term as it may stand in a hint.
fn shown(term: &TermTree) -> String {
    match term {
        TermTree::Name(path) => path.to_text(),
        TermTree::Literal(_) => "column".to_owned(),
    }
}

fn integer(digits: &str, span: Range<usize>) -> Result<Value, CondError> {
    digits.parse().map(Value::Int).map_err(|_| {
        CondError::new(span, CondCode::BadInteger, format!("`{digits}` does not fit 64 bits")).hint(
            "integers are from -9223372036854775808 to 9223372036854775807; write `DECIMAL '…'` for a decimal column",
        )
    })
}

fn typed_literal(kind: &str, text: &str, kind_span: &Range<usize>, whole: &Range<usize>) -> Result<Value, CondError> {
    let bad = |code, message: &str, hint: &str| CondError::new(whole.clone(), code, message).hint(hint);
    if kind.eq_ignore_ascii_case("UUID") {
        let id = (text.len() == 36).then(|| Uuid::try_parse(text).ok()).flatten();
        let hint = "write it as `UUID '018f3c1e-7c1a-7000-8000-000000000001'`";
        return id.map(Value::Uuid).ok_or_else(|| bad(CondCode::BadUuid, "this is not a UUID", hint));
    }
    if kind.eq_ignore_ascii_case("TIMESTAMP") {
        let hint = "write it as `TIMESTAMP '2026-01-31T12:00:00Z'`, with an offset and at most six digits of fraction";
        return parse_timestamp(text)
            .map(Value::Timestamp)
            .ok_or_else(|| bad(CondCode::BadTimestamp, "this is not an RFC 3339 timestamp with an offset", hint));
    }
    if kind.eq_ignore_ascii_case("DECIMAL") {
        let hint = "write it as `DECIMAL '-12.50'`: digits, at most one point, at most 28 digits in all";
        return parse_decimal(text)
            .map(Value::Decimal)
            .ok_or_else(|| bad(CondCode::BadDecimal, "this is not a decimal number", hint));
    }
    let hint = match kind.to_ascii_uppercase().as_str() {
        "NUMERIC" => "write `DECIMAL '…'`",
        "TIMESTAMPTZ" | "DATETIME" => "write `TIMESTAMP '…Z'`",
        "DATE" | "TIME" | "INTERVAL" => {
            "dates and intervals are not usable in conditions; compare a timestamp column with `TIMESTAMP '…Z'`"
        }
        _ => "text stands in plain single quotes; other kinds are `UUID '…'`, `TIMESTAMP '…Z'`, `DECIMAL '…'`",
    };
    let message = format!("there is no literal of kind `{kind}`");
    Err(CondError::new(kind_span.start..whole.end, CondCode::UnknownLiteral, message).hint(hint))
}

fn function(path: &Path, span: Range<usize>) -> CondError {
    let name = path.to_text();
    let upper = path.parts.last().map(|part| part.to_ascii_uppercase()).unwrap_or_default();
    match upper.as_str() {
        "CAST" | "CONVERT" => CondError::new(span, CondCode::Cast, "conditions have no casts")
            .hint("write the literal in the column's type: `UUID '…'`, `TIMESTAMP '…Z'`, `DECIMAL '…'`"),
        "EXISTS" => subquery(span),
        "ANY" | "SOME" | "ALL" => CondError::new(span, CondCode::BadList, format!("conditions have no {upper}"))
            .hint("write `column IN principal.metadata.list` or `column IN ('a', 'b')`"),
        "VALUES" => subquery(span),
        "NOW" | "CURRENT_TIMESTAMP" | "DATETIME" | "STRFTIME" => {
            CondError::new(span, CondCode::Function, format!("conditions have no functions; `{name}` is one"))
                .hint("the time of the call is `principal.now`")
        }
        "CURRENT_SETTING" | "CURRENT_USER" => {
            CondError::new(span, CondCode::Function, format!("conditions have no functions; `{name}` is one"))
                .hint("read the principal's attributes: `principal.tenant_id`, `principal.metadata.x`")
        }
        _ => CondError::new(span, CondCode::Function, format!("conditions have no functions; `{name}` is one"))
            .hint("compare the column itself with a literal or an attribute"),
    }
}

fn chained(span: Range<usize>) -> CondError {
    CondError::new(span, CondCode::ChainedComparison, "a comparison is not a value and cannot be compared")
        .hint("join comparisons with AND: `a < b AND b < c`")
}

fn arithmetic(span: Range<usize>) -> CondError {
    CondError::new(span, CondCode::Arithmetic, "conditions have no arithmetic")
        .hint("a negative number is written without a blank: `-5`")
}

fn subquery(span: Range<usize>) -> CondError {
    CondError::new(span, CondCode::Subquery, "conditions have no subqueries").hint(
        "declare a relation and write `relation.column`, or keep the values in a list of the principal's metadata",
    )
}

fn bare_decimal(digits: &str, span: Range<usize>) -> CondError {
    CondError::new(span, CondCode::BareDecimal, format!("`{digits}` might be read as a floating-point number"))
        .hint(format!("write `DECIMAL '{digits}'`"))
}

fn unsupported_like(span: Range<usize>, term: &TermTree) -> CondError {
    let message = "LIKE is only accepted with text that ends in one `%` and has no other wildcard";
    CondError::new(span, CondCode::UnsupportedLike, message).hint(format!("write `{} STARTS WITH 'abc'`", shown(term)))
}
