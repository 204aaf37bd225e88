//! Tables and columns: what the file says of them, on the ground of what the database says.

use std::collections::BTreeMap;
use std::sync::Arc;

use tenantry_policy::catalog::{Catalog, CatalogColumn, CatalogTable, Dialect, Storage};
use tenantry_policy::redact::Mask;
use tenantry_policy::table::{Column, Field};
use tenantry_policy::{ColumnId, Op, TableId, Type};

use crate::code::FileCode;
use crate::compile::rules::enabled;
use crate::compile::{Compiler, Draft, Drafts};
use crate::model::{FieldDecl, FieldLong, FieldShow, TableDecl};
use crate::span::Span;
use crate::words::{brief, suggest};

impl<'a> Compiler<'a> {
    /// Every table of the file, found in its catalog.
    pub(super) fn ground(&mut self, catalogs: &'a BTreeMap<String, Catalog>) -> Drafts<'a> {
        let mut drafts: Drafts<'a> = Vec::new();
        let mut silent = Vec::new();
        for (at, (name, decl)) in self.document.table.iter().enumerate() {
            let name = name.as_str();
            let source = decl.source.split('.').next().unwrap_or("");
            let Ok(id) = u16::try_from(at).map(TableId) else {
                self.findings.error(
                    FileCode::TooLarge,
                    self.key_span(&["table", name]),
                    "there are more than 65,535 tables",
                );
                break;
            };
            let Some(catalog) = catalogs.get(source) else {
                if !silent.contains(&source) {
                    silent.push(source);
                    let span = self.key_span(&["source", source]);
                    self.findings
                        .error(
                            FileCode::NoCatalog,
                            span,
                            format!("the catalog of source `{}` could not be read", brief(source)),
                        )
                        .hint("check the address, and that the database is reachable");
                }
                drafts.push(None);
                continue;
            };
            let found = self.find_table(name, decl, catalog);
            if let Some(found) = found {
                self.once(&drafts, name, source, found);
            }
            let draft = found.map(|table| self.draft(id, name, decl, source, catalog.dialect, table));
            drafts.push(draft);
        }
        drafts
    }

    fn find_table(&mut self, name: &str, decl: &TableDecl, catalog: &'a Catalog) -> Option<&'a CatalogTable> {
        let (_, rest) = decl.source.split_once('.')?;
        let default = default_schema(catalog.dialect);
        let is = |table: &CatalogTable, schema: &str, name: &str| table.schema == schema && table.name == name;
        let named = rest.split_once('.');
        let found = catalog
            .tables
            .iter()
            .find(|table| named.is_some_and(|(schema, name)| is(table, schema, name)) || is(table, default, rest));
        let span = self.span(&["table", name, "source"]);
        let Some(found) = found else {
            let known: Vec<String> = catalog
                .tables
                .iter()
                .filter(|table| table.is_table)
                .map(|table| match (table.schema == default, named.is_some()) {
                    (true, false) => table.name.clone(),
                    _ => [table.schema.as_str(), ".", &table.name].concat(),
                })
                .collect();
            self.findings
                .error(FileCode::UnknownTable, span, format!("the database has no table `{}`", brief(rest)))
                .maybe_hint(suggest(rest, known.iter().map(String::as_str)));
            return None;
        };
        if !found.is_table {
            self.findings
                .error(FileCode::NotATable, span, format!("`{}` is not a plain table", brief(rest)))
                .hint("govern the tables that it reads instead");
            return None;
        }
        Some(found)
    }

    /// No database table is governed by two entries.
    fn once(&mut self, drafts: &Drafts<'a>, name: &str, source: &str, found: &CatalogTable) {
        let same = |draft: &&Draft<'_>| draft.source == source && std::ptr::eq(draft.catalog, found);
        if let Some(first) = drafts.iter().flatten().find(same) {
            let first_span = self.span(&["table", first.name, "source"]);
            self.findings
                .error(
                    FileCode::GovernedTwice,
                    self.loaded.root.span_of(&["table", name, "source"]),
                    format!("`{name}` and `{}` govern one database table", first.name),
                )
                .label(first_span, "governed here already");
        }
    }

    fn draft(
        &mut self,
        id: TableId,
        name: &'a str,
        decl: &'a TableDecl,
        source: &'a str,
        dialect: Dialect,
        catalog: &'a CatalogTable,
    ) -> Draft<'a> {
        let columns = catalog
            .columns
            .iter()
            .map(|facts| Column { facts: facts.clone(), field: Field::Denied, description: None })
            .collect();
        let mut draft =
            Draft { id, name, decl, source, dialect, catalog, columns, key: Vec::new(), relations: Vec::new() };
        self.storage_types(&mut draft);
        for (column, field) in &decl.fields {
            let path = ["table", name, "fields", column];
            if column == "*" {
                self.findings.error(FileCode::UnknownColumn, self.key_span(&path), "fields are named one by one").hint(
                    "a new column of the database must not show up by itself; name each field that callers may see",
                );
                continue;
            }
            let Some(at) = self.column(&draft, column, self.key_span(&path)) else { continue };
            let Some(facts) = draft.facts(at).cloned() else { continue };
            let Some(shown) = self.field(name, column, field, &facts) else { continue };
            if let Some(column) = draft.columns.get_mut(at.index()) {
                column.field = shown;
                if let FieldDecl::Long(FieldLong { description: Some(text), .. }) = field {
                    column.description = Some(Arc::from(text.as_str()));
                }
            }
        }
        self.key(&mut draft);
        if dialect == Dialect::Sqlite && !catalog.strict {
            self.findings.warning(
                FileCode::NotStrict,
                self.span(&["table", name, "source"]),
                format!("SQLite table `{}` is not STRICT: any column may hold any type", catalog.name),
            );
        }
        draft
    }

    fn key(&mut self, draft: &mut Draft<'_>) {
        let positions = draft.catalog.primary_key.iter().map(|at| u16::try_from(*at).ok().map(ColumnId));
        let key: Vec<ColumnId> = positions.collect::<Option<_>>().unwrap_or_default();
        let usable = key.iter().all(|id| {
            draft.facts(*id).and_then(|facts| facts.ty).is_some_and(|ty| ty.filterable() && ty != Type::Float)
        });
        if key.is_empty() || !usable {
            let message = match key.is_empty() {
                true => format!("table `{}` has no primary key", draft.name),
                false => format!("the primary key of table `{}` has a type that cannot name a row", draft.name),
            };
            self.findings
                .warning(FileCode::NoPrimaryKey, self.span(&["table", draft.name, "source"]), message)
                .hint("`get`, `update`, `delete` and cursors are not available for it");
            return;
        }
        let hidden = key.iter().filter_map(|id| draft.column(*id)).find(|column| !column.field.filterable());
        let by_id = [Op::Update, Op::Delete].into_iter().any(|op| enabled(draft, op));
        if let Some(column) = hidden.filter(|_| by_id) {
            let message = format!(
                "callers cannot name rows of table `{}`: `{}` of its key is not shown in clear",
                draft.name, column.facts.name
            );
            let span = self.span(&["table", draft.name, "source"]);
            self.findings
                .warning(FileCode::NoPrimaryKey, span, message)
                .hint("`get`, `update` and `delete` by id are not available; add it to `fields` if they should be");
        }
        draft.key = key;
    }

    /// What SQLite columns mean.
    fn storage_types(&mut self, draft: &mut Draft<'_>) {
        for (column, meaning) in &draft.decl.types {
            let path = ["table", draft.name, "types", column];
            let (key_span, span) = (self.key_span(&path), self.span(&path));
            let Some(at) = self.column(draft, column, key_span) else { continue };
            if draft.dialect != Dialect::Sqlite {
                self.findings
                    .error(FileCode::BadStorageType, key_span, "`types` is for SQLite columns")
                    .hint("columns of PostgreSQL already have types; remove the entry");
                continue;
            }
            let Some(column) = draft.columns.get_mut(at.index()) else { continue };
            match storage_type(&column.facts, meaning) {
                Some((ty, storage, scale)) => {
                    column.facts.ty = Some(ty);
                    column.facts.storage = storage;
                    column.facts.scale = scale.or(column.facts.scale);
                }
                None => {
                    let message =
                        format!("a column declared `{}` cannot hold `{}`", column.facts.native, brief(meaning));
                    self.findings.error(FileCode::BadStorageType, span, message).hint(
                        "INTEGER: `timestamp`, `bool`; TEXT: `timestamp`, `date`, `uuid`, `json`; NUMERIC: `decimal(SCALE)`",
                    );
                }
            }
        }
    }

    fn field(&mut self, table: &str, column: &str, decl: &FieldDecl, facts: &CatalogColumn) -> Option<Field> {
        let path = ["table", table, "fields", column];
        let span = self.span(&path);
        let shown = match decl {
            FieldDecl::Short(text) => self.short_field(text, span)?,
            FieldDecl::Long(long) => self.long_field(long, &path, span)?,
        };
        if shown.visible() && facts.ty.is_none() {
            self.findings
                .error(
                    FileCode::UngovernedType,
                    span,
                    format!("column `{column}` has type `{}`, which cannot be shown", facts.native),
                )
                .hint("leave the field out, or write \"deny\"");
            return None;
        }
        if let Field::Mask { mask, .. } = &shown
            && *mask != Mask::All
            && facts.ty != Some(Type::Text)
        {
            let ty = facts.ty.map_or("unknown", Type::name);
            self.findings
                .error(
                    FileCode::MaskNotText,
                    span,
                    format!("`mask:{}` needs text, but `{column}` is {ty}", mask.name()),
                )
                .hint("write \"mask\", which shows ***, or \"hash\"");
            return None;
        }
        Some(shown)
    }

    fn short_field(&mut self, text: &str, span: Span) -> Option<Field> {
        match text {
            "allow" => Some(Field::Allow),
            "deny" => Some(Field::Denied),
            "hash" => Some(Field::Hash { filterable: false }),
            "mask" => Some(Field::Mask { mask: Mask::All, filterable: false }),
            _ => match text.strip_prefix("mask:") {
                Some(name) => self.mask(name, span).map(|mask| Field::Mask { mask, filterable: false }),
                None => {
                    self.findings
                        .error(FileCode::BadField, span, format!("`{}` does not say what callers see", brief(text)))
                        .maybe_hint(suggest(text, ["allow", "deny", "hash", "mask", "mask:last4", "mask:email"]));
                    None
                }
            },
        }
    }

    fn long_field(&mut self, long: &FieldLong, path: &[&str; 4], span: Span) -> Option<Field> {
        let filterable = long.filterable.unwrap_or(false);
        let [section, table, fields, column] = path;
        let at = |key: &'static str| [*section, *table, *fields, *column, key];
        let show = match (long.show, &long.mask) {
            (Some(show), None) => show,
            (None | Some(FieldShow::Mask), Some(_)) => FieldShow::Mask,
            (Some(_), Some(_)) => {
                let span = self.span(&at("mask"));
                self.findings.error(FileCode::BadField, span, "a field that is not masked has no `mask`");
                return None;
            }
            (None, None) => {
                self.findings
                    .error(FileCode::BadField, span, format!("field `{column}` does not say what callers see"))
                    .hint("add `show = \"allow\"`, \"deny\", \"hash\" or \"mask\"");
                return None;
            }
        };
        if long.filterable.is_some() && matches!(show, FieldShow::Allow | FieldShow::Deny) {
            let span = self.key_span(&at("filterable"));
            self.findings
                .error(FileCode::BadField, span, "`filterable` is for masked and hashed fields")
                .hint("an allowed field is filterable anyway, a denied one never");
            return None;
        }
        match show {
            FieldShow::Allow => Some(Field::Allow),
            FieldShow::Deny => Some(Field::Denied),
            FieldShow::Hash => Some(Field::Hash { filterable }),
            FieldShow::Mask => {
                let mask = match &long.mask {
                    Some(name) => self.mask(name, self.span(&at("mask")))?,
                    None => Mask::All,
                };
                Some(Field::Mask { mask, filterable })
            }
        }
    }

    fn mask(&mut self, name: &str, span: Span) -> Option<Mask> {
        let mask = Mask::parse(name);
        if mask.is_none() {
            self.findings
                .error(FileCode::BadField, span, format!("there is no mask `{}`", brief(name)))
                .hint("masks are `all`, `email`, `last1` to `last8` and `first1` to `first8`");
        }
        mask
    }
}

/// The schema that a table name without one means.
pub(super) fn default_schema(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "main",
        Dialect::Postgres => "public",
    }
}

/// How a SQLite column of its declared type stores values of another meaning; `None` when it cannot.
fn storage_type(facts: &CatalogColumn, meaning: &str) -> Option<(Type, Storage, Option<u8>)> {
    let native = facts.native.to_ascii_uppercase();
    // SQLite's own rules of affinity, in their order.
    let integer = native.contains("INT") || matches!(native.as_str(), "BOOLEAN" | "BOOL");
    let text = ["CHAR", "CLOB", "TEXT", "DATE", "TIME", "UUID", "JSON"].iter().any(|word| native.contains(word));
    let scale = meaning.strip_prefix("decimal(").and_then(|rest| rest.strip_suffix(')'));
    match meaning {
        "timestamp" if integer => Some((Type::Timestamp, Storage::TimestampMicros, None)),
        "timestamp" if text => Some((Type::Timestamp, Storage::TimestampText, None)),
        "bool" if integer => Some((Type::Bool, Storage::BoolInt, None)),
        "date" if text => Some((Type::Date, Storage::DateText, None)),
        "uuid" if text => Some((Type::Uuid, Storage::UuidText, None)),
        "json" if text => Some((Type::Json, Storage::JsonText, None)),
        "text" if text => Some((Type::Text, Storage::Native, None)),
        "int" if integer => Some((Type::Int, Storage::Native, None)),
        _ if !text => {
            let scale: u8 = scale?.parse().ok().filter(|scale| *scale <= 18)?;
            Some((Type::Decimal, Storage::DecimalNumber, Some(scale)))
        }
        _ => None,
    }
}
