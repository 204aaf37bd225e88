//! From the file and the catalogs to the law in force.
//!
//! In order: every table is found in its catalog and its fields are set (`ground`), relations join them
//! (`relations`), rules are compiled over both (`rules`), then writes and budgets (`writes`), and what
//! concerns several tables (`across`).

mod across;
mod ground;
mod relations;
mod rules;
mod version;
mod writes;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use tenantry_policy::attribute::Attributes;
use tenantry_policy::catalog::{Catalog, CatalogColumn, CatalogTable, Dialect};
use tenantry_policy::condition::{ColumnRef, CondError, Names, RelationInfo};
use tenantry_policy::table::{Column, Relation};
use tenantry_policy::{ColumnId, Policy, RelationId, Table, TableId};

use crate::diagnostic::{Diagnostic, Finding, Findings};
use crate::loaded::Loaded;
use crate::model::{Document, TableDecl};
use crate::read::byte_in_literal;
use crate::span::Span;
use crate::words::suggest;

/// A policy, and what probably does not say what was meant.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The law.
    pub policy: Policy,
    /// Of the file and of this compilation.
    pub warnings: Vec<Diagnostic>,
}

/// Resolves every name of the file against the catalogs of its sources (by the sources' names) and
/// makes the policy.
///
/// # Errors
/// Every finding at once, warnings included, in the order of the texts.
pub fn compile(loaded: &Loaded, catalogs: &BTreeMap<String, Catalog>) -> Result<Compiled, Vec<Diagnostic>> {
    let mut compiler = Compiler {
        loaded,
        document: loaded.document(),
        findings: Findings::default(),
        attributes: Attributes::default(),
    };
    let policy = compiler.policy(catalogs);
    let failed = compiler.findings.any_error() || policy.is_none();
    let mut diagnostics = loaded.warnings().to_vec();
    diagnostics.extend(compiler.findings.finish(&loaded.files));
    match policy {
        Some(policy) if !failed => Ok(Compiled { policy, warnings: diagnostics }),
        _ => Err(diagnostics),
    }
}

/// One compilation.
struct Compiler<'a> {
    loaded: &'a Loaded,
    document: &'a Document,
    findings: Findings,
    attributes: Attributes,
}

/// A table on its way: what the catalog and the file say of its columns and relations.
struct Draft<'a> {
    id: TableId,
    name: &'a str,
    decl: &'a TableDecl,
    source: &'a str,
    dialect: Dialect,
    catalog: &'a CatalogTable,
    columns: Vec<Column>,
    key: Vec<ColumnId>,
    relations: Vec<Relation>,
}

impl Draft<'_> {
    fn column(&self, id: ColumnId) -> Option<&Column> {
        self.columns.get(id.index())
    }

    fn find(&self, name: &str) -> Option<ColumnId> {
        let at = self.columns.iter().position(|column| column.facts.name == name)?;
        u16::try_from(at).ok().map(ColumnId)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.facts.name.as_str())
    }

    fn column_name(&self, id: ColumnId) -> &str {
        self.column(id).map_or("", |column| column.facts.name.as_str())
    }

    fn facts(&self, id: ColumnId) -> Option<&CatalogColumn> {
        self.column(id).map(|column| &column.facts)
    }

    /// Do these columns, in any order, hold a value at most once?
    fn is_unique(&self, columns: &[ColumnId]) -> bool {
        let same = |positions: &[usize]| {
            positions.len() == columns.len() && positions.iter().all(|at| columns.iter().any(|id| id.index() == *at))
        };
        (!self.catalog.primary_key.is_empty() && same(&self.catalog.primary_key))
            || self.catalog.unique.iter().any(|key| same(key))
    }
}

/// The drafts by table id; `None` for a table that could not be found.
type Drafts<'a> = Vec<Option<Draft<'a>>>;

/// The names that conditions on one table may use.
struct TableNames<'a> {
    table: &'a Draft<'a>,
    all: &'a [Option<Draft<'a>>],
}

impl TableNames<'_> {
    fn other(&self, relation: RelationId) -> Option<&Draft<'_>> {
        let to = self.table.relations.get(relation.index())?.to;
        self.all.get(to.index())?.as_ref()
    }
}

impl Names for TableNames<'_> {
    fn column(&self, name: &str) -> Option<(ColumnId, &CatalogColumn)> {
        let id = self.table.find(name)?;
        Some((id, self.table.facts(id)?))
    }

    fn column_names(&self) -> Vec<&str> {
        self.table.names().collect()
    }

    fn relation(&self, name: &str) -> Option<RelationInfo> {
        let at = self.table.relations.iter().position(|relation| relation.name.as_ref() == name)?;
        let relation = self.table.relations.get(at)?;
        Some(RelationInfo { id: RelationId(u16::try_from(at).ok()?), to_one: relation.to_one })
    }

    fn relation_names(&self) -> Vec<&str> {
        self.table.relations.iter().map(|relation| relation.name.as_ref()).collect()
    }

    fn related_column(&self, relation: RelationId, name: &str) -> Option<(ColumnId, &CatalogColumn)> {
        let other = self.other(relation)?;
        let id = other.find(name)?;
        Some((id, other.facts(id)?))
    }

    fn related_column_names(&self, relation: RelationId) -> Vec<&str> {
        self.other(relation).map(|other| other.names().collect()).unwrap_or_default()
    }
}

impl<'a> Compiler<'a> {
    fn policy(&mut self, catalogs: &'a BTreeMap<String, Catalog>) -> Option<Policy> {
        let mut drafts = self.ground(catalogs);
        self.relations(&mut drafts);
        let mut tables = Vec::with_capacity(drafts.len());
        let mut hops = Vec::new();
        for draft in &drafts {
            let table = draft.as_ref().and_then(|draft| self.table(draft, &drafts, &mut hops));
            tables.push(table);
        }
        self.cycles(&drafts, &hops);
        let (reach_read, reach_write) = self.reach_ids();
        let tables: Vec<Table> = tables.into_iter().collect::<Option<_>>()?;
        let roles = self.roles(&tables);
        let version = version::of(self.loaded, drafts.iter().flatten().map(|draft| (draft.dialect, draft.catalog)));
        let by_name = tables.iter().map(|table| (table.name.clone(), table.id)).collect();
        let attributes = std::mem::take(&mut self.attributes);
        Some(Policy { version, tables, roles, attributes, reach_read, reach_write, by_name })
    }

    fn table(&mut self, draft: &Draft<'a>, all: &[Option<Draft<'a>>], hops: &mut Vec<across::Hop>) -> Option<Table> {
        let rules = self.rules(draft, all, hops);
        let writes = self.writes(draft, all, &rules);
        let budget = self.budget(draft);
        let by_name = draft
            .names()
            .filter_map(|name| Some((Arc::from(name), draft.find(name)?)))
            .collect::<BTreeMap<Arc<str>, _>>();
        let positions = |key: &[usize]| key.iter().map(|at| u16::try_from(*at).ok().map(ColumnId)).collect();
        Some(Table {
            id: draft.id,
            name: Arc::from(draft.name),
            description: draft.decl.description.as_deref().map(Arc::from),
            source: Arc::from(draft.source),
            dialect: draft.dialect,
            schema: Arc::from(draft.catalog.schema.as_str()),
            db_name: Arc::from(draft.catalog.name.as_str()),
            columns: draft.columns.clone(),
            key: draft.key.clone(),
            unique: draft.catalog.unique.iter().filter_map(|key| positions(key)).collect(),
            relations: draft.relations.clone(),
            tenant: rules.tenant,
            rules: rules.list,
            boundary: rules.boundary,
            writes,
            budget,
            by_name,
        })
    }

    /// The span of the value at a path.
    fn span(&self, path: &[&str]) -> Span {
        self.loaded.root.span_of(path)
    }

    /// The span of the key that a path ends with.
    fn key_span(&self, path: &[&str]) -> Span {
        self.loaded.root.key_span_of(path)
    }

    /// The texts of a list, with their spans.
    fn items(&self, path: &[&str]) -> Vec<(String, Span)> {
        use crate::tree::Tree;
        match self.loaded.root.at(path).map(|node| &node.value) {
            Some(Tree::List(items)) => {
                items.iter().filter_map(|item| Some((item.text()?.to_owned(), item.span))).collect()
            }
            Some(Tree::Text(text)) => vec![(text.clone(), self.span(path))],
            _ => Vec::new(),
        }
    }

    /// Bytes of a decoded text as bytes of the file.
    fn inside(&self, literal: Span, range: &Range<usize>) -> Span {
        let raw = self.loaded.files.slice(literal);
        let start = literal.start + byte_in_literal(raw, range.start);
        let end = literal.start + byte_in_literal(raw, range.end.max(range.start));
        Span { file: literal.file, start, end }
    }

    /// Notes what is wrong with a condition that stands at `literal`.
    fn condition_error(&mut self, literal: Span, error: CondError) -> &mut Finding {
        let span = self.inside(literal, &error.span);
        self.findings.error(error.code, span, error.message).maybe_hint(error.hint)
    }

    /// The column of a name that the file uses; notes an error when there is none.
    fn column(&mut self, draft: &Draft<'_>, name: &str, span: Span) -> Option<ColumnId> {
        let found = draft.find(name);
        if found.is_none() {
            self.findings
                .error(
                    crate::FileCode::UnknownColumn,
                    span,
                    format!("table `{}` has no column `{}`", draft.name, crate::words::brief(name)),
                )
                .maybe_hint(suggest(name, draft.names()));
        }
        found
    }
}

/// Does the reference read the row itself?
fn own(column: ColumnRef) -> Option<ColumnId> {
    match column {
        ColumnRef::Own(id) => Some(id),
        ColumnRef::Hop(..) => None,
    }
}
