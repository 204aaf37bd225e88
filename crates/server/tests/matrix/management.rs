//! I2 for the Management API: every operation that is offered against every kind of wrong caller. It has no
//! accounts or workspaces of its own: its tokens are the platform's.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tenantry_identity::Audience;
use tenantry_server::{OperationFacts, management_scopes, operations};

use crate::world::{Who, on_each_store};
use crate::wrong_callers::exceptions;

const AN_HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test(flavor = "multi_thread")]
async fn i2_wrong_callers_of_the_management_api_reach_nothing() {
    on_each_store(async |world| {
        let issuer = world.identity.issuer();
        let all = issuer.issue_management("test", &management_scopes(), AN_HOUR).unwrap();
        let expired = issuer.issue_management("test", &management_scopes(), Duration::from_secs(1)).unwrap();
        world.clock.advance(Duration::from_secs(2));
        let before = world.rows().await;
        let (mut wrong, mut used, mut asked) = (Vec::new(), BTreeSet::new(), 0);
        let offered: Vec<OperationFacts> = operations().filter(|operation| operation.offered).collect();
        for operation in &offered {
            let name = format!("{} {}", operation.method, operation.path);
            let path = absent(operation);
            let body = operation.body.map(|form| match name.as_str() {
                // Which members go together is not in the form.
                "POST /api/v2/users/{id}/identities" => r#"{"provider":"auth0","user_id":"nobody"}"#.to_owned(),
                _ => sample(form).to_string(),
            });
            let others: Vec<&str> = management_scopes()
                .into_iter()
                .filter(|scope| !operation.scopes.iter().any(|one| one == scope))
                .collect();
            let mut calls: Vec<(&str, Option<String>, u16)> = vec![
                ("no-token", None, 401),
                ("malformed", Some("a.b.c".to_owned()), 401),
                ("expired", Some(expired.clone()), 401),
                ("lower-role", issuer.issue_management("test", &[], AN_HOUR).ok(), 403),
                ("lower-role", issuer.issue_management("test", &others, AN_HOUR).ok(), 403),
            ];
            for context in [Audience::App, Audience::Dashboard, Audience::Portal] {
                let account = (context != Audience::Portal).then_some("org_a");
                let permissions = management_scopes();
                let who = Who { account, permissions, ..Who::default() };
                calls.push(("wrong-audience", Some(world.token(context, &who)), 401));
            }
            if operation.path.contains('{') && operation.content != Some("multipart/form-data") {
                calls.push(("foreign-id", Some(all.clone()), 404));
            }
            for (kind, token, status) in calls {
                asked += 1;
                let (found, text) = world.raw(token.as_deref(), operation.method, &path, body.clone()).await;
                if found == status {
                    continue;
                }
                let known = format!("management {kind} {name}");
                if found < 500 && exceptions().any(|line| line.starts_with(&format!("{known}: "))) {
                    used.insert(known);
                } else {
                    wrong.push(format!("{known}: {found} {text}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{} of {asked}:\n{}", wrong.len(), wrong.join("\n"));
        let stale: Vec<&str> = exceptions()
            .filter(|line| line.starts_with("management "))
            .filter(|line| !used.iter().any(|name| line.starts_with(&format!("{name}: "))))
            .collect();
        assert!(stale.is_empty(), "these exceptions are not needed any more; take them out:\n{}", stale.join("\n"));
        let after = world.rows().await;
        let changed: Vec<&String> = after.symmetric_difference(&before).collect();
        assert!(changed.is_empty(), "wrong callers changed something: {changed:#?}");
        eprintln!("{asked} wrong calls of {} operations", offered.len());
    })
    .await;
}

/// The path of something that is not there, with what the query must have.
fn absent(operation: &OperationFacts) -> String {
    let parts = operation.path.split('/').map(|part| match part {
        part if !part.starts_with('{') => part.to_owned(),
        "{provider}" if operation.path.contains("/multifactor/") => "google-authenticator".to_owned(),
        "{provider}" => "auth0".to_owned(),
        "{client_id}" => "a".repeat(32),
        "{discovery_domain}" => "a.example".to_owned(),
        // Ids whose form is checked.
        "{id}" if operation.path.contains("/device-credentials/") => format!("dcr_{}", "a".repeat(16)),
        "{id}" if operation.path.contains("/jobs/") => format!("job_{}", "a".repeat(16)),
        "{id}" if operation.path.contains("/groups/") => format!("grp_{}", "a".repeat(16)),
        _ => "auth0%7C0123456789abcdef01234567".to_owned(),
    });
    let mut path = parts.collect::<Vec<_>>().join("/");
    let needed = operation.query.iter().filter(|(_, form)| form.get("required") == Some(&json!(true)));
    for (place, (name, form)) in needed.enumerate() {
        let value = sample(form);
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        path.push(if place == 0 { '?' } else { '&' });
        path.push_str(&format!("{name}={}", value.replace('|', "%7C").replace('@', "%40")));
    }
    path
}

/// The smallest value of a form: what must be there and nothing else.
fn sample(form: &Value) -> Value {
    let one = |name: &str| form.get(name).and_then(Value::as_array).and_then(|forms| forms.first());
    if let Some(first) = one("enum") {
        return first.clone();
    }
    if let Some(first) = one("oneOf").or_else(|| one("anyOf")) {
        return sample(first);
    }
    let kind = match form.get("type") {
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str),
        other => other.and_then(Value::as_str),
    };
    let number = |name: &str| form.get(name).and_then(Value::as_u64).unwrap_or(0);
    match kind {
        Some("object") => {
            let mut members = Map::new();
            let none = Map::new();
            let known = form.get("properties").and_then(Value::as_object).unwrap_or(&none);
            let required = form.get("required").and_then(Value::as_array).into_iter().flatten();
            for name in required.filter_map(Value::as_str) {
                members.insert(name.to_owned(), known.get(name).map_or(json!("a"), sample));
            }
            // Some want at least one member.
            if members.is_empty() && number("minProperties") > 0 {
                members.extend(known.iter().take(1).map(|(name, form)| (name.clone(), sample(form))));
            }
            Value::Object(members)
        }
        Some("array") => {
            let item = form.get("items").map_or(json!("a"), sample);
            Value::Array(vec![item; usize::try_from(number("minItems")).unwrap_or(0)])
        }
        Some("integer" | "number") => json!(number("minimum").max(1)),
        Some("boolean") => json!(true),
        _ => json!(text(form, usize::try_from(number("minLength").max(1)).unwrap_or(1))),
    }
}

fn text(form: &Value, length: usize) -> String {
    match form.get("format").and_then(Value::as_str) {
        Some("email") => "nobody@example.com".to_owned(),
        Some("url" | "strict-uri" | "absolute-uri-or-empty") => "https://a.example/".to_owned(),
        Some("hostname") => "a.example".to_owned(),
        Some("date-time") => "2030-01-01T00:00:00.000Z".to_owned(),
        _ => "a".repeat(length),
    }
}
