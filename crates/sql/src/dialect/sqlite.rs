//! SQLite: few types, so bools, moments and decimals are compared in the form they are stored in.

use rust_decimal::Decimal;
use tenantry_policy::catalog::{CatalogColumn, Storage};
use tenantry_policy::condition::{Cmp, Truth};
use tenantry_policy::filter::Place;
use tenantry_policy::{ColumnId, Table, Type, Value};

use super::{Adjusted, Form, Piece, Speech, Use};
use crate::RenderError;
use crate::builder::{Alias, Sql};

/// The functions that generated statements call: all that the authorizer needs to let through.
pub const FUNCTIONS: &[&str] =
    &["count", "instr", "json_extract", "length", "max", "min", "round", "row_number", "strftime", "substr", "sum"];

/// Up to here a power of ten times a column's value still is an integer that a double holds exactly.
const MOST_SCALE: u8 = 15;

pub(super) struct Sqlite;

impl Speech for Sqlite {
    fn truth(&self, truth: Truth) -> &'static str {
        match truth {
            Truth::True => "1",
            Truth::False => "0",
            Truth::Unknown => "NULL",
        }
    }

    fn bool_storage(&self) -> Storage {
        Storage::BoolInt
    }

    fn form(&self, facts: &CatalogColumn, usage: Use) -> Form {
        match (facts.ty, usage) {
            (_, Use::Show) => Form::Raw,
            (Some(Type::Decimal), _) => match facts.scale {
                Some(scale) if scale <= MOST_SCALE => Form::Scaled(scale),
                _ => Form::Real,
            },
            (Some(Type::Text), _) if facts.loose_collation.is_some() => Form::Text { cast: false, bytes: true },
            _ => Form::Raw,
        }
    }

    fn forms(&self, left: &CatalogColumn, right: &CatalogColumn) -> (Form, Form) {
        match left.ty {
            Some(Type::Decimal) => {
                let form = match (left.scale, right.scale) {
                    (Some(a), Some(b)) if a.max(b) <= MOST_SCALE => Form::Scaled(a.max(b)),
                    _ => Form::Real,
                };
                (form, form)
            }
            Some(Type::Timestamp) if left.storage != right.storage => {
                let form = |facts: &CatalogColumn| match facts.storage {
                    Storage::TimestampText => Form::Micros,
                    _ => Form::Raw,
                };
                (form(left), form(right))
            }
            _ => (self.form(left, Use::Equal), self.form(right, Use::Equal)),
        }
    }

    fn exact(&self, facts: &CatalogColumn) -> bool {
        facts.ty != Some(Type::Decimal) || facts.scale.is_some_and(|scale| scale <= MOST_SCALE)
    }

    fn adjust(&self, form: Form, cmp: Cmp, value: &Value) -> Adjusted {
        match (form, value) {
            (Form::Scaled(scale), Value::Decimal(number)) => scaled(scale, cmp, number),
            (Form::Real, Value::Decimal(number)) => match number.to_string().parse::<f64>() {
                Ok(number) => Adjusted::Compare(cmp, Value::Float(number)),
                Err(_) => Adjusted::Present(false),
            },
            _ => Adjusted::Compare(cmp, value.clone()),
        }
    }

    fn column(
        &self,
        sql: &mut Sql<'_>,
        from: Alias,
        table: &Table,
        id: ColumnId,
        form: Form,
    ) -> Result<(), RenderError> {
        match form {
            Form::Raw | Form::Utc | Form::Text { bytes: false, .. } => sql.column(from, table, id),
            Form::Text { bytes: true, .. } => {
                sql.column(from, table, id)?;
                sql.push(" COLLATE BINARY");
                Ok(())
            }
            Form::Scaled(scale) => {
                sql.push("CAST(round(");
                sql.column(from, table, id)?;
                if scale > 0 {
                    sql.push(" * ");
                    sql.number(10_u64.saturating_pow(u32::from(scale)));
                }
                sql.push(") AS INTEGER)");
                Ok(())
            }
            Form::Real => {
                sql.push("CAST(");
                sql.column(from, table, id)?;
                sql.push(" AS REAL)");
                Ok(())
            }
            Form::Micros => {
                // `YYYY-MM-DD HH:MM:SS[.ffffff]`: the fraction begins at the 21st character.
                sql.push("(CAST(strftime('%s', ");
                sql.column(from, table, id)?;
                sql.push(") AS INTEGER) * 1000000 + CAST(substr(substr(");
                sql.column(from, table, id)?;
                sql.push(", 21) || '000000', 1, 6) AS INTEGER))");
                Ok(())
            }
        }
    }

    fn parameter(&self, sql: &mut Sql<'_>, number: usize, _: Type, _: Storage, _: &CatalogColumn, _: Form) {
        sql.placeholder('?', number);
    }

    fn written(&self, sql: &mut Sql<'_>, number: usize, _: &CatalogColumn) -> Result<(), RenderError> {
        sql.placeholder('?', number);
        Ok(())
    }

    fn lists_are_arrays(&self) -> bool {
        false
    }

    fn list(&self, sql: &mut Sql<'_>, number: usize, _: Type, negated: bool) {
        sql.push(if negated { " NOT IN (" } else { " IN (" });
        sql.placeholder('?', number);
        sql.push(")");
    }

    fn part(&self, place: Place) -> &'static [Piece] {
        const INSIDE: &[Piece] =
            &[Piece::Text("instr("), Piece::Whole, Piece::Text(", "), Piece::Part, Piece::Text(") > 0")];
        const START: &[Piece] = &[
            Piece::Text("substr("),
            Piece::Whole,
            Piece::Text(", 1, length("),
            Piece::Part,
            Piece::Text(")) = "),
            Piece::Part,
        ];
        const END: &[Piece] = &[
            Piece::Text("substr("),
            Piece::Whole,
            Piece::Text(", -length("),
            Piece::Part,
            Piece::Text(")) = "),
            Piece::Part,
        ];
        match place {
            Place::Inside => INSIDE,
            Place::Start => START,
            Place::End => END,
        }
    }

    fn keys(&self, sql: &mut Sql<'_>, first: usize, types: &[Type]) {
        sql.push(" IN (SELECT ");
        for at in 0..types.len() {
            if at > 0 {
                sql.push(", ");
            }
            sql.push("json_extract(k.value, '$[");
            sql.number(u64::try_from(at).unwrap_or_default());
            sql.push("]')");
        }
        sql.push(" FROM json_each(");
        sql.placeholder('?', first);
        sql.push(") AS k)");
        sql.note_keys();
    }

    fn keys_by_pair(&self) -> bool {
        false
    }

    fn plans_exists(&self) -> bool {
        false
    }

    fn for_update(&self) -> &'static str {
        // One writer at a time: the transaction holds the database's write lock already.
        ""
    }

    fn has_settings(&self) -> bool {
        false
    }

    fn sum(&self, _: Type) -> (&'static str, &'static str) {
        ("sum(", ")")
    }

    fn float(&self) -> (&'static str, &'static str) {
        ("CAST(", " AS REAL)")
    }
}

/// A comparison of `column * 10^scale`, an integer, with `number * 10^scale`, which may be none.
fn scaled(scale: u8, cmp: Cmp, number: &Decimal) -> Adjusted {
    let (mantissa, point, scale) = (number.mantissa(), number.scale(), u32::from(scale));
    let (floor, exact) = if scale >= point {
        (10_i128.checked_pow(scale - point).and_then(|power| mantissa.checked_mul(power)), true)
    } else {
        let power = 10_i128.saturating_pow(point - scale);
        (Some(mantissa.div_euclid(power)), mantissa.rem_euclid(power) == 0)
    };
    match floor.map(i64::try_from) {
        Some(Ok(floor)) => match (cmp, exact) {
            (_, true) => Adjusted::Compare(cmp, Value::Int(floor)),
            (Cmp::Eq, false) => Adjusted::Present(false),
            (Cmp::Ne, false) => Adjusted::Present(true),
            (Cmp::Lt | Cmp::Le, false) => Adjusted::Compare(Cmp::Le, Value::Int(floor)),
            (Cmp::Gt | Cmp::Ge, false) => Adjusted::Compare(Cmp::Gt, Value::Int(floor)),
        },
        // Beyond every integer that a column can hold.
        _ => Adjusted::Present(match cmp {
            Cmp::Eq => false,
            Cmp::Ne => true,
            Cmp::Lt | Cmp::Le => mantissa > 0,
            Cmp::Gt | Cmp::Ge => mantissa < 0,
        }),
    }
}
