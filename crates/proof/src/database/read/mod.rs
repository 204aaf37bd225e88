//! PostgreSQL's expressions, as the catalog writes them and as authors of functions do, with names resolved.
//!
//! What is not understood becomes [`Expr::Opaque`], as small as can be: it may be anything, each time it is
//! asked. So a proof holds whatever it is; a leak that rests on it is none, but says what was not understood.

mod call;
mod condition;
mod json;
mod list;
mod select;
mod value;

use std::collections::BTreeMap;

use sqlparser::ast;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use tenantry_policy::Type;
use tenantry_policy::database::{Database, Function, Relation};

use super::expr::{Expr, Query, ROOT};

/// How deep functions may call one another.
const DEEPEST: usize = 12;

/// How deep an expression may be.
const NESTED: usize = 100;

/// The longest expression that is read, in bytes.
const LONGEST: usize = 64 * 1024;

/// Reads the expressions of one database.
pub(crate) struct Reader<'d> {
    pub(crate) database: &'d Database,
    /// What was not understood: each has a number.
    pub(crate) whys: Vec<String>,
    /// How many functions of the database's own were read in place of their calls.
    pub(crate) calls: usize,
    /// How often something asked the session, or a table.
    asked: usize,
    /// How often a function of the database's own read a table.
    pub(crate) through: usize,
    /// Functions whose bodies name tables or functions that a session might put others before; TRUE of those whose search
    /// path is pinned, where only temporary tables stand before.
    pub(crate) shadowed: BTreeMap<String, bool>,
    /// The functions that are being read, the innermost last.
    within: Vec<Within>,
    /// The next binding.
    next: usize,
    depth: usize,
}

/// A function that is being read.
struct Within {
    name: String,
    /// Does it say where its names are looked for? Its caller does otherwise.
    pinned: bool,
    /// Are temporary tables looked for last? They are first, unless a search path says otherwise.
    temporary_last: bool,
}

/// What names mean at a place.
pub(crate) struct Scope<'s> {
    outer: Option<&'s Scope<'s>>,
    names: Vec<Named>,
    arguments: Vec<(String, Expr)>,
    /// With whose rights tables are read: the owner of the SECURITY DEFINER function that runs, or of the view.
    actor: Option<String>,
    /// The current user, where it is not whoever asks: the owner of the SECURITY DEFINER function that runs.
    user: Option<String>,
    /// Where names without a schema are looked for; empty where the server wrote the schemas.
    schemas: Vec<String>,
}

/// Something that a FROM names.
enum Named {
    Table { alias: String, binding: usize, relation: usize },
    Derived { alias: String, columns: Vec<(String, Expr)> },
}

impl<'s> Scope<'s> {
    /// Within this one.
    fn inner(&'s self) -> Scope<'s> {
        Scope {
            outer: Some(self),
            names: Vec::new(),
            arguments: Vec::new(),
            actor: self.actor.clone(),
            user: self.user.clone(),
            schemas: self.schemas.clone(),
        }
    }
}

impl<'d> Reader<'d> {
    pub(crate) fn new(database: &'d Database) -> Reader<'d> {
        Reader {
            database,
            whys: Vec::new(),
            calls: 0,
            asked: 0,
            through: 0,
            shadowed: BTreeMap::new(),
            within: Vec::new(),
            next: ROOT + 1,
            depth: 0,
        }
    }

    /// A condition about a row of a relation, as the server writes it: with the schema of whatever is no part of the
    /// server itself.
    pub(crate) fn condition(&mut self, relation: usize, text: &str) -> Expr {
        self.condition_in(relation, text, Vec::new())
    }

    /// The same as a person writes it.
    pub(crate) fn said(&mut self, relation: usize, text: &str) -> Expr {
        let schema = self.database.relations.get(relation).map(|of| of.schema.clone());
        self.condition_in(relation, text, schema.into_iter().chain(["public".to_owned()]).collect())
    }

    fn condition_in(&mut self, relation: usize, text: &str, schemas: Vec<String>) -> Expr {
        let Some(of) = self.database.relations.get(relation) else { return self.opaque(Type::Bool, "no such table") };
        let named = Named::Table { alias: of.name.clone(), binding: ROOT, relation };
        let scope = Scope { outer: None, names: vec![named], arguments: Vec::new(), actor: None, user: None, schemas };
        match parse(text) {
            Ok(parsed) => self.cond(&scope, &parsed),
            Err(why) => self.opaque(Type::Bool, &why),
        }
    }

    /// A value of the session alone, as a person wrote it.
    ///
    /// # Errors
    /// Why it is not understood.
    pub(crate) fn principal(&mut self, text: &str) -> Result<Expr, String> {
        let schemas = vec!["public".to_owned()];
        let scope = Scope { outer: None, names: Vec::new(), arguments: Vec::new(), actor: None, user: None, schemas };
        let parsed = parse(text)?;
        self.value(&scope, &parsed)
    }

    /// Something that is not understood.
    pub(crate) fn opaque(&mut self, ty: Type, why: &str) -> Expr {
        let known = self.whys.iter().position(|known| known == why);
        let why = known.unwrap_or_else(|| {
            self.whys.push(why.to_owned());
            self.whys.len() - 1
        });
        Expr::Opaque { ty, why }
    }

    fn binding(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }

    /// The position of a relation by its name.
    fn relation(&mut self, scope: &Scope<'_>, name: &ast::ObjectName) -> Result<usize, String> {
        let parts = names(name)?;
        self.asked += 1;
        self.through += usize::from(!self.within.is_empty());
        if let (1, Some(within)) = (parts.len(), self.within.last())
            && !within.temporary_last
        {
            let pinned = self.shadowed.entry(within.name.clone()).or_insert(within.pinned);
            *pinned &= within.pinned;
        }
        let find = |schema: &str, name: &str| {
            let known = |relation: &Relation| relation.schema == schema && relation.name == name;
            self.database.relations.iter().position(known)
        };
        let found = match parts.as_slice() {
            [name] => scope.schemas.iter().find_map(|schema| find(schema, name)),
            [schema, name] => find(schema, name),
            _ => None,
        };
        found.ok_or_else(|| ["it reads `", &parts.join("."), "`, which is no table of this database's own"].concat())
    }
}

/// One expression.
fn parse(text: &str) -> Result<ast::Expr, String> {
    let mut parser = parser(text)?;
    let parsed = parser.parse_expr().map_err(|_| unread(text))?;
    if parser.peek_token_ref().token == sqlparser::tokenizer::Token::EOF { Ok(parsed) } else { Err(unread(text)) }
}

fn parser(text: &str) -> Result<Parser<'static>, String> {
    const DIALECT: PostgreSqlDialect = PostgreSqlDialect {};
    if text.len() > LONGEST {
        return Err("it is longer than 64 KiB".to_owned());
    }
    Parser::new(&DIALECT).with_recursion_limit(NESTED).try_with_sql(text).map_err(|_| unread(text))
}

/// Is there a subselect in what the server wrote?
pub(crate) fn selects(text: &str) -> bool {
    use sqlparser::tokenizer::{Token, Tokenizer};
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize();
    // What cannot be read is not understood, and passes for one.
    tokens.map_or(true, |tokens| {
        tokens.iter().any(|token| {
            matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("select"))
        })
    })
}

fn unread(text: &str) -> String {
    ["cannot be read: ", &shown(text)].concat()
}

/// Its beginning, on one line.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 160;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= MOST {
        return line;
    }
    line.chars().take(MOST).chain(['…']).collect()
}

/// An identifier as the database has it: folded, unless it was quoted.
fn ident(ident: &ast::Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}

fn names(name: &ast::ObjectName) -> Result<Vec<String>, String> {
    let part = |part: &ast::ObjectNamePart| match part {
        ast::ObjectNamePart::Identifier(name) => Ok(ident(name)),
        ast::ObjectNamePart::Function(_) => Err(["the name `", &name.to_string(), "` is not understood"].concat()),
    };
    name.0.iter().map(part).collect()
}

/// A type that something is cast to.
enum Target {
    Scalar(Type),
    List(Type),
    Json,
}

impl Reader<'_> {
    fn target(&self, ty: &ast::DataType) -> Result<Target, String> {
        let text = ty.to_string();
        let lower = text.to_lowercase();
        if let Some(item) = lower.strip_suffix("[]") {
            let item = self.scalar(item).ok_or_else(|| ["the type ", &text, " is not understood"].concat())?;
            return Ok(Target::List(item));
        }
        if matches!(lower.as_str(), "json" | "jsonb") {
            return Ok(Target::Json);
        }
        let found = self.scalar(&lower).or_else(|| {
            let plain = text.replace('"', "");
            let is =
                |native: &str| native.replace('"', "") == plain || native.rsplit('.').next() == Some(plain.as_str());
            let mut columns = self.database.relations.iter().flat_map(|relation| &relation.columns);
            columns.any(|column| !column.labels.is_empty() && is(&column.native)).then_some(Type::Text)
        });
        found.map(Target::Scalar).ok_or_else(|| ["the type ", &text, " is not understood"].concat())
    }

    fn scalar(&self, name: &str) -> Option<Type> {
        Some(match name {
            "text" | "varchar" | "character varying" | "name" => Type::Text,
            "uuid" => Type::Uuid,
            "int" | "integer" | "int2" | "int4" | "int8" | "bigint" | "smallint" => Type::Int,
            "numeric" | "decimal" => Type::Decimal,
            "bool" | "boolean" => Type::Bool,
            "timestamptz" | "timestamp with time zone" => Type::Timestamp,
            _ => return None,
        })
    }
}

impl Reader<'_> {
    /// What a view selects, with its owner's rights.
    pub(crate) fn window(&mut self, text: &str, owner: &str) -> Result<Query, String> {
        let query = call::select(text.trim().trim_end_matches(';')).ok_or_else(|| unread(text))?;
        let actor = Some(owner.to_owned());
        let scope =
            Scope { outer: None, names: Vec::new(), arguments: Vec::new(), actor, user: None, schemas: Vec::new() };
        self.rows(&scope, &query)
    }

    /// What a SECURITY DEFINER function looks for, whatever its arguments are.
    pub(crate) fn definer(&mut self, function: &Function) -> Result<Vec<Query>, String> {
        let mut arguments = Vec::new();
        for (at, (name, ty)) in function.arguments.iter().enumerate() {
            // Callers choose it, as they would a setting.
            let setting = Expr::Setting(format!("argument {} of {}", at + 1, function.name));
            let value = match ty {
                Some(Type::Text) => setting,
                Some(ty) if ty.in_conditions() => Expr::Cast(Box::new(setting), *ty),
                _ => self.opaque(Type::Text, "an argument of another type"),
            };
            arguments.push((name.clone(), value));
        }
        self.looked_up(function, arguments)
    }
}
