//! aggregate.

use crate::condition::Cmp;
use crate::decide::{Asker, fields, filter, literal};
use crate::denied::{Code, Denied};
use crate::ids::ColumnId;
use crate::query::{Aggregate, Having};
use crate::request::{AskAggregate, AskHaving, FilterOp, Literal, Operation};
use crate::table::{Column, Field, Op, Table};
use crate::value::{Type, Value};

/// The most fields that a call may group by.
const MOST_GROUPS: usize = 8;

impl<'a> Asker<'a> {
    /// A calculation over many rows.
    pub(super) fn aggregate(&mut self, table: &'a Table, ask: &AskAggregate) -> Result<Aggregate, Denied> {
        let access = self.access(table, Op::Read)?;
        let column = match &ask.field {
            Some(field) => Some(operand(table, field, ask.operation, ask.distinct)?),
            None if ask.operation == Operation::Count && !ask.distinct => None,
            None => {
                return Err(Denied::new(
                    Code::ValidationError,
                    format!(
                        "`{}`{} needs a field",
                        ask.operation.name(),
                        if ask.distinct { " with distinct" } else { "" }
                    ),
                )
                .at("field"));
            }
        };
        let filter = match &ask.filter {
            Some(filter) => Some(self.filter(table, filter, "where")?),
            None => None,
        };
        self.narrow_enough(table, filter.as_ref())?;
        if ask.group_by.len() > MOST_GROUPS {
            return Err(Denied::new(
                Code::QueryBudgetExceeded,
                format!("more than {MOST_GROUPS} fields in `group_by`"),
            )
            .at("group_by"));
        }
        let mut group_by: Vec<ColumnId> = Vec::with_capacity(ask.group_by.len());
        for (position, field) in ask.group_by.iter().enumerate() {
            let at = format!("group_by[{position}]");
            let named = fields::usable(table, field, &at)?;
            if group_by.contains(&named.id) {
                return Err(Denied::new(Code::ValidationError, "a field is grouped by twice").at(at));
            }
            if named.column.facts.name == "value" {
                return Err(Denied::new(
                    Code::ValidationError,
                    "a field named `value` cannot be grouped by: the answer's own `value` would hide it",
                )
                .at(at));
            }
            group_by.push(named.id);
        }
        let having = match &ask.having {
            Some(having) => Some(self::having(value_type(ask.operation, column.map(|(_, ty)| ty)), having)?),
            None => None,
        };
        Ok(Aggregate {
            table: table.id,
            access,
            operation: ask.operation,
            column: column.map(|(id, _)| id),
            distinct: ask.distinct,
            filter,
            group_by,
            having,
            max_groups: table.budget.max_rows,
        })
    }
}

fn operand(table: &Table, field: &str, operation: Operation, distinct: bool) -> Result<(ColumnId, Type), Denied> {
    let counts_only = operation == Operation::Count && !distinct;
    let named =
        if counts_only { fields::visible(table, field, "field")? } else { fields::usable(table, field, "field")? };
    let Column { facts, field: shown, .. } = named.column;
    if matches!(operation, Operation::Sum | Operation::Avg) && *shown != Field::Allow {
        // A sum over one row is the row's value: no `filterable` makes that right.
        return Err(Denied::new(
            Code::FieldNotAllowed,
            format!("field `{}` is shown redacted and cannot be added up", facts.name),
        )
        .at("field"));
    }
    let fits = match (operation, facts.ty) {
        (_, None) => false,
        (Operation::Count, Some(_)) => true,
        (Operation::Sum | Operation::Avg, Some(ty)) => ty.summable(),
        (Operation::Min | Operation::Max, Some(ty)) => {
            !matches!(ty, Type::Bool | Type::Uuid | Type::Json | Type::Bytes)
        }
    };
    match facts.ty {
        Some(ty) if fits => Ok((named.id, ty)),
        _ => Err(Denied::new(
            Code::ValidationError,
            format!("`{}` does not work on field `{}`", operation.name(), facts.name),
        )
        .at("field")),
    }
}

/// The type that a group's value is compared as.
fn value_type(operation: Operation, column: Option<Type>) -> Type {
    match (operation, column) {
        (Operation::Count, _) => Type::Int,
        (Operation::Avg, _) => Type::Float,
        (Operation::Sum, Some(Type::Float)) => Type::Float,
        (Operation::Sum, _) => Type::Decimal,
        (Operation::Min | Operation::Max, ty) => ty.unwrap_or(Type::Int),
    }
}

fn having(ty: Type, ask: &AskHaving) -> Result<Having, Denied> {
    let value = |value: &Literal| -> Result<Value, Denied> {
        literal::of_type(ty, value).ok_or_else(|| {
            Denied::new(
                Code::ValidationError,
                format!("`having` compares values of type {ty}; {} does not fit", literal::describe(value)),
            )
            .at("having.value")
        })
    };
    let cmp = match ask.op {
        FilterOp::Eq => Cmp::Eq,
        FilterOp::Ne => Cmp::Ne,
        FilterOp::Lt => Cmp::Lt,
        FilterOp::Lte => Cmp::Le,
        FilterOp::Gt => Cmp::Gt,
        FilterOp::Gte => Cmp::Ge,
        FilterOp::Between => {
            let (low, high) = filter::pair(&ask.value, "having.value")?;
            return Ok(Having::Between(value(low)?, value(high)?));
        }
        other => {
            return Err(Denied::new(Code::ValidationError, format!("`having` does not take `{}`", other.name()))
                .at("having.op")
                .hint("use eq, ne, lt, lte, gt, gte or between"));
        }
    };
    Ok(Having::Compare(cmp, value(&ask.value)?))
}
