//! The ledger of budgets: what was spent and what is set aside, exact for any number of servers.
//!
//! ```text
//! hold_budgets (before a call: all or none) -> settle_budgets (after it, once) or expire_holds (nobody settled)
//! ```

use crate::backend::{Param, Row};
use crate::{Batch, BatchError, Place, Store, StoreError};

/// What a call sets aside of one budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Whose budget.
    pub scope: String,
    /// When its period begins, microseconds since 1970 UTC.
    pub period_micros: i64,
    /// How much.
    pub amount_micros: i64,
    /// The most that may be spent and set aside together.
    pub most_micros: i64,
    /// Is what nobody settles taken as spent? Otherwise it is given back.
    pub hard: bool,
}

/// What became of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// All of it is set aside.
    Whole,
    /// Nothing is: the budget at this place does not cover it.
    Spent(usize),
}

/// The end of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// The call.
    pub request_id: String,
    /// What it cost.
    pub cost_micros: i64,
    /// The budgets that it stands under.
    pub holds: Vec<Hold>,
    /// Was nothing set aside for it, because the ledger did not answer then?
    pub late: bool,
}

/// A budget's state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Balance {
    /// What was spent.
    pub spent_micros: i64,
    /// What is set aside.
    pub held_micros: i64,
}

const BEGIN: &str = "INSERT INTO tenantry_budget (scope, period_micros, spent_micros, held_micros) \
     VALUES ($1, $2, 0, 0) ON CONFLICT DO NOTHING";

/// No sum in it is larger than what was compared before: nothing overflows, whatever the numbers are.
const HOLD: &str = "UPDATE tenantry_budget SET held_micros = held_micros + $3 WHERE scope = $1 AND period_micros = $2 \
     AND CASE WHEN spent_micros > $4 THEN FALSE WHEN held_micros > $4 - spent_micros THEN FALSE \
     ELSE $3 <= $4 - spent_micros - held_micros END";

const NOTE: &str = "INSERT INTO tenantry_budget_hold (request_id, scope, period_micros, held_micros, hard, \
     expires_micros) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";

/// Takes the call's holds for this transaction: of two that settle one call the later finds none.
const TAKE: &str = "UPDATE tenantry_budget_hold SET expires_micros = expires_micros WHERE request_id = $1";

const SETTLE: &str = "UPDATE tenantry_budget SET held_micros = tenantry_budget.held_micros - h.held_micros, \
     spent_micros = CASE WHEN tenantry_budget.spent_micros > 9223372036854775807 - $3 THEN 9223372036854775807 \
     ELSE tenantry_budget.spent_micros + $3 END FROM tenantry_budget_hold h WHERE h.request_id = $1 AND h.scope = $2 \
     AND h.hard <> 2 AND tenantry_budget.scope = h.scope AND tenantry_budget.period_micros = h.period_micros";

const FORGET: &str = "DELETE FROM tenantry_budget_hold WHERE request_id = $1 AND hard <> 2";

/// Of a call for which nothing was set aside only this says that it is settled: whoever missed the answer settles it
/// again. `hard` is then 2, and the row is gone when it expires.
const SETTLED: &str = "UPDATE tenantry_budget_hold SET hard = 2, held_micros = 0, expires_micros = $2 \
     WHERE request_id = $1 AND hard <> 2";

const FORGET_SETTLED: &str = "DELETE FROM tenantry_budget_hold WHERE hard >= 2 AND expires_micros <= $1";

/// For how long it is remembered that a call was settled for which nothing was set aside, or was not told of in time.
const REMEMBERED_MICROS: i64 = 24 * 3_600 * 1_000_000;

/// Of hard budgets that expired nothing more is to be told.
const EXPIRED: &str = "DELETE FROM tenantry_budget_hold WHERE request_id = $1 AND hard = 1";

/// Of soft ones nothing is set aside any more, and what the call cost is still taken when somebody tells. `hard` is
/// then 3.
const LATE: &str = "UPDATE tenantry_budget_hold SET hard = 3, held_micros = 0, expires_micros = $2 \
     WHERE request_id = $1 AND hard = 0";

impl Store {
    /// Sets aside what a call may cost at most, of every budget that it stands under or of none. A call is noted
    /// once: asked again with the same id, nothing more is set aside.
    ///
    /// # Errors
    /// The store's; then something may be set aside, until it expires.
    pub async fn hold_budgets(
        &self,
        request_id: &str,
        holds: &[Hold],
        expires_micros: i64,
    ) -> Result<Held, StoreError> {
        let mut order: Vec<(usize, &Hold)> = holds.iter().enumerate().collect();
        // INVARIANT: everybody takes the rows of budgets in one order, so nobody waits in a circle.
        order.sort_by(|(_, a), (_, b)| (&a.scope, a.period_micros).cmp(&(&b.scope, b.period_micros)));
        let mut batch = self.batch();
        batch.notes_only();
        let mut places: Vec<(Place, usize)> = Vec::with_capacity(holds.len());
        for (at, hold) in order {
            let (scope, period) = (Param::text(&hold.scope), Param::int(hold.period_micros));
            batch.run(BEGIN, vec![scope.clone(), period.clone()]);
            let (amount, most) = (Param::int(hold.amount_micros), Param::int(hold.most_micros));
            places.push((batch.must(HOLD, vec![scope.clone(), period.clone(), amount.clone(), most]), at));
            let rest = [amount, Param::int(i64::from(hold.hard)), Param::int(expires_micros)];
            let noted = [Param::text(request_id), scope, period].into_iter().chain(rest).collect();
            batch.must(NOTE, noted);
        }
        match self.commit(batch).await {
            Ok(_) => Ok(Held::Whole),
            Err(BatchError::Untouched(place)) => match places.iter().find(|(known, _)| *known == place) {
                Some((_, at)) => Ok(Held::Spent(*at)),
                // The call is on record already.
                None => Ok(Held::Whole),
            },
            Err(BatchError::Store(error)) => Err(error),
            Err(_) => Err(StoreError::Invalid { what: "a budget", why: "a row does not fit" }),
        }
    }

    /// Puts what calls cost in the place of what was set aside for them, each once whatever happens.
    ///
    /// # Errors
    /// The store's; then all of them may be settled again.
    pub async fn settle_budgets(&self, settlements: &[Settlement]) -> Result<(), StoreError> {
        for settlements in settlements.chunks(64) {
            let mut batch = self.batch();
            batch.notes_only();
            let mut order: Vec<&Settlement> = settlements.iter().collect();
            // Where nobody knew whether something was set aside, it is given back too: what the call cost counts.
            order.sort_by(|a, b| (&a.request_id, !a.late).cmp(&(&b.request_id, !b.late)));
            order.dedup_by(|b, a| a.request_id == b.request_id);
            for settlement in order.iter().filter(|settlement| settlement.late) {
                for hold in &settlement.holds {
                    late(&mut batch, settlement, hold);
                }
            }
            for settlement in &order {
                batch.run(TAKE, vec![Param::text(&settlement.request_id)]);
            }
            let parts = order.iter().flat_map(|settled| settled.holds.iter().map(move |hold| (hold, *settled)));
            let mut parts: Vec<(&Hold, &Settlement)> = parts.collect();
            parts.sort_by(|(a, _), (b, _)| (&a.scope, a.period_micros).cmp(&(&b.scope, b.period_micros)));
            for (hold, settled) in parts {
                let of = [Param::text(&settled.request_id), Param::text(&hold.scope), Param::int(settled.cost_micros)];
                batch.run(SETTLE, of.to_vec());
            }
            let until = batch.now.saturating_add(REMEMBERED_MICROS);
            for settlement in &order {
                let id = Param::text(&settlement.request_id);
                if settlement.late {
                    batch.run(SETTLED, vec![id, Param::int(until)]);
                } else {
                    batch.run(FORGET, vec![id]);
                }
            }
            done(self.commit(batch).await)?;
        }
        Ok(())
    }

    /// Settles what nobody settled in time, because its server died: of hard budgets all that was set aside is taken
    /// as spent, since the upstream may have done its work; soft ones get it back, and are charged all the same when
    /// the call is told of within a day. `now_micros` is the time that the reservations expire by. Answers how many
    /// calls.
    ///
    /// # Errors
    /// The store's.
    pub async fn expire_holds(&self, now_micros: i64) -> Result<usize, StoreError> {
        // Whole calls: their rows go at once.
        const FIND: &str = "SELECT request_id, scope, period_micros, held_micros, hard FROM tenantry_budget_hold \
             WHERE request_id IN (SELECT request_id FROM tenantry_budget_hold WHERE expires_micros <= $1 \
             ORDER BY expires_micros, request_id LIMIT 256) ORDER BY request_id, scope";
        let found = self.backend.find(FIND, vec![Param::int(now_micros)], |row| {
            let hard = row.int(4).unwrap_or_default();
            let hold = Hold {
                scope: row.text(1).unwrap_or_default(),
                period_micros: row.int(2).unwrap_or_default(),
                amount_micros: row.int(3).unwrap_or_default(),
                most_micros: 0,
                hard: hard != 0,
            };
            let settlement = Settlement {
                request_id: row.text(0).unwrap_or_default(),
                cost_micros: if hold.hard { hold.amount_micros } else { 0 },
                holds: vec![hold],
                late: false,
            };
            (settlement, hard >= 2)
        });
        // One call's hard and soft budgets are settled differently, and together: a call's rows go at once.
        let mut calls: Vec<Vec<Settlement>> = Vec::new();
        let mut remembered = false;
        for (one, is_settled) in found.await? {
            if is_settled {
                remembered = true;
                continue;
            }
            match calls.last_mut().filter(|call| call.iter().any(|known| known.request_id == one.request_id)) {
                Some(call) => call.push(one),
                None => calls.push(vec![one]),
            }
        }
        for call in &calls {
            let mut batch = self.batch();
            batch.notes_only();
            let Some(first) = call.first() else { continue };
            batch.run(TAKE, vec![Param::text(&first.request_id)]);
            for one in call {
                for hold in &one.holds {
                    let of = [Param::text(&one.request_id), Param::text(&hold.scope), Param::int(one.cost_micros)];
                    batch.run(SETTLE, of.to_vec());
                }
            }
            let id = Param::text(&first.request_id);
            batch.run(EXPIRED, vec![id.clone()]);
            batch.run(LATE, vec![id, Param::int(now_micros.saturating_add(REMEMBERED_MICROS))]);
            done(self.commit(batch).await)?;
        }
        if remembered {
            self.backend.write(FORGET_SETTLED, vec![Param::int(now_micros)]).await?;
        }
        Ok(calls.len())
    }

    /// What was spent and is set aside of several budgets, each with the beginning of its period; those of which
    /// nothing was are left out.
    ///
    /// # Errors
    /// The store's.
    pub async fn balances(&self, budgets: &[(String, i64)]) -> Result<Vec<((String, i64), Balance)>, StoreError> {
        let sql = [
            "SELECT scope, period_micros, spent_micros, held_micros FROM tenantry_budget WHERE period_micros >= $1 AND ",
            &self.backend.among("scope", 2),
        ]
        .concat();
        let first = budgets.iter().map(|(_, period)| *period).min().unwrap_or_default();
        let names = budgets.iter().map(|(name, _)| name.clone()).collect();
        let read = |row: &Row<'_>| {
            let int = |place| row.int(place).unwrap_or_default();
            let balance = Balance { spent_micros: int(2), held_micros: int(3) };
            ((row.text(0).unwrap_or_default(), int(1)), balance)
        };
        let found = self.backend.search(sql, vec![Param::int(first), Param::Texts(names)], read).await?;
        Ok(found.into_iter().filter(|(of, _)| budgets.contains(of)).collect())
    }

    /// What was spent and is set aside of a budget in a period.
    ///
    /// # Errors
    /// The store's.
    pub async fn balance(&self, scope: &str, period_micros: i64) -> Result<Balance, StoreError> {
        const FIND: &str =
            "SELECT spent_micros, held_micros FROM tenantry_budget WHERE scope = $1 AND period_micros = $2";
        let params = vec![Param::text(scope), Param::int(period_micros)];
        let found = self.backend.find(FIND, params, |row| Balance {
            spent_micros: row.int(0).unwrap_or_default(),
            held_micros: row.int(1).unwrap_or_default(),
        });
        Ok(found.await?.pop().unwrap_or_default())
    }
}

/// Notes a call of which nothing was set aside.
fn late(batch: &mut Batch, settlement: &Settlement, hold: &Hold) {
    let (scope, period) = (Param::text(&hold.scope), Param::int(hold.period_micros));
    batch.run(BEGIN, vec![scope.clone(), period.clone()]);
    let noted =
        [Param::text(&settlement.request_id), scope, period, Param::int(0), Param::int(0), Param::int(i64::MAX)];
    batch.run(NOTE, noted.to_vec());
}

fn done<T>(outcome: Result<T, BatchError>) -> Result<(), StoreError> {
    match outcome {
        Ok(_) => Ok(()),
        Err(BatchError::Store(error)) => Err(error),
        Err(_) => Err(StoreError::Invalid { what: "a budget", why: "a row does not fit" }),
    }
}
