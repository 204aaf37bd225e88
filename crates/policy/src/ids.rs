//! Positions inside a compiled policy, and the addresses that people read.

use std::fmt;
use std::sync::Arc;

macro_rules! position {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u16);

        impl $name {
            /// The position as an index.
            #[must_use]
            pub fn index(self) -> usize {
                usize::from(self.0)
            }
        }
    };
}

position!(
    /// A table of the policy. Only meaningful in the policy that gave it out.
    TableId
);
position!(
    /// A column, by its position in its table's list.
    ColumnId
);
position!(
    /// A relation, by its position in its table's list.
    RelationId
);

/// The stable name of an object in the file, such as `table.orders.permit.parent-access`.
/// Reasons, audit records and errors use it; it never holds a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(Arc<str>);

impl Address {
    /// An address from its text.
    #[must_use]
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
