//! Values: columns, literals, settings, casts, and what is made of them.

use sqlparser::ast::{self, UnaryOperator};
use tenantry_policy::condition::Cmp;
use tenantry_policy::{Type, Value};

use super::condition::{bare, compare};
use super::{Named, Reader, Scope, Target, ident, names, shown};
use crate::database::expr::{Expr, cast};

impl Reader<'_> {
    /// A value.
    ///
    /// # Errors
    /// Why it is not understood.
    pub(super) fn value(&mut self, scope: &Scope<'_>, parsed: &ast::Expr) -> Result<Expr, String> {
        match parsed {
            ast::Expr::Nested(inner) => self.value(scope, inner),
            ast::Expr::Value(value) => literal(&value.value, scope),
            ast::Expr::TypedString(typed) => {
                let text = typed.value.clone().into_string().ok_or("a literal is not understood")?;
                let Target::Scalar(ty) = self.target(&typed.data_type)? else {
                    return Err("a literal list".to_owned());
                };
                Expr::Unknown(text).settled(ty)
            }
            ast::Expr::Identifier(name) => self.column(scope, None, &ident(name)),
            ast::Expr::CompoundIdentifier(parts) => {
                let parts: Vec<String> = parts.iter().map(ident).collect();
                match parts.as_slice() {
                    [table, column] | [_, table, column] => self.column(scope, Some(table), column),
                    _ => Err("a name of several parts".to_owned()),
                }
            }
            ast::Expr::Collate { expr, collation } => {
                let name = names(collation)?.pop().unwrap_or_default();
                if matches!(name.as_str(), "C" | "POSIX" | "ucs_basic" | "default") {
                    self.value(scope, expr)
                } else {
                    Err(["it compares by the collation ", &name].concat())
                }
            }
            ast::Expr::Cast { kind: ast::CastKind::Cast | ast::CastKind::DoubleColon, expr, data_type, .. } => {
                self.cast_to(scope, expr, data_type)
            }
            ast::Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match self.value(scope, expr)? {
                Expr::Value(Value::Int(number)) => Ok(Expr::Value(Value::Int(number.saturating_neg()))),
                Expr::Value(Value::Decimal(number)) => Ok(Expr::Value(Value::Decimal(-number))),
                _ => Err("it computes".to_owned()),
            },
            ast::Expr::Case { operand, conditions, else_result, .. } => {
                let operand = operand.as_ref().map(|operand| self.value(scope, operand)).transpose()?;
                let mut branches = Vec::new();
                for branch in conditions {
                    let when = match &operand {
                        None => self.cond(scope, &branch.condition),
                        Some(operand) => compare(Cmp::Eq, operand.clone(), self.value(scope, &branch.condition)?)?,
                    };
                    branches.push((when, self.value(scope, &branch.result)?));
                }
                let other = else_result.as_ref().map(|other| self.value(scope, other)).transpose()?;
                same_types(branches, other.unwrap_or(Expr::Null(None)))
            }
            ast::Expr::Subquery(query) => self.scalar_query(scope, query),
            ast::Expr::Function(function) => self.call(scope, function),
            ast::Expr::BinaryOp { op: ast::BinaryOperator::LongArrow | ast::BinaryOperator::HashLongArrow, .. } => {
                let (setting, path) = self.json(scope, parsed)?;
                Ok(super::json::claim(setting, path))
            }
            ast::Expr::BinaryOp { op, .. } if computes(op) => {
                Err(["it computes: ", &shown(&parsed.to_string())].concat())
            }
            ast::Expr::BinaryOp { .. }
            | ast::Expr::UnaryOp { op: UnaryOperator::Not, .. }
            | ast::Expr::IsNull(_)
            | ast::Expr::IsNotNull(_)
            | ast::Expr::IsTrue(_)
            | ast::Expr::IsFalse(_)
            | ast::Expr::IsNotTrue(_)
            | ast::Expr::IsNotFalse(_)
            | ast::Expr::IsDistinctFrom(..)
            | ast::Expr::IsNotDistinctFrom(..)
            | ast::Expr::Exists { .. }
            | ast::Expr::InSubquery { .. }
            | ast::Expr::InList { .. }
            | ast::Expr::AnyOp { .. }
            | ast::Expr::AllOp { .. }
            | ast::Expr::Between { .. }
            | ast::Expr::Like { .. } => Ok(self.cond(scope, parsed)),
            other => Err([&shown(&other.to_string()), " is not understood"].concat()),
        }
    }

    fn column(&mut self, scope: &Scope<'_>, table: Option<&str>, name: &str) -> Result<Expr, String> {
        let mut place = Some(scope);
        while let Some(here) = place {
            for named in &here.names {
                match named {
                    Named::Table { alias, binding, relation } if table.is_none_or(|table| table == alias) => {
                        let Some(of) = self.database.relations.get(*relation) else { continue };
                        let Some(at) = of.column(name) else { continue };
                        let Some(column) = of.columns.get(at) else { continue };
                        if column.loose {
                            return Err([name, " compares different texts as equal"].concat());
                        }
                        return match column.ty.filter(|ty| ty.in_conditions()) {
                            Some(ty) => Ok(Expr::Column { binding: *binding, column: at, ty }),
                            None => Err([name, " is of the type ", &column.native].concat()),
                        };
                    }
                    Named::Derived { alias, columns } if table.is_none_or(|table| table == alias) => {
                        if let Some((_, value)) = columns.iter().find(|(known, _)| known == name) {
                            return Ok(value.clone());
                        }
                    }
                    _ => {}
                }
            }
            if table.is_none()
                && let Some((_, value)) = here.arguments.iter().find(|(known, _)| known == name)
            {
                return Ok(value.clone());
            }
            place = here.outer;
        }
        Err(["the name `", name, "` leads nowhere"].concat())
    }

    fn cast_to(&mut self, scope: &Scope<'_>, inner: &ast::Expr, ty: &ast::DataType) -> Result<Expr, String> {
        let Target::Scalar(to) = self.target(ty)? else {
            return Err([&shown(&inner.to_string()), " is a list or a document"].concat());
        };
        let value = match bare(inner) {
            // A member of a document, as it is.
            ast::Expr::BinaryOp { op: ast::BinaryOperator::Arrow | ast::BinaryOperator::HashArrow, .. }
                if to != Type::Text =>
            {
                let (setting, path) = self.json(scope, inner)?;
                super::json::claim(setting, path)
            }
            _ => self.value(scope, inner)?,
        };
        let whole = matches!(value, Expr::Unknown(_) | Expr::Value(_) | Expr::Null(_) | Expr::User(_) | Expr::Login);
        if ty.to_string().eq_ignore_ascii_case("name") && !whole {
            return Err("a cast to `name`, which cuts texts".to_owned());
        }
        converted(value, to)
    }
}

/// A value as another type.
pub(super) fn converted(value: Expr, to: Type) -> Result<Expr, String> {
    match value.ty() {
        None => value.settled(to),
        Some(from) if from == to => Ok(value),
        Some(from) => {
            if let Expr::Value(value) = &value {
                return cast(value, to).map(Expr::Value).ok_or_else(|| format!("a literal is no {to}"));
            }
            let known = match (from, to) {
                (Type::Text, _) => to.in_conditions(),
                (Type::Int, Type::Decimal | Type::Bool) | (Type::Bool, Type::Int) => true,
                // Other types write themselves in their own way only.
                (Type::Int | Type::Uuid | Type::Bool, Type::Text) => true,
                _ => false,
            };
            if known { Ok(Expr::Cast(Box::new(value), to)) } else { Err(format!("a cast from {from} to {to}")) }
        }
    }
}

fn computes(op: &ast::BinaryOperator) -> bool {
    use ast::BinaryOperator::{Arrow, Divide, HashArrow, Minus, Modulo, Multiply, Plus, StringConcat};
    matches!(op, Plus | Minus | Multiply | Divide | Modulo | StringConcat | Arrow | HashArrow)
}

fn same_types(branches: Vec<(Expr, Expr)>, other: Expr) -> Result<Expr, String> {
    let ty = branches.iter().find_map(|(_, then)| then.ty()).or_else(|| other.ty()).unwrap_or(Type::Text);
    let settled = branches.into_iter().map(|(when, then)| Ok((when, then.settled(ty)?)));
    let branches = settled.collect::<Result<Vec<_>, String>>()?;
    Ok(Expr::Case(branches, Box::new(other.settled(ty)?)))
}

fn literal(value: &ast::Value, scope: &Scope<'_>) -> Result<Expr, String> {
    Ok(match value {
        ast::Value::Number(text, _) => match text.parse() {
            Ok(number) => Expr::Value(Value::Int(number)),
            Err(_) => Expr::Value(Value::Decimal(
                tenantry_policy::value::parse_decimal(text).ok_or("a number is not understood")?,
            )),
        },
        ast::Value::SingleQuotedString(text) | ast::Value::EscapedStringLiteral(text) => Expr::Unknown(text.clone()),
        ast::Value::DollarQuotedString(text) => Expr::Unknown(text.value.clone()),
        ast::Value::Boolean(value) => Expr::Value(Value::Bool(*value)),
        ast::Value::Null => Expr::Null(None),
        ast::Value::Placeholder(name) => {
            let mut place = Some(scope);
            while let Some(here) = place {
                let number = name.strip_prefix('$').and_then(|number| number.parse::<usize>().ok());
                let at = number.and_then(|number| number.checked_sub(1));
                if let Some((_, value)) = at.and_then(|at| here.arguments.get(at)) {
                    return Ok(value.clone());
                }
                place = here.outer;
            }
            return Err("a parameter leads nowhere".to_owned());
        }
        other => return Err([&other.to_string(), " is not understood"].concat()),
    })
}

/// The parts of COALESCE as one type.
pub(super) fn coalesce(parts: Vec<Expr>) -> Result<Expr, String> {
    let ty = parts.iter().find_map(Expr::ty).unwrap_or(Type::Text);
    let parts = parts.into_iter().map(|part| part.settled(ty)).collect::<Result<Vec<_>, _>>()?;
    if parts.iter().any(|part| part.ty() != Some(ty)) {
        return Err("it chooses between values of different types".to_owned());
    }
    Ok(Expr::Coalesce(parts))
}

/// NULL where an argument is: what STRICT says of a function.
pub(super) fn strictly(arguments: &[(String, Expr)], body: Expr) -> Expr {
    let nulls: Vec<(Expr, Expr)> = arguments
        .iter()
        .filter(|(_, value)| !matches!(value, Expr::Value(_)))
        .map(|(_, value)| (Expr::IsNull(Box::new(value.clone())), Expr::Null(body.ty())))
        .collect();
    if nulls.is_empty() { body } else { Expr::Case(nulls, Box::new(body)) }
}
