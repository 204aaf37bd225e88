//! The tools as one caller may use them: each with a description and an exact JSON Schema (2020-12) of its
//! arguments. A schema names the models, fields and relations that the caller may use, and nothing else.
//!
//! At the top of a schema stand neither `oneOf`, `anyOf` nor `allOf`: providers of models refuse them there.
//! What differs between models is told by `if` and `then`.

use tenantry_policy::table::{DeleteMode, Table};
use tenantry_policy::{Bound, Tool};

use crate::json::Json;
use crate::tools::schema::{Forms, Named, list, object, text};

/// A tool that a caller may use.
#[derive(Debug, Clone, PartialEq)]
pub struct Offered {
    /// Its name.
    pub name: &'static str,
    /// What it does, and on which models.
    pub description: String,
    /// The JSON Schema of its arguments.
    pub input: Json,
    /// Does it change rows?
    pub writes: bool,
    /// Does it change or remove what is there already?
    pub destroys: bool,
}

/// The tools that the caller's roles grant on at least one model, in the order in which they are learned.
#[must_use]
pub fn offered(bound: &Bound) -> Vec<Offered> {
    let any: Vec<&Table> = bound.policy.tables.iter().filter(|table| !bound.tools(table.id).is_empty()).collect();
    let mut all = vec![describing(&any)];
    all.extend(Tool::ALL.into_iter().filter_map(|tool| {
        let tables: Vec<&Table> = any.iter().copied().filter(|table| usable(bound, tool, table)).collect();
        (!tables.is_empty()).then(|| one(bound, tool, &tables))
    }));
    all
}

/// Is the tool granted on the table, and does the table take it?
fn usable(bound: &Bound, tool: Tool, table: &Table) -> bool {
    let writes = &table.writes;
    let keyed = || !table.callers_key().is_empty();
    bound.tools(table.id).has(tool)
        && match tool {
            Tool::Query | Tool::Aggregate => true,
            Tool::Get => keyed(),
            Tool::Create | Tool::BulkCreate => writes.create.is_some(),
            Tool::Update => !writes.update.is_empty() && keyed(),
            Tool::BulkUpdate => !writes.update.is_empty(),
            Tool::Delete => writes.delete != DeleteMode::Off && keyed(),
        }
}

/// What each tool is for, in a sentence for whoever chooses one.
fn about(tool: Tool) -> &'static str {
    match tool {
        Tool::Query => "Reads rows of a model, a page at a time, with filters, order and related rows.",
        Tool::Get => "Reads one row of a model by its id, with related rows.",
        Tool::Aggregate => "Counts, adds up or compares values over many rows of a model, in groups.",
        Tool::Create => "Adds one row to a model.",
        Tool::BulkCreate => "Adds several rows to a model, all or none.",
        Tool::Update => "Changes one row of a model, by its id.",
        Tool::BulkUpdate => "Changes several rows of a model, by their ids or by a filter.",
        Tool::Delete => "Removes one row of a model, by its id.",
    }
}

fn describing(tables: &[&Table]) -> Offered {
    let mut properties = Vec::new();
    if !tables.is_empty() {
        properties.push(("model", named(tables)));
    }
    Offered {
        name: "describe_schema",
        description: "Says which models there are for you, with their fields, relations, limits and what may be \
                      written. Without `model`, all of them."
            .to_owned(),
        input: object([
            ("type", text("object")),
            ("properties", object(properties)),
            ("additionalProperties", Json::Bool(false)),
        ]),
        writes: false,
        destroys: false,
    }
}

/// The argument `model`.
fn named(tables: &[&Table]) -> Json {
    let about: Vec<String> = tables
        .iter()
        .map(|table| match &table.description {
            Some(description) => [&table.name, ": ", description].concat(),
            None => table.name.to_string(),
        })
        .collect();
    object([
        ("type", text("string")),
        ("enum", list(tables.iter().map(|table| text(&table.name)))),
        ("description", text(&about.join("; "))),
    ])
}

fn one(bound: &Bound, tool: Tool, tables: &[&Table]) -> Offered {
    let mut forms = Forms::new(bound);
    let of_each: Vec<(Named, Vec<&'static str>)> =
        tables.iter().map(|table| (forms.arguments(tool, table), forms.required(tool, table))).collect();
    let mut members = vec![("type", text("object"))];
    let model = ("model", named(tables));
    let with_model = |required: &[&'static str]| list(["model"].iter().chain(required).map(|name| text(name)));
    match of_each.as_slice() {
        [(properties, required)] => {
            let properties = [model].into_iter().chain(properties.iter().cloned());
            members.push(("properties", object(properties.collect::<Vec<_>>())));
            members.push(("required", with_model(required)));
        }
        several => {
            // What holds for all models stands once, at the top; of the rest, there is what whoever reads no further
            // needs: each argument's name and its type.
            let form = |properties: &Named, name: &str| {
                properties.iter().find(|(known, _)| *known == name).map(|(_, form)| form.clone())
            };
            let shared = |name: &str| {
                let first = several.first().and_then(|(properties, _)| form(properties, name))?;
                several.iter().all(|(properties, _)| form(properties, name).as_ref() == Some(&first)).then_some(first)
            };
            let mut loose: Named = vec![model];
            for (name, form) in several.iter().flat_map(|(properties, _)| properties) {
                if !loose.iter().any(|(known, _)| known == name) {
                    loose.push((name, shared(name).unwrap_or_else(|| outline(form))));
                }
            }
            let common: Vec<&'static str> = several
                .first()
                .into_iter()
                .flat_map(|(_, required)| required.iter().copied())
                .filter(|name| several.iter().all(|(_, required)| required.contains(name)))
                .collect();
            members.push(("properties", object(loose)));
            members.push(("required", with_model(&common)));
            let mut rest: Option<Json> = None;
            for (table, (properties, required)) in tables.iter().zip(several).rev() {
                let is_it = object([("properties", object([("model", object([("const", text(&table.name))]))]))]);
                let own = properties.iter().filter(|(name, _)| shared(name).is_none()).cloned();
                let mut then = vec![("properties", object(own.collect::<Named>()))];
                let own: Vec<&str> = required.iter().copied().filter(|name| !common.contains(name)).collect();
                if !own.is_empty() {
                    then.push(("required", list(own.into_iter().map(text))));
                }
                let mut branch = vec![("if", is_it), ("then", object(then))];
                branch.extend(rest.take().map(|rest| ("else", rest)));
                rest = Some(object(branch));
            }
            if let Some(Json::Object(branch)) = rest {
                let known = [("if"), ("then"), ("else")];
                for (name, form) in branch {
                    if let Some(name) = known.into_iter().find(|known| *known == name) {
                        members.push((name, form));
                    }
                }
            }
        }
    }
    members.push(("additionalProperties", Json::Bool(false)));
    let defined = forms.into_definitions();
    if !defined.is_empty() {
        members.push(("$defs", Json::Object(defined)));
    }
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_ref()).collect();
    let noun = if names.len() == 1 { "Model" } else { "Models" };
    Offered {
        name: tool.name(),
        description: format!("{} {noun}: {}.", about(tool), names.join(", ")),
        input: object(members),
        writes: tool.op() != tenantry_policy::Op::Read,
        destroys: matches!(tool, Tool::Update | Tool::BulkUpdate | Tool::Delete),
    }
}

/// A form's type and description, without what differs between models.
fn outline(form: &Json) -> Json {
    match form {
        Json::Object(members) => {
            let kept = members.iter().filter(|(name, _)| matches!(name.as_str(), "type" | "description"));
            Json::Object(kept.cloned().collect())
        }
        other => other.clone(),
    }
}
