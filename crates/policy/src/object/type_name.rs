//! The name of a type among a routine's arguments.

use std::fmt;

use super::spell::{Misspelling, quote_name};

/// A type by its name in the catalog: `integer` is `pg_catalog.int4`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeName {
    /// Its schema.
    pub schema: String,
    /// Its name in `pg_type`; the element's for an array.
    pub name: String,
    /// Is it an array of that? PostgreSQL does not tell dimensions apart.
    pub array: bool,
}

/// How SQL spells some types, and how the catalog does. The first spelling of each is the one shown.
const SPELLINGS: &[(&str, &str)] = &[
    ("integer", "int4"),
    ("int", "int4"),
    ("bigint", "int8"),
    ("smallint", "int2"),
    ("boolean", "bool"),
    ("real", "float4"),
    ("double precision", "float8"),
    ("float", "float8"),
    ("decimal", "numeric"),
    ("dec", "numeric"),
    ("character varying", "varchar"),
    ("char varying", "varchar"),
    ("character", "bpchar"),
    ("char", "bpchar"),
    ("bit varying", "varbit"),
    ("timestamp with time zone", "timestamptz"),
    ("timestamp without time zone", "timestamp"),
    ("time with time zone", "timetz"),
    ("time without time zone", "time"),
];

impl TypeName {
    /// A type of the catalog's own schema, by its spelling in SQL.
    pub(super) fn builtin(words: &str, array: bool) -> TypeName {
        let known = SPELLINGS.iter().find(|(spelling, _)| *spelling == words);
        let name = known.map_or(words, |(_, name)| name).to_owned();
        TypeName { schema: "pg_catalog".to_owned(), name, array }
    }

    /// Is this one of the spellings of several words?
    pub(super) fn is_spelling(words: &str) -> bool {
        SPELLINGS.iter().any(|(spelling, _)| *spelling == words)
    }

    /// Reads a spelling: `integer`, `text[]`, `timestamp with time zone`, `public.mood`. Without a schema it
    /// is a type of PostgreSQL's own.
    ///
    /// # Errors
    /// [`Misspelling`].
    pub fn parse(text: &str) -> Result<TypeName, Misspelling> {
        super::spell::type_name(text)
    }
}

impl fmt::Display for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.schema == "pg_catalog" {
            let known = SPELLINGS.iter().find(|(_, name)| *name == self.name && self.name != "numeric");
            match known {
                Some((spelling, _)) => f.write_str(spelling)?,
                // `char` in quotes is another type than the word.
                None if TypeName::is_spelling(&self.name) => write!(f, "\"{}\"", self.name)?,
                None => f.write_str(&quote_name(&self.name))?,
            }
        } else {
            write!(f, "{}.{}", quote_name(&self.schema), quote_name(&self.name))?;
        }
        f.write_str(if self.array { "[]" } else { "" })
    }
}
