//! The values that an obligation has to look at.
//!
//! Conditions compare values for equality, order and prefixes, with one another and with constants, and do
//! nothing else with them. Two sets of values that agree on these comparisons make every condition agree,
//! so each obligation that any values break is broken by values of these domains. Values that are never
//! compared with one another need not share one: each sort ([`crate::sorts`]) has its own.
//!
//! - **equality only**: the constants, and one more fresh value than there are variables. Values of a model
//!   that are no constants are renamed to fresh ones.
//! - **order** (int, decimal, timestamp): the constants, and as many values as there are variables in each gap
//!   between two of them, before the first and after the last (or all that the gap holds). Values of a model
//!   are moved within their gap, keeping their order. Decimals that a column's scale holds are a gap's own.
//! - **prefixes** (text): beside these, below each constant that may be a prefix as many texts that begin with
//!   it as there are variables; where attributes are prefixes, too, the same below their values, as deep as
//!   there are such attributes, and the beginnings of the constants.
//! - **bool**: both.
//!
//! docs/proof.md gives the argument in full.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use rust_decimal::Decimal;
use tenantry_policy::value::format_timestamp;
use tenantry_policy::{Type, Value};
use uuid::Uuid;

/// No domain is larger; an obligation that needs more is undecided.
pub(crate) const LARGEST: usize = 4096;

/// Timestamps begin here where no constant says otherwise: 2027-01-15T08:00:00Z.
pub(crate) const SOME_TIME: i64 = 1_800_000_000_000_000;

/// What the conditions of a problem need of one sort.
#[derive(Debug, Clone)]
pub(crate) struct Need {
    pub(crate) ty: Type,
    /// Constants.
    pub(crate) constants: Vec<Value>,
    /// Those of them that are prefixes.
    pub(crate) prefixes: Vec<Value>,
    /// Variables: columns, attributes, lists.
    pub(crate) variables: usize,
    /// Attributes that are prefixes.
    pub(crate) prefix_attributes: usize,
    /// Does any prefix test read the sort?
    pub(crate) in_prefixes: bool,
    /// The scales of its decimal columns.
    pub(crate) scales: BTreeSet<u32>,
    /// Are there decimals of any scale?
    pub(crate) any_scale: bool,
}

impl Need {
    pub(crate) fn new(ty: Type) -> Need {
        Need {
            ty,
            constants: Vec::new(),
            prefixes: Vec::new(),
            variables: 0,
            prefix_attributes: 0,
            in_prefixes: false,
            scales: BTreeSet::new(),
            any_scale: false,
        }
    }

    /// The values that these needs make; ordered, where conditions may ask for the order. `None` when there are
    /// too many.
    pub(crate) fn values(&self) -> Option<Vec<Value>> {
        let mut values: Vec<Value> = match self.ty {
            Type::Bool => [false, true].into_iter().map(Value::Bool).collect(),
            Type::Int => whole(&self.numbers(), self.variables + 1, 1, 1).into_iter().map(Value::Int).collect(),
            Type::Timestamp => {
                let all = whole(&self.numbers(), self.variables + 1, 1_000_000, SOME_TIME);
                // What no text can say is in no token and in no database.
                all.into_iter().filter(|time| format_timestamp(*time).is_some()).map(Value::Timestamp).collect()
            }
            Type::Decimal => self.decimals().into_iter().map(Value::Decimal).collect(),
            Type::Uuid => self.uuids(),
            Type::Text => texts(self)?.iter().map(|text| Value::text(text)).collect(),
            // Never in conditions.
            Type::Date | Type::Float | Type::Json | Type::Bytes => Vec::new(),
        };
        values.sort_by(|a, b| a.compare(b).unwrap_or(Ordering::Equal));
        values.dedup_by(|a, b| a.same(b));
        (values.len() <= LARGEST).then_some(values)
    }

    fn numbers(&self) -> Vec<i64> {
        let numbers = self.constants.iter().filter_map(|value| match value {
            Value::Int(number) | Value::Timestamp(number) => Some(*number),
            _ => None,
        });
        let numbers: BTreeSet<i64> = numbers.collect();
        numbers.into_iter().collect()
    }

    fn uuids(&self) -> Vec<Value> {
        let mut all = self.constants.clone();
        let fresh = (1_u128..).map(|at| Value::Uuid(Uuid::from_u128(at)));
        let fresh: Vec<Value> = fresh
            .filter(|value| !self.constants.iter().any(|known| known.same(value)))
            .take(self.variables + 1)
            .collect();
        all.extend(fresh);
        all
    }

    fn decimals(&self) -> Vec<Decimal> {
        let of = |value: &Value| if let Value::Decimal(number) = value { Some(*number) } else { None };
        let constants: BTreeSet<Decimal> = self.constants.iter().filter_map(of).collect();
        let mut points: Vec<Decimal> = constants.into_iter().collect();
        let count = u32::try_from(self.variables).unwrap_or(u32::MAX).saturating_add(1);
        // The coarsest first: what a scale holds lies on the grid of each finer one.
        for scale in &self.scales {
            points = on_grid(&points, *scale, count);
        }
        if self.any_scale || self.scales.is_empty() {
            points = between(&points, count);
        }
        points
    }
}

fn whole(constants: &[i64], count: usize, unit: i64, some: i64) -> Vec<i64> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let (Some(first), Some(last)) = (constants.first().copied(), constants.last().copied()) else {
        return (0..count).filter_map(|step| some.checked_add(step.checked_mul(unit)?)).collect();
    };
    let mut all: Vec<i64> = constants.to_vec();
    // At the ends of what 64 bits hold, steps are small.
    let below = if first.checked_sub(count.saturating_mul(unit)).is_some() { unit } else { 1 };
    let above = if last.checked_add(count.saturating_mul(unit)).is_some() { unit } else { 1 };
    all.extend((1..=count).filter_map(|step| first.checked_sub(step.checked_mul(below)?)));
    all.extend((1..=count).filter_map(|step| last.checked_add(step.checked_mul(above)?)));
    for (low, high) in constants.iter().zip(constants.iter().skip(1)) {
        let wide = high.checked_sub(*low).is_none_or(|width| width / unit > count);
        let step = if wide { unit } else { 1 };
        let steps = (1..=count).map_while(|at| low.checked_add(at.checked_mul(step)?).filter(|value| value < high));
        all.extend(steps);
    }
    all
}

/// Adds up to `count` multiples of a scale's unit in each gap.
fn on_grid(points: &[Decimal], scale: u32, count: u32) -> Vec<Decimal> {
    let unit = Decimal::new(1, scale.min(28));
    let mut all: Vec<Decimal> = points.to_vec();
    let floor =
        |value: &Decimal| value.round_dp_with_strategy(scale, rust_decimal::RoundingStrategy::ToNegativeInfinity);
    let ceiling =
        |value: &Decimal| value.round_dp_with_strategy(scale, rust_decimal::RoundingStrategy::ToPositiveInfinity);
    let steps = |from: Decimal, up: bool| {
        (1..=count).filter_map(move |step| {
            let by = unit.checked_mul(Decimal::from(step))?;
            if up { from.checked_add(by) } else { from.checked_sub(by) }
        })
    };
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return (1..=count).map(Decimal::from).collect();
    };
    all.extend(steps(ceiling(first), false));
    all.extend(steps(floor(last), true));
    for (low, high) in points.iter().zip(points.iter().skip(1)) {
        all.extend(steps(floor(low), true).take_while(|value| value < high));
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// Adds `count` values of any scale in each gap.
fn between(points: &[Decimal], count: u32) -> Vec<Decimal> {
    let mut all: Vec<Decimal> = points.to_vec();
    let (Some(first), Some(last)) = (points.first().copied(), points.last().copied()) else {
        return (1..=count).map(Decimal::from).collect();
    };
    for step in 1..=count {
        all.extend(first.checked_sub(Decimal::from(step)));
        all.extend(last.checked_add(Decimal::from(step)));
    }
    let parts = Decimal::from(count.saturating_add(1));
    for (low, high) in points.iter().zip(points.iter().skip(1)) {
        let width = high.saturating_sub(*low);
        for step in 1..=count {
            let part = width.checked_mul(Decimal::from(step)).and_then(|width| width.checked_div(parts));
            let value = part.and_then(|part| low.checked_add(part));
            all.extend(value.filter(|value| low < value && value < high));
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// A character that no constant holds, so that what it stands in is related to no constant by chance.
fn marker(constants: &[&str]) -> char {
    let usual = ['~', '!', '#', '$', '*', '+', '=', '^', '|'].into_iter();
    let mut all = usual.chain('\u{4e00}'..='\u{9fff}');
    all.find(|mark| !constants.iter().any(|text| text.contains(*mark))).unwrap_or('\u{a000}')
}

fn texts(need: &Need) -> Option<Vec<String>> {
    let text = |value: &Value| if let Value::Text(text) = value { Some(text.to_string()) } else { None };
    let constants: BTreeSet<String> = need.constants.iter().filter_map(text).collect();
    let all: Vec<&str> = constants.iter().map(String::as_str).collect();
    let mut forest = Forest {
        mark: marker(&all),
        // Numbers of one width: none of them begins another.
        width: need.variables.saturating_add(1).to_string().len(),
        variables: need.variables,
        texts: constants.clone(),
    };
    let attributes = need.prefix_attributes;
    for at in 1..=need.variables + 1 {
        let fresh = forest.child("", at);
        if need.in_prefixes && at <= attributes {
            forest.grow(&fresh, attributes - 1);
        }
        forest.texts.insert(fresh);
    }
    if attributes > 0 {
        // An attribute may be any constant, and the beginning of one.
        for constant in &constants {
            forest.grow(constant, attributes);
        }
        for beginning in beginnings(&constants, attributes) {
            forest.grow(&beginning, attributes - 1);
            forest.texts.insert(beginning);
        }
    } else {
        for constant in need.prefixes.iter().filter_map(text) {
            forest.grow(&constant, 0);
        }
    }
    (forest.texts.len() <= LARGEST).then(|| forest.texts.into_iter().collect())
}

/// Texts by what they begin with.
struct Forest {
    mark: char,
    width: usize,
    variables: usize,
    texts: BTreeSet<String>,
}

impl Forest {
    fn child(&self, of: &str, at: usize) -> String {
        format!("{of}{}{at:0width$}", self.mark, width = self.width)
    }

    /// Adds texts below one, one for each variable; `deep` of them are prefixes again.
    fn grow(&mut self, below: &str, deep: usize) {
        for at in 1..=self.variables {
            if self.texts.len() > LARGEST {
                return;
            }
            let child = self.child(below, at);
            if at <= deep {
                self.grow(&child, deep - 1);
            }
            self.texts.insert(child);
        }
    }
}

/// Beginnings of constants: between each two places where constants end or part, as many as there are
/// attributes that may be such a beginning, and the place itself.
fn beginnings(constants: &BTreeSet<String>, attributes: usize) -> BTreeSet<String> {
    let mut places: BTreeSet<String> = constants.clone();
    for (one, next) in constants.iter().zip(constants.iter().skip(1)) {
        let common: String = one.chars().zip(next.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect();
        places.insert(common);
    }
    let mut found = BTreeSet::new();
    for constant in constants {
        let (mut beginning, mut in_gap) = (String::new(), 0);
        for next in constant.chars() {
            beginning.push(next);
            if beginning.len() == constant.len() {
                break;
            }
            let is_place = places.contains(&beginning);
            if is_place || in_gap < attributes {
                found.insert(beginning.clone());
            }
            in_gap = if is_place { 0 } else { in_gap + 1 };
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(ty: Type, constants: &[Value], variables: usize) -> Vec<Value> {
        Need { constants: constants.to_vec(), variables, ..Need::new(ty) }.values().unwrap()
    }

    #[test]
    fn gaps_between_numbers_are_filled_as_far_as_they_go() {
        let values = domain(Type::Int, &[Value::Int(5), Value::Int(7), Value::Int(i64::MAX)], 1);
        let numbers: Vec<i64> =
            values.iter().map(|value| if let Value::Int(number) = value { *number } else { panic!() }).collect();
        assert_eq!(numbers, [3, 4, 5, 6, 7, 8, 9, i64::MAX]);
        assert_eq!(domain(Type::Int, &[], 2).len(), 3);
    }

    #[test]
    fn times_stay_where_text_can_say_them() {
        let last = tenantry_policy::value::parse_timestamp("9999-12-31T23:59:59.999999Z").unwrap();
        let values = domain(Type::Timestamp, &[Value::Timestamp(last)], 3);
        assert!(values.iter().all(|value| value.compare(&Value::Timestamp(last)).unwrap().is_le()));
        assert_eq!(values.len(), 5);
    }

    #[test]
    fn decimals_of_a_column_keep_to_its_scale() {
        let decimal = |text: &str| Value::Decimal(text.parse().unwrap());
        let need = Need {
            constants: vec![decimal("10"), decimal("10.02")],
            variables: 2,
            scales: BTreeSet::from([2]),
            ..Need::new(Type::Decimal)
        };
        let values = need.values().unwrap();
        let inside: Vec<&Value> = values
            .iter()
            .filter(|value| value.compare(&decimal("10")).unwrap().is_gt())
            .filter(|value| value.compare(&decimal("10.02")).unwrap().is_lt())
            .collect();
        assert_eq!(inside, [&decimal("10.01")]);
        let any = Need { any_scale: true, ..need };
        assert!(any.values().unwrap().len() > values.len());
    }

    fn texts_of(need: &Need) -> Vec<String> {
        need.values()
            .unwrap()
            .iter()
            .map(|value| if let Value::Text(text) = value { text.to_string() } else { panic!() })
            .collect()
    }

    #[test]
    fn texts_have_fresh_values_and_texts_that_begin_with_them() {
        assert_eq!(domain(Type::Text, &[Value::text("a")], 1).len(), 3);
        let need = Need {
            constants: vec![Value::text("a")],
            prefixes: vec![Value::text("a")],
            variables: 1,
            in_prefixes: true,
            ..Need::new(Type::Text)
        };
        assert_eq!(texts_of(&need), ["a", "a~1", "~1", "~2"]);
        let attribute = Need { constants: vec![Value::text("abc"), Value::text("abd")], prefix_attributes: 1, ..need };
        let found = texts_of(&attribute);
        for wanted in ["a", "ab", "ab~1", "abc~1", "~1"] {
            assert!(found.iter().any(|text| text == wanted), "{wanted} is not in {found:?}");
        }
    }

    #[test]
    fn fresh_texts_begin_with_nothing_that_is_a_constant() {
        let need = Need {
            constants: vec![Value::text("~"), Value::text("!1")],
            prefixes: vec![Value::text("~")],
            variables: 12,
            in_prefixes: true,
            ..Need::new(Type::Text)
        };
        let fresh: Vec<String> = texts_of(&need).into_iter().filter(|text| !text.starts_with(['~', '!'])).collect();
        assert_eq!(fresh.len(), 13);
        assert!(fresh.iter().all(|one| fresh.iter().all(|other| one == other || !one.starts_with(other.as_str()))));
    }

    #[test]
    fn a_domain_that_is_too_large_is_said() {
        let need = Need { variables: 9, prefix_attributes: 9, in_prefixes: true, ..Need::new(Type::Text) };
        assert_eq!(need.values(), None);
    }
}
