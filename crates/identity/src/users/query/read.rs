//! From text to test.

use std::iter::Peekable;
use std::str::Chars;

use tenantry_store::Piece;
use tenantry_store::identity::user_search::UserTest;

use super::field::{self, exists};
use super::{DEEPEST, End, MOST, Value, wrong};
use crate::Refusal;

/// Reads a query from its beginning to its end.
pub(super) struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    depth: usize,
    terms: usize,
}

/// How a clause is tied to the one before it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tie {
    And,
    Or,
    /// Side by side.
    Beside,
}

/// What stands before a clause.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    None,
    Must,
    MustNot,
}

/// A word as it was read.
enum Word {
    And,
    Or,
    Not,
    Text(Vec<Piece>),
}

impl<'a> Reader<'a> {
    pub(super) fn new(query: &'a str) -> Reader<'a> {
        Reader { rest: query.chars().peekable(), depth: 0, terms: 0 }
    }

    pub(super) fn whole(mut self) -> Result<UserTest, Refusal> {
        let test = self.clauses(None)?;
        match self.rest.peek() {
            None => Ok(test),
            Some(letter) => Err(wrong(&format!("There is a {letter} too many"))),
        }
    }

    fn spaces(&mut self) {
        while self.rest.next_if(|letter| letter.is_whitespace()).is_some() {}
    }

    /// Takes both letters when they come next.
    fn takes_twice(&mut self, letter: char) -> bool {
        let mut ahead = self.rest.clone();
        if ahead.next() == Some(letter) && ahead.next() == Some(letter) {
            self.rest = ahead;
            return true;
        }
        false
    }

    /// Takes the word when it comes next and ends there.
    fn takes_word(&mut self, word: &str) -> bool {
        let mut ahead = self.rest.clone();
        if !word.chars().all(|letter| ahead.next() == Some(letter)) {
            return false;
        }
        let ends = ahead.peek().is_none_or(|next| next.is_whitespace() || matches!(next, '(' | ')' | '"'));
        if ends {
            self.rest = ahead;
        }
        ends
    }

    /// Clauses up to a closing parenthesis or the end.
    fn clauses(&mut self, field: Option<&str>) -> Result<UserTest, Refusal> {
        let mut read: Vec<(Tie, Sign, UserTest)> = Vec::new();
        loop {
            self.spaces();
            if matches!(self.rest.peek(), None | Some(')')) {
                break;
            }
            let tie = if self.takes_word("AND") || self.takes_twice('&') {
                Tie::And
            } else if self.takes_word("OR") || self.takes_twice('|') {
                Tie::Or
            } else {
                Tie::Beside
            };
            if tie != Tie::Beside && read.is_empty() {
                return Err(wrong("An operator needs something before it"));
            }
            let sign = self.sign()?;
            self.spaces();
            if matches!(self.rest.peek(), None | Some(')')) {
                return Err(wrong("An operator needs something after it"));
            }
            let test = self.clause(field)?;
            read.push((tie, sign, test));
        }
        if read.is_empty() {
            return Err(wrong("There is nothing between two parentheses, or nothing at all"));
        }
        Ok(combined(read))
    }

    fn sign(&mut self) -> Result<Sign, Refusal> {
        let mut sign = Sign::None;
        let mut count = 0;
        loop {
            self.spaces();
            if self.takes_word("NOT") || self.rest.next_if(|letter| matches!(letter, '-' | '!')).is_some() {
                sign = if sign == Sign::MustNot { Sign::Must } else { Sign::MustNot };
            } else if self.rest.next_if_eq(&'+').is_some() {
                if sign == Sign::None {
                    sign = Sign::Must;
                }
            } else {
                return Ok(sign);
            }
            count += 1;
            if count > DEEPEST {
                return Err(wrong("There are too many signs in a row"));
            }
        }
    }

    /// A group, or a value with or without a field.
    fn clause(&mut self, field: Option<&str>) -> Result<UserTest, Refusal> {
        self.terms += 1;
        if self.terms > MOST {
            return Err(wrong(&format!("There are more than {MOST} terms")));
        }
        if self.rest.peek() == Some(&'(') {
            return self.group(field);
        }
        if let Some(value) = self.quoted_or_range()? {
            return field::test(field, value);
        }
        let pieces = match self.word()? {
            Word::Text(pieces) => pieces,
            Word::And | Word::Or | Word::Not => return Err(wrong("Two operators follow one another")),
        };
        if self.rest.next_if_eq(&':').is_none() {
            return field::test(field, value(pieces)?);
        }
        let name = match pieces.as_slice() {
            [Piece::Text(name)] => name.clone(),
            [Piece::Many] => {
                self.spaces();
                return match self.word()? {
                    Word::Text(pieces) if pieces == [Piece::Many] => Ok(UserTest::Always),
                    _ => Err(wrong("* is no field; only *:* has it")),
                };
            }
            _ => return Err(wrong("A field's name has no wildcards")),
        };
        self.spaces();
        if name == "_exists_" || name == "_missing_" {
            let Some(Word::Text(pieces)) = self.value_word()? else { return Err(wrong("A field's name is missing")) };
            let [Piece::Text(field)] = pieces.as_slice() else {
                return Err(wrong("A field's name has no wildcards"));
            };
            let there = exists(field);
            return Ok(if name == "_exists_" { there } else { UserTest::Not(Box::new(there)) });
        }
        if self.rest.peek() == Some(&'(') {
            return self.group(Some(&name));
        }
        if let Some(value) = self.quoted_or_range()? {
            return field::test(Some(&name), value);
        }
        if let Some(value) = self.comparison()? {
            return field::test(Some(&name), value);
        }
        match self.value_word()? {
            Some(Word::Text(pieces)) => field::test(Some(&name), value(pieces)?),
            _ => Err(wrong(&format!("The field {name} has no value"))),
        }
    }

    fn value_word(&mut self) -> Result<Option<Word>, Refusal> {
        if let Some(Value::Plain(text)) = self.quoted_or_range()? {
            return Ok(Some(Word::Text(vec![Piece::Text(text)])));
        }
        if self.rest.peek().is_none_or(|next| next.is_whitespace() || *next == ')') {
            return Ok(None);
        }
        self.word().map(Some)
    }

    fn group(&mut self, field: Option<&str>) -> Result<UserTest, Refusal> {
        self.rest.next();
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(wrong(&format!("Parentheses lie more than {DEEPEST} deep in one another")));
        }
        let test = self.clauses(field)?;
        if self.rest.next_if_eq(&')').is_none() {
            return Err(wrong("A parenthesis is not closed"));
        }
        self.depth -= 1;
        self.no_extras()?;
        Ok(test)
    }

    /// `"a phrase"` or `[a TO b]`.
    fn quoted_or_range(&mut self) -> Result<Option<Value>, Refusal> {
        match self.rest.peek() {
            Some('"') => {
                let phrase = self.phrase()?;
                self.no_extras()?;
                Ok(Some(Value::Plain(phrase)))
            }
            Some(open @ ('[' | '{')) => {
                let inclusive = *open == '[';
                self.rest.next();
                let from = self.end(inclusive)?;
                self.spaces();
                if !self.takes_word("TO") {
                    return Err(wrong("A range is written [a TO b]"));
                }
                let to = self.end(true)?;
                self.spaces();
                let inclusive = match self.rest.next() {
                    Some(']') => true,
                    Some('}') => false,
                    _ => return Err(wrong("A range is not closed")),
                };
                Ok(Some(Value::Range(from, to.map(|end| End { inclusive, ..end }))))
            }
            Some('/') => Err(wrong("Regular expressions are not offered")),
            _ => Ok(None),
        }
    }

    /// `>=5`.
    fn comparison(&mut self) -> Result<Option<Value>, Refusal> {
        let Some(sign) = self.rest.next_if(|letter| matches!(letter, '<' | '>')) else { return Ok(None) };
        let inclusive = self.rest.next_if_eq(&'=').is_some();
        let text = if self.rest.peek() == Some(&'"') { self.phrase()? } else { self.bare(&[')'])? };
        if text.is_empty() {
            return Err(wrong("A comparison needs a value"));
        }
        let end = Some(End { text, inclusive });
        Ok(Some(if sign == '>' { Value::Range(end, None) } else { Value::Range(None, end) }))
    }

    /// An end of a range; `None` for `*`.
    fn end(&mut self, inclusive: bool) -> Result<Option<End>, Refusal> {
        self.spaces();
        if self.rest.peek() == Some(&'"') {
            return Ok(Some(End { text: self.phrase()?, inclusive }));
        }
        let text = self.bare(&[']', '}'])?;
        match text.as_str() {
            "" => Err(wrong("A range needs two ends; * leaves one open")),
            "*" => Ok(None),
            _ => Ok(Some(End { text, inclusive })),
        }
    }

    /// Letters up to a space or one of these.
    fn bare(&mut self, until: &[char]) -> Result<String, Refusal> {
        let mut text = String::new();
        while let Some(letter) = self.rest.next_if(|letter| !letter.is_whitespace() && !until.contains(letter)) {
            text.push(if letter == '\\' { self.escaped()? } else { letter });
        }
        Ok(text)
    }

    fn phrase(&mut self) -> Result<String, Refusal> {
        self.rest.next();
        let mut text = String::new();
        loop {
            match self.rest.next() {
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.escaped()?),
                Some(letter) => text.push(letter),
                None => return Err(wrong("A quotation is not closed")),
            }
        }
    }

    fn escaped(&mut self) -> Result<char, Refusal> {
        self.rest.next().ok_or_else(|| wrong("A backslash stands at the end"))
    }

    fn word(&mut self) -> Result<Word, Refusal> {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut escapes = false;
        while let Some(&letter) = self.rest.peek() {
            match letter {
                ':' | '(' | ')' => break,
                letter if letter.is_whitespace() => break,
                '^' => return Err(wrong("Weights (^) are not offered")),
                '~' => return Err(wrong("Likeness (~) is not offered")),
                '[' | ']' | '{' | '}' | '"' => return Err(wrong(&format!("{letter} stands where it has no meaning"))),
                _ => {}
            }
            self.rest.next();
            let literal = match letter {
                '*' => {
                    if pieces.last() != Some(&Piece::Many) {
                        pieces.push(Piece::Many);
                    }
                    continue;
                }
                '?' => {
                    pieces.push(Piece::One);
                    continue;
                }
                '\\' => {
                    escapes = true;
                    self.escaped()?
                }
                letter => letter,
            };
            match pieces.last_mut() {
                Some(Piece::Text(text)) => text.push(literal),
                _ => pieces.push(Piece::Text(literal.to_string())),
            }
        }
        if !escapes && self.rest.peek() != Some(&':') {
            match pieces.as_slice() {
                [Piece::Text(text)] if text == "AND" || text == "&&" => return Ok(Word::And),
                [Piece::Text(text)] if text == "OR" || text == "||" => return Ok(Word::Or),
                [Piece::Text(text)] if text == "NOT" => return Ok(Word::Not),
                _ => {}
            }
        }
        match (pieces.is_empty(), self.rest.peek()) {
            (false, _) => Ok(Word::Text(pieces)),
            (true, Some(letter)) => Err(wrong(&format!("{letter} stands where a term should"))),
            (true, None) => Err(wrong("A term is missing")),
        }
    }

    /// What Lucene has after a phrase or group and is not offered here.
    fn no_extras(&mut self) -> Result<(), Refusal> {
        match self.rest.peek() {
            Some('^') => Err(wrong("Weights (^) are not offered")),
            Some('~') => Err(wrong("Nearness (~) is not offered")),
            Some(':') => Err(wrong(": stands where it has no meaning")),
            _ => Ok(()),
        }
    }
}

fn value(pieces: Vec<Piece>) -> Result<Value, Refusal> {
    match pieces.as_slice() {
        [Piece::Text(text)] => Ok(Value::Plain(text.clone())),
        [Piece::Many] | [Piece::Text(_), Piece::Many] => Ok(Value::Pattern(pieces)),
        _ => {
            // A pattern that begins with a wildcard looks at every user.
            let letters: usize =
                pieces.iter().map(|piece| if let Piece::Text(text) = piece { text.chars().count() } else { 0 }).sum();
            if letters < 3 && !matches!(pieces.first(), Some(Piece::Text(_))) {
                return Err(wrong("A term that begins with a wildcard needs 3 letters or more"));
            }
            Ok(Value::Pattern(pieces))
        }
    }
}

/// AND ties more than OR; what only stands side by side is alternative, but for what is signed.
fn combined(read: Vec<(Tie, Sign, UserTest)>) -> UserTest {
    let mut required = Vec::new();
    let mut optional = Vec::new();
    let mut has_must = false;
    let mut read = read.into_iter().peekable();
    while let Some((tie, sign, test)) = read.next() {
        let mut chain = vec![signed(sign, test)];
        while let Some((_, sign, test)) = read.next_if(|(tie, ..)| *tie == Tie::And) {
            chain.push(signed(sign, test));
        }
        let is_alternative = tie == Tie::Or || read.peek().is_some_and(|(tie, ..)| *tie == Tie::Or);
        let is_single = chain.len() == 1;
        let test = match chain.pop() {
            Some(test) if is_single => test,
            Some(test) => {
                chain.push(test);
                UserTest::All(chain)
            }
            None => continue,
        };
        if is_single && sign != Sign::None && !is_alternative {
            has_must |= sign == Sign::Must;
            required.push(test);
        } else {
            optional.push(test);
        }
    }
    // Beside what must be, alternatives only matter to an order that is not kept here.
    if !has_must && !optional.is_empty() {
        required.push(any(optional));
    }
    match required.pop() {
        Some(test) if required.is_empty() => test,
        Some(test) => {
            required.push(test);
            UserTest::All(required)
        }
        None => UserTest::Always,
    }
}

fn any(mut tests: Vec<UserTest>) -> UserTest {
    match tests.pop() {
        Some(test) if tests.is_empty() => test,
        Some(test) => {
            tests.push(test);
            UserTest::Any(tests)
        }
        None => UserTest::Never,
    }
}

fn signed(sign: Sign, test: UserTest) -> UserTest {
    if sign == Sign::MustNot { UserTest::Not(Box::new(test)) } else { test }
}
