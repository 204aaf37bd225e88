//! Expressions over plain values: the word that a found leak is checked against before it is shown.

use std::collections::BTreeMap;

use tenantry_policy::Value;
use tenantry_policy::condition::Cmp;
use tenantry_policy::database::{Database, DbCommand};

use super::access::{Laws, Roles};
use super::encode::{Step, source};
use super::expr::{Asked, Expr, List, ListForm, Query, ROOT, Scan, Select, cast};
use super::world::Key;

/// A small database with plain values.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Scenery {
    pub(crate) settings: BTreeMap<Key, String>,
    /// Settings that hold lists: their items; `None` for NULL.
    pub(crate) lists: BTreeMap<Key, Vec<Option<Value>>>,
    pub(crate) rows: Vec<PlainRow>,
    pub(crate) login: String,
}

/// A row with plain values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PlainRow {
    pub(crate) relation: usize,
    pub(crate) role: &'static str,
    pub(crate) cells: BTreeMap<usize, Option<Value>>,
    pub(crate) stored: bool,
}

/// There is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The database raises an error.
    Error,
    /// Something is not understood.
    Opaque,
}

type Found = Result<Option<Value>, Stop>;

/// What a binding stands for.
#[derive(Clone)]
enum At {
    Row(usize),
    Item(Option<Value>),
}

/// Evaluates over one scenery.
pub(crate) struct Evaluator<'a> {
    pub(crate) database: &'a Database,
    pub(crate) laws: &'a Laws,
    pub(crate) roles: &'a Roles,
    pub(crate) scenery: &'a Scenery,
}

const DEEPEST: usize = 24;

impl Evaluator<'_> {
    /// Is a condition TRUE of a row?
    pub(crate) fn holds(&self, expr: &Expr, row: usize, actor: &str) -> Result<bool, Stop> {
        Ok(self.eval(expr, &[(ROOT, At::Row(row))], actor, 0)? == Some(Value::Bool(true)))
    }

    /// Do the policies of a row's table let a role act on it, and which of them say so?
    pub(crate) fn allowed(&self, row: usize, role: &str, command: DbCommand, check: bool) -> Result<Vec<usize>, Stop> {
        self.allowed_at(row, role, command, check, 0)
    }

    fn allowed_at(
        &self,
        row: usize,
        role: &str,
        command: DbCommand,
        check: bool,
        depth: usize,
    ) -> Result<Vec<usize>, Stop> {
        let Some(relation) = self.scenery.rows.get(row).map(|row| row.relation) else { return Err(Stop::Error) };
        if depth > DEEPEST {
            return Err(Stop::Error);
        }
        if self.roles.exempt(self.database, relation, role).is_some() {
            return Ok(vec![usize::MAX]);
        }
        let Some(of) = self.database.relations.get(relation) else { return Err(Stop::Error) };
        let (mut widening, mut stopped) = (Vec::new(), None);
        for law in self.laws.of(relation) {
            let Some(policy) = of.policies.get(law.policy) else { continue };
            if !self.roles.applies(policy, role, command) {
                continue;
            }
            let expr = if check { law.check.as_ref().or(law.using.as_ref()) } else { law.using.as_ref() };
            let Some(expr) = expr else { continue };
            let holds = self.eval(expr, &[(ROOT, At::Row(row))], role, depth + 1);
            match (holds, policy.permissive) {
                (Ok(Some(Value::Bool(true))), true) => widening.push(law.policy),
                (Ok(Some(Value::Bool(true))), false) => {}
                (Ok(_), true) => {}
                (Ok(_), false) => return Ok(Vec::new()),
                (Err(stop), true) => stopped = Some(stop),
                (Err(stop), false) => return Err(stop),
            }
        }
        match stopped {
            Some(stop) if widening.is_empty() => Err(stop),
            _ => Ok(widening),
        }
    }

    fn text(&self, key: &Key) -> Option<String> {
        if let Some(items) = self.scenery.lists.get(key) {
            // As a text it is something: whether it is set and empty is what may be asked.
            return Some(items.iter().flatten().map(crate::witness::text).collect::<Vec<_>>().join(","));
        }
        self.scenery.settings.get(key).cloned()
    }

    fn eval(&self, expr: &Expr, env: &[(usize, At)], actor: &str, depth: usize) -> Found {
        if depth > 4 * DEEPEST {
            return Err(Stop::Error);
        }
        let bound = |binding: usize| env.iter().rev().find(|(known, _)| *known == binding).map(|(_, at)| at);
        let value = |expr: &Expr| self.eval(expr, env, actor, depth + 1);
        let yes = |truth: bool| Ok(Some(Value::Bool(truth)));
        match expr {
            Expr::Null(_) => Ok(None),
            Expr::Value(value) => Ok(Some(value.clone())),
            Expr::Unknown(text) => Ok(Some(Value::text(text))),
            Expr::Column { binding, column, .. } => match bound(*binding) {
                Some(At::Row(row)) => {
                    Ok(self.scenery.rows.get(*row).and_then(|row| row.cells.get(column)).cloned().flatten())
                }
                _ => Err(Stop::Error),
            },
            Expr::Item { binding, .. } => match bound(*binding) {
                Some(At::Item(value)) => Ok(value.clone()),
                _ => Err(Stop::Error),
            },
            Expr::Setting(setting) => {
                Ok(self.text(&Key { setting: setting.clone(), path: Vec::new() }).map(|text| Value::text(&text)))
            }
            Expr::Claim { setting, path } => {
                Ok(self.text(&Key { setting: setting.clone(), path: path.clone() }).map(|text| Value::text(&text)))
            }
            Expr::Demand(inner) => value(inner)?.map(Some).ok_or(Stop::Error),
            Expr::User(name) => Ok(Some(Value::text(name.as_deref().unwrap_or(actor)))),
            Expr::Login => Ok(Some(Value::text(&self.scenery.login))),
            Expr::HasRole { user, role, member } => {
                let user = match user {
                    Asked::Actor => actor,
                    Asked::Login => self.scenery.login.as_str(),
                    Asked::Role(name) => name.as_str(),
                };
                yes(user.is_empty()
                    || self.roles.find(user).is_some_and(|user| {
                        user.superuser || if *member { &user.member_of } else { &user.acts_as }.contains(role)
                    }))
            }
            Expr::Cast(inner, to) => match value(inner)? {
                None => Ok(None),
                Some(inner) => cast(&inner, *to).map(Some).ok_or(Stop::Error),
            },
            Expr::NullIf(left, right) => {
                let (left, right) = (value(left)?, value(right)?);
                let equal = matches!((&left, &right), (Some(left), Some(right)) if left.same(right));
                Ok(if equal { None } else { left })
            }
            Expr::Coalesce(parts) => {
                for part in parts {
                    if let Some(found) = value(part)? {
                        return Ok(Some(found));
                    }
                }
                Ok(None)
            }
            Expr::Case(branches, other) => {
                for (when, then) in branches {
                    if value(when)? == Some(Value::Bool(true)) {
                        return value(then);
                    }
                }
                value(other)
            }
            Expr::Scalar(query) => {
                let mut rows = self.rows(query, env, actor, depth + 1)?;
                if rows.len() > 1 && !query.one {
                    return Err(Stop::Error);
                }
                // Any one of them: the one that the solver took is found by whoever asks with each.
                Ok(rows.pop().and_then(|mut row| row.pop()).flatten())
            }
            Expr::Compare(cmp, left, right) => Ok(compare(*cmp, &value(left)?, &value(right)?)),
            Expr::Distinct(left, right) => {
                let distinct = match (value(left)?, value(right)?) {
                    (None, None) => false,
                    (Some(left), Some(right)) => !left.same(&right),
                    _ => true,
                };
                yes(distinct)
            }
            Expr::StartsWith(text, prefix) => Ok(match (value(text)?, value(prefix)?) {
                (Some(Value::Text(text)), Some(Value::Text(prefix))) => {
                    Some(Value::Bool(text.as_bytes().starts_with(prefix.as_bytes())))
                }
                _ => None,
            }),
            Expr::And(parts) | Expr::Or(parts) => {
                let decisive = matches!(expr, Expr::Or(_));
                let (mut unknown, mut stopped) = (false, None);
                for part in parts {
                    match value(part) {
                        Ok(Some(Value::Bool(truth))) if truth == decisive => return yes(decisive),
                        Ok(Some(_)) => {}
                        Ok(None) => unknown = true,
                        Err(stop) => stopped = Some(stop),
                    }
                }
                match stopped {
                    Some(stop) => Err(stop),
                    None if unknown => Ok(None),
                    None => yes(!decisive),
                }
            }
            Expr::Not(inner) => Ok(match value(inner)? {
                Some(Value::Bool(truth)) => Some(Value::Bool(!truth)),
                _ => None,
            }),
            Expr::IsNull(inner) => yes(value(inner)?.is_none()),
            Expr::Is(inner, wanted) => yes(value(inner)? == Some(Value::Bool(*wanted))),
            Expr::Exists(query) => yes(!self.rows(query, env, actor, depth + 1)?.is_empty()),
            Expr::Within(left, query) => {
                let left = left.iter().map(value).collect::<Result<Vec<_>, _>>()?;
                let mut unknown = false;
                for row in self.rows(query, env, actor, depth + 1)? {
                    let parts: Vec<Option<Value>> =
                        left.iter().zip(&row).map(|(left, out)| compare(Cmp::Eq, left, out)).collect();
                    if parts.iter().all(|part| *part == Some(Value::Bool(true))) {
                        return yes(true);
                    }
                    unknown |= !parts.contains(&Some(Value::Bool(false)));
                }
                if unknown { Ok(None) } else { yes(false) }
            }
            Expr::Any { left, cmp, list, all } => {
                let left = value(left)?;
                let items = match list {
                    List::Items(items) => items.iter().map(value).collect::<Result<Vec<_>, _>>()?,
                    List::Query(query) => {
                        let rows = self.rows(query, env, actor, depth + 1)?;
                        rows.into_iter().map(|mut row| row.pop().flatten()).collect()
                    }
                    List::Aggregated(_) => return Err(Stop::Opaque),
                    List::Setting { .. } => match self.listed(list)? {
                        None => return Ok(None),
                        Some(items) => items,
                    },
                };
                let mut unknown = false;
                for item in &items {
                    match compare(*cmp, &left, item) {
                        Some(Value::Bool(truth)) if truth != *all => return yes(!*all),
                        None => unknown = true,
                        Some(_) => {}
                    }
                }
                if unknown { Ok(None) } else { yes(*all) }
            }
            Expr::Opaque { .. } => Err(Stop::Opaque),
        }
    }

    /// The items of a list in a setting; `None` for NULL.
    fn listed(&self, list: &List) -> Result<Option<Vec<Option<Value>>>, Stop> {
        let List::Setting { of, form, .. } = list else { return Err(Stop::Error) };
        let Some((key, steps)) = source(of) else { return Err(Stop::Opaque) };
        if let Some(items) = self.scenery.lists.get(&key) {
            return Ok(Some(items.clone()));
        }
        let mut text = self.scenery.settings.get(&key).cloned();
        for step in steps {
            text = match (step, text) {
                (Step::Demand, None) => return Err(Stop::Error),
                (Step::EmptyIsNull, Some(text)) if text.is_empty() => None,
                (Step::NullIsEmpty, None) => Some(String::new()),
                // A list of nothing, in its form.
                (Step::NullIsNothing, None) => return Ok(Some(Vec::new())),
                (_, text) => text,
            };
        }
        match text {
            None => Ok(None),
            Some(text) if text.is_empty() && matches!(form, ListForm::Separated(_)) => Ok(Some(Vec::new())),
            Some(_) => Err(Stop::Error),
        }
    }

    /// The rows that a subselect makes.
    fn rows(
        &self,
        query: &Query,
        env: &[(usize, At)],
        actor: &str,
        depth: usize,
    ) -> Result<Vec<Vec<Option<Value>>>, Stop> {
        let mut found = Vec::new();
        for branch in &query.branches {
            self.ways(branch, 0, env.to_vec(), actor, depth, &mut found)?;
        }
        Ok(found)
    }

    fn ways(
        &self,
        select: &Select,
        at: usize,
        env: Vec<(usize, At)>,
        actor: &str,
        depth: usize,
        found: &mut Vec<Vec<Option<Value>>>,
    ) -> Result<(), Stop> {
        let Some(scan) = select.from.get(at) else {
            if self.eval(&select.filter, &env, actor, depth + 1)? == Some(Value::Bool(true)) {
                let out = select.out.iter().map(|out| match out {
                    // What EXISTS selects does not matter.
                    Expr::Opaque { .. } => Ok(None),
                    out => self.eval(out, &env, actor, depth + 1),
                });
                found.push(out.collect::<Result<Vec<_>, _>>()?);
            }
            return Ok(());
        };
        match scan {
            Scan::Table { binding, relation, actor: own } => {
                let reader = own.as_deref().unwrap_or(actor);
                for (place, row) in self.scenery.rows.iter().enumerate() {
                    if row.relation != *relation || !row.stored {
                        continue;
                    }
                    if self.allowed_at(place, reader, DbCommand::Select, false, depth + 1)?.is_empty() {
                        continue;
                    }
                    let mut env = env.clone();
                    env.push((*binding, At::Row(place)));
                    self.ways(select, at + 1, env, actor, depth, found)?;
                }
            }
            Scan::Items { binding, list } => {
                let items = match list {
                    List::Setting { .. } => self.listed(list)?.unwrap_or_default(),
                    List::Items(items) => {
                        let items = items.iter().map(|item| self.eval(item, &env, actor, depth + 1));
                        items.collect::<Result<Vec<_>, _>>()?
                    }
                    List::Query(_) | List::Aggregated(_) => return Err(Stop::Opaque),
                };
                for item in items {
                    let mut env = env.clone();
                    env.push((*binding, At::Item(item)));
                    self.ways(select, at + 1, env, actor, depth, found)?;
                }
            }
        }
        Ok(())
    }
}

fn compare(cmp: Cmp, left: &Option<Value>, right: &Option<Value>) -> Option<Value> {
    let (Some(left), Some(right)) = (left, right) else { return None };
    let truth = match cmp {
        Cmp::Eq => left.same(right),
        Cmp::Ne => !left.same(right),
        Cmp::Lt => left.compare(right)?.is_lt(),
        Cmp::Le => left.compare(right)?.is_le(),
        Cmp::Gt => left.compare(right)?.is_gt(),
        Cmp::Ge => left.compare(right)?.is_ge(),
    };
    Some(Value::Bool(truth))
}
