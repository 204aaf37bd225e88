//! A table with one column of every kind, and two relations.

use crate::catalog::{CatalogColumn, Storage};
use crate::condition::{Names, RelationInfo};
use crate::ids::{ColumnId, RelationId};
use crate::value::Type;

pub(super) struct World {
    columns: Vec<CatalogColumn>,
    related: Vec<CatalogColumn>,
}

fn column(name: &str, ty: Option<Type>) -> CatalogColumn {
    CatalogColumn {
        name: name.to_owned(),
        ty,
        native: "native".to_owned(),
        storage: Storage::Native,
        scale: None,
        whole_digits: None,
        nullable: true,
        has_default: false,
        generated: false,
        loose_collation: None,
        padded: false,
    }
}

impl World {
    pub(super) fn new() -> World {
        let number =
            |name, scale| CatalogColumn { storage: Storage::DecimalNumber, scale, ..column(name, Some(Type::Decimal)) };
        let columns = vec![
            column("id", Some(Type::Int)),
            column("tenant_id", Some(Type::Text)),
            column("status", Some(Type::Text)),
            number("amount", Some(2)),
            column("created_at", Some(Type::Timestamp)),
            column("is_public", Some(Type::Bool)),
            column("uid", Some(Type::Uuid)),
            CatalogColumn { padded: true, ..column("code", Some(Type::Text)) },
            CatalogColumn { loose_collation: Some("NOCASE".to_owned()), ..column("nick", Some(Type::Text)) },
            column("born", Some(Type::Date)),
            column("ratio", Some(Type::Float)),
            column("doc", Some(Type::Json)),
            column("shape", None),
            column("level", Some(Type::Int)),
            number("price", None),
            column("total", Some(Type::Decimal)),
            column("has", Some(Type::Int)),
            column("timestamp", Some(Type::Timestamp)),
            column("größe", Some(Type::Int)),
            column("Order Id", Some(Type::Text)),
        ];
        let related =
            vec![column("id", Some(Type::Int)), column("tenant_id", Some(Type::Text)), column("in", Some(Type::Text))];
        World { columns, related }
    }
}

fn find<'a>(columns: &'a [CatalogColumn], name: &str) -> Option<(ColumnId, &'a CatalogColumn)> {
    let at = columns.iter().position(|column| column.name == name)?;
    Some((ColumnId(u16::try_from(at).unwrap()), &columns[at]))
}

impl Names for World {
    fn column(&self, name: &str) -> Option<(ColumnId, &CatalogColumn)> {
        find(&self.columns, name)
    }

    fn column_names(&self) -> Vec<&str> {
        self.columns.iter().map(|column| column.name.as_str()).collect()
    }

    fn relation(&self, name: &str) -> Option<RelationInfo> {
        match name {
            "customer" => Some(RelationInfo { id: RelationId(0), to_one: true }),
            "lines" => Some(RelationInfo { id: RelationId(1), to_one: false }),
            _ => None,
        }
    }

    fn relation_names(&self) -> Vec<&str> {
        vec!["customer", "lines"]
    }

    fn related_column(&self, relation: RelationId, name: &str) -> Option<(ColumnId, &CatalogColumn)> {
        (relation == RelationId(0)).then(|| find(&self.related, name)).flatten()
    }

    fn related_column_names(&self, relation: RelationId) -> Vec<&str> {
        match relation {
            RelationId(0) => self.related.iter().map(|column| column.name.as_str()).collect(),
            _ => Vec::new(),
        }
    }
}
