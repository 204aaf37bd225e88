//! The policy and the people of the isolation tests, over rows made for burglars.

use serde_json::{Value, json};
use tenantry_eval::{Row, Sample};
use tenantry_policy::Principal;

use crate::Part;
use crate::support::database::{Database, TableDef};
use crate::support::{Stage, datum};
use crate::world::{FILE, PEOPLE, Person, TABLES, World};

/// Rows of each table, per tenant.
const ROWS: usize = 4;

/// Rows whose every text names its tenant, and of which no two share a value that may be found.
fn world() -> World {
    let mut world = World::default();
    for table in TABLES {
        let mut rows = Vec::new();
        for (t, tenant) in ["a", "b", "p"].into_iter().enumerate() {
            for n in 0..ROWS {
                let at = i64::try_from(t * 100 + n + 1).expect("small");
                let mut row = crate::world::Row::new();
                for (column, kind, _) in table.columns {
                    let value = match *column {
                        "id" => json!(at),
                        // Some rows point across: an own order at a foreign customer, a foreign order at an
                        // own customer, and so on. What hangs on a row may be somebody else's.
                        "customer_id" if n == 1 => json!((at + 100) % 300),
                        "order_id" if n == 2 => json!((at + 200) % 300),
                        "customer_id" | "order_id" => json!(at),
                        "tenant_id" => json!(tenant),
                        "status" => json!(if n == 3 { "hidden" } else { "open" }),
                        "owner" => json!(match (n, tenant) {
                            (2, _) => format!("someone-of-{tenant}"),
                            (_, "p") => "pat".to_owned(),
                            _ => "ada".to_owned(),
                        }),
                        "user_id" => json!(format!("member-{n}-of-{tenant}")),
                        "deleted" => json!(n == 3),
                        "public" => json!(n == 2 && tenant != "b"),
                        "is_public" => json!(tenant != "b"),
                        "card" => json!(format!("41110000{:04}{:04}", at * 7, at * 13)),
                        _ if *kind == "int" => json!(at * 1_000 + 17),
                        _ if *kind == "bool" => json!(n % 2 == 0),
                        other => json!(format!("loot of {tenant}: {} {other} {n} ü'\"\\", table.name)),
                    };
                    row.insert((*column).to_owned(), value);
                }
                rows.push(row);
            }
        }
        world.tables.insert(table.name, rows);
    }
    world
}

fn tables(world: &World) -> Vec<TableDef> {
    TABLES
        .iter()
        .map(|spec| TableDef {
            name: spec.name.to_owned(),
            columns: spec.columns.iter().map(|(n, k, null)| ((*n).to_owned(), (*k).to_owned(), *null)).collect(),
            key: spec.key.iter().map(|key| (*key).to_owned()).collect(),
            references: spec
                .references
                .iter()
                .map(|(column, other)| ((*column).to_owned(), (*other).to_owned(), "id".to_owned()))
                .collect(),
            unique: if spec.name == "customers" { vec![vec!["name".to_owned()]] } else { Vec::new() },
            defaults: if spec.name == "docs" { vec![("deleted".to_owned(), "false".to_owned())] } else { Vec::new() },
            rows: world.rows(spec.name).iter().map(|row| row.clone().into_iter().collect()).collect(),
        })
        .collect()
}

fn principal(person: &Person) -> Principal {
    let mut principal = Principal {
        tenant_id: person.tenant.map(str::to_owned),
        user_id: Some(person.user.to_owned()),
        roles: person.roles.iter().map(|role| (*role).to_owned()).collect(),
        ..Principal::default()
    };
    if let Some(list) = person.hierarchy {
        principal.metadata.insert("tenant_hierarchy".to_owned(), datum(&json!(list)));
    }
    principal
}

fn person(name: &str) -> &'static Person {
    PEOPLE.iter().find(|person| person.name == name).expect("a known person")
}

/// The stage, and who attacks whom on it.
pub async fn set(database: Database) -> (Stage, Vec<Part>) {
    let world = world();
    let stage = Stage::new(database, &tables(&world), FILE).await;
    let victim = person("ada of b");
    let parts = ["ada of a", "pat of p", "agent of nobody", "support"]
        .into_iter()
        .map(|name| {
            let attacker = person(name);
            let (mut own, mut foreign) = (Sample::default(), Sample::default());
            for table in TABLES {
                let mut rows: Vec<_> = world.rows(table.name).iter().collect();
                rows.sort_by_key(|row| !world.writes(attacker, table.name, row));
                for row in rows {
                    let flat: Row = row.clone().into_iter().collect::<serde_json::Map<String, Value>>();
                    if world.reads(attacker, table.name, row) {
                        own.add(table.name, flat);
                    } else if belongs_to(&world, victim, table.name, row) {
                        foreign.add(table.name, flat);
                    }
                }
            }
            let mut colleague = principal(attacker);
            colleague.user_id = Some("colleague".to_owned());
            Part { name, attacker: principal(attacker), colleague, victim: principal(victim), own, foreign }
        })
        .collect();
    (stage, parts)
}

/// Is it a row of the person's tenant, whether or not the person itself may see it?
fn belongs_to(world: &World, person: &Person, table: &str, row: &crate::world::Row) -> bool {
    let tenant = json!(person.tenant);
    match table {
        "plans" => row["is_public"] == json!(false),
        "lines" => {
            world.rows("orders").iter().any(|order| order["id"] == row["order_id"] && order["tenant_id"] == tenant)
        }
        _ => row["tenant_id"] == tenant,
    }
}
