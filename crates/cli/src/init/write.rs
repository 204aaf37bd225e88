//! The draft as text.

use std::fmt::Write as _;

use tenantry_policy::Type;
use tenantry_policy::catalog::{Catalog, CatalogColumn, CatalogTable, Dialect, Storage};

use crate::init::names::{sensitive, words};
use crate::init::relations::Model;
use crate::init::tenancy::{Class, Tenancy, Why};
use crate::init::{Decision, Draft, Wishes};

/// Everything found.
pub(super) struct Facts<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) tenancy: &'a Tenancy,
    pub(super) classes: &'a [Class],
    pub(super) models: &'a [Model],
}

/// The text under way, and the decisions that it asks for.
struct Page<'a> {
    facts: &'a Facts<'a>,
    out: String,
    decisions: Vec<Decision>,
}

pub(super) fn write(facts: &Facts<'_>, wishes: &Wishes) -> Draft {
    let mut page = Page { facts, out: String::new(), decisions: Vec::new() };
    page.head(wishes);
    for model in facts.models {
        page.model(model);
    }
    page.left_out();
    page.roles();
    let left_out = facts.catalog.tables.iter().zip(facts.classes);
    Draft {
        text: page.out,
        decisions: page.decisions,
        models: facts.models.iter().map(|model| model.name.clone()).collect(),
        left_out: left_out
            .filter(|(_, class)| matches!(class, Class::LeftOut(_)))
            .map(|(table, _)| table.name.clone())
            .collect(),
    }
}

impl Page<'_> {
    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    /// A comment, one line; names from the database cannot break out of it.
    fn comment(&mut self, text: &str) {
        self.out.push_str("# ");
        self.out.extend(text.chars().map(|character| if character.is_control() { ' ' } else { character }));
        self.out.push('\n');
    }

    /// Puts a question on the list and beside the place it is about.
    fn decide(&mut self, table: Option<&str>, question: &str, meanwhile: &str) {
        self.comment(&["DECIDE: ", question, " Until then: ", meanwhile, "."].concat());
        self.decisions.push(Decision {
            table: table.map(str::to_owned),
            question: question.to_owned(),
            meanwhile: meanwhile.to_owned(),
        });
    }

    fn head(&mut self, wishes: &Wishes) {
        let (catalog, tenancy) = (self.facts.catalog, self.facts.tenancy);
        self.comment("Written by `tenantry init` from the database's own description of its tables.");
        self.comment("Nothing can be written and nothing is granted to anybody yet: see [role.reader].");
        self.comment("Read every line marked DECIDE, then run `tenantry check`.");
        self.line("");
        self.line("[source.main]");
        if catalog.dialect == Dialect::Postgres {
            // Above `url`, so that it stays in this table however the file is laid out.
            self.comment("The runtime role must not own the tables. The owner's address, for `tenantry apply`:");
            self.comment("admin_url = \"env:DATABASE_ADMIN_URL\"");
        }
        self.line(&["url = ", &quoted(&wishes.url)].concat());
        self.line("");
        if !wishes.rights.is_empty() {
            if !wishes.holders.is_empty() {
                let question = format!(
                    "Which role will `url` name? What it may do with governed tables follows from their rules, so take \
                     that out of its `grants` below. Some have such rights now: {}.",
                    wishes.holders.join(", ")
                );
                self.decide(None, &question, "none of these, or `tenantry plan` says RUNTIME_GRANT");
            }
            self.out.push_str(&wishes.rights);
            self.line("");
        }
        match tenancy.table.and_then(|at| catalog.tables.get(at)) {
            Some(table) => {
                let key = table.primary_key.first().and_then(|at| table.columns.get(*at));
                let key = key.map_or("", |column| column.name.as_str());
                let question = format!(
                    "Is a tenant a row of `{}`? Then the key of each [account.…] is its `{key}`, of type {}.",
                    table.name, tenancy.ty
                );
                let other = if tenancy.named {
                    "as you said"
                } else {
                    "yes; `tenantry init --tenant TABLE` takes another table"
                };
                self.decide(None, &question, other);
            }
            None => {
                let question = format!(
                    "Is the tenant's key what columns like `{}_id` hold, of type {}? No table lists the tenants.",
                    tenancy.word, tenancy.ty
                );
                self.decide(None, &question, "yes; `tenantry init --tenant TABLE` takes another table");
            }
        }
        if !tenancy.others.is_empty() {
            let question = format!(
                "Tables also have columns for: {}. Does one of them say whose a row is?",
                tenancy.others.join(", ")
            );
            self.decide(None, &question, &format!("no, they are ordinary columns; `{}` is the tenant", tenancy.word));
        }
    }

    fn model(&mut self, model: &Model) {
        let facts = self.facts;
        let (Some(table), Some(class)) = (facts.catalog.tables.get(model.table), facts.classes.get(model.table)) else {
            return;
        };
        self.line("");
        self.line(&["[table.", &model.name, "]"].concat());
        self.line(&["source = ", &quoted(&path(facts.catalog, table))].concat());
        self.whose(model, table, class);
        if table.primary_key.is_empty() {
            self.decide(
                Some(&table.name),
                &format!("`{}` has no primary key. Give it one?", table.name),
                "rows can be queried, but not named by id, and pages cannot be turned",
            );
        }
        self.storage_hints(table);
        self.line("");
        self.line(&["[table.", &model.name, ".fields]"].concat());
        for column in &table.columns {
            self.field(column);
        }
        if !model.relations.is_empty() {
            self.line("");
            self.line(&["[table.", &model.name, ".relations]"].concat());
            for link in &model.relations {
                let Some(other) = facts.models.get(link.to) else { continue };
                let holder = if link.to_one { Some(table) } else { facts.catalog.tables.get(other.table) };
                let names: Vec<&str> = link
                    .columns
                    .iter()
                    .filter_map(|at| holder?.columns.get(*at))
                    .map(|column| column.name.as_str())
                    .collect();
                let word = if link.to_one { "key" } else { "foreign_key" };
                let line = format!(
                    "{} = {{ table = {}, {word} = {} }}",
                    key(&link.name),
                    quoted(&other.name),
                    columns(&names)
                );
                self.line(&line);
            }
        }
    }

    /// `scope` or `shared`, and what there is to decide about it.
    fn whose(&mut self, model: &Model, table: &CatalogTable, class: &Class) {
        let name_of = |at: &usize| table.columns.get(*at).map_or("", |column| column.name.as_str());
        match class {
            Class::Own { column, rivals } => {
                self.line(&format!("scope = {{ {} = \"principal.tenant_id\" }}", key(name_of(column))));
                if !rivals.is_empty() {
                    let others: Vec<&str> = rivals.iter().map(name_of).collect();
                    self.decide(
                        Some(&table.name),
                        &format!(
                            "Besides `{}`, these columns name a tenant too: {}. Whose is a row?",
                            name_of(column),
                            others.join(", ")
                        ),
                        &format!("the tenant's in `{}`", name_of(column)),
                    );
                }
                if table.columns.get(*column).is_some_and(|column| column.nullable) {
                    self.decide(
                        Some(&table.name),
                        &format!("`{}` may be NULL. Whose are those rows?", name_of(column)),
                        "nobody's: no tenant sees them",
                    );
                }
            }
            Class::Hop { key: foreign_key, to, column, rivals } => {
                let relation = model.relations.iter().find(|link| link.to_one && link.key == *foreign_key);
                let there = self.facts.catalog.tables.get(*to);
                let tenant =
                    there.and_then(|there| there.columns.get(*column)).map_or("", |column| column.name.as_str());
                let relation = relation.map_or("", |link| link.name.as_str());
                let dotted = [relation, ".", tenant].concat();
                self.comment(&format!("No tenant's column of its own: a row belongs to the tenant of its {relation}."));
                self.line(&format!("scope = {{ {} = \"principal.tenant_id\" }}", quoted(&dotted)));
                if !rivals.is_empty() {
                    let others: Vec<&str> = rivals
                        .iter()
                        .filter_map(|at| table.foreign_keys.get(*at))
                        .map(|key| key.to_table.as_str())
                        .collect();
                    self.decide(
                        Some(&table.name),
                        &format!(
                            "A tenant can also be reached through {}. Which way says whose a row is?",
                            others.join(", ")
                        ),
                        &format!("through {relation}"),
                    );
                }
                let nullable = table.foreign_keys.get(*foreign_key).is_some_and(|key| {
                    key.columns.iter().any(|at| table.columns.get(*at).is_none_or(|column| column.nullable))
                });
                if nullable {
                    self.decide(
                        Some(&table.name),
                        &format!("Rows without a {relation} exist, or may. Whose are they?"),
                        "nobody's: no tenant sees them",
                    );
                }
            }
            Class::Shared => {
                self.decide(
                    Some(&table.name),
                    &format!("Nothing in `{}` leads to a tenant. May every tenant read all of it?", table.name),
                    "yes, and nobody writes it",
                );
                self.line("shared = \"TRUE\"");
            }
            Class::LeftOut(_) => {}
        }
    }

    /// What SQLite's integers and texts may mean: only a person can say.
    fn storage_hints(&mut self, table: &CatalogTable) {
        if self.facts.catalog.dialect != Dialect::Sqlite {
            return;
        }
        let mut hints: Vec<String> = Vec::new();
        for column in table.columns.iter().filter(|column| column.storage == Storage::Native) {
            let parts = words(&column.name);
            let ends_in_time = parts.len() > 1
                && parts.last().is_some_and(|last| matches!(last.as_str(), "at" | "time" | "timestamp"));
            let asks = parts.len() > 1 && parts.first().is_some_and(|first| matches!(first.as_str(), "is" | "has"));
            if matches!(column.ty, Some(Type::Int | Type::Text)) && ends_in_time {
                hints.push([&key(&column.name), " = \"timestamp\""].concat());
            } else if column.ty == Some(Type::Int) && asks {
                hints.push([&key(&column.name), " = \"bool\""].concat());
            }
        }
        if !hints.is_empty() {
            self.comment("If these hold microseconds since 1970, or 0 and 1:");
            self.comment(&["types = { ", &hints.join(", "), " }"].concat());
        }
    }

    fn field(&mut self, column: &CatalogColumn) {
        let Some(ty) = column.ty else {
            self.comment(&format!("{}: values of type {} are not governed", key(&column.name), column.native));
            return;
        };
        let name = key(&column.name);
        let line = match sensitive(&column.name) {
            Some(kind) => {
                let rule = kind.rule(ty == Type::Text);
                format!("{name} = {:<14}# sounds like {}", quoted(rule), kind.name())
            }
            None => [&name, " = \"allow\""].concat(),
        };
        self.line(&line);
    }

    fn left_out(&mut self) {
        let facts = self.facts;
        let left_out: Vec<(&CatalogTable, &Why)> = facts
            .catalog
            .tables
            .iter()
            .zip(facts.classes)
            .filter_map(|(table, class)| match class {
                Class::LeftOut(why) => Some((table, why)),
                _ => None,
            })
            .collect();
        if left_out.is_empty() {
            return;
        }
        self.line("");
        self.comment("Left out, and so denied to everybody:");
        for (table, why) in left_out {
            let name = &table.name;
            match why {
                Why::NotATable => self.comment(&format!("- {name}: a view; govern the tables underneath")),
                Why::Housekeeping => self.comment(&format!("- {name}: a tool's own table")),
                Why::Personal(columns) => {
                    let question = format!(
                        "`{name}` leads to no tenant and holds personal data ({}). Whose is it? Give it a tenant's column, or share it with the fields that everybody may see.",
                        columns.join(", ")
                    );
                    self.decide(Some(name), &question, "it is left out");
                    let source = quoted(&path(facts.catalog, table));
                    let model = crate::init::names::snake(name);
                    self.comment(&format!("[table.{model}]"));
                    self.comment(&format!("source = {source}"));
                    self.comment("shared = \"TRUE\"");
                    let harmless: Vec<String> = table
                        .columns
                        .iter()
                        .filter(|column| column.ty.is_some() && sensitive(&column.name).is_none())
                        .map(|column| [&key(&column.name), " = \"allow\""].concat())
                        .collect();
                    self.comment(&["fields = { ", &harmless.join(", "), " }"].concat());
                }
                Why::TooFar(way) => {
                    let question = format!(
                        "`{name}` is {} steps from a tenant ({}), and a scope takes one. Give it a tenant's column?",
                        way.len().saturating_sub(1),
                        way.join(" > ")
                    );
                    self.decide(Some(name), &question, "it is left out");
                }
                Why::UnfitColumn(column, problem) => {
                    let question = format!("`{name}`.`{column}` names a tenant, but {problem}. Change the column?");
                    self.decide(Some(name), &question, "it is left out");
                }
            }
        }
    }

    fn roles(&mut self) {
        let facts = self.facts;
        self.line("");
        self.line("[role.reader]");
        self.line("description = \"Reads what its tenant may see\"");
        self.line("tools = [");
        for model in facts.models {
            let has_key = facts.catalog.tables.get(model.table).is_some_and(|table| !table.primary_key.is_empty());
            let tools: Vec<String> = ["query", "get", "aggregate"]
                .into_iter()
                .filter(|tool| has_key || *tool != "get")
                .map(|tool| quoted(&[&model.name, ".", tool].concat()))
                .collect();
            self.line(&["  ", &tools.join(", "), ","].concat());
        }
        self.line("]");
        self.line("");
        self.comment("Nobody has the role yet. For example:");
        self.comment("[account.\"1\".workspace.prod.user.\"user@example.com\"]");
        self.comment("roles = [\"reader\"]");
    }
}

/// Where a table is, as the file says it: the default schema is left out.
fn path(catalog: &Catalog, table: &CatalogTable) -> String {
    let default = match catalog.dialect {
        Dialect::Sqlite => "main",
        Dialect::Postgres => "public",
    };
    if table.schema == default && !table.name.contains('.') {
        ["main.", &table.name].concat()
    } else {
        ["main.", &table.schema, ".", &table.name].concat()
    }
}

fn columns(names: &[&str]) -> String {
    match names {
        [one] => quoted(one),
        many => ["[", &many.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", "), "]"].concat(),
    }
}

/// A TOML key: bare where it may be.
fn key(name: &str) -> String {
    let bare = !name.is_empty()
        && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_' || character == '-');
    if bare { name.to_owned() } else { quoted(name) }
}

/// A TOML text.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            control if control.is_control() => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04X}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}
