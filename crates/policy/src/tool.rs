//! The data tools by name.

use std::fmt;

use crate::table::Op;

/// A data tool. `describe_schema` is not here: everyone may call it, and it shows only what the
/// caller's other tools reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tool {
    /// Read rows.
    Query,
    /// Read one row by its id.
    Get,
    /// Count, sum, average, minimum, maximum.
    Aggregate,
    /// Add one row.
    Create,
    /// Add several rows, all or none.
    BulkCreate,
    /// Change one row by its id.
    Update,
    /// Change several rows by ids or by a filter.
    BulkUpdate,
    /// Remove one row by its id (or mark it removed).
    Delete,
}

impl Tool {
    /// All of them, in the order of the documentation.
    pub const ALL: [Tool; 8] = [
        Tool::Query,
        Tool::Get,
        Tool::Aggregate,
        Tool::Create,
        Tool::BulkCreate,
        Tool::Update,
        Tool::BulkUpdate,
        Tool::Delete,
    ];

    /// The name in the file, in paths and in the audit.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Tool::Query => "query",
            Tool::Get => "get",
            Tool::Aggregate => "aggregate",
            Tool::Create => "create",
            Tool::BulkCreate => "bulk_create",
            Tool::Update => "update",
            Tool::BulkUpdate => "bulk_update",
            Tool::Delete => "delete",
        }
    }

    /// The tool of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Tool> {
        Tool::ALL.into_iter().find(|tool| tool.name() == name)
    }

    /// The operation on rows that the tool performs.
    #[must_use]
    pub fn op(self) -> Op {
        match self {
            Tool::Query | Tool::Get | Tool::Aggregate => Op::Read,
            Tool::Create | Tool::BulkCreate => Op::Create,
            Tool::Update | Tool::BulkUpdate => Op::Update,
            Tool::Delete => Op::Delete,
        }
    }

    /// Its bit in a [`ToolSet`].
    fn bit(self) -> u8 {
        1 << (self as u8)
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of tools on one table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ToolSet(u8);

impl ToolSet {
    /// No tool.
    pub const NONE: ToolSet = ToolSet(0);
    /// Every tool.
    pub const ALL: ToolSet = ToolSet(u8::MAX);

    /// With one more.
    #[must_use]
    pub fn with(self, tool: Tool) -> ToolSet {
        ToolSet(self.0 | tool.bit())
    }

    /// Those of either.
    #[must_use]
    pub fn union(self, other: ToolSet) -> ToolSet {
        ToolSet(self.0 | other.0)
    }

    /// Is it in the set?
    #[must_use]
    pub fn has(self, tool: Tool) -> bool {
        self.0 & tool.bit() != 0
    }

    /// Is it the empty set?
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The tools in it.
    pub fn iter(self) -> impl Iterator<Item = Tool> {
        Tool::ALL.into_iter().filter(move |tool| self.has(*tool))
    }
}
