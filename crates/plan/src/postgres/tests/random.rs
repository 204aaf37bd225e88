//! Random states of a cluster, random files: applied, the next plan is empty. Each case has a seed, which a failure
//! prints; `TENANTRY_SEED` plays one again.

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use super::things::{by_hand, file, make, unmake};
use super::{World, servers};

#[allow(clippy::disallowed_methods, reason = "a case is played again by its seed")]
pub(super) fn seeds(count: u64) -> Vec<u64> {
    match std::env::var("TENANTRY_SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => vec![seed],
        None => (0..count).collect(),
    }
}

#[tokio::test]
async fn random_states_become_what_random_files_say() {
    for server in servers() {
        for seed in seeds(5) {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let mut world = World::new(&server).await;
            let major = world.snapshot().await.server.major();
            make(&world).await;
            for _ in 0..3 {
                for _ in 0..20 {
                    let statement = world.text(&by_hand(&mut random));
                    world.tried(&statement).await;
                }
                let file = file(&mut random, major);
                match world.apply(&file).await {
                    Ok(_) => {}
                    // A circle with what a hand made is refused, as it should be.
                    Err(error) if error.code() == "MEMBERSHIP_CYCLE" => continue,
                    Err(error) => {
                        for (object, thing) in &world.snapshot().await.things {
                            for grant in thing.rights.iter().filter(|_| thing.changed) {
                                eprintln!("{object} ({}): {grant:?}", thing.owner);
                            }
                        }
                        eprintln!("{:#?}", world.statements(&file).await);
                        panic!("seed {seed}, PostgreSQL at {server}: {error} ({:?})\n{file}", error.place())
                    }
                }
                let left = world.plan(&file).await.unwrap();
                assert!(left.is_empty(), "seed {seed}: {left:#?}\n{file}");
            }
            unmake(&world).await;
            world.end().await;
        }
    }
}
