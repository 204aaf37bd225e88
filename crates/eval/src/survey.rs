//! Finding out, on data that nobody prepared, which rows are the victim's and which the attacker's own.
//!
//! Nothing here believes the door: whose a row is, the evaluator says ([`sight`]), and where it cannot, two
//! principals who see rows only by their tenant cannot both be right.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tenantry_policy::policy::RoleGrants;
use tenantry_policy::table::Field;
use tenantry_policy::tool::ToolSet;
use tenantry_policy::{Bound, Op, Policy, Table, Tool, Type};

use crate::attack::Who;
use crate::compare::rows;
use crate::derive::{findable, id_of};
use crate::door::{Door, NoAnswer};
use crate::judge::{Seen, Sight, only_by_tenant, sight, sight_for};
use crate::run::Cast;
use crate::sample::{Row, Sample};

/// Rows of each table that are looked at, per party.
const ROWS: usize = 200;

/// The victim's rows whose values are looked for among the attacker's own.
const PROBED: usize = 4;

/// Who takes part.
pub struct Parties<'a> {
    /// The burglar.
    pub attacker: &'a Arc<Bound>,
    /// Another user of its account.
    pub colleague: &'a Arc<Bound>,
    /// The one whose rows it is after.
    pub victim: &'a Arc<Bound>,
    /// The burglar with nothing but its account and roles.
    pub bare: Option<&'a Arc<Bound>>,
    /// Now, microseconds since 1970 UTC.
    pub now_micros: i64,
}

/// What the survey found.
#[derive(Debug, Clone)]
pub struct Surveyed {
    /// Who is who, and what is whose.
    pub cast: Cast,
    /// Rows that the attacker was shown although they are not its own, by table: a leak before the first attack.
    pub leaks: Vec<(String, Row)>,
    /// Rows of which neither the evaluator nor the tenants tell whose they are.
    pub unclear: usize,
}

/// Asks what each party sees, at `door` and at `whole`: one that also shows the values of hidden fields, where there is
/// such a door (in this process), so that they can be looked for in answers.
///
/// # Errors
/// When there is no answer at all.
pub async fn survey(
    door: &impl Door,
    whole: Option<&impl Door>,
    policy: &Policy,
    parties: &Parties<'_>,
) -> Result<Surveyed, NoAnswer> {
    let (mut own, mut foreign) = (Sample::default(), Sample::default());
    let (mut leaks, mut unclear) = (Vec::new(), 0);
    for table in &policy.tables {
        let ours = known(door, whole, table, Who::Attacker).await?;
        let theirs = known(door, whole, table, Who::Victim).await?;
        let shown: BTreeSet<String> = ours.iter().filter_map(|(row, _)| key(table, row)).collect();
        let claimed: BTreeSet<String> = match only_by_tenant(parties.victim, table) {
            true => theirs.iter().filter_map(|(row, _)| key(table, row)).collect(),
            false => BTreeSet::new(),
        };
        let other_tenant = parties.attacker.account() != parties.victim.account();
        let exclusive = other_tenant && only_by_tenant(parties.attacker, table) && !claimed.is_empty();
        let mut mine = Vec::new();
        for (row, seen) in ours {
            let claimed = exclusive && key(table, &row).is_some_and(|key| claimed.contains(&key));
            match sight(parties.attacker, parties.now_micros, table, &row, seen) {
                Sight::Hidden => leaks.push((table.name.to_string(), row)),
                Sight::Unclear if claimed => leaks.push((table.name.to_string(), row)),
                Sight::Unclear | Sight::Shown => mine.push((row, seen)),
            }
        }
        // One that it may change first: most attacks on writes begin with such a row.
        mine.sort_by_key(|(row, seen)| {
            sight_for(Op::Update, parties.attacker, parties.now_micros, table, row, *seen) != Sight::Shown
        });
        for (row, seen) in mine {
            own.add(&table.name, clear(table, row, seen));
        }
        for (row, seen) in theirs {
            let is_shown = key(table, &row).is_some_and(|key| shown.contains(&key));
            match sight(parties.attacker, parties.now_micros, table, &row, seen) {
                Sight::Hidden => foreign.add(&table.name, clear(table, row, seen)),
                Sight::Shown => {}
                Sight::Unclear if exclusive || !is_shown => foreign.add(&table.name, clear(table, row, seen)),
                Sight::Unclear => unclear += 1,
            }
        }
        common_values(door, table, parties, &mut own, &foreign).await?;
    }
    let cast = Cast {
        attacker: Arc::clone(parties.attacker),
        colleague: Arc::clone(parties.colleague),
        victim: Arc::clone(parties.victim),
        bare: parties.bare.cloned(),
        own,
        foreign,
        now_micros: Some(parties.now_micros),
    };
    Ok(Surveyed { cast, leaks, unclear })
}

/// What a party sees of a table: as its door answers, and with all values where another door shows them.
async fn known(
    door: &impl Door,
    whole: Option<&impl Door>,
    table: &Table,
    who: Who,
) -> Result<Vec<(Row, Seen)>, NoAnswer> {
    let mut found = read(door, table, who).await?.into_iter().map(|row| (row, Seen::Answered)).collect::<Vec<_>>();
    let Some(whole) = whole else { return Ok(found) };
    let all: BTreeMap<String, Row> =
        read(whole, table, who).await?.into_iter().filter_map(|row| Some((key(table, &row)?, row))).collect();
    for (row, seen) in &mut found {
        if let Some(whole) = key(table, row).and_then(|key| all.get(&key)) {
            *row = whole.clone();
            *seen = Seen::Whole;
        }
    }
    // A party that may not query a table has rows there all the same.
    if found.is_empty() {
        found = all.into_values().map(|row| (row, Seen::Whole)).collect();
    }
    Ok(found)
}

async fn read(door: &impl Door, table: &Table, who: Who) -> Result<Vec<Row>, NoAnswer> {
    let mut found: Vec<Row> = Vec::new();
    let mut cursor = Value::Null;
    let take = table.budget.max_rows.min(100);
    while found.len() < ROWS {
        let mut ask = json!({ "model": table.name.as_ref(), "take": take });
        if let (Some(members), false) = (ask.as_object_mut(), cursor.is_null()) {
            members.insert("cursor".to_owned(), cursor.clone());
        }
        let answer = door.call(who.name(), Tool::Query.name(), ask.to_string().as_bytes()).await?;
        let Some(data) = answer.json.get("data").filter(|_| answer.code.is_none()) else { break };
        let before = found.len();
        found.extend(rows(data).cloned());
        cursor = answer.json.get("next_cursor").cloned().unwrap_or(Value::Null);
        if cursor.is_null() || found.len() == before {
            break;
        }
    }
    found.truncate(ROWS);
    Ok(found)
}

/// A row without what an answer shows redacted: that is not its value.
fn clear(table: &Table, row: Row, seen: Seen) -> Row {
    if seen == Seen::Whole {
        return row;
    }
    let field = |name: &str| table.find_column(name).and_then(|id| table.column(id));
    row.into_iter().filter(|(name, _)| field(name).is_some_and(|column| column.field == Field::Allow)).collect()
}

fn key(table: &Table, row: &Map<String, Value>) -> Option<String> {
    id_of(table, row).map(|id| id.to_string())
}

/// Values of the victim's rows that the attacker's own rows have too, beyond those that were looked at: an attack with such
/// a value finds own rows, and that is right.
async fn common_values(
    door: &impl Door,
    table: &Table,
    parties: &Parties<'_>,
    own: &mut Sample,
    foreign: &Sample,
) -> Result<(), NoAnswer> {
    if !parties.attacker.tools(table.id).has(Tool::Query) {
        return Ok(());
    }
    for row in foreign.rows(&table.name).iter().take(PROBED) {
        let fields: Vec<(&str, Type)> = findable(table).collect();
        for (field, _) in fields {
            let Some(value) = row.get(field).filter(|value| !value.is_null()) else { continue };
            if own.has(&table.name, field, value) {
                continue;
            }
            for found in having(door, table, field, value).await? {
                if sight(parties.attacker, parties.now_micros, table, &found, Seen::Answered) != Sight::Hidden
                    && !foreign.holds(table, &found)
                {
                    own.add(&table.name, clear(table, found, Seen::Answered));
                    break;
                }
            }
        }
    }
    Ok(())
}

/// Rows with a value, as the attacker is shown them.
pub(crate) async fn having(door: &impl Door, table: &Table, field: &str, value: &Value) -> Result<Vec<Row>, NoAnswer> {
    let ask = json!({
        "model": table.name.as_ref(),
        "take": 1,
        "where": { "field": field, "op": "eq", "value": value },
    });
    let answer = door.call(Who::Attacker.name(), Tool::Query.name(), ask.to_string().as_bytes()).await?;
    let data = answer.json.get("data").filter(|_| answer.code.is_none()).unwrap_or(&Value::Null);
    Ok(rows(data).cloned().collect())
}

/// The law as whoever prepares an attack in this process reads by it: the same rules about rows, and no field hidden. For
/// a door that only the survey uses.
#[must_use]
pub fn surveyors_policy(policy: &Policy) -> Policy {
    let mut open = policy.clone();
    for table in &mut open.tables {
        for column in &mut table.columns {
            if column.facts.ty.is_some() {
                column.field = Field::Allow;
            }
        }
        table.budget.require_filter.clear();
        table.budget.max_columns = u32::MAX;
        table.budget.max_rows = table.budget.max_rows.max(100);
        table.budget.max_cost = u64::MAX;
    }
    let all = open.tables.iter().map(|table| (table.id, ToolSet::NONE.with(Tool::Query))).collect();
    let reader = RoleGrants { tools: all };
    for grants in open.roles.values_mut() {
        *grants = reader.clone();
    }
    // Not the law that anything else was decided by.
    open.version = open.version.map(|byte| !byte);
    open
}
