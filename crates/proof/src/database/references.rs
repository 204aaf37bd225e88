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
        let Some(Some(of)) = court.owners.get(to) else {
            if shared != Some(TRUE) && !court.acts_on(parent) {
                findings.push(ownerless(relation, key, parent));
            }
            continue;
        };
        if shared == Some(TRUE) {
            continue;
        }
        let own = Expr::Or([Some(of.read.clone()), shared].into_iter().flatten().collect());
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
                    court
                        .logins(role)
                        .into_iter()
                        .map(|login| Asked { court, at, relation, owner, key, to, role, login, command }.refers(&own))
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

fn ownerless(relation: &Relation, key: &DbForeignKey, parent: &Relation) -> Finding {
    let text = format!(
        "`{}` tells whether a row of `{1}` is there, and nothing says whose these are: give `--tenant \
         {1}.COLUMN=SETTING`, or `--shared {1}`",
        key.name,
        parent.title()
    );
    Finding {
        relation: relation.title(),
        promise: Promise::Reference,
        op: None,
        roles: Vec::new(),
        verdict: Verdict::Warns(text),
    }
}

/// One question.
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
    fn refers(&self, own: &Expr) -> Verdict {
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
                by.push(format!(
                    "`{}`, which may refer to a row of `{parent}` of another tenant, and so tells that it is there",
                    self.key.name
                ));
                let fix = format!(
                    "let the key carry the tenant, or let WITH CHECK look the row up in `{parent}`; `--shared {parent}` \
                     if everybody may know its rows"
                );
                court.leak(role, scenery, by, fix)
            }
        }
    }
}
