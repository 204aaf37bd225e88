//! What a caller is told when the database did not do it.
//!
//! INVARIANT: nothing of a database's own text gets here, and an absent row, table or key answers
//! exactly as one that belongs to somebody else.

use tenantry_policy::{Code, Denied};
use tenantry_source::{Constraint, RunError};

/// The caller's answer for a failed run.
pub(crate) fn from_run(error: &RunError) -> Denied {
    match error {
        RunError::Timeout => Denied::new(Code::Timeout, "the statement took longer than allowed")
            .hint("narrow the call with a filter, or ask for fewer rows"),
        RunError::TooManyBytes => Denied::new(Code::QueryBudgetExceeded, "the answer is larger than allowed")
            .hint("select fewer fields, or lower `take`"),
        RunError::TooManyGroups => Denied::new(Code::QueryBudgetExceeded, "there are more groups than allowed")
            .hint("narrow the call with a filter, or group by fewer fields"),
        RunError::MaxRows { limit } => Denied::new(
            Code::MaxAffectedRowsExceeded,
            format!("the call would write more than {limit} rows; nothing was changed"),
        ),
        RunError::NotFound => Denied::new(Code::NotFound, "there is no such row"),
        RunError::ReferenceNotVisible { names } => {
            Denied::new(Code::ValidationError, format!("no such row: {}", names.join(", ")))
                .hint("a referenced row must exist and be visible to you")
        }
        RunError::RuleRefusesRow => {
            Denied::new(Code::ValidationError, "the row as it would become does not satisfy the rules for you")
        }
        RunError::UniqueConflict { own: true } => {
            Denied::new(Code::Conflict, "a row with the same unique value exists already")
        }
        // Somebody else's row stands in the way: the same sentence as for any other refused row, so
        // that its existence is not told.
        RunError::UniqueConflict { own: false } | RunError::Constraint(Constraint::Check | Constraint::ForeignKey) => {
            Denied::new(Code::ValidationError, "the table does not accept these values")
        }
        RunError::Constraint(_) => Denied::new(Code::ValidationError, "the table does not accept these values"),
        RunError::ValueOutOfRange => Denied::new(Code::ValidationError, "a value is out of the range of its field"),
        RunError::Busy => Denied::new(Code::Timeout, "the database is busy; try again"),
        RunError::Uncertain => Denied::new(
            Code::InternalError,
            "the database's answer was lost while it committed: the write may have happened or not",
        )
        .hint("look at the row before you try again"),
        RunError::Unavailable(_) | RunError::Unsafe(_) | RunError::Internal(_) => internal(),
        _ => internal(),
    }
}

/// Our fault: the details are in the log under the request's id.
pub(crate) fn internal() -> Denied {
    Denied::new(Code::InternalError, "the call failed on our side; its id finds the details in the server's log")
}
