//! Whose a row is: which column says it, and what of the session it is compared with. Nobody tells row security
//! that, so it is read out of the policies themselves (or given), and printed as the assumption that it is.

use std::collections::{BTreeMap, BTreeSet};

use tenantry_policy::Type;
use tenantry_policy::condition::Cmp;
use tenantry_policy::database::{Database, DbForeignKey, Relation};

use super::access::Laws;
use super::expr::{Expr, List, Query, ROOT, Scan, Select};
use super::read::Reader;
use super::ties;

/// What a tenant column is compared with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Claim {
    /// One value of the session.
    One(Expr),
    /// A list of the session.
    Many(List),
    /// The rows of a subselect: the principal's memberships.
    Rows(Query),
}

/// Whose a table's rows are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Owner {
    /// TRUE of rows that are the principal's, to read.
    pub(crate) read: Expr,
    /// TRUE of rows that are the principal's, to write.
    pub(crate) write: Expr,
    /// The column that holds the tenant, where the table has one.
    pub(crate) column: Option<usize>,
    /// The claims on that column.
    claims: Vec<Claim>,
    /// In words.
    pub(crate) told: String,
}

/// A setting that nobody reads: the tenant of a principal that nothing identifies.
pub(crate) const SOMEBODY: &str = "the principal's tenant";

/// A setting that nobody sets: the account of the SQL seat that a session logged in as, by the table of seats.
pub(crate) const SEAT: &str = "the account of the session's seat";

/// Whose rows are, of every relation that says so.
pub(crate) fn owners(reader: &mut Reader<'_>, laws: &Laws, given: &[String]) -> Result<Vec<Option<Owner>>, String> {
    let database = reader.database;
    let given = given.iter().map(|text| said(reader, text)).collect::<Result<Vec<_>, _>>()?;
    let mut found: Vec<Vec<(usize, Claim)>> = Vec::new();
    for at in 0..database.relations.len() {
        let mut claims = Vec::new();
        for law in laws.of(at) {
            for expr in [&law.using, &law.check].into_iter().flatten() {
                atoms(expr, &mut |atom| claims.extend(claim(atom)));
            }
        }
        found.push(claims);
    }
    let common = common(database, &found);
    let members = memberships(database, &found);
    let mut owners: Vec<Option<Owner>> = vec![None; database.relations.len()];
    let mut steps: Vec<Option<Step>> = vec![None; database.relations.len()];
    for (at, relation) in database.relations.iter().enumerate().filter(|(_, relation)| relation.is_table()) {
        let own = found.get(at).map_or(&[][..], Vec::as_slice);
        if let Some(place) = owners.get_mut(at) {
            *place = stated(database, relation, &given);
            if place.is_none() && !members.contains_key(&at) {
                let step = step(database, relation, own);
                if let (Some(step), Some(kept)) = (step, steps.get_mut(at)) {
                    *kept = Some(step);
                    continue;
                }
            }
            if place.is_none() {
                *place = inferred(database, relation, at, own, &common, &members);
            }
        }
    }
    spread(database, &mut owners, &steps);
    Ok(owners)
}

/// `[TABLE.]COLUMN=SETTING`, as a person gives it.
fn said(reader: &mut Reader<'_>, text: &str) -> Result<(Option<String>, String, Expr), String> {
    let (left, right) = text.split_once('=').ok_or_else(|| ["`", text, "` is not COLUMN=SETTING"].concat())?;
    let (table, column) = match left.trim().rsplit_once('.') {
        Some((table, column)) => (Some(table.to_owned()), column.to_owned()),
        None => (None, left.trim().to_owned()),
    };
    let right = right.trim();
    let plain = right.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'));
    let value = if plain && right.contains('.') {
        Expr::Setting(right.to_lowercase())
    } else {
        reader.principal(right).map_err(|why| ["`", right, "`: ", &why].concat())?
    };
    Ok((table, column, identity(&value)))
}

fn stated(database: &Database, relation: &Relation, given: &[(Option<String>, String, Expr)]) -> Option<Owner> {
    let mut column = None;
    let mut claims = Vec::new();
    for (table, name, value) in given {
        let here = table
            .as_ref()
            .is_none_or(|table| *table == relation.name || *table == [&relation.schema, ".", &relation.name].concat());
        let Some(at) = relation.column(name).filter(|_| here) else { continue };
        if column.is_none_or(|known| known == at) {
            column = Some(at);
            claims.push(Claim::One(value.clone()));
        }
    }
    let column = column?;
    let told = told(database, relation, column, &claims, "as given");
    owner(relation, column, claims, Vec::new(), told)
}

/// A step that a table's own policies take to another one, by its key.
#[derive(Debug, Clone)]
struct Step {
    column: usize,
    key: DbForeignKey,
    rows: Query,
}

/// The step that says more of whose a row is than any other test of its policies.
fn step(database: &Database, relation: &Relation, own: &[(usize, Claim)]) -> Option<Step> {
    let weigh = |column: usize| relation.columns.get(column).map_or(0, |column| weight(&column.name));
    let mut best: Option<(u8, Step)> = None;
    let mut plain = 0;
    for (column, claim) in own {
        let Some((to, theirs)) = led(database, claim) else {
            plain = plain.max(weigh(*column));
            continue;
        };
        let (Claim::Rows(rows), Some(parent)) = (claim, database.relations.get(to)) else { continue };
        let Some(theirs) = parent.columns.get(theirs) else { continue };
        let key = DbForeignKey {
            name: relation.columns.get(*column).map(|column| column.name.clone()).unwrap_or_default(),
            columns: vec![*column],
            to: (parent.schema.clone(), parent.name.clone()),
            to_columns: vec![theirs.name.clone()],
            follows_delete: false,
            follows_update: false,
            enforced: false,
        };
        if best.as_ref().is_none_or(|(known, _)| weigh(*column) > *known) {
            best = Some((weigh(*column), Step { column: *column, key, rows: rows.clone() }));
        }
    }
    best.filter(|(weight, _)| *weight > plain).map(|(_, step)| step)
}

/// The table and the key of it that a claim leads to.
fn led(database: &Database, claim: &Claim) -> Option<(usize, usize)> {
    let Claim::Rows(query) = claim else { return None };
    let [branch] = query.branches.as_slice() else { return None };
    let Some(Expr::Column { binding, column, .. }) = branch.out.first() else { return None };
    let relation = branch.from.iter().find_map(|scan| match scan {
        Scan::Table { binding: known, relation, .. } if known == binding => Some(*relation),
        _ => None,
    })?;
    database.relations.get(relation)?.keys.contains(&vec![*column]).then_some((relation, *column))
}

/// How much a column's name looks like a tenant's.
fn weight(name: &str) -> u8 {
    let name = name.to_lowercase();
    let stem = name.trim_end_matches("_id").trim_end_matches("id").trim_end_matches('_');
    if name.contains("tenant") {
        return 9;
    }
    match stem {
        "org" | "organization" | "organisation" | "account" | "workspace" | "company" | "customer" | "client"
        | "team" | "shop" | "store" | "merchant" | "school" | "business" | "group" | "site" => 7,
        "user" | "owner" | "created_by" | "author" | "member" | "creator" | "profile" | "assignee" => 3,
        _ if name.ends_with("org_id") || name.ends_with("organization_id") || name.ends_with("account_id") => 6,
        _ if name == "id" => 4,
        _ => 5,
    }
}

fn inferred(
    database: &Database,
    relation: &Relation,
    at: usize,
    own: &[(usize, Claim)],
    common: &BTreeMap<String, Expr>,
    members: &BTreeMap<usize, (usize, Query)>,
) -> Option<Owner> {
    if let Some((column, query)) = members.get(&at) {
        // A membership is its member's to read, and its tenant's to write.
        let user: Vec<(usize, Claim)> =
            own.iter().filter(|(of, claim)| of != column && matches!(claim, Claim::One(_))).cloned().collect();
        let claims = vec![Claim::Rows(query.clone())];
        let told = told(database, relation, *column, &claims, "a membership, by the policies that read it");
        return owner(relation, *column, claims, user, told);
    }
    let weigh = |column: usize| relation.columns.get(column).map_or(0, |column| weight(&column.name));
    let says = |claim: &Claim| match claim {
        Claim::Rows(query) => ties::tied(query),
        _ => true,
    };
    let own: Vec<(usize, Claim)> = own.iter().filter(|(_, claim)| says(claim)).cloned().collect();
    let best = own.iter().map(|(column, _)| *column).max_by_key(|column| (weigh(*column), usize::MAX - column));
    if let Some(column) = best {
        let name = relation.columns.get(column).map(|column| column.name.clone()).unwrap_or_default();
        let mut claims: Vec<Claim> = Vec::new();
        let mut singles: Vec<Expr> = Vec::new();
        for (_, claim) in own.iter().filter(|(of, _)| *of == column) {
            match claim {
                // Beside whatever else identifies a tenant.
                Claim::One(value) if is_seat(value) => {
                    let seat = Claim::One(bare(value).clone());
                    if !claims.contains(&seat) {
                        claims.push(seat);
                    }
                }
                Claim::One(value) => singles.push(bare(value).clone()),
                other if !claims.contains(other) => claims.push(other.clone()),
                _ => {}
            }
        }
        // The one that most tables agree on; another one on the same column is no tenant's.
        let agreed = common.get(&name).filter(|agreed| singles.contains(agreed)).or_else(|| singles.first()).cloned();
        // Another column, of a name that other tables compare with the same value, says it better than the one that
        // this table's policies compare by mistake.
        let better = (0..relation.columns.len()).find(|other| {
            let of = relation.columns.get(*other).map(|facts| &facts.name);
            weigh(*other) > weigh(column)
                && of.and_then(|of| common.get(of)).is_some_and(|value| agreed.as_ref() == Some(value))
        });
        if let (Some(column), Some(value), true) = (better, agreed.clone(), claims.is_empty()) {
            let claims = vec![Claim::One(value)];
            let told = told(database, relation, column, &claims, "by its name, as in other tables");
            return owner(relation, column, claims, Vec::new(), told);
        }
        claims.extend(agreed.map(Claim::One));
        let told = told(database, relation, column, &claims, "by its policies");
        return owner(relation, column, claims, Vec::new(), told);
    }
    None
}

/// Owners of tables whose policies do not say: by a column of a name that says it elsewhere, by being what tenant
/// columns refer to, by what they refer to themselves, and by nothing but a column's name.
fn spread(database: &Database, owners: &mut [Option<Owner>], steps: &[Option<Step>]) {
    let name_of = |at: usize, column: usize| {
        database.relations.get(at).and_then(|relation| relation.columns.get(column)).map(|column| column.name.clone())
    };
    let mut known: BTreeMap<String, Vec<Claim>> = BTreeMap::new();
    for (at, owner) in owners.iter().enumerate() {
        if let Some(Owner { column: Some(column), claims, .. }) = owner
            && let Some(name) = name_of(at, *column).filter(|name| weight(name) > 4)
        {
            known.entry(name).or_insert_with(|| claims.clone());
        }
    }
    for at in 0..owners.len() {
        let (Some(relation), Some(None)) = (database.relations.get(at).filter(|one| one.is_table()), owners.get(at))
        else {
            continue;
        };
        if steps.get(at).is_some_and(Option::is_some) {
            continue;
        }
        let column = (0..relation.columns.len())
            .filter(|column| relation.columns.get(*column).is_some_and(|column| known.contains_key(&column.name)))
            .max_by_key(|column| relation.columns.get(*column).map_or(0, |column| weight(&column.name)));
        let Some(column) = column else { continue };
        let claims = name_of(at, column).and_then(|name| known.get(&name)).cloned().unwrap_or_default();
        let words = told(database, relation, column, &claims, "by its name, as in other tables");
        if let Some(place) = owners.get_mut(at) {
            *place = owner(relation, column, claims, Vec::new(), words);
        }
    }
    // By the step that their own policies take.
    for _ in 0..4 {
        for (at, step) in steps.iter().enumerate() {
            let (Some(step), Some(None)) = (step, owners.get(at)) else { continue };
            let found = hop(database, owners, at, &step.key);
            if let Some(place) = owners.get_mut(at) {
                *place = found;
            }
        }
    }
    for (at, step) in steps.iter().enumerate() {
        let (Some(step), Some(None), Some(relation)) = (step, owners.get(at), database.relations.get(at)) else {
            continue;
        };
        let claims = vec![Claim::Rows(step.rows.clone())];
        if !ties::tied(&step.rows) {
            continue;
        }
        let words = told(database, relation, step.column, &claims, "by its policies");
        if let Some(place) = owners.get_mut(at) {
            *place = owner(relation, step.column, claims, Vec::new(), words);
        }
    }
    // A column named like a tenant's where nothing identifies one.
    for (at, relation) in database.relations.iter().enumerate() {
        if !relation.is_table() || !matches!(owners.get(at), Some(None)) {
            continue;
        }
        let named = (0..relation.columns.len())
            .filter(|column| relation.columns.get(*column).is_some_and(|column| weight(&column.name) > 5))
            .max_by_key(|column| relation.columns.get(*column).map_or(0, |column| weight(&column.name)));
        let Some(column) = named else { continue };
        let claims = vec![Claim::One(Expr::Setting(SOMEBODY.to_owned()))];
        let words = told(database, relation, column, &claims, "by its name; no policy says who has which");
        if let Some(place) = owners.get_mut(at) {
            *place = owner(relation, column, claims, Vec::new(), words);
        }
    }
    // What tenant columns refer to: the tenants themselves.
    for at in 0..owners.len() {
        let Some(relation) = database.relations.get(at) else { continue };
        let Some(Some(Owner { column: Some(column), claims, .. })) = owners.get(at) else { continue };
        let (column, claims) = (*column, claims.clone());
        for key in relation.foreign_keys.iter().filter(|key| key.columns == [column]) {
            let to = database.relations.iter().position(|to| to.schema == key.to.0 && to.name == key.to.1);
            let Some((to, tenants)) = to.and_then(|to| Some((to, database.relations.get(to)?))) else { continue };
            let theirs = key.to_columns.first().and_then(|name| tenants.column(name));
            if let (Some(theirs), Some(place @ None)) = (theirs, owners.get_mut(to)) {
                let words = told(database, tenants, theirs, &claims, "tenant columns refer to it");
                *place = owner(tenants, theirs, claims.clone(), Vec::new(), words);
            }
        }
    }
    // By what it refers to, as many steps as it takes.
    for _ in 0..4 {
        for at in 0..owners.len() {
            let (Some(relation), Some(None)) =
                (database.relations.get(at).filter(|one| one.is_table()), owners.get(at))
            else {
                continue;
            };
            let found = relation.foreign_keys.iter().find_map(|key| hop(database, owners, at, key));
            if let Some(place) = owners.get_mut(at) {
                *place = found;
            }
        }
    }
}

/// Whose the row is that a foreign key leads to.
fn hop(database: &Database, owners: &[Option<Owner>], from: usize, key: &DbForeignKey) -> Option<Owner> {
    let relation = database.relations.get(from)?;
    let to = database.relations.iter().position(|to| to.schema == key.to.0 && to.name == key.to.1)?;
    let (parent, owner) = (database.relations.get(to)?, owners.get(to)?.as_ref()?);
    if to == from {
        return None;
    }
    // A binding of its own for each table keeps steps over steps apart.
    let binding = 1_000_000 + from;
    let mut filter = Vec::new();
    for (own, theirs) in key.columns.iter().zip(&key.to_columns) {
        let theirs = parent.column(theirs)?;
        let ty = parent.columns.get(theirs)?.ty?;
        let left = Expr::Column { binding, column: theirs, ty };
        filter.push(Expr::Compare(Cmp::Eq, Box::new(left), Box::new(column(relation, *own)?)));
    }
    let about = |own: &Expr| {
        let mut filter = filter.clone();
        filter.push(own.about(ROOT, binding));
        let scan = Scan::Table { binding, relation: to, actor: Some(String::new()) };
        let select = Select { from: vec![scan], filter: Expr::And(filter), out: Vec::new() };
        Expr::Exists(Box::new(Query { branches: vec![select], one: false }))
    };
    Some(Owner {
        read: about(&owner.read),
        write: about(&owner.write),
        column: None,
        claims: Vec::new(),
        told: format!("{}: through `{}`, whose rows are `{}`'s", relation.title(), key.name, parent.title()),
    })
}

fn column(relation: &Relation, at: usize) -> Option<Expr> {
    let ty = relation.columns.get(at)?.ty.filter(|ty| ty.in_conditions())?;
    Some(Expr::Column { binding: ROOT, column: at, ty })
}

fn owner(
    relation: &Relation,
    at: usize,
    claims: Vec<Claim>,
    also_read: Vec<(usize, Claim)>,
    told: String,
) -> Option<Owner> {
    let is = |(at, claim): (usize, &Claim)| -> Option<Expr> {
        let column = column(relation, at)?;
        let ty = column.ty()?;
        let left = Box::new(column);
        Some(match claim {
            Claim::One(value) => {
                let value = match value.ty() {
                    Some(from) if from == ty => value.clone(),
                    Some(Type::Text) => Expr::Cast(Box::new(value.clone()), ty),
                    Some(from) if ty == Type::Text && matches!(from, Type::Uuid | Type::Int) => {
                        Expr::Cast(Box::new(value.clone()), ty)
                    }
                    _ => return None,
                };
                Expr::Compare(Cmp::Eq, left, Box::new(value))
            }
            Claim::Many(List::Setting { of, form, .. }) => {
                let list = List::Setting { of: of.clone(), form: form.clone(), ty };
                Expr::Any { left, cmp: Cmp::Eq, list, all: false }
            }
            Claim::Many(list) if list.ty() == Some(ty) => {
                Expr::Any { left, cmp: Cmp::Eq, list: list.clone(), all: false }
            }
            Claim::Many(_) => return None,
            Claim::Rows(query) => {
                let out = query.branches.first()?.out.first()?.ty();
                if out != Some(ty) {
                    return None;
                }
                Expr::Within(vec![*left], Box::new(unguarded(query)))
            }
        })
    };
    let write: Vec<Expr> = claims.iter().filter_map(|claim| is((at, claim))).collect();
    let mut read = write.clone();
    read.extend(also_read.iter().filter_map(|(at, claim)| is((*at, claim))));
    if read.is_empty() {
        return None;
    }
    Some(Owner { read: Expr::Or(read), write: Expr::Or(write), column: Some(at), claims, told })
}

/// The same rows whoever asks: memberships as they are, not as policies show them.
fn unguarded(query: &Query) -> Query {
    let mut query = query.clone();
    for branch in &mut query.branches {
        for scan in &mut branch.from {
            if let Scan::Table { actor, .. } = scan {
                *actor = Some(String::new());
            }
        }
    }
    query
}

/// The tests that a condition is made of.
fn atoms(expr: &Expr, see: &mut dyn FnMut(&Expr)) {
    match expr {
        Expr::And(parts) | Expr::Or(parts) | Expr::Coalesce(parts) => parts.iter().for_each(|part| atoms(part, see)),
        Expr::Not(inner) | Expr::Is(inner, _) => atoms(inner, see),
        Expr::Case(branches, other) => {
            for (when, then) in branches {
                atoms(when, see);
                atoms(then, see);
            }
            atoms(other, see);
        }
        other => see(other),
    }
}

fn root_column(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Column { binding: ROOT, column, .. } => Some(*column),
        Expr::Cast(inner, _) => root_column(inner),
        _ => None,
    }
}

/// What a test says of whose the row is.
fn claim(atom: &Expr) -> Option<(usize, Claim)> {
    match atom {
        Expr::Compare(Cmp::Eq | Cmp::Ne, left, right) | Expr::Distinct(left, right) => {
            let (column, value) = match (root_column(left), root_column(right)) {
                (Some(column), None) => (column, right),
                (None, Some(column)) => (column, left),
                _ => return None,
            };
            let value = identity(value);
            if let Expr::Scalar(query) = &value {
                return listed(column, query);
            }
            (identifies(&value) && ties::settled(&value)).then_some((column, Claim::One(value)))
        }
        Expr::Any { left, cmp: Cmp::Eq, list, all: false } | Expr::Any { left, cmp: Cmp::Ne, list, all: true } => {
            let column = root_column(left)?;
            match list {
                List::Query(query) => listed(column, query),
                List::Setting { of, .. } if identifies(of) => Some((column, Claim::Many(list.clone()))),
                _ => None,
            }
        }
        Expr::Within(left, query) => {
            let [left] = left.as_slice() else { return None };
            let column = root_column(left)?;
            member(column, query)
        }
        Expr::Exists(query) => {
            let [branch] = query.branches.as_slice() else { return None };
            let parts = match &branch.filter {
                Expr::And(parts) => parts.clone(),
                other => vec![other.clone()],
            };
            for (at, part) in parts.iter().enumerate() {
                let Expr::Compare(Cmp::Eq, left, right) = part else { continue };
                let (column, out) = match (root_column(left), root_column(right)) {
                    (Some(column), None) => (column, right.as_ref().clone()),
                    (None, Some(column)) => (column, left.as_ref().clone()),
                    _ => continue,
                };
                if !matches!(out, Expr::Column { .. }) {
                    continue;
                }
                let rest: Vec<Expr> =
                    parts.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, part)| part.clone()).collect();
                let select = Select { from: branch.from.clone(), filter: Expr::And(rest), out: vec![out] };
                let rows = Query { branches: vec![select], one: false };
                if let Some(found) = member(column, &rows) {
                    return Some(found);
                }
            }
            None
        }
        _ => None,
    }
}

/// A subselect that lists what is the principal's.
fn member(column: usize, query: &Query) -> Option<(usize, Claim)> {
    let found = Expr::Exists(Box::new(query.clone()));
    if found.reads(ROOT) || spoiled(&found) {
        return None;
    }
    let own = ties::restricted(query).filter(|_| identifies(&found));
    Some((column, Claim::Rows(own.unwrap_or_else(|| query.clone()))))
}

/// What a subselect lists of the principal's, where the session chooses any of it.
fn listed(column: usize, query: &Query) -> Option<(usize, Claim)> {
    let said = identifies(&Expr::Exists(Box::new(query.clone())));
    let own = ties::restricted(query).filter(|_| said)?;
    Some((column, Claim::Rows(own)))
}

/// What of a value the session says: without what stands in where it says nothing.
fn identity(value: &Expr) -> Expr {
    match value {
        Expr::Demand(inner) => identity(inner),
        Expr::NullIf(inner, other) if matches!(**other, Expr::Value(_)) => identity(inner),
        Expr::Cast(inner, ty) => Expr::Cast(Box::new(identity(inner)), *ty),
        Expr::Coalesce(parts) => {
            let says = |part: &&Expr| !matches!(part, Expr::Value(_) | Expr::Null(_));
            let parts: Vec<&Expr> = parts.iter().filter(says).collect();
            match parts.as_slice() {
                [only] => identity(only),
                // Of several, which one counts depends on what is empty.
                _ => Expr::Coalesce(parts.into_iter().cloned().collect()),
            }
        }
        other => other.clone(),
    }
}

fn bare(value: &Expr) -> &Expr {
    match value {
        Expr::Cast(inner, _) => bare(inner),
        other => other,
    }
}

fn is_seat(value: &Expr) -> bool {
    matches!(bare(value), Expr::Setting(name) if name == SEAT)
}

fn spoiled(value: &Expr) -> bool {
    let mut spoiled = false;
    value.visit(&mut |expr| spoiled |= matches!(expr, Expr::Opaque { .. }), &mut |_| {});
    spoiled
}

/// Does it say something of the principal, and nothing of the row or of what is not understood?
pub(crate) fn identifies(value: &Expr) -> bool {
    let (mut says, mut spoiled) = (false, value.reads(ROOT));
    value.visit(
        &mut |expr| {
            says |= matches!(expr, Expr::Setting(_) | Expr::Claim { .. } | Expr::User(_) | Expr::Login);
            spoiled |= matches!(expr, Expr::Opaque { .. });
        },
        &mut |_| {},
    );
    says && !spoiled
}

/// For each column's name, the value of the session that most tables compare it with.
fn common(database: &Database, found: &[Vec<(usize, Claim)>]) -> BTreeMap<String, Expr> {
    let mut counts: BTreeMap<String, Vec<(Expr, usize)>> = BTreeMap::new();
    for (at, claims) in found.iter().enumerate() {
        let mut counted: Vec<(usize, Expr)> = Vec::new();
        for (column, claim) in claims {
            let Claim::One(value) = claim else { continue };
            if is_seat(value) {
                continue;
            }
            let value = bare(value).clone();
            if counted.contains(&(*column, value.clone())) {
                continue;
            }
            counted.push((*column, value.clone()));
            let name = database.relations.get(at).and_then(|relation| relation.columns.get(*column));
            let Some(name) = name.map(|column| column.name.clone()) else { continue };
            let of = counts.entry(name).or_default();
            match of.iter_mut().find(|(known, _)| *known == value) {
                Some((_, count)) => *count += 1,
                None => of.push((value, 1)),
            }
        }
    }
    let most = |of: Vec<(Expr, usize)>| {
        let most = of.iter().map(|(_, count)| *count).max()?;
        of.into_iter().find(|(_, count)| *count == most).map(|(value, _)| value)
    };
    counts.into_iter().filter_map(|(name, of)| Some((name, most(of)?))).collect()
}

/// Tables that say which tenants are the principal's: each with the column that says it and the rows that count.
/// One whose key is read is no membership, but the tenant or a parent itself.
fn memberships(database: &Database, found: &[Vec<(usize, Claim)>]) -> BTreeMap<usize, (usize, Query)> {
    let mut members = BTreeMap::new();
    let mut seen: BTreeSet<usize> = BTreeSet::new();
    for (_, claim) in found.iter().flatten() {
        let Claim::Rows(query) = claim else { continue };
        if led(database, claim).is_some() || !ties::tied(query) {
            continue;
        }
        let [branch] = query.branches.as_slice() else { continue };
        let Some(Expr::Column { binding, column, .. }) = branch.out.first() else { continue };
        let scan = branch.from.iter().find_map(|scan| match scan {
            Scan::Table { binding: known, relation, .. } if known == binding => Some(*relation),
            _ => None,
        });
        if let Some(relation) = scan
            && branch.from.len() == 1
            && seen.insert(relation)
        {
            members.insert(relation, (*column, query.clone()));
        }
    }
    members
}

fn told(database: &Database, relation: &Relation, column: usize, claims: &[Claim], why: &str) -> String {
    let name = relation.columns.get(column).map(|column| column.name.as_str()).unwrap_or_default();
    let each: Vec<String> = claims.iter().map(|claim| words(database, claim)).collect();
    format!("{}: `{name}` is {} ({why})", relation.title(), each.join(", or "))
}

fn words(database: &Database, claim: &Claim) -> String {
    match claim {
        Claim::One(value) => source(value),
        Claim::Many(List::Setting { of, .. }) => ["in the list ", &source(of)].concat(),
        Claim::Rows(query) => ["in the principal's memberships, ", &ties::told(database, query)].concat(),
        Claim::Many(_) => "in the principal's memberships".to_owned(),
    }
}

/// Where a value of the session comes from.
pub(crate) fn source(value: &Expr) -> String {
    match value {
        Expr::Setting(name) if name == SOMEBODY || name == SEAT => name.clone(),
        Expr::Setting(name) => ["the setting `", name, "`"].concat(),
        Expr::Claim { setting, path } => ["`", setting, "` -> ", &path.join(" -> ")].concat(),
        Expr::User(_) => "current_user".to_owned(),
        Expr::Login => "session_user".to_owned(),
        Expr::Cast(inner, _) | Expr::Demand(inner) | Expr::NullIf(inner, _) => source(inner),
        Expr::Coalesce(parts) => parts.iter().map(source).collect::<Vec<_>>().join(", else "),
        Expr::Scalar(_) => "what a table says of the principal".to_owned(),
        _ => "a value of the session".to_owned(),
    }
}
