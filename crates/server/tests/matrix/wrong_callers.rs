//! I2: every endpoint against every kind of wrong caller. I6: what is absent and what is another's answer
//! alike.

use std::collections::BTreeSet;
use std::time::Duration;

use tenantry_identity::{Audience, contexts};
use tenantry_server::{Level, management_scopes};

use crate::stage::Tenant;
use crate::table::{Entry, Values, entries, without_id};
use crate::world::{Who, World, on_each_store};

/// Exceptions, one a line: `KIND METHOD /path: why`. The list may only shrink.
const EXCEPTIONS: &str = include_str!("exceptions.txt");

/// How many exceptions there may be.
const MOST_EXCEPTIONS: usize = 15;

/// What was found wrong, and which exceptions were needed.
#[derive(Default)]
struct Found {
    wrong: Vec<String>,
    used: BTreeSet<String>,
    asked: usize,
}

impl Found {
    /// Notes an answer that is not what it should be.
    fn check(&mut self, kind: &str, entry: &str, good: bool, told: impl FnOnce() -> String) {
        self.asked += 1;
        if good {
            return;
        }
        let name = [kind, " ", entry].concat();
        if excepted(&name) {
            self.used.insert(name);
        } else {
            self.wrong.push(format!("{name}: {}", told()));
        }
    }
}

/// The lines of the list of exceptions.
pub fn exceptions() -> impl Iterator<Item = &'static str> {
    EXCEPTIONS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn excepted(name: &str) -> bool {
    exceptions().any(|line| line.split_once(": ").is_some_and(|(known, why)| known == name && !why.is_empty()))
}

#[tokio::test(flavor = "multi_thread")]
async fn i2_wrong_callers_reach_nothing() {
    on_each_store(async |world| {
        let ours = Tenant::new(world, "ours").await;
        let theirs = Tenant::new(world, "theirs").await;
        let entries = entries();
        let mut found = Found::default();
        let before = world.rows().await;
        let expired: Vec<(Audience, String)> = [Audience::App, Audience::Dashboard, Audience::Portal]
            .map(|context| (context, whole(world, context, &ours, Duration::from_secs(1))))
            .into();
        world.clock.advance(Duration::from_secs(2));
        for entry in &entries {
            bad_tokens(world, entry, &ours, &expired, &mut found).await;
            lower_role(world, entry, &ours, &mut found).await;
            other_account(world, entry, &ours, &theirs, &mut found).await;
            other_workspace(world, entry, &ours, &mut found).await;
            foreign_ids(world, entry, &ours, &theirs, &mut found).await;
        }
        assert!(found.wrong.is_empty(), "{} of {}:\n{}", found.wrong.len(), found.asked, found.wrong.join("\n"));
        let after = world.rows().await;
        let changed: Vec<&String> = after.symmetric_difference(&before).collect();
        assert!(changed.is_empty(), "wrong callers changed something: {changed:#?}");
        let stale: Vec<&str> = exceptions()
            .filter(|line| !line.starts_with("management "))
            .filter(|line| !found.used.iter().any(|name| line.starts_with(&format!("{name}: "))))
            .collect();
        assert!(stale.is_empty(), "these exceptions are not needed any more; take them out:\n{}", stale.join("\n"));
        assert!(exceptions().count() <= MOST_EXCEPTIONS, "the list of exceptions may only shrink");
        eprintln!("{} wrong calls of {} endpoints", found.asked, entries.len());
    })
    .await;
}

/// A token that may do everything in a context.
fn whole(world: &World, context: Audience, tenant: &Tenant, life: Duration) -> String {
    let account = (context != Audience::Portal).then_some(tenant.id.as_str());
    let permissions = contexts::permissions(context).iter().map(|(name, _)| *name).collect();
    world.token_for(context, &Who { account, permissions, ..Who::default() }, life)
}

const AN_HOUR: Duration = Duration::from_secs(3_600);

async fn bad_tokens(world: &World, entry: &Entry, ours: &Tenant, expired: &[(Audience, String)], found: &mut Found) {
    let (path, body) = (entry.path(&ours.values), entry.body(&ours.values));
    let good = whole(world, entry.facts.context, ours, AN_HOUR);
    let mut tokens: Vec<(&str, Option<String>)> = vec![
        ("no-token", None),
        ("malformed", Some("abc".to_owned())),
        ("malformed", Some("a.b.c".to_owned())),
        // The signature's first letter is another one.
        (
            "malformed",
            good.rsplit_once('.').map(|(head, tail)| {
                let first = if tail.starts_with('A') { 'B' } else { 'A' };
                format!("{head}.{first}{}", tail.chars().skip(1).collect::<String>())
            }),
        ),
        ("wrong-audience", world.identity.issuer().issue_management("test", &management_scopes(), AN_HOUR).ok()),
    ];
    for (context, token) in expired {
        if *context == entry.facts.context {
            tokens.push(("expired", Some(token.clone())));
        } else {
            tokens.push(("wrong-audience", Some(whole(world, *context, ours, AN_HOUR))));
        }
    }
    for (kind, token) in tokens {
        let (status, text) = world.raw(token.as_deref(), entry.facts.method, &path, body.clone()).await;
        found.check(kind, &entry.name(), status == 401, || format!("{status} {text}"));
    }
}

async fn lower_role(world: &World, entry: &Entry, ours: &Tenant, found: &mut Found) {
    let context = entry.facts.context;
    let account = (context != Audience::Portal).then_some(ours.id.as_str());
    let others = contexts::permissions(context).iter().map(|(name, _)| *name);
    let others = others.filter(|name| !entry.facts.any_of.contains(name)).collect();
    for permissions in [Vec::new(), others] {
        let token = world.token(context, &Who { account, permissions, ..Who::default() });
        if entry.facts.any_of.is_empty() {
            // It is for everybody who has a token of the context: the exceptions say why.
            found.check("lower-role", &entry.name(), false, || "needs no permission".to_owned());
            continue;
        }
        let (status, text) =
            world.raw(Some(&token), entry.facts.method, &entry.path(&ours.values), entry.body(&ours.values)).await;
        found.check("lower-role", &entry.name(), status == 403, || format!("{status} {text}"));
    }
}

async fn other_account(world: &World, entry: &Entry, ours: &Tenant, theirs: &Tenant, found: &mut Found) {
    if entry.of(Audience::Portal) {
        return;
    }
    if !entry.names_something() {
        // Nothing names an account: what is theirs can only come out by mistake.
        if entry.facts.method == "GET" {
            let token = whole(world, entry.facts.context, ours, AN_HOUR);
            let (status, text) = world.raw(Some(&token), "GET", &entry.path(&ours.values), None).await;
            // The platform offers its roles to both.
            let mut own = theirs.values.iter().filter(|(name, value)| {
                **name != "platform_role_id" && !ours.values.values().any(|ours| ours == *value)
            });
            let leaks = own.any(|(_, value)| text.contains(value.as_str()));
            found.check("other-account", &entry.name(), status == 200 && !leaks, || format!("{status} {text}"));
        }
        return;
    }
    let token = whole(world, entry.facts.context, ours, AN_HOUR);
    alike(world, "other-account", entry, &token, &theirs.values, &theirs.absent(), &ours.values, found).await;
}

async fn other_workspace(world: &World, entry: &Entry, ours: &Tenant, found: &mut Found) {
    if !entry.of(Audience::Dashboard) || ours.elsewhere.is_empty() {
        return;
    }
    let permissions = contexts::permissions(Audience::Dashboard).iter().map(|(name, _)| *name).collect();
    let who = Who { account: Some(&ours.id), workspace: Some(&ours.elsewhere), permissions, ..Who::default() };
    let token = world.token(Audience::Dashboard, &who);
    if entry.facts.level == Level::Account {
        let (status, text) =
            world.raw(Some(&token), entry.facts.method, &entry.path(&ours.values), entry.body(&ours.values)).await;
        found.check("other-workspace", &entry.name(), status == 403, || format!("{status} {text}"));
    } else if entry.names_something() {
        alike(world, "other-workspace", entry, &token, &ours.values, &ours.absent(), &ours.values, found).await;
    }
}

/// Each parameter of the path in turn: another's thing and one that is not there.
async fn foreign_ids(world: &World, entry: &Entry, ours: &Tenant, theirs: &Tenant, found: &mut Found) {
    let token = whole(world, entry.facts.context, ours, AN_HOUR);
    for name in entry.params() {
        // The platform's own people may see every account; an id of theirs is not foreign to them.
        let foreign = if name == "account_id" { None } else { theirs.values.get(entry.stands_for(name)) };
        let absent = &theirs.absent()[entry.stands_for(name)];
        let with = |value: &String| {
            let mut values = ours.values.clone();
            values.insert(entry.stands_for(name), value.clone());
            values
        };
        let same = |foreign: &&String| ours.values.get(entry.stands_for(name)) == Some(*foreign);
        match foreign.filter(|foreign| !platform_wide(entry, name) && !same(foreign)) {
            Some(foreign) => {
                alike(world, "foreign-id", entry, &token, &with(foreign), &with(absent), &ours.values, found).await;
            }
            None => {
                let values = with(absent);
                let (status, text) =
                    world.raw(Some(&token), entry.facts.method, &entry.path(&values), entry.body(&ours.values)).await;
                found.check("foreign-id", &entry.name(), status == 404, || format!("{status} {text}"));
            }
        }
    }
}

/// Things that belong to no account: in the portal's own families.
fn platform_wide(entry: &Entry, name: &str) -> bool {
    entry.of(Audience::Portal) && (!entry.params().contains(&"account_id") || name == "account_id")
}

/// Another's thing must answer as one that is not there: the same status, the same body.
#[expect(clippy::too_many_arguments, reason = "one question with all that it depends on")]
async fn alike(
    world: &World,
    kind: &str,
    entry: &Entry,
    token: &str,
    foreign: &Values,
    absent: &Values,
    body: &Values,
    found: &mut Found,
) {
    let mut answers = Vec::new();
    for values in [foreign, absent] {
        let (status, text) = world.raw(Some(token), entry.facts.method, &entry.path(values), entry.body(body)).await;
        answers.push((status, without_id(&text)));
    }
    let (one, other) = (&answers[0], &answers[1]);
    // No exception is made for a difference: it would tell what exists.
    if one != other {
        found.wrong.push(format!("{kind} {}: foreign {one:?}, absent {other:?}", entry.name()));
    }
    found.check(kind, &entry.name(), one.0 == 404, || format!("{one:?}"));
}
