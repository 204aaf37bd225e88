//! Claims: members of a setting that holds a JSON object.

use sqlparser::ast::{self, BinaryOperator};

use super::condition::bare;
use super::{Reader, Scope, Target, names};
use crate::database::expr::Expr;

/// A member as text.
pub(super) fn claim(setting: String, path: Vec<String>) -> Expr {
    if path.is_empty() { Expr::Setting(setting) } else { Expr::Claim { setting, path } }
}

impl Reader<'_> {
    /// The setting and the path that an expression of the type json leads to.
    pub(super) fn json(&mut self, scope: &Scope<'_>, parsed: &ast::Expr) -> Result<(String, Vec<String>), String> {
        match bare(parsed) {
            ast::Expr::BinaryOp { left, op: BinaryOperator::Arrow | BinaryOperator::LongArrow, right } => {
                let (setting, mut path) = self.json(scope, left)?;
                match self.text(scope, right)? {
                    Expr::Value(tenantry_policy::Value::Text(member)) => path.push(member.to_string()),
                    _ => return Err("a member of a document whose name is no literal".to_owned()),
                }
                Ok((setting, path))
            }
            ast::Expr::BinaryOp { left, op: BinaryOperator::HashArrow | BinaryOperator::HashLongArrow, right } => {
                let (setting, mut path) = self.json(scope, left)?;
                let text = match bare(right) {
                    ast::Expr::Cast { expr, .. } => self.text(scope, expr)?,
                    other => self.text(scope, other)?,
                };
                let Expr::Value(tenantry_policy::Value::Text(text)) = text else {
                    return Err("a path into a document that is no literal".to_owned());
                };
                let members = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
                let members = members.ok_or("a path into a document that is no list")?;
                path.extend(members.split(',').map(|member| member.trim().trim_matches('"').to_owned()));
                Ok((setting, path))
            }
            ast::Expr::Cast { expr, data_type, .. } => match self.target(data_type)? {
                Target::Json => match bare(expr) {
                    ast::Expr::BinaryOp { .. } => self.json(scope, expr),
                    other => {
                        let value = self.value(scope, other).or_else(|why| match self.json(scope, other) {
                            Ok((setting, path)) => Ok(claim(setting, path)),
                            Err(_) => Err(why),
                        })?;
                        document(&value).ok_or_else(|| "a document that is no setting".to_owned())
                    }
                },
                Target::Scalar(_) | Target::List(_) => Err("a document made of something else".to_owned()),
            },
            ast::Expr::Subquery(query) => match query.body.as_ref() {
                ast::SetExpr::Select(select) if select.from.is_empty() && select.selection.is_none() => {
                    match select.projection.as_slice() {
                        [ast::SelectItem::UnnamedExpr(only) | ast::SelectItem::ExprWithAlias { expr: only, .. }] => {
                            self.json(scope, only)
                        }
                        _ => Err("a document from a subselect".to_owned()),
                    }
                }
                _ => Err("a document from a table".to_owned()),
            },
            ast::Expr::Function(function) => {
                let name = names(&function.name)?;
                match name.last().map(String::as_str) {
                    Some("coalesce") => {
                        let arguments = super::call::arguments(function)?;
                        let mut found = Err("a document that is no setting".to_owned());
                        if !arguments.iter().all(|one| holds_nothing(one) || !is_literal(one)) {
                            return Err("a document that stands in for a missing one".to_owned());
                        }
                        for argument in &arguments {
                            if let Ok(leads) = self.json(scope, argument) {
                                found = Ok(leads);
                            }
                        }
                        found
                    }
                    Some("to_jsonb" | "to_json" | "jsonb_build_object" | "json_build_object" | "row_to_json") => {
                        Err("a document made of something else".to_owned())
                    }
                    _ => self.inlined(scope, function, |reader, scope, body| reader.json(scope, body)),
                }
            }
            other => Err([&super::shown(&other.to_string()), " is no document that is understood"].concat()),
        }
    }
}

/// Is it a choice whose last part holds nothing, so that it is never NULL?
pub(super) fn has_default(parsed: &ast::Expr) -> bool {
    match bare(parsed) {
        ast::Expr::Cast { expr, .. } => has_default(expr),
        ast::Expr::Function(function) => {
            let coalesce = names(&function.name).ok().and_then(|mut name| name.pop()).as_deref() == Some("coalesce");
            let last = super::call::arguments(function).ok().and_then(|mut arguments| arguments.pop());
            coalesce && last.is_some_and(|last| holds_nothing(&last))
        }
        _ => false,
    }
}

fn is_literal(parsed: &ast::Expr) -> bool {
    match bare(parsed) {
        ast::Expr::Cast { expr, .. } => is_literal(expr),
        ast::Expr::Value(value) => !matches!(value.value, ast::Value::Null),
        ast::Expr::TypedString(_) => true,
        _ => false,
    }
}

/// `'{}'::jsonb`, `'[]'::jsonb`
fn holds_nothing(parsed: &ast::Expr) -> bool {
    match bare(parsed) {
        ast::Expr::Cast { expr, .. } => holds_nothing(expr),
        ast::Expr::Value(value) => match &value.value {
            ast::Value::SingleQuotedString(text) => matches!(text.trim(), "{}" | "[]"),
            _ => false,
        },
        _ => false,
    }
}

/// The setting that a text made into a document comes from.
fn document(value: &Expr) -> Option<(String, Vec<String>)> {
    match value {
        Expr::Setting(name) => Some((name.clone(), Vec::new())),
        Expr::Claim { setting, path } => Some((setting.clone(), path.clone())),
        Expr::Demand(inner) => document(inner),
        Expr::NullIf(inner, other) if is_text(other, &[""]) => document(inner),
        // Supabase asks for the old name first; one of them is set. What stands in for a missing one holds nothing.
        Expr::Coalesce(parts) => {
            let plain = |part: &Expr| !matches!(part, Expr::Value(_)) || is_text(part, &["", "{}", "[]"]);
            parts.iter().all(plain).then(|| parts.iter().rev().find_map(document)).flatten()
        }
        _ => None,
    }
}

fn is_text(value: &Expr, texts: &[&str]) -> bool {
    matches!(value, Expr::Value(tenantry_policy::Value::Text(text)) if texts.contains(&text.as_ref()))
}
