//! From the syntax tree to a checked condition: every name resolved, every type known.

use crate::attribute::{AttrPath, Attributes};
use crate::catalog::CatalogColumn;
use crate::condition::cond::Cond;
use crate::condition::error::{CondCode, CondError};
use crate::ids::{ColumnId, RelationId};

/// The names that a condition on one table may use: the outside world of the checker.
pub trait Names {
    /// The column of that exact name, and what the catalog says of it.
    fn column(&self, name: &str) -> Option<(ColumnId, &CatalogColumn)>;
    /// Every column's name, for "did you mean".
    fn column_names(&self) -> Vec<&str>;
    /// The declared relation of that exact name.
    fn relation(&self, name: &str) -> Option<RelationInfo>;
    /// Every relation's name, for "did you mean".
    fn relation_names(&self) -> Vec<&str>;
    /// A column of the table that a relation leads to.
    fn related_column(&self, relation: RelationId, name: &str) -> Option<(ColumnId, &CatalogColumn)>;
    /// Every column's name of the table that a relation leads to.
    fn related_column_names(&self, relation: RelationId) -> Vec<&str>;
}

/// A declared relation, as far as conditions care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelationInfo {
    /// Its position in the table's list.
    pub id: RelationId,
    /// Does it lead to at most one row?
    pub to_one: bool,
}

/// Compiles a condition's text. `attributes` learns each attribute that the condition reads, with
/// its type; it is unchanged when the condition does not compile.
///
/// # Errors
/// [`CondError`] with the place, the reason and what to write instead.
pub fn compile(text: &str, names: &dyn Names, attributes: &mut Attributes) -> Result<Cond, CondError> {
    let _ = (names, attributes);
    Err(CondError::new(0..text.len(), CondCode::Empty, "the compiler is being built"))
}

/// Which side of a scope entry an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeSide {
    /// The key: `tenant_id`, `invoice.customer_id`.
    Column,
    /// The value: `principal.tenant_id`.
    Attribute,
}

/// A scope entry that does not compile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct ScopeError {
    /// The text that the error's span counts in.
    pub side: ScopeSide,
    /// What is wrong.
    pub error: CondError,
}

/// Compiles one entry of a table's `scope`: the column (`tenant_id`, or `invoice.customer_id`
/// through a to-one relation) equals the attribute (`principal.tenant_id`), with the same checks as
/// a comparison in a condition. The result is always a [`Cond::Compare`] with the column left.
///
/// # Errors
/// [`ScopeError`] with the side and the place in that side's text.
pub fn scope_equality(
    column: &str,
    attribute: &str,
    names: &dyn Names,
    attributes: &mut Attributes,
) -> Result<Cond, ScopeError> {
    let _ = (attribute, names, attributes);
    let error = CondError::new(0..column.len(), CondCode::BadScopeEntry, "the compiler is being built");
    Err(ScopeError { side: ScopeSide::Column, error })
}

/// Reads a bare attribute path such as `principal.metadata.tenant_hierarchy`, for reach lists and
/// values of `auto_set`. The caller notes the type and the shape in [`Attributes`].
///
/// # Errors
/// [`CondError`] when the text is not one path of a known attribute.
pub fn parse_attr_path(text: &str) -> Result<AttrPath, CondError> {
    Err(CondError::new(0..text.len(), CondCode::UnknownAttribute, "the compiler is being built"))
}
