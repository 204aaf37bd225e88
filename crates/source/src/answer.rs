//! What a program's run answers.

use tenantry_policy::Value;
use tenantry_policy::redact::HashKey;

/// What redaction needs besides the program.
#[derive(Debug, Clone)]
pub struct Redactor {
    /// The key of the principal's account.
    pub hash: HashKey,
}

/// The answer of a program.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// A JSON array of row objects, as UTF-8 bytes. Reads: the rows shown; aggregates: the groups;
    /// creates and updates: the columns asked back, one object per row; deletes: `[]`.
    pub rows: Vec<u8>,
    /// How many rows are in `rows`; for writes how many rows were (or would be) written.
    pub count: u64,
    /// Reads: is there at least one more row after the last shown one?
    pub has_more: bool,
    /// Reads: the values of the order columns of the last shown row, unredacted: what a cursor is
    /// made from. Only when `has_more`.
    pub last: Option<Vec<Option<Value>>>,
    /// Writes: the changed rows, for the audit.
    pub changes: Vec<ChangeRecord>,
}

/// One written row as the audit keeps it: redacted as for the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRecord {
    /// The row's key, a JSON object. A key column that callers may not see is there as its hash.
    pub key: Vec<u8>,
    /// The row's visible fields before, a JSON object; `None` for creates.
    pub before: Option<Vec<u8>>,
    /// The row's visible fields after, a JSON object; `None` for deletes.
    pub after: Option<Vec<u8>>,
}
