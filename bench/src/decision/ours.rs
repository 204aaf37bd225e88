//! Our side: a policy compiled from a file like any other.

use std::collections::BTreeMap;
use std::sync::Arc;

use tenantry_file::{SourceText, compile, load};
use tenantry_policy::catalog::{Catalog, CatalogColumn, CatalogTable, Storage};
use tenantry_policy::condition::{ColumnRef, RowView};
use tenantry_policy::principal::Datum;
use tenantry_policy::{Bound, ColumnId, Context, Once, Op, Policy, Principal, TableId, Tool, Type, Value};

use super::world::{TABLES, World};
use crate::{Doing, Problem};

/// The policy, the people and the rows.
pub struct Ours {
    policy: Arc<Policy>,
    principals: Vec<Arc<Principal>>,
    contexts: Vec<Context>,
    rows: Vec<Cells>,
    /// The questions, worked out before.
    questions: Vec<(usize, usize, TableId)>,
}

/// A row's columns, as the catalog orders them.
struct Cells([Value; 3]);

impl RowView for Cells {
    fn value(&self, column: ColumnRef) -> Option<&Value> {
        match column {
            ColumnRef::Own(ColumnId(at)) => self.0.get(usize::from(at)),
            ColumnRef::Hop(..) => None,
        }
    }
}

impl Ours {
    /// Compiles the policy and binds everybody.
    ///
    /// # Errors
    /// [`Problem`] when it does not compile.
    pub fn new(world: &World) -> Result<Ours, Problem> {
        let policy = Arc::new(policy(world)?);
        let principals: Vec<Arc<Principal>> = world
            .people
            .iter()
            .map(|person| {
                let hierarchy = person.hierarchy.iter().cloned().map(Datum::Text).collect();
                Arc::new(Principal {
                    tenant_id: Some(person.tenant.clone()),
                    user_id: Some(person.name.clone()),
                    roles: person.roles.iter().map(|role| role_name(*role)).collect(),
                    metadata: BTreeMap::from([("tenant_hierarchy".to_owned(), Datum::List(hierarchy))]),
                    ..Principal::default()
                })
            })
            .collect();
        let contexts = principals
            .iter()
            .map(|principal| {
                let bound = Bound::new(Arc::clone(&policy), Arc::clone(principal)).doing("bind a principal")?;
                Ok(Context { bound: Arc::new(bound), now_micros: 0, request_id: Arc::from("bench") })
            })
            .collect::<Result<_, Problem>>()?;
        let rows = (1..).zip(&world.rows);
        let rows = rows.map(|(id, row)| Cells([Value::Int(id), Value::text(&row.tenant), Value::text(row.status)]));
        let table = |at: usize| policy.find(&table_name(at)).map_or(TableId(0), |table| table.id);
        let questions = (0..world.questions()).map(|at| {
            let (person, row, of) = world.question(at);
            (person, row, table(of))
        });
        let (rows, questions) = (rows.collect(), questions.collect());
        Ok(Ours { principals, contexts, rows, questions, policy })
    }

    fn question(&self, at: usize) -> Option<(usize, &Cells, TableId)> {
        let (person, row, table) = self.questions.get(at % self.questions.len())?;
        Some((*person, self.rows.get(*row)?, *table))
    }

    /// The decision of a principal that is bound already: the tool, the rules that take part, the row.
    #[must_use]
    pub fn bound(&self, at: usize) -> bool {
        let Some((person, row, table)) = self.question(at) else { return false };
        let Some(context) = self.contexts.get(person) else { return false };
        let bound = context.bound.as_ref();
        let Some(of) = bound.policy.table(table) else { return false };
        bound.tools(table).has(Tool::Query) && bound.access(table, Op::Read).shows(of, row, context)
    }

    /// The same from the principal as its token has it, with nothing kept.
    #[must_use]
    pub fn unbound(&self, at: usize) -> bool {
        let Some((person, row, table)) = self.question(at) else { return false };
        let Some(principal) = self.principals.get(person) else { return false };
        let once = Once::decide(&self.policy, principal, table, Tool::Query, 0);
        matches!(once, Ok(Some(once)) if once.shows(row))
    }
}

fn role_name(at: usize) -> String {
    format!("role-{at}")
}

fn table_name(at: usize) -> String {
    format!("t{at}")
}

fn policy(world: &World) -> Result<Policy, Problem> {
    let mut text = String::from(
        "[source.main]\nurl = \"env:BENCH\"\n[tenancy]\nreach.read = [\"principal.metadata.tenant_hierarchy\"]\n",
    );
    for at in 0..TABLES {
        let name = table_name(at);
        text.push_str(&format!(
            "[table.{name}]\nsource = \"main.{name}\"\nscope = {{ tenant_id = \"principal.tenant_id\" }}\n\
             fields = {{ id = \"allow\", tenant_id = \"allow\", status = \"allow\" }}\n\
             [table.{name}.permit.parent]\nwhen = \"tenant_id IN principal.metadata.tenant_hierarchy\"\n\
             [table.{name}.require.current]\nwhen = \"status <> 'archived'\"\n"
        ));
    }
    for at in 0..world.roles {
        let (role, table) = (role_name(at), table_name(at % TABLES));
        text.push_str(&format!("[role.{role}]\ntools = [\"{table}.query\", \"{table}.get\", \"{table}.aggregate\"]\n"));
    }
    let loaded = load(vec![SourceText { name: "bench.toml".to_owned(), text }]).map_err(|found| failed(&found))?;
    let catalogs = BTreeMap::from([("main".to_owned(), catalog())]);
    compile(&loaded, &catalogs).map(|compiled| compiled.policy).map_err(|found| failed(&found))
}

fn failed(found: &[tenantry_file::Diagnostic]) -> Problem {
    Problem::new("compile the policy", found.first().map(|first| format!("{first:?}")).unwrap_or_default())
}

fn catalog() -> Catalog {
    let column = |name: &str, ty| CatalogColumn {
        name: name.to_owned(),
        ty: Some(ty),
        native: ty.name().to_owned(),
        storage: Storage::Native,
        scale: None,
        whole_digits: None,
        nullable: false,
        has_default: false,
        generated: false,
        loose_collation: None,
        padded: false,
    };
    let table = |at| CatalogTable {
        schema: "main".to_owned(),
        name: table_name(at),
        is_table: true,
        strict: true,
        columns: vec![column("id", Type::Int), column("tenant_id", Type::Text), column("status", Type::Text)],
        primary_key: vec![0],
        ..CatalogTable::default()
    };
    Catalog { tables: (0..TABLES).map(table).collect(), ..Catalog::default() }
}
