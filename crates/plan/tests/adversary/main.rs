//! Row security that nobody wrote: random schemas (dice.rs) are judged by `tenantry prove --database`'s own way, and
//! then a role does what it can (attack.rs). Where the verdict is *proved*, no row of another tenant may be reached or
//! made; every leak has to be seen on the database; what is open says what was not understood.
//!
//! `TENANTRY_ADVERSARY_SEED` sets where to begin, `TENANTRY_ADVERSARY_COUNT` how many; `TENANTRY_TEST_LONG=1` tries many
//! more, with every session.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    missing_docs,
    reason = "tests"
)]

mod attack;
mod dice;

use std::collections::{BTreeMap, BTreeSet};

use dice::{Dice, Mode, Schema};
use tenantry_plan::found::judge_database;
use tenantry_policy::Op;
use tenantry_proof::{Finding, Judged, Promise, Replay, Said, Verdict};
use tenantry_source::SourceUrl;
use tokio_postgres::{Client, NoTls};

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// `docs update`, as an attack calls what it did.
fn kind(one: &Finding) -> Option<String> {
    let what = match (one.promise, one.op) {
        (Promise::UpdateNew, _) => "moves",
        (Promise::Read | Promise::Create | Promise::UpdateOld | Promise::Delete, Some(op)) => match op {
            Op::Read => "read",
            Op::Create => "create",
            Op::Update => "update",
            Op::Delete => "delete",
        },
        _ => return None,
    };
    Some(format!("{} {what}", one.relation))
}

/// What the verdicts leave open or call a leak, by what is asked for and through what.
fn excused(schema: &Schema, judged: &Judged) -> BTreeSet<String> {
    let not_safe = |one: &&Finding| matches!(one.verdict, Verdict::Leaks(_) | Verdict::NotUnderstood(_));
    let kinds = judged.findings.iter().filter(not_safe).flat_map(|one| {
        // Of a window the worst of all that may be written is told.
        let written = one.relation == "shown" && one.op != Some(Op::Read);
        match kind(one) {
            Some(kind) if !written => vec![kind],
            // A row of one's own that refers to a foreign one is one's own.
            None if one.promise == Promise::Reference => Vec::new(),
            _ => ["create", "update", "moves", "delete"].map(|what| format!("{} {what}", one.relation)).to_vec(),
        }
    });
    let mut kinds: BTreeSet<String> = kinds.collect();
    if schema.mode != Mode::Setting {
        // Whose a row is, the prover asks as the role may read it, and the attack of what there is: what the one calls a
        // row that was the own one and is moved, the other may call a foreign one that is changed.
        for table in attack::TABLES.iter().chain(&["shown"]) {
            if kinds.contains(&format!("{table} update")) {
                kinds.insert(format!("{table} moves"));
            }
        }
    }
    kinds
}

/// Tables whose rows the prover takes to be whose the attack takes them to be.
fn agreed(schema: &Schema, judged: &Judged) -> BTreeSet<&'static str> {
    let told = |table: &str, what: &str| {
        let head = format!("{table}: ");
        judged.assumptions.iter().any(|one| one.starts_with(&head) && one.contains(what))
    };
    attack::TABLES
        .into_iter()
        .filter(|table| match (*table, schema.mode) {
            ("items", _) if !schema.own_items => {
                told("items", "whose rows are `docs`'s") && agreed_documents(schema, &told)
            }
            (table, Mode::Member) => told(table, "`tenant_id` is in the principal's memberships ("),
            (table, _) => told(table, "as given"),
        })
        .collect()
}

fn agreed_documents(schema: &Schema, told: &impl Fn(&str, &str) -> bool) -> bool {
    schema.mode != Mode::Member || told("docs", "`tenant_id` is in the principal's memberships (")
}

#[derive(Default)]
struct Count {
    judging: std::time::Duration,
    proved: usize,
    leaks: usize,
    open: BTreeMap<String, usize>,
    acts: usize,
    reached: usize,
    /// Leaks that the attack found as well.
    also_reached: usize,
}

/// One schema on one database.
async fn attempt(seed: u64, prefix: &str, admin: &Client, url: &str, long: bool, count: &mut Count) -> Vec<String> {
    let schema = dice::schema(seed, prefix);
    let app = format!("{prefix}_app");
    let mut setup = format!(
        "DROP SCHEMA IF EXISTS adv CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA \
         public TO PUBLIC; REVOKE {prefix}_group FROM {app};"
    );
    setup.push_str(&schema.statements.join(";\n"));
    if let Err(error) = admin.batch_execute(&setup).await {
        let why = error.as_db_error().map(|error| error.message().to_owned()).unwrap_or_default();
        return vec![format!("the schema cannot be made: {why}\n{}", schema.statements.join(";\n"))];
    }
    let mut said = Said { table: None, ..Said::default() };
    match schema.mode {
        Mode::Setting => said.tenants.push("tenant_id=app.tenant".to_owned()),
        Mode::Profile => said.tenants.push(
            "tenant_id=(SELECT p.tenant_id FROM public.profiles p WHERE p.user_id = current_setting('app.user', true))"
                .to_owned(),
        ),
        Mode::Member => {}
    }
    let began = std::time::Instant::now();
    let (_, judged) = match judge_database(&SourceUrl::parse(url).unwrap(), &said, true).await {
        Ok(judged) => judged,
        Err(error) => return vec![error.to_string()],
    };
    count.judging += began.elapsed();
    let mut wrong = Vec::new();
    let heirs = schema.statements.iter().any(|one| one.contains("INHERITS"));
    for one in &judged.findings {
        match &one.verdict {
            Verdict::Proved => count.proved += 1,
            Verdict::Warns(_) => {}
            Verdict::Leaks(leak) => {
                count.leaks += 1;
                if let Replay::Evaluator(why) = &leak.replay
                    && !one.relation.starts_with("function ")
                    && !why.contains("writes through a view")
                    // Rows of heirs need not keep to what the table says of its own.
                    && !(heirs && why.contains("cannot be made"))
                {
                    wrong.push(format!("{:?} is not seen on the database: {why}", kind(one)));
                }
            }
            Verdict::NotUnderstood(why) => {
                let short: String = why.chars().take(60).collect();
                *count.open.entry(short).or_default() += 1;
                // A cast on the way that fails, or a setting that is missing, decides by the order in which the database asks.
                let fails = why.contains("SQLSTATE 22") || why.contains("SQLSTATE 42704");
                let unlike = why.contains("by the evaluator") || why.contains("would let a row through");
                if why.trim().is_empty() || (unlike && !fails) {
                    wrong.push(format!("{:?} is open for no reason: {why}", kind(one)));
                }
            }
        }
    }
    let excused = excused(&schema, &judged);
    let agreed = agreed(&schema, &judged);
    for statement in attack::prepare(&schema, &app) {
        admin.batch_execute(&statement).await.unwrap_or_else(|error| panic!("{error:?}: {statement}"));
    }
    let client = connect(&url.replacen("postgres@", &format!("{app}@"), 1)).await;
    let acts = attack::acts(&schema);
    let mut dice = Dice::new(seed ^ 0x5eed);
    let mut reached_kinds = BTreeSet::new();
    for session in attack::sessions(schema.ty) {
        if !long && dice.below(3) > 0 {
            continue;
        }
        // Of a session of its own: a setting that was never set is NULL, and not empty.
        let own = if session.iter().any(|(_, value)| value.is_none()) {
            Some(connect(&url.replacen("postgres@", &format!("{app}@"), 1)).await)
        } else {
            None
        };
        let client = own.as_ref().unwrap_or(&client);
        for (name, value) in session {
            if let Some(value) = value {
                client.execute("SELECT set_config($1, $2, false)", &[&name, &value]).await.unwrap();
            }
        }
        let chosen: Vec<&(&str, String)> = acts.iter().filter(|_| long || dice.below(2) == 0).collect();
        let texts: Vec<&str> = chosen.iter().map(|(_, act)| act.as_str()).collect();
        let sql = "SELECT adv.attack(a) FROM unnest($1::text[]) WITH ORDINALITY AS u(a, at) ORDER BY at";
        let answers = client.query(sql, &[&texts]).await.unwrap();
        for ((through, act), row) in chosen.iter().zip(answers) {
            let answer: Option<&str> = row.get(0);
            if answer == Some("refused") {
                continue;
            }
            count.acts += 1;
            for one in answer.unwrap_or_default().split(',').filter(|one| !one.is_empty()) {
                count.reached += 1;
                let mut words = one.split(' ');
                let (table, what) = (words.next().unwrap(), words.next().unwrap());
                let kind = format!("{table} {what}");
                let by_view = *through == "shown" && excused.contains(&format!("shown {what}"));
                if excused.contains(&kind) || by_view {
                    reached_kinds.insert(kind);
                } else if agreed.contains(table) {
                    wrong.push(format!("called safe, and done: {one} by {act} in {session:?}"));
                }
            }
        }
    }
    count.also_reached += reached_kinds.len();
    wrong.truncate(6);
    if !wrong.is_empty() {
        wrong.push(schema.statements.join(";\n"));
        wrong.extend(
            judged.findings.iter().map(|one| format!("{:?} {:?}: {}", kind(one), one.roles, one.verdict.word())),
        );
        wrong.extend(judged.assumptions.iter().cloned());
    }
    wrong
}

#[tokio::test]
async fn nothing_that_is_called_safe_is_reached() {
    let Ok(server) = std::env::var("TENANTRY_TEST_POSTGRES") else {
        eprintln!("skipped: TENANTRY_TEST_POSTGRES is not set");
        return;
    };
    let long = std::env::var_os("TENANTRY_TEST_LONG").is_some();
    let seed = setting("TENANTRY_ADVERSARY_SEED").unwrap_or(1);
    let many = setting("TENANTRY_ADVERSARY_COUNT").unwrap_or(if long { 1_500 } else { 16 });
    eprintln!("seeds {seed} to {}", seed + many - 1);
    let prefix = format!("adv_{}", std::process::id());
    let keeper = connect(&server).await;
    keeper.batch_execute(&format!("CREATE DATABASE {prefix}")).await.unwrap();
    for role in ["app LOGIN", "group NOLOGIN", "owner NOLOGIN"] {
        keeper.batch_execute(&format!("CREATE ROLE {prefix}_{role}")).await.unwrap();
    }
    let url = format!("{}/{prefix}", server.rsplit_once('/').unwrap().0);
    let admin = connect(&url).await;
    let mut count = Count::default();
    let mut failures = 0;
    for seed in seed..seed + many {
        let wrong = attempt(seed, &prefix, &admin, &url, long, &mut count).await;
        if !wrong.is_empty() {
            failures += 1;
            eprintln!("seed {seed}:\n  {}\n", wrong.join("\n  "));
        }
        if failures >= 5 {
            break;
        }
    }
    drop(admin);
    keeper.batch_execute(&format!("DROP DATABASE {prefix} WITH (FORCE)")).await.unwrap();
    for role in ["app", "group", "owner"] {
        keeper.batch_execute(&format!("DROP ROLE {prefix}_{role}")).await.unwrap();
    }
    eprintln!(
        "{} proved, {} leaks, {} open; {} acts were let through, {} rows of others reached where that was said ({} kinds)",
        count.proved,
        count.leaks,
        count.open.values().sum::<usize>(),
        count.acts,
        count.reached,
        count.also_reached,
    );
    eprintln!("{} s of judging", count.judging.as_secs());
    for (why, times) in &count.open {
        eprintln!("  open {times}: {why}");
    }
    assert_eq!(failures, 0, "seeds from {seed}");
    assert!(count.proved > 0 && count.leaks > 0 && count.acts > 0 && count.also_reached > 0, "nothing was tried");
}
