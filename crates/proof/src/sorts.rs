//! Which values are compared with which: columns and attributes fall into sorts, and each sort has a domain of
//! its own.
//!
//! Two places (a column of a table, an attribute) are of one sort when a condition of the question compares
//! them, when a relation's keys that matter join them, or when the question itself does (tenants). Values of
//! different sorts never meet, so what one of them is says nothing about the other.

use std::collections::{BTreeMap, BTreeSet};

use tenantry_policy::attribute::AttrPath;
use tenantry_policy::condition::{ColumnRef, Cond, Term};
use tenantry_policy::{AttrId, ColumnId, Policy, RelationId, Table, TableId, Type, Value};

use crate::domain::Need;

/// Where a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Column(TableId, ColumnId),
    Attr(AttrId),
}

/// A sort and its values, by position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sort(usize);

/// The sorts of a question.
#[derive(Debug)]
pub(crate) struct Sorts {
    of: BTreeMap<Place, Sort>,
    values: Vec<Vec<Value>>,
    /// How many rows of each table the question may have.
    pub(crate) rows: BTreeMap<TableId, usize>,
    /// Relations whose keys conditions read, and those keys.
    keys: BTreeMap<(TableId, RelationId), Vec<(ColumnId, ColumnId)>>,
}

/// What a question is about.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct About<'a> {
    /// The rows that it names, by their tables.
    pub(crate) rows: &'a [TableId],
    /// Pairs of tables that are two versions of one.
    pub(crate) twins: &'a [(TableId, TableId)],
    /// Relations that the question joins rows by.
    pub(crate) joins: &'a [(TableId, RelationId)],
    /// Values that have to be in the domains besides.
    pub(crate) values: &'a [(Place, Value)],
}

impl Sorts {
    /// The sorts of a question.
    ///
    /// # Errors
    /// The type of a sort that would have too many values to look through.
    pub(crate) fn new(policy: &Policy, about: &About<'_>) -> Result<Sorts, &'static str> {
        let mut rows: BTreeMap<TableId, usize> = BTreeMap::new();
        for table in about.rows {
            count_rows(policy, *table, &mut rows, 0);
        }
        let mut survey = Survey { policy, about, rows: &rows, read: BTreeSet::new(), parent: BTreeMap::new() };
        survey.places();
        survey.twins();
        let keys = survey.keys();
        survey.twins();
        let needs = survey.needs();
        let mut of = BTreeMap::new();
        let mut values = Vec::new();
        let mut at: BTreeMap<Place, Sort> = BTreeMap::new();
        for (root, need) in needs {
            at.insert(root, Sort(values.len()));
            values.push(need.values().ok_or(need.ty.name())?);
        }
        let places: Vec<Place> = survey.read.iter().copied().collect();
        for place in places {
            let root = survey.root(place);
            of.extend(at.get(&root).map(|sort| (place, *sort)));
        }
        Ok(Sorts { of, values, rows, keys })
    }

    /// The sort of a place that the question reads.
    pub(crate) fn of(&self, place: Place) -> Option<Sort> {
        self.of.get(&place).copied()
    }

    /// A sort's values, in order.
    pub(crate) fn values(&self, sort: Sort) -> &[Value] {
        self.values.get(sort.0).map_or(&[], Vec::as_slice)
    }

    /// The keys of a relation that matter: where they are not equal, it leads elsewhere.
    pub(crate) fn keys(&self, table: TableId, relation: RelationId) -> &[(ColumnId, ColumnId)] {
        self.keys.get(&(table, relation)).map_or(&[], Vec::as_slice)
    }
}

/// Looks through every condition that the question may meet.
struct Survey<'s> {
    policy: &'s Policy,
    about: &'s About<'s>,
    rows: &'s BTreeMap<TableId, usize>,
    /// The places that are read.
    read: BTreeSet<Place>,
    /// Which places are of one sort.
    parent: BTreeMap<Place, Place>,
}

impl Survey<'_> {
    fn root(&self, place: Place) -> Place {
        let mut at = place;
        while let Some(next) = self.parent.get(&at) {
            at = *next;
        }
        at
    }

    fn join(&mut self, one: Place, other: Place) {
        let (one, other) = (self.root(one), self.root(other));
        if one != other {
            self.parent.insert(one, other);
        }
    }

    /// The place of a column as a condition of a table names it.
    fn place(&self, table: &Table, column: ColumnRef) -> Option<Place> {
        match column {
            ColumnRef::Own(column) => Some(Place::Column(table.id, column)),
            ColumnRef::Hop(relation, column) => Some(Place::Column(table.relation(relation)?.to, column)),
        }
    }

    fn term(&self, table: &Table, term: &Term) -> Option<Place> {
        match term {
            Term::Column(column) => self.place(table, *column),
            Term::Attr(attr) => Some(Place::Attr(*attr)),
            Term::Literal(_) => None,
        }
    }

    fn tables(&self) -> Vec<&'_ Table> {
        self.rows.keys().filter_map(|id| self.policy.table(*id)).collect()
    }

    /// Notes the places that conditions read, and which of them they compare.
    fn places(&mut self) {
        let mut read: Vec<Place> = Vec::new();
        let mut joined: Vec<(Place, Place)> = Vec::new();
        let tenant = self.policy.attributes.find(&AttrPath::TenantId).map(Place::Attr);
        let lists = self.policy.reach_read.iter().chain(&self.policy.reach_write).map(|list| Place::Attr(*list));
        let tenants: Vec<Place> = tenant.into_iter().chain(lists).collect();
        read.extend(&tenants);
        for table in self.tables() {
            for cond in conditions(table) {
                columns(cond, &mut |column| read.extend(self.place(table, column)));
                cond.attributes(&mut |attr| read.push(Place::Attr(attr)));
                compared(cond, &mut |left, right| {
                    if let (Some(left), Some(right)) = (self.term(table, left), self.term(table, right)) {
                        joined.push((left, right));
                    }
                });
            }
            if let Some(column) = table.tenant.and_then(|column| self.place(table, column)) {
                read.push(column);
                // Tenants are compared with the principal's and with one another. A list that another table's
                // tenant gave another type is compared with none of this one's.
                joined.extend(
                    tenants.iter().filter(|place| self.ty(**place) == self.ty(column)).map(|place| (column, *place)),
                );
            }
        }
        self.read.extend(read);
        for (one, other) in joined {
            self.join(one, other);
        }
    }

    /// Keys of relations: they matter where anything reads one side of a pair.
    fn keys(&mut self) -> BTreeMap<(TableId, RelationId), Vec<(ColumnId, ColumnId)>> {
        let mut used: BTreeSet<(TableId, RelationId)> = self.about.joins.iter().copied().collect();
        for table in self.tables() {
            used.extend(hops(table).into_iter().map(|relation| (table.id, relation)));
        }
        let mut keys: BTreeMap<(TableId, RelationId), Vec<(ColumnId, ColumnId)>> = BTreeMap::new();
        // A key that matters is read itself, which may make another matter.
        loop {
            let mut more = Vec::new();
            for (id, relation) in &used {
                let Some(facts) = self.policy.table(*id).and_then(|table| table.relation(*relation)) else { continue };
                for (own, theirs) in &facts.pairs {
                    let (here, there) = (Place::Column(*id, *own), Place::Column(facts.to, *theirs));
                    let known = keys.get(&(*id, *relation)).is_some_and(|known| known.contains(&(*own, *theirs)));
                    if !known && (self.read.contains(&here) || self.read.contains(&there)) {
                        more.push(((*id, *relation), (*own, *theirs), (here, there)));
                    }
                }
            }
            if more.is_empty() {
                return keys;
            }
            for (relation, pair, (here, there)) in more {
                keys.entry(relation).or_default().push(pair);
                self.read.extend([here, there]);
                self.join(here, there);
            }
        }
    }

    /// A column of one version of a table is the column of that name of the other.
    fn twins(&mut self) {
        for (one, other) in self.about.twins {
            let (Some(one), Some(other)) = (self.policy.table(*one), self.policy.table(*other)) else { continue };
            for (name, column) in &one.by_name {
                let Some(twin) = other.find_column(name) else { continue };
                let (here, there) = (Place::Column(one.id, *column), Place::Column(other.id, twin));
                if self.ty(here) == self.ty(there) && (self.read.contains(&here) || self.read.contains(&there)) {
                    self.read.extend([here, there]);
                    self.join(here, there);
                }
            }
        }
    }

    fn ty(&self, place: Place) -> Option<Type> {
        match place {
            Place::Column(table, column) => self.policy.table(table)?.column(column)?.facts.ty,
            Place::Attr(attr) => Some(self.policy.attributes.get(attr)?.ty),
        }
    }

    /// What each sort needs, by its root.
    fn needs(&self) -> BTreeMap<Place, Need> {
        let mut needs: BTreeMap<Place, Need> = BTreeMap::new();
        for place in &self.read {
            let Some(ty) = self.ty(*place).filter(|ty| ty.in_conditions()) else { continue };
            let need = needs.entry(self.root(*place)).or_insert_with(|| Need::new(ty));
            match place {
                Place::Column(table, column) => {
                    need.variables += self.rows.get(table).copied().unwrap_or(1);
                    let facts = self.policy.table(*table).and_then(|table| table.column(*column));
                    match facts.and_then(|column| column.facts.scale) {
                        Some(scale) => drop(need.scales.insert(u32::from(scale))),
                        None => need.any_scale = true,
                    }
                }
                Place::Attr(_) => {
                    need.variables += 1;
                    need.any_scale = true;
                }
            }
        }
        let mut prefix_attributes: BTreeSet<Place> = BTreeSet::new();
        for table in self.tables() {
            for cond in conditions(table) {
                constants(cond, &mut |term, value, is_prefix| {
                    let Some(place) = self.term(table, term) else { return };
                    if let Some(need) = needs.get_mut(&self.root(place)) {
                        need.constants.push(value.clone());
                        if is_prefix {
                            need.prefixes.push(value.clone());
                            need.in_prefixes = true;
                        }
                    }
                });
                prefixes(cond, &mut |prefix| {
                    if let Some(place) = self.term(table, prefix) {
                        prefix_attributes.insert(place);
                    }
                });
            }
        }
        for place in prefix_attributes {
            if let Some(need) = needs.get_mut(&self.root(place)) {
                // A column that is a prefix is one in each row.
                need.prefix_attributes += match place {
                    Place::Attr(_) => 1,
                    Place::Column(table, _) => self.rows.get(&table).copied().unwrap_or(1),
                };
                need.in_prefixes = true;
            }
        }
        for (place, value) in self.about.values.iter().filter(|(place, _)| self.read.contains(place)) {
            if let Some(need) = needs.get_mut(&self.root(*place)) {
                need.constants.push(value.clone());
            }
        }
        needs
    }
}

/// How many rows of each table a question meets: those asked about, and one for each way of hops from them.
/// Hops never lead in a circle (the file is refused), so this ends; the bound is for policies made by hand.
fn count_rows(policy: &Policy, id: TableId, rows: &mut BTreeMap<TableId, usize>, depth: usize) {
    *rows.entry(id).or_default() += 1;
    let Some(table) = policy.table(id).filter(|_| depth < 16) else { return };
    for relation in hops(table) {
        if let Some(relation) = table.relation(relation) {
            count_rows(policy, relation.to, rows, depth + 1);
        }
    }
}

/// The relations through which conditions of a table, or its tenant, read.
pub(crate) fn hops(table: &Table) -> BTreeSet<RelationId> {
    let mut found = BTreeSet::new();
    let mut note = |column: ColumnRef| {
        if let ColumnRef::Hop(relation, _) = column {
            found.insert(relation);
        }
    };
    conditions(table).for_each(|cond| columns(cond, &mut note));
    table.tenant.iter().for_each(|column| note(*column));
    found
}

fn conditions(table: &Table) -> impl Iterator<Item = &Cond> {
    table.rules.iter().map(|rule| &rule.when).chain(&table.boundary)
}

/// The columns that a condition reads.
pub(crate) fn columns(cond: &Cond, visit: &mut dyn FnMut(ColumnRef)) {
    cond.columns(visit);
}

/// Pairs of terms that a condition compares, whichever way.
fn compared(cond: &Cond, visit: &mut dyn FnMut(&Term, &Term)) {
    match cond {
        Cond::And(parts) | Cond::Or(parts) => parts.iter().for_each(|part| compared(part, visit)),
        Cond::Not(inner) => compared(inner, visit),
        Cond::Compare { left, right, .. } | Cond::StartsWith { term: left, prefix: right } => visit(left, right),
        Cond::InAttr { term, list, .. } => visit(term, &Term::Attr(*list)),
        Cond::Const(_) | Cond::Has(_) | Cond::IsNull { .. } | Cond::InLiterals { .. } => {}
    }
}

/// Constants with the term that each is compared with, and whether it is that term's prefix.
fn constants(cond: &Cond, visit: &mut dyn FnMut(&Term, &Value, bool)) {
    match cond {
        Cond::And(parts) | Cond::Or(parts) => parts.iter().for_each(|part| constants(part, visit)),
        Cond::Not(inner) => constants(inner, visit),
        Cond::Compare { left, right, .. } => match (left, right) {
            (Term::Literal(value), term) | (term, Term::Literal(value)) => visit(term, value, false),
            _ => {}
        },
        Cond::StartsWith { term, prefix } => match (term, prefix) {
            (term, Term::Literal(value)) => visit(term, value, true),
            (Term::Literal(value), prefix) => visit(prefix, value, false),
            _ => {}
        },
        Cond::InLiterals { term, list, .. } => list.iter().for_each(|value| visit(term, value, false)),
        Cond::InAttr { term: Term::Literal(value), list, .. } => visit(&Term::Attr(*list), value, false),
        Cond::Const(_) | Cond::Has(_) | Cond::IsNull { .. } | Cond::InAttr { .. } => {}
    }
}

/// Terms that are prefixes of others.
fn prefixes(cond: &Cond, visit: &mut dyn FnMut(&Term)) {
    match cond {
        Cond::And(parts) | Cond::Or(parts) => parts.iter().for_each(|part| prefixes(part, visit)),
        Cond::Not(inner) => prefixes(inner, visit),
        Cond::StartsWith { prefix, .. } => visit(prefix),
        _ => {}
    }
}
