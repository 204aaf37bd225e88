//! What concerns several tables: circles of hops, reach lists, and the tools of roles.

use std::collections::HashMap;
use std::sync::Arc;

use tenantry_policy::attribute::AttrId;
use tenantry_policy::condition::parse_attr_path;
use tenantry_policy::policy::RoleGrants;
use tenantry_policy::table::DeleteMode;
use tenantry_policy::tool::ToolSet;
use tenantry_policy::{Table, TableId, Tool, Type};

use crate::code::FileCode;
use crate::compile::{Compiler, Draft};
use crate::span::Span;

/// A rule of one table that reads another table.
pub(super) struct Hop {
    pub(super) from: TableId,
    pub(super) to: TableId,
    /// The rule.
    pub(super) span: Span,
}

impl<'a> Compiler<'a> {
    /// Refuses rules whose hops lead back to where they began: whether a row is visible would then
    /// depend on itself, and PostgreSQL refuses such policies at run time.
    pub(super) fn cycles(&mut self, drafts: &[Option<Draft<'a>>], hops: &[Hop]) {
        let mut done = vec![false; drafts.len()];
        for start in 0..drafts.len() {
            let mut path: Vec<&Hop> = Vec::new();
            if !done.get(start).copied().unwrap_or(true)
                && let Some(circle) = circle(start, hops, &mut path, &mut done)
            {
                let name = |id: TableId| drafts.get(id.index()).and_then(Option::as_ref).map_or("", |draft| draft.name);
                let mut names: Vec<&str> = circle.iter().map(|hop| name(hop.from)).collect();
                names.extend(circle.first().map(|hop| name(hop.from)));
                let Some((first, rest)) = circle.split_first() else { continue };
                let message = format!("rules hop in a circle: {}", names.join(" -> "));
                let finding = self.findings.error(FileCode::RuleCycle, first.span, message);
                rest.iter().for_each(|hop| {
                    finding.label(hop.span, format!("goes on to `{}`", name(hop.to)));
                });
            }
        }
    }

    /// The reach lists for reads and writes. A list that no table's tenant gave a type holds text.
    pub(super) fn reach_ids(&mut self) -> (Vec<AttrId>, Vec<AttrId>) {
        let [read, write] = ["read", "write"].map(|kind| {
            let mut ids = Vec::new();
            for (text, _) in self.items(&["tenancy", "reach", kind]) {
                let Ok(path) = parse_attr_path(&text) else { continue };
                let id = self.attributes.find(&path).or_else(|| self.attributes.note(path, Type::Text, true).ok());
                ids.extend(id.filter(|id| !ids.contains(id)));
            }
            ids
        });
        (read, write)
    }

    /// What each role grants.
    pub(super) fn roles(&mut self, tables: &[Table]) -> HashMap<Arc<str>, RoleGrants> {
        let mut roles = HashMap::new();
        for (name, role) in &self.document.role {
            let mut sets: Vec<(TableId, ToolSet)> = Vec::new();
            for (at, text) in role.tools.iter().enumerate() {
                let Some((table, verb)) = text.split_once('.') else { continue };
                let Some(table) = tables.iter().find(|known| known.name.as_ref() == table) else { continue };
                let granted = match Tool::parse(verb) {
                    Some(tool) => {
                        if let Some(why) = off(table, tool) {
                            let spans = self.items(&["role", name, "tools"]);
                            let span = spans.get(at).map(|(_, span)| *span);
                            let message = format!("role `{name}` grants `{text}`, but {why}");
                            self.findings.warning(FileCode::ToolWithoutEffect, span, message);
                        }
                        ToolSet::NONE.with(tool)
                    }
                    // All tools that the table has at all.
                    None => Tool::ALL
                        .into_iter()
                        .filter(|tool| off(table, *tool).is_none())
                        .fold(ToolSet::NONE, ToolSet::with),
                };
                match sets.iter_mut().find(|(known, _)| *known == table.id) {
                    Some((_, set)) => *set = set.union(granted),
                    None => sets.push((table.id, granted)),
                }
            }
            sets.retain(|(_, set)| !set.is_empty());
            sets.sort_by_key(|(table, _)| *table);
            roles.insert(Arc::from(name.as_str()), RoleGrants { tools: sets });
        }
        roles
    }
}

/// Why a tool can do nothing on a table.
fn off(table: &Table, tool: Tool) -> Option<&'static str> {
    let keyless = table.key.is_empty();
    match tool {
        Tool::Query | Tool::Aggregate => None,
        Tool::Get => keyless.then_some("the table has no primary key"),
        Tool::Create | Tool::BulkCreate => table.writes.create.is_none().then_some("creating is off"),
        Tool::Update | Tool::BulkUpdate if table.writes.update.is_empty() => Some("updating is off"),
        Tool::Update => keyless.then_some("the table has no primary key"),
        Tool::BulkUpdate => None,
        Tool::Delete if table.writes.delete == DeleteMode::Off => Some("deleting is off"),
        Tool::Delete => keyless.then_some("the table has no primary key"),
    }
}

/// A circle that can be reached from `here`, by depth-first search. Tables that lead to none are `done`.
fn circle<'h>(here: usize, hops: &'h [Hop], path: &mut Vec<&'h Hop>, done: &mut [bool]) -> Option<Vec<&'h Hop>> {
    for hop in hops.iter().filter(|hop| hop.from.index() == here) {
        path.push(hop);
        if let Some(at) = path.iter().position(|earlier| earlier.from == hop.to) {
            let found: Vec<&Hop> = path.iter().skip(at).copied().collect();
            for hop in path.iter() {
                if let Some(flag) = done.get_mut(hop.from.index()) {
                    *flag = true;
                }
            }
            return Some(found);
        }
        if !done.get(hop.to.index()).copied().unwrap_or(true)
            && let Some(found) = circle(hop.to.index(), hops, path, done)
        {
            return Some(found);
        }
        path.pop();
    }
    if let Some(flag) = done.get_mut(here) {
        *flag = true;
    }
    None
}
