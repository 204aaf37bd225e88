//! Things in a PostgreSQL cluster that somebody may hold rights on, and how the file spells them.
//!
//! | spelling | what |
//! | --- | --- |
//! | `public.orders`, `table public.orders` | a table, view, materialized view, partitioned or foreign table |
//! | `public.orders(id, status)` | columns of one |
//! | `sequence public.orders_id_seq` | a sequence |
//! | `function public.total(integer, text)` | a function, procedure or aggregate, with the types of its arguments |
//! | `schema public`, `database app`, `tablespace fast` | |
//! | `type public.mood` | a type or domain |
//! | `language plpgsql`, `server reports`, `fdw postgres_fdw` | |
//! | `large object 16403`, `parameter work_mem` | |
//! | `all tables in schema public` | each of them (`tables`, `sequences`, `functions`) |
//!
//! Names are exact and never folded: `public.Orders` is the table that SQL calls `public."Orders"`. A name that
//! holds a blank, a dot, a comma, a parenthesis or a quote stands in double quotes, inner ones doubled.

mod privilege;
mod spell;
mod type_name;

use std::fmt;

pub use privilege::{Privilege, Right};
pub use spell::{Misspelling, parse_right, quote_name};
pub use type_name::TypeName;

/// One thing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Object {
    /// A database of the cluster.
    Database(String),
    /// A schema.
    Schema(String),
    /// A table, view, materialized view, partitioned or foreign table.
    Table {
        /// Its schema.
        schema: String,
        /// Its name.
        name: String,
    },
    /// A column of one.
    Column {
        /// The table's schema.
        schema: String,
        /// The table.
        table: String,
        /// Its name.
        name: String,
    },
    /// A sequence.
    Sequence {
        /// Its schema.
        schema: String,
        /// Its name.
        name: String,
    },
    /// A function, procedure or aggregate.
    Routine {
        /// Its schema.
        schema: String,
        /// Its name.
        name: String,
        /// The types of its input arguments.
        arguments: Vec<TypeName>,
    },
    /// A type or domain.
    Type {
        /// Its schema.
        schema: String,
        /// Its name.
        name: String,
    },
    /// A procedural language.
    Language(String),
    /// A foreign-data wrapper.
    Wrapper(String),
    /// A foreign server.
    Server(String),
    /// A large object.
    LargeObject(u32),
    /// A configuration parameter.
    Parameter(String),
    /// A tablespace.
    Tablespace(String),
}

/// A kind of thing, as far as rights go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// See [`Object::Database`].
    Database,
    /// See [`Object::Schema`].
    Schema,
    /// See [`Object::Table`].
    Table,
    /// See [`Object::Column`].
    Column,
    /// See [`Object::Sequence`].
    Sequence,
    /// See [`Object::Routine`].
    Routine,
    /// See [`Object::Type`].
    Type,
    /// See [`Object::Language`].
    Language,
    /// See [`Object::Wrapper`].
    Wrapper,
    /// See [`Object::Server`].
    Server,
    /// See [`Object::LargeObject`].
    LargeObject,
    /// See [`Object::Parameter`].
    Parameter,
    /// See [`Object::Tablespace`].
    Tablespace,
}

impl ObjectKind {
    /// Every kind.
    pub const ALL: [ObjectKind; 13] = [
        ObjectKind::Database,
        ObjectKind::Schema,
        ObjectKind::Table,
        ObjectKind::Column,
        ObjectKind::Sequence,
        ObjectKind::Routine,
        ObjectKind::Type,
        ObjectKind::Language,
        ObjectKind::Wrapper,
        ObjectKind::Server,
        ObjectKind::LargeObject,
        ObjectKind::Parameter,
        ObjectKind::Tablespace,
    ];

    /// The word for people, which the spelling begins with too (but for columns).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ObjectKind::Database => "database",
            ObjectKind::Schema => "schema",
            ObjectKind::Table => "table",
            ObjectKind::Column => "column",
            ObjectKind::Sequence => "sequence",
            ObjectKind::Routine => "function",
            ObjectKind::Type => "type",
            ObjectKind::Language => "language",
            ObjectKind::Wrapper => "fdw",
            ObjectKind::Server => "server",
            ObjectKind::LargeObject => "large object",
            ObjectKind::Parameter => "parameter",
            ObjectKind::Tablespace => "tablespace",
        }
    }

    /// The rights that exist on it, in PostgreSQL's order. `MAINTAIN` exists from version 17 on.
    #[must_use]
    pub fn privileges(self) -> &'static [Privilege] {
        use Privilege::{
            AlterSystem, Connect, Create, Delete, Execute, Insert, Maintain, References, Select, Set, Temporary,
            Trigger, Truncate, Update, Usage,
        };
        match self {
            ObjectKind::Database => &[Create, Temporary, Connect],
            ObjectKind::Schema => &[Usage, Create],
            ObjectKind::Table => &[Select, Insert, Update, Delete, Truncate, References, Trigger, Maintain],
            ObjectKind::Column => &[Select, Insert, Update, References],
            ObjectKind::Sequence => &[Usage, Select, Update],
            ObjectKind::Routine => &[Execute],
            ObjectKind::Type | ObjectKind::Language | ObjectKind::Wrapper | ObjectKind::Server => &[Usage],
            ObjectKind::LargeObject => &[Select, Update],
            ObjectKind::Parameter => &[Set, AlterSystem],
            ObjectKind::Tablespace => &[Create],
        }
    }
}

impl Object {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> ObjectKind {
        match self {
            Object::Database(_) => ObjectKind::Database,
            Object::Schema(_) => ObjectKind::Schema,
            Object::Table { .. } => ObjectKind::Table,
            Object::Column { .. } => ObjectKind::Column,
            Object::Sequence { .. } => ObjectKind::Sequence,
            Object::Routine { .. } => ObjectKind::Routine,
            Object::Type { .. } => ObjectKind::Type,
            Object::Language(_) => ObjectKind::Language,
            Object::Wrapper(_) => ObjectKind::Wrapper,
            Object::Server(_) => ObjectKind::Server,
            Object::LargeObject(_) => ObjectKind::LargeObject,
            Object::Parameter(_) => ObjectKind::Parameter,
            Object::Tablespace(_) => ObjectKind::Tablespace,
        }
    }

    /// The schema that it lives in.
    #[must_use]
    pub fn schema(&self) -> Option<&str> {
        match self {
            Object::Table { schema, .. }
            | Object::Column { schema, .. }
            | Object::Sequence { schema, .. }
            | Object::Routine { schema, .. }
            | Object::Type { schema, .. } => Some(schema),
            _ => None,
        }
    }

    /// A column's table.
    #[must_use]
    pub fn table_of_column(&self) -> Option<Object> {
        match self {
            Object::Column { schema, table, .. } => Some(Object::Table { schema: schema.clone(), name: table.clone() }),
            _ => None,
        }
    }

    /// Does the whole cluster share it, so that other databases see it as well?
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self, Object::Database(_) | Object::Parameter(_) | Object::Tablespace(_))
    }

    /// Reads the spelling of one thing.
    ///
    /// # Errors
    /// [`Misspelling`], also for a spelling that means several.
    pub fn parse(text: &str) -> Result<Object, Misspelling> {
        match Objects::parse(text)? {
            Objects::One(object) => Ok(object),
            Objects::Columns { .. } | Objects::All { .. } => Err(Misspelling::Several),
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pair = |f: &mut fmt::Formatter<'_>, schema: &str, name: &str| {
            write!(f, "{}.{}", quote_name(schema), quote_name(name))
        };
        match self {
            Object::Table { schema, name } => return pair(f, schema, name),
            Object::Column { schema, table, name } => {
                pair(f, schema, table)?;
                return write!(f, "({})", quote_name(name));
            }
            _ => write!(f, "{} ", self.kind().name())?,
        }
        match self {
            Object::Table { schema, name } | Object::Column { schema, name, .. } => pair(f, schema, name),
            Object::Sequence { schema, name } | Object::Type { schema, name } => pair(f, schema, name),
            Object::Routine { schema, name, arguments } => {
                pair(f, schema, name)?;
                f.write_str("(")?;
                for (at, argument) in arguments.iter().enumerate() {
                    write!(f, "{}{argument}", if at > 0 { ", " } else { "" })?;
                }
                f.write_str(")")
            }
            Object::LargeObject(number) => write!(f, "{number}"),
            // Holds dots of its own: `tenantry.tenant_id`.
            Object::Parameter(name) => f.write_str(name),
            Object::Database(name)
            | Object::Schema(name)
            | Object::Language(name)
            | Object::Wrapper(name)
            | Object::Server(name)
            | Object::Tablespace(name) => f.write_str(&quote_name(name)),
        }
    }
}

/// What a key of `grants` names: a thing, columns, or everything of a kind in a schema.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Objects {
    /// One thing.
    One(Object),
    /// Columns of one table.
    Columns {
        /// The table's schema.
        schema: String,
        /// The table.
        table: String,
        /// The columns, in the file's order.
        columns: Vec<String>,
    },
    /// Everything of a kind that is in a schema.
    All {
        /// Tables, sequences or routines.
        kind: ObjectKind,
        /// The schema.
        schema: String,
    },
}

impl Objects {
    /// Reads a spelling.
    ///
    /// # Errors
    /// [`Misspelling`].
    pub fn parse(text: &str) -> Result<Objects, Misspelling> {
        spell::objects(text)
    }

    /// The kind of thing that the rights are on.
    #[must_use]
    pub fn kind(&self) -> ObjectKind {
        match self {
            Objects::One(object) => object.kind(),
            Objects::Columns { .. } => ObjectKind::Column,
            Objects::All { kind, .. } => *kind,
        }
    }
}

/// What a key of `default_privileges` names: what one role will make.
///
/// `tables by migrator`, `tables in schema public by migrator`; kinds are `tables`, `sequences`, `functions`, `types`,
/// `schemas`, `large objects`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Future {
    /// Tables, sequences, routines, types, schemas or large objects.
    pub kind: ObjectKind,
    /// In which schema; `None` for all.
    pub schema: Option<String>,
    /// Who makes them.
    pub owner: String,
}

impl Future {
    /// Reads a spelling.
    ///
    /// # Errors
    /// [`Misspelling`].
    pub fn parse(text: &str) -> Result<Future, Misspelling> {
        spell::future(text)
    }

    /// The word for several of a kind; `None` for kinds without default privileges.
    #[must_use]
    pub fn word(kind: ObjectKind) -> Option<&'static str> {
        match kind {
            ObjectKind::Table => Some("tables"),
            ObjectKind::Sequence => Some("sequences"),
            ObjectKind::Routine => Some("functions"),
            ObjectKind::Type => Some("types"),
            ObjectKind::Schema => Some("schemas"),
            ObjectKind::LargeObject => Some("large objects"),
            _ => None,
        }
    }
}

impl fmt::Display for Future {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Future::word(self.kind).unwrap_or_else(|| self.kind.name()))?;
        if let Some(schema) = &self.schema {
            write!(f, " in schema {}", quote_name(schema))?;
        }
        write!(f, " by {}", quote_name(&self.owner))
    }
}
