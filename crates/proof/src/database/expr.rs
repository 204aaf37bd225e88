//! What policies of row security say, with names resolved: the part of SQL that the prover understands.

use tenantry_policy::condition::Cmp;
use tenantry_policy::{Type, Value};

/// The row that a policy is about.
pub(crate) const ROOT: usize = 0;

/// An expression. Rows are known by bindings: numbers that differ within one policy.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expr {
    Null(Option<Type>),
    Value(Value),
    /// A literal whose type its surroundings decide.
    Unknown(String),
    Column {
        binding: usize,
        column: usize,
        ty: Type,
    },
    /// An item of a list that a FROM goes through.
    Item {
        binding: usize,
        ty: Type,
    },
    /// A setting of the session: text, NULL when it is not set.
    Setting(String),
    /// A member of a setting that holds a JSON object, as text.
    Claim {
        setting: String,
        path: Vec<String>,
    },
    /// The value, or an error in place of NULL.
    Demand(Box<Expr>),
    /// The acting role's name. `None`: whoever asks; otherwise the owner of the function that asks.
    User(Option<String>),
    /// The name of the role that logged in.
    Login,
    /// May a role act as another (or, `member`, become it)?
    HasRole {
        user: Asked,
        role: String,
        member: bool,
    },
    Cast(Box<Expr>, Type),
    NullIf(Box<Expr>, Box<Expr>),
    Coalesce(Vec<Expr>),
    Case(Vec<(Expr, Expr)>, Box<Expr>),
    Scalar(Box<Query>),
    Compare(Cmp, Box<Expr>, Box<Expr>),
    /// IS DISTINCT FROM
    Distinct(Box<Expr>, Box<Expr>),
    StartsWith(Box<Expr>, Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    IsNull(Box<Expr>),
    /// IS TRUE, IS FALSE
    Is(Box<Expr>, bool),
    Exists(Box<Query>),
    /// One of the rows equals, column by column.
    Within(Vec<Expr>, Box<Query>),
    /// `left cmp ANY (list)`, or ALL.
    Any {
        left: Box<Expr>,
        cmp: Cmp,
        list: List,
        all: bool,
    },
    /// Something that is not understood: it may be anything, each time.
    Opaque {
        ty: Type,
        why: usize,
    },
}

/// The role that `pg_has_role` is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Whoever acts.
    Actor,
    /// Whoever logged in.
    Login,
    /// This one.
    Role(String),
}

/// A list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum List {
    Items(Vec<Expr>),
    Query(Box<Query>),
    /// `array_agg`: the same, and NULL where there is no row. Comparisons with it say so (`read::condition::any`).
    Aggregated(Box<Query>),
    /// A setting or a claim that holds a list of these, in some form.
    Setting {
        of: Box<Expr>,
        form: ListForm,
        ty: Type,
    },
}

/// How a list travels in a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ListForm {
    /// `{a,b}`
    Array,
    /// `a,b`, by a separator
    Separated(String),
    /// `["a","b"]`
    Json,
}

/// Rows that a subselect makes: of any of its branches.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Query {
    pub(crate) branches: Vec<Select>,
    /// LIMIT 1: any one of them.
    pub(crate) one: bool,
}

/// One SELECT.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Select {
    pub(crate) from: Vec<Scan>,
    pub(crate) filter: Expr,
    pub(crate) out: Vec<Expr>,
}

/// What a FROM goes through.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scan {
    /// The rows of a table, as a role may read them: whoever asks, or the owner of the function that asks.
    Table { binding: usize, relation: usize, actor: Option<String> },
    /// The items of a list.
    Items { binding: usize, list: List },
}

pub(crate) const TRUE: Expr = Expr::Value(Value::Bool(true));

impl Expr {
    /// Its type, where it has one.
    pub(crate) fn ty(&self) -> Option<Type> {
        match self {
            Expr::Null(ty) => *ty,
            Expr::Value(value) => Some(value.ty()),
            Expr::Unknown(_) => None,
            Expr::Column { ty, .. } | Expr::Item { ty, .. } | Expr::Cast(_, ty) | Expr::Opaque { ty, .. } => Some(*ty),
            Expr::Setting(_) | Expr::Claim { .. } | Expr::User(_) | Expr::Login => Some(Type::Text),
            Expr::Demand(inner) | Expr::NullIf(inner, _) => inner.ty(),
            Expr::Coalesce(parts) => parts.iter().find_map(Expr::ty),
            Expr::Case(branches, other) => branches.iter().find_map(|(_, then)| then.ty()).or_else(|| other.ty()),
            Expr::Scalar(query) => query.branches.first()?.out.first()?.ty(),
            Expr::HasRole { .. }
            | Expr::Compare(..)
            | Expr::Distinct(..)
            | Expr::StartsWith(..)
            | Expr::And(_)
            | Expr::Or(_)
            | Expr::Not(_)
            | Expr::IsNull(_)
            | Expr::Is(..)
            | Expr::Exists(_)
            | Expr::Within(..)
            | Expr::Any { .. } => Some(Type::Bool),
        }
    }

    /// The same with a literal's type decided.
    pub(crate) fn settled(self, ty: Type) -> Result<Expr, String> {
        match self {
            Expr::Unknown(text) => match cast(&Value::text(&text), ty) {
                Some(value) => Ok(Expr::Value(value)),
                None => Err(["the literal '", &text, "' is no ", ty.name()].concat()),
            },
            Expr::Null(None) => Ok(Expr::Null(Some(ty))),
            other => Ok(other),
        }
    }

    /// Visits this and everything below it, subselects included.
    pub(crate) fn visit(&self, see: &mut dyn FnMut(&Expr), scan: &mut dyn FnMut(&Scan)) {
        see(self);
        match self {
            Expr::Null(_)
            | Expr::Value(_)
            | Expr::Unknown(_)
            | Expr::Column { .. }
            | Expr::Item { .. }
            | Expr::Setting(_)
            | Expr::Claim { .. }
            | Expr::User(_)
            | Expr::Login
            | Expr::HasRole { .. }
            | Expr::Opaque { .. } => {}
            Expr::Demand(inner)
            | Expr::Cast(inner, _)
            | Expr::Not(inner)
            | Expr::IsNull(inner)
            | Expr::Is(inner, _) => {
                inner.visit(see, scan);
            }
            Expr::NullIf(left, right)
            | Expr::Compare(_, left, right)
            | Expr::Distinct(left, right)
            | Expr::StartsWith(left, right) => {
                left.visit(see, scan);
                right.visit(see, scan);
            }
            Expr::Coalesce(parts) | Expr::And(parts) | Expr::Or(parts) => {
                parts.iter().for_each(|part| part.visit(see, scan));
            }
            Expr::Case(branches, other) => {
                for (when, then) in branches {
                    when.visit(see, scan);
                    then.visit(see, scan);
                }
                other.visit(see, scan);
            }
            Expr::Scalar(query) | Expr::Exists(query) => query.visit(see, scan),
            Expr::Within(left, query) => {
                left.iter().for_each(|part| part.visit(see, scan));
                query.visit(see, scan);
            }
            Expr::Any { left, list, .. } => {
                left.visit(see, scan);
                list.visit(see, scan);
            }
        }
    }

    /// Does it speak of a row?
    pub(crate) fn reads(&self, row: usize) -> bool {
        let mut found = false;
        self.visit(
            &mut |expr| {
                found |= matches!(expr, Expr::Column { binding, .. } | Expr::Item { binding, .. } if *binding == row)
            },
            &mut |_| {},
        );
        found
    }
}

impl List {
    fn visit(&self, see: &mut dyn FnMut(&Expr), scan: &mut dyn FnMut(&Scan)) {
        match self {
            List::Items(items) => items.iter().for_each(|item| item.visit(see, scan)),
            List::Query(query) | List::Aggregated(query) => query.visit(see, scan),
            List::Setting { of, .. } => of.visit(see, scan),
        }
    }

    /// What its items are.
    pub(crate) fn ty(&self) -> Option<Type> {
        match self {
            List::Items(items) => items.iter().find_map(Expr::ty),
            List::Query(query) | List::Aggregated(query) => query.branches.first()?.out.first()?.ty(),
            List::Setting { ty, .. } => Some(*ty),
        }
    }
}

impl Query {
    pub(crate) fn visit(&self, see: &mut dyn FnMut(&Expr), scan: &mut dyn FnMut(&Scan)) {
        for branch in &self.branches {
            for one in &branch.from {
                scan(one);
                if let Scan::Items { list, .. } = one {
                    list.visit(see, scan);
                }
            }
            branch.filter.visit(see, scan);
            branch.out.iter().for_each(|out| out.visit(see, scan));
        }
    }
}

/// A moment as RFC 3339 or as PostgreSQL writes it: `2027-01-15 08:00:00+00`.
fn moment(text: &str) -> Option<i64> {
    let text = text.trim().replacen(' ', "T", 1);
    let short = text.rsplit_once(['+', '-']).is_some_and(|(_, offset)| offset.len() == 2 && text.contains(':'));
    tenantry_policy::value::parse_timestamp(&if short { text + ":00" } else { text })
}

/// A value as another type; `None` when the database would raise an error.
pub(crate) fn cast(value: &Value, to: Type) -> Option<Value> {
    use std::str::FromStr;
    if value.ty() == to {
        return Some(value.clone());
    }
    match (value, to) {
        (Value::Text(text), Type::Int) => text.trim().parse().ok().map(Value::Int),
        (Value::Text(text), Type::Decimal) => rust_decimal::Decimal::from_str(text.trim()).ok().map(Value::Decimal),
        (Value::Text(text), Type::Uuid) => uuid::Uuid::from_str(text.trim()).ok().map(Value::Uuid),
        (Value::Text(text), Type::Bool) => match text.trim().to_ascii_lowercase().as_str() {
            "t" | "tr" | "tru" | "true" | "y" | "ye" | "yes" | "on" | "1" => Some(Value::Bool(true)),
            "f" | "fa" | "fal" | "fals" | "false" | "n" | "no" | "of" | "off" | "0" => Some(Value::Bool(false)),
            _ => None,
        },
        (Value::Text(text), Type::Timestamp) => moment(text).map(Value::Timestamp),
        (Value::Int(number), Type::Decimal) => Some(Value::Decimal((*number).into())),
        (Value::Int(number), Type::Bool) => Some(Value::Bool(*number != 0)),
        (Value::Bool(value), Type::Int) => Some(Value::Int((*value).into())),
        (other, Type::Text) => Some(Value::text(&crate::witness::text(other))),
        _ => None,
    }
}

impl Expr {
    /// The same about another row: `from` is a binding, `to` what stands in its place.
    pub(crate) fn about(&self, from: usize, to: usize) -> Expr {
        let mut copy = self.clone();
        copy.rebind(from, to);
        copy
    }

    fn rebind(&mut self, from: usize, to: usize) {
        match self {
            Expr::Column { binding, .. } | Expr::Item { binding, .. } => {
                if *binding == from {
                    *binding = to;
                }
            }
            Expr::Null(_)
            | Expr::Value(_)
            | Expr::Unknown(_)
            | Expr::Setting(_)
            | Expr::Claim { .. }
            | Expr::User(_)
            | Expr::Login
            | Expr::HasRole { .. }
            | Expr::Opaque { .. } => {}
            Expr::Demand(inner)
            | Expr::Cast(inner, _)
            | Expr::Not(inner)
            | Expr::IsNull(inner)
            | Expr::Is(inner, _) => {
                inner.rebind(from, to);
            }
            Expr::NullIf(left, right)
            | Expr::Compare(_, left, right)
            | Expr::Distinct(left, right)
            | Expr::StartsWith(left, right) => {
                left.rebind(from, to);
                right.rebind(from, to);
            }
            Expr::Coalesce(parts) | Expr::And(parts) | Expr::Or(parts) => {
                parts.iter_mut().for_each(|part| part.rebind(from, to));
            }
            Expr::Case(branches, other) => {
                for (when, then) in branches {
                    when.rebind(from, to);
                    then.rebind(from, to);
                }
                other.rebind(from, to);
            }
            Expr::Scalar(query) | Expr::Exists(query) => query.rebind(from, to),
            Expr::Within(left, query) => {
                left.iter_mut().for_each(|part| part.rebind(from, to));
                query.rebind(from, to);
            }
            Expr::Any { left, list, .. } => {
                left.rebind(from, to);
                list.rebind(from, to);
            }
        }
    }
}

impl List {
    fn rebind(&mut self, from: usize, to: usize) {
        match self {
            List::Items(items) => items.iter_mut().for_each(|item| item.rebind(from, to)),
            List::Query(query) | List::Aggregated(query) => query.rebind(from, to),
            List::Setting { of, .. } => of.rebind(from, to),
        }
    }
}

impl Query {
    fn rebind(&mut self, from: usize, to: usize) {
        for branch in &mut self.branches {
            for scan in &mut branch.from {
                if let Scan::Items { list, .. } = scan {
                    list.rebind(from, to);
                }
            }
            branch.filter.rebind(from, to);
            branch.out.iter_mut().for_each(|out| out.rebind(from, to));
        }
    }
}
