//! Cedar's side. Policies, entities and requests are all made before the clock starts.

use cedar_policy::{Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request};
use serde_json::{Value, json};

use super::world::{TABLES, World};
use crate::{Doing, Problem};

/// How the roles are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A policy for each role, as one would write it: it grants three actions on one table.
    RulePerRole,
    /// One policy for all roles: each table's entity holds the roles that may read it. The fewest
    /// policies, for an engine that looks at each of them.
    OneRule,
}

/// An authorizer with all that it needs.
pub struct Cedar {
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
    requests: Vec<Request>,
}

const ROW: &str = "(resource.tenant_id == principal.tenant_id || principal.hierarchy.contains(resource.tenant_id)) \
                   && resource.status != \"archived\"";
const ACTIONS: &str = "action in [Action::\"query\", Action::\"get\", Action::\"aggregate\"]";

impl Cedar {
    /// Parses the policies and loads the entities.
    ///
    /// # Errors
    /// [`Problem`] when Cedar refuses them.
    pub fn new(world: &World, form: Form) -> Result<Cedar, Problem> {
        let policies: PolicySet = policies(world, form).parse().doing("parse Cedar's policies")?;
        let entities = Entities::from_json_value(entities(world), None).doing("load Cedar's entities")?;
        let requests = (0..world.questions()).map(|at| {
            let (person, row, table) = world.question(at);
            let name = world.people.get(person).map_or("", |person| person.name.as_str());
            let request = Request::new(
                uid("Person", name)?,
                uid("Action", "query")?,
                uid("Row", &format!("{table}/{row}"))?,
                Context::empty(),
                None,
            );
            request.doing("make Cedar's requests")
        });
        let requests = requests.collect::<Result<_, Problem>>()?;
        Ok(Cedar { authorizer: Authorizer::new(), policies, entities, requests })
    }

    /// Decides a question.
    #[must_use]
    pub fn ask(&self, at: usize) -> bool {
        let Some(request) = self.requests.get(at % self.requests.len()) else { return false };
        self.authorizer.is_authorized(request, &self.policies, &self.entities).decision() == Decision::Allow
    }
}

fn uid(kind: &str, id: &str) -> Result<EntityUid, Problem> {
    EntityUid::from_json(json!({ "type": kind, "id": id })).doing("name Cedar's entities")
}

fn policies(world: &World, form: Form) -> String {
    match form {
        Form::OneRule => {
            format!("permit(principal, {ACTIONS}, resource) when {{ principal in resource.readers && {ROW} }};")
        }
        Form::RulePerRole => (0..world.roles)
            .map(|role| {
                let table = role % TABLES;
                format!(
                    "permit(principal in Role::\"role-{role}\", {ACTIONS}, resource in Table::\"t{table}\") when {{ {ROW} }};\n"
                )
            })
            .collect(),
    }
}

fn entities(world: &World) -> Value {
    let entity = |kind: &str, id: &str, attrs: Value, parents: Value| json!({ "uid": { "type": kind, "id": id }, "attrs": attrs, "parents": parents });
    let role = |at: usize| json!({ "type": "Role", "id": format!("role-{at}") });
    let group = |at: usize| json!({ "type": "Readers", "id": format!("t{at}") });
    let mut all = Vec::new();
    for at in 0..TABLES {
        all.push(entity("Table", &format!("t{at}"), json!({}), json!([])));
        all.push(entity("Readers", &format!("t{at}"), json!({}), json!([])));
        for (number, row) in world.rows.iter().enumerate() {
            let readers = json!({ "__entity": group(at) });
            let attrs = json!({ "tenant_id": row.tenant, "status": row.status, "readers": readers });
            all.push(entity(
                "Row",
                &format!("{at}/{number}"),
                attrs,
                json!([{ "type": "Table", "id": format!("t{at}") }]),
            ));
        }
    }
    for at in 0..world.roles {
        all.push(entity("Role", &format!("role-{at}"), json!({}), json!([group(at % TABLES)])));
    }
    for person in &world.people {
        let mut held = person.roles.to_vec();
        held.sort_unstable();
        held.dedup();
        let parents: Vec<Value> = held.into_iter().map(role).collect();
        let attrs = json!({ "tenant_id": person.tenant, "hierarchy": person.hierarchy });
        all.push(entity("Person", &person.name, attrs, json!(parents)));
    }
    Value::Array(all)
}
