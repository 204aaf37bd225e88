//! Subselects.

use sqlparser::ast;
use tenantry_policy::{Type, Value};

use super::condition::bare;
use super::{Named, Reader, Scope, ident, names};
use crate::database::expr::{Expr, List, Query, Scan, Select, TRUE};

impl Reader<'_> {
    /// A subselect whose rows matter.
    pub(super) fn query(&mut self, scope: &Scope<'_>, query: &ast::Query) -> Result<Query, String> {
        self.rows(scope, query)
    }

    /// The rows of a query, whatever it selects where that is nothing that is understood.
    pub(super) fn rows(&mut self, scope: &Scope<'_>, query: &ast::Query) -> Result<Query, String> {
        if query.with.is_some() || query.fetch.is_some() || !query.locks.is_empty() {
            return Err("a subselect with WITH, FETCH or FOR UPDATE".to_owned());
        }
        let one = match &query.limit_clause {
            None => false,
            Some(ast::LimitClause::LimitOffset { limit: Some(limit), offset: None, limit_by })
                if limit_by.is_empty() =>
            {
                match self.value(scope, limit)? {
                    Expr::Value(Value::Int(1)) => true,
                    _ => return Err("a subselect with LIMIT".to_owned()),
                }
            }
            Some(_) => return Err("a subselect with LIMIT".to_owned()),
        };
        let mut branches = Vec::new();
        self.branches(scope, &query.body, &mut branches)?;
        Ok(Query { branches, one })
    }

    fn branches(&mut self, scope: &Scope<'_>, body: &ast::SetExpr, into: &mut Vec<Select>) -> Result<(), String> {
        match body {
            ast::SetExpr::Select(select) => {
                let branch = self.select(scope, select)?;
                into.extend(branch);
                Ok(())
            }
            ast::SetExpr::Query(query) => {
                let query = self.rows(scope, query)?;
                if query.one {
                    return Err("a subselect with LIMIT in another".to_owned());
                }
                into.extend(query.branches);
                Ok(())
            }
            ast::SetExpr::SetOperation { left, op: ast::SetOperator::Union, right, .. } => {
                self.branches(scope, left, into)?;
                self.branches(scope, right, into)
            }
            _ => Err("a subselect of another kind".to_owned()),
        }
    }

    fn select(&mut self, scope: &Scope<'_>, select: &ast::Select) -> Result<Vec<Select>, String> {
        let grouped = match &select.group_by {
            ast::GroupByExpr::Expressions(parts, more) => !parts.is_empty() || !more.is_empty(),
            ast::GroupByExpr::All(_) => true,
        };
        if grouped || select.having.is_some() || select.qualify.is_some() || select.into.is_some() {
            return Err("a subselect with GROUP BY or HAVING".to_owned());
        }
        if matches!(select.distinct, Some(ast::Distinct::On(_))) {
            return Err("a subselect with DISTINCT ON".to_owned());
        }
        let aggregate = select.projection.iter().find_map(|item| self.aggregate(&item.to_string()));
        if let Some(name) = aggregate.filter(|_| !select.from.is_empty()) {
            return Err([&name, "() in a subselect, which finds a row where there is none"].concat());
        }
        let mut inner = scope.inner();
        let mut from = Vec::new();
        let mut filters = Vec::new();
        for table in &select.from {
            self.factor(&mut inner, &table.relation, &mut from, &mut filters)?;
            for join in &table.joins {
                let on = match &join.join_operator {
                    ast::JoinOperator::Join(on) | ast::JoinOperator::Inner(on) | ast::JoinOperator::CrossJoin(on) => on,
                    _ => return Err("a subselect with an outer join".to_owned()),
                };
                self.factor(&mut inner, &join.relation, &mut from, &mut filters)?;
                match on {
                    ast::JoinConstraint::On(on) => {
                        let on = self.cond(&inner, on);
                        filters.push(on);
                    }
                    ast::JoinConstraint::None => {}
                    _ => return Err("a join by names".to_owned()),
                }
            }
        }
        if let Some(selection) = &select.selection {
            let selection = self.cond(&inner, selection);
            filters.push(selection);
        }
        // Rows of a function that the select itself calls: `SELECT unnest(…)`, `SELECT my_tenants()`.
        if let [ast::SelectItem::UnnamedExpr(only) | ast::SelectItem::ExprWithAlias { expr: only, .. }] =
            select.projection.as_slice()
        {
            if let Ok(list) = self.items(&inner, only) {
                let binding = self.binding();
                let ty = list.ty().unwrap_or(Type::Text);
                from.push(Scan::Items { binding, list });
                return Ok(vec![Select { from, filter: all(filters), out: vec![Expr::Item { binding, ty }] }]);
            }
            if let ast::Expr::Function(function) = bare(only)
                && let Some(rows) = self.returned(&inner, function)
            {
                let mut rows = rows?;
                for branch in &mut rows.branches {
                    let own = std::mem::replace(&mut branch.filter, TRUE);
                    branch.filter = all(filters.iter().cloned().chain([own]).collect());
                    branch.from.splice(0..0, from.iter().cloned());
                }
                return Ok(rows.branches);
            }
        }
        let mut out = Vec::new();
        for item in &select.projection {
            match item {
                ast::SelectItem::UnnamedExpr(value) | ast::SelectItem::ExprWithAlias { expr: value, .. } => {
                    // What EXISTS selects does not matter, so it may be anything.
                    out.push(match self.value(&inner, value) {
                        Ok(value) => value.settled(Type::Text)?,
                        Err(why) => self.opaque(Type::Text, &why),
                    });
                }
                _ => {}
            }
        }
        Ok(vec![Select { from, filter: all(filters), out }])
    }

    /// The first function that is called in a text and may be an aggregate.
    fn aggregate(&self, text: &str) -> Option<String> {
        // What is no aggregate, and is called in what subselects select.
        const PLAIN: [&str; 18] = [
            "coalesce",
            "nullif",
            "current_setting",
            "lower",
            "upper",
            "cast",
            "exists",
            "in",
            "any",
            "all",
            "select",
            "unnest",
            "string_to_array",
            "string_to_table",
            "jsonb_array_elements_text",
            "json_array_elements_text",
            "regexp_split_to_table",
            "array",
        ];
        let text = text.to_lowercase();
        let before = text.match_indices('(').map(|(at, _)| text.get(..at).unwrap_or_default().trim_end());
        let words = before.map(|head| {
            head.rsplit(|c: char| !(c.is_alphanumeric() || c == '_' || c == '"')).next().unwrap_or_default()
        });
        let known = |word: &str| {
            let word = word.trim_matches('"');
            PLAIN.contains(&word) || self.database.functions.iter().any(|function| function.name == word)
        };
        words.filter(|word| !word.is_empty()).find(|word| !known(word)).map(str::to_owned)
    }

    fn factor(
        &mut self,
        inner: &mut Scope<'_>,
        factor: &ast::TableFactor,
        from: &mut Vec<Scan>,
        filters: &mut Vec<Expr>,
    ) -> Result<(), String> {
        let called = |alias: &Option<ast::TableAlias>| alias.as_ref().map(|alias| ident(&alias.name));
        let renamed = |alias: &Option<ast::TableAlias>| -> Vec<String> {
            alias.iter().flat_map(|alias| &alias.columns).map(|column| ident(&column.name)).collect()
        };
        match factor {
            ast::TableFactor::Table { name, alias, args: None, sample: None, .. } => {
                let relation = self.relation(inner, name)?;
                let Some(of) = self.database.relations.get(relation) else { return Err("no such table".to_owned()) };
                if !of.is_table() {
                    return Err(["it reads the view `", &of.title(), "`"].concat());
                }
                if !renamed(alias).is_empty() {
                    return Err("a table with other names for its columns".to_owned());
                }
                let binding = self.binding();
                let alias = called(alias).unwrap_or_else(|| of.name.clone());
                inner.names.push(Named::Table { alias, binding, relation });
                from.push(Scan::Table { binding, relation, actor: inner.actor.clone() });
                Ok(())
            }
            ast::TableFactor::Derived { subquery, alias, .. } => {
                let rows = self.rows(inner, subquery)?;
                let names = match subquery.body.as_ref() {
                    ast::SetExpr::Select(select) => projected(select),
                    _ => Vec::new(),
                };
                derived(inner, rows, called(alias), renamed(alias), names, from, filters)
            }
            ast::TableFactor::Table { name, alias, args: Some(args), sample: None, .. } => {
                let function = function(name, args.args.clone());
                self.called(inner, &function, called(alias), renamed(alias), from, filters)
            }
            ast::TableFactor::Function { name, args, alias, with_ordinality: false, .. } => {
                let function = function(name, args.clone());
                self.called(inner, &function, called(alias), renamed(alias), from, filters)
            }
            ast::TableFactor::UNNEST { alias, array_exprs, with_ordinality: false, .. } => match array_exprs.as_slice()
            {
                [only] => {
                    let list = self.list(inner, only)?;
                    self.item(inner, list, called(alias).unwrap_or_else(|| "unnest".to_owned()), renamed(alias), from);
                    Ok(())
                }
                _ => Err("unnest of several lists".to_owned()),
            },
            ast::TableFactor::NestedJoin { table_with_joins, alias: None } => {
                self.factor(inner, &table_with_joins.relation, from, filters)?;
                for join in &table_with_joins.joins {
                    let (ast::JoinOperator::Join(on) | ast::JoinOperator::Inner(on) | ast::JoinOperator::CrossJoin(on)) =
                        &join.join_operator
                    else {
                        return Err("a subselect with an outer join".to_owned());
                    };
                    self.factor(inner, &join.relation, from, filters)?;
                    match on {
                        ast::JoinConstraint::On(on) => {
                            let on = self.cond(inner, on);
                            filters.push(on);
                        }
                        ast::JoinConstraint::None => {}
                        _ => return Err("a join by names".to_owned()),
                    }
                }
                Ok(())
            }
            _ => Err("a FROM of another kind".to_owned()),
        }
    }

    fn item(&mut self, inner: &mut Scope<'_>, list: List, alias: String, renamed: Vec<String>, from: &mut Vec<Scan>) {
        let binding = self.binding();
        let item = Expr::Item { binding, ty: list.ty().unwrap_or(Type::Text) };
        let column = renamed.into_iter().next();
        let mut columns = vec![(alias.clone(), item.clone()), ("value".to_owned(), item.clone())];
        columns.extend(column.map(|column| (column, item)));
        inner.names.push(Named::Derived { alias, columns });
        from.push(Scan::Items { binding, list });
    }

    fn called(
        &mut self,
        inner: &mut Scope<'_>,
        function: &ast::Function,
        alias: Option<String>,
        renamed: Vec<String>,
        from: &mut Vec<Scan>,
        filters: &mut Vec<Expr>,
    ) -> Result<(), String> {
        let called = names(&function.name)?.pop().unwrap_or_default();
        if let Ok(list) = self.items(inner, &ast::Expr::Function(function.clone())) {
            self.item(inner, list, alias.unwrap_or(called), renamed, from);
            return Ok(());
        }
        let rows = self.returned(inner, function).ok_or("a FROM of a function that returns no rows")??;
        let alias = alias.unwrap_or(called);
        // A function of one column: the column is called like the function.
        let names = vec![alias.clone()];
        derived(inner, rows, Some(alias), renamed, names, from, filters)
    }

    /// A subselect whose one value matters.
    pub(super) fn scalar_query(&mut self, scope: &Scope<'_>, query: &ast::Query) -> Result<Expr, String> {
        if let ast::SetExpr::Select(select) = query.body.as_ref()
            && select.from.is_empty()
            && select.selection.is_none()
            && query.limit_clause.is_none()
            && let [ast::SelectItem::UnnamedExpr(only) | ast::SelectItem::ExprWithAlias { expr: only, .. }] =
                select.projection.as_slice()
        {
            return self.value(scope, only);
        }
        let query = self.rows(scope, query)?;
        match query.branches.as_slice() {
            [only] if only.out.len() == 1 => match only.out.first() {
                Some(Expr::Opaque { why, .. }) => {
                    Err(self.whys.get(*why).cloned().unwrap_or_else(|| "a subselect".to_owned()))
                }
                _ => Ok(Expr::Scalar(Box::new(query))),
            },
            _ => Err("a subselect of several columns or branches".to_owned()),
        }
    }
}

pub(super) fn all(mut parts: Vec<Expr>) -> Expr {
    parts.retain(|part| *part != TRUE);
    match parts.len() {
        0 => TRUE,
        1 => parts.pop().unwrap_or(TRUE),
        _ => Expr::And(parts),
    }
}

/// The names of the columns that a SELECT makes; empty where it has none.
fn projected(select: &ast::Select) -> Vec<String> {
    let name = |item: &ast::SelectItem| match item {
        ast::SelectItem::ExprWithAlias { alias, .. } => ident(alias),
        ast::SelectItem::UnnamedExpr(value) => match bare(value) {
            ast::Expr::Identifier(name) => ident(name),
            ast::Expr::CompoundIdentifier(parts) => parts.last().map(ident).unwrap_or_default(),
            ast::Expr::Function(function) => {
                names(&function.name).ok().and_then(|mut name| name.pop()).unwrap_or_default()
            }
            _ => String::new(),
        },
        // Of a wildcard, whose columns have no places here.
        _ => WILD.to_owned(),
    };
    select.projection.iter().map(name).collect()
}

/// The name of no column.
const WILD: &str = "*";

/// Puts a subselect's tables and filters among those of the select around it.
fn derived(
    inner: &mut Scope<'_>,
    rows: Query,
    alias: Option<String>,
    renamed: Vec<String>,
    names: Vec<String>,
    from: &mut Vec<Scan>,
    filters: &mut Vec<Expr>,
) -> Result<(), String> {
    let Query { mut branches, one: false } = rows else { return Err("a subselect with LIMIT in another".to_owned()) };
    let (Some(only), true) = (branches.pop(), branches.is_empty()) else {
        return Err("a UNION in a FROM".to_owned());
    };
    if names.iter().any(|name| name == WILD) {
        return Err("a subselect of * in a FROM".to_owned());
    }
    let names = renamed
        .into_iter()
        .map(Some)
        .chain(std::iter::repeat(None))
        .zip(names.into_iter().chain(std::iter::repeat_n(String::new(), only.out.len())));
    let columns = names.zip(only.out).map(|((renamed, name), out)| (renamed.unwrap_or(name), out)).collect();
    inner.names.push(Named::Derived { alias: alias.unwrap_or_default(), columns });
    from.extend(only.from);
    filters.push(only.filter);
    Ok(())
}

fn function(name: &ast::ObjectName, args: Vec<ast::FunctionArg>) -> ast::Function {
    ast::Function {
        name: name.clone(),
        uses_odbc_syntax: false,
        parameters: ast::FunctionArguments::None,
        args: ast::FunctionArguments::List(ast::FunctionArgumentList {
            duplicate_treatment: None,
            args,
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    }
}
