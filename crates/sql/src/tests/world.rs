//! A policy made by hand, for either database.

use std::collections::BTreeMap;
use std::sync::Arc;

use tenantry_policy::attribute::Attributes;
use tenantry_policy::catalog::{CatalogColumn, Dialect, Storage};
use tenantry_policy::condition::{ColumnRef, Cond, Names, RelationInfo, compile};
use tenantry_policy::principal::{Datum, Principal};
use tenantry_policy::redact::Mask;
use tenantry_policy::table::{Budget, Column, DeleteMode, Field, OpSet, Relation, Rule, RuleKind, Table, Writes};
use tenantry_policy::{Access, Address, Bound, ColumnId, Context, Op, Policy, RelationId, TableId, Type, Value};

pub(super) const NOW: i64 = 1_767_225_600_000_000;

/// A table as a test writes it.
pub(super) struct Spec {
    pub(super) name: &'static str,
    pub(super) columns: Vec<Column>,
    pub(super) key: Vec<&'static str>,
    pub(super) unique: Vec<Vec<&'static str>>,
    /// Name, other table, to one, own column, other column.
    pub(super) relations: Vec<(&'static str, &'static str, bool, &'static str, &'static str)>,
    pub(super) rules: Vec<(RuleKind, &'static str, OpSet, &'static str)>,
    /// For reads, and for writes.
    pub(super) boundary: (&'static str, &'static str),
    pub(super) writes: fn(&Table) -> Writes,
}

pub(super) fn column(dialect: Dialect, name: &str, ty: Type, nullable: bool) -> Column {
    let (storage, native) = match (dialect, ty) {
        (Dialect::Postgres, ty) => (
            Storage::Native,
            match ty {
                Type::Bool => "bool",
                Type::Int => "int8",
                Type::Decimal => "numeric",
                Type::Text => "text",
                Type::Uuid => "uuid",
                Type::Timestamp => "timestamptz",
                Type::Date => "date",
                Type::Float => "float8",
                Type::Json => "jsonb",
                Type::Bytes => "bytea",
            },
        ),
        (Dialect::Sqlite, Type::Bool) => (Storage::BoolInt, "INTEGER"),
        (Dialect::Sqlite, Type::Timestamp) => (Storage::TimestampText, "DATETIME"),
        (Dialect::Sqlite, Type::Uuid) => (Storage::UuidText, "TEXT"),
        (Dialect::Sqlite, Type::Date) => (Storage::DateText, "DATE"),
        (Dialect::Sqlite, Type::Decimal) => (Storage::DecimalNumber, "NUMERIC(10,2)"),
        (Dialect::Sqlite, Type::Json) => (Storage::JsonText, "TEXT"),
        (Dialect::Sqlite, Type::Int) => (Storage::Native, "INTEGER"),
        (Dialect::Sqlite, Type::Float) => (Storage::Native, "REAL"),
        (Dialect::Sqlite, Type::Bytes) => (Storage::Native, "BLOB"),
        (Dialect::Sqlite, Type::Text) => (Storage::Native, "TEXT"),
    };
    Column {
        facts: CatalogColumn {
            name: name.to_owned(),
            ty: Some(ty),
            native: native.to_owned(),
            storage,
            scale: (ty == Type::Decimal).then_some(2),
            whole_digits: None,
            nullable,
            has_default: false,
            generated: false,
            loose_collation: None,
            padded: false,
        },
        field: Field::Allow,
        description: None,
    }
}

fn with(mut column: Column, change: impl FnOnce(&mut Column)) -> Column {
    change(&mut column);
    column
}

struct Scope<'a> {
    table: &'a Table,
    tables: &'a [Table],
}

impl Names for Scope<'_> {
    fn column(&self, name: &str) -> Option<(ColumnId, &CatalogColumn)> {
        let id = self.table.find_column(name)?;
        Some((id, &self.table.column(id)?.facts))
    }

    fn column_names(&self) -> Vec<&str> {
        self.table.columns.iter().map(|column| column.facts.name.as_str()).collect()
    }

    fn relation(&self, name: &str) -> Option<RelationInfo> {
        self.table.find_relation(name).map(|(id, relation)| RelationInfo { id, to_one: relation.to_one })
    }

    fn relation_names(&self) -> Vec<&str> {
        self.table.relations.iter().map(|relation| relation.name.as_ref()).collect()
    }

    fn related_column(&self, relation: RelationId, name: &str) -> Option<(ColumnId, &CatalogColumn)> {
        let table = &self.tables[self.table.relation(relation)?.to.index()];
        let id = table.find_column(name)?;
        Some((id, &table.column(id)?.facts))
    }

    fn related_column_names(&self, _: RelationId) -> Vec<&str> {
        Vec::new()
    }
}

pub(super) fn policy(dialect: Dialect, mut specs: Vec<Spec>) -> Policy {
    specs.sort_by_key(|spec| spec.name);
    let place = |name: &str| TableId(u16::try_from(specs.iter().position(|spec| spec.name == name).unwrap()).unwrap());
    let schema = if dialect == Dialect::Sqlite { "main" } else { "public" };
    let mut tables: Vec<Table> = Vec::new();
    for (at, spec) in specs.iter().enumerate() {
        let by_name: BTreeMap<Arc<str>, ColumnId> = spec
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| (Arc::from(column.facts.name.as_str()), ColumnId(u16::try_from(at).unwrap())))
            .collect();
        let ids = |names: &[&str]| names.iter().map(|name| by_name[*name]).collect::<Vec<_>>();
        tables.push(Table {
            id: TableId(u16::try_from(at).unwrap()),
            name: spec.name.into(),
            description: None,
            source: "main".into(),
            dialect,
            schema: schema.into(),
            db_name: spec.name.into(),
            columns: spec.columns.clone(),
            key: ids(&spec.key),
            unique: spec.unique.iter().map(|key| ids(key)).collect(),
            relations: Vec::new(),
            tenant: None,
            rules: Vec::new(),
            boundary: [Cond::Const(true), Cond::Const(true), Cond::Const(true), Cond::Const(true)],
            writes: Writes::default(),
            budget: Budget::default(),
            by_name,
        });
    }
    for (at, spec) in specs.iter().enumerate() {
        let relations = spec
            .relations
            .iter()
            .map(|(name, to, to_one, own, theirs)| {
                let to = place(to);
                let pair = (tables[at].by_name[*own], tables[to.index()].by_name[*theirs]);
                Relation { name: (*name).into(), to, to_one: *to_one, pairs: vec![pair] }
            })
            .collect();
        tables[at].relations = relations;
    }
    let mut attributes = Attributes::default();
    for (at, spec) in specs.iter().enumerate() {
        let cond = |text: &str, attributes: &mut Attributes| {
            compile(text, &Scope { table: &tables[at], tables: &tables }, attributes)
                .unwrap_or_else(|error| panic!("{text}: {error}"))
        };
        let rules = spec
            .rules
            .iter()
            .map(|(kind, name, on, when)| {
                let mut address = ["table.", spec.name, ".", kind.name()].concat();
                if !name.is_empty() {
                    address = [&address, ".", name].concat();
                }
                let address = Address::new(address);
                Rule { address, kind: *kind, on: *on, when: cond(when, &mut attributes), text: (*when).into() }
            })
            .collect();
        let (read, write) = (cond(spec.boundary.0, &mut attributes), cond(spec.boundary.1, &mut attributes));
        tables[at].rules = rules;
        tables[at].boundary = [read, write.clone(), write.clone(), write];
        tables[at].tenant = tables[at].find_column("tenant_id").map(ColumnRef::Own);
        tables[at].writes = (spec.writes)(&tables[at]);
    }
    let by_name = tables.iter().map(|table| (table.name.clone(), table.id)).collect();
    Policy { tables, attributes, by_name, ..Policy::default() }
}

/// Customers, orders, their lines, and shared plans.
pub(super) fn shop(dialect: Dialect) -> Policy {
    let text = |name, nullable| column(dialect, name, Type::Text, nullable);
    let int = |name, nullable| column(dialect, name, Type::Int, nullable);
    let typed = |name, ty| column(dialect, name, ty, true);
    let reach = "tenant_id = principal.tenant_id OR tenant_id IN principal.metadata.tenant_hierarchy";
    let customers = Spec {
        name: "customers",
        columns: vec![int("id", false), text("tenant_id", false), text("name", false), text("region", true)],
        key: vec!["id"],
        unique: vec![vec!["tenant_id", "name"]],
        relations: vec![("orders", "orders", false, "id", "customer_id")],
        rules: vec![
            (RuleKind::Scope, "", OpSet::ALL, "tenant_id = principal.tenant_id"),
            (RuleKind::Permit, "parent", OpSet::READ, "tenant_id IN principal.metadata.tenant_hierarchy"),
        ],
        boundary: (reach, "tenant_id = principal.tenant_id"),
        writes: |_| Writes::default(),
    };
    let orders = Spec {
        name: "orders",
        columns: vec![
            with(int("id", false), |id| id.facts.has_default = true),
            text("tenant_id", false),
            int("customer_id", true),
            match dialect {
                Dialect::Postgres => with(text("status", false), |status| {
                    status.facts.storage = Storage::Enum;
                    status.facts.native = "\"public\".\"order_status\"".to_owned();
                }),
                Dialect::Sqlite => text("status", false),
            },
            typed("total", Type::Decimal),
            typed("placed_at", Type::Timestamp),
            with(typed("closed_at", Type::Timestamp), |closed| {
                if dialect == Dialect::Sqlite {
                    closed.facts.storage = Storage::TimestampMicros;
                } else {
                    closed.facts.native = "timestamp".to_owned();
                }
            }),
            typed("urgent", Type::Bool),
            typed("reference", Type::Uuid),
            with(text("card", true), |card| card.field = Field::Mask { mask: Mask::Last(4), filterable: false }),
            with(text("email", true), |email| email.field = Field::Hash { filterable: true }),
            with(text("note", true), |note| note.field = Field::Denied),
            with(typed("deleted_at", Type::Timestamp), |deleted| deleted.field = Field::Denied),
            typed("extra", Type::Json),
            typed("weight", Type::Float),
            typed("due", Type::Date),
        ],
        key: vec!["id"],
        unique: vec![vec!["tenant_id", "reference"]],
        relations: vec![
            ("customer", "customers", true, "customer_id", "id"),
            ("lines", "order_lines", false, "id", "order_id"),
        ],
        rules: vec![
            (RuleKind::Scope, "", OpSet::ALL, "tenant_id = principal.tenant_id"),
            (RuleKind::Permit, "parent-access", OpSet::READ, "tenant_id IN principal.metadata.tenant_hierarchy"),
            (RuleKind::Bypass, "support", OpSet::READ, "'support' IN principal.roles"),
            (RuleKind::Require, "not-archived", OpSet::ALL, "status <> 'archived'"),
            (RuleKind::Require, "region", OpSet::READ, "NOT (customer.region = 'closed') OR customer_id IS NULL"),
            (RuleKind::Live, "", OpSet::ALL, "deleted_at IS NULL"),
        ],
        boundary: (
            "tenant_id = principal.tenant_id OR tenant_id IN principal.metadata.tenant_hierarchy OR 'support' IN principal.roles",
            "tenant_id = principal.tenant_id",
        ),
        writes: |table| Writes {
            create: Some(ids(table, &["customer_id", "status", "total", "reference", "card", "extra", "closed_at"])),
            update: ids(table, &["status", "customer_id", "reference", "closed_at"]),
            delete: DeleteMode::Soft(id(table, "deleted_at")),
            max_rows: 10,
            ..Writes::default()
        },
    };
    let lines = Spec {
        name: "order_lines",
        columns: vec![int("order_id", false), int("line_no", false), text("sku", false), typed("price", Type::Decimal)],
        key: vec!["order_id", "line_no"],
        unique: vec![],
        relations: vec![("order", "orders", true, "order_id", "id")],
        rules: vec![
            (RuleKind::Scope, "", OpSet::ALL, "order.tenant_id = principal.tenant_id"),
            (RuleKind::Permit, "parent", OpSet::READ, "order.tenant_id IN principal.metadata.tenant_hierarchy"),
        ],
        boundary: (
            "order.tenant_id = principal.tenant_id OR order.tenant_id IN principal.metadata.tenant_hierarchy",
            "order.tenant_id = principal.tenant_id",
        ),
        writes: |table| Writes {
            create: Some(ids(table, &["order_id", "line_no", "sku", "price"])),
            update: ids(table, &["sku", "price"]),
            delete: DeleteMode::Hard,
            max_rows: 10,
            ..Writes::default()
        },
    };
    let plans = Spec {
        name: "plans",
        columns: vec![int("id", false), text("name", false), typed("is_public", Type::Bool)],
        key: vec!["id"],
        unique: vec![],
        relations: vec![],
        rules: vec![(RuleKind::Shared, "", OpSet::READ, "is_public = TRUE")],
        boundary: ("is_public = TRUE", "FALSE"),
        writes: |_| Writes::default(),
    };
    policy(dialect, vec![customers, orders, lines, plans])
}

pub(super) fn id(table: &Table, name: &str) -> ColumnId {
    table.find_column(name).unwrap_or_else(|| panic!("no column {name}"))
}

pub(super) fn ids(table: &Table, names: &[&str]) -> Vec<ColumnId> {
    names.iter().map(|name| id(table, name)).collect()
}

pub(super) fn context(policy: Policy, principal: Principal) -> Context {
    let bound = Bound::new(Arc::new(policy), Arc::new(principal)).unwrap();
    Context { bound: Arc::new(bound), now_micros: NOW, request_id: "test".into() }
}

pub(super) fn of(tenant: &str) -> Principal {
    Principal { tenant_id: Some(tenant.to_owned()), user_id: Some("u".to_owned()), ..Principal::default() }
}

/// A parent's analyst: reads the tenants of the list too.
pub(super) fn parent(tenant: &str, reach: &[&str]) -> Principal {
    let list = Datum::List(reach.iter().map(|tenant| Datum::Text((*tenant).to_owned())).collect());
    Principal { metadata: BTreeMap::from([("tenant_hierarchy".to_owned(), list)]), ..of(tenant) }
}

pub(super) fn support() -> Principal {
    Principal { roles: vec!["support".to_owned()], ..Principal::default() }
}

pub(super) fn table<'a>(context: &'a Context, name: &str) -> &'a Table {
    context.bound.policy.find(name).unwrap()
}

pub(super) fn access(context: &Context, table: &Table, op: Op) -> Access {
    context.bound.access(table.id, op)
}

pub(super) fn text(text: &str) -> Value {
    Value::text(text)
}
