//! Reads how the file spells things of a cluster.

use std::borrow::Cow;
use std::iter::Peekable;
use std::str::Chars;

use super::privilege::{Privilege, Right};
use super::type_name::TypeName;
use super::{Future, Object, ObjectKind, Objects};

/// A spelling that names nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misspelling {
    /// There is nothing, or nothing where a name must be.
    #[error("a name is missing")]
    Empty,
    /// A double quote has no other.
    #[error("a double quote is not closed")]
    Unclosed,
    /// A name is longer than PostgreSQL keeps, which would cut it off silently, or holds a NUL.
    #[error("a name has more than 63 bytes, or holds a control character")]
    BadName,
    /// Something follows, or stands where it cannot.
    #[error("`{0}` does not belong here")]
    Unexpected(String),
    /// The schema is missing.
    #[error("the schema is missing")]
    NoSchema,
    /// The arguments of a function are missing.
    #[error("the types of the function's arguments are missing")]
    NoArguments,
    /// Not a number.
    #[error("a large object is named by its number")]
    NotANumber,
    /// Several things where one must be named.
    #[error("this names several things")]
    Several,
    /// Not what one role will make.
    #[error("this does not say what is made, and by whom")]
    NoFuture,
    /// A word that is no privilege.
    #[error("this is no privilege")]
    NoPrivilege,
}

impl Misspelling {
    /// What to write instead.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Misspelling::Empty | Misspelling::Unexpected(_) => {
                "write `public.orders`, `public.orders(id, status)`, `schema public`, `sequence public.s`, \
                 `function public.f(integer)`, `database app`, `all tables in schema public`, `type public.t`, \
                 `language l`, `server s`, `fdw w`, `large object 123`, `parameter p` or `tablespace t`"
            }
            Misspelling::Unclosed => "inside a quoted name, a double quote is written twice",
            Misspelling::BadName => "PostgreSQL keeps 63 bytes of a name",
            Misspelling::NoSchema => "write it with its schema: `public.orders`",
            Misspelling::NoArguments => "write `function public.f(integer, text)`, or `function public.f()`",
            Misspelling::NotANumber => "write `large object 16403`",
            Misspelling::NoFuture => {
                "write `tables in schema public by migrator`, or `tables by migrator`; kinds are `tables`, \
                 `sequences`, `functions`, `types`, `schemas` and (PostgreSQL 18) `large objects`"
            }
            Misspelling::Several => "name one thing here",
            Misspelling::NoPrivilege => "write a privilege, or `ALL`, and `WITH GRANT OPTION` behind it where meant",
        }
    }
}

/// A name as a spelling holds it: in double quotes where it must be.
#[must_use]
pub fn quote_name(name: &str) -> Cow<'_, str> {
    if !name.is_empty() && name.chars().all(is_plain) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(["\"", &name.replace('"', "\"\""), "\""].concat())
}

fn is_plain(c: char) -> bool {
    !c.is_whitespace() && !c.is_control() && !matches!(c, '.' | ',' | '(' | ')' | '"' | '[' | ']')
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// Without quotes.
    Word(String),
    Quoted(String),
    Mark(char),
}

impl Token {
    fn shown(self) -> String {
        match self {
            Token::Word(word) | Token::Quoted(word) => word,
            Token::Mark(mark) => mark.to_string(),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, Misspelling> {
    let mut out = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => {}
            '"' => out.push(Token::Quoted(quoted(&mut chars)?)),
            '.' | ',' | '(' | ')' | '[' | ']' => out.push(Token::Mark(c)),
            c => {
                let mut word = String::from(c);
                while let Some(next) = chars.next_if(|next| is_plain(*next)) {
                    word.push(next);
                }
                out.push(Token::Word(word));
            }
        }
    }
    Ok(out)
}

fn quoted(chars: &mut Peekable<Chars<'_>>) -> Result<String, Misspelling> {
    let mut name = String::new();
    loop {
        match chars.next() {
            None => return Err(Misspelling::Unclosed),
            Some('"') if chars.next_if_eq(&'"').is_some() => name.push('"'),
            Some('"') => return Ok(name),
            Some(c) => name.push(c),
        }
    }
}

struct Reader {
    tokens: Peekable<std::vec::IntoIter<Token>>,
}

impl Reader {
    fn of(text: &str) -> Result<Reader, Misspelling> {
        Ok(Reader { tokens: tokens(text)?.into_iter().peekable() })
    }

    fn word_is(&mut self, word: &str) -> bool {
        self.tokens.next_if(|token| matches!(token, Token::Word(found) if found == word)).is_some()
    }

    fn mark(&mut self, mark: char) -> bool {
        self.tokens.next_if_eq(&Token::Mark(mark)).is_some()
    }

    fn expect(&mut self, mark: char, otherwise: Misspelling) -> Result<(), Misspelling> {
        if self.mark(mark) {
            return Ok(());
        }
        match self.tokens.next() {
            None => Err(otherwise),
            Some(token) => Err(Misspelling::Unexpected(token.shown())),
        }
    }

    fn name(&mut self) -> Result<String, Misspelling> {
        match self.tokens.next() {
            Some(Token::Word(name) | Token::Quoted(name)) => fit(name),
            Some(Token::Mark(mark)) => Err(Misspelling::Unexpected(mark.to_string())),
            None => Err(Misspelling::Empty),
        }
    }

    fn pair(&mut self) -> Result<(String, String), Misspelling> {
        let schema = self.name()?;
        self.expect('.', Misspelling::NoSchema)?;
        Ok((schema, self.name()?))
    }

    fn end<T>(mut self, value: T) -> Result<T, Misspelling> {
        match self.tokens.next() {
            None => Ok(value),
            Some(token) => Err(Misspelling::Unexpected(token.shown())),
        }
    }

    fn names(&mut self) -> Result<Vec<String>, Misspelling> {
        let mut names = vec![self.name()?];
        while self.mark(',') {
            names.push(self.name()?);
        }
        self.expect(')', Misspelling::Unclosed)?;
        Ok(names)
    }

    fn arguments(&mut self) -> Result<Vec<TypeName>, Misspelling> {
        let mut arguments = Vec::new();
        if self.mark(')') {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.type_name()?);
            if !self.mark(',') {
                break;
            }
        }
        self.expect(')', Misspelling::NoArguments)?;
        Ok(arguments)
    }

    fn type_name(&mut self) -> Result<TypeName, Misspelling> {
        let is_word = matches!(self.tokens.peek(), Some(Token::Word(_)));
        let first = self.name()?;
        let mut found = if self.mark('.') {
            TypeName { schema: first, name: self.name()?, array: false }
        } else if is_word {
            let mut words = first;
            while let Some(Token::Word(more)) = self.tokens.next_if(|token| matches!(token, Token::Word(_))) {
                words = [&words, " ", &more].concat();
            }
            if words.contains(' ') && !TypeName::is_spelling(&words) {
                return Err(Misspelling::Unexpected(words));
            }
            TypeName::builtin(&words, false)
        } else {
            TypeName { schema: "pg_catalog".to_owned(), name: first, array: false }
        };
        while self.mark('[') {
            self.expect(']', Misspelling::Empty)?;
            found.array = true;
        }
        Ok(found)
    }
}

fn fit(name: String) -> Result<String, Misspelling> {
    if name.is_empty() {
        return Err(Misspelling::Empty);
    }
    if name.len() > 63 || name.chars().any(char::is_control) {
        return Err(Misspelling::BadName);
    }
    Ok(name)
}

/// Reads a type's spelling.
pub(super) fn type_name(text: &str) -> Result<TypeName, Misspelling> {
    let mut reader = Reader::of(text)?;
    let found = reader.type_name()?;
    reader.end(found)
}

/// Reads a key of `grants`.
pub(super) fn objects(text: &str) -> Result<Objects, Misspelling> {
    let mut reader = Reader::of(text)?;
    // A word is one of a kind only where a name follows; `schema.orders` is a table of a schema of that name.
    let kind = {
        let mut ahead = reader.tokens.clone();
        let first = ahead.next();
        match (first, ahead.next()) {
            (Some(Token::Word(word)), Some(Token::Word(_) | Token::Quoted(_))) => {
                reader.tokens.next();
                Some(word)
            }
            _ => None,
        }
    };
    let one = |reader: Reader, object| reader.end(Objects::One(object));
    match kind.as_deref() {
        None | Some("table" | "view") => table(reader),
        Some("all") => {
            let what = reader.name()?;
            let kind = match what.as_str() {
                "tables" => ObjectKind::Table,
                "sequences" => ObjectKind::Sequence,
                "functions" | "routines" | "procedures" => ObjectKind::Routine,
                _ => return Err(Misspelling::Unexpected(what)),
            };
            if !(reader.word_is("in") && reader.word_is("schema")) {
                return Err(Misspelling::Unexpected(what));
            }
            let schema = reader.name()?;
            reader.end(Objects::All { kind, schema })
        }
        Some("sequence") => {
            let (schema, name) = reader.pair()?;
            one(reader, Object::Sequence { schema, name })
        }
        Some("type" | "domain") => {
            let (schema, name) = reader.pair()?;
            one(reader, Object::Type { schema, name })
        }
        Some("function" | "procedure" | "routine" | "aggregate") => {
            let (schema, name) = reader.pair()?;
            reader.expect('(', Misspelling::NoArguments)?;
            let arguments = reader.arguments()?;
            one(reader, Object::Routine { schema, name, arguments })
        }
        Some("large") => {
            if !reader.word_is("object") {
                return Err(Misspelling::Unexpected("large".to_owned()));
            }
            let number = reader.name()?.parse().map_err(|_| Misspelling::NotANumber)?;
            one(reader, Object::LargeObject(number))
        }
        Some("parameter") => {
            let mut name = reader.name()?;
            while reader.mark('.') {
                name = [&name, ".", &reader.name()?].concat();
            }
            // Parameters are the one kind that PostgreSQL itself folds.
            one(reader, Object::Parameter(name.to_ascii_lowercase()))
        }
        Some(word) => {
            let make: fn(String) -> Object = match word {
                "database" => Object::Database,
                "schema" => Object::Schema,
                "language" => Object::Language,
                "server" => Object::Server,
                "fdw" => Object::Wrapper,
                "tablespace" => Object::Tablespace,
                _ => return Err(Misspelling::Unexpected(word.to_owned())),
            };
            let name = reader.name()?;
            one(reader, make(name))
        }
    }
}

fn table(mut reader: Reader) -> Result<Objects, Misspelling> {
    let (schema, name) = reader.pair()?;
    if reader.mark('(') {
        let mut columns = reader.names()?;
        if columns.len() == 1 {
            let column = columns.remove(0);
            return reader.end(Objects::One(Object::Column { schema, table: name, name: column }));
        }
        return reader.end(Objects::Columns { schema, table: name, columns });
    }
    reader.end(Objects::One(Object::Table { schema, name }))
}

/// Reads a key of `default_privileges`.
pub(super) fn future(text: &str) -> Result<Future, Misspelling> {
    let mut reader = Reader::of(text)?;
    let what = reader.name()?;
    let kind = match what.as_str() {
        "tables" => ObjectKind::Table,
        "sequences" => ObjectKind::Sequence,
        "functions" | "routines" => ObjectKind::Routine,
        "types" => ObjectKind::Type,
        "schemas" => ObjectKind::Schema,
        "large" if reader.word_is("objects") => ObjectKind::LargeObject,
        _ => return Err(Misspelling::NoFuture),
    };
    let mut schema = None;
    if reader.word_is("in") {
        if !reader.word_is("schema") || matches!(kind, ObjectKind::Schema | ObjectKind::LargeObject) {
            return Err(Misspelling::NoFuture);
        }
        schema = Some(reader.name()?);
    }
    if !reader.word_is("by") {
        return Err(Misspelling::NoFuture);
    }
    let owner = reader.name()?;
    reader.end(Future { kind, schema, owner })
}

/// Reads a right: `SELECT`, `ALL`, `SELECT WITH GRANT OPTION`, in any case.
///
/// # Errors
/// [`Misspelling::NoPrivilege`].
pub fn parse_right(text: &str) -> Result<Right, Misspelling> {
    let words: Vec<String> = text.split_whitespace().map(str::to_ascii_uppercase).collect();
    let words = words.join(" ");
    let (name, grantable) = match words.strip_suffix(" WITH GRANT OPTION") {
        Some(name) => (name, true),
        None => (words.as_str(), false),
    };
    if matches!(name, "ALL" | "ALL PRIVILEGES") {
        return Ok(Right { privilege: None, grantable });
    }
    let privilege = Privilege::parse(name).ok_or(Misspelling::NoPrivilege)?;
    Ok(Right { privilege: Some(privilege), grantable })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_read_and_written_back() {
        for (text, back) in [
            ("public.orders", "public.orders"),
            ("table public.orders", "public.orders"),
            ("schema.orders", "schema.orders"),
            ("\"a b\".\"x\"\"y.z\"", "\"a b\".\"x\"\"y.z\""),
            ("public.Ördnung", "public.Ördnung"),
            ("public.orders(id)", "public.orders(id)"),
            ("sequence public.s", "sequence public.s"),
            ("function public.f()", "function public.f()"),
            (
                "procedure public.f(int, public.mood[] , timestamp with time zone)",
                "function public.f(integer, public.mood[], timestamp with time zone)",
            ),
            (
                "function public.f(\"char\", char, numeric, decimal[])",
                "function public.f(\"char\", character, numeric, numeric[])",
            ),
            ("domain public.email", "type public.email"),
            ("database \"my app\"", "database \"my app\""),
            ("schema public", "schema public"),
            ("schema schema", "schema schema"),
            ("large object 123", "large object 123"),
            ("parameter Tenantry.Tenant_id", "parameter tenantry.tenant_id"),
            ("fdw w", "fdw w"),
            ("server s", "server s"),
            ("language plpgsql", "language plpgsql"),
            ("tablespace t", "tablespace t"),
        ] {
            let object = Object::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(object.to_string(), back, "{text}");
            assert_eq!(Object::parse(back).unwrap(), object, "{text}");
        }
        assert_eq!(
            Objects::parse("public.orders(id, \"the status\")").unwrap(),
            Objects::Columns {
                schema: "public".to_owned(),
                table: "orders".to_owned(),
                columns: vec!["id".to_owned(), "the status".to_owned()]
            }
        );
        assert_eq!(
            Objects::parse("all tables in schema \"a b\"").unwrap(),
            Objects::All { kind: ObjectKind::Table, schema: "a b".to_owned() }
        );
    }

    #[test]
    fn what_names_nothing_is_told() {
        let long = format!("public.{}", "x".repeat(64));
        for (text, wanted) in [
            ("", Misspelling::Empty),
            ("orders", Misspelling::NoSchema),
            ("public.", Misspelling::Empty),
            ("public.\"orders", Misspelling::Unclosed),
            ("public.orders(", Misspelling::Empty),
            ("public.orders(id", Misspelling::Unclosed),
            ("public.orders; DROP TABLE x", Misspelling::Unexpected("DROP".to_owned())),
            ("function public.f", Misspelling::NoArguments),
            ("function public.f(no such words)", Misspelling::Unexpected("no such words".to_owned())),
            ("large object x", Misspelling::NotANumber),
            ("window public.x", Misspelling::Unexpected("window".to_owned())),
            ("all tables in public", Misspelling::Unexpected("tables".to_owned())),
            (long.as_str(), Misspelling::BadName),
            ("a.b.c", Misspelling::Unexpected(".".to_owned())),
        ] {
            assert_eq!(Objects::parse(text), Err(wanted), "{text}");
        }
    }

    #[test]
    fn what_will_be_made_is_read() {
        for text in ["tables by migrator", "sequences in schema \"a b\" by \"o.w\"", "schemas by x"] {
            assert_eq!(Future::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "tables", "views by x", "schemas in schema a by x", "tables in public by x", "tables by x y"] {
            assert!(Future::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rights_are_read() {
        let right = |privilege, grantable| Ok(Right { privilege, grantable });
        assert_eq!(parse_right("select"), right(Some(Privilege::Select), false));
        assert_eq!(parse_right("ALTER  SYSTEM with grant option"), right(Some(Privilege::AlterSystem), true));
        assert_eq!(parse_right("ALL PRIVILEGES"), right(None, false));
        assert_eq!(parse_right("temp"), right(Some(Privilege::Temporary), false));
        assert_eq!(parse_right("SELECT; DROP"), Err(Misspelling::NoPrivilege));
    }
}
