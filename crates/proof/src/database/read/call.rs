//! Functions: those of PostgreSQL that are understood, and those of the database's own, by what they say.

use sqlparser::ast;
use tenantry_policy::database::Function;
use tenantry_policy::{Type, Value, seat};

use super::condition::bare;
use super::value::{coalesce, converted, strictly};
use super::{DEEPEST, Reader, Scope, Within, names, parser};
use crate::database::expr::{Asked, Expr, Query};
use crate::database::tenants::SEAT;

/// A function's plain arguments.
pub(super) fn arguments(function: &ast::Function) -> Result<Vec<ast::Expr>, String> {
    if function.over.is_some() || function.filter.is_some() || !function.within_group.is_empty() {
        return Err([&function.name.to_string(), "() over or within others"].concat());
    }
    match &function.args {
        ast::FunctionArguments::None => Ok(Vec::new()),
        ast::FunctionArguments::Subquery(_) => Err([&function.name.to_string(), "() of a subselect"].concat()),
        ast::FunctionArguments::List(list) => {
            let one = |argument: &ast::FunctionArg| match argument {
                ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(value)) => Ok(value.clone()),
                other => Err(["the argument ", &other.to_string(), " is not understood"].concat()),
            };
            list.args.iter().map(one).collect()
        }
    }
}

/// What a function's body is.
enum Body {
    Value(Box<ast::Expr>),
    Rows(Box<ast::Query>),
}

impl Reader<'_> {
    /// A call, as a value.
    pub(super) fn call(&mut self, scope: &Scope<'_>, function: &ast::Function) -> Result<Expr, String> {
        let name = names(&function.name)?;
        let own = match name.as_slice() {
            [name] => Some(name.as_str()),
            [schema, name] if schema == "pg_catalog" => Some(name.as_str()),
            _ => None,
        };
        if let Some(own) = own
            && let Some(found) = self.built_in(scope, own, function)?
        {
            // Words of the language are no functions; others may stand before PostgreSQL's own in a search path.
            const WORDS: [&str; 8] = [
                "current_user",
                "user",
                "current_role",
                "session_user",
                "nullif",
                "coalesce",
                "current_timestamp",
                "now",
            ];
            let own_too = self.database.functions.iter().any(|function| function.name == own);
            if name.len() == 1 && own_too && !WORDS.contains(&own) {
                return Err(["there are several functions ", own, "()"].concat());
            }
            return Ok(found);
        }
        let (strict, ty, of) = {
            let known = self.find(scope, &name, function)?;
            if is_seat_tenant(known) {
                return Ok(Expr::Setting(SEAT.to_owned()));
            }
            (known.strict, known.ty, known.clone())
        };
        let value = self.inlined(scope, function, |reader, scope, body| reader.value(scope, body))?;
        let value = match (ty, value.ty()) {
            (Some(ty), Some(from)) if ty != from => converted(value, ty)?,
            (Some(ty), None) => value.settled(ty)?,
            _ => value,
        };
        if !strict {
            return Ok(value);
        }
        let arguments = self.bound(scope, &of, function)?;
        Ok(strictly(&arguments, value))
    }

    fn built_in(&mut self, scope: &Scope<'_>, name: &str, function: &ast::Function) -> Result<Option<Expr>, String> {
        Ok(Some(match name {
            "current_setting" => {
                self.asked += 1;
                let arguments = arguments(function)?;
                let name = match arguments.first().map(|name| self.text(scope, name)).transpose()? {
                    Some(Expr::Value(Value::Text(name))) => name.to_lowercase(),
                    _ => return Err("a setting whose name is no literal".to_owned()),
                };
                if !name.contains('.') {
                    return Err(["it reads the server's setting ", &name].concat());
                }
                let setting = Expr::Setting(name);
                match arguments.get(1).map(|missing| self.value(scope, missing)).transpose()? {
                    None | Some(Expr::Value(Value::Bool(false))) => Expr::Demand(Box::new(setting)),
                    Some(Expr::Value(Value::Bool(true))) => setting,
                    Some(_) => return Err("a setting that may or may not be missing".to_owned()),
                }
            }
            "current_user" | "user" | "current_role" => {
                self.asked += 1;
                Expr::User(scope.user.clone())
            }
            "session_user" => {
                self.asked += 1;
                Expr::Login
            }
            "nullif" => {
                let arguments = arguments(function)?;
                let [left, right] = arguments.as_slice() else { return Err("nullif of two".to_owned()) };
                let (left, right) = (self.value(scope, left)?, self.value(scope, right)?);
                let left = left.settled(Type::Text)?;
                let right = right.settled(left.ty().unwrap_or(Type::Text))?;
                if left.ty() != right.ty() {
                    return Err("nullif of two types".to_owned());
                }
                Expr::NullIf(Box::new(left), Box::new(right))
            }
            "coalesce" => {
                let parts = arguments(function)?;
                coalesce(parts.iter().map(|part| self.value(scope, part)).collect::<Result<_, _>>()?)?
            }
            "starts_with" => {
                let arguments = arguments(function)?;
                let [text, prefix] = arguments.as_slice() else { return Err("starts_with of two".to_owned()) };
                Expr::StartsWith(Box::new(self.text(scope, text)?), Box::new(self.text(scope, prefix)?))
            }
            "pg_has_role" => self.has_role(scope, function)?,
            "now" | "current_timestamp" | "transaction_timestamp" | "statement_timestamp" | "clock_timestamp" => {
                self.opaque(Type::Timestamp, "the time is not fixed")
            }
            "texteq" | "uuid_eq" | "int4eq" | "int8eq" => {
                let arguments = arguments(function)?;
                let [left, right] = arguments.as_slice() else { return Err("an equality of two".to_owned()) };
                let (left, right) = (self.value(scope, left)?, self.value(scope, right)?);
                super::condition::compare(tenantry_policy::condition::Cmp::Eq, left, right)?
            }
            _ => return Ok(None),
        }))
    }

    /// `pg_has_role([user,] role, privilege)`
    fn has_role(&mut self, scope: &Scope<'_>, function: &ast::Function) -> Result<Expr, String> {
        let arguments = arguments(function)?;
        let (user, rest) = match arguments.as_slice() {
            [user, role, privilege] => (self.value(scope, user)?, [role, privilege]),
            [role, privilege] => (Expr::User(scope.user.clone()), [role, privilege]),
            _ => return Err("pg_has_role with other arguments".to_owned()),
        };
        let user = match user {
            Expr::User(None) => Asked::Actor,
            Expr::User(Some(name)) | Expr::Unknown(name) => Asked::Role(name),
            Expr::Login => Asked::Login,
            Expr::Value(Value::Text(name)) => Asked::Role(name.to_string()),
            _ => return Err("pg_has_role of a role that is no literal".to_owned()),
        };
        let mut texts = Vec::new();
        for part in rest {
            match self.text(scope, part)? {
                Expr::Value(Value::Text(text)) => texts.push(text.to_string()),
                _ => return Err("pg_has_role of a role that is no literal".to_owned()),
            }
        }
        let [role, privilege] = texts.as_slice() else { return Err("pg_has_role with other arguments".to_owned()) };
        let member = match privilege.to_ascii_lowercase().as_str() {
            "member" => true,
            "usage" => false,
            other => return Err(["pg_has_role for ", other].concat()),
        };
        if !self.database.roles.iter().any(|known| &known.name == role) {
            return Err(["the role ", role, " that it names does not exist"].concat());
        }
        Ok(Expr::HasRole { user, role: role.clone(), member })
    }

    /// The function of the database that a call means.
    fn find(&self, scope: &Scope<'_>, name: &[String], call: &ast::Function) -> Result<&Function, String> {
        let count = arguments(call)?.len();
        let fits = |function: &&Function| {
            let most = function.arguments.len();
            count <= most && count.saturating_add(function.defaults) >= most
        };
        let of = |schema: &str, name: &str| {
            let named = |function: &&Function| function.schema == schema && function.name == name;
            self.database.functions.iter().filter(named).filter(fits).collect::<Vec<_>>()
        };
        let found = match name {
            [name] => scope.schemas.iter().map(|schema| of(schema, name)).find(|found| !found.is_empty()),
            [schema, name] => Some(of(schema, name)),
            _ => None,
        };
        match found.unwrap_or_default().as_slice() {
            [only] => Ok(only),
            [] => Err(["the function ", &name.join("."), "() is not understood"].concat()),
            _ => Err(["there are several functions ", &name.join("."), "()"].concat()),
        }
    }

    /// The arguments of a call with their names.
    fn bound(
        &mut self,
        scope: &Scope<'_>,
        function: &Function,
        call: &ast::Function,
    ) -> Result<Vec<(String, Expr)>, String> {
        let given = arguments(call)?;
        if given.len() != function.arguments.len() {
            return Err([&function.name, "() is called with defaults"].concat());
        }
        let mut bound = Vec::new();
        for (value, (name, ty)) in given.iter().zip(&function.arguments) {
            // An argument that is not understood may be anything, and spoils only what reads it.
            let value = match self.value(scope, value) {
                Ok(value) => match ty {
                    Some(ty) => converted(value, *ty)?,
                    None => value,
                },
                Err(why) => self.opaque(ty.unwrap_or(Type::Text), &why),
            };
            bound.push((name.clone(), value));
        }
        Ok(bound)
    }

    /// What a call of a function of the database's own says, read in its own scope.
    pub(super) fn inlined<T>(
        &mut self,
        scope: &Scope<'_>,
        call: &ast::Function,
        read: impl FnOnce(&mut Self, &Scope<'_>, &ast::Expr) -> Result<T, String>,
    ) -> Result<T, String> {
        let name = names(&call.name)?;
        let function = self.find(scope, &name, call)?.clone();
        if function.returns_set {
            return Err([&function.name, "() returns rows"].concat());
        }
        self.named(&name);
        let arguments = self.bound(scope, &function, call)?;
        let body = match body(&function)? {
            Body::Value(value) => *value,
            Body::Rows(mut query) => {
                // It returns the first row that it finds.
                if query.limit_clause.is_none() && super::condition::has_from(&query) && !aggregates(&query) {
                    query.limit_clause = Some(one());
                }
                ast::Expr::Subquery(query)
            }
        };
        self.within_function(scope, &function, arguments, |reader, scope| read(reader, scope, &body))
    }

    /// The rows that a call returns; `None` for a function that returns none.
    pub(super) fn returned(&mut self, scope: &Scope<'_>, call: &ast::Function) -> Option<Result<Query, String>> {
        let name = names(&call.name).ok()?;
        let function = self.find(scope, &name, call).ok().filter(|function| function.returns_set)?.clone();
        self.named(&name);
        Some(self.all_returned(scope, &function, call))
    }

    fn all_returned(&mut self, scope: &Scope<'_>, function: &Function, call: &ast::Function) -> Result<Query, String> {
        let arguments = self.bound(scope, function, call)?;
        match body(function)? {
            Body::Rows(query) => {
                self.within_function(scope, function, arguments, |reader, scope| reader.rows(scope, &query))
            }
            Body::Value(_) => Err([&function.name, "() returns rows that are not understood"].concat()),
        }
    }

    /// Notes that the function that is being read names another one, as it may be in another schema.
    fn named(&mut self, name: &[String]) {
        if let (1, Some(within)) = (name.len(), self.within.last())
            && !within.pinned
        {
            self.shadowed.insert(within.name.clone(), false);
        }
    }

    fn within_function<T>(
        &mut self,
        scope: &Scope<'_>,
        function: &Function,
        arguments: Vec<(String, Expr)>,
        read: impl FnOnce(&mut Self, &Scope<'_>) -> Result<T, String>,
    ) -> Result<T, String> {
        if self.depth >= DEEPEST {
            return Err([&function.name, "() calls itself"].concat());
        }
        if let Some(setting) = function.settings.iter().find(|setting| !is_plain(setting)) {
            return Err([&function.name, "(): it runs with a setting of its own: ", setting].concat());
        }
        // Whoever calls it, which in a view is not the view's owner.
        let user = if function.definer { Some(function.owner.clone()) } else { scope.user.clone() };
        if function.parsed.is_none()
            && let Some(operator) = self.database.operators.iter().find(|name| function.source.contains(name.as_str()))
        {
            return Err([&function.name, "(): the operator ", operator, " may be the database's own"].concat());
        }
        let inner =
            Scope { outer: None, names: Vec::new(), arguments, actor: user.clone(), user, schemas: schemas(function) };
        self.depth += 1;
        self.calls += 1;
        self.within.push(within(function));
        let asked = self.asked;
        let found = read(self, &inner);
        self.within.pop();
        self.depth -= 1;
        if function.immutable && self.asked > asked {
            return Err([
                &function.name,
                "(): it is declared IMMUTABLE, and asks the session or a table: a plan may keep what another session \
                 was answered",
            ]
            .concat());
        }
        found.map_err(|why| {
            let own = [&function.name, "(): "].concat();
            if why.starts_with(&own) { why } else { [own, why].concat() }
        })
    }
}

/// Is it the function that says whose an SQL seat is, as Tenantry makes it? Who may write the table that it reads
/// is not asked here: a plan compares that.
fn is_seat_tenant(function: &Function) -> bool {
    let pinned: Vec<String> = function.settings.iter().map(|setting| setting.replace('"', "")).collect();
    function.schema == seat::SCHEMA
        && function.name == seat::FUNCTION
        && function.arguments.is_empty()
        && function.definer
        && !function.returns_set
        && function.language == "sql"
        && function.parsed.is_none()
        && function.source == seat::BODY
        && pinned == [["search_path=", seat::SEARCH_PATH].concat()]
}

/// Is it a setting that changes nothing of what a function says, but whether it says it, or that is looked into?
fn is_plain(setting: &str) -> bool {
    const PLAIN: [&str; 6] = ["search_path", "row_security", "statement_timeout", "lock_timeout", "work_mem", "jit"];
    setting.split_once('=').is_some_and(|(name, _)| PLAIN.contains(&name))
}

/// How a function's names are looked up.
fn within(function: &Function) -> Within {
    let path = function.settings.iter().find_map(|setting| setting.strip_prefix("search_path="));
    let last = path.is_some_and(|path| path.split(',').any(|name| name.trim().trim_matches('"') == "pg_temp"));
    // A body that was parsed when the function was made holds what its names meant then.
    let parsed = function.parsed.is_some();
    Within {
        name: [&function.schema, ".", &function.name, "()"].concat(),
        pinned: parsed || path.is_some(),
        temporary_last: parsed || last,
    }
}

/// Where a function looks for names.
fn schemas(function: &Function) -> Vec<String> {
    let pinned = function.settings.iter().find_map(|setting| setting.strip_prefix("search_path="));
    let mut schemas: Vec<String> = match pinned {
        Some(path) => path.split(',').map(|name| name.trim().trim_matches('"').to_owned()).collect(),
        // The caller's path, which nobody knows; most have these.
        None => vec![function.schema.clone(), "public".to_owned()],
    };
    schemas.retain(|name| !name.is_empty());
    schemas
}

/// A function's body: one SELECT, or one RETURN.
fn body(function: &Function) -> Result<Body, String> {
    let refuse = || {
        let what = if function.language == "sql" { "is more than one SELECT" } else { "is more than one RETURN" };
        [&function.name, "() ", what].concat()
    };
    let text = function.parsed.as_deref().unwrap_or(&function.source).trim();
    let text = without_comments(text);
    let text = text.trim().trim_end_matches(';').trim();
    let inner = match function.language.as_str() {
        "sql" => {
            let atomic = strip(text, "BEGIN ATOMIC").and_then(|text| text.strip_suffix("END"));
            atomic.map_or(text, |text| text.trim().trim_end_matches(';').trim())
        }
        "plpgsql" => strip(text, "BEGIN")
            .and_then(|text| {
                text.strip_suffix("END").or_else(|| text.strip_suffix("end")).or_else(|| text.strip_suffix("End"))
            })
            .map(|text| text.trim().trim_end_matches(';').trim())
            .ok_or_else(refuse)?,
        other => return Err([&function.name, "() is written in ", other].concat()),
    };
    if let Some(value) = strip(inner, "RETURN QUERY") {
        return select(value).map(Body::Rows).ok_or_else(refuse);
    }
    if let Some(value) = strip(inner, "RETURN") {
        let mut parser = parser(value)?;
        let parsed = parser.parse_expr().map_err(|_| refuse())?;
        if parser.peek_token_ref().token != sqlparser::tokenizer::Token::EOF {
            return Err(refuse());
        }
        return Ok(Body::Value(Box::new(bare(&parsed).clone())));
    }
    if function.language == "plpgsql" {
        return Err(refuse());
    }
    select(inner).map(Body::Rows).ok_or_else(refuse)
}

/// The one SELECT that a text is.
pub(super) fn select(text: &str) -> Option<Box<ast::Query>> {
    let mut statements = parser(text).ok()?.parse_statements().ok()?;
    match (statements.pop(), statements.is_empty()) {
        (Some(ast::Statement::Query(query)), true) => Some(query),
        _ => None,
    }
}

/// What follows words, whatever their case.
fn strip<'t>(text: &'t str, words: &str) -> Option<&'t str> {
    let mut rest = text;
    for word in words.split(' ') {
        let head = rest.get(..word.len()).filter(|head| head.eq_ignore_ascii_case(word))?;
        let tail = rest.get(head.len()..)?;
        if tail.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            return None;
        }
        rest = tail.trim_start();
    }
    Some(rest)
}

/// Without comments at lines' ends, where none can be part of a literal.
fn without_comments(text: &str) -> String {
    if text.contains('\'') && text.lines().any(|line| line.contains("--") && line.contains('\'')) {
        return text.to_owned();
    }
    let lines = text.lines().map(|line| line.split_once("--").map_or(line, |(code, _)| code));
    lines.collect::<Vec<_>>().join("\n")
}

fn aggregates(query: &ast::Query) -> bool {
    let ast::SetExpr::Select(select) = query.body.as_ref() else { return false };
    let text = select.projection.iter().map(ToString::to_string).collect::<String>().to_lowercase();
    ["count(", "array_agg(", "bool_or(", "max(", "min("].iter().any(|name| text.contains(name))
}

fn one() -> ast::LimitClause {
    let number = ast::Expr::Value(ast::Value::Number("1".to_owned(), false).into());
    ast::LimitClause::LimitOffset { limit: Some(number), offset: None, limit_by: Vec::new() }
}

impl Reader<'_> {
    /// The subselects of a function's body.
    pub(super) fn looked_up(
        &mut self,
        function: &Function,
        arguments: Vec<(String, Expr)>,
    ) -> Result<Vec<Query>, String> {
        let outside = Scope {
            outer: None,
            names: Vec::new(),
            arguments: Vec::new(),
            actor: None,
            user: None,
            schemas: Vec::new(),
        };
        let body = body(function)?;
        self.within_function(&outside, function, arguments, |reader, scope| match &body {
            Body::Rows(query) if super::condition::has_from(query) => Ok(vec![reader.rows(scope, query)?]),
            Body::Rows(query) => {
                let value = reader.value(scope, &ast::Expr::Subquery(query.clone()))?;
                Ok(inside(&value))
            }
            Body::Value(value) => {
                let value = reader.value(scope, value)?;
                Ok(inside(&value))
            }
        })
    }
}

/// The subselects of a value.
fn inside(value: &Expr) -> Vec<Query> {
    let mut found = Vec::new();
    value.visit(
        &mut |one| match one {
            Expr::Exists(query) | Expr::Scalar(query) | Expr::Within(_, query) => found.push(query.as_ref().clone()),
            Expr::Any { list: crate::database::expr::List::Query(query), .. } => found.push(query.as_ref().clone()),
            _ => {}
        },
        &mut |_| {},
    );
    found
}
