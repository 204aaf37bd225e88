//! What a PostgreSQL database says of who may see which rows: roles, tables and views, policies of row
//! security, functions. Read by the source room, judged by the prover; nobody needs to have written any of
//! it with Tenantry.

use crate::value::Type;

/// Everything that decides who sees what, as one snapshot.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// The role that read it.
    pub reader: String,
    /// May any role that is no superuser make temporary tables?
    pub temporary: bool,
    /// Every role, without those whose names begin with `pg_`.
    pub roles: Vec<DbRole>,
    /// Schemas outside of the system.
    pub schemas: Vec<DbSchema>,
    /// Tables, partitions, views, foreign tables; ordered by schema and name.
    pub relations: Vec<Relation>,
    /// Functions outside of the system and of extensions.
    pub functions: Vec<Function>,
    /// Operators outside of the system and of extensions, by name: a body that is read as it was written may mean them.
    pub operators: Vec<String>,
}

/// A role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DbRole {
    /// Its name.
    pub name: String,
    /// SUPERUSER: beyond everything.
    pub superuser: bool,
    /// BYPASSRLS: beyond row security.
    pub bypasses: bool,
    /// LOGIN.
    pub login: bool,
    /// REPLICATION: it may copy everything.
    pub replicates: bool,
    /// CREATEROLE: it may make itself a member of others.
    pub creates_roles: bool,
    /// Roles whose rights it has as it stands, itself among them. Empty for a superuser.
    pub acts_as: Vec<String>,
    /// Roles that it is a member of or may make itself one of, itself among them: it may become them by SET ROLE.
    /// Empty for a superuser.
    pub member_of: Vec<String>,
}

/// A schema.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DbSchema {
    /// Its name.
    pub name: String,
    /// Its owner.
    pub owner: String,
    /// Who may use it; `PUBLIC` for everybody.
    pub used_by: Vec<String>,
}

/// What a relation is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RelationKind {
    /// A table, a partition among them.
    #[default]
    Table,
    /// A partitioned table.
    Partitioned,
    /// A view.
    View,
    /// A materialized view.
    Materialized,
    /// A foreign table.
    Foreign,
}

/// A table or a view.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Relation {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: RelationKind,
    /// Its owner.
    pub owner: String,
    /// Is row security enabled?
    pub secured: bool,
    /// Is it forced on the owner?
    pub forced: bool,
    /// Is it a partition or an heir, and of what: schema and name.
    pub parent: Option<(String, String)>,
    /// Has it triggers that people made, or rules?
    pub triggers: bool,
    /// Functions of its triggers, by schema and name.
    pub fires: Vec<(String, String)>,
    /// Has it rules, beyond what makes a view a view?
    pub rules: bool,
    /// A view: WITH CHECK OPTION.
    pub checked: bool,
    /// Has it heirs (INHERITS)? Their rows are among its own, and keep to few of its constraints.
    pub heirs: bool,
    /// A view: can rows be written through it?
    pub writable: bool,
    /// About how many rows it holds; `None` when nobody counted.
    pub rows: Option<i64>,
    /// A view's query, as the server writes it.
    pub definition: Option<String>,
    /// A view: does it run with its caller's rights?
    pub invoker: bool,
    /// Its columns.
    pub columns: Vec<DbColumn>,
    /// Unique keys over whole tables, by position; the primary key first, where there is one.
    pub keys: Vec<Vec<usize>>,
    /// Foreign keys.
    pub foreign_keys: Vec<DbForeignKey>,
    /// CHECK constraints.
    pub checks: Vec<DbCheck>,
    /// Policies of row security, by name.
    pub policies: Vec<DbPolicy>,
    /// Privileges.
    pub grants: Vec<DbGrant>,
}

impl Relation {
    /// The position of a column by its exact name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// `orders`, or `sales.orders` outside of `public`.
    #[must_use]
    pub fn title(&self) -> String {
        if self.schema == "public" { self.name.clone() } else { [&self.schema, ".", &self.name].concat() }
    }

    /// Does it hold rows of its own?
    #[must_use]
    pub fn is_table(&self) -> bool {
        matches!(self.kind, RelationKind::Table | RelationKind::Partitioned)
    }
}

/// A column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DbColumn {
    /// Its name.
    pub name: String,
    /// Its meaning; `None` for types that conditions are not understood on.
    pub ty: Option<Type>,
    /// The database's name for its type, quoted where need be: `character varying(20)`.
    pub native: String,
    /// May it be NULL?
    pub nullable: bool,
    /// Does the database fill it when an insert leaves it out?
    pub has_default: bool,
    /// GENERATED ALWAYS AS: never written.
    pub generated: bool,
    /// The labels of an enum type.
    pub labels: Vec<String>,
    /// The longest text that it takes, in characters.
    pub longest: Option<usize>,
    /// A collation that calls different texts equal, or a type that pads: texts do not compare bytewise.
    pub loose: bool,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DbForeignKey {
    /// Its name.
    pub name: String,
    /// Columns here, by position.
    pub columns: Vec<usize>,
    /// The schema and name of the table pointed at.
    pub to: (String, String),
    /// Its columns' names, in the same order.
    pub to_columns: Vec<String>,
    /// ON DELETE CASCADE, SET NULL or SET DEFAULT: whoever removes the row pointed at removes or changes this one.
    pub follows_delete: bool,
    /// ON UPDATE CASCADE, SET NULL or SET DEFAULT.
    pub follows_update: bool,
    /// Does it hold of every row? Not where it was never validated, where its triggers are off, or where heirs have
    /// rows of their own.
    pub enforced: bool,
}

/// A CHECK constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DbCheck {
    /// Its name.
    pub name: String,
    /// What it says, as the server writes it.
    pub text: String,
}

/// The command that a policy of row security is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DbCommand {
    /// All four.
    All,
    /// SELECT
    Select,
    /// INSERT
    Insert,
    /// UPDATE
    Update,
    /// DELETE
    Delete,
}

/// A policy of row security.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DbPolicy {
    /// Its name.
    pub name: String,
    /// PERMISSIVE, rather than RESTRICTIVE?
    pub permissive: bool,
    /// For which command.
    pub command: DbCommand,
    /// For which roles; `PUBLIC` for everybody.
    pub roles: Vec<String>,
    /// USING, as the server writes it.
    pub using: Option<String>,
    /// WITH CHECK, as the server writes it.
    pub check: Option<String>,
}

/// A privilege.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DbGrant {
    /// To whom; `PUBLIC` for everybody.
    pub grantee: String,
    /// `SELECT`, `INSERT`, …
    pub privilege: String,
    /// On one column, by position, rather than the whole.
    pub column: Option<usize>,
}

/// A function.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Function {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its owner.
    pub owner: String,
    /// SECURITY DEFINER: runs with its owner's rights.
    pub definer: bool,
    /// `sql`, `plpgsql`, …
    pub language: String,
    /// Its body, as its author wrote it.
    pub source: String,
    /// Its body, as the server writes it, where it was parsed when it was made (BEGIN ATOMIC).
    pub parsed: Option<String>,
    /// NULL in, NULL out.
    pub strict: bool,
    /// IMMUTABLE: its answer may be kept.
    pub immutable: bool,
    /// Does it return rows?
    pub returns_set: bool,
    /// The type it returns, by the database's name.
    pub returns: String,
    /// What values of that type mean, where conditions are understood on them.
    pub ty: Option<Type>,
    /// Its input arguments: name (empty when it has none), type, and how many have defaults is in `defaults`.
    pub arguments: Vec<(String, Option<Type>)>,
    /// How many of its last arguments may be left out.
    pub defaults: usize,
    /// Settings that hold while it runs: `search_path=public`.
    pub settings: Vec<String>,
    /// Who may run it; `PUBLIC` for everybody.
    pub run_by: Vec<String>,
}
