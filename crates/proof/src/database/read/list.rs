//! Lists: arrays, and settings that hold lists.

use sqlparser::ast;
use tenantry_policy::{Type, Value};

use super::condition::{bare, has_from};
use super::{Reader, Scope, Target, names};
use crate::database::expr::{Expr, List, ListForm, Query};

impl Reader<'_> {
    /// An expression whose value is an array.
    pub(super) fn list(&mut self, scope: &Scope<'_>, parsed: &ast::Expr) -> Result<List, String> {
        match bare(parsed) {
            ast::Expr::Array(array) => {
                let items = array.elem.iter().map(|item| self.value(scope, item)).collect::<Result<Vec<_>, _>>()?;
                Ok(List::Items(items))
            }
            ast::Expr::Cast { expr, data_type, .. } => {
                let Target::List(ty) = self.target(data_type)? else { return Err("a list cast to no list".to_owned()) };
                if let Ok(list) = self.list(scope, expr) {
                    return of_type(list, ty);
                }
                let text = self.value(scope, expr)?;
                match &text {
                    Expr::Unknown(literal) => literal_list(literal, ty),
                    Expr::Value(Value::Text(literal)) => literal_list(literal, ty),
                    _ if text.ty() == Some(Type::Text) => held(text, ListForm::Array, ty),
                    _ => Err("a list made of something else".to_owned()),
                }
            }
            ast::Expr::Subquery(query) if !has_from(query) => match query.body.as_ref() {
                ast::SetExpr::Select(select) => match select.projection.as_slice() {
                    [ast::SelectItem::UnnamedExpr(only) | ast::SelectItem::ExprWithAlias { expr: only, .. }]
                        if select.selection.is_none() =>
                    {
                        self.items(scope, only).or_else(|_| self.list(scope, only))
                    }
                    _ => Err("a list from a subselect".to_owned()),
                },
                _ => Err("a list from a subselect".to_owned()),
            },
            ast::Expr::Subquery(query) => self.aggregated(scope, query),
            ast::Expr::Function(function) => {
                let name = names(&function.name)?;
                if let (Some("array"), ast::FunctionArguments::Subquery(query)) =
                    (name.last().map(String::as_str), &function.args)
                {
                    let query = self.query(scope, query)?;
                    if query.one {
                        return Err("a list of the first row alone".to_owned());
                    }
                    return Ok(List::Query(Box::new(query)));
                }
                match name.last().map(String::as_str) {
                    Some("string_to_array") => {
                        let arguments = super::call::arguments(function)?;
                        let [text, separator] = arguments.as_slice() else {
                            return Err("string_to_array with three arguments".to_owned());
                        };
                        let Expr::Value(Value::Text(separator)) = self.text(scope, separator)? else {
                            return Err("a separator that is no literal".to_owned());
                        };
                        held(self.text(scope, text)?, ListForm::Separated(separator.to_string()), Type::Text)
                    }
                    Some("coalesce") => {
                        // With nothing to choose it holds nothing, or the literal that follows.
                        let arguments = super::call::arguments(function)?;
                        let lists =
                            arguments.iter().map(|part| self.list(scope, part)).collect::<Result<Vec<_>, _>>()?;
                        match lists.as_slice() {
                            [one, List::Items(items)] if items.is_empty() => filled(one.clone()),
                            _ => Err("a choice between lists".to_owned()),
                        }
                    }
                    _ => self.inlined(scope, function, |reader, scope, body| match reader.list(scope, body) {
                        Ok(list) => Ok(list),
                        Err(why) => match bare(body) {
                            ast::Expr::Subquery(query) => reader.aggregated(scope, query),
                            _ => Err(why),
                        },
                    }),
                }
            }
            other => Err([&super::shown(&other.to_string()), " is no list that is understood"].concat()),
        }
    }

    /// `SELECT array_agg(x) FROM …`
    fn aggregated(&mut self, scope: &Scope<'_>, query: &ast::Query) -> Result<List, String> {
        let ast::SetExpr::Select(select) = query.body.as_ref() else {
            return Err("a list from a subselect".to_owned());
        };
        let [ast::SelectItem::UnnamedExpr(only) | ast::SelectItem::ExprWithAlias { expr: only, .. }] =
            select.projection.as_slice()
        else {
            return Err("a list from a subselect of several columns".to_owned());
        };
        let ast::Expr::Function(function) = bare(only) else { return Err("a list from a column".to_owned()) };
        if names(&function.name)?.last().map(String::as_str) != Some("array_agg") || function.filter.is_some() {
            return Err("a list from a column".to_owned());
        }
        let arguments = super::call::arguments(function)?;
        let [argument] = arguments.as_slice() else { return Err("a list of several".to_owned()) };
        let mut plain = query.clone();
        if let ast::SetExpr::Select(select) = plain.body.as_mut() {
            select.projection = vec![ast::SelectItem::UnnamedExpr(argument.clone())];
        }
        Ok(List::Aggregated(Box::new(self.rows(scope, &plain)?)))
    }

    /// What a function that returns rows of one column returns, where it goes through a list.
    pub(super) fn items(&mut self, scope: &Scope<'_>, parsed: &ast::Expr) -> Result<List, String> {
        let (inner, to) = match bare(parsed) {
            ast::Expr::Cast { expr, data_type, .. } => (bare(expr), Some(self.target(data_type)?)),
            other => (other, None),
        };
        let ast::Expr::Function(function) = inner else { return Err("no rows".to_owned()) };
        let name = names(&function.name)?;
        let arguments = super::call::arguments(function).unwrap_or_default();
        let list = match (name.last().map(String::as_str), arguments.as_slice()) {
            (Some("unnest"), [list]) => match self.list(scope, list)? {
                // Of NULL, as of nothing, there are no rows.
                List::Aggregated(query) => List::Query(query),
                other => other,
            },
            (Some("jsonb_array_elements_text" | "json_array_elements_text"), [document]) => {
                let (setting, path) = self.json(scope, document)?;
                let of = Box::new(super::json::claim(setting, path));
                List::Setting { of, form: ListForm::Json, ty: Type::Text }
            }
            (Some("string_to_table" | "regexp_split_to_table"), [text, separator]) => {
                let Expr::Value(Value::Text(separator)) = self.text(scope, separator)? else {
                    return Err("a separator that is no literal".to_owned());
                };
                if name.last().is_some_and(|name| name == "regexp_split_to_table") && separator.as_ref() != "," {
                    return Err("it splits by a pattern".to_owned());
                }
                held(self.text(scope, text)?, ListForm::Separated(separator.to_string()), Type::Text)?
            }
            _ => return Err([&name.join("."), "() returns rows that are not understood"].concat()),
        };
        match to {
            None => Ok(list),
            Some(Target::Scalar(ty)) => of_type(list, ty),
            Some(_) => Err("rows cast to lists".to_owned()),
        }
    }
}

/// A list that a setting holds.
fn held(of: Expr, form: ListForm, ty: Type) -> Result<List, String> {
    if crate::database::encode::source(&of).is_none() {
        return Err("a list made of something that is no setting".to_owned());
    }
    Ok(List::Setting { of: Box::new(of), form, ty })
}

/// A list with its items cast.
fn of_type(list: List, ty: Type) -> Result<List, String> {
    Ok(match list {
        List::Items(items) => {
            List::Items(items.into_iter().map(|item| super::value::converted(item, ty)).collect::<Result<_, _>>()?)
        }
        List::Setting { of, form, ty: from } if from == Type::Text || from == ty => List::Setting { of, form, ty },
        List::Query(query) => List::Query(cast(query, ty)?),
        List::Aggregated(query) => List::Aggregated(cast(query, ty)?),
        List::Setting { ty: from, .. } => return Err(format!("a list of {from} as one of {ty}")),
    })
}

fn cast(mut query: Box<Query>, ty: Type) -> Result<Box<Query>, String> {
    for branch in &mut query.branches {
        let out = std::mem::take(&mut branch.out);
        branch.out = out.into_iter().map(|out| super::value::converted(out, ty)).collect::<Result<_, _>>()?;
    }
    Ok(query)
}

/// A list with nothing in it where there is none.
fn filled(list: List) -> Result<List, String> {
    let none = |of: Box<Expr>, none: &str| Expr::Coalesce(vec![*of, Expr::Value(Value::text(none))]);
    Ok(match list {
        List::Items(_) | List::Query(_) => list,
        List::Aggregated(query) => List::Query(query),
        List::Setting { of, form, ty } => {
            let of = match &form {
                ListForm::Separated(_) => none(of, ""),
                ListForm::Array => none(of, "{}"),
                ListForm::Json => none(of, "[]"),
            };
            List::Setting { of: Box::new(of), form, ty }
        }
    })
}

/// `{a,b}`
fn literal_list(text: &str, ty: Type) -> Result<List, String> {
    let inner =
        text.trim().strip_prefix('{').and_then(|text| text.strip_suffix('}')).ok_or("a literal that is no list")?;
    if inner.contains(['"', '\\', '{']) {
        return Err("a literal list with quotes".to_owned());
    }
    let items = inner.split(',').map(str::trim).filter(|item| !item.is_empty());
    Ok(List::Items(items.map(|item| Expr::Unknown(item.to_owned()).settled(ty)).collect::<Result<_, _>>()?))
}
