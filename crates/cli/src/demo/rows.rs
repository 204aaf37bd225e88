//! The demo's rows as columns of plain cells: the one description from which both databases load.

use crate::demo::data::Dataset;

/// A value on its way into a database.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// NULL.
    Null,
    /// An integer.
    Int(i64),
    /// Text.
    Text(&'a str),
    /// A boolean.
    Bool(bool),
    /// Microseconds since 1970 UTC.
    Time(i64),
}

impl<'a> Cell<'a> {
    fn text_or_null(text: Option<&'a str>) -> Cell<'a> {
        text.map_or(Cell::Null, Cell::Text)
    }

    fn time_or_null(micros: Option<i64>) -> Cell<'a> {
        micros.map_or(Cell::Null, Cell::Time)
    }
}

/// A table of the demo, in the order of loading (a row's targets come before it).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DemoTable {
    /// plans
    Plans,
    /// customers
    Customers,
    /// orders
    Orders,
    /// order_lines
    Lines,
    /// tickets
    Tickets,
    /// documents
    Documents,
}

impl DemoTable {
    /// All of them, in the order of loading.
    pub const ALL: [DemoTable; 6] = [
        DemoTable::Plans,
        DemoTable::Customers,
        DemoTable::Orders,
        DemoTable::Lines,
        DemoTable::Tickets,
        DemoTable::Documents,
    ];

    /// The name in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            DemoTable::Plans => "plans",
            DemoTable::Customers => "customers",
            DemoTable::Orders => "orders",
            DemoTable::Lines => "order_lines",
            DemoTable::Tickets => "tickets",
            DemoTable::Documents => "documents",
        }
    }

    /// The columns, in the order of the cells.
    #[must_use]
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            DemoTable::Plans => &["id", "name", "price_cents", "internal_cost_cents", "is_public"],
            DemoTable::Customers => {
                &["id", "tenant_id", "name", "email", "phone", "card", "plan_id", "internal_note", "created_at"]
            }
            DemoTable::Orders => {
                &["id", "tenant_id", "customer_id", "status", "total_cents", "placed_at", "deleted_at"]
            }
            DemoTable::Lines => &["id", "order_id", "sku", "quantity", "price_cents"],
            DemoTable::Tickets => {
                &["id", "tenant_id", "customer_id", "assigned_to", "subject", "priority", "status", "created_at"]
            }
            DemoTable::Documents => &["id", "tenant_id", "owner_id", "title", "body", "is_confidential", "created_at"],
        }
    }

    /// Calls `visit` with the cells of every row.
    ///
    /// # Errors
    /// The first error of `visit`, which ends the walk.
    pub fn each_row<E>(self, data: &Dataset, mut visit: impl FnMut(&[Cell<'_>]) -> Result<(), E>) -> Result<(), E> {
        use Cell::{Bool, Int, Text, Time};
        match self {
            DemoTable::Plans => data.plans.iter().try_for_each(|row| {
                visit(&[
                    Int(row.id),
                    Text(row.name),
                    Int(row.price_cents),
                    Int(row.internal_cost_cents),
                    Bool(row.is_public),
                ])
            }),
            DemoTable::Customers => data.customers.iter().try_for_each(|row| {
                visit(&[
                    Int(row.id),
                    Text(row.tenant_id),
                    Text(&row.name),
                    Text(&row.email),
                    Text(&row.phone),
                    Text(&row.card),
                    Int(row.plan_id),
                    Cell::text_or_null(row.internal_note),
                    Time(row.created_at),
                ])
            }),
            DemoTable::Orders => data.orders.iter().try_for_each(|row| {
                visit(&[
                    Int(row.id),
                    Text(row.tenant_id),
                    Int(row.customer_id),
                    Text(row.status),
                    Int(row.total_cents),
                    Time(row.placed_at),
                    Cell::time_or_null(row.deleted_at),
                ])
            }),
            DemoTable::Lines => data.lines.iter().try_for_each(|row| {
                visit(&[Int(row.id), Int(row.order_id), Text(&row.sku), Int(row.quantity), Int(row.price_cents)])
            }),
            DemoTable::Tickets => data.tickets.iter().try_for_each(|row| {
                visit(&[
                    Int(row.id),
                    Text(row.tenant_id),
                    Int(row.customer_id),
                    Cell::text_or_null(row.assigned_to),
                    Text(&row.subject),
                    Int(row.priority),
                    Text(row.status),
                    Time(row.created_at),
                ])
            }),
            DemoTable::Documents => data.documents.iter().try_for_each(|row| {
                visit(&[
                    Int(row.id),
                    Text(row.tenant_id),
                    Text(row.owner_id),
                    Text(&row.title),
                    Text(&row.body),
                    Bool(row.is_confidential),
                    Time(row.created_at),
                ])
            }),
        }
    }
}
