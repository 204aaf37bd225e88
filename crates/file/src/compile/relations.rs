//! Ways from one table to another.

use std::sync::Arc;

use tenantry_policy::table::Relation;
use tenantry_policy::{ColumnId, TableId};

use crate::code::FileCode;
use crate::compile::{Compiler, Draft, Drafts};
use crate::model::RelationDecl;
use crate::span::Span;

impl<'a> Compiler<'a> {
    /// Joins the drafts.
    pub(super) fn relations(&mut self, drafts: &mut Drafts<'a>) {
        let mut all = Vec::with_capacity(drafts.len());
        for draft in drafts.iter() {
            let Some(draft) = draft else {
                all.push(Vec::new());
                continue;
            };
            let mut relations = Vec::new();
            for (name, decl) in &draft.decl.relations {
                relations.extend(self.relation(draft, name.as_str(), decl, drafts));
            }
            all.push(relations);
        }
        for (draft, relations) in drafts.iter_mut().zip(all) {
            if let Some(draft) = draft {
                draft.relations = relations;
            }
        }
    }

    fn relation(&mut self, draft: &Draft<'a>, name: &str, decl: &RelationDecl, all: &Drafts<'a>) -> Option<Relation> {
        let path = ["table", draft.name, "relations", name];
        let key_span = self.key_span(&path);
        let at = self.document.table.keys().position(|table| *table == decl.table)?;
        let to = TableId(u16::try_from(at).ok()?);
        // A table that was not found has its own error.
        let other = all.get(at)?.as_ref()?;
        if other.source != draft.source {
            let message = format!("`{}` lives in source `{}`, not in `{}`", other.name, other.source, draft.source);
            self.findings.error(FileCode::RelationAcrossSources, self.span(&[&path[..], &["table"]].concat()), message);
            return None;
        }
        if draft.find(name).and_then(|id| draft.column(id)).is_some_and(|column| column.field.visible()) {
            self.findings
                .error(FileCode::RelationNameClash, key_span, format!("`{name}` is a visible field of the table, too"))
                .hint("give the relation another name");
        }
        let to_one = match (&decl.key, &decl.foreign_key) {
            (Some(_), None) => true,
            (None, Some(_)) => false,
            _ => {
                self.findings
                    .error(FileCode::MissingKey, key_span, "a relation has either `key` or `foreign_key`")
                    .hint("`key` names our columns that point at one row; `foreign_key` names the other table's columns that point at ours");
                return None;
            }
        };
        // The pointing side, and the side pointed at.
        let (from, target) = if to_one { (draft, other) } else { (other, draft) };
        let word = if to_one { "key" } else { "foreign_key" };
        let pointing = self.columns(from, &[&path[..], &[word]].concat())?;
        let pointed = match &decl.references {
            Some(_) => self.columns(target, &[&path[..], &["references"]].concat())?,
            None => pointed_at(from, target, &pointing),
        };
        let span = self.span(&[&path[..], &[word]].concat());
        self.fits(from, target, &pointing, &pointed, span)?;
        let pairs = pointing.into_iter().zip(pointed);
        let pairs = if to_one { pairs.collect() } else { pairs.map(|(theirs, ours)| (ours, theirs)).collect() };
        Some(Relation { name: Arc::from(name), to, to_one, pairs })
    }

    fn columns(&mut self, draft: &Draft<'_>, path: &[&str]) -> Option<Vec<ColumnId>> {
        let items = self.items(path);
        if items.is_empty() {
            self.findings.error(FileCode::RelationKeyMismatch, self.span(path), "no column is named");
            return None;
        }
        // Every misspelt name is reported, not just the first.
        let found: Vec<_> = items.iter().map(|(name, span)| self.column(draft, name, *span)).collect();
        found.into_iter().collect()
    }

    /// Number, types and uniqueness.
    fn fits(
        &mut self,
        from: &Draft<'_>,
        target: &Draft<'_>,
        pointing: &[ColumnId],
        pointed: &[ColumnId],
        span: Span,
    ) -> Option<()> {
        let names = |draft: &Draft<'_>, ids: &[ColumnId]| {
            ids.iter().map(|id| draft.column_name(*id)).collect::<Vec<_>>().join(", ")
        };
        if pointed.is_empty() {
            self.findings
                .error(
                    FileCode::RelationNotUnique,
                    span,
                    format!("table `{}` has no primary key to point at", target.name),
                )
                .hint("name the unique columns that are pointed at: `references = \"code\"`");
            return None;
        }
        if pointing.len() != pointed.len() {
            let message = format!(
                "{} column(s) of `{}` cannot point at {} of `{}` ({})",
                pointing.len(),
                from.name,
                pointed.len(),
                target.name,
                names(target, pointed)
            );
            self.findings
                .error(FileCode::RelationKeyMismatch, span, message)
                .hint("name as many columns, in the same order; several are a list");
            return None;
        }
        for (ours, theirs) in pointing.iter().zip(pointed) {
            let (a, b) = (from.facts(*ours)?, target.facts(*theirs)?);
            if a.ty.is_none() || a.ty != b.ty {
                let message = format!(
                    "`{}.{}` is `{}`, but `{}.{}` is `{}`",
                    from.name, a.name, a.native, target.name, b.name, b.native
                );
                self.findings.error(FileCode::RelationKeyMismatch, span, message);
                return None;
            }
        }
        if !target.is_unique(pointed) {
            let message = format!(
                "`{}` of table `{}` is neither its primary key nor a unique key",
                names(target, pointed),
                target.name
            );
            self.findings.error(FileCode::RelationNotUnique, span, message);
            return None;
        }
        Some(())
    }
}

/// What the pointing columns point at when the file does not say: what the database's foreign key of
/// just these columns says, or else the primary key.
fn pointed_at(from: &Draft<'_>, target: &Draft<'_>, pointing: &[ColumnId]) -> Vec<ColumnId> {
    let declared = from.catalog.foreign_keys.iter().find(|key| {
        key.to_schema == target.catalog.schema
            && key.to_table == target.catalog.name
            && key.columns.len() == pointing.len()
            && pointing.iter().all(|id| key.columns.contains(&id.index()))
    });
    if let Some(key) = declared {
        let matched = pointing.iter().map(|id| {
            let at = key.columns.iter().position(|column| *column == id.index())?;
            target.find(key.to_columns.get(at)?)
        });
        if let Some(columns) = matched.collect::<Option<Vec<_>>>() {
            return columns;
        }
    }
    let key = target.catalog.primary_key.iter();
    key.filter_map(|at| u16::try_from(*at).ok().map(ColumnId)).collect()
}
