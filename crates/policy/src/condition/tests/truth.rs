//! What each atom is worth: for a row with values and one of NULLs, for a principal with attributes
//! and one without.

use rust_decimal::Decimal;
use uuid::Uuid;

use super::world::World;
use crate::attribute::{AttrId, Attributes};
use crate::bound::Slot;
use crate::condition::{AttrView, ColumnRef, Cond, RowView, Truth, compile, eval};
use crate::ids::{ColumnId, RelationId};
use crate::value::Value;

struct Row(Vec<(ColumnRef, Value)>);

impl RowView for Row {
    fn value(&self, column: ColumnRef) -> Option<&Value> {
        self.0.iter().find(|(known, _)| *known == column).map(|(_, value)| value)
    }
}

struct Person(Vec<Slot>);

impl AttrView for Person {
    fn slot(&self, id: AttrId) -> &Slot {
        &self.0[id.index()]
    }

    fn now_micros(&self) -> i64 {
        1_000
    }
}

fn full_row() -> Row {
    let own = |at| ColumnRef::Own(ColumnId(at));
    Row(vec![
        (own(0), Value::Int(1)),
        (own(1), Value::text("a")),
        (own(2), Value::text("paid")),
        (own(3), Value::Decimal(Decimal::new(150, 2))),
        (own(4), Value::Timestamp(1_000)),
        (own(5), Value::Bool(true)),
        (own(6), Value::Uuid(Uuid::from_u128(7))),
        (own(13), Value::Int(5)),
        (ColumnRef::Hop(RelationId(0), ColumnId(1)), Value::text("a")),
    ])
}

fn full_person(attributes: &Attributes) -> Person {
    let text = |text| Slot::One(Value::text(text));
    let slot = |path: &str| match path {
        "principal.tenant_id" => text("a"),
        "principal.user_id" => text("u"),
        "principal.roles" => Slot::Many(vec![Value::text("support"), Value::text("clerk")]),
        "principal.now" => Slot::Now,
        "principal.metadata.five" => Slot::One(Value::Int(5)),
        "principal.metadata.pa" => text("pa"),
        "principal.metadata.list" => Slot::Many(vec![Value::text("a"), Value::text("b")]),
        "principal.metadata.empty" => Slot::Many(Vec::new()),
        "principal.metadata.yes" => Slot::One(Value::Bool(true)),
        other => panic!("{other}"),
    };
    Person(attributes.iter().map(|(_, attribute)| slot(&attribute.path.to_string())).collect())
}

fn bare_person(attributes: &Attributes) -> Person {
    let slot = |path: &str| if path == "principal.now" { Slot::Now } else { Slot::Missing };
    Person(attributes.iter().map(|(_, attribute)| slot(&attribute.path.to_string())).collect())
}

/// The condition, and its truth for: values and attributes, NULLs and attributes, values without
/// attributes, NULLs without attributes.
const TRUTHS: &[(&str, &str)] = &[
    ("TRUE", "TTTT"),
    ("FALSE", "FFFF"),
    ("level = 5", "TUTU"),
    ("level <> 5", "FUFU"),
    ("level < 5", "FUFU"),
    ("level <= 5", "TUTU"),
    ("level > 4", "TUTU"),
    ("level >= 6", "FUFU"),
    ("level = level", "TUTU"),
    ("1 = 1", "TTTT"),
    ("1 <> 1", "FFFF"),
    ("is_public = TRUE", "TUTU"),
    ("is_public <> TRUE", "FUFU"),
    ("amount = DECIMAL '1.5'", "TUTU"),
    ("amount IN (DECIMAL '1.500')", "TUTU"),
    ("amount < DECIMAL '1.51'", "TUTU"),
    ("uid = UUID '00000000-0000-0000-0000-000000000007'", "TUTU"),
    ("status = 'Paid'", "FUFU"),
    ("status = 'paid '", "FUFU"),
    ("created_at = principal.now", "TUTU"),
    ("created_at < principal.now", "FUFU"),
    ("TIMESTAMP '1970-01-01T00:00:00Z' < principal.now", "TTTT"),
    ("tenant_id = principal.tenant_id", "TUUU"),
    ("tenant_id <> principal.tenant_id", "FUUU"),
    ("customer.tenant_id = principal.tenant_id", "TUUU"),
    ("level = principal.metadata.five", "TUUU"),
    ("principal.metadata.yes = TRUE", "TTUU"),
    ("principal.tenant_id = principal.user_id", "FFUU"),
    ("status IS NULL", "FTFT"),
    ("status IS NOT NULL", "TFTF"),
    ("HAS principal.tenant_id", "TTFF"),
    ("HAS principal.metadata.empty AND TRUE", "TTFF"),
    ("HAS principal.now", "TTTT"),
    ("level IN (1, 5)", "TUTU"),
    ("level NOT IN (1, 5)", "FUFU"),
    ("level IN (1)", "FUFU"),
    ("level NOT IN (1)", "TUTU"),
    ("level IN ()", "FFFF"),
    ("level NOT IN ()", "TTTT"),
    ("principal.user_id IN ()", "FFFF"),
    ("principal.user_id IN ('u')", "TTUU"),
    ("principal.now IN (TIMESTAMP '1970-01-01T00:00:00.001Z')", "TTTT"),
    ("tenant_id IN principal.metadata.list", "TUUU"),
    ("tenant_id NOT IN principal.metadata.list", "FUUU"),
    ("status IN principal.metadata.list", "FUUU"),
    ("tenant_id IN principal.metadata.empty", "FFUU"),
    ("tenant_id NOT IN principal.metadata.empty", "TTUU"),
    ("principal.tenant_id IN principal.metadata.list", "TTUU"),
    ("principal.tenant_id NOT IN principal.metadata.empty", "TTUU"),
    ("'support' IN principal.roles", "TTUU"),
    ("'admin' IN principal.roles", "FFUU"),
    ("'Support' IN principal.roles", "FFUU"),
    ("'admin' NOT IN principal.roles", "TTUU"),
    ("status STARTS WITH 'pa'", "TUTU"),
    ("status STARTS WITH 'PA'", "FUFU"),
    ("status STARTS WITH 'paid!'", "FUFU"),
    ("status STARTS WITH principal.metadata.pa", "TUUU"),
    ("status NOT STARTS WITH 'pa'", "FUFU"),
    ("status LIKE 'pa%'", "TUTU"),
    // Kleene's tables
    ("level = 5 AND TRUE", "TUTU"),
    ("level = 5 AND FALSE", "FFFF"),
    ("level = 5 OR TRUE", "TTTT"),
    ("level = 5 OR FALSE", "TUTU"),
    ("level = 5 OR level <> 5", "TUTU"),
    ("level = 5 AND tenant_id = principal.tenant_id", "TUUU"),
    ("level = 6 AND tenant_id = principal.tenant_id", "FUFU"),
    ("level = 5 OR tenant_id = principal.tenant_id", "TUTU"),
    ("status IS NULL OR tenant_id = principal.tenant_id", "TTUT"),
    ("NOT (status IS NOT NULL AND level = 6)", "TTTT"),
    ("NOT NOT level = 5", "TUTU"),
];

fn letters(cond: &Cond, attributes: &Attributes) -> String {
    let (full, null) = (full_row(), Row(Vec::new()));
    let (person, bare) = (full_person(attributes), bare_person(attributes));
    let truth = |row, person| match eval(cond, row, person) {
        Truth::True => 'T',
        Truth::False => 'F',
        Truth::Unknown => 'U',
    };
    [truth(&full, &person), truth(&null, &person), truth(&full, &bare), truth(&null, &bare)].iter().collect()
}

#[test]
fn atoms_have_their_truth() {
    let world = World::new();
    for (text, wanted) in TRUTHS {
        let mut attributes = Attributes::default();
        let cond = compile(text, &world, &mut attributes).unwrap_or_else(|error| panic!("{text}\n{error:?}"));
        assert_eq!(letters(&cond, &attributes), *wanted, "{text}");
        // NOT swaps TRUE and FALSE and keeps UNKNOWN: absence never grants more.
        let swapped: String = wanted
            .chars()
            .map(|c| {
                if c == 'T' {
                    'F'
                } else if c == 'F' {
                    'T'
                } else {
                    c
                }
            })
            .collect();
        assert_eq!(letters(&Cond::Not(Box::new(cond.clone())), &attributes), swapped, "NOT {text}");
        assert_eq!(letters(&Cond::And(vec![cond.clone(), Cond::Const(true)]), &attributes), *wanted);
        assert_eq!(letters(&Cond::Or(vec![Cond::Const(false), cond]), &attributes), *wanted);
    }
}
