//! query and get.

use crate::decide::{Asker, broken, fields, literal};
use crate::denied::{Code, Denied};
use crate::ids::ColumnId;
use crate::query::{Include, Order, Read};
use crate::request::{AskInclude, AskOrder, AskRead, Id};
use crate::table::{Op, Table};
use crate::value::Value;

/// Rows of an answer when the caller names no number.
const USUAL_TAKE: u32 = 25;

/// The most columns that an order may name.
const MOST_ORDER: usize = 8;

impl<'a> Asker<'a> {
    /// Many rows.
    pub(super) fn query(&mut self, table: &'a Table, ask: AskRead) -> Result<Read, Denied> {
        let read = self.rows(table, ask, "", 0)?;
        self.narrow_enough(table, read.filter.as_ref())?;
        affordable(table, &read)?;
        Ok(read)
    }

    /// One row by its id.
    pub(super) fn get(
        &mut self,
        table: &'a Table,
        id: &Id,
        select: Option<Vec<String>>,
        include: Vec<AskInclude>,
    ) -> Result<Read, Denied> {
        let key = key(table, id, "id")?;
        let ask = AskRead { select, include, take: Some(1), ..AskRead::default() };
        let mut read = self.rows(table, ask, "", 0)?;
        affordable(table, &read)?;
        read.key = Some(key);
        Ok(read)
    }

    fn rows(&mut self, table: &'a Table, ask: AskRead, at: &str, depth: u32) -> Result<Read, Denied> {
        let access = self.access(table, Op::Read)?;
        let select = fields::select(table, ask.select.as_deref(), &place(at, "select"))?;
        let filter = match &ask.filter {
            Some(filter) => Some(self.filter(table, filter, &place(at, "where"))?),
            None => None,
        };
        let order = order(table, &ask.order, &place(at, "order_by"))?;
        let take = take(table, ask.take, &place(at, "take"))?;
        if let Some(after) = &ask.after {
            check_after(table, &order, after)?;
        }
        let mut includes = Vec::with_capacity(ask.include.len());
        for (position, include) in ask.include.into_iter().enumerate() {
            let at = format!("{}[{position}]", place(at, "include"));
            let include = self.include(table, include, &at, depth + 1)?;
            if includes.iter().any(|known: &Include| known.relation == include.relation) {
                return Err(Denied::new(Code::ValidationError, "a relation is included twice").at(at));
            }
            includes.push(include);
        }
        Ok(Read { table: table.id, access, select, filter, key: None, order, take, after: ask.after, includes })
    }

    fn include(&mut self, parent: &'a Table, ask: AskInclude, at: &str, depth: u32) -> Result<Include, Denied> {
        self.includes += 1;
        let budget = &self.root.budget;
        if self.includes > budget.max_includes {
            let most = budget.max_includes;
            return Err(
                Denied::new(Code::QueryBudgetExceeded, format!("the call has more than {most} includes")).at(at)
            );
        }
        if depth > budget.max_depth {
            let most = budget.max_depth;
            return Err(
                Denied::new(Code::QueryBudgetExceeded, format!("includes are nested deeper than {most}")).at(at)
            );
        }
        let (relation, found) = self.relation(parent, &ask.relation, &format!("{at}.relation"))?;
        let mut read = ask.read;
        if found.to_one {
            if read.take.is_some() || !read.order.is_empty() {
                return Err(Denied::new(
                    Code::ValidationError,
                    format!("relation `{}` leads to one row: `take` and `order_by` do not apply", found.name),
                )
                .at(at));
            }
            read.take = Some(1);
        }
        let table = self.table(found.to)?;
        Ok(Include { relation, read: self.rows(table, read, at, depth)? })
    }
}

/// The values of a row's key, in the key's order.
pub(super) fn key(table: &Table, id: &Id, at: &str) -> Result<Vec<Value>, Denied> {
    if table.callers_key().is_empty() {
        return Err(Denied::new(
            Code::ValidationError,
            format!("rows of model `{}` have no id; find them with `query`", table.name),
        )
        .at(at));
    }
    let columns =
        table.key.iter().map(|id| table.column(*id).ok_or_else(broken)).collect::<Result<Vec<_>, Denied>>()?;
    let shape = || {
        let names: Vec<&str> = columns.iter().map(|column| column.facts.name.as_str()).collect();
        Denied::new(Code::ValidationError, format!("the id of model `{}` is made of: {}", table.name, names.join(", ")))
            .at(at)
            .hint(format!(
                "write an object with {}",
                names.iter().map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(", ")
            ))
    };
    match id {
        Id::Single(value) => match columns.as_slice() {
            [column] => literal::to_compare(column, value, at).map(|value| vec![value]),
            _ => Err(shape()),
        },
        Id::Composite(parts) => {
            if parts.len() != columns.len() {
                return Err(shape());
            }
            columns
                .iter()
                .map(|column| {
                    let (_, value) = parts.iter().find(|(name, _)| *name == column.facts.name).ok_or_else(shape)?;
                    literal::to_compare(column, value, &format!("{at}.{}", column.facts.name))
                })
                .collect()
        }
    }
}

fn order(table: &Table, ask: &[AskOrder], at: &str) -> Result<Vec<Order>, Denied> {
    if ask.len() > MOST_ORDER {
        return Err(
            Denied::new(Code::QueryBudgetExceeded, format!("more than {MOST_ORDER} fields in `order_by`")).at(at)
        );
    }
    let mut order: Vec<Order> = Vec::with_capacity(ask.len() + table.key.len());
    for (position, ask) in ask.iter().enumerate() {
        let named = fields::usable(table, &ask.field, &format!("{at}[{position}].field"))?;
        if order.iter().any(|known| known.column == named.id) {
            return Err(Denied::new(Code::ValidationError, "a field is ordered by twice").at(at));
        }
        order.push(Order { column: named.id, descending: ask.descending });
    }
    let missing: Vec<ColumnId> =
        table.key.iter().copied().filter(|id| !order.iter().any(|known| known.column == *id)).collect();
    order.extend(missing.into_iter().map(|column| Order { column, descending: false }));
    Ok(order)
}

fn take(table: &Table, ask: Option<u32>, at: &str) -> Result<u32, Denied> {
    let most = table.budget.max_rows;
    match ask {
        None => Ok(USUAL_TAKE.min(most)),
        Some(0) => Err(Denied::new(Code::ValidationError, "`take` is at least 1").at(at)),
        Some(wanted) if wanted > most => {
            Err(Denied::new(Code::QueryBudgetExceeded, format!("`take` is at most {most} for model `{}`", table.name))
                .at(at)
                .hint("page on with `cursor`"))
        }
        Some(wanted) => Ok(wanted),
    }
}

/// A cursor's values must fit the order they are used with. The guard has already opened the seal,
/// which binds them to this query's shape; this keeps a mistake there from becoming a wrong page.
fn check_after(table: &Table, order: &[Order], after: &[Option<Value>]) -> Result<(), Denied> {
    let fits = order.len() == after.len()
        && order.iter().zip(after).all(|(order, value)| {
            let ty = table.column(order.column).and_then(|column| column.facts.ty);
            value.as_ref().is_none_or(|value| Some(value.ty()) == ty)
        });
    if fits && !table.key.is_empty() {
        return Ok(());
    }
    Err(Denied::new(Code::ValidationError, "the cursor does not belong to this query").at("cursor"))
}

/// Refuses a read that may return more rows than the budget of its table allows.
fn affordable(table: &Table, read: &Read) -> Result<(), Denied> {
    let cost = cost(read);
    if cost <= table.budget.max_cost {
        return Ok(());
    }
    let most = table.budget.max_cost;
    Err(Denied::new(
        Code::QueryBudgetExceeded,
        format!("the call may return {cost} rows with all its includes; at most {most} are allowed"),
    )
    .hint("lower `take`, at the top or in the includes"))
}

/// The rows that a read may return, all includes multiplied out.
fn cost(read: &Read) -> u64 {
    let each = read.includes.iter().fold(1_u64, |sum, include| sum.saturating_add(cost(&include.read)));
    u64::from(read.take).saturating_mul(each)
}

fn place(at: &str, word: &str) -> String {
    if at.is_empty() { word.to_owned() } else { [at, ".", word].concat() }
}
