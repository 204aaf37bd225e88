//! Does a foreign id take another time than an absent one? Asked in turn, so that whatever else the machine does
//! slows both.

use std::time::Duration;

use serde_json::json;
use tenantry_policy::{Clock, Table, Tool};

use crate::attack::Who;
use crate::derive::{absent_id, id_of};
use crate::door::{Door, NoAnswer};
use crate::run::Cast;

/// Pairs of calls in one round.
const PAIRS: usize = 15;

/// Rounds that must all say the same.
const ROUNDS: usize = 3;

/// A difference below this tells nothing over a network.
const LEAST: Duration = Duration::from_micros(500);

/// Measures `get` on a table. What does not hold: in every round the median of one kind is more than half as long again, and
/// longer by half a millisecond.
///
/// # Errors
/// When there is no answer at all.
pub async fn timing(
    door: &impl Door,
    clock: &dyn Clock,
    cast: &Cast,
    table: &Table,
) -> Result<Option<String>, NoAnswer> {
    let theirs = cast.foreign.rows(&table.name).first();
    let ids = theirs.and_then(|row| Some((id_of(table, row)?, absent_id(table, row, 801)?)));
    let Some((foreign, absent)) = ids.filter(|_| cast.attacker.tools(table.id).has(Tool::Get)) else { return Ok(None) };
    let body = |id| json!({ "model": table.name.as_ref(), "id": id }).to_string().into_bytes();
    let (foreign, absent) = (body(foreign), body(absent));
    let mut told = Vec::new();
    for _ in 0..ROUNDS {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for at in 0..PAIRS {
            // Each is first in turn.
            let order = if at % 2 == 0 { [true, false] } else { [false, true] };
            for is_foreign in order {
                let began = clock.monotonic();
                door.call(Who::Attacker.name(), Tool::Get.name(), if is_foreign { &foreign } else { &absent }).await?;
                let took = clock.monotonic().saturating_sub(began);
                if is_foreign { theirs.push(took) } else { ours.push(took) }
            }
        }
        let (foreign, absent) = (median(&mut theirs), median(&mut ours));
        let (long, short) = (foreign.max(absent), foreign.min(absent));
        if long <= short.saturating_mul(3) / 2 || long.saturating_sub(short) < LEAST {
            return Ok(None);
        }
        told.push(format!("{} and {} µs", foreign.as_micros(), absent.as_micros()));
    }
    Ok(Some(format!("a foreign id and an absent one took {}", told.join(", "))))
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
