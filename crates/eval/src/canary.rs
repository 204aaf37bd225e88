//! Canaries: two accounts that are nobody's, which attack each other and everybody else, round after round. They own no
//! rows, so whatever they are shown beyond what is for all is a leak.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Map, Value, json};
use tenantry_policy::attribute::AttrPath;
use tenantry_policy::bound::Verdict;
use tenantry_policy::policy::RoleGrants;
use tenantry_policy::principal::Datum;
use tenantry_policy::table::DeleteMode;
use tenantry_policy::tool::ToolSet;
use tenantry_policy::{Bound, Code, Op, Policy, Principal, Table, Tool, Type};

use crate::compare::{differ, rows};
use crate::derive::{absent_id, id_of};
use crate::door::{Door, NoAnswer};
use crate::judge::{Seen, Sight, only_by_tenant, sight};

/// The names by which doors know the two.
pub const NAMES: [&str; 2] = ["canary-a", "canary-b"];

/// The role of canaries: a name that nobody can guess, of whose kind no other role can be.
#[must_use]
pub fn role(secret: &[u8]) -> String {
    ["tenantry-canary-", &hex(&derived(secret, "role"))].concat()
}

/// Bytes for one purpose: the tenants' names stand on record, and must not tell the role's.
fn derived(secret: &[u8], what: &str) -> Vec<u8> {
    let text = [what.as_bytes(), b":", secret].concat();
    digest(&SHA256, &text).as_ref().iter().take(16).copied().collect()
}

/// The law with the canaries' role in it: reading of every table, and of tables with a canary row also what
/// that takes. It changes nobody else's rights, nor the law's version.
#[must_use]
pub fn with_role(mut policy: Policy, secret: &[u8], written: &BTreeSet<String>) -> Policy {
    let reading = ToolSet::NONE.with(Tool::Query).with(Tool::Get).with(Tool::Aggregate);
    let writing = reading.with(Tool::Create).with(Tool::Update).with(Tool::Delete);
    let tools = |name: &str| if written.contains(name) { writing } else { reading };
    let tools = policy.tables.iter().map(|table| (table.id, tools(&table.name))).collect();
    policy.roles.insert(Arc::from(role(secret)), RoleGrants { tools });
    policy
}

/// The two principals: tenants of their own, of the type that the law's tenants have, and a value of their own for every
/// other attribute that rules compare with. No list: they reach nobody.
#[must_use]
pub fn principals(policy: &Policy, secret: &[u8]) -> [Principal; 2] {
    let role = role(secret);
    let secret = derived(secret, "tenant");
    let secret = secret.as_slice();
    let number = secret.iter().take(3).fold(0_i64, |sum, byte| sum * 256 + i64::from(*byte));
    let tenant = policy.attributes.find(&AttrPath::TenantId).and_then(|id| policy.attributes.get(id));
    [0_i64, 1].map(|which| {
        let word = |ty: Type| match ty {
            // Fits a 32-bit column too.
            Type::Int => (2_100_000_000 + number * 2 + which).to_string(),
            Type::Uuid => {
                let digits = hex(secret);
                let part = |from: usize, count: usize| digits.chars().skip(from).take(count).collect::<String>();
                format!("{}-{}-4{}-8{}-{}{which}", part(0, 8), part(8, 4), part(12, 3), part(15, 3), part(18, 11))
            }
            _ => format!("tenantry-canary-{}-{which}", hex(secret).chars().take(12).collect::<String>()),
        };
        let mut principal = Principal {
            tenant_id: Some(word(tenant.map_or(Type::Text, |attribute| attribute.ty))),
            user_id: Some(word(Type::Text)),
            roles: vec![role.clone()],
            ..Principal::default()
        };
        for (_, attribute) in policy.attributes.iter().filter(|(_, attribute)| !attribute.list) {
            let AttrPath::Metadata(path) = &attribute.path else { continue };
            // A value below another one is left out: rules on it are then UNKNOWN, and show nothing.
            let ([name], Type::Text | Type::Int | Type::Uuid) = (path.as_slice(), attribute.ty) else { continue };
            let text = word(attribute.ty);
            let datum = text.parse().ok().filter(|_| attribute.ty == Type::Int).map_or(Datum::Text(text), Datum::Int);
            principal.metadata.insert(name.to_string(), datum);
        }
        principal
    })
}

fn hex(bytes: &[u8]) -> String {
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles.filter_map(|nibble| char::from_digit(u32::from(nibble), 16)).collect()
}

/// Attributes that rules compare with and of which canaries have no value: lists and whatever stands below another value,
/// or is of another type. What a rule says of these is UNKNOWN for a canary, and shows it nothing.
#[must_use]
pub fn blank(policy: &Policy) -> Vec<String> {
    let known = |path: &AttrPath, ty: Type, list: bool| match path {
        AttrPath::Metadata(parts) => !list && parts.len() == 1 && matches!(ty, Type::Text | Type::Int | Type::Uuid),
        _ => true,
    };
    let blank = policy.attributes.iter().filter(|(_, one)| !known(&one.path, one.ty, one.list));
    blank.map(|(_, one)| one.path.to_string()).collect()
}

/// A table that no canary looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unwatched {
    /// The table.
    pub table: String,
    /// Why, in words.
    pub why: String,
}

/// The tables that neither of the two would look at, as the law stands.
#[must_use]
pub fn unwatched(policy: &Policy, pair: [&Bound; 2]) -> Vec<Unwatched> {
    let one = |table: &Table| {
        let [a, b] = pair.map(|bound| kept_from(bound, table));
        Some(Unwatched { table: table.name.to_string(), why: a.filter(|_| b.is_some())? })
    };
    policy.tables.iter().filter_map(one).collect()
}

/// Why a canary does not look at a table.
fn kept_from(bound: &Bound, table: &Table) -> Option<String> {
    if !table.budget.require_filter.is_empty() {
        let columns = table.budget.require_filter.iter().filter_map(|column| table.column(*column));
        let names: Vec<&str> = columns.map(|column| column.facts.name.as_ref()).collect();
        return Some(format!("its queries must filter by {}", names.join(", ")));
    }
    (bound.access(table.id, Op::Read).verdict() != Verdict::Open)
        .then(|| "its rules show a canary nothing, whatever it holds".to_owned())
}

/// Why a table can have no canary row.
///
/// # Errors
/// A sentence: what is wrong with it.
pub fn may_write(policy: &Policy, table: &str) -> Result<(), String> {
    let found = policy.find(table).ok_or_else(|| format!("there is no table `{table}`"))?;
    let wrong = |why: &str| Err(format!("`{table}` can have no canary row: {why}"));
    if found.writes.create.is_none() {
        return wrong("rows cannot be created");
    }
    match found.writes.delete {
        DeleteMode::Hard => {}
        DeleteMode::Off => return wrong("it could not be deleted again"),
        DeleteMode::Soft(_) => return wrong("a soft delete would leave it there"),
    }
    if found.writes.approval.is_some() {
        return wrong("its writes wait for somebody's approval");
    }
    if found.tenant.is_none() || found.key.is_empty() {
        return wrong("it has no tenant column or no key");
    }
    Ok(())
}

/// What a canary should not have seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The table.
    pub table: String,
    /// What was seen, without any value of a row.
    pub what: String,
}

/// One round's parts.
pub struct Round<'a> {
    /// The law as it should hold.
    pub policy: &'a Policy,
    /// The two, bound to it.
    pub pair: [&'a Arc<Bound>; 2],
    /// Now, microseconds since 1970 UTC.
    pub now_micros: i64,
    /// The rows that the first may make and takes away again, by table.
    pub rows: &'a BTreeMap<String, Map<String, Value>>,
}

/// What a round came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flown {
    /// Hits, one for each table and way at most.
    pub hits: Vec<Hit>,
    /// Tables that were looked at.
    pub tables: usize,
    /// Tables that were not.
    pub unwatched: Vec<Unwatched>,
    /// Calls that were made.
    pub calls: usize,
}

/// Makes one round: each of the two reads and counts every table; where a row is given, the first makes one, the second tries
/// to get at it, and it is taken away again.
///
/// # Errors
/// When there is no answer at all.
pub async fn fly(door: &impl Door, round: &Round<'_>) -> Result<Flown, NoAnswer> {
    let mut flown = Flown::default();
    for table in &round.policy.tables {
        let (mut looked, mut kept) = (false, None);
        for (name, bound) in NAMES.into_iter().zip(round.pair) {
            if let Some(why) = kept_from(bound, table) {
                kept = Some(why);
                continue;
            }
            let mut hit = |what: String| flown.hits.push(Hit { table: table.name.to_string(), what });
            let nobodys = only_by_tenant(bound, table) && !round.rows.contains_key(table.name.as_ref());
            let ask = json!({ "model": table.name.as_ref(), "take": table.budget.max_rows.min(5) });
            let answer = door.call(name, Tool::Query.name(), ask.to_string().as_bytes()).await?;
            flown.calls += 1;
            if let Some(code) = answer.code {
                kept = Some(format!("its query is refused: {code}"));
                continue;
            }
            looked = true;
            let data = answer.json.get("data").unwrap_or(&Value::Null);
            let hidden =
                rows(data).filter(|row| sight(bound, round.now_micros, table, row, Seen::Answered) == Sight::Hidden);
            match (hidden.count(), rows(data).count()) {
                (0, 0) => {}
                (0, count) if nobodys => hit(format!("{count} rows were read by a canary that owns none")),
                (0, _) => {}
                (count, _) => hit(format!("{count} rows were read that the policy does not show to the canary")),
            }
            if nobodys {
                let ask = json!({ "model": table.name.as_ref(), "operation": "count" });
                let answer = door.call(name, Tool::Aggregate.name(), ask.to_string().as_bytes()).await?;
                flown.calls += 1;
                let count = answer.json.pointer("/data/0/value").and_then(Value::as_i64).unwrap_or(0);
                if answer.code.is_none() && count != 0 {
                    hit(format!("{count} rows were counted by a canary that owns none"));
                }
            }
        }
        if let Some(row) = round.rows.get(table.name.as_ref()) {
            own_row(door, round, table, row, &mut flown).await?;
        }
        flown.tables += usize::from(looked);
        if let Some(why) = kept.filter(|_| !looked) {
            flown.unwatched.push(Unwatched { table: table.name.to_string(), why });
        }
    }
    Ok(flown)
}

/// One makes a row; the other must not get at it in any way; the first takes it away.
async fn own_row(
    door: &impl Door,
    round: &Round<'_>,
    table: &Table,
    row: &Map<String, Value>,
    flown: &mut Flown,
) -> Result<(), NoAnswer> {
    let [maker, other] = NAMES;
    let model = table.name.as_ref();
    let call = async |who: &str, tool: Tool, ask: Value| door.call(who, tool.name(), ask.to_string().as_bytes()).await;
    sweep(door, model, table).await?;
    let ask = json!({ "model": model, "data": row, "reason": "canary" });
    let made = call(maker, Tool::Create, ask).await?;
    flown.calls += 1;
    let id =
        made.json.get("data").and_then(Value::as_object).and_then(|made| Some((id_of(table, made)?, made.clone())));
    let Some((id, made)) = id.filter(|_| made.code.is_none()) else {
        // A table that is frozen, or a row that does not fit any more: said by whoever looks at the record.
        return Ok(());
    };
    let Some(absent) = absent_id(table, &made, 911) else { return sweep(door, model, table).await };
    let mut hits = Vec::new();
    for tool in [Tool::Get, Tool::Update, Tool::Delete] {
        let ask = |id: &Value| match tool {
            Tool::Get => json!({ "model": model, "id": id }),
            Tool::Update => json!({ "model": model, "id": id, "data": row, "reason": "canary", "dry_run": true }),
            _ => json!({ "model": model, "id": id, "reason": "canary", "dry_run": true }),
        };
        let foreign = call(other, tool, ask(&id)).await?;
        let nothing = call(other, tool, ask(&absent)).await?;
        flown.calls += 2;
        if foreign.code != Some(Code::InternalError) && differ(&foreign, &nothing, &[]).is_some() {
            hits.push(format!("`{tool}` of the other canary's row does not answer as of an absent one"));
        }
    }
    let seen = call(other, Tool::Query, json!({ "model": model, "take": table.budget.max_rows.min(100) })).await?;
    flown.calls += 1;
    let data = seen.json.get("data").unwrap_or(&Value::Null);
    if seen.code.is_none() && rows(data).any(|row| id_of(table, row).as_ref() == Some(&id)) {
        hits.push("the other canary's row was read".to_owned());
    }
    let _ = round;
    flown.hits.extend(hits.into_iter().map(|what| Hit { table: model.to_owned(), what }));
    sweep(door, model, table).await
}

/// Takes away what the maker owns: the row of this round, and those of rounds that were cut off.
async fn sweep(door: &impl Door, model: &str, table: &Table) -> Result<(), NoAnswer> {
    let [maker, _] = NAMES;
    let ask = json!({ "model": model, "take": table.budget.max_rows.min(100) }).to_string();
    let left = door.call(maker, Tool::Query.name(), ask.as_bytes()).await?;
    for row in rows(left.json.get("data").unwrap_or(&Value::Null)) {
        if let Some(id) = id_of(table, row) {
            let ask = json!({ "model": model, "id": id, "reason": "canary" }).to_string();
            door.call(maker, Tool::Delete.name(), ask.as_bytes()).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_on_record_does_not_tell_the_role() {
        let policy = Policy::default();
        let [a, b] = principals(&policy, b"0123456789abcdef");
        assert_ne!(a.tenant_id, b.tenant_id);
        let role = role(b"0123456789abcdef");
        let known = a.tenant_id.unwrap();
        let digits: String = known.chars().skip("tenantry-canary-".len()).take(12).collect();
        assert!(!role.contains(&digits) && role.len() == 48, "{role} {known}");
    }
}
