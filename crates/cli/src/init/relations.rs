//! The models that the file gets, with their names and relations.

use std::collections::BTreeSet;

use tenantry_policy::catalog::{Catalog, CatalogTable};

use crate::init::names::{singular, snake, words};
use crate::init::tenancy::{Class, key_pairs, target};

/// A table that the file governs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Model {
    /// Its position in the catalog.
    pub(super) table: usize,
    /// Its name in the file.
    pub(super) name: String,
    /// Its relations, ordered by name.
    pub(super) relations: Vec<Link>,
}

/// A relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    /// Its name.
    pub(super) name: String,
    /// The other model, by position in the list of models.
    pub(super) to: usize,
    /// To one: our columns, by position. To many: the other table's columns.
    pub(super) columns: Vec<usize>,
    /// To one row?
    pub(super) to_one: bool,
    /// The foreign key that it follows, by position in the table that has it.
    pub(super) key: usize,
}

/// Every governed table, in the catalog's order, with unique names.
#[must_use]
pub(super) fn models(catalog: &Catalog, classes: &[Class]) -> Vec<Model> {
    let mut taken = BTreeSet::new();
    let mut models: Vec<Model> = Vec::new();
    for (at, (table, class)) in catalog.tables.iter().zip(classes).enumerate() {
        if matches!(class, Class::LeftOut(_)) {
            continue;
        }
        let plain = snake(&table.name);
        let name = if taken.contains(&plain) { snake(&[&table.schema, "_", &table.name].concat()) } else { plain };
        models.push(Model { table: at, name: free(&name, &mut taken), relations: Vec::new() });
    }
    link(catalog, &mut models);
    models
}

/// The name, or the name with a number, that is not taken; takes it.
fn free(name: &str, taken: &mut BTreeSet<String>) -> String {
    let mut found = name.to_owned();
    let mut number = 2;
    while !taken.insert(found.clone()) {
        found = format!("{name}_{number}");
        number += 1;
    }
    found
}

/// Finds the relations of every model from the foreign keys, both ways.
fn link(catalog: &Catalog, models: &mut [Model]) {
    // A relation may not have the name of a field, so the columns take their names first.
    let mut taken: Vec<BTreeSet<String>> = models
        .iter()
        .filter_map(|model| catalog.tables.get(model.table))
        .map(|table| table.columns.iter().map(|column| column.name.clone()).collect())
        .collect();
    let by_table = |table: usize, models: &[Model]| models.iter().position(|model| model.table == table);
    // (model, foreign key, other model, our columns, name to one)
    let mut ones: Vec<(usize, usize, usize, Vec<usize>, String)> = Vec::new();
    for (at, model) in models.iter().enumerate() {
        let Some(table) = catalog.tables.get(model.table) else { continue };
        for (key_at, key) in table.foreign_keys.iter().enumerate() {
            let Some(to) = target(catalog, key).and_then(|to| by_table(to, models)) else { continue };
            let Some(there) = models.get(to).and_then(|model| catalog.tables.get(model.table)) else { continue };
            let Some(pairs) = key_pairs(table, there, key) else { continue };
            let columns: Vec<usize> = pairs.into_iter().map(|(from, _)| from).collect();
            // Two foreign keys over the same columns to the same table are one relation.
            if ones.iter().any(|(model, _, other, known, _)| (*model, *other, known) == (at, to, &columns)) {
                continue;
            }
            let Some(names) = taken.get_mut(at) else { continue };
            let wished = to_one_name(table, &columns, there);
            let name = if names.contains(&wished) { singular(&snake(&there.name)) } else { wished };
            let name = free(&name, names);
            ones.push((at, key_at, to, columns, name));
        }
    }
    let mut links: Vec<(usize, Link)> = Vec::new();
    for (at, key, to, columns, name) in &ones {
        links.push((*at, Link { name: name.clone(), to: *to, columns: columns.clone(), to_one: true, key: *key }));
        let siblings = ones.iter().filter(|(other, _, target, ..)| (other, target) == (at, to)).count();
        let (Some(child), Some(names)) = (models.get(*at), taken.get_mut(*to)) else { continue };
        let plain = if siblings > 1 || at == to || names.contains(&child.name) {
            [&child.name, "_by_", name].concat()
        } else {
            child.name.clone()
        };
        let name = free(&plain.chars().take(58).collect::<String>(), names);
        links.push((*to, Link { name, to: *at, columns: columns.clone(), to_one: false, key: *key }));
    }
    for (at, link) in links {
        if let Some(model) = models.get_mut(at) {
            model.relations.push(link);
        }
    }
    for model in models {
        model.relations.sort_by(|one, other| one.name.cmp(&other.name));
    }
}

/// `customer` for `customer_id`; the other table's name when the column does not tell.
fn to_one_name(table: &CatalogTable, columns: &[usize], there: &CatalogTable) -> String {
    let fallback = || singular(&snake(&there.name));
    let [column] = columns else { return fallback() };
    let Some(column) = table.columns.get(*column) else { return fallback() };
    let mut parts = words(&column.name);
    if parts.len() > 1 && parts.last().is_some_and(|last| matches!(last.as_str(), "id" | "uuid" | "key" | "fk")) {
        parts.pop();
        return snake(&parts.join("_"));
    }
    fallback()
}
