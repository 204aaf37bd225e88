//! Columns: what callers see of each.

use std::collections::{BTreeMap, BTreeSet};

use tenantry_file::model::{FieldDecl, FieldLong, FieldShow, TableDecl};

use crate::effect::{Side, tell};
use crate::plan::Effect;

/// Adds what callers see more, or less, of each column.
pub(super) fn compare(old: &Side, new: &Side, effects: &mut Vec<Effect>) {
    let tables = |side: &Side| -> BTreeMap<String, BTreeMap<String, String>> {
        let tables = side.loaded.iter().flat_map(|loaded| &loaded.document().table);
        tables.map(|(name, table)| (name.as_str().to_owned(), shown(table))).collect()
    };
    let (old_tables, new_tables) = (tables(old), tables(new));
    let names: BTreeSet<&String> = old_tables.keys().chain(new_tables.keys()).collect();
    for name in names {
        let none = BTreeMap::new();
        let before = old_tables.get(name).unwrap_or(&none);
        let after = new_tables.get(name).unwrap_or(&none);
        let each = |from: &BTreeMap<String, String>, to: &BTreeMap<String, String>| -> Vec<String> {
            let more = to.iter().filter(|(column, show)| from.get(*column) != Some(*show));
            more.map(|(column, show)| if show == "allow" { column.clone() } else { format!("{column} ({show})") })
                .collect()
        };
        let changes = BTreeMap::from([((each(before, after), each(after, before)), Vec::new())]);
        tell(effects, |_| format!("table.{name}"), changes, "column");
    }
}

/// What callers see of each column that they see at all.
fn shown(table: &TableDecl) -> BTreeMap<String, String> {
    let each = table.fields.iter().map(|(column, field)| {
        let show = match field {
            FieldDecl::Short(text) => text.clone(),
            FieldDecl::Long(FieldLong { mask: Some(mask), .. }) => format!("mask:{mask}"),
            FieldDecl::Long(FieldLong { show, .. }) => match show {
                Some(FieldShow::Deny) => "deny",
                Some(FieldShow::Hash) => "hash",
                Some(FieldShow::Mask) => "mask",
                Some(FieldShow::Allow) | None => "allow",
            }
            .to_owned(),
        };
        (column.clone(), show)
    });
    each.filter(|(_, show)| show != "deny").collect()
}
