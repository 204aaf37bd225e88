//! What does not fit a form is refused in the known words, whichever operation is asked, before anything is looked at.

use serde_json::{Value, json};
use tenantry_server::{OperationFacts, operations};

use super::forms::{Fill, misfits};
use super::spec::Spec;
use super::world::World;
use crate::site::on_each_store;

/// A path that names what is not there.
fn absent(operation: &OperationFacts) -> String {
    let parts = operation.path.trim_start_matches("/api/v2").split('/').map(|part| match part {
        part if !part.starts_with('{') => part.to_owned(),
        "{provider}" if operation.path.contains("/multifactor/") => "google-authenticator".to_owned(),
        "{provider}" => "auth0".to_owned(),
        "{client_id}" => "a".repeat(32),
        "{id}" if operation.path.contains("/device-credentials/") => format!("dcr_{}", "a".repeat(16)),
        "{id}" if operation.path.contains("/jobs/") => format!("job_{}", "a".repeat(16)),
        "{id}" if operation.path.contains("/groups/") => format!("grp_{}", "a".repeat(16)),
        _ => "auth0%7C0123456789abcdef01234567".to_owned(),
    });
    parts.collect::<Vec<_>>().join("/")
}

fn offered() -> impl Iterator<Item = OperationFacts> {
    operations().filter(|operation| operation.offered && operation.content != Some("multipart/form-data"))
}

fn problem(found: &(u16, Value), code: &str, begins: &str, holds: &str) -> Option<String> {
    let (status, answer) = found;
    let message = answer["message"].as_str().unwrap_or_default();
    let fits = *status == 400
        && answer["statusCode"] == json!(400)
        && answer["error"] == json!("Bad Request")
        && answer["errorCode"] == json!(code)
        && message.starts_with(begins)
        && message.contains(holds);
    (!fits).then(|| format!("{status} {answer}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_fit_is_refused() {
    on_each_store(async |site| {
        let world = World::made(site).await;
        let (mut problems, mut count) = (Vec::new(), 0);
        for operation in offered() {
            let Some(form) = operation.body else { continue };
            let path = absent(&operation);
            let name = format!("{} {}", operation.method, operation.path);
            let least = world.known.value(form, "none", Fill::Least);
            let mut tries: Vec<(Value, String)> = vec![(json!("text"), "Expected type".to_owned())];
            if let Some(least) = least.as_object() {
                for required in form["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                    let mut body = least.clone();
                    body.shift_remove(required);
                    // The first that is missing is told of.
                    tries.push((Value::Object(body), format!("Missing required property: {required}")));
                }
                if form["additionalProperties"] == json!(false) {
                    let mut body = least.clone();
                    body.insert("nobody-knows".to_owned(), json!(1));
                    tries.push((Value::Object(body), "Additional properties not allowed: nobody-knows".to_owned()));
                }
                for (member, form) in form["properties"].as_object().into_iter().flatten() {
                    for (wrong, told) in misfits(form) {
                        let mut body = least.clone();
                        body.insert(member.clone(), wrong);
                        tries.push((Value::Object(body), told.to_owned()));
                    }
                }
            }
            for (body, told) in tries {
                count += 1;
                let found = site.call(operation.method, &path, Some(body.clone())).await;
                if let Some(problem) = problem(&found, "invalid_body", "Payload validation error: '", &told) {
                    problems.push(format!("{name} {body:.200}: {problem}"));
                }
            }
        }
        assert!(problems.is_empty(), "{} of {count}:\n{}", problems.len(), problems.join("\n"));
        assert!(count > 500, "{count}");
        eprintln!("{count} bodies refused");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_does_not_fit_is_refused() {
    on_each_store(async |site| {
        let (mut problems, mut count) = (Vec::new(), 0);
        for operation in offered() {
            let path = absent(&operation);
            for (name, form) in operation.query {
                let list = form["type"] == json!("array");
                let inner = if list { &form["items"] } else { form };
                let wrong: Vec<String> = misfits(inner)
                    .into_iter()
                    // Whatever stands in a query is a text to begin with.
                    .filter(|(wrong, _)| !(wrong.is_null() || (inner["type"] == json!("string") && wrong.is_object())))
                    .filter(|(wrong, _)| !(list && *wrong == json!("")))
                    .map(|(wrong, _)| wrong.as_str().map_or_else(|| wrong.to_string(), str::to_owned))
                    .chain(inner.get("pattern").is_some().then(|| "\u{e9},".to_owned()))
                    .collect();
                for wrong in wrong {
                    count += 1;
                    let value: String = url::form_urlencoded::byte_serialize(wrong.as_bytes()).collect();
                    let needed: String = operation
                        .query
                        .iter()
                        .filter(|(other, form)| *other != name && form["required"] == json!(true))
                        .map(|(other, _)| format!("&{other}=sample"))
                        .collect();
                    let found = site.call(operation.method, &format!("{path}?{name}={value}{needed}"), None).await;
                    if let Some(problem) = problem(&found, "invalid_query_string", "Query validation error: '", name) {
                        problems
                            .push(format!("{} {}?{name}={wrong:.100}: {problem}", operation.method, operation.path));
                    }
                }
            }
        }
        assert!(problems.is_empty(), "{} of {count}:\n{}", problems.len(), problems.join("\n"));
        assert!(count > 150, "{count}");
        eprintln!("{count} queries refused");
    })
    .await;
}

#[test]
fn forms_are_those_of_the_description() {
    let Some(spec) = Spec::beside() else { return eprintln!("skipped: no description lies beside the project") };
    let mut problems = Vec::new();
    for operation in operations() {
        let path = operation.path.trim_start_matches("/api/v2");
        let (own, theirs) = (operation.body, spec.body(operation.method, path));
        assert_eq!(own.is_some(), theirs.is_some(), "{} {path}", operation.method);
        if let (Some(own), Some(theirs)) = (own, theirs) {
            same(&spec, own, theirs, &format!("{} {path}", operation.method), &mut problems);
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// What recorded answers show and the description does not say.
const FURTHER: &[&str] = &[
    "country_codes",
    "ephemeral_session_lifetime_in_minutes",
    "idle_ephemeral_session_lifetime_in_minutes",
    "idle_session_lifetime_in_minutes",
    "session_lifetime_in_minutes",
    "token_lifetime_for_web",
    "universal_login",
];

fn same(spec: &Spec, own: &Value, theirs: &Value, place: &str, problems: &mut Vec<String>) {
    let theirs = spec.direct(theirs);
    for word in ["type", "required", "enum", "format", "pattern", "minLength", "maxLength", "minimum", "maximum"] {
        if own.get(word) != theirs.get(word) {
            problems.push(format!("{place} {word}: {:?} where {:?} is described", own.get(word), theirs.get(word)));
        }
    }
    let members = |form: &Value| form["properties"].as_object().cloned().unwrap_or_default();
    let (own_members, their_members) = (members(own), members(theirs));
    for (name, own) in &own_members {
        match their_members.get(name) {
            Some(theirs) => same(spec, own, theirs, &format!("{place}.{name}"), problems),
            None if FURTHER.contains(&name.as_str()) => {}
            None => problems.push(format!("{place}.{name} is not described")),
        }
    }
    for name in their_members.keys().filter(|name| !own_members.contains_key(*name)) {
        problems.push(format!("{place}.{name} is missing"));
    }
    if let (Some(own), Some(theirs)) = (own.get("items"), theirs.get("items")) {
        same(spec, own, theirs, &format!("{place}[]"), problems);
    }
}
