//! A checked condition: every name resolved, every type known. This is the one tree from which the
//! four forms are made: evaluator, SQL text, row security, proof.

use crate::attribute::AttrId;
use crate::ids::{ColumnId, RelationId};
use crate::value::{Type, Value};

/// A condition over one row of a table and a principal.
#[derive(Debug, Clone, PartialEq)]
pub enum Cond {
    /// A constant.
    Const(bool),
    /// TRUE when all are; FALSE when one is. Never empty.
    And(Vec<Cond>),
    /// TRUE when one is; FALSE when all are. Never empty.
    Or(Vec<Cond>),
    /// Swaps TRUE and FALSE, keeps UNKNOWN.
    Not(Box<Cond>),
    /// `HAS attr`: the only two-valued test of the principal.
    Has(AttrId),
    /// `column IS NULL`: two-valued. `negated` for IS NOT NULL.
    IsNull {
        /// The column.
        column: ColumnRef,
        /// IS NOT NULL.
        negated: bool,
    },
    /// A comparison; UNKNOWN when either side is NULL or missing.
    Compare {
        /// The left side.
        left: Term,
        /// The operator.
        cmp: Cmp,
        /// The right side, of the same type.
        right: Term,
        /// The type of both.
        ty: Type,
    },
    /// Membership in literals; an empty list is FALSE even for NULL (TRUE when negated).
    InLiterals {
        /// The member looked for.
        term: Term,
        /// The list.
        list: Vec<Value>,
        /// NOT IN.
        negated: bool,
    },
    /// Membership in a list attribute; UNKNOWN when the attribute is missing, FALSE when it is
    /// empty even for NULL (each the other way when negated, UNKNOWN stays).
    InAttr {
        /// The member looked for.
        term: Term,
        /// The list.
        list: AttrId,
        /// NOT IN.
        negated: bool,
    },
    /// Text begins with a literal or attribute, byte by byte. Types: text.
    StartsWith {
        /// The text.
        term: Term,
        /// Its beginning: a literal or an attribute.
        prefix: Term,
    },
}

/// A side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub enum Term {
    /// A column of the row, or of the row that a to-one relation points at.
    Column(ColumnRef),
    /// A scalar attribute of the principal.
    Attr(AttrId),
    /// A literal.
    Literal(Value),
}

/// A column in reach of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnRef {
    /// Of the row itself.
    Own(ColumnId),
    /// Of the one row that a to-one relation points at. NULL when there is none, and when the
    /// principal may not read that row on its own.
    Hop(RelationId, ColumnId),
}

/// Comparison operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cmp {
    /// `=`
    Eq,
    /// `<>`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

/// Three-valued truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Truth {
    /// Yes. Only this allows.
    True,
    /// No.
    False,
    /// A NULL or a missing attribute stands in the way.
    Unknown,
}

impl Truth {
    /// Does it allow?
    #[must_use]
    pub fn is_true(self) -> bool {
        self == Truth::True
    }

    /// Kleene's AND.
    #[must_use]
    pub fn and(self, other: Truth) -> Truth {
        match (self, other) {
            (Truth::False, _) | (_, Truth::False) => Truth::False,
            (Truth::True, Truth::True) => Truth::True,
            _ => Truth::Unknown,
        }
    }

    /// Kleene's OR.
    #[must_use]
    pub fn or(self, other: Truth) -> Truth {
        match (self, other) {
            (Truth::True, _) | (_, Truth::True) => Truth::True,
            (Truth::False, Truth::False) => Truth::False,
            _ => Truth::Unknown,
        }
    }

    /// Kleene's NOT.
    #[must_use]
    #[allow(clippy::should_implement_trait, reason = "a method of logic, like `and` and `or`, not the `!` operator")]
    pub fn not(self) -> Truth {
        match self {
            Truth::True => Truth::False,
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
        }
    }
}

impl From<bool> for Truth {
    fn from(value: bool) -> Self {
        if value { Truth::True } else { Truth::False }
    }
}

impl Cond {
    /// Calls `visit` with every column that the condition reads.
    pub fn columns(&self, visit: &mut dyn FnMut(ColumnRef)) {
        let term = |term: &Term, visit: &mut dyn FnMut(ColumnRef)| {
            if let Term::Column(column) = term {
                visit(*column);
            }
        };
        match self {
            Cond::Const(_) | Cond::Has(_) => {}
            Cond::And(parts) | Cond::Or(parts) => parts.iter().for_each(|part| part.columns(visit)),
            Cond::Not(inner) => inner.columns(visit),
            Cond::IsNull { column, .. } => visit(*column),
            Cond::Compare { left, right, .. } => {
                term(left, visit);
                term(right, visit);
            }
            Cond::InLiterals { term: member, .. } | Cond::InAttr { term: member, .. } => term(member, visit),
            Cond::StartsWith { term: text, prefix } => {
                term(text, visit);
                term(prefix, visit);
            }
        }
    }

    /// Calls `visit` with every attribute that the condition reads.
    pub fn attributes(&self, visit: &mut dyn FnMut(AttrId)) {
        let term = |term: &Term, visit: &mut dyn FnMut(AttrId)| {
            if let Term::Attr(attr) = term {
                visit(*attr);
            }
        };
        match self {
            Cond::Const(_) | Cond::IsNull { .. } => {}
            Cond::Has(attr) => visit(*attr),
            Cond::And(parts) | Cond::Or(parts) => parts.iter().for_each(|part| part.attributes(visit)),
            Cond::Not(inner) => inner.attributes(visit),
            Cond::Compare { left, right, .. } => {
                term(left, visit);
                term(right, visit);
            }
            Cond::InLiterals { term: member, .. } => term(member, visit),
            Cond::InAttr { term: member, list, .. } => {
                term(member, visit);
                visit(*list);
            }
            Cond::StartsWith { term: text, prefix } => {
                term(text, visit);
                term(prefix, visit);
            }
        }
    }
}

impl Cmp {
    /// The operator as conditions write it.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Cmp::Eq => "=",
            Cmp::Ne => "<>",
            Cmp::Lt => "<",
            Cmp::Le => "<=",
            Cmp::Gt => ">",
            Cmp::Ge => ">=",
        }
    }

    /// Does it ask for an order, rather than for equality?
    #[must_use]
    pub fn orders(self) -> bool {
        !matches!(self, Cmp::Eq | Cmp::Ne)
    }
}
