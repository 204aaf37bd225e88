//! The check that stored values fit the declared types: its question and its answer.

use std::fmt;
use std::sync::Arc;

use tenantry_policy::Type;
use tenantry_policy::catalog::Storage;

/// A table and the columns of it that a policy uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InUse {
    /// The table's name in the database.
    pub table: Arc<str>,
    /// Its columns: name, type and storage as the policy has them.
    pub columns: Vec<(Arc<str>, Type, Storage)>,
}

/// A column that holds values which do not fit its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// What the policy takes the values for.
    pub ty: Type,
    /// How many rows do not fit.
    pub rows: u64,
    /// What a stored value should look like.
    pub wanted: &'static str,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{} is {} but {} of its values are not {}",
            self.table, self.column, self.ty, self.rows, self.wanted
        )
    }
}
