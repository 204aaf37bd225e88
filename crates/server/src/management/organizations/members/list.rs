//! `GET /api/v2/organizations/{id}/members`.

use serde_json::{Map, Value, json};
use tenantry_identity::members::Member;
use tenantry_identity::{Listed, Part, Refusal, next_after};

use crate::management::paging;
use crate::management::route::{Answer, Call};

/// What is told of a member when nothing is said. Roles are told only when they are asked for.
const USUAL: [&str; 4] = ["user_id", "email", "picture", "name"];

/// Answers the call.
pub(in super::super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let part = paging::part(&call.query, 50)?;
    let named: Option<Vec<&str>> = call.query.text("fields").map(|fields| fields.split(',').collect());
    let told: Vec<&str> = match named {
        None => USUAL.to_vec(),
        Some(named) if call.query.flag("include_fields") == Some(false) => {
            USUAL.into_iter().filter(|name| !named.contains(name)).collect()
        }
        Some(named) => named,
    };
    let with_roles = told.contains(&"roles");
    let listed = call.identity.members(&call.caller, call.param("id"), with_roles, &part).await?;
    let Listed { items, total, mut next } = listed;
    // Here a later part answers where it ended also when it is the last; the next one is then empty.
    if let (None, Part::From { from: Some(_), .. }, Some(last)) = (&next, &part, items.last()) {
        next = Some(next_after(last.since_micros, &last.user_id));
    }
    let items = items.iter().map(|member| shown(member, &told)).collect();
    Ok(paging::answer(&part, "members", Listed { items, total, next }))
}

fn shown(member: &Member, told: &[&str]) -> Value {
    let mut body = Map::new();
    for name in told {
        let value = match *name {
            "user_id" => Some(json!(member.user_id)),
            "email" => member.email.as_ref().map(|email| json!(email)),
            "picture" => member.picture.as_ref().map(|picture| json!(picture)),
            "name" => member.name.as_ref().map(|name| json!(name)),
            "roles" => member
                .roles
                .as_ref()
                .map(|roles| roles.iter().map(|role| json!({ "id": role.id, "name": role.name })).collect()),
            _ => None,
        };
        if let Some(value) = value {
            body.insert((*name).to_owned(), value);
        }
    }
    Value::Object(body)
}
