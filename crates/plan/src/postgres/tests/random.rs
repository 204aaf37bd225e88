//! Random states of a cluster, random files: applied, the next plan is empty. Each case has a seed, which a failure
//! prints; `TENANTRY_SEED` plays one again.

use std::fmt::Write as _;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use tenantry_policy::object::ObjectKind;

use super::{World, servers};

const ROLES: [&str; 4] = ["{p}_r0", "{p}_r1", "{p}_r2", "{p}_r3"];
const TABLES: [&str; 2] = ["t0", "t1"];
const COLUMNS: [&str; 2] = ["a", "b"];
const RIGHTS: [&str; 5] = ["SELECT", "INSERT", "UPDATE", "REFERENCES", "DELETE"];

fn one<'a>(random: &mut ChaCha8Rng, list: &[&'a str]) -> &'a str {
    list[random.random_range(0..list.len())]
}

/// A statement that a hand may have run; those that the server refuses are as good.
fn by_hand(random: &mut ChaCha8Rng) -> String {
    let (role, other, table) = (one(random, &ROLES), one(random, &ROLES), one(random, &TABLES));
    let column = one(random, &COLUMNS);
    let right = RIGHTS[random.random_range(0..4)];
    let option = if random.random_bool(0.4) { " WITH GRANT OPTION" } else { "" };
    match random.random_range(0..11) {
        0 => format!("GRANT {right} ON {table} TO {role}{option}"),
        1 => format!("GRANT {right} ({column}) ON {table} TO {role}{option}"),
        2 => format!("SET ROLE {role}; GRANT {right} ON {table} TO {other}{option}; RESET ROLE"),
        3 => format!("SET ROLE {role}; GRANT {right} ({column}) ON {table} TO {other}{option}; RESET ROLE"),
        4 => format!("REVOKE {right} ON {table} FROM {role} CASCADE"),
        5 => format!("ALTER TABLE {table} OWNER TO {role}"),
        6 => format!("GRANT {role} TO {other}{}", if random.random_bool(0.5) { " WITH ADMIN OPTION" } else { "" }),
        7 => format!("ALTER ROLE {role} {}", one(random, &["LOGIN", "CREATEDB", "NOINHERIT", "CONNECTION LIMIT 3"])),
        8 => format!("ALTER ROLE {role} SET {} = '{}'", one(random, &["work_mem", "jit"]), one(random, &["on", "1MB"])),
        9 => format!("GRANT {right} ON {table} TO PUBLIC"),
        _ => format!("ALTER DEFAULT PRIVILEGES FOR ROLE {role} GRANT {right} ON TABLES TO {other}{option}"),
    }
}

fn rights(random: &mut ChaCha8Rng, among: usize) -> String {
    let mut list = Vec::new();
    for right in &RIGHTS[..among] {
        if random.random_bool(0.4) {
            list.push(format!("\"{right}{}\"", if random.random_bool(0.3) { " WITH GRANT OPTION" } else { "" }));
        }
    }
    list.join(", ")
}

/// A file about the same things.
fn file(random: &mut ChaCha8Rng) -> String {
    let mut text = String::new();
    for (at, role) in ROLES.iter().enumerate() {
        if random.random_bool(0.2) {
            continue;
        }
        let mode = one(random, &["managed", "adopted"]);
        writeln!(text, "[source.main.role.{role}]\nmode = \"{mode}\"").unwrap();
        if random.random_bool(0.3) {
            writeln!(text, "login = {}", random.random_bool(0.5)).unwrap();
        }
        if random.random_bool(0.3) {
            writeln!(text, "settings = {{ work_mem = \"2MB\" }}").unwrap();
        }
        // Only downwards, so that there is no circle.
        for group in &ROLES[at + 1..] {
            if random.random_bool(0.3) {
                writeln!(text, "member_of.{group} = {{ admin = {} }}", random.random_bool(0.5)).unwrap();
            }
        }
        for table in TABLES {
            if random.random_bool(0.5) {
                writeln!(text, "grants.\"public.{table}\" = [{}]", rights(random, 5)).unwrap();
            }
            for column in COLUMNS {
                if random.random_bool(0.3) {
                    writeln!(text, "grants.\"public.{table}({column})\" = [{}]", rights(random, 4)).unwrap();
                }
            }
        }
        if random.random_bool(0.3) {
            let maker = one(random, &ROLES);
            writeln!(text, "default_privileges.\"tables by {maker}\" = [{}]", rights(random, 4)).unwrap();
        }
    }
    if random.random_bool(0.3) {
        writeln!(text, "[source.main.public.grants]\n\"public.t0\" = [\"SELECT\"]").unwrap();
    }
    for table in TABLES {
        if random.random_bool(0.3) {
            writeln!(text, "[source.main.owner]\n\"public.{table}\" = \"{}\"", one(random, &ROLES)).unwrap();
            break;
        }
    }
    text
}

#[allow(clippy::disallowed_methods, reason = "a case is played again by its seed")]
fn seeds() -> Vec<u64> {
    match std::env::var("TENANTRY_SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => vec![seed],
        None => (0..8).collect(),
    }
}

#[tokio::test]
async fn random_states_become_what_random_files_say() {
    for server in servers() {
        for seed in seeds() {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let mut world = World::new(&server).await;
            for role in ROLES {
                world.sql(&format!("CREATE ROLE {role}")).await;
            }
            for table in TABLES {
                world.sql(&format!("CREATE TABLE {table} (a int8, b text)")).await;
            }
            for _ in 0..3 {
                for _ in 0..12 {
                    let statement = world.text(&by_hand(&mut random));
                    world.tried(&statement).await;
                }
                let file = file(&mut random);
                match world.apply(&file).await {
                    Ok(_) => {}
                    // A circle with what a hand made is refused, as it should be.
                    Err(error) if error.code() == "MEMBERSHIP_CYCLE" => continue,
                    Err(error) => {
                        for (object, thing) in &world.snapshot().await.things {
                            let ours = matches!(object.kind(), ObjectKind::Table | ObjectKind::Column);
                            for grant in thing.rights.iter().filter(|_| ours) {
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
            world.end().await;
        }
    }
}
