//! PostgreSQL: every parameter is cast to its wire type, so that nothing is guessed from context.

use tenantry_policy::attribute::Attribute;
use tenantry_policy::catalog::{CatalogColumn, Storage};
use tenantry_policy::condition::{Cmp, Truth};
use tenantry_policy::filter::Place;
use tenantry_policy::value::format_timestamp;
use tenantry_policy::{ColumnId, Table, Type, Value};

use super::{Adjusted, Form, Piece, Speech, Use};
use crate::RenderError;
use crate::builder::{Alias, Sql};

pub(super) struct Postgres;

impl Speech for Postgres {
    fn truth(&self, truth: Truth) -> &'static str {
        match truth {
            Truth::True => "TRUE",
            Truth::False => "FALSE",
            Truth::Unknown => "NULL::boolean",
        }
    }

    fn bool_storage(&self) -> Storage {
        Storage::Native
    }

    fn form(&self, facts: &CatalogColumn, usage: Use) -> Form {
        match (facts.ty, usage) {
            (Some(Type::Text), _) => {
                let cast = facts.storage == Storage::Enum || !is_plain_text(&facts.native);
                // Equality is bytewise under every deterministic collation; order is not.
                let bytes = usage == Use::Order || (usage != Use::Show && facts.loose_collation.is_some());
                if cast || bytes { Form::Text { cast, bytes } } else { Form::Raw }
            }
            (Some(Type::Timestamp), Use::Show | Use::List) if is_zoneless(facts) => Form::Utc,
            _ => Form::Raw,
        }
    }

    fn forms(&self, left: &CatalogColumn, right: &CatalogColumn) -> (Form, Form) {
        if left.ty == Some(Type::Timestamp) && is_zoneless(left) != is_zoneless(right) {
            return (self.form(left, Use::List), self.form(right, Use::List));
        }
        (self.form(left, Use::Equal), self.form(right, Use::Equal))
    }

    fn exact(&self, _: &CatalogColumn) -> bool {
        true
    }

    fn adjust(&self, _: Form, cmp: Cmp, value: &Value) -> Adjusted {
        Adjusted::Compare(cmp, value.clone())
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
            Form::Raw | Form::Scaled(_) | Form::Real | Form::Micros => sql.column(from, table, id),
            Form::Text { cast, bytes } => {
                if cast && bytes {
                    sql.push("(");
                }
                sql.column(from, table, id)?;
                if cast {
                    sql.push(if bytes { "::text)" } else { "::text" });
                }
                if bytes {
                    sql.push(" COLLATE \"C\"");
                }
                Ok(())
            }
            Form::Utc => {
                sql.push("(");
                sql.column(from, table, id)?;
                sql.push(" AT TIME ZONE 'UTC')");
                Ok(())
            }
        }
    }

    fn parameter(
        &self,
        sql: &mut Sql<'_>,
        number: usize,
        ty: Type,
        storage: Storage,
        facts: &CatalogColumn,
        form: Form,
    ) {
        let zoneless = ty == Type::Timestamp && is_zoneless(facts) && form == Form::Raw;
        if zoneless {
            sql.push("(");
        }
        sql.placeholder('$', number);
        sql.push("::");
        sql.push(wire(ty, storage));
        if zoneless {
            sql.push(" AT TIME ZONE 'UTC')");
        }
    }

    fn written(&self, sql: &mut Sql<'_>, number: usize, facts: &CatalogColumn) -> Result<(), RenderError> {
        let ty = crate::builder::type_of(facts)?;
        self.parameter(sql, number, ty, facts.storage, facts, Form::Raw);
        match (ty, facts.storage) {
            (_, Storage::Enum) => {
                sql.push("::");
                sql.native(facts);
            }
            (Type::Json, Storage::Native) if facts.native == "jsonb" => sql.push("::jsonb"),
            (Type::Json, Storage::Native) => sql.push("::json"),
            _ => {}
        }
        Ok(())
    }

    fn lists_are_arrays(&self) -> bool {
        true
    }

    fn list(&self, sql: &mut Sql<'_>, number: usize, ty: Type, negated: bool) {
        sql.push(if negated { " <> ALL(" } else { " = ANY(" });
        sql.placeholder('$', number);
        sql.push("::");
        sql.push(wire(ty, Storage::Native));
        sql.push("[])");
    }

    fn part(&self, place: Place) -> &'static [Piece] {
        const INSIDE: &[Piece] =
            &[Piece::Text("strpos("), Piece::Whole, Piece::Text(", "), Piece::Part, Piece::Text(") > 0")];
        const START: &[Piece] =
            &[Piece::Text("starts_with("), Piece::Whole, Piece::Text(", "), Piece::Part, Piece::Text(")")];
        const END: &[Piece] = &[
            Piece::Text("right("),
            Piece::Whole,
            Piece::Text(", length("),
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
        let single = types.len() == 1;
        sql.push(if single { " = ANY(" } else { " IN (SELECT * FROM unnest(" });
        for (at, ty) in types.iter().enumerate() {
            if at > 0 {
                sql.push(", ");
            }
            sql.placeholder('$', first + at);
            sql.push("::");
            sql.push(wire(*ty, Storage::Native));
            sql.push("[]");
        }
        sql.push(if single { ")" } else { "))" });
    }

    fn keys_by_pair(&self) -> bool {
        true
    }

    fn plans_exists(&self) -> bool {
        true
    }

    fn for_update(&self) -> &'static str {
        " FOR UPDATE OF "
    }

    fn has_settings(&self) -> bool {
        true
    }

    fn sum(&self, ty: Type) -> (&'static str, &'static str) {
        match ty {
            // A sum that outgrows 64 bits is refused here as it is in SQLite; the answer's type is a decimal.
            Type::Int => ("sum(", ")::int8::numeric"),
            Type::Float => ("sum(", "::float8)"),
            _ => ("sum(", ")"),
        }
    }

    fn float(&self) -> (&'static str, &'static str) {
        ("(", ")::float8")
    }
}

/// The type that a parameter travels as.
fn wire(ty: Type, storage: Storage) -> &'static str {
    match storage {
        Storage::BoolInt | Storage::TimestampMicros => return "int8",
        Storage::TimestampText | Storage::UuidText | Storage::DateText | Storage::JsonText | Storage::Enum => {
            return "text";
        }
        Storage::Native | Storage::DecimalNumber => {}
    }
    match ty {
        Type::Bool => "bool",
        Type::Int => "int8",
        Type::Decimal => "numeric",
        Type::Text | Type::Json => "text",
        Type::Uuid => "uuid",
        Type::Timestamp => "timestamptz",
        Type::Date => "date",
        Type::Float => "float8",
        Type::Bytes => "bytea",
    }
}

/// Types whose values are text on the wire and compare as such. Others (`citext`, domains) are read
/// as text first.
fn is_plain_text(native: &str) -> bool {
    matches!(native, "text" | "varchar" | "bpchar" | "name")
}

fn is_zoneless(facts: &CatalogColumn) -> bool {
    facts.native == "timestamp"
}

/// Writes a rule's literal, typed. Only in row security.
pub(crate) fn literal(sql: &mut Sql<'_>, value: &Value, facts: &CatalogColumn, form: Form) {
    let zoneless = value.ty() == Type::Timestamp && is_zoneless(facts) && form == Form::Raw;
    if zoneless {
        sql.push("(");
    }
    plain_literal(sql, value);
    if zoneless {
        sql.push(" AT TIME ZONE 'UTC')");
    }
}

/// Writes a rule's literal without regard to a column. Only in row security.
pub(crate) fn plain_literal(sql: &mut Sql<'_>, value: &Value) {
    match value {
        Value::Bool(true) => sql.push("TRUE"),
        Value::Bool(false) => sql.push("FALSE"),
        Value::Int(number) => {
            sql.push("'");
            sql.number_literal(number);
            sql.push("'::int8");
        }
        Value::Decimal(number) => {
            sql.push("'");
            sql.number_literal(number);
            sql.push("'::numeric");
        }
        Value::Text(text) | Value::Json(text) => {
            sql.quoted_literal(text);
            sql.push("::text");
        }
        Value::Uuid(id) => {
            sql.quoted_literal(&id.hyphenated().to_string());
            sql.push("::uuid");
        }
        Value::Timestamp(micros) => match format_timestamp(*micros) {
            Some(text) => {
                sql.quoted_literal(&text);
                sql.push("::timestamptz");
            }
            // Outside of every calendar: UNKNOWN, which allows nothing.
            None => sql.push("NULL::timestamptz"),
        },
        // Types that conditions do not know.
        Value::Date(_) => sql.push("NULL::date"),
        Value::Float(_) => sql.push("NULL::float8"),
        Value::Bytes(_) => sql.push("NULL::bytea"),
    }
}

/// Writes an attribute as row security reads it: a subselect, so that it is read once a statement.
pub(crate) fn setting(sql: &mut Sql<'_>, attribute: &Attribute, zoneless: bool) {
    sql.push("(SELECT ");
    sql.asked(attribute);
    if attribute.list {
        sql.push("::");
        sql.push(wire(attribute.ty, Storage::Native));
        sql.push("[]");
    } else if attribute.ty != Type::Text {
        sql.push("::");
        sql.push(wire(attribute.ty, Storage::Native));
    }
    if zoneless {
        sql.push(" AT TIME ZONE 'UTC'");
    }
    sql.push(")");
}

/// Writes an attribute that is a list, as an array for ANY or ALL. The second cast changes nothing,
/// but keeps PostgreSQL from reading the subselect as the list of ANY itself.
pub(crate) fn setting_array(sql: &mut Sql<'_>, attribute: &Attribute) {
    setting(sql, attribute, false);
    sql.push("::");
    sql.push(wire(attribute.ty, Storage::Native));
    sql.push("[]");
}

/// Does a scalar compared with this column lose its time zone?
pub(crate) fn loses_zone(facts: &CatalogColumn, form: Form) -> bool {
    is_zoneless(facts) && form == Form::Raw
}
