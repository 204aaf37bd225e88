//! Whose rows are in which table, as far as names and foreign keys tell.

use tenantry_policy::Type;
use tenantry_policy::catalog::{Catalog, CatalogTable, ForeignKey};

use crate::init::names::{is_housekeeping, is_identifier, sensitive, singular, snake, words};

/// Words for a tenant, in tiers: an earlier tier wins, within a tier the word of more tables.
const TIERS: [&[&str]; 3] = [
    &["tenant"],
    &["organization", "organisation", "org", "account", "workspace", "company", "team", "client"],
    &["customer"],
];

/// How the tenants were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tenancy {
    /// The table with a row per tenant, by position in the catalog, when there is one.
    pub(super) table: Option<usize>,
    /// The word for a tenant: `customer`.
    pub(super) word: String,
    /// The type of the tenant's key.
    pub(super) ty: Type,
    /// Other words that tables also have columns for.
    pub(super) others: Vec<String>,
    /// Was it named by the caller?
    pub(super) named: bool,
}

/// Whose rows a table holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Class {
    /// A tenant each, by its own key; or it has a column that says whose.
    Own {
        /// The column, by position.
        column: usize,
        /// Other columns that could have been it.
        rivals: Vec<usize>,
    },
    /// A related row says whose.
    Hop {
        /// The foreign key to follow, by position.
        key: usize,
        /// The table it leads to, by position in the catalog.
        to: usize,
        /// The tenant's column there, by position.
        column: usize,
        /// Other foreign keys that could have been followed.
        rivals: Vec<usize>,
    },
    /// Nobody's: no way leads to a tenant, and nothing in it sounds personal.
    Shared,
    /// Not to be governed before a person decided.
    LeftOut(Why),
}

/// Why a table was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why {
    /// A view or the like.
    NotATable,
    /// Some tool's own.
    Housekeeping,
    /// No way leads to a tenant, and these columns sound personal or secret.
    Personal(Vec<String>),
    /// A tenant is two or more steps away.
    TooFar(Vec<String>),
    /// The tenant's column cannot be compared: its type differs, or it is blank-padded, or blind to case.
    UnfitColumn(String, &'static str),
}

/// No tenant was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoTenancy {
    /// Nothing looks like a tenant.
    #[error("no table has a column that looks like a tenant's key")]
    NotFound {
        /// Tables that others point at most, the likeliest first.
        candidates: Vec<String>,
    },
    /// The table named does not exist.
    #[error("there is no table `{name}`")]
    NoSuchTable {
        /// As the caller wrote it.
        name: String,
        /// Every table.
        tables: Vec<String>,
    },
    /// The table named has no single-column key that a principal can be compared with.
    #[error("the table `{name}` has no primary key of one column of type int, text or uuid")]
    UnfitTable {
        /// The table.
        name: String,
    },
}

/// May a column of this type say whose a row is?
fn fits(ty: Option<Type>) -> bool {
    matches!(ty, Some(Type::Int | Type::Text | Type::Uuid))
}

/// Finds the tenants.
///
/// # Errors
/// [`NoTenancy`] when nothing looks like one, or when what the caller named is not there.
pub(super) fn find(catalog: &Catalog, named: Option<&str>) -> Result<Tenancy, NoTenancy> {
    match named {
        Some(name) => find_named(catalog, name),
        None => guess(catalog),
    }
}

fn find_named(catalog: &Catalog, name: &str) -> Result<Tenancy, NoTenancy> {
    let fits_name = |table: &CatalogTable| {
        table.name == name
            || [&table.schema, ".", &table.name].concat() == name
            || table.name.eq_ignore_ascii_case(name)
            || snake(&table.name) == name
    };
    let exact = catalog.tables.iter().position(|table| table.is_table && table.name == name);
    let found = exact.or_else(|| catalog.tables.iter().position(|table| table.is_table && fits_name(table)));
    let (at, table) =
        found.and_then(|at| Some((at, catalog.tables.get(at)?))).ok_or_else(|| NoTenancy::NoSuchTable {
            name: name.to_owned(),
            tables: catalog.tables.iter().map(|table| table.name.clone()).collect(),
        })?;
    let ty = single_key(table)
        .and_then(|column| table.columns.get(column)?.ty)
        .filter(|ty| fits(Some(*ty)))
        .ok_or_else(|| NoTenancy::UnfitTable { name: table.name.clone() })?;
    Ok(Tenancy { table: Some(at), word: singular(&snake(&table.name)), ty, others: Vec::new(), named: true })
}

fn guess(catalog: &Catalog) -> Result<Tenancy, NoTenancy> {
    // Word -> the tables that have a column for it.
    let mut found: Vec<(usize, &str, usize)> = Vec::new();
    for (tier, tier_words) in TIERS.iter().enumerate() {
        for &word in *tier_words {
            let target = table_of(catalog, word);
            let count = catalog
                .tables
                .iter()
                .enumerate()
                .filter(|(at, table)| {
                    table.is_table && Some(*at) != target && !candidates(table, word, catalog, target).is_empty()
                })
                .count();
            if count > 0 {
                found.push((tier, word, count));
            }
        }
    }
    found.sort_by_key(|(tier, _, count)| (*tier, std::cmp::Reverse(*count)));
    let Some((_, word, _)) = found.first().copied() else {
        return Err(NoTenancy::NotFound { candidates: most_pointed_at(catalog) });
    };
    let table = table_of(catalog, word).or_else(|| target_of(catalog, word));
    Ok(Tenancy {
        ty: common_type(catalog, word, table).unwrap_or(Type::Text),
        table,
        word: word.to_owned(),
        others: found.iter().skip(1).map(|(_, word, _)| (*word).to_owned()).collect(),
        named: false,
    })
}

/// The table that a word names, with a key that fits.
fn table_of(catalog: &Catalog, word: &str) -> Option<usize> {
    catalog.tables.iter().position(|table| {
        table.is_table
            && singular(&snake(&table.name)) == word
            && single_key(table).is_some_and(|column| table.columns.get(column).is_some_and(|column| fits(column.ty)))
    })
}

/// The table that columns of the word's name point at, whatever its own name is.
fn target_of(catalog: &Catalog, word: &str) -> Option<usize> {
    catalog.tables.iter().filter(|table| table.is_table).find_map(|table| {
        table.foreign_keys.iter().find_map(|key| {
            let [column] = key.columns.as_slice() else { return None };
            let named = table.columns.get(*column).is_some_and(|column| is_named(&column.name, word));
            named.then(|| target(catalog, key)).flatten()
        })
    })
}

/// The type that most of the word's columns have.
fn common_type(catalog: &Catalog, word: &str, target: Option<usize>) -> Option<Type> {
    let own = target
        .and_then(|at| catalog.tables.get(at))
        .and_then(|table| table.columns.get(single_key(table)?)?.ty)
        .filter(|ty| fits(Some(*ty)));
    own.or_else(|| {
        let mut counts = [(Type::Text, 0), (Type::Uuid, 0), (Type::Int, 0)];
        for table in catalog.tables.iter().filter(|table| table.is_table) {
            for column in candidates(table, word, catalog, target) {
                let ty = table.columns.get(column).and_then(|column| column.ty);
                counts.iter_mut().filter(|(known, _)| Some(*known) == ty).for_each(|(_, count)| *count += 1);
            }
        }
        counts.into_iter().rev().max_by_key(|(_, count)| *count).map(|(ty, _)| ty)
    })
}

fn most_pointed_at(catalog: &Catalog) -> Vec<String> {
    let mut counted: Vec<(usize, &str)> = catalog
        .tables
        .iter()
        .enumerate()
        .filter(|(_, table)| table.is_table && single_key(table).is_some())
        .map(|(at, table)| {
            let keys = catalog.tables.iter().flat_map(|other| &other.foreign_keys);
            (keys.filter(|key| target(catalog, key) == Some(at)).count(), table.name.as_str())
        })
        .filter(|(count, _)| *count > 0)
        .collect();
    counted.sort_by_key(|(count, name)| (std::cmp::Reverse(*count), *name));
    counted.into_iter().take(5).map(|(_, name)| name.to_owned()).collect()
}

/// The only column of the primary key.
#[must_use]
pub(super) fn single_key(table: &CatalogTable) -> Option<usize> {
    match table.primary_key.as_slice() {
        [column] => Some(*column),
        _ => None,
    }
}

/// The table that a foreign key points at.
#[must_use]
pub(super) fn target(catalog: &Catalog, key: &ForeignKey) -> Option<usize> {
    catalog.tables.iter().position(|table| table.schema == key.to_schema && table.name == key.to_table)
}

/// Is it `<word>_id`, `<word>_uuid` or `<word>_key`? The bare word is only taken for `tenant`: a column
/// `company` or `account` as often holds a name.
fn is_named(column: &str, word: &str) -> bool {
    let mut parts = words(column);
    if parts.len() > 1 && parts.last().is_some_and(|last| matches!(last.as_str(), "id" | "uuid" | "key")) {
        parts.pop();
    } else if word != "tenant" {
        return false;
    }
    parts.join("_") == word
}

/// The columns of a table that may hold the tenant's key: those of its name first, then those that
/// point at the tenants' table.
fn candidates(table: &CatalogTable, word: &str, catalog: &Catalog, tenants: Option<usize>) -> Vec<usize> {
    let mut found: Vec<usize> = table
        .columns
        .iter()
        .enumerate()
        .filter(|(at, column)| {
            // A column of that name that points elsewhere is something else.
            let elsewhere = table
                .foreign_keys
                .iter()
                .any(|key| key.columns == [*at] && tenants.is_some() && target(catalog, key) != tenants);
            is_named(&column.name, word) && fits(column.ty) && !elsewhere
        })
        .map(|(at, _)| at)
        .collect();
    let tenant_key =
        tenants.and_then(|at| catalog.tables.get(at)).and_then(|table| table.columns.get(single_key(table)?));
    if let Some(tenant_key) = tenant_key {
        for key in table.foreign_keys.iter().filter(|key| target(catalog, key) == tenants) {
            let pair = key.columns.iter().zip(&key.to_columns).find(|(_, to)| **to == tenant_key.name);
            if let Some((column, _)) = pair
                && !found.contains(column)
            {
                found.push(*column);
            }
        }
    }
    // Then columns that must hold a value come first: a row without a tenant is nobody's.
    found.sort_by_key(|at| table.columns.get(*at).map(|column| (!is_named(&column.name, word), column.nullable)));
    found
}

/// Says whose rows each table holds, in the catalog's order.
#[must_use]
pub(super) fn classify(catalog: &Catalog, tenancy: &Tenancy) -> Vec<Class> {
    let mut classes: Vec<Class> =
        catalog.tables.iter().enumerate().map(|(at, table)| classify_alone(catalog, tenancy, at, table)).collect();
    // One hop: a foreign key to a table that knows its tenant by a column of its own.
    let direct = classes.clone();
    for (at, table) in catalog.tables.iter().enumerate() {
        if classes.get(at) != Some(&Class::Shared) {
            continue;
        }
        let mut hops: Vec<(usize, usize, usize)> = table
            .foreign_keys
            .iter()
            .enumerate()
            .filter_map(|(key_at, key)| {
                let to = target(catalog, key).filter(|to| *to != at)?;
                let Some(Class::Own { column, .. }) = direct.get(to) else { return None };
                let there = catalog.tables.get(to)?;
                let usable = is_identifier(&there.columns.get(*column)?.name) && key_pairs(table, there, key).is_some();
                usable.then_some((key_at, to, *column))
            })
            .collect();
        hops.sort_by_key(|(key, ..)| {
            let columns = table.foreign_keys.get(*key).map(|key| key.columns.as_slice()).unwrap_or_default();
            columns.iter().any(|column| table.columns.get(*column).is_none_or(|column| column.nullable))
        });
        let rivals = hops.iter().skip(1).map(|(key, ..)| *key).collect();
        if let (Some((key, to, column)), Some(slot)) = (hops.first().copied(), classes.get_mut(at)) {
            *slot = Class::Hop { key, to, column, rivals };
        }
    }
    for at in 0..catalog.tables.len() {
        if classes.get(at) == Some(&Class::Shared)
            && let Some(why) = why_not_shared(catalog, &classes, at)
            && let Some(slot) = classes.get_mut(at)
        {
            *slot = Class::LeftOut(why);
        }
    }
    classes
}

fn classify_alone(catalog: &Catalog, tenancy: &Tenancy, at: usize, table: &CatalogTable) -> Class {
    if !table.is_table {
        return Class::LeftOut(Why::NotATable);
    }
    if is_housekeeping(&table.name) {
        return Class::LeftOut(Why::Housekeeping);
    }
    if tenancy.table == Some(at) {
        // find() made sure that the tenants' table has such a key.
        return single_key(table).map_or(Class::Shared, |column| Class::Own { column, rivals: Vec::new() });
    }
    let mut found = candidates(table, &tenancy.word, catalog, tenancy.table);
    if found.is_empty() {
        return Class::Shared;
    }
    let column = found.remove(0);
    match table.columns.get(column).and_then(|column| unfit(column, tenancy.ty)) {
        Some((name, problem)) => Class::LeftOut(Why::UnfitColumn(name, problem)),
        None => Class::Own { column, rivals: found },
    }
}

fn unfit(column: &tenantry_policy::catalog::CatalogColumn, ty: Type) -> Option<(String, &'static str)> {
    let problem = if column.ty != Some(ty) {
        "its type differs from the tenant's key in other tables"
    } else if column.loose_collation.is_some() {
        "its collation calls different texts equal"
    } else if column.padded {
        "its type pads with blanks"
    } else {
        return None;
    };
    Some((column.name.clone(), problem))
}

/// A table that no single step connects with a tenant: is it a catalogue for everybody, or not?
fn why_not_shared(catalog: &Catalog, classes: &[Class], at: usize) -> Option<Why> {
    let table = catalog.tables.get(at)?;
    let personal: Vec<String> = table
        .columns
        .iter()
        .filter(|column| sensitive(&column.name).is_some())
        .map(|column| column.name.clone())
        .collect();
    if !personal.is_empty() {
        return Some(Why::Personal(personal));
    }
    // Breadth first over foreign keys; any tenant's table in reach means that these rows are somebody's.
    let mut ways: Vec<Vec<usize>> = vec![vec![at]];
    let mut seen = vec![at];
    while let Some(way) = (!ways.is_empty()).then(|| ways.remove(0)) {
        let here = way.last().and_then(|here| catalog.tables.get(*here))?;
        for key in &here.foreign_keys {
            let Some(to) = target(catalog, key).filter(|to| !seen.contains(to)) else { continue };
            let mut longer = way.clone();
            longer.push(to);
            if matches!(classes.get(to), Some(Class::Own { .. } | Class::Hop { .. })) {
                // That table may itself reach the tenant through another one.
                if let Some(Class::Hop { to, .. }) = classes.get(to) {
                    longer.push(*to);
                }
                let names = longer.iter().filter_map(|at| catalog.tables.get(*at)).map(|table| table.name.clone());
                return Some(Why::TooFar(names.collect()));
            }
            seen.push(to);
            ways.push(longer);
        }
    }
    None
}

/// The pairs (column here, column there) of a foreign key in the order of the other table's primary
/// key; `None` when it does not point at that key or the types differ. A composite key that carries
/// the tenant beside the primary key is led back to the primary key.
#[must_use]
pub(super) fn key_pairs(table: &CatalogTable, there: &CatalogTable, key: &ForeignKey) -> Option<Vec<(usize, usize)>> {
    if there.primary_key.is_empty() {
        return None;
    }
    there
        .primary_key
        .iter()
        .map(|to| {
            let name = &there.columns.get(*to)?.name;
            let (from, _) = key.columns.iter().zip(&key.to_columns).find(|(_, column)| *column == name)?;
            let (ours, theirs) = (table.columns.get(*from)?.ty?, there.columns.get(*to)?.ty?);
            (ours == theirs).then_some((*from, *to))
        })
        .collect()
}
