//! A compiled policy: every table, rule and role of the file, resolved against the catalogs.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;

use crate::attribute::{AttrId, Attributes};
use crate::ids::TableId;
use crate::table::Table;
use crate::tool::ToolSet;

/// The law in force. Made by the file room's compiler; immutable.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// SHA-256 of the file's canonical form and of the catalogs it was checked against. Cursors and
    /// audit records carry its beginning.
    pub version: [u8; 32],
    /// The governed tables, ordered by name.
    pub tables: Vec<Table>,
    /// What each role grants.
    pub roles: HashMap<Arc<str>, RoleGrants>,
    /// The attributes that rules read.
    pub attributes: Attributes,
    /// The lists through which reads may leave the own tenant.
    pub reach_read: Vec<AttrId>,
    /// The lists through which writes may leave the own tenant.
    pub reach_write: Vec<AttrId>,
    /// Positions by name.
    pub by_name: BTreeMap<Arc<str>, TableId>,
}

/// The tools that a role grants, by table; only tables with at least one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleGrants {
    /// Ordered by table.
    pub tools: Vec<(TableId, ToolSet)>,
}

impl Policy {
    /// The table at a position.
    #[must_use]
    pub fn table(&self, id: TableId) -> Option<&Table> {
        self.tables.get(id.index())
    }

    /// The table that callers know by that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Table> {
        self.by_name.get(name).and_then(|id| self.table(*id))
    }

    /// The first 16 hexadecimal digits of the version, for people and records.
    #[must_use]
    pub fn short_version(&self) -> String {
        let mut text = String::with_capacity(16);
        for byte in self.version.iter().take(8) {
            for nibble in [byte >> 4, byte & 15] {
                text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
            }
        }
        text
    }
}
