//! `describe_schema`: what the caller may use: models, fields, relations, limits. It never names
//! anything else.

use tenantry_policy::bound::Verdict;
use tenantry_policy::table::{DeleteMode, Field, Table};
use tenantry_policy::{Bound, Code, ColumnId, Denied, Op, Tool};

use crate::arguments::Arguments;
use crate::json::Json;

/// Reads the arguments: the one model asked about, or none for all.
pub(crate) fn read(mut arguments: Arguments) -> Result<Option<String>, Denied> {
    let model = arguments.text("model")?;
    arguments.finish()?;
    Ok(model)
}

/// The answer's `data`.
pub(crate) fn describe(bound: &Bound, model: Option<&str>) -> Result<Json, Denied> {
    let mut models = Vec::new();
    for table in &bound.policy.tables {
        if !bound.tools(table.id).is_empty() && model.is_none_or(|wanted| wanted == table.name.as_ref()) {
            models.push(one(bound, table));
        }
    }
    match model {
        Some(wanted) if models.is_empty() => {
            let shown: String = wanted.chars().filter(|c| !c.is_control()).take(64).collect();
            Err(Denied::new(Code::ModelNotAllowed, format!("there is no model `{shown}` that you may use"))
                .hint("call `describe_schema` without `model` for all that you may use"))
        }
        _ => Ok(object([("models", Json::List(models))])),
    }
}

fn one(bound: &Bound, table: &Table) -> Json {
    let tools = bound.tools(table.id);
    let names = |ids: &[ColumnId]| {
        Json::List(ids.iter().filter_map(|id| table.column(*id)).map(|column| text(&column.facts.name)).collect())
    };
    let mut members = vec![("model".to_owned(), text(&table.name))];
    if let Some(description) = &table.description {
        members.push(("description".to_owned(), text(description)));
    }
    members.push(("tools".to_owned(), Json::List(tools.iter().map(|tool| text(tool.name())).collect())));
    members.push(("id".to_owned(), names(table.callers_key())));
    members.push(("fields".to_owned(), Json::List(fields(table))));
    members.push(("relations".to_owned(), Json::List(relations(bound, table))));
    members.push((
        "limits".to_owned(),
        object([
            ("max_rows", number(table.budget.max_rows)),
            ("max_includes", number(table.budget.max_includes)),
            ("max_filters", number(table.budget.max_filters)),
            ("max_in", number(table.budget.max_in)),
            ("must_filter_one_of", names(&table.budget.require_filter)),
        ]),
    ));
    let writes = &table.writes;
    let mut write = Vec::new();
    if tools.iter().any(|tool| tool.op() == Op::Create)
        && let Some(columns) = &writes.create
    {
        write.push(("create".to_owned(), names(columns)));
        write.push(("required".to_owned(), names(&writes.required)));
    }
    if tools.iter().any(|tool| tool.op() == Op::Update) && !writes.update.is_empty() {
        write.push(("update".to_owned(), names(&writes.update)));
    }
    if tools.has(Tool::Delete) && writes.delete != DeleteMode::Off {
        write.push(("delete".to_owned(), text(if writes.delete == DeleteMode::Hard { "removes" } else { "marks" })));
    }
    if !write.is_empty() {
        write.push(("reason_required".to_owned(), Json::Bool(writes.require_reason)));
        write.push(("max_rows".to_owned(), number(writes.max_rows)));
        let approval: Vec<Json> =
            writes.approval.iter().flat_map(|approval| approval.on.iter()).map(|op| text(op.name())).collect();
        write.push(("approval_required".to_owned(), Json::List(approval)));
        members.push(("write".to_owned(), Json::Object(write)));
    }
    Json::Object(members)
}

fn fields(table: &Table) -> Vec<Json> {
    table
        .columns
        .iter()
        .filter(|column| column.field.visible())
        .map(|column| {
            let mut members = vec![
                ("name".to_owned(), text(&column.facts.name)),
                ("type".to_owned(), text(column.facts.ty.map_or("unknown", |ty| ty.name()))),
                ("nullable".to_owned(), Json::Bool(column.facts.nullable)),
            ];
            match &column.field {
                Field::Mask { mask, .. } => {
                    members.push(("shown".to_owned(), text(&["mask:", &mask.name()].concat())));
                }
                Field::Hash { .. } => members.push(("shown".to_owned(), text("hash"))),
                Field::Allow | Field::Denied => {}
            }
            let usable = column.field.filterable() && column.facts.ty.is_some_and(|ty| ty.filterable());
            members.push(("filterable".to_owned(), Json::Bool(usable)));
            if let Some(description) = &column.description {
                members.push(("description".to_owned(), text(description)));
            }
            Json::Object(members)
        })
        .collect()
}

fn relations(bound: &Bound, table: &Table) -> Vec<Json> {
    table
        .relations
        .iter()
        .filter(|relation| {
            let tools = bound.tools(relation.to);
            (tools.has(Tool::Query) || tools.has(Tool::Get))
                && bound.access(relation.to, Op::Read).verdict() == Verdict::Open
        })
        .filter_map(|relation| {
            let other = bound.policy.table(relation.to)?;
            Some(object([
                ("name", text(&relation.name)),
                ("model", text(&other.name)),
                ("kind", text(if relation.to_one { "one" } else { "many" })),
            ]))
        })
        .collect()
}

fn object<const N: usize>(members: [(&str, Json); N]) -> Json {
    Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn text(text: &str) -> Json {
    Json::Text(text.to_owned())
}

fn number(number: u32) -> Json {
    Json::Number(number.to_string())
}
