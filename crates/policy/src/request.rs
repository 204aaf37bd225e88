//! What a caller asks, in the caller's own names and loose values, before anything is checked.
//! The guard parses tool arguments into this; [`crate::decide()`] checks all of it.

use std::sync::Arc;

use crate::tool::Tool;

/// A call of a data tool.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Which tool.
    pub tool: Tool,
    /// The table's name.
    pub model: String,
    /// The rest.
    pub act: Act,
    /// Why, where the table asks for it.
    pub reason: Option<String>,
    /// Only say what would happen.
    pub dry_run: bool,
}

/// The part of a call that differs by tool.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// query
    Query(AskRead),
    /// get
    Get {
        /// The row's id.
        id: Id,
        /// Fields wanted; none named means all visible ones.
        select: Option<Vec<String>>,
        /// Related rows wanted.
        include: Vec<AskInclude>,
    },
    /// aggregate
    Aggregate(AskAggregate),
    /// create and bulk_create
    Create {
        /// One map of field to value per row.
        rows: Vec<Vec<(String, Literal)>>,
        /// Fields of the new rows to answer with; none named means all visible ones.
        return_fields: Option<Vec<String>>,
    },
    /// update and bulk_update
    Update {
        /// Which rows.
        target: AskTarget,
        /// Fields and their new values.
        data: Vec<(String, Literal)>,
    },
    /// delete
    Delete {
        /// Which row.
        id: Id,
    },
}

/// A read of many rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AskRead {
    /// Fields wanted; none named means all visible ones.
    pub select: Option<Vec<String>>,
    /// Which rows.
    pub filter: Option<AskFilter>,
    /// In which order; the key always breaks ties.
    pub order: Vec<AskOrder>,
    /// How many rows; none means 25, or the table's budget where that is less.
    pub take: Option<u32>,
    /// Where to go on: the opened cursor's values for the order columns and the key.
    pub after: Option<Vec<Option<crate::value::Value>>>,
    /// Related rows wanted.
    pub include: Vec<AskInclude>,
}

/// Related rows.
#[derive(Debug, Clone, PartialEq)]
pub struct AskInclude {
    /// The relation's name.
    pub relation: String,
    /// Which of them (`after` is never set).
    pub read: AskRead,
}

/// An order.
#[derive(Debug, Clone, PartialEq)]
pub struct AskOrder {
    /// The field.
    pub field: String,
    /// Largest first? NULLs come last either way.
    pub descending: bool,
}

/// A calculation over many rows.
#[derive(Debug, Clone, PartialEq)]
pub struct AskAggregate {
    /// What to calculate.
    pub operation: Operation,
    /// Of which field; only count may leave it out.
    pub field: Option<String>,
    /// Over which rows.
    pub filter: Option<AskFilter>,
    /// One answer for each combination of these.
    pub group_by: Vec<String>,
    /// Only groups whose value fits: operators eq ne lt lte gt gte between.
    pub having: Option<AskHaving>,
    /// Count or add each value once.
    pub distinct: bool,
}

/// A condition on a group's value.
#[derive(Debug, Clone, PartialEq)]
pub struct AskHaving {
    /// The operator.
    pub op: FilterOp,
    /// What to compare with.
    pub value: Literal,
}

/// A calculation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// How many rows, or how many values that are not NULL.
    Count,
    /// The sum.
    Sum,
    /// The mean, as a floating-point number.
    Avg,
    /// The least.
    Min,
    /// The greatest.
    Max,
}

impl Operation {
    /// The name in requests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Operation::Count => "count",
            Operation::Sum => "sum",
            Operation::Avg => "avg",
            Operation::Min => "min",
            Operation::Max => "max",
        }
    }
}

/// Rows to change.
#[derive(Debug, Clone, PartialEq)]
pub enum AskTarget {
    /// One row (update).
    Id(Id),
    /// These rows (bulk_update).
    Ids(Vec<Id>),
    /// Rows that fit (bulk_update).
    Where(AskFilter),
}

/// A row's id as the caller wrote it.
#[derive(Debug, Clone, PartialEq)]
pub enum Id {
    /// For a key of one column.
    Single(Literal),
    /// For a composite key (or a single one, by name).
    Composite(Vec<(String, Literal)>),
}

/// A filter as the caller wrote it. Nesting is bounded by the parser.
#[derive(Debug, Clone, PartialEq)]
pub enum AskFilter {
    /// One test.
    Leaf {
        /// The field.
        field: String,
        /// The operator.
        op: FilterOp,
        /// What to compare with; `is_null` takes true, false or nothing.
        value: Literal,
    },
    /// All of them.
    And(Vec<AskFilter>),
    /// One of them.
    Or(Vec<AskFilter>),
    /// Not this. As in SQL, a NULL makes neither a test nor its negation true.
    Not(Box<AskFilter>),
}

/// Operators of filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FilterOp {
    /// equal
    Eq,
    /// not equal (a NULL is not)
    Ne,
    /// less
    Lt,
    /// less or equal
    Lte,
    /// greater
    Gt,
    /// greater or equal
    Gte,
    /// one of a list
    In,
    /// none of a list
    NotIn,
    /// is NULL
    IsNull,
    /// text contains, byte by byte
    Contains,
    /// text starts with
    StartsWith,
    /// text ends with
    EndsWith,
    /// a pair `[low, high]`, both included
    Between,
}

impl FilterOp {
    /// All of them.
    pub const ALL: [FilterOp; 13] = [
        FilterOp::Eq,
        FilterOp::Ne,
        FilterOp::Lt,
        FilterOp::Lte,
        FilterOp::Gt,
        FilterOp::Gte,
        FilterOp::In,
        FilterOp::NotIn,
        FilterOp::IsNull,
        FilterOp::Contains,
        FilterOp::StartsWith,
        FilterOp::EndsWith,
        FilterOp::Between,
    ];

    /// The name in requests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            FilterOp::Eq => "eq",
            FilterOp::Ne => "ne",
            FilterOp::Lt => "lt",
            FilterOp::Lte => "lte",
            FilterOp::Gt => "gt",
            FilterOp::Gte => "gte",
            FilterOp::In => "in",
            FilterOp::NotIn => "not_in",
            FilterOp::IsNull => "is_null",
            FilterOp::Contains => "contains",
            FilterOp::StartsWith => "startswith",
            FilterOp::EndsWith => "endswith",
            FilterOp::Between => "between",
        }
    }

    /// The operator of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<FilterOp> {
        FilterOp::ALL.into_iter().find(|op| op.name() == name)
    }
}

/// A JSON value whose meaning depends on the field it is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// null
    Null,
    /// true, false
    Bool(bool),
    /// An integer in the 64-bit range.
    Int(i64),
    /// Any other number, as its shortest text.
    Number(Arc<str>),
    /// Text.
    Text(Arc<str>),
    /// A list.
    List(Vec<Literal>),
    /// An object: only meaningful for JSON columns; holds the document's text.
    Object(Arc<str>),
}
