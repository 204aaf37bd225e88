//! A first `tenantry.toml` from what a database says of itself. Pure: catalog in, text out.
//!
//! It guesses from names and foreign keys, and guesses on the safe side: what it does not
//! understand is left out, which denies it, and is put on the list for a person to decide.

mod names;
mod relations;
mod tenancy;
mod write;

use std::collections::BTreeSet;

use serde::Serialize;
use tenantry_policy::catalog::Catalog;
use tenantry_policy::object::Object;

pub use tenancy::NoTenancy;

/// What the caller wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wishes {
    /// The table that has a row per tenant; found by its looks when not named.
    pub tenant: Option<String>,
    /// The source's `url` as it shall stand in the file: a reference, or a SQLite path. Never a secret.
    pub url: String,
    /// Sections about the database's roles, rights and row security, written elsewhere; empty for SQLite.
    pub rights: String,
    /// Roles that these sections give rights on governed tables: `url` may name none of them.
    pub holders: Vec<String>,
}

/// A first file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The text of `tenantry.toml`.
    pub text: String,
    /// What a person must decide, in the order of the text.
    pub decisions: Vec<Decision>,
    /// The models governed.
    pub models: Vec<String>,
    /// The tables left out.
    pub left_out: Vec<String>,
}

/// Something that a person must decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// The table it is about; `None` for the whole file.
    pub table: Option<String>,
    /// The question.
    pub question: String,
    /// What the file says until then.
    pub meanwhile: String,
}

/// Writes a first file.
///
/// # Errors
/// [`NoTenancy`] when no table looks as if it knew a tenant; the caller names one then.
pub fn draft(catalog: &Catalog, wishes: &Wishes) -> Result<Draft, NoTenancy> {
    let tenancy = tenancy::find(catalog, wishes.tenant.as_deref())?;
    let classes = tenancy::classify(catalog, &tenancy);
    let models = relations::models(catalog, &classes);
    Ok(write::write(&write::Facts { catalog, tenancy: &tenancy, classes: &classes, models: &models }, wishes))
}

/// The tables that a first file would govern.
///
/// # Errors
/// As [`draft`].
pub fn governed(catalog: &Catalog, tenant: Option<&str>) -> Result<BTreeSet<Object>, NoTenancy> {
    let tenancy = tenancy::find(catalog, tenant)?;
    let classes = tenancy::classify(catalog, &tenancy);
    let models = relations::models(catalog, &classes);
    let tables = models.iter().filter_map(|model| catalog.tables.get(model.table));
    Ok(tables.map(|table| Object::Table { schema: table.schema.clone(), name: table.name.clone() }).collect())
}

#[cfg(test)]
mod tests;
