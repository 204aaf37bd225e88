//! The tenants' database fails.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tenantry_guard::{Guard, Parts};
use tenantry_policy::Code;
use tenantry_source::{Options, Source, SourceUrl};
use tokio_postgres::Client;

use crate::proxy::{End, Fault, Proxy, Way};
use crate::support::Stage;
use crate::support::ambient::SeededEntropy;
use crate::support::database::Database;
use crate::world::{
    CALLERS, Caller, Dice, FILE, Ledger, STATEMENT, TENANTS, all_items, bind, body, excused, items_of, notices,
    public_notices, tables, tenant_of,
};
use crate::{Figures, audit, cluster, name, rounds, setting};

/// Fewer connections than callers, so that they take turns.
const POOL: usize = 3;

/// Worlds that fail at the same time: most of the waiting is for silent connections.
const WORLDS: u64 = 5;

/// How long the engine may go on past its statements' own time, as the source says.
const GRACE: Duration = Duration::from_secs(2);

/// The longest that a call may take: two flushes and the grace, and a margin for a busy machine.
const BOUND: Duration = Duration::from_millis(2 * 400 + 2_000 + 2_000);

/// How long the server may take to see that a connection has gone.
const SERVER: Duration = Duration::from_secs(10);

/// How long a connection that was given up may take to close: less than a server leaves a transaction
/// idle, so that it is we who closed it.
const CLOSING: Duration = Duration::from_secs(2);

struct World {
    stage: Stage,
    /// A guard that reaches the database through the proxy.
    guard: Arc<Guard>,
    proxy: Proxy,
    watcher: Client,
    ledger: Arc<Mutex<Ledger>>,
    longest: Duration,
    lame: u64,
}

impl World {
    async fn new(database: Database) -> World {
        let (server, base) = (cluster(&database), name(&database).to_owned());
        let stage = Stage::new(database, &tables(), FILE).await;
        let proxy = Proxy::start(server).await;
        let url = SourceUrl::parse(&format!("postgres://{base}_runtime:x@{}/{base}", proxy.address())).unwrap();
        let options = Options { connections: POOL, ..Options::default() };
        let source = Source::open("main", &url, options, stage.clock.clone()).await.expect("the source opens");
        let sources = HashMap::from([(Arc::from("main"), source)]);
        let guard = Guard::new(Parts {
            policy: Arc::clone(&stage.policy),
            sources,
            store: Arc::clone(&stage.store),
            clock: stage.clock.clone(),
            entropy: Arc::new(SeededEntropy::new(3)),
        });
        let guard = Arc::new(guard.await.expect("the guard opens"));
        let watcher = stage.database.client().await;
        World { stage, guard, proxy, watcher, ledger: Arc::default(), longest: Duration::ZERO, lame: 0 }
    }

    /// One fault under traffic, and then all that must hold. Whether the fault struck.
    async fn round(&mut self, dice: &mut Dice) -> bool {
        let mut struck = self.proxy.struck();
        let before = *struck.borrow_and_update();
        let fault = draw(dice);
        let wide = dice.below(3) == 0;
        let context = format!("{fault:?}, wide: {wide}");

        self.proxy.arm(fault, wide);
        let calls: Vec<_> = (0..CALLERS)
            .map(|number| {
                let mut caller = Caller {
                    guard: Arc::clone(&self.guard),
                    bound: bind(&self.guard, Some(tenant_of(number))),
                    number,
                    dice: Dice::new(dice.below(u64::MAX)),
                    ledger: Arc::clone(&self.ledger),
                };
                let proxy = self.proxy.clone();
                tokio::spawn(async move {
                    let mut longest = Duration::ZERO;
                    for _ in 0..3 {
                        let began = Instant::now();
                        let good = tokio::time::timeout(BOUND, caller.call()).await.expect("a call does not end");
                        longest = longest.max(began.elapsed());
                        if !good {
                            // The network is back as soon as somebody has felt that it was away; what
                            // fell silent stays so.
                            proxy.open();
                        }
                    }
                    longest
                })
            })
            .collect();
        if matches!(fault, Fault::Mark { .. }) {
            // All callers go away in the middle of their calls: nobody comes after them who could tidy up.
            let handles: Vec<_> = calls.iter().map(tokio::task::JoinHandle::abort_handle).collect();
            let mut struck = struck.clone();
            tokio::spawn(async move {
                if struck.wait_for(|count| *count > before).await.is_ok() {
                    handles.iter().for_each(tokio::task::AbortHandle::abort);
                }
            });
        }
        for call in calls {
            match call.await {
                Ok(longest) => self.longest = self.longest.max(longest),
                Err(error) if error.is_cancelled() => {}
                Err(error) => panic!("{error}: {context}"),
            }
        }
        let has_struck = *struck.borrow() > before;
        self.proxy.heal();
        // Before anybody uses the connections again, and after.
        self.connections_are_clean(&context).await;
        self.recover(&context).await;
        self.connections_are_clean(&context).await;
        self.inspect(&context).await;
        has_struck
    }

    /// The pool heals by itself.
    async fn recover(&mut self, context: &str) {
        for (at, tenant) in TENANTS.into_iter().enumerate() {
            let bound = bind(&self.guard, Some(tenant));
            let mut failed = 0;
            loop {
                let args = all_items().to_string();
                let call = self.guard.call(&bound, "query", args.as_bytes());
                let reply = tokio::time::timeout(BOUND, call).await.expect("a call does not end");
                match reply.code {
                    None => {
                        assert_eq!(body(&reply), items_of(at), "{context}");
                        break;
                    }
                    Some(code) => {
                        assert!(excused(code), "{}: {context}", body(&reply));
                        failed += 1;
                        assert!(failed <= 1, "the pool does not heal: {context}");
                    }
                }
            }
            self.lame = self.lame.max(failed);
        }
    }

    /// No connection of the pool keeps a setting or a transaction. Those that were given up may take a
    /// moment to close.
    async fn connections_are_clean(&self, context: &str) {
        let clean = async {
            loop {
                let left = self.proxy.ask(LEFT_OVER).await;
                if left.len() <= POOL && left.iter().all(|(settings, state)| settings.is_empty() && *state == 'I') {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        if tokio::time::timeout(CLOSING, clean).await.is_err() {
            panic!("connections keep {:?}: {context}", self.proxy.ask(LEFT_OVER).await);
        }
    }

    /// Nothing is left over: nobody sees what is another's, and the server has nothing under way.
    async fn inspect(&self, context: &str) {
        let nobody = bind(&self.guard, None);
        let reply = self.guard.call(&nobody, "query", notices().to_string().as_bytes()).await;
        assert_eq!(body(&reply), public_notices(), "{context}");
        let reply = self.guard.call(&nobody, "query", all_items().to_string().as_bytes()).await;
        assert_eq!(reply.code, Some(Code::TenantScopeRequired), "{context}");

        tokio::time::timeout(SERVER, self.server_is_at_rest(0))
            .await
            .unwrap_or_else(|_| panic!("a backend is stuck: {context}"));
        let rows = self.events().await;
        let ledger = self.ledger.lock().unwrap();
        ledger.check_events(&rows);
    }

    /// Waits until no backend of ours is inside a transaction.
    async fn server_is_at_rest(&self, allowed: i64) {
        let statement = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
             AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND state IS DISTINCT FROM 'idle'";
        while self.watcher.query_one(statement, &[]).await.unwrap().get::<_, i64>(0) > allowed {
            tokio::task::yield_now().await;
        }
    }

    async fn events(&self) -> Vec<(String, String, i64)> {
        let sql = "SELECT ref, tenant_id, count(*) FROM events GROUP BY 1, 2";
        let rows = self.watcher.query(sql, &[]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
    }

    async fn figures(&self, rounds: u64) -> Figures {
        let rows = self.events().await;
        audit::check(&self.stage.store, &rows).await;
        let cells = self.watcher.query("SELECT id, value FROM cells", &[]).await.unwrap();
        let cells: Vec<(i64, String)> = cells.iter().map(|row| (row.get(0), row.get(1))).collect();
        let ledger = self.ledger.lock().unwrap();
        ledger.check_cells(&cells);
        let (acknowledged, unacknowledged) = ledger.counts();
        Figures {
            rounds,
            right: ledger.right,
            failed: ledger.failed.clone(),
            acknowledged,
            unacknowledged,
            unacknowledged_kept: ledger.check_events(&rows),
            longest: self.longest,
            lame: self.lame,
        }
    }
}

/// Everything that a transaction sets, empty when nothing is left of it, and what else a session could
/// keep.
const LEFT_OVER: &str = "SELECT concat_ws(' ', nullif(current_setting('tenantry.tenant_id', true), ''), \
     nullif(current_setting('tenantry.user_id', true), ''), nullif(current_setting('tenantry.roles', true), ''), \
     nullif(current_setting('statement_timeout'), '0'), \
     (SELECT 'lock' FROM pg_locks WHERE pid = pg_backend_pid() AND locktype <> 'relation' AND locktype <> 'virtualxid' LIMIT 1), \
     (SELECT 'cursor' FROM pg_cursors WHERE NOT is_holdable AND name <> '' LIMIT 1))";

/// A fault, of which one in seven is a silence: those take seconds to feel.
fn draw(dice: &mut Dice) -> Fault {
    let way = if dice.below(2) == 0 { Way::ToServer } else { Way::ToClient };
    let bytes = dice.below(9_000);
    let turns = dice.below(30);
    let end = if dice.below(2) == 0 { End::Close } else { End::Reset };
    match dice.below(21) {
        0..=6 => Fault::After { way, bytes, end },
        7..=11 => Fault::Reply { turns, end },
        12..=13 => Fault::Delay { way, bytes, time: Duration::from_millis(10 + dice.below(150)) },
        14 => Fault::Refuse { times: 1 + dice.below(8) },
        15..=17 => Fault::Mark { way, bytes },
        18 => Fault::After { way, bytes, end: End::Silence },
        19 => Fault::Reply { turns, end: End::Silence },
        // Longer than anybody waits: the answer comes to a connection that was given up.
        _ => Fault::Delay { way, bytes, time: 2 * STATEMENT + GRACE + Duration::from_millis(500) },
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d6_a_failing_source_leaves_nothing_stuck_wrong_or_over() {
    let seed = setting("TENANTRY_D6_SEED", 2026);
    let mut worlds = Vec::new();
    for number in 0..WORLDS {
        let Some(database) = Database::postgres().await else { return };
        let mut world = World::new(database).await;
        let mut dice = Dice::new(seed + number);
        worlds.push(tokio::spawn(async move {
            let (mut struck, mut rounds_done) = (0, 0);
            let wanted = rounds(200) / WORLDS;
            while struck < wanted {
                struck += u64::from(world.round(&mut dice).await);
                rounds_done += 1;
                assert!(rounds_done < 2 * wanted, "faults do not strike");
            }
            world.figures(struck).await
        }));
    }
    let mut figures = Figures::default();
    for world in worlds {
        figures.add(&world.await.expect("a world went wrong"));
    }
    eprintln!("D6 source: {figures} (seed {seed})");
    assert!(figures.unacknowledged_kept > 0, "no commit lost its answer: the faults are too tame");
}

/// Silence in the middle of a write, with no network to tell the server: it lets go of the rows by
/// itself, and soon.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d6_the_server_lets_go_of_what_a_silent_connection_held() {
    let Some(database) = Database::postgres().await else { return };
    let world = World::new(database).await;
    let bound = bind(&world.guard, Some("a"));
    let update = |value: &str| serde_json::json!({"model": "cells", "id": 0, "data": {"value": value}}).to_string();
    let call = async |value: &str| {
        let body = update(value);
        let call = world.guard.call(&bound, "update", body.as_bytes());
        tokio::time::timeout(BOUND, call).await.expect("a call does not end").code
    };
    assert_eq!(call("first").await, None);
    // The statements are prepared now: the next answer is the flush's, the one after it the commit's.
    world.proxy.arm(Fault::Reply { turns: 0, end: End::Silence }, false);
    let code = call("silent").await.expect("no answer");
    assert!(excused(code));
    // Others go on meanwhile, but the row is held.
    let other = world.guard.call(&bound, "query", all_items().to_string().as_bytes()).await;
    assert_eq!(other.code, None);
    tokio::time::timeout(SERVER, world.server_is_at_rest(0)).await.expect("the server holds on");
    assert_eq!(call("last").await, None);
    let rows = world.watcher.query_one("SELECT value FROM cells WHERE id = 0", &[]).await.unwrap();
    assert_eq!(rows.get::<_, String>(0), "last");
}
