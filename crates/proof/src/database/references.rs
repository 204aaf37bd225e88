//! Obligation 8: what a written row refers to is the principal's, or everybody's. A foreign key asks no row security:
//! it tells whoever writes that a row is there, and lets who removes that row take the others with it.

use tenantry_policy::Op;
use tenantry_policy::condition::Cmp;
use tenantry_policy::database::{DbCommand, DbForeignKey, DbRole, Relation};

use super::encode::Bound;
use super::evaluate::Evaluator;
use super::expr::{Expr, Query, ROOT, Scan, Select, TRUE};
use super::judge::Court;
use super::report::{Finding, Verdict};
use super::structure::severity;
use super::tenants::Owner;
use super::world::World;
use crate::obligation::Promise;

/// What a table's foreign keys let rows refer to.
pub(crate) fn table(court: &Court<'_>, at: usize, relation: &Relation, owner: &Owner) -> Vec<Finding> {
    let mut findings = Vec::new();
    for key in &relation.foreign_keys {
        let to = court.database.relations.iter().position(|to| to.schema == key.to.0 && to.name == key.to.1);
        // A table of the system, or of an extension.
        let Some((to, parent)) = to.and_then(|to| Some((to, court.database.relations.get(to)?))) else { continue };
        let shared = court.shared.get(to).cloned().flatten();
        let follows = follows(court, key, parent);
        let Some(Some(of)) = court.owners.get(to) else {
            findings.extend(ownerless(court, relation, key, parent, shared == Some(TRUE), follows));
            continue;
        };
        // Whoever may read the row may refer to it; where it takes this one with it, only who may remove it.
        let own = Expr::Or([Some(of.read.clone()), shared.clone()].into_iter().flatten().collect());
        let mut asks: Vec<(&Expr, Option<&str>)> = Vec::new();
        if shared != Some(TRUE) {
            asks.push((&own, None));
        }
        asks.extend(follows.map(|follows| (&of.write, Some(follows))));
        for (op, command, privilege) in
            [(Op::Create, DbCommand::Insert, "INSERT"), (Op::Update, DbCommand::Update, "UPDATE")]
        {
            let mut acting = court.acting(relation, privilege);
            if op == Op::Update {
                acting.retain(|role| {
                    court.roles.updates(relation, role).is_none_or(|all| key.columns.iter().any(|of| all.contains(of)))
                });
            }
            for group in court.alike(at, &acting, op) {
                let verdicts = group.first().into_iter().flat_map(|role| {
                    court.logins(role, &[]).into_iter().flat_map(|login| {
                        let asked = Asked { court, at, relation, owner, key, to, role, login, command };
                        asks.iter().map(move |(own, follows)| asked.refers(own, *follows)).collect::<Vec<_>>()
                    })
                });
                let verdict = verdicts.max_by_key(severity).unwrap_or(Verdict::Proved);
                if verdict == Verdict::Proved {
                    continue;
                }
                let roles = group.iter().map(|role| role.name.clone()).collect();
                let relation = relation.title();
                findings.push(Finding { relation, promise: Promise::Reference, op: Some(op), roles, verdict });
            }
        }
    }
    findings
}

/// What becomes of rows when the one that they refer to goes or changes, where somebody may let it.
fn follows(court: &Court<'_>, key: &DbForeignKey, parent: &Relation) -> Option<&'static str> {
    let may = |privilege: &str| !court.acting(parent, privilege).is_empty();
    if key.follows_delete && may("DELETE") {
        Some("ON DELETE: whoever removes that row removes or changes this one with it, past row security")
    } else if key.follows_update && may("UPDATE") {
        Some("ON UPDATE: whoever changes that row changes this one with it, past row security")
    } else {
        None
    }
}

/// A key to a table of which nothing says whose its rows are.
fn ownerless(
    court: &Court<'_>,
    relation: &Relation,
    key: &DbForeignKey,
    parent: &Relation,
    shared: bool,
    follows: Option<&str>,
) -> Option<Finding> {
    let finding = |verdict: Verdict| Finding {
        relation: relation.title(),
        promise: Promise::Reference,
        op: None,
        roles: Vec::new(),
        verdict,
    };
    if let Some(follows) = follows {
        let text = format!(
            "`{}` refers to `{}`, and nothing says who may remove its rows, {follows}",
            key.name,
            parent.title()
        );
        return Some(finding(Verdict::NotUnderstood(text)));
    }
    if shared || court.acts_on(parent) {
        return None;
    }
    let text = format!(
        "`{}` tells whether a row of `{1}` is there, and nothing says whose these are: give `--tenant \
         {1}.COLUMN=SETTING`, or `--shared {1}`",
        key.name,
        parent.title()
    );
    Some(finding(Verdict::Warns(text)))
}

/// One question.
#[derive(Clone, Copy)]
struct Asked<'c, 'a> {
    court: &'c Court<'a>,
    at: usize,
    relation: &'c Relation,
    owner: &'c Owner,
    key: &'c DbForeignKey,
    to: usize,
    role: &'c DbRole,
    login: &'c str,
    command: DbCommand,
}

impl Asked<'_, '_> {
    /// TRUE of rows that refer to one of which `own` is not TRUE.
    fn foreign(&self, own: &Expr) -> Option<Expr> {
        let parent = self.court.database.relations.get(self.to)?;
        // A binding that no other table's has.
        let binding = 2_000_000 + self.at;
        let mut filter = Vec::new();
        for (column, name) in self.key.columns.iter().zip(&self.key.to_columns) {
            let theirs = parent.column(name)?;
            let (from, to) = (self.relation.columns.get(*column)?.ty?, parent.columns.get(theirs)?.ty?);
            if from != to || !from.in_conditions() {
                return None;
            }
            let left = Expr::Column { binding, column: theirs, ty: to };
            let right = Expr::Column { binding: ROOT, column: *column, ty: from };
            filter.push(Expr::Compare(Cmp::Eq, Box::new(left), Box::new(right)));
        }
        filter.push(Expr::Not(Box::new(Expr::Is(Box::new(own.about(ROOT, binding)), true))));
        let scan = Scan::Table { binding, relation: self.to, actor: Some(String::new()) };
        let select = Select { from: vec![scan], filter: Expr::And(filter), out: Vec::new() };
        Some(Expr::Exists(Box::new(Query { branches: vec![select], one: false })))
    }

    /// May the row that is written be the principal's and refer to one that is not?
    fn refers(&self, own: &Expr, follows: Option<&str>) -> Verdict {
        let Asked { court, at, owner, command, .. } = *self;
        let role = &self.role.name;
        let Some(foreign) = self.foreign(own) else {
            return Verdict::NotUnderstood(format!(
                "what `{}` refers to is of a type that is not looked into",
                self.key.name
            ));
        };
        let updates = command == DbCommand::Update;
        let beside = [&owner.write, &foreign, court.bypass];
        let rows = if updates { 2 } else { 1 };
        let made = World::new(court.database, court.laws, court.roles, role, (at, rows), &beside);
        let mut world = match made {
            Ok(world) => world,
            Err(why) => return Verdict::NotUnderstood(why),
        };
        world.login = self.login.to_owned();
        let new = world.row(at, "new row", false);
        let mut about = vec![new];
        let mut wanted = Vec::new();
        if updates {
            let old = world.row(at, "row", true);
            about.push(old);
            court.keep(&mut world, self.relation, self.role, old, new);
            wanted.push(world.allowed(old, role, command, false).yes);
        }
        let env = [(ROOT, Bound::Row(new))];
        wanted.push(world.allowed(new, role, command, true).yes);
        wanted.push(world.tri(&owner.write, &env, role).yes);
        wanted.push(world.tri(&foreign, &env, role).yes);
        wanted.push(!world.tri(court.bypass, &env, role).yes);
        world.facts(&about);
        let found = court.decide(&mut world, wanted, &about, |court, scenery| {
            let evaluator = Evaluator { database: court.database, laws: court.laws, roles: court.roles, scenery };
            let before = !updates || !evaluator.allowed(1, role, command, false)?.is_empty();
            let by = evaluator.allowed(0, role, command, true)?;
            let crosses = evaluator.holds(&owner.write, 0, role)? && evaluator.holds(&foreign, 0, role)?;
            let by = by.into_iter().map(|policy| court.by(at, policy, self.role));
            Ok((before && crosses).then(|| by.collect::<Vec<_>>()).filter(|by| !by.is_empty()))
        });
        match found {
            Err(verdict) => verdict,
            Ok((scenery, mut by)) => {
                let parent = court.database.relations.get(self.to).map(Relation::title).unwrap_or_default();
                let why = follows.unwrap_or("which tells that it is there");
                by.push(format!("`{}` to a row of `{parent}` of another tenant: {why}", self.key.name));
                let other = match follows {
                    Some(_) => ", or take what the key does ON DELETE and ON UPDATE away".to_owned(),
                    None => format!("; `--shared {parent}` if everybody may know its rows"),
                };
                let fix =
                    format!("let the key carry the tenant, or let WITH CHECK look the row up in `{parent}`{other}");
                court.leak(role, scenery, by, fix)
            }
        }
    }
}
