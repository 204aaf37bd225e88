//! What lets rows past the policies of a table: views and functions that run as their owners, keys that tell of
//! rows, privileges that row security does not hold.

use std::collections::BTreeMap;

use tenantry_policy::database::{DbCommand, DbRole, Relation, RelationKind};
use tenantry_policy::{Op, Type};

use super::encode::Bound;
use super::evaluate::{Evaluator, PlainRow, Scenery};
use super::expr::{Asked, Expr, Query, ROOT, Scan, TRUE};
use super::judge::{Court, merged};
use super::read::Reader;
use super::references;
use super::report::{Finding, Through, Verdict};
use super::tenants::Owner;
use super::world::World;
use crate::obligation::Promise;

/// Something that shows rows of tables with its owner's rights.
pub(crate) struct Window {
    title: String,
    /// A view's relation.
    relation: Option<usize>,
    /// A function's place.
    function: Option<usize>,
    frozen: bool,
    ways: Result<Vec<Way>, String>,
}

/// Rows of one table that it shows.
struct Way {
    relation: usize,
    /// TRUE of the rows that it shows.
    shows: Expr,
    /// With whose rights they are read; `None`: the caller's.
    reader: Option<String>,
    /// Of a view over this table alone: the columns of it that the view has. What is written through it is written
    /// to them.
    columns: Option<Vec<usize>>,
}

/// What runs with its owner's rights when somebody writes: triggers and rules. What these do is not looked into.
fn behind(court: &Court<'_>, relation: &Relation) -> Vec<Finding> {
    let mut roles: Vec<String> = Vec::new();
    for role in ["INSERT", "UPDATE", "DELETE"].iter().flat_map(|privilege| court.acting(relation, privilege)) {
        if !roles.contains(&role.name) {
            roles.push(role.name.clone());
        }
    }
    if roles.is_empty() {
        return Vec::new();
    }
    let mut whys = Vec::new();
    for (schema, name) in &relation.fires {
        let known = court.database.functions.iter().find(|known| known.schema == *schema && known.name == *name);
        let Some(function) = known.filter(|function| function.definer) else { continue };
        if court.given.vouched(schema, name)
            || !mentions(court.database, court.owners, &function.source, function.parsed.as_deref())
        {
            continue;
        }
        whys.push(format!(
            "whoever writes it fires the trigger function {schema}.{name}(), which runs with the rights of `{0}` and names \
             a table of tenants: what it does is not looked into; let it be SECURITY INVOKER, or say `--trust \
             '{schema}.{name}()'` when you have read it",
            function.owner
        ));
    }
    if relation.rules {
        whys.push(format!(
            "rules stand in for what is written to it, with the rights of `{}`: they are not looked into",
            relation.owner
        ));
    }
    let finding = |why: String| Finding {
        relation: relation.title(),
        promise: Promise::Structure,
        op: None,
        roles: roles.clone(),
        verdict: Verdict::NotUnderstood(why),
    };
    whys.into_iter().map(finding).collect()
}

/// Functions in policies whose names a session might give another meaning, where people who are told apart by their
/// roles have sessions of their own.
pub(crate) fn shadowed(court: &Court<'_>, functions: &BTreeMap<String, bool>) -> Vec<Finding> {
    let mut own_sessions = false;
    court.laws.each(&mut |one| own_sessions |= matches!(one, Expr::User(_) | Expr::Login | Expr::HasRole { .. }));
    let verdict = |own: &str| {
        let why = format!(
            "a session may put {own} of its own before those that its body names: let it say SET search_path = public, \
             pg_temp (with the schemas that it needs, and pg_temp as the last), or write the schemas in its body"
        );
        if own_sessions {
            Verdict::NotUnderstood(["policies ask it, and these ask for the role, and ", &why].concat())
        } else {
            Verdict::Warns(why)
        }
    };
    // Where nobody makes temporary tables, a path that is pinned is enough.
    let open = functions.iter().filter(|(_, pinned)| !**pinned || court.database.temporary);
    let finding = |(name, pinned): (&String, &bool)| Finding {
        relation: ["function ", name].concat(),
        promise: Promise::Structure,
        op: None,
        roles: Vec::new(),
        verdict: verdict(if *pinned { "temporary tables" } else { "tables or functions" }),
    };
    open.map(finding).collect()
}

/// Every view and function that runs with its owner's rights, read.
pub(crate) fn windows(reader: &mut Reader<'_>, owners: &[Option<Owner>]) -> Vec<Window> {
    let database = reader.database;
    let mut all = Vec::new();
    for (at, relation) in database.relations.iter().enumerate() {
        if !matches!(relation.kind, RelationKind::View | RelationKind::Materialized) || relation.invoker {
            continue;
        }
        let read = match &relation.definition {
            Some(definition) => reader.window(definition, &relation.owner),
            None => Err("its definition cannot be read".to_owned()),
        };
        let ways = read.map(|query| ways(&[query], owners));
        let frozen = relation.kind == RelationKind::Materialized;
        all.push(Window { title: relation.title(), relation: Some(at), function: None, frozen, ways });
    }
    for (at, function) in database.functions.iter().enumerate() {
        if !function.definer || matches!(function.returns.as_str(), "trigger" | "event_trigger") {
            continue;
        }
        let ways = reader.definer(function).map(|queries| ways(&queries, owners));
        if ways.is_err() && !mentions(database, owners, &function.source, function.parsed.as_deref()) {
            continue;
        }
        let title = format!("function {}.{}()", function.schema, function.name);
        all.push(Window { title, relation: None, function: Some(at), frozen: false, ways });
    }
    all
}

/// Does a body that is not understood name a table with tenants, or make its statements as it runs? Through views and
/// functions that it names, too.
fn mentions(
    database: &tenantry_policy::database::Database,
    owners: &[Option<Owner>],
    source: &str,
    parsed: Option<&str>,
) -> bool {
    let words = |text: &str| -> Vec<String> {
        let text = text.to_lowercase();
        text.split(|c: char| !(c.is_alphanumeric() || c == '_')).map(str::to_owned).collect()
    };
    let own = database.relations.iter().zip(owners).filter(|(_, owner)| owner.is_some());
    let mut names: Vec<String> = own.map(|(relation, _)| relation.name.to_lowercase()).collect();
    names.push("execute".to_owned());
    let views = database.relations.iter().filter_map(|view| Some((&view.name, words(view.definition.as_ref()?))));
    let functions = database
        .functions
        .iter()
        .map(|function| (&function.name, words(function.parsed.as_deref().unwrap_or(&function.source))));
    let bodies: Vec<(&String, Vec<String>)> = views.chain(functions).collect();
    let mut known = 0;
    while known < names.len() {
        known = names.len();
        for (name, body) in &bodies {
            let name = name.to_lowercase();
            if !names.contains(&name) && body.iter().any(|word| names.contains(word)) {
                names.push(name);
            }
        }
    }
    words(parsed.unwrap_or(source)).iter().any(|word| names.contains(word))
}

fn ways(queries: &[Query], owners: &[Option<Owner>]) -> Vec<Way> {
    let mut all = Vec::new();
    for branch in queries.iter().flat_map(|query| &query.branches) {
        for (place, scan) in branch.from.iter().enumerate() {
            let Scan::Table { binding, relation, actor } = scan else { continue };
            if !owners.get(*relation).is_some_and(Option::is_some) {
                continue;
            }
            let alone =
                branch.from.len() == 1 && queries.len() == 1 && queries.iter().all(|one| one.branches.len() == 1);
            let columns = branch.out.iter().filter_map(|out| match out {
                Expr::Column { binding: of, column, .. } if of == binding => Some(*column),
                _ => None,
            });
            let columns = alone.then(|| columns.collect());
            let mut rest = branch.clone();
            rest.from.remove(place);
            rest.out = Vec::new();
            let shows = Expr::Exists(Box::new(Query { branches: vec![rest], one: false })).about(*binding, ROOT);
            all.push(Way { relation: *relation, shows, reader: actor.clone(), columns });
        }
    }
    all
}

/// What views and functions show.
pub(crate) fn through(court: &Court<'_>, windows: &[Window]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = windows.iter().flat_map(|window| written_through(court, window)).collect();
    for window in windows {
        let roles: Vec<&DbRole> = match (window.relation, window.function) {
            (Some(at), _) => {
                court.database.relations.get(at).map(|view| court.acting(view, "SELECT")).unwrap_or_default()
            }
            (_, Some(at)) => {
                court.database.functions.get(at).map(|function| callers(court, function)).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        let named = |name: &String| {
            window
                .relation
                .and_then(|at| court.database.relations.get(at))
                .is_some_and(|view| view.name == *name || view.title() == *name)
        };
        if !court.given.table.as_ref().is_none_or(named) {
            continue;
        }
        let mut found = Vec::new();
        for group in told_apart(court, window, &roles) {
            let Some(role) = group.first() else { continue };
            let verdict = match &window.ways {
                Err(why) => {
                    Verdict::NotUnderstood(format!("it runs with its owner's rights, and is not understood: {why}"))
                }
                Ok(ways) if ways.is_empty() => continue,
                Ok(ways) => {
                    let verdicts = ways.iter().flat_map(|way| {
                        let logins = court.logins(role, &[&way.shows]);
                        logins.into_iter().map(move |login| shown(court, window, way, role, login))
                    });
                    verdicts.max_by_key(severity).unwrap_or(Verdict::Proved)
                }
            };
            let roles = group.iter().map(|role| role.name.clone()).collect();
            let (promise, op) = (Promise::Read, Some(Op::Read));
            found.push(Finding { relation: window.title.clone(), promise, op, roles, verdict });
        }
        findings.extend(merged(found));
    }
    findings
}

/// Roles that nothing of what a window shows tells apart, together.
fn told_apart<'r>(court: &Court<'_>, window: &Window, roles: &[&'r DbRole]) -> Vec<Vec<&'r DbRole>> {
    let ways = window.ways.as_deref().unwrap_or_default();
    let shows: Vec<&Expr> = ways.iter().map(|way| &way.shows).collect();
    let personal = court.asks(&shows, |one| matches!(one, Expr::User(_) | Expr::Login | Expr::HasRole { .. }));
    let mut groups: Vec<(Vec<String>, Vec<&DbRole>)> = Vec::new();
    for role in roles {
        let mut sign: Vec<String> = ways.iter().flat_map(|way| court.sign(way.relation, role, Op::Read)).collect();
        sign.extend(personal.then(|| role.name.clone()));
        match groups.iter_mut().find(|(known, _)| *known == sign) {
            Some((_, group)) => group.push(role),
            None => groups.push((sign, vec![role])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

pub(crate) fn severity(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Proved => 0,
        Verdict::Warns(_) => 1,
        Verdict::NotUnderstood(_) => 2,
        Verdict::Leaks(_) => 3,
    }
}

/// What may be written through a view with its owner's rights.
fn written_through(court: &Court<'_>, window: &Window) -> Vec<Finding> {
    let Some(view) = window.relation.and_then(|at| court.database.relations.get(at)).filter(|view| view.writable)
    else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    for (op, command, privilege) in [
        (Op::Create, DbCommand::Insert, "INSERT"),
        (Op::Update, DbCommand::Update, "UPDATE"),
        (Op::Delete, DbCommand::Delete, "DELETE"),
    ] {
        let roles = court.acting(view, privilege);
        let roles: Vec<&DbRole> = roles.into_iter().filter(|role| !role.acts_as.contains(&view.owner)).collect();
        let promises: &[Promise] = match op {
            Op::Create => &[Promise::Create],
            Op::Update => &[Promise::UpdateOld, Promise::UpdateNew],
            _ => &[Promise::Delete],
        };
        let mut found = Vec::new();
        for group in told_apart(court, window, &roles) {
            let Some(role) = group.first() else { continue };
            let (promise, verdict) = match &window.ways {
                Err(why) => (
                    Promise::Delete,
                    Verdict::NotUnderstood(format!(
                        "it is written through with its owner's rights, and not understood: {why}"
                    )),
                ),
                Ok(ways) => {
                    let asked = ways.iter().flat_map(|way| {
                        let logins = court.logins(role, &[&way.shows]);
                        logins.into_iter().flat_map(move |login| {
                            let ask = move |promise| written(court, window, way, (role, login), promise, command);
                            promises.iter().map(move |promise| (*promise, ask(*promise)))
                        })
                    });
                    let Some(worst) = asked.max_by_key(|(_, verdict)| severity(verdict)) else { continue };
                    worst
                }
            };
            if verdict != Verdict::Proved {
                let roles = group.iter().map(|role| role.name.clone()).collect();
                found.push(Finding { relation: window.title.clone(), promise, op: Some(op), roles, verdict });
            }
        }
        findings.extend(merged(found));
    }
    findings
}

/// Why what an owner reads on behalf of somebody is not what its policies say of the owner: they ask who the user is,
/// or call functions, which run with the user's rights. A view leaves the user as it was.
fn two_minds(court: &Court<'_>, window: &Window, way: &Way, reader: &str) -> Option<Verdict> {
    let exempt = |relation: usize, role: &str| court.roles.exempt(court.database, relation, role).is_some();
    let mut held = !exempt(way.relation, reader);
    // What it looks up elsewhere is read in the same way.
    way.shows.visit(&mut |_| {}, &mut |scan| {
        if let Scan::Table { relation, actor: Some(actor), .. } = scan {
            held |= !exempt(*relation, actor);
        }
    });
    if window.function.is_some() || !held {
        return None;
    }
    let mut asks = court.laws.calls;
    court.laws.each(&mut |one| asks |= matches!(one, Expr::User(None) | Expr::HasRole { user: Asked::Actor, .. }));
    asks.then(|| {
        Verdict::NotUnderstood(format!(
            "it is read under the policies that hold `{reader}`, and these ask for the current user, or call functions that run as the current user, who is another one"
        ))
    })
}

/// May a row of another tenant be written through it?
fn written(
    court: &Court<'_>,
    window: &Window,
    way: &Way,
    (role, login): (&DbRole, &str),
    promise: Promise,
    command: DbCommand,
) -> Verdict {
    let Some(Some(owner)) = court.owners.get(way.relation) else { return Verdict::Proved };
    let is_new = matches!(promise, Promise::Create | Promise::UpdateNew);
    let sets_tenant = owner.column.is_none_or(|tenant| way.columns.as_ref().is_some_and(|all| all.contains(&tenant)));
    if way.columns.is_none() || (is_new && !sets_tenant) {
        return Verdict::NotUnderstood(format!(
            "it is written through with the rights of `{}`, and what that lets past is not looked into",
            way.reader.as_deref().unwrap_or("its owner")
        ));
    }
    let beside = [&way.shows, &owner.read, &owner.write, court.bypass];
    let made = World::new(court.database, court.laws, court.roles, &role.name, (way.relation, 1), &beside);
    let mut world = match made {
        Ok(world) => world,
        Err(why) => return Verdict::NotUnderstood(why),
    };
    world.login = login.to_owned();
    let row = world.row(way.relation, if is_new { "new row" } else { "row" }, !is_new);
    let env = [(ROOT, Bound::Row(row))];
    let reader = way.reader.clone().unwrap_or_else(|| role.name.clone());
    if let Some(verdict) = two_minds(court, window, way, &reader) {
        return verdict;
    }
    let checked = window.relation.and_then(|at| court.database.relations.get(at)).is_some_and(|view| view.checked);
    let own = world.tri(&owner.write, &env, &role.name).yes;
    let bypass = world.tri(court.bypass, &env, &role.name).yes;
    let mut wanted = vec![world.allowed(row, &reader, command, is_new).yes, !own, !bypass];
    // WITH CHECK OPTION: what is written is shown afterwards.
    if !is_new || checked {
        wanted.push(world.tri(&way.shows, &env, &role.name).yes);
    }
    world.facts(&[row]);
    let found = court.decide(&mut world, wanted, &[row], |court, scenery| {
        let evaluator = Evaluator { database: court.database, laws: court.laws, roles: court.roles, scenery };
        let may = !evaluator.allowed(0, &reader, command, is_new)?.is_empty();
        let foreign = !evaluator.holds(&owner.write, 0, &role.name).unwrap_or(false);
        let shown = (is_new && !checked) || evaluator.holds(&way.shows, 0, &role.name)?;
        let table = court.database.relations.get(way.relation).map(Relation::title).unwrap_or_default();
        let by = format!("{} writes `{table}` with the rights of `{reader}`", window.title);
        Ok((may && foreign && shown).then(|| vec![by]))
    });
    match found {
        Err(verdict) => verdict,
        Ok((scenery, by)) => {
            let fix = format!(
                "take the right to write from {0}, or ALTER VIEW {0} SET (security_invoker = true)",
                window.title
            );
            let mut verdict = court.leak(&role.name, scenery, by, fix);
            if let (Verdict::Leaks(leak), Some(view)) =
                (&mut verdict, window.relation.and_then(|at| court.database.relations.get(at)))
            {
                leak.through = Through::View(view.schema.clone(), view.name.clone());
            }
            verdict
        }
    }
}

fn callers<'c>(court: &'c Court<'_>, function: &tenantry_policy::database::Function) -> Vec<&'c DbRole> {
    let may = |role: &&DbRole| {
        function.run_by.iter().any(|by| by == "PUBLIC" || role.acts_as.contains(by))
            && court.roles.uses(court.database, &function.schema, role)
            && !role.acts_as.contains(&function.owner)
            && !court.given.trusted.contains(&role.name)
            && !court.given.vouched(&function.schema, &function.name)
    };
    court.roles.held().filter(may).collect()
}

/// Does it show a row of another tenant?
fn shown(court: &Court<'_>, window: &Window, way: &Way, role: &DbRole, login: &str) -> Verdict {
    let Some(Some(owner)) = court.owners.get(way.relation) else { return Verdict::Proved };
    let shared = court.shared.get(way.relation).cloned().flatten().unwrap_or(Expr::Or(Vec::new()));
    // What a materialized view holds was chosen when it was made, whoever reads it now.
    let shows = if window.frozen { &TRUE } else { &way.shows };
    let beside = [shows, &owner.read, &shared, court.bypass];
    let made = World::new(court.database, court.laws, court.roles, &role.name, (way.relation, 1), &beside);
    let mut world = match made {
        Ok(world) => world,
        Err(why) => return Verdict::NotUnderstood(why),
    };
    world.login = login.to_owned();
    let row = world.row(way.relation, "row", true);
    let env = [(ROOT, Bound::Row(row))];
    let reader = way.reader.clone().unwrap_or_else(|| role.name.clone());
    if let Some(verdict) = two_minds(court, window, way, &reader) {
        return verdict;
    }
    let own = world.tri(&owner.read, &env, &role.name).yes;
    let shared_too = world.tri(&shared, &env, &role.name).yes;
    let bypass = world.tri(court.bypass, &env, &role.name).yes;
    let mut wanted = vec![world.tri(shows, &env, &role.name).yes, !own, !shared_too, !bypass];
    // What it holds was read by another session, with settings of its own.
    if !window.frozen {
        wanted.push(world.readable(row, &reader).0);
    }
    world.facts(&[row]);
    let found = court.decide(&mut world, wanted, &[row], |court, scenery| {
        let evaluator = Evaluator { database: court.database, laws: court.laws, roles: court.roles, scenery };
        let seen = window.frozen || !evaluator.allowed(0, &reader, DbCommand::Select, false)?.is_empty();
        let foreign = !evaluator.holds(&owner.read, 0, &role.name).unwrap_or(false);
        let shown = evaluator.holds(shows, 0, &role.name)?;
        let table = court.database.relations.get(way.relation).map(Relation::title).unwrap_or_default();
        let by = format!("{} reads `{table}` with the rights of `{reader}`", window.title);
        Ok((seen && foreign && shown).then(|| vec![by]))
    });
    match found {
        Err(verdict) => verdict,
        Ok((scenery, by)) => {
            let fix = match (window.frozen, window.function) {
                (true, _) => {
                    "take SELECT on it from roles of tenants: no row security holds a materialized view".to_owned()
                }
                (_, Some(_)) => format!("let {} name the tenant, or make it SECURITY INVOKER", window.title),
                _ => format!("ALTER VIEW {} SET (security_invoker = true)", window.title),
            };
            let mut verdict = court.leak(&role.name, scenery, by, fix);
            if let Verdict::Leaks(leak) = &mut verdict {
                let view = window.relation.and_then(|at| court.database.relations.get(at));
                leak.through = match view {
                    Some(_) if window.frozen => Through::Frozen,
                    Some(view) => Through::View(view.schema.clone(), view.name.clone()),
                    None => Through::Function,
                };
            }
            verdict
        }
    }
}

/// What a table's own structure tells or lets through.
pub(crate) fn table(court: &Court<'_>, at: usize, relation: &Relation) -> Vec<Finding> {
    let mut all = behind(court, relation);
    all.extend(told(court, at, relation));
    if let Some(Some(owner)) = court.owners.get(at).filter(|_| relation.is_table()) {
        all.extend(references::table(court, at, relation, owner));
    }
    all
}

/// Privileges that no policy holds.
fn past_policies(court: &Court<'_>, at: usize, relation: &Relation) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (privilege, leaks, what) in [
        ("TRUNCATE", true, "it empties the table of every tenant"),
        ("TRIGGER", true, "a trigger of its own sees, changes and keeps away what every tenant writes"),
        (
            "REFERENCES",
            false,
            "a table of its own that refers to this one tells which keys are there, and may keep their rows",
        ),
    ] {
        let mut all = court.acting(relation, privilege);
        all.retain(|role| !role.superuser && !role.acts_as.contains(&relation.owner));
        let Some(role) = all.first().filter(|_| relation.secured) else { continue };
        let text = format!("{privilege} is granted, and row security does not hold it: {what}");
        let verdict = if leaks {
            let row = PlainRow { relation: at, role: "row", cells: BTreeMap::new(), stored: true };
            let scenery = Scenery { login: role.name.clone(), rows: vec![row], ..Scenery::default() };
            let names: Vec<&str> = all.iter().map(|role| role.name.as_str()).collect();
            let fix = format!("REVOKE {privilege} ON {} FROM {}", relation.title(), names.join(", "));
            let mut verdict = court.leak(&role.name, scenery, vec![text], fix);
            if let Verdict::Leaks(leak) = &mut verdict {
                leak.through = Through::Privilege;
            }
            verdict
        } else {
            Verdict::Warns(text)
        };
        let roles = all.iter().map(|role| role.name.clone()).collect();
        findings.push(Finding { relation: relation.title(), promise: Promise::Structure, op: None, roles, verdict });
    }
    findings
}

fn told(court: &Court<'_>, at: usize, relation: &Relation) -> Vec<Finding> {
    let Some(Some(owner)) = court.owners.get(at).filter(|_| relation.is_table()) else { return Vec::new() };
    let mut findings = Vec::new();
    let mut add = |promise: Promise, roles: &[&DbRole], verdict: Verdict| {
        let roles = roles.iter().map(|role| role.name.clone()).collect();
        findings.push(Finding { relation: relation.title(), promise, op: None, roles, verdict });
    };
    let writers = court.acting(relation, "INSERT");
    if !writers.is_empty() {
        for key in &relation.keys {
            let chosen = |column: &usize| {
                relation.columns.get(*column).is_some_and(|column| !column.has_default && !column.generated)
            };
            let holds_tenant = owner.column.is_some_and(|column| key.contains(&column));
            if !holds_tenant && owner.column.is_some() && key.iter().all(chosen) {
                let names: Vec<&str> = key
                    .iter()
                    .filter_map(|column| relation.columns.get(*column))
                    .map(|column| column.name.as_str())
                    .collect();
                let text = format!(
                    "the unique key ({}) holds no tenant, so a refused insert tells that some tenant has the value",
                    names.join(", ")
                );
                add(Promise::Structure, &writers, Verdict::Warns(text));
            }
        }
    }
    if relation.secured && relation.forced {
        let owners: Vec<&DbRole> = ["SELECT", "INSERT", "UPDATE", "DELETE"]
            .iter()
            .flat_map(|privilege| court.acting(relation, privilege))
            .filter(|role| !role.superuser && role.member_of.contains(&relation.owner))
            .collect();
        let mut names: Vec<&str> = owners.iter().map(|role| role.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        if !names.is_empty() {
            let text = format!(
                "{} may act as its owner, whom FORCE holds until one takes it away (ALTER TABLE … NO FORCE ROW LEVEL \
                 SECURITY): let another role own it that nobody may become",
                names.join(", ")
            );
            add(Promise::Structure, &[], Verdict::Warns(text));
        }
    }
    if relation.secured {
        for text in habits(court, at) {
            add(Promise::Structure, &[], Verdict::Warns(text));
        }
    }
    findings.extend(past_policies(court, at, relation));
    findings
}

/// What policies do that works, but not as people expect.
fn habits(court: &Court<'_>, at: usize) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut add = |text: String| {
        if !all.contains(&text) {
            all.push(text);
        }
    };
    for law in court.laws.of(at) {
        for expr in [&law.using, &law.check].into_iter().flatten() {
            expr.visit(
                &mut |one| match one {
                    Expr::Demand(inner) => {
                        if let Expr::Setting(name) = inner.as_ref() {
                            add(format!("a session that has not set `{name}` gets an error rather than no rows"));
                        }
                    }
                    Expr::Cast(inner, ty) if *ty != Type::Text => {
                        let setting = match inner.as_ref() {
                            Expr::Demand(inner) => inner.as_ref(),
                            other => other,
                        };
                        if let Expr::Setting(name) = setting {
                            add(format!(
                                "`{name}` is the empty text after the transaction that set it, and its cast then fails: \
                                 nullif(…, '')"
                            ));
                        }
                    }
                    Expr::Claim { path, .. } if path.iter().any(|member| member == "user_metadata") => {
                        add("it trusts `user_metadata`, which users write themselves".to_owned());
                    }
                    _ => {}
                },
                &mut |_| {},
            );
        }
    }
    all
}
