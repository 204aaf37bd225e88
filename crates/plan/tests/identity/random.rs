//! Any file after any other: applied, there is nothing left to do.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::database::Database;
use crate::world::World;

const ROLES: [&str; 3] = ["reader", "writer", "odd \"name\""];
const USERS: [&str; 4] = ["ada@example.com", "bob@example.com", "carol", "dan.d"];
const ACCOUNTS: [&str; 4] = ["acme", "b-below", "cyan", "a0"];
const SPACES: [&str; 2] = ["prod", "dev"];
const TEXTS: [&str; 4] = ["plain", "with \\\"quotes\\\"", "über ✓", "'; DROP TABLE tenantry_role; --"];

fn subset<T: Clone + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = Vec<T>> {
    proptest::sample::subsequence(all, 0..=all.len())
}

fn text() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(&TEXTS[..])
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| serde_json::Value::from(*name).to_string()).collect::<Vec<_>>().join(", ")
}

fn api() -> impl Strategy<Value = String> {
    (subset(&["read:x", "write:x"]), text(), any::<bool>(), 1_u32..40).prop_map(|(permissions, what, flag, hours)| {
        let known: Vec<String> = permissions.iter().map(|name| format!("\"{name}\" = \"{what}\"")).collect();
        format!(
            "[api.\"https://a\"]\npermissions = {{ {} }}\nenforce_policies = {flag}\ntoken_lifetime = \"{hours}m\"\n",
            known.join(", ")
        )
    })
}

#[derive(Debug, Clone)]
struct Place {
    users: Vec<(&'static str, Vec<&'static str>)>,
}

fn place() -> impl Strategy<Value = Place> {
    subset(&USERS)
        .prop_flat_map(|users| {
            let roles = users.iter().map(|_| subset(&ROLES)).collect::<Vec<_>>();
            (Just(users), roles)
        })
        .prop_map(|(users, roles)| Place { users: users.into_iter().zip(roles).collect() })
}

fn account(id: &'static str) -> impl Strategy<Value = String> {
    let spaces = proptest::collection::vec(proptest::option::of(place()), SPACES.len());
    (text(), any::<bool>(), place(), spaces, any::<bool>(), any::<bool>()).prop_map(
        move |(name, gold, here, spaces, suspended, connection)| {
            let mut out = format!("[account.{id}]\ndisplay_name = \"{name}\"\n");
            if gold {
                out.push_str("metadata = { tier = \"gold\" }\n");
            }
            if suspended {
                out.push_str("status = \"suspended\"\n");
            }
            if connection {
                out.push_str(&format!("connection.staff = {{ signup = {gold} }}\n"));
            }
            let mut members = |path: String, place: &Place, suffix: &str| {
                for (user, roles) in &place.users {
                    let roles: Vec<String> = roles.iter().map(|role| [role, suffix].concat()).collect();
                    let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
                    out.push_str(&format!("[{path}.user.\"{user}\"]\nroles = [{}]\n", quoted(&roles)));
                }
            };
            members(format!("account.{id}"), &here, "");
            for (space, place) in SPACES.iter().zip(&spaces) {
                if let Some(place) = place {
                    members(format!("account.{id}.workspace.{space}"), place, " there");
                }
            }
            for (space, place) in SPACES.iter().zip(&spaces) {
                if place.as_ref().is_some_and(|place| place.users.is_empty()) {
                    out.push_str(&format!("[account.{id}.workspace.{space}]\n"));
                }
            }
            out
        },
    )
}

/// Every role is defined: people may hold any of them.
fn roles() -> impl Strategy<Value = String> {
    (proptest::collection::vec((text(), any::<bool>()), ROLES.len() * 2)).prop_map(|given| {
        let levels = [("", "account"), (" there", "workspace")];
        let named =
            levels.iter().flat_map(|(suffix, level)| ROLES.iter().map(move |name| ([name, *suffix].concat(), level)));
        named
            .zip(given)
            .map(|((name, level), (what, described))| {
                let description = if described { format!("description = \"{what}\"\n") } else { String::new() };
                format!("[role.{}]\nlevel = \"{level}\"\n{description}", serde_json::Value::from(name))
            })
            .collect()
    })
}

fn file() -> impl Strategy<Value = String> {
    let clients = (any::<bool>(), any::<bool>(), subset(&["https://b/1", "https://b/2"]), text()).prop_map(
        |(one, two, callbacks, what)| {
            let mut out = String::new();
            if one {
                out.push_str(&format!(
                    "[client.one]\nkind = \"web\"\ndescription = \"{what}\"\ncallbacks = [{}]\n",
                    quoted(&callbacks)
                ));
            }
            if two {
                out.push_str("[client.two.grant.app]\npermissions = [\"read:profile\"]\n");
            }
            (out, one)
        },
    );
    let accounts: Vec<_> = ACCOUNTS.iter().map(|id| proptest::option::of(account(id))).collect();
    let users = proptest::collection::vec(proptest::option::of((text(), any::<bool>(), any::<bool>())), USERS.len());
    (api(), roles(), clients, users, accounts, proptest::option::of(text()), any::<bool>()).prop_map(
        |(api, roles, (clients, one), users, accounts, platform, below)| {
            let mut out = [api, roles, clients].concat();
            if let Some(name) = platform {
                out.push_str(&format!("[platform]\nfriendly_name = \"{name}\"\nsession_lifetime = \"3h\"\n"));
            }
            let listed = if one { "\"one\"" } else { "" };
            out.push_str(&format!("[connection.staff]\nstrategy = \"oidc\"\nclients = [{listed}]\n"));
            for (user, said) in USERS.iter().zip(users) {
                if let Some((name, verified, metadata)) = said {
                    out.push_str(&format!(
                        "[user.\"{user}\"]\ndisplay_name = \"{name}\"\nemail_verified = {verified}\n"
                    ));
                    if metadata {
                        out.push_str(&format!("app_metadata = {{ note = \"{name}\" }}\n"));
                    }
                }
            }
            // One account below another, where both are there.
            let both = accounts.first().is_some_and(Option::is_some) && accounts.get(1).is_some_and(Option::is_some);
            for account in accounts.into_iter().flatten() {
                out.push_str(&if both && below {
                    account.replacen("[account.b-below]\n", "[account.b-below]\nparent = \"acme\"\n", 1)
                } else {
                    account
                });
            }
            out
        },
    )
}

/// A tenant id is never given twice, so an account that goes stays away: here it is never taken out of the file.
fn keeping_accounts(before: &str, after: String) -> String {
    let mut out = after;
    for id in ACCOUNTS {
        let named = |text: &str| text.contains(&format!("[account.{id}]")) || text.contains(&format!("[account.{id}."));
        if named(before) && !named(&out) {
            out.push_str(&format!("[account.{id}]\n"));
        }
    }
    out
}

fn any_file_follows_any_other(world: &World, runtime: &tokio::runtime::Runtime, cases: u32) {
    let seed: [u8; 32] = std::array::from_fn(|at| {
        let process = std::process::id().to_le_bytes();
        process[at % 4].wrapping_mul(31).wrapping_add(u8::try_from(at).unwrap())
    });
    eprintln!("seed {seed:?}");
    let rng = proptest::test_runner::TestRng::from_seed(proptest::test_runner::RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(
        Config { cases, max_shrink_iters: 0, failure_persistence: None, ..Config::default() },
        rng,
    );
    let last = std::cell::RefCell::new(String::new());
    let outcome = runner.run(&file(), |text| {
        let text = keeping_accounts(&last.borrow(), text);
        runtime.block_on(world.settle(&text));
        *last.borrow_mut() = text;
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn any_file_after_any_other_leaves_nothing_to_do() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let world = runtime.block_on(World::sqlite());
    any_file_follows_any_other(&world, &runtime, 60);
    match runtime.block_on(Database::postgres()) {
        Some(database) => {
            let world = runtime.block_on(World::postgres(database));
            any_file_follows_any_other(&world, &runtime, 20);
        }
        None => eprintln!("skipped on PostgreSQL: TENANTRY_TEST_POSTGRES is not set"),
    }
}
