//! Every table, every operation, every role: may it reach another tenant's rows?

use tenantry_policy::database::{Database, DbCommand, DbRole, Relation, RelationKind};
use tenantry_policy::{Op, Value};

use super::access::{ANYBODY, Exempt, Laws, Roles};
use super::encode::Bound;
use super::evaluate::{Evaluator, Scenery, Stop};
use super::expr::{Asked, Expr, ROOT, TRUE};
use super::fix;
use super::powers;
use super::read::Reader;
use super::report::{Finding, Judged, Leak, LeakRow, Replay, Said, Through, Verdict};
use super::scene::{bring_down, scenery};
use super::structure;
use super::tenants::{Owner, owners};
use super::world::World;
use crate::obligation::Promise;
use crate::solver::Found;

/// Everything that questions are asked of.
pub(crate) struct Court<'a> {
    pub(crate) database: &'a Database,
    pub(crate) laws: &'a Laws,
    pub(crate) roles: &'a Roles,
    pub(crate) owners: &'a [Option<Owner>],
    pub(crate) whys: &'a [String],
    /// Rows of a table that everybody may read.
    pub(crate) shared: &'a [Option<Expr>],
    /// TRUE of sessions that may do anything.
    pub(crate) bypass: &'a Expr,
    pub(crate) given: &'a Said,
}

/// Judges the row security of a database that nobody needs to have written with Tenantry.
///
/// # Errors
/// What was given is not understood.
pub fn judge(database: &Database, given: &Said) -> Result<Judged, String> {
    let mut reader = Reader::new(database);
    let laws = Laws::read(&mut reader);
    let owners = owners(&mut reader, &laws, &given.tenants)?;
    let mut shared: Vec<Option<Expr>> = vec![None; database.relations.len()];
    for text in &given.shared {
        let (name, condition) = text.split_once('=').unwrap_or((text, "true"));
        let at = database.relations.iter().position(|relation| is_called(relation, name.trim()));
        let at = at.ok_or_else(|| ["there is no table `", name.trim(), "`"].concat())?;
        let condition = reader.said(at, condition);
        understood(&reader, &condition)?;
        if let Some(place) = shared.get_mut(at) {
            *place = Some(condition);
        }
    }
    let mut bypass = Vec::new();
    for text in &given.bypasses {
        let condition = reader.principal(text)?;
        understood(&reader, &condition)?;
        bypass.push(condition);
    }
    for name in &given.trusted {
        if let Some(function) = name.strip_suffix("()") {
            let (schema, plain) = function.rsplit_once('.').unwrap_or(("public", function));
            if !database.functions.iter().any(|known| known.schema == schema && known.name == plain) {
                return Err(["there is no function `", name, "`"].concat());
            }
            continue;
        }
        if !database.roles.iter().any(|role| &role.name == name) {
            return Err(["there is no role `", name, "`"].concat());
        }
    }
    if let Some(name) = &given.table
        && !database.relations.iter().any(|relation| is_called(relation, name))
    {
        return Err(["there is no table or view `", name, "`"].concat());
    }
    let roles = Roles::new(database, &given.trusted);
    let mut findings = Vec::new();
    let windows = structure::windows(&mut reader, &owners);
    let bypass = Expr::Or(bypass);
    let whys = reader.whys.clone();
    let court = Court {
        database,
        laws: &laws,
        roles: &roles,
        owners: &owners,
        whys: &whys,
        shared: &shared,
        bypass: &bypass,
        given,
    };
    for (at, relation) in database.relations.iter().enumerate() {
        if given.table.as_ref().is_none_or(|name| is_called(relation, name)) {
            findings.extend(court.table(at, relation));
            findings.extend(structure::table(&court, at, relation));
        }
    }
    findings.extend(structure::through(&court, &windows));
    findings.extend(powers::beyond(&court));
    let shadowed = structure::shadowed(&court, &reader.shadowed);
    let mut assumptions = court.assumptions();
    let assumed = shadowed.iter().filter(|one| matches!(one.verdict, Verdict::Warns(_)));
    let assumed: Vec<&str> = assumed.filter_map(|one| one.relation.strip_prefix("function ")).collect();
    if !assumed.is_empty() {
        assumptions.push(format!(
            "sessions have no tables or functions of their own before those that {} name without a schema: it need not \
             be assumed of functions with SET search_path = public, pg_temp",
            assumed.join(", ")
        ));
    }
    findings.extend(shadowed);
    Ok(Judged { findings, assumptions })
}

fn is_called(relation: &Relation, name: &str) -> bool {
    name == relation.name || name == [&relation.schema, ".", &relation.name].concat()
}

fn understood(reader: &Reader<'_>, condition: &Expr) -> Result<(), String> {
    let mut found = None;
    condition.visit(
        &mut |expr| {
            if let Expr::Opaque { why, .. } = expr {
                found = Some(*why);
            }
        },
        &mut |_| {},
    );
    match found.and_then(|why| reader.whys.get(why)) {
        Some(why) => Err(why.clone()),
        None => Ok(()),
    }
}

/// Operations, with the command and the privilege that each takes.
const OPS: [(Op, DbCommand, &str); 4] = [
    (Op::Read, DbCommand::Select, "SELECT"),
    (Op::Create, DbCommand::Insert, "INSERT"),
    (Op::Update, DbCommand::Update, "UPDATE"),
    (Op::Delete, DbCommand::Delete, "DELETE"),
];

impl Court<'_> {
    fn table(&self, at: usize, relation: &Relation) -> Vec<Finding> {
        if !relation.is_table() {
            return self.unsupported(at, relation).into_iter().collect();
        }
        let Some(Some(owner)) = self.owners.get(at) else {
            return self.ownerless(at, relation).into_iter().collect();
        };
        let mut findings = Vec::new();
        // Where nobody may do anything yet, the policies are judged for those that they name.
        let nobody = OPS.iter().all(|(_, _, privilege)| self.acting(relation, privilege).is_empty());
        for (op, command, privilege) in OPS {
            let mut acting = self.acting(relation, privilege);
            if nobody {
                acting = self.named(relation);
            }
            for group in self.alike(at, &acting, op) {
                let Some(role) = group.first() else { continue };
                let names: Vec<String> = group.iter().map(|role| role.name.clone()).collect();
                let promises: &[Promise] = match op {
                    Op::Read => &[Promise::Read],
                    Op::Create => &[Promise::Create],
                    Op::Update => &[Promise::UpdateOld, Promise::UpdateNew],
                    Op::Delete => &[Promise::Delete],
                };
                for promise in promises {
                    let mut verdict = self.ask(at, relation, owner, *promise, command, role);
                    if let Verdict::Leaks(leak) = &mut verdict {
                        leak.unheld = nobody;
                    }
                    let relation = relation.title();
                    findings.push(Finding { relation, promise: *promise, op: Some(op), roles: names.clone(), verdict });
                }
            }
        }
        merged(findings)
    }

    /// What no row security can hold, and nothing here looks into: a foreign table.
    fn unsupported(&self, at: usize, relation: &Relation) -> Option<Finding> {
        if self.shared.get(at).is_some_and(|shared| *shared == Some(TRUE)) {
            return None;
        }
        if relation.kind != RelationKind::Foreign {
            return None;
        }
        let mut roles: Vec<String> = Vec::new();
        for role in OPS.iter().flat_map(|(_, _, privilege)| self.acting(relation, privilege)) {
            if role.name != relation.owner && !roles.contains(&role.name) {
                roles.push(role.name.clone());
            }
        }
        let verdict = Verdict::NotUnderstood(format!(
            "it is a foreign table, which no row security holds: take its rights from roles of tenants, or say \
             `--shared {}` if everybody may read it",
            relation.title()
        ));
        let (promise, op) = (Promise::Read, Some(Op::Read));
        (!roles.is_empty()).then(|| Finding { relation: relation.title(), promise, op, roles, verdict })
    }

    /// A table of which nothing says whose its rows are.
    fn ownerless(&self, at: usize, relation: &Relation) -> Option<Finding> {
        if self.shared.get(at).is_some_and(|shared| *shared == Some(TRUE)) {
            return None;
        }
        let readers = self.acting(relation, "SELECT");
        if readers.is_empty() && OPS.iter().all(|(_, _, privilege)| self.acting(relation, privilege).is_empty()) {
            return None;
        }
        Some(Finding {
            relation: relation.title(),
            promise: Promise::Read,
            op: Some(Op::Read),
            roles: readers.iter().map(|role| role.name.clone()).collect(),
            verdict: Verdict::NotUnderstood(format!(
                "nothing says whose its rows are: give `--tenant {}.COLUMN=SETTING`, or `--shared {}` if everybody may \
                 read them",
                relation.title(),
                relation.title()
            )),
        })
    }

    /// The roles that have a privilege on a relation and that somebody may be.
    pub(crate) fn acting(&self, relation: &Relation, privilege: &str) -> Vec<&DbRole> {
        self.roles
            .held()
            .filter(|role| !self.given.trusted.contains(&role.name))
            .filter(|role| self.roles.may(self.database, relation, role, privilege))
            // An owner that nobody can be is nobody.
            .filter(|role| role.name != relation.owner || role.login || self.roles.reachable(&role.name))
            .collect()
    }

    /// The roles that policies of a table name, and one that none names.
    fn named(&self, relation: &Relation) -> Vec<&DbRole> {
        let all: Vec<&String> = relation.policies.iter().flat_map(|policy| &policy.roles).collect();
        let is = |role: &&DbRole| role.name == ANYBODY || all.contains(&&role.name);
        self.roles.held().filter(is).filter(|role| !self.given.trusted.contains(&role.name)).collect()
    }

    /// Roles that nothing of a question tells apart, together.
    pub(crate) fn alike<'r>(&self, at: usize, roles: &[&'r DbRole], op: Op) -> Vec<Vec<&'r DbRole>> {
        let mut groups: Vec<(Vec<String>, Vec<&DbRole>)> = Vec::new();
        for role in roles {
            let sign = self.sign(at, role, op);
            match groups.iter_mut().find(|(known, _)| *known == sign) {
                Some((_, group)) => group.push(role),
                None => groups.push((sign, vec![role])),
            }
        }
        groups.into_iter().map(|(_, group)| group).collect()
    }

    /// What tells a role from another one, for a table.
    pub(crate) fn sign(&self, at: usize, role: &DbRole, op: Op) -> Vec<String> {
        let mut sign = Vec::new();
        let mut personal = false;
        let mut met = vec![at];
        let mut next = 0;
        while let Some(relation) = met.get(next).copied() {
            next += 1;
            sign.push(format!("{relation} {:?}", self.roles.exempt(self.database, relation, &role.name)));
            for law in self.laws.of(relation) {
                let policy = self.database.relations.get(relation).and_then(|of| of.policies.get(law.policy));
                let Some(policy) = policy else { continue };
                let acts = policy.roles.iter().any(|of| of == "PUBLIC" || role.acts_as.contains(of));
                if !acts {
                    continue;
                }
                sign.push(format!("{relation} {}", law.policy));
                for expr in [&law.using, &law.check].into_iter().flatten() {
                    expr.visit(
                        &mut |one| personal |= matches!(one, Expr::User(_) | Expr::Login | Expr::HasRole { .. }),
                        &mut |scan| {
                            if let super::expr::Scan::Table { relation, .. } = scan
                                && !met.contains(relation)
                            {
                                met.push(*relation);
                            }
                        },
                    );
                }
            }
        }
        if op == Op::Update {
            let columns = self.database.relations.get(at).and_then(|of| self.roles.updates(of, role));
            sign.push(format!("{columns:?}"));
        }
        if personal {
            sign.push(role.name.clone());
        }
        sign
    }

    /// One question, for whoever may have logged in to act as the role, where a policy asks who that was.
    fn ask(
        &self,
        at: usize,
        relation: &Relation,
        owner: &Owner,
        promise: Promise,
        command: DbCommand,
        role: &DbRole,
    ) -> Verdict {
        let verdicts = self
            .logins(role, &[])
            .into_iter()
            .map(|login| self.ask_as(login, at, relation, owner, promise, command, role));
        verdicts.max_by_key(structure::severity).unwrap_or(Verdict::Proved)
    }

    /// Who may have logged in to act as a role, where anything asks who that was. `beside`: what else is asked.
    pub(crate) fn logins<'r>(&'r self, role: &'r DbRole, beside: &[&Expr]) -> Vec<&'r str> {
        let asked = self.asks(beside, |one| matches!(one, Expr::Login | Expr::HasRole { user: Asked::Login, .. }));
        let mut all: Vec<&str> = self.roles.becoming(&role.name).filter(|login| asked && *login != role.name).collect();
        // A group logs in as nobody.
        if role.login || all.is_empty() {
            all.insert(0, role.name.as_str());
        }
        all
    }

    /// Does a policy, or what was said beforehand, or anything of these hold such a part?
    pub(crate) fn asks(&self, beside: &[&Expr], is: impl Fn(&Expr) -> bool) -> bool {
        let mut found = false;
        let mut see = |one: &Expr| found |= is(one);
        self.laws.each(&mut see);
        let owners = self.owners.iter().flatten().flat_map(|owner| [&owner.read, &owner.write]);
        let said = owners.chain(self.shared.iter().flatten()).chain([self.bypass]);
        for expr in said.chain(beside.iter().copied()) {
            expr.visit(&mut see, &mut |_| {});
        }
        found
    }

    #[allow(clippy::too_many_arguments, reason = "everything that a question is about")]
    fn ask_as(
        &self,
        login: &str,
        at: usize,
        relation: &Relation,
        owner: &Owner,
        promise: Promise,
        command: DbCommand,
        role: &DbRole,
    ) -> Verdict {
        let own = if promise == Promise::Read { &owner.read } else { &owner.write };
        let shared = self.shared.get(at).cloned().flatten().unwrap_or(Expr::Or(Vec::new()));
        let beside = [own, &owner.read, &shared, self.bypass];
        let rows = if matches!(promise, Promise::UpdateOld | Promise::UpdateNew) { 2 } else { 1 };
        let mut world = match World::new(self.database, self.laws, self.roles, &role.name, (at, rows), &beside) {
            Ok(world) => world,
            Err(why) => return Verdict::NotUnderstood(why),
        };
        world.login = login.to_owned();
        let mut wanted = Vec::new();
        let first;
        let mut about = Vec::new();
        match promise {
            Promise::UpdateOld | Promise::UpdateNew => {
                let old = world.row(at, "row", true);
                let new = world.row(at, "new row", false);
                (first, about) =
                    if promise == Promise::UpdateOld { (old, vec![old, new]) } else { (new, vec![new, old]) };
                self.keep(&mut world, relation, role, old, new);
                wanted.push(world.allowed(old, &role.name, command, false).yes);
                wanted.push(world.allowed(new, &role.name, command, true).yes);
                if promise == Promise::UpdateNew {
                    wanted.push(world.tri(own, &[(ROOT, Bound::Row(old))], &role.name).yes);
                }
            }
            _ => {
                let is_new = promise == Promise::Create;
                first = world.row(at, if is_new { "new row" } else { "row" }, !is_new);
                about.push(first);
                wanted.push(world.allowed(first, &role.name, command, is_new).yes);
            }
        }
        // That what was said beforehand fails says nothing of the query.
        let circular = world.circular.take();
        if promise == Promise::Read {
            let shared = world.tri(&shared, &[(ROOT, Bound::Row(first))], &role.name).yes;
            wanted.push(!shared);
        }
        let own = world.tri(own, &[(ROOT, Bound::Row(first))], &role.name).yes;
        let bypass = world.tri(self.bypass, &[(ROOT, Bound::Row(first))], &role.name).yes;
        wanted.extend([!own, !bypass]);
        world.facts(&about);
        world.unwound = world.unwound.or(world.circular.take());
        world.circular = circular;
        self.decide(&mut world, wanted, &about, |court, scenery| {
            court.confirmed(scenery, owner, promise, command, role)
        })
        .map_or_else(
            |verdict| verdict,
            |(scenery, by)| {
                let fix = fix::advice(self, at, relation, owner, promise, role, &by, &scenery);
                self.leak(&role.name, scenery, by, fix)
            },
        )
    }

    /// Columns that a role may not set stay as they are.
    pub(crate) fn keep(&self, world: &mut World<'_>, relation: &Relation, role: &DbRole, old: usize, new: usize) {
        let Some(columns) = self.roles.updates(relation, role) else { return };
        for column in (0..relation.columns.len()).filter(|column| !columns.contains(column)) {
            let of = relation.columns.get(column);
            if !of.is_some_and(|column| column.ty.is_some_and(|ty| ty.in_conditions())) {
                continue;
            }
            let kept = world.cell(old, column);
            if let Some(row) = world.rows.get_mut(new) {
                row.cells.insert(column, kept);
            }
        }
    }

    /// May anybody do anything to it?
    pub(crate) fn acts_on(&self, relation: &Relation) -> bool {
        OPS.iter().any(|(_, _, privilege)| !self.acting(relation, privilege).is_empty())
    }

    /// Looks for values that make all of these true, and puts them through the evaluator.
    pub(crate) fn decide(
        &self,
        world: &mut World<'_>,
        mut wanted: Vec<batsat::Lit>,
        about: &[usize],
        confirm: impl Fn(&Self, &Scenery) -> Result<Option<Vec<String>>, Stop>,
    ) -> Result<(Scenery, Vec<String>), Verdict> {
        if let Some(at) = world.circular {
            let name = self.database.relations.get(at).map(Relation::title).unwrap_or_default();
            return Err(Verdict::Warns(format!(
                "every query of it fails: policies of `{name}` read `{name}` itself (infinite recursion)"
            )));
        }
        if let Some(at) = world.unwound {
            let name = self.database.relations.get(at).map(Relation::title).unwrap_or_default();
            return Err(Verdict::NotUnderstood(format!(
                "policies of `{name}` read `{name}` itself by way of a function, and how often is not known"
            )));
        }
        if world.too_large {
            return Err(Verdict::NotUnderstood("it takes more rows than can be looked through".to_owned()));
        }
        match world.find(&wanted) {
            Found::Nothing if world.alternates => {
                return Err(Verdict::NotUnderstood(
                    "a subselect that must find nothing asks another one to find something: more rows might matter \
                     than are looked through"
                        .to_owned(),
                ));
            }
            Found::Nothing => return Err(Verdict::Proved),
            Found::Unknown => return Err(Verdict::NotUnderstood("the solver gave up".to_owned())),
            Found::Model => {}
        }
        // What is not understood may be what makes it so.
        wanted.push(!world.free);
        if !matches!(world.find(&wanted), Found::Model) {
            let whys: Vec<&str> = world.met.iter().filter_map(|why| self.whys.get(*why)).map(String::as_str).collect();
            return Err(Verdict::NotUnderstood(whys.join("; ")));
        }
        bring_down(world, &mut wanted, about);
        let scenery = scenery(world, about);
        match confirm(self, &scenery) {
            Ok(Some(by)) => Ok((scenery, by)),
            Ok(None) | Err(_) => {
                Err(Verdict::NotUnderstood("what the solver found is not confirmed by the evaluator".to_owned()))
            }
        }
    }

    /// The evaluator's word on a leak: the policies that let it.
    fn confirmed(
        &self,
        scenery: &Scenery,
        owner: &Owner,
        promise: Promise,
        command: DbCommand,
        role: &DbRole,
    ) -> Result<Option<Vec<String>>, Stop> {
        let evaluator = Evaluator { database: self.database, laws: self.laws, roles: self.roles, scenery };
        let own = if promise == Promise::Read { &owner.read } else { &owner.write };
        let holds = |row: usize| match evaluator.holds(own, row, &role.name) {
            Ok(holds) => Ok(holds),
            // A tenant that is none of its type is nobody's.
            Err(Stop::Error) => Ok(false),
            Err(stop) => Err(stop),
        };
        let (mut by, foreign) = match promise {
            Promise::UpdateOld => {
                let by = evaluator.allowed(0, &role.name, command, false)?;
                let after = evaluator.allowed(1, &role.name, command, true)?;
                (if after.is_empty() { Vec::new() } else { by }, !holds(0)?)
            }
            Promise::UpdateNew => {
                // The new row stands first in the telling, the old one behind it.
                let before = evaluator.allowed(1, &role.name, command, false)?;
                let by = evaluator.allowed(0, &role.name, command, true)?;
                (if before.is_empty() { Vec::new() } else { by }, !holds(0)?)
            }
            Promise::Create => (evaluator.allowed(0, &role.name, command, true)?, !holds(0)?),
            _ => (evaluator.allowed(0, &role.name, command, false)?, !holds(0)?),
        };
        if by.is_empty() || !foreign {
            return Ok(None);
        }
        by.dedup();
        let relation = scenery.rows.first().map(|row| row.relation).unwrap_or_default();
        Ok(Some(by.into_iter().map(|policy| self.by(relation, policy, role)).collect()))
    }

    /// What lets a role: a policy's name, or why none holds it.
    pub(crate) fn by(&self, relation: usize, policy: usize, role: &DbRole) -> String {
        let of = self.database.relations.get(relation);
        if let Some(policy) = of.and_then(|of| of.policies.get(policy)) {
            return ["policy ", &policy.name].concat();
        }
        match self.roles.exempt(self.database, relation, &role.name) {
            Some(Exempt::Off) => "row security is off".to_owned(),
            Some(Exempt::Bypass) => ["`", &role.name, "` has BYPASSRLS"].concat(),
            Some(Exempt::Owner) => {
                ["`", &role.name, "` owns the table, and row security is not forced on owners"].concat()
            }
            Some(Exempt::Superuser) => {
                let who: Vec<&str> = self.roles.becoming(&role.name).collect();
                ["`", &role.name, "` is a superuser, and ", &who.join(", "), " may become it"].concat()
            }
            None => "nothing holds it".to_owned(),
        }
    }

    /// A leak in plain values.
    pub(crate) fn leak(&self, role: &str, scenery: Scenery, by: Vec<String>, fix: String) -> Verdict {
        let cells = |relation: &Relation, cells: &std::collections::BTreeMap<usize, Option<Value>>| {
            let told =
                cells.iter().filter_map(|(at, value)| Some((relation.columns.get(*at)?.name.clone(), value.clone())));
            told.collect()
        };
        let rows = scenery.rows.iter().filter_map(|row| {
            let relation = self.database.relations.get(row.relation)?;
            Some(LeakRow {
                role: row.role.to_owned(),
                schema: relation.schema.clone(),
                table: relation.name.clone(),
                cells: cells(relation, &row.cells),
                stored: row.stored,
            })
        });
        Verdict::Leaks(Box::new(Leak {
            role: role.to_owned(),
            login: (!scenery.login.is_empty() && scenery.login != role).then(|| scenery.login.clone()),
            rows: rows.collect(),
            settings: super::scene::settings(&scenery, self.laws),
            by,
            fix,
            replay: Replay::Evaluator("no database was asked".to_owned()),
            through: Through::Table,
            unheld: false,
        }))
    }

    fn assumptions(&self) -> Vec<String> {
        let mut all: Vec<String> = self.owners.iter().flatten().map(|owner| owner.told.clone()).collect();
        let mut settings: Vec<String> = Vec::new();
        for at in 0..self.database.relations.len() {
            for law in self.laws.of(at) {
                for expr in [&law.using, &law.check].into_iter().flatten() {
                    expr.visit(
                        &mut |one| match one {
                            Expr::Setting(name) | Expr::Claim { setting: name, .. } if !settings.contains(name) => {
                                settings.push(name.clone());
                            }
                            _ => {}
                        },
                        &mut |_| {},
                    );
                }
            }
        }
        if !settings.is_empty() {
            all.push(format!(
                "the settings {} are set by trusted code alone: whoever may run SQL of their own may set them to anything",
                settings.iter().map(|name| ["`", name, "`"].concat()).collect::<Vec<_>>().join(", ")
            ));
        }
        let above = self.database.roles.iter().filter(|role| role.superuser && !self.roles.reachable(&role.name));
        let above: Vec<&str> = above.map(|role| role.name.as_str()).collect();
        all.push(format!("superusers ({}) are beyond row security, and are not asked about", above.join(", ")));
        for name in &self.given.trusted {
            all.push(format!(
                "`{name}` {}, as given",
                if name.ends_with("()") { "does nothing wrong" } else { "may do anything" }
            ));
        }
        for text in &self.given.bypasses {
            all.push(format!("a session may do anything where {text}, as given"));
        }
        for text in &self.given.shared {
            all.push(format!("everybody may read {text}, as given"));
        }
        all
    }
}

/// Findings of one table that differ in their roles alone, together.
pub(crate) fn merged(findings: Vec<Finding>) -> Vec<Finding> {
    let mut all: Vec<Finding> = Vec::new();
    for one in findings {
        let same = all.iter_mut().find(|known| {
            known.promise == one.promise
                && known.op == one.op
                && known.verdict == one.verdict
                && !matches!(one.verdict, Verdict::Leaks(_))
        });
        match same {
            Some(known) => known.roles.extend(one.roles),
            None => all.push(one),
        }
    }
    all
}
