//! The values of each type that a question looks through.

use std::collections::BTreeMap;

use tenantry_policy::database::Database;
use tenantry_policy::{Type, Value};

use super::access::Roles;
use super::expr::cast;
use super::world::Reach;
use crate::domain::Need;

/// Types with more values than these are not looked through.
const LARGEST: usize = 2_000;

/// More spellings of one value than these are not looked through.
pub(super) const MOST_SPELLINGS: usize = 3;

/// Other texts that are cast to the same value.
fn respelled(value: &Value) -> Vec<String> {
    let plain = crate::witness::text(value);
    let padded = |with: &str| (1..=6).map(|count| [&with.repeat(count), plain.as_str()].concat()).collect::<Vec<_>>();
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    match value {
        Value::Int(number) if *number >= 0 => padded("0"),
        Value::Int(_) | Value::Decimal(_) | Value::Timestamp(_) => padded(" "),
        Value::Uuid(id) => {
            let mut all = vec![
                id.hyphenated().to_string().to_uppercase(),
                id.simple().to_string(),
                id.braced().to_string(),
                id.simple().to_string().to_uppercase(),
                id.braced().to_string().to_uppercase(),
            ];
            all.dedup();
            all.retain(|text| *text != plain);
            all
        }
        Value::Bool(true) => words(&["t", "yes", "on", "1", "tr"]),
        Value::Bool(false) => words(&["f", "no", "off", "0", "fa"]),
        _ => Vec::new(),
    }
}

/// What is needed of each type.
type Needs = BTreeMap<&'static str, Need>;

fn need(needs: &mut Needs, ty: Type) -> &mut Need {
    needs.entry(ty.name()).or_insert_with(|| Need::new(ty))
}

/// The values of each type that are enough; docs/proof.md says why.
pub(super) fn domains(
    database: &Database,
    roles: &Roles,
    reach: &Reach,
) -> Result<BTreeMap<&'static str, Vec<Value>>, String> {
    let mut needs = Needs::new();
    need(&mut needs, Type::Bool);
    for value in reach.constants.iter().chain([&Value::text("")]) {
        need(&mut needs, value.ty()).constants.push(value.clone());
    }
    if reach.names_roles {
        for name in roles.names() {
            need(&mut needs, Type::Text).constants.push(Value::text(name));
        }
    }
    for (relation, column) in &reach.columns {
        let rows = reach.rows.get(relation).copied().unwrap_or(0);
        let facts = database.relations.get(*relation).and_then(|relation| relation.columns.get(*column));
        let Some((facts, ty)) = facts.and_then(|facts| Some((facts, facts.ty?))) else { continue };
        let need = need(&mut needs, ty);
        need.variables += rows;
        need.any_scale = true;
        need.constants.extend(facts.labels.iter().map(|label| Value::text(label)));
    }
    need(&mut needs, Type::Text).variables += reach.settings.len();
    for (ty, count) in reach.casts.values() {
        let constants: Vec<Value> =
            reach.constants.iter().filter(|value| value.ty() != *ty).filter_map(|value| cast(value, *ty)).collect();
        let need = need(&mut needs, *ty);
        need.variables += count;
        need.constants.extend(constants);
    }
    let text = need(&mut needs, Type::Text);
    text.in_prefixes = reach.in_prefixes;
    text.prefixes.extend(reach.prefixes.iter().cloned());
    text.prefix_attributes = reach.prefix_settings.len() + reach.prefix_others;
    // Types that a text is cast to: their values stand among the texts, too.
    let mut texts: Vec<Value> = Vec::new();
    let mut all = BTreeMap::new();
    let too_many = |ty: Type| format!("it takes too many {ty} values to look through");
    let casts = |name: &str| reach.casts.contains_key(name);
    for (name, need) in needs.iter().filter(|(_, need)| need.ty != Type::Text) {
        let made = need.values().ok_or_else(|| too_many(need.ty))?;
        if casts(name) || casts("text") {
            texts.extend(made.iter().map(|value| Value::text(&crate::witness::text(value))));
            let more = reach.spellings(name);
            for value in &made {
                let other = respelled(value).into_iter().map(|text| Value::text(&text));
                let new = |text: &Value| !reach.constants.iter().any(|known| known.same(text));
                texts.extend(other.filter(new).take(more));
            }
        }
        all.insert(*name, made);
    }
    // Whole numbers that are compared with decimals.
    let whole: Vec<Value> =
        all.get("int").into_iter().flatten().filter_map(|value| cast(value, Type::Decimal)).collect();
    if let Some(decimals) = all.get_mut("decimal") {
        decimals.extend(whole);
        decimals.sort_by(|a, b| a.compare(b).unwrap_or(std::cmp::Ordering::Equal));
        decimals.dedup_by(|a, b| a.same(b));
    }
    let text = need(&mut needs, Type::Text);
    text.constants.extend(texts);
    all.insert("text", text.values().ok_or_else(|| too_many(Type::Text))?);
    match all.iter().find(|(_, values)| values.len() > LARGEST) {
        Some((name, _)) => Err(format!("it takes too many {name} values to look through")),
        None => Ok(all),
    }
}
