//! `tenantry explain --who-can OBJECT`: who may do what with a thing of a PostgreSQL source, and by which way.

use std::fmt::Write as _;

use serde_json::json;
use tenantry_plan::rights::{Holder, Rows, WhoCan, who_can};
use tenantry_policy::object::Object;

use crate::commands::Run;
use crate::commands::lint::{Looked, look};
use crate::output::{Failure, Outcome, Paint};

/// Runs it.
pub(super) async fn run(run: Run<'_>, text: &str, source: Option<&str>) -> Result<Outcome, Failure> {
    let object = Object::parse(text).map_err(|error| {
        Failure::invalid("BAD_OBJECT", format!("`{text}` names nothing: {error}"))
            .hint("for example: public.orders, public.orders(total), schema public, function public.f(integer)")
    })?;
    let project = run.project()?;
    let loaded = project.load()?;
    let looked = look(&project, &loaded, source).await?;
    let found: Vec<(&Looked, WhoCan)> =
        looked.iter().filter_map(|looked| Some((looked, who_can(&looked.snapshot, &object)?))).collect();
    if found.is_empty() {
        let names: Vec<&str> = looked.iter().map(|looked| looked.source.as_str()).collect();
        return Err(Failure::invalid("UNKNOWN_OBJECT", format!("there is no {object} in {}", names.join(", "))));
    }
    let data = found.iter().map(|(looked, who)| {
        let mut value = who.to_json();
        if let Some(value) = value.as_object_mut() {
            value.insert("source".to_owned(), json!(looked.source));
        }
        value
    });
    let text: Vec<String> = found.iter().map(|(looked, who)| shown(&looked.source, who)).collect();
    Ok(Outcome::new(data.collect(), text.join("\n\n")))
}

fn shown(source: &str, who: &WhoCan) -> String {
    let mut text = format!("{} in source {source}, owner {}\n", Paint::STRONG.on(&who.object.to_string()), who.owner);
    let mut privilege = None;
    let width = who.holders.iter().map(|holder| holder.role.chars().count()).max().unwrap_or(0);
    for holder in &who.holders {
        if privilege != Some(holder.privilege) {
            privilege = Some(holder.privilege);
            let _ = writeln!(text, "{}", Paint::STRONG.on(holder.privilege.name()));
        }
        let _ = writeln!(text, "  {:width$}  {}", holder.role, how(holder));
    }
    for through in &who.through {
        let kind = if through.copy { "a copy in" } else { "through" };
        let readers = if through.readers.is_empty() { "nobody else".to_owned() } else { through.readers.join(", ") };
        let line = format!("{kind} {}, as {} sees it: {readers}", through.view, through.owner);
        let paint = if through.readers.is_empty() { Paint::FAINT } else { Paint::WARN };
        let _ = writeln!(text, "{}", paint.on(&line));
    }
    text.trim_end().to_owned()
}

/// How somebody comes to a right, and to which rows.
pub(super) fn how(holder: &Holder) -> String {
    let ways: Vec<String> = holder.ways.iter().map(ToString::to_string).collect();
    let mut text = ways.join("; ");
    if !holder.columns.is_empty() {
        let _ = write!(text, " on ({})", holder.columns.join(", "));
    }
    if let Some(role) = &holder.becomes {
        let _ = write!(text, ", after SET ROLE {role}");
    }
    if !holder.reaches {
        let _ = write!(text, "; {}", Paint::FAINT.on("but not USAGE on the schema"));
    }
    let paint = match &holder.rows {
        Rows::Whole => return text,
        Rows::Every(_) => Paint::WARN,
        Rows::None | Rows::By { .. } => Paint::GOOD,
        Rows::AsOwner(_) => Paint::WARN,
    };
    let _ = write!(text, ": {}", paint.on(&holder.rows.to_string()));
    text
}
