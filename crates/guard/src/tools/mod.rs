//! The data tools: one file each, saying which arguments it takes. Everything else that a call
//! needs (decision, approval, audit, limits, redaction) is done once, by the toolbox.

mod aggregate;
mod bulk_create;
mod bulk_update;
mod create;
mod delete;
pub(crate) mod describe_schema;
mod get;
mod offered;
mod query;
mod schema;
mod update;

pub use offered::{Offered, offered};

use tenantry_policy::request::Act;
use tenantry_policy::{Code, Denied, Request, Tool};

use crate::arguments::Arguments;

/// How an answer wraps its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `data: [row]`, `next_cursor`, `has_more`
    Page,
    /// `data: row|null`, `found`
    One,
    /// `data: [{group…, value}]`
    Groups,
    /// `data: row`
    Written,
    /// `data: [row]`, `count`
    WrittenMany,
    /// `deleted: true`
    Deleted,
}

/// A tool's arguments, read; the cursor is still sealed.
pub(crate) struct Asked {
    pub(crate) request: Request,
    pub(crate) cursor: Option<String>,
}

/// Reads the arguments of a tool.
pub(crate) fn read(tool: Tool, mut arguments: Arguments) -> Result<Asked, Denied> {
    let asked = match tool {
        Tool::Query => query::read(&mut arguments),
        Tool::Get => get::read(&mut arguments),
        Tool::Aggregate => aggregate::read(&mut arguments),
        Tool::Create => create::read(&mut arguments),
        Tool::BulkCreate => bulk_create::read(&mut arguments),
        Tool::Update => update::read(&mut arguments),
        Tool::BulkUpdate => bulk_update::read(&mut arguments),
        Tool::Delete => delete::read(&mut arguments),
    }?;
    arguments.finish()?;
    Ok(asked)
}

/// How a tool's answer wraps its rows.
pub(crate) fn shape(tool: Tool) -> Shape {
    match tool {
        Tool::Query => Shape::Page,
        Tool::Get => Shape::One,
        Tool::Aggregate => Shape::Groups,
        Tool::Create | Tool::Update => Shape::Written,
        Tool::BulkCreate | Tool::BulkUpdate => Shape::WrittenMany,
        Tool::Delete => Shape::Deleted,
    }
}

/// The argument that every tool takes.
fn model(arguments: &mut Arguments) -> Result<String, Denied> {
    let place = arguments.place("model");
    arguments.text("model")?.ok_or_else(|| {
        Denied::new(Code::ValidationError, "the argument `model` is missing")
            .at(place)
            .hint("`describe_schema` lists the models that you may use")
    })
}

/// A request without reason and dry run: a read.
fn reading(tool: Tool, model: String, act: Act, cursor: Option<String>) -> Asked {
    Asked { request: Request { tool, model, act, reason: None, dry_run: false }, cursor }
}

/// A request that writes: takes `reason` and `dry_run`.
fn writing(tool: Tool, model: String, act: Act, arguments: &mut Arguments) -> Result<Asked, Denied> {
    let reason = arguments.text("reason")?;
    let dry_run = arguments.flag("dry_run")?;
    Ok(Asked { request: Request { tool, model, act, reason, dry_run }, cursor: None })
}
