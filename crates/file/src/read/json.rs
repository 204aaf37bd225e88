//! JSON to a tree: a small reader that keeps spans and refuses what others read differently
//! (duplicate keys, NaN, lone surrogates, trailing text).

use crate::code::FileCode;
use crate::diagnostic::Findings;
use crate::read::DEEPEST;
use crate::span::Span;
use crate::tree::{Entry, Map, Node, Tree};

/// Reads a JSON text; `None` after a syntax error, which is noted.
pub(crate) fn read(file: usize, text: &str, findings: &mut Findings) -> Option<Node> {
    let mut reader = Reader { file, text, at: 0, findings };
    if text.starts_with('\u{feff}') {
        reader.at = '\u{feff}'.len_utf8();
    }
    let node = reader.value(0).ok()?;
    reader.blanks();
    if reader.at < text.len() {
        reader.fail("there is text after the end of the document");
        return None;
    }
    Some(node)
}

/// A syntax error that was noted; nothing after it can be trusted.
struct Broken;

struct Reader<'a> {
    file: usize,
    text: &'a str,
    at: usize,
    findings: &'a mut Findings,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        if found {
            self.at += expected.len_utf8();
        }
        found
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    fn span(&self, start: usize) -> Span {
        Span::new(self.file, start..self.at)
    }

    fn fail(&mut self, message: &str) -> Broken {
        let end = self.at + self.peek().map_or(0, char::len_utf8);
        let span = Span::new(self.file, self.at..end);
        self.findings.error(FileCode::Syntax, span, ["this is not JSON: ", message].concat());
        Broken
    }

    fn value(&mut self, depth: usize) -> Result<Node, Broken> {
        self.blanks();
        if depth > DEEPEST {
            let span = self.span(self.at);
            self.findings.error(FileCode::TooLarge, span, format!("the file is nested deeper than {DEEPEST}"));
            return Err(Broken);
        }
        let start = self.at;
        let value = match self.peek() {
            Some('{') => self.object(depth)?,
            Some('[') => self.array(depth)?,
            Some('"') => Tree::Text(self.string()?),
            Some('-' | '0'..='9') => self.number()?,
            _ => self.word()?,
        };
        Ok(Node { span: self.span(start), value })
    }

    fn word(&mut self) -> Result<Tree, Broken> {
        for (word, value) in [("true", Tree::Bool(true)), ("false", Tree::Bool(false)), ("null", Tree::Null)] {
            if self.rest().starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.fail("expected a value"))
    }

    fn object(&mut self, depth: usize) -> Result<Tree, Broken> {
        self.at += 1;
        let mut map = Map::default();
        self.blanks();
        if self.take('}') {
            return Ok(Tree::Map(map));
        }
        loop {
            self.blanks();
            let start = self.at;
            if self.peek() != Some('"') {
                return Err(self.fail("expected a key in double quotes"));
            }
            let key = self.string()?;
            let key_span = self.span(start);
            self.blanks();
            if !self.take(':') {
                return Err(self.fail("expected `:`"));
            }
            let node = self.value(depth + 1)?;
            if let Some(first) = map.get(&key) {
                let first = first.key_span;
                self.findings
                    .error(FileCode::DuplicateKey, key_span, format!("`{key}` is defined twice"))
                    .label(first, "first defined here");
            }
            map.insert(Entry { key, key_span, node });
            self.blanks();
            if self.take('}') {
                return Ok(Tree::Map(map));
            }
            if !self.take(',') {
                return Err(self.fail("expected `,` or `}`"));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Tree, Broken> {
        self.at += 1;
        let mut items = Vec::new();
        self.blanks();
        if self.take(']') {
            return Ok(Tree::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.blanks();
            if self.take(']') {
                return Ok(Tree::List(items));
            }
            if !self.take(',') {
                return Err(self.fail("expected `,` or `]`"));
            }
        }
    }

    fn string(&mut self) -> Result<String, Broken> {
        self.at += 1;
        let mut out = String::new();
        loop {
            match self.peek() {
                None => return Err(self.fail("the text never ends")),
                Some('"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some('\\') => out.push(self.escape()?),
                Some(c) if u32::from(c) < 0x20 => return Err(self.fail("a control character inside text")),
                Some(c) => {
                    out.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, Broken> {
        self.at += 1;
        let simple = match self.peek() {
            Some(c @ ('"' | '\\' | '/')) => Some(c),
            Some('b') => Some('\u{8}'),
            Some('f') => Some('\u{c}'),
            Some('n') => Some('\n'),
            Some('r') => Some('\r'),
            Some('t') => Some('\t'),
            Some('u') => None,
            _ => return Err(self.fail("an unknown escape")),
        };
        self.at += 1;
        if let Some(c) = simple {
            return Ok(c);
        }
        let unit = self.hex()?;
        let code = match unit {
            0xD800..=0xDBFF => {
                if !self.rest().starts_with("\\u") {
                    return Err(self.fail("half of a surrogate pair"));
                }
                self.at += 2;
                match self.hex()? {
                    low @ 0xDC00..=0xDFFF => 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00),
                    _ => return Err(self.fail("half of a surrogate pair")),
                }
            }
            unit => unit,
        };
        char::from_u32(code).ok_or_else(|| self.fail("half of a surrogate pair"))
    }

    fn hex(&mut self) -> Result<u32, Broken> {
        let digits = self.rest().get(..4).filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
            Some(unit) => {
                self.at += 4;
                Ok(unit)
            }
            None => Err(self.fail("expected four hexadecimal digits")),
        }
    }

    fn number(&mut self) -> Result<Tree, Broken> {
        let start = self.at;
        self.take('-');
        if self.take('0') {
            if matches!(self.peek(), Some('0'..='9')) {
                return Err(self.fail("a number with a leading zero"));
            }
        } else {
            self.digits()?;
        }
        let mut whole = true;
        if self.take('.') {
            whole = false;
            self.digits()?;
        }
        if self.take('e') || self.take('E') {
            whole = false;
            let _ = self.take('+') || self.take('-');
            self.digits()?;
        }
        let text = self.text.get(start..self.at).unwrap_or("0").to_owned();
        if !whole {
            if text.parse::<f64>().is_ok_and(f64::is_finite) {
                return Ok(Tree::Number(text));
            }
        } else if let Ok(number) = text.parse() {
            return Ok(Tree::Int(number));
        }
        let span = self.span(start);
        self.findings.error(FileCode::Syntax, span, "the number is outside the range that can be kept");
        Err(Broken)
    }

    fn digits(&mut self) -> Result<(), Broken> {
        let rest = self.rest();
        let count = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if count == 0 {
            return Err(self.fail("expected a digit"));
        }
        self.at += count;
        Ok(())
    }
}
