//! The values that an obligation has to look at.
//!
//! Conditions compare values for equality, order and prefixes, with one another and with constants, and do
//! nothing else with them. Two sets of values that agree on these comparisons make every condition agree,
//! so each obligation that any values break is broken by values of these domains:
//!
//! - **equality only** (text, uuid): the constants, and one more fresh value than there are variables. Values
//!   of a model that are no constants are renamed to fresh ones.
//! - **order** (int, decimal, timestamp): the constants, and as many values as there are variables in each gap
//!   between two of them, before the first and after the last (or all that the gap holds). Values of a model
//!   are moved within their gap, keeping their order.
//! - **prefixes** (text): beside these, for each such value a chain of longer texts that begin with it, as long
//!   as there are variables in prefix tests, each link with as many siblings as there are variables. A text of
//!   a model is moved to the place in this forest that has the same constants and variables as prefixes.
//! - **bool**: both.
//!
//! docs/proof.md gives the argument in full.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use rust_decimal::Decimal;
use tenantry_policy::{Type, Value};
use uuid::Uuid;

/// No domain is larger; an obligation that needs more is undecided.
pub(crate) const LARGEST: usize = 400;

/// What the conditions of a problem need of one type.
#[derive(Debug, Clone, Default)]
pub(crate) struct Need {
    /// Constants.
    pub(crate) constants: Vec<Value>,
    /// Variables: columns, attributes, lists.
    pub(crate) variables: usize,
    /// Variables that stand in a prefix test, as the text or as the prefix.
    pub(crate) in_prefixes: usize,
}

/// The values of each type.
#[derive(Debug, Default)]
pub(crate) struct Domains(BTreeMap<&'static str, Vec<Value>>);

impl Domains {
    /// The values that these needs make.
    ///
    /// # Errors
    /// A type whose domain would be too large.
    pub(crate) fn new(needs: &BTreeMap<&'static str, (Type, Need)>) -> Result<Domains, &'static str> {
        let mut domains = BTreeMap::new();
        for (name, (ty, need)) in needs {
            let mut values = values(*ty, need);
            if values.len() > LARGEST {
                return Err(name);
            }
            if ty.ordered_in_conditions() {
                values.sort_by(|a, b| a.compare(b).unwrap_or(Ordering::Equal));
            }
            domains.insert(*name, values);
        }
        Ok(Domains(domains))
    }

    /// The values of a type; ordered, where conditions may ask for its order.
    pub(crate) fn of(&self, ty: Type) -> &[Value] {
        self.0.get(ty.name()).map_or(&[], Vec::as_slice)
    }
}

fn values(ty: Type, need: &Need) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    let mut add = |value: Value| {
        if !all.iter().any(|known| known.same(&value)) {
            all.push(value);
        }
    };
    need.constants.iter().cloned().for_each(&mut add);
    match ty {
        Type::Bool => [true, false].into_iter().map(Value::Bool).for_each(add),
        Type::Int => whole(need, |value| if let Value::Int(number) = value { Some(*number) } else { None })
            .into_iter()
            .map(Value::Int)
            .for_each(add),
        Type::Timestamp => whole(need, |value| if let Value::Timestamp(time) = value { Some(*time) } else { None })
            .into_iter()
            .map(Value::Timestamp)
            .for_each(add),
        Type::Decimal => decimals(need).into_iter().map(Value::Decimal).for_each(add),
        Type::Uuid => {
            (1..=need.variables + 1).map(|at| Value::Uuid(Uuid::from_u128(at as u128))).for_each(&mut add);
        }
        Type::Text => texts(need).iter().map(|text| Value::text(text)).for_each(add),
        // Never in conditions.
        Type::Date | Type::Float | Type::Json | Type::Bytes => {}
    }
    all
}

fn whole(need: &Need, number: fn(&Value) -> Option<i64>) -> Vec<i64> {
    let count = i64::try_from(need.variables).unwrap_or(i64::MAX).saturating_add(1);
    let mut constants: Vec<i64> = need.constants.iter().filter_map(number).collect();
    constants.sort_unstable();
    constants.dedup();
    let (Some(first), Some(last)) = (constants.first().copied(), constants.last().copied()) else {
        return (1..=count).collect();
    };
    let mut all = Vec::new();
    all.extend((1..=count).filter_map(|step| first.checked_sub(step)));
    all.extend((1..=count).filter_map(|step| last.checked_add(step)));
    for (low, high) in constants.iter().zip(constants.iter().skip(1)) {
        all.extend((1..=count).map_while(|step| low.checked_add(step).filter(|value| value < high)));
    }
    all
}

fn decimals(need: &Need) -> Vec<Decimal> {
    let count = u32::try_from(need.variables).unwrap_or(u32::MAX).saturating_add(1);
    let of = |value: &Value| if let Value::Decimal(number) = value { Some(*number) } else { None };
    let mut constants: Vec<Decimal> = need.constants.iter().filter_map(of).collect();
    constants.sort_unstable();
    constants.dedup();
    let (Some(first), Some(last)) = (constants.first().copied(), constants.last().copied()) else {
        return (1..=count).map(Decimal::from).collect();
    };
    let mut all = Vec::new();
    for step in 1..=count {
        all.extend(first.checked_sub(Decimal::from(step)));
        all.extend(last.checked_add(Decimal::from(step)));
    }
    let parts = Decimal::from(count.saturating_add(1));
    for (low, high) in constants.iter().zip(constants.iter().skip(1)) {
        let width = high.saturating_sub(*low);
        for step in 1..=count {
            let part = width.checked_mul(Decimal::from(step)).and_then(|width| width.checked_div(parts));
            all.extend(part.and_then(|part| low.checked_add(part)));
        }
    }
    all
}

fn texts(need: &Need) -> Vec<String> {
    let constants = need.constants.iter().filter_map(|value| match value {
        Value::Text(text) => Some(text.to_string()),
        _ => None,
    });
    let mut all: Vec<String> = constants.collect();
    // `~` begins no constant that people write; should one, the value is only one more than needed.
    all.extend((1..=need.variables + 1).map(|at| format!("~{at}")));
    if need.in_prefixes == 0 {
        return all;
    }
    let mut links = all.clone();
    for _ in 0..need.in_prefixes {
        let longer: Vec<String> = links
            .iter()
            .flat_map(|text| (1..=need.in_prefixes).map(move |at| format!("{text}.{at}")))
            .take(LARGEST + 1)
            .collect();
        all.extend(longer.iter().cloned());
        if all.len() > LARGEST {
            break;
        }
        links = longer;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(ty: Type, constants: &[Value], variables: usize, in_prefixes: usize) -> Vec<Value> {
        let need = Need { constants: constants.to_vec(), variables, in_prefixes };
        Domains::new(&BTreeMap::from([(ty.name(), (ty, need))])).unwrap().of(ty).to_vec()
    }

    #[test]
    fn gaps_between_numbers_are_filled_as_far_as_they_go() {
        let values = domain(Type::Int, &[Value::Int(5), Value::Int(7), Value::Int(i64::MAX)], 1, 0);
        let numbers: Vec<i64> =
            values.iter().map(|value| if let Value::Int(number) = value { *number } else { panic!() }).collect();
        assert_eq!(numbers, [3, 4, 5, 6, 7, 8, 9, i64::MAX]);
        assert_eq!(domain(Type::Int, &[], 2, 0).len(), 3);
    }

    #[test]
    fn texts_have_fresh_values_and_chains() {
        assert_eq!(domain(Type::Text, &[Value::text("a")], 1, 0).len(), 3);
        let chained = domain(Type::Text, &[Value::text("a")], 1, 1);
        assert!(chained.contains(&Value::text("a.1")) && chained.contains(&Value::text("~2.1")));
    }

    #[test]
    fn a_domain_that_is_too_large_is_said() {
        let need = Need { constants: Vec::new(), variables: 9, in_prefixes: 9 };
        assert_eq!(Domains::new(&BTreeMap::from([("text", (Type::Text, need))])).err(), Some("text"));
    }
}
