//! Conditions: what is TRUE, FALSE or UNKNOWN.

use sqlparser::ast::{self, BinaryOperator, UnaryOperator};
use tenantry_policy::condition::Cmp;
use tenantry_policy::{Type, Value};

use super::{Reader, Scope, shown};
use crate::database::expr::{Expr, List};

impl Reader<'_> {
    /// A condition. Never fails: the smallest part that is not understood is opaque.
    pub(super) fn cond(&mut self, scope: &Scope<'_>, parsed: &ast::Expr) -> Expr {
        match parsed {
            ast::Expr::Nested(inner) => self.cond(scope, inner),
            ast::Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                let (left, right) = (self.cond(scope, left), self.cond(scope, right));
                Expr::And(flat(left, right, |expr| if let Expr::And(parts) = expr { Ok(parts) } else { Err(expr) }))
            }
            ast::Expr::BinaryOp { left, op: BinaryOperator::Or, right } => {
                let (left, right) = (self.cond(scope, left), self.cond(scope, right));
                Expr::Or(flat(left, right, |expr| if let Expr::Or(parts) = expr { Ok(parts) } else { Err(expr) }))
            }
            ast::Expr::UnaryOp { op: UnaryOperator::Not, expr } => Expr::Not(Box::new(self.cond(scope, expr))),
            ast::Expr::IsTrue(inner) => Expr::Is(Box::new(self.cond(scope, inner)), true),
            ast::Expr::IsFalse(inner) => Expr::Is(Box::new(self.cond(scope, inner)), false),
            ast::Expr::IsNotTrue(inner) => not(Expr::Is(Box::new(self.cond(scope, inner)), true)),
            ast::Expr::IsNotFalse(inner) => not(Expr::Is(Box::new(self.cond(scope, inner)), false)),
            _ => self.test(scope, parsed).unwrap_or_else(|why| {
                let why = [shown(&parsed.to_string()), why].join(": ");
                self.opaque(Type::Bool, &why)
            }),
        }
    }

    /// One test.
    fn test(&mut self, scope: &Scope<'_>, parsed: &ast::Expr) -> Result<Expr, String> {
        match parsed {
            ast::Expr::IsNull(inner) => Ok(Expr::IsNull(Box::new(self.nullable(scope, inner)?))),
            ast::Expr::IsNotNull(inner) => Ok(not(Expr::IsNull(Box::new(self.nullable(scope, inner)?)))),
            ast::Expr::IsDistinctFrom(left, right) => self.distinct(scope, left, right),
            ast::Expr::IsNotDistinctFrom(left, right) => Ok(not(self.distinct(scope, left, right)?)),
            ast::Expr::Exists { subquery, negated } => {
                let found = Expr::Exists(Box::new(self.query(scope, subquery)?));
                Ok(if *negated { not(found) } else { found })
            }
            ast::Expr::InSubquery { expr, subquery, negated } => {
                let found = self.within(scope, expr, subquery)?;
                Ok(if *negated { not(found) } else { found })
            }
            ast::Expr::InList { expr, list, negated } => {
                let left = self.value(scope, expr)?;
                let items = list.iter().map(|item| self.value(scope, item)).collect::<Result<Vec<_>, _>>()?;
                let found = any(left, Cmp::Eq, List::Items(items), false)?;
                Ok(if *negated { not(found) } else { found })
            }
            ast::Expr::AnyOp { left, compare_op, right, .. } => {
                if let (BinaryOperator::Eq, ast::Expr::Subquery(query)) = (compare_op, right.as_ref())
                    && has_from(query)
                {
                    return self.within(scope, left, query);
                }
                let (left, list) = (self.value(scope, left)?, self.list(scope, right)?);
                any(left, comparison(compare_op)?, list, false)
            }
            ast::Expr::AllOp { left, compare_op, right } => {
                if let (BinaryOperator::NotEq, ast::Expr::Subquery(query)) = (compare_op, right.as_ref())
                    && has_from(query)
                {
                    return Ok(not(self.within(scope, left, query)?));
                }
                let (left, list) = (self.value(scope, left)?, self.list(scope, right)?);
                any(left, comparison(compare_op)?, list, true)
            }
            ast::Expr::Between { expr, negated, low, high } => {
                let value = self.value(scope, expr)?;
                let (low, high) = (self.value(scope, low)?, self.value(scope, high)?);
                let both = vec![compare(Cmp::Ge, value.clone(), low)?, compare(Cmp::Le, value, high)?];
                Ok(if *negated { not(Expr::And(both)) } else { Expr::And(both) })
            }
            ast::Expr::Like { negated, any: false, expr, pattern, escape_char: None } => {
                let found = self.like(scope, expr, pattern)?;
                Ok(if *negated { not(found) } else { found })
            }
            ast::Expr::BinaryOp { left, op, right } => self.binary(scope, left, op, right),
            _ => {
                let value = self.value(scope, parsed)?.settled(Type::Bool)?;
                if value.ty() == Some(Type::Bool) { Ok(value) } else { Err("it is no condition".to_owned()) }
            }
        }
    }

    fn binary(
        &mut self,
        scope: &Scope<'_>,
        left: &ast::Expr,
        op: &BinaryOperator,
        right: &ast::Expr,
    ) -> Result<Expr, String> {
        match op {
            BinaryOperator::PGLikeMatch => self.like(scope, left, right),
            BinaryOperator::PGNotLikeMatch => Ok(not(self.like(scope, left, right)?)),
            BinaryOperator::PGStartsWith => {
                let (left, right) = (self.text(scope, left)?, self.text(scope, right)?);
                Ok(Expr::StartsWith(Box::new(left), Box::new(right)))
            }
            BinaryOperator::Question => {
                let (setting, path) = self.json(scope, left)?;
                let claim = super::json::claim(setting, path);
                let of = Box::new(if super::json::has_default(left) {
                    Expr::Coalesce(vec![claim, Expr::Value(Value::text("[]"))])
                } else {
                    claim
                });
                let list = List::Setting { of, form: crate::database::expr::ListForm::Json, ty: Type::Text };
                any(self.text(scope, right)?, Cmp::Eq, list, false)
            }
            _ => {
                let cmp = comparison(op)?;
                if let Some(found) = self.counted(scope, left, cmp, right)? {
                    return Ok(found);
                }
                if let (ast::Expr::Tuple(left), ast::Expr::Tuple(right)) = (bare(left), bare(right))
                    && left.len() == right.len()
                    && cmp == Cmp::Eq
                {
                    let mut parts = Vec::new();
                    for (left, right) in left.iter().zip(right) {
                        let (left, right) = (self.value(scope, left)?, self.value(scope, right)?);
                        parts.push(compare(Cmp::Eq, left, right)?);
                    }
                    return Ok(Expr::And(parts));
                }
                if let Some(found) = self.beginning(scope, left, cmp, right)? {
                    return Ok(found);
                }
                let (left, right) = (self.value(scope, left)?, self.value(scope, right)?);
                compare(cmp, left, right)
            }
        }
    }

    /// `(SELECT count(*) FROM …) > 0`: is there one?
    fn counted(
        &mut self,
        scope: &Scope<'_>,
        left: &ast::Expr,
        cmp: Cmp,
        right: &ast::Expr,
    ) -> Result<Option<Expr>, String> {
        let ast::Expr::Subquery(query) = bare(left) else { return Ok(None) };
        let is_count = |expr: &ast::Expr| matches!(bare(expr), ast::Expr::Function(f) if f.name.to_string().eq_ignore_ascii_case("count"));
        let ast::SetExpr::Select(select) = query.body.as_ref() else { return Ok(None) };
        let (Some(ast::SelectItem::UnnamedExpr(only) | ast::SelectItem::ExprWithAlias { expr: only, .. }), 1) =
            (select.projection.first(), select.projection.len())
        else {
            return Ok(None);
        };
        if !is_count(only) || select.from.is_empty() {
            return Ok(None);
        }
        let ast::Expr::Function(function) = bare(only) else { return Ok(None) };
        if !matches!(function.args.to_string().as_str(), "(*)") {
            return Err("it counts values".to_owned());
        }
        // What is counted are the rows that would be there.
        let mut plain = query.as_ref().clone();
        if let ast::SetExpr::Select(select) = plain.body.as_mut() {
            select.projection =
                vec![ast::SelectItem::UnnamedExpr(ast::Expr::Value(ast::Value::Number("1".to_owned(), false).into()))];
        }
        let found = Expr::Exists(Box::new(self.rows(scope, &plain)?));
        match (cmp, self.value(scope, right)?) {
            (Cmp::Gt | Cmp::Ne, Expr::Value(Value::Int(0))) | (Cmp::Ge, Expr::Value(Value::Int(1))) => Ok(Some(found)),
            (Cmp::Eq | Cmp::Le, Expr::Value(Value::Int(0))) | (Cmp::Lt, Expr::Value(Value::Int(1))) => {
                Ok(Some(not(found)))
            }
            _ => Err("it counts rows".to_owned()),
        }
    }

    /// `left(path, 3) = 'abc'`
    fn beginning(
        &mut self,
        scope: &Scope<'_>,
        left: &ast::Expr,
        cmp: Cmp,
        right: &ast::Expr,
    ) -> Result<Option<Expr>, String> {
        let ast::Expr::Function(function) = bare(left) else { return Ok(None) };
        let name = super::names(&function.name)?;
        if !matches!(cmp, Cmp::Eq | Cmp::Ne) || name.last().map(String::as_str) != Some("left") {
            return Ok(None);
        }
        let arguments = super::call::arguments(function)?;
        let [text, length] = arguments.as_slice() else { return Ok(None) };
        let text = self.text(scope, text)?;
        let (Expr::Value(Value::Int(length)), Expr::Value(Value::Text(prefix))) =
            (self.value(scope, length)?, self.text(scope, right)?)
        else {
            return Err("it compares the beginning of a text with something that is no literal".to_owned());
        };
        if usize::try_from(length).ok() != Some(prefix.chars().count()) {
            return Err("it compares a beginning with a text of another length".to_owned());
        }
        let found = Expr::StartsWith(Box::new(text), Box::new(Expr::Value(Value::Text(prefix))));
        Ok(Some(if cmp == Cmp::Ne { not(found) } else { found }))
    }

    fn like(&mut self, scope: &Scope<'_>, text: &ast::Expr, pattern: &ast::Expr) -> Result<Expr, String> {
        let (text, pattern) = (self.text(scope, text)?, self.text(scope, pattern)?);
        let Expr::Value(Value::Text(pattern)) = pattern else {
            return Err("its pattern is made of values, in which % and _ match anything".to_owned());
        };
        let special = |text: &str| text.contains(['%', '_', '\\']);
        let prefix = pattern.strip_suffix('%');
        match prefix {
            None if !special(&pattern) => compare(Cmp::Eq, text, Expr::Value(Value::Text(pattern.clone()))),
            Some(prefix) if !special(prefix) => {
                Ok(Expr::StartsWith(Box::new(text), Box::new(Expr::Value(Value::text(prefix)))))
            }
            _ => Err("its pattern is more than the beginning of a text".to_owned()),
        }
    }

    fn distinct(&mut self, scope: &Scope<'_>, left: &ast::Expr, right: &ast::Expr) -> Result<Expr, String> {
        let (left, right) = (self.value(scope, left)?, self.value(scope, right)?);
        let (left, right) = alike(left, right)?;
        Ok(Expr::Distinct(Box::new(left), Box::new(right)))
    }

    fn within(&mut self, scope: &Scope<'_>, left: &ast::Expr, query: &ast::Query) -> Result<Expr, String> {
        let left = match bare(left) {
            ast::Expr::Tuple(parts) => {
                parts.iter().map(|part| self.value(scope, part)).collect::<Result<Vec<_>, _>>()?
            }
            one => vec![self.value(scope, one)?],
        };
        let mut query = self.query(scope, query)?;
        if query.one {
            return Err("a list of the first row alone".to_owned());
        }
        let mut settled = left;
        for branch in &mut query.branches {
            if branch.out.len() != settled.len() {
                return Err("its subselect has other columns".to_owned());
            }
            for (left, out) in settled.iter_mut().zip(&mut branch.out) {
                let taken = std::mem::replace(out, Expr::Null(None));
                let (one, other) = alike(left.clone(), taken)?;
                (*left, *out) = (one, other);
            }
        }
        Ok(Expr::Within(settled, Box::new(query)))
    }

    /// Something that may be NULL: a value or a condition.
    fn nullable(&mut self, scope: &Scope<'_>, parsed: &ast::Expr) -> Result<Expr, String> {
        self.value(scope, parsed)?.settled(Type::Text)
    }

    pub(super) fn text(&mut self, scope: &Scope<'_>, parsed: &ast::Expr) -> Result<Expr, String> {
        let value = self.value(scope, parsed)?.settled(Type::Text)?;
        if value.ty() == Some(Type::Text) { Ok(value) } else { Err("it is no text".to_owned()) }
    }
}

/// Without parentheses.
pub(super) fn bare(expr: &ast::Expr) -> &ast::Expr {
    match expr {
        ast::Expr::Nested(inner) => bare(inner),
        other => other,
    }
}

pub(super) fn has_from(query: &ast::Query) -> bool {
    !matches!(query.body.as_ref(), ast::SetExpr::Select(select) if select.from.is_empty())
}

pub(super) fn not(expr: Expr) -> Expr {
    Expr::Not(Box::new(expr))
}

fn flat(left: Expr, right: Expr, open: fn(Expr) -> Result<Vec<Expr>, Expr>) -> Vec<Expr> {
    let mut parts = open(left).unwrap_or_else(|one| vec![one]);
    parts.extend(open(right).unwrap_or_else(|one| vec![one]));
    parts
}

fn comparison(op: &BinaryOperator) -> Result<Cmp, String> {
    Ok(match op {
        BinaryOperator::Eq => Cmp::Eq,
        BinaryOperator::NotEq => Cmp::Ne,
        BinaryOperator::Lt => Cmp::Lt,
        BinaryOperator::LtEq => Cmp::Le,
        BinaryOperator::Gt => Cmp::Gt,
        BinaryOperator::GtEq => Cmp::Ge,
        // Written so where the search path does not hold the operator's schema: it is the usual one.
        BinaryOperator::PGCustomBinaryOperator(parts) => match parts.iter().map(String::as_str).collect::<Vec<_>>()[..]
        {
            ["pg_catalog", "="] => Cmp::Eq,
            ["pg_catalog", "<>"] => Cmp::Ne,
            _ => return Err(["the operator ", &parts.join("."), " is not understood"].concat()),
        },
        other => return Err(["the operator ", &other.to_string(), " is not understood"].concat()),
    })
}

/// A comparison of two values of one type.
pub(crate) fn compare(cmp: Cmp, left: Expr, right: Expr) -> Result<Expr, String> {
    let (left, right) = alike(left, right)?;
    let ordered = left.ty().is_some_and(Type::ordered_in_conditions);
    if !ordered && !matches!(cmp, Cmp::Eq | Cmp::Ne) {
        return Err("it compares by an order that is not known".to_owned());
    }
    Ok(Expr::Compare(cmp, Box::new(left), Box::new(right)))
}

/// Both as one type.
fn alike(left: Expr, right: Expr) -> Result<(Expr, Expr), String> {
    match (left.ty(), right.ty()) {
        (None, None) => Ok((left.settled(Type::Text)?, right.settled(Type::Text)?)),
        (Some(ty), None) => Ok((left, right.settled(ty)?)),
        (None, Some(ty)) => Ok((left.settled(ty)?, right)),
        (Some(a), Some(b)) if a == b => Ok((left, right)),
        (Some(Type::Int), Some(Type::Decimal)) => Ok((Expr::Cast(Box::new(left), Type::Decimal), right)),
        (Some(Type::Decimal), Some(Type::Int)) => Ok((left, Expr::Cast(Box::new(right), Type::Decimal))),
        (Some(a), Some(b)) => Err(format!("it compares {a} with {b}")),
    }
}

pub(crate) fn any(left: Expr, cmp: Cmp, list: List, all: bool) -> Result<Expr, String> {
    let ty = left.ty().or_else(|| list.ty()).unwrap_or(Type::Text);
    let left = left.settled(ty)?;
    if !matches!(cmp, Cmp::Eq | Cmp::Ne) && !ty.ordered_in_conditions() {
        return Err("it compares by an order that is not known".to_owned());
    }
    let list = match list {
        List::Items(items) => List::Items(
            items.into_iter().map(|item| alike(left.clone(), item).map(|both| both.1)).collect::<Result<_, _>>()?,
        ),
        other => other,
    };
    match list.ty() {
        Some(items) if items != ty => return Err(format!("it compares {ty} with a list of {items}")),
        _ => {}
    }
    match list {
        List::Aggregated(query) => {
            let none = not(Expr::Exists(query.clone()));
            let found = Expr::Any { left: Box::new(left), cmp, list: List::Query(query), all };
            Ok(Expr::Case(vec![(none, Expr::Null(Some(Type::Bool)))], Box::new(found)))
        }
        list => Ok(Expr::Any { left: Box::new(left), cmp, list, all }),
    }
}
