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
        let name = |id: TableId| drafts.get(id.index()).and_then(Option::as_ref).map_or("", |draft| draft.name);
        for circle in circles(drafts.len(), hops) {
            let Some((first, rest)) = circle.split_first() else { continue };
            let mut names: Vec<&str> = circle.iter().map(|hop| name(hop.from)).collect();
            names.push(name(first.from));
            let message = format!("rules hop in a circle: {}", names.join(" -> "));
            let finding = self.findings.error(FileCode::RuleCycle, first.span, message);
            for hop in rest {
                finding.label(hop.span, format!("goes on to `{}`", name(hop.to)));
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

/// One circle of every knot of hops. Tables from which all ways end are peeled off first; from what is left,
/// every way leads into a circle.
fn circles(tables: usize, hops: &[Hop]) -> Vec<Vec<&Hop>> {
    let mut ways = vec![0_usize; tables];
    let mut into: Vec<Vec<usize>> = vec![Vec::new(); tables];
    for hop in hops {
        if let (Some(count), Some(sources)) = (ways.get_mut(hop.from.index()), into.get_mut(hop.to.index())) {
            *count += 1;
            sources.push(hop.from.index());
        }
    }
    let mut ended: Vec<usize> = (0..tables).filter(|table| ways.get(*table) == Some(&0)).collect();
    while let Some(table) = ended.pop() {
        for source in into.get(table).into_iter().flatten() {
            if let Some(count) = ways.get_mut(*source) {
                *count -= 1;
                if *count == 0 {
                    ended.push(*source);
                }
            }
        }
    }
    let mut next: Vec<Option<&Hop>> = vec![None; tables];
    let open = |id: TableId| ways.get(id.index()).is_some_and(|count| *count > 0);
    for hop in hops.iter().filter(|hop| open(hop.from) && open(hop.to)) {
        if let Some(slot) = next.get_mut(hop.from.index()) {
            slot.get_or_insert(hop);
        }
    }
    let mut seen = vec![usize::MAX; tables];
    let mut found = Vec::new();
    for start in 0..tables {
        let mut path: Vec<&Hop> = Vec::new();
        let mut here = start;
        while let (Some(mark), Some(Some(hop))) = (seen.get_mut(here), next.get(here)) {
            if *mark != usize::MAX {
                if *mark == start {
                    found.push(path.into_iter().skip_while(|hop| hop.from.index() != here).collect());
                }
                break;
            }
            *mark = start;
            path.push(hop);
            here = hop.to.index();
        }
    }
    found
}
