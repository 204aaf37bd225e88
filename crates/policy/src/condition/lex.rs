//! Characters to tokens. What the language refuses by its first character (comments, parameters,
//! quoted names …) becomes a [`Tok::Bad`] token, so that the parser reports whichever mistake
//! stands first in the text.

use std::iter::Peekable;
use std::ops::Range;
use std::str::CharIndices;

use crate::condition::cond::Cmp;
use crate::condition::error::{CondCode, CondError};

/// A token and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Token<'a> {
    pub(crate) tok: Tok<'a>,
    pub(crate) span: Range<usize>,
}

#[derive(Debug, Clone)]
pub(crate) enum Tok<'a> {
    /// A name or a keyword.
    Word(&'a str),
    /// A text literal, unescaped.
    Text(String),
    /// Digits.
    Int(&'a str),
    /// Digits with a point.
    Point(&'a str),
    Open,
    Close,
    Comma,
    Dot,
    Minus,
    Op(Cmp),
    /// Something that the language refuses; always the last token.
    Bad(Box<CondError>),
    /// The end of the text; always the last token when there is no `Bad`.
    End,
}

/// All tokens; the last one is `End` or `Bad`.
pub(crate) fn lex(text: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { text, chars: text.char_indices().peekable() };
    let mut tokens = Vec::new();
    loop {
        let token = match lexer.next() {
            Ok(token) => token,
            Err(error) => Token { span: error.span.clone(), tok: Tok::Bad(Box::new(error)) },
        };
        let last = matches!(token.tok, Tok::End | Tok::Bad(_));
        tokens.push(token);
        if last {
            return tokens;
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    chars: Peekable<CharIndices<'a>>,
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> Result<Token<'a>, CondError> {
        while self.chars.next_if(|(_, c)| matches!(c, ' ' | '\t' | '\n' | '\r')).is_some() {}
        let Some((start, first)) = self.chars.next() else {
            let end = self.text.len();
            return Ok(Token { tok: Tok::End, span: end..end });
        };
        let tok = match first {
            '(' => Tok::Open,
            ')' => Tok::Close,
            ',' => Tok::Comma,
            '.' => Tok::Dot,
            '\'' => self.text(start)?,
            '0'..='9' => self.number(start)?,
            '=' | '<' | '>' | '!' => self.comparison(start, first)?,
            '-' if !matches!(self.peek(), Some('-' | '>')) => Tok::Minus,
            c if c.is_alphabetic() || c == '_' => {
                self.skip(|c| c.is_alphanumeric() || c == '_');
                Tok::Word(self.from(start))
            }
            c => return Err(self.refuse(start, c)),
        };
        Ok(Token { tok, span: start..self.here() })
    }

    fn peek(&mut self) -> Option<char> {
        self.chars.peek().map(|(_, c)| *c)
    }

    fn here(&mut self) -> usize {
        self.chars.peek().map_or(self.text.len(), |(at, _)| *at)
    }

    fn from(&mut self, start: usize) -> &'a str {
        let end = self.here();
        self.text.get(start..end).unwrap_or("")
    }

    fn skip(&mut self, wanted: impl Fn(char) -> bool) {
        while self.chars.next_if(|(_, c)| wanted(*c)).is_some() {}
    }

    fn text(&mut self, start: usize) -> Result<Tok<'a>, CondError> {
        let mut content = String::new();
        loop {
            match self.chars.next() {
                Some((_, '\'')) if self.peek() == Some('\'') => {
                    self.chars.next();
                    content.push('\'');
                }
                Some((_, '\'')) => return Ok(Tok::Text(content)),
                Some((at, '\0')) => {
                    let message = "a text literal holds a NUL character";
                    return Err(CondError::new(at..at + 1, CondCode::ControlCharacter, message));
                }
                Some((_, c)) => content.push(c),
                None => {
                    let span = start..self.text.len();
                    return Err(CondError::new(span, CondCode::UnterminatedText, "this text has no closing quote")
                        .hint("end it with `'`; a quote inside text is written twice: `'it''s'`"));
                }
            }
        }
    }

    fn number(&mut self, start: usize) -> Result<Tok<'a>, CondError> {
        self.skip(|c| c.is_ascii_digit());
        let mut ahead = self.chars.clone();
        let point =
            ahead.next().is_some_and(|(_, c)| c == '.') && ahead.next().is_some_and(|(_, c)| c.is_ascii_digit());
        if point {
            self.chars.next();
            self.skip(|c| c.is_ascii_digit());
        }
        if self.peek().is_some_and(|c| c.is_alphanumeric() || c == '_') {
            self.skip(|c| c.is_alphanumeric() || c == '_');
            let message = format!("`{}` is not an integer", self.from(start));
            return Err(CondError::new(start..self.here(), CondCode::BadInteger, message)
                .hint("write digits only, without exponent, prefix or separator"));
        }
        Ok(if point { Tok::Point(self.from(start)) } else { Tok::Int(self.from(start)) })
    }

    fn comparison(&mut self, start: usize, first: char) -> Result<Tok<'a>, CondError> {
        self.skip(|c| matches!(c, '=' | '<' | '>' | '!' | '~'));
        let written = self.from(start);
        let cmp = match written {
            "=" => Cmp::Eq,
            "<>" | "!=" => Cmp::Ne,
            "<" => Cmp::Lt,
            "<=" => Cmp::Le,
            ">" => Cmp::Gt,
            ">=" => Cmp::Ge,
            _ => {
                let instead = match written {
                    "==" | "===" => "write `=`",
                    "=<" => "write `<=`",
                    "=>" => "write `>=`",
                    "!==" | "><" => "write `<>`",
                    "!" => "write `NOT`",
                    _ if first == '!' => "write `NOT` or `<>`",
                    _ => "the comparisons are `=`, `<>`, `<`, `<=`, `>`, `>=`",
                };
                return Err(unknown_operator(start..self.here(), written).hint(instead));
            }
        };
        Ok(Tok::Op(cmp))
    }

    /// The error for a character that begins nothing in the language.
    fn refuse(&mut self, start: usize, first: char) -> CondError {
        let next = self.peek();
        let two = start..start + first.len_utf8() + next.map_or(0, char::len_utf8);
        let one = start..start + first.len_utf8();
        let error = |span, code, message: &str| CondError::new(span, code, message);
        match (first, next) {
            ('-', Some('-')) | ('/', Some('*')) => error(two, CondCode::Comment, "conditions hold no comments")
                .hint("put the words into the rule's `description`"),
            ('-' | '~' | '&' | '^' | '#', _) | ('|', None) => {
                unknown_operator(one, &first.to_string()).hint("the comparisons are `=`, `<>`, `<`, `<=`, `>`, `>=`")
            }
            ('|', Some('|')) => error(two, CondCode::Arithmetic, "conditions have no concatenation")
                .hint("compare the parts one by one, or store the joined text in a column"),
            ('|', _) => unknown_operator(one, "|").hint("the comparisons are `=`, `<>`, `<`, `<=`, `>`, `>=`"),
            ('+' | '*' | '/' | '%', _) => error(one, CondCode::Arithmetic, "conditions have no arithmetic")
                .hint("compute the value beforehand and compare with a column, an attribute or a literal"),
            (';', _) => error(one, CondCode::Semicolon, "a condition is one expression, without `;`").hint("remove it"),
            (':', Some(':')) => error(two, CondCode::Cast, "conditions have no casts")
                .hint("write the literal in the column's type: `UUID '…'`, `TIMESTAMP '…Z'`, `DECIMAL '…'`"),
            ('?' | '$' | '@' | ':', _) => {
                self.skip(|c| c.is_alphanumeric() || matches!(c, '_' | '$'));
                error(start..self.here(), CondCode::Parameter, "conditions take no parameters")
                    .hint("read what differs between principals from `principal.…`")
            }
            ('"' | '`' | '[', _) => {
                let close = if first == '[' { ']' } else { first };
                self.skip(|c| c != close);
                let name = self.from(one.end).to_owned();
                self.chars.next();
                error(start..self.here(), CondCode::QuotedIdentifier, "names stand without quotes")
                    .hint(["write `", &name, "` for a column, `'", &name.replace('\'', "''"), "'` for text"].concat())
            }
            ('‘' | '’' | '“' | '”' | '´', _) => {
                error(one, CondCode::UnexpectedCharacter, &format!("`{first}` is not a straight quote"))
                    .hint("text stands in single quotes: `'text'`")
            }
            (c, _) if c.is_control() => {
                let message = format!("control character U+{:04X}", u32::from(c));
                error(one, CondCode::ControlCharacter, &message).hint("remove it")
            }
            (c, _) if c.is_ascii_graphic() => {
                error(one, CondCode::UnexpectedCharacter, &format!("`{c}` means nothing in a condition"))
            }
            (c, _) => {
                let message = format!("the character U+{:04X} means nothing in a condition", u32::from(c));
                error(one, CondCode::UnexpectedCharacter, &message)
                    .hint("outside of text, conditions use letters, digits, `_`, plain blanks and operators")
            }
        }
    }
}

fn unknown_operator(span: Range<usize>, written: &str) -> CondError {
    CondError::new(span, CondCode::UnknownOperator, format!("there is no operator `{written}`"))
}
