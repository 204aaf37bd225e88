//! Tenantry's own store fails: no audit, no act.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tenantry_guard::{Guard, Parts};
use tenantry_source::Source;
use tenantry_store::{Options, Store, StoreUrl};
use tokio_postgres::Client;

use crate::proxy::{End, Fault, Proxy, Way};
use crate::support::Stage;
use crate::support::ambient::SeededEntropy;
use crate::support::database::Database;
use crate::world::{CALLERS, Caller, Dice, FILE, Ledger, all_items, bind, body, excused, items_of, tables, tenant_of};
use crate::{Figures, audit, cluster, name, rounds, setting};

/// The longest that a call may take: its two entries each wait for the commit under way and for their
/// own, and a margin for a busy machine.
const BOUND: Duration = Duration::from_secs(4 * 5 + 4);

/// Worlds that fail at the same time.
const WORLDS: u64 = 8;

struct World {
    /// The rows, in SQLite.
    stage: Stage,
    /// The store's database.
    memory: Database,
    guard: Arc<Guard>,
    proxy: Proxy,
    watcher: Client,
    ledger: Arc<Mutex<Ledger>>,
    longest: Duration,
    lame: u64,
}

impl World {
    async fn new(memory: Database) -> World {
        let stage = Stage::new(Database::sqlite(), &tables(), FILE).await;
        let proxy = Proxy::start(cluster(&memory)).await;
        let store = Arc::new(open(&memory, proxy.address().to_string(), &stage).await);
        let url = stage.database.runtime_url();
        let source = Source::open("main", &url, tenantry_source::Options::default(), stage.clock.clone()).await;
        let sources = HashMap::from([(Arc::from("main"), source.expect("the source opens"))]);
        let guard = Guard::new(Parts {
            policy: Arc::clone(&stage.policy),
            sources,
            store,
            clock: stage.clock.clone(),
            entropy: Arc::new(SeededEntropy::new(3)),
        });
        let guard = Arc::new(guard.await.expect("the guard opens"));
        let watcher = memory.client().await;
        World { stage, memory, guard, proxy, watcher, ledger: Arc::default(), longest: Duration::ZERO, lame: 0 }
    }

    async fn round(&mut self, dice: &mut Dice) -> bool {
        let struck = self.proxy.struck();
        let before = *struck.borrow();
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
                            proxy.open();
                        }
                    }
                    longest
                })
            })
            .collect();
        for call in calls {
            self.longest = self.longest.max(call.await.unwrap_or_else(|error| panic!("{error}: {context}")));
        }
        let has_struck = *struck.borrow() > before;
        self.proxy.heal();
        self.recover(&context).await;
        self.ledger.lock().unwrap().check_events(&self.events());
        has_struck
    }

    /// How many calls fail until one is answered.
    async fn recover(&mut self, context: &str) {
        let bound = bind(&self.guard, Some("a"));
        let mut failed = 0;
        loop {
            let args = all_items().to_string();
            let call = self.guard.call(&bound, "query", args.as_bytes());
            let reply = tokio::time::timeout(BOUND, call).await.expect("a call does not end");
            match reply.code {
                None => {
                    assert_eq!(body(&reply), items_of(0), "{context}");
                    break;
                }
                Some(code) => {
                    assert!(excused(code), "{}: {context}", body(&reply));
                    failed += 1;
                    assert!(failed <= 1, "the store does not heal: {context}");
                }
            }
        }
        self.lame = self.lame.max(failed);
    }

    /// The rows that are in the file.
    fn events(&self) -> Vec<(String, String, i64)> {
        let connection = rusqlite::Connection::open(self.stage.database.folder().join("data.db")).unwrap();
        let mut statement = connection.prepare("SELECT ref, tenant_id, count(*) FROM events GROUP BY 1, 2").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        rows.map(Result::unwrap).collect()
    }

    async fn figures(&self, rounds: u64) -> Figures {
        let rows = self.events();
        // By a way of its own: what the database holds, not what the failing side remembers.
        let store = open(&self.memory, cluster(&self.memory).to_string(), &self.stage).await;
        audit::check(&store, &rows).await;
        let ledger = self.ledger.lock().unwrap();
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

/// The store in `memory`, reached at `place`.
async fn open(memory: &Database, place: String, stage: &Stage) -> Store {
    let url = StoreUrl::parse(&format!("postgres://postgres@{place}/{}", name(memory))).unwrap();
    let options = Options {
        clock: stage.clock.clone(),
        entropy: Arc::new(SeededEntropy::new(4)),
        key_file: Some(memory.folder().join("keys.json")),
    };
    Store::open(&url, options).await.expect("the store opens")
}

/// A fault, of which one in eight is a silence.
fn draw(dice: &mut Dice) -> Fault {
    let way = if dice.below(2) == 0 { Way::ToServer } else { Way::ToClient };
    // About as much as a round's calls send, are sent, and are answered: an append is one request with its entries,
    // and one number comes back.
    let bytes = dice.below(if way == Way::ToServer { 12_000 } else { 800 });
    let turns = dice.below(10);
    let end = if dice.below(2) == 0 { End::Close } else { End::Reset };
    match dice.below(16) {
        0..=5 => Fault::After { way, bytes, end },
        6..=10 => Fault::Reply { turns, end },
        11 => Fault::Delay { way, bytes, time: Duration::from_millis(10 + dice.below(150)) },
        12..=13 => Fault::Refuse { times: 1 + dice.below(8) },
        14 => Fault::After { way, bytes, end: End::Silence },
        _ => Fault::Reply { turns, end: End::Silence },
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d6_a_failing_store_lets_no_act_go_unrecorded() {
    let seed = setting("TENANTRY_D6_SEED", 2026);
    let mut worlds = Vec::new();
    for number in 0..WORLDS {
        let Some(memory) = Database::postgres().await else { return };
        let mut world = World::new(memory).await;
        let mut dice = Dice::new(seed + number);
        worlds.push(tokio::spawn(async move {
            let (mut struck, mut rounds_done) = (0, 0);
            let wanted = rounds(80) / WORLDS;
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
    eprintln!("D6 store: {figures} (seed {seed})");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d6_without_the_store_every_call_is_refused_and_nothing_is_done() {
    let Some(memory) = Database::postgres().await else { return };
    let mut world = World::new(memory).await;
    let mut caller = Caller {
        guard: Arc::clone(&world.guard),
        bound: bind(&world.guard, Some("a")),
        number: 0,
        dice: Dice::new(1),
        ledger: Arc::clone(&world.ledger),
    };
    while world.ledger.lock().unwrap().right < 10 {
        assert!(caller.call().await);
    }
    let rows = world.events();
    let entries = "SELECT count(*) FROM tenantry_audit";
    let before: i64 = world.watcher.query_one(entries, &[]).await.unwrap().get(0);
    world.proxy.arm(Fault::Refuse { times: u64::MAX }, true);
    for _ in 0..20 {
        assert!(!caller.call().await, "an act without an audit");
    }
    assert_eq!(world.events(), rows, "something was done without an audit");
    assert_eq!(world.watcher.query_one(entries, &[]).await.unwrap().get::<_, i64>(0), before);
    world.proxy.heal();
    world.recover("refused").await;
    assert!(caller.call().await);
    let figures = world.figures(1).await;
    assert_eq!(figures.unacknowledged_kept, 0);
}
