//! A checked filter: fields resolved, values typed.

use crate::condition::Cmp;
use crate::ids::ColumnId;
use crate::value::Value;

/// Which rows a caller asked for. NULL behaves as in SQL.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All of them; never empty.
    And(Vec<Filter>),
    /// One of them; never empty.
    Or(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// A comparison. Text is compared byte by byte.
    Compare {
        /// The field.
        column: ColumnId,
        /// The operator.
        cmp: Cmp,
        /// The value, of the column's type.
        value: Value,
    },
    /// Membership; an empty list holds nothing, even for NULL.
    In {
        /// The field.
        column: ColumnId,
        /// Values of the column's type.
        list: Vec<Value>,
        /// `not_in`.
        negated: bool,
    },
    /// Is NULL.
    IsNull {
        /// The field.
        column: ColumnId,
        /// Is not NULL.
        negated: bool,
    },
    /// A part of a text.
    Match {
        /// The field; its type is text.
        column: ColumnId,
        /// Where the part must stand.
        place: Place,
        /// The part; never empty.
        text: std::sync::Arc<str>,
    },
    /// Low and high, both included.
    Between {
        /// The field.
        column: ColumnId,
        /// The least.
        low: Value,
        /// The greatest.
        high: Value,
    },
}

/// Where a part of a text must stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// Anywhere.
    Inside,
    /// At the beginning.
    Start,
    /// At the end.
    End,
}
