//! Every list in its styles: a bare array, pages with their total, parts from one to the next.

use serde_json::{Value, json};
use tenantry_server::{OperationFacts, operations};

use super::spec::Spec;
use super::world::World;
use crate::site::on_each_store;

/// The path of a list with things in it.
fn path(world: &World<'_>, operation: &OperationFacts) -> String {
    let whole = operation.path.trim_start_matches("/api/v2");
    let first = whole.split('/').nth(1).unwrap_or_default();
    let id = match first {
        "organizations" => &world.account,
        "clients" => &world.client,
        "connections" => &world.connection,
        "roles" => &world.role,
        "client-grants" => world.known.formats["client-grant-id"].as_str().unwrap(),
        "users" => &world.user,
        "resource-servers" => "urn%3Asample-api",
        _ => "grp_aaaaaaaaaaaaaaaa",
    };
    whole.replace("{user_id}", &world.user).replace("{client_id}", &world.client).replace("{id}", id)
}

/// The list in an answer and what it is called there.
fn items(answer: &Value) -> Option<(&str, &Vec<Value>)> {
    answer.as_object()?.iter().find_map(|(name, value)| Some((name.as_str(), value.as_array()?)))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_has_its_styles_and_its_end() {
    on_each_store(async |site| {
        let world = World::made(site).await;
        let spec = Spec::beside();
        let (mut problems, mut lists) = (Vec::new(), 0);
        for operation in operations().filter(|operation| operation.offered && operation.method == "GET") {
            let has = |name: &str| operation.query.contains_key(name);
            // Of groups there are none.
            if !(has("page") || has("take")) || operation.path.contains("/groups") {
                continue;
            }
            lists += 1;
            let at = path(&world, &operation);
            let needed = if operation.path.ends_with("/refresh-tokens") && !has("include_totals") {
                format!("user_id={}&", world.user)
            } else {
                String::new()
            };
            let get = async |query: &str| -> (u16, Value) { site.get(&format!("{at}?{needed}{query}")).await };
            let mut wrong =
                |style: &str, answer: &Value| problems.push(format!("{} {style}: {answer}", operation.path));
            let template = operation.path.trim_start_matches("/api/v2");
            let form = spec.as_ref().and_then(|spec| spec.answer("GET", template));
            let mut all = None;
            if has("page") {
                let (status, bare) = get("").await;
                match bare.as_array() {
                    Some(items) if status == 200 => all = Some(items.len()),
                    _ => wrong("bare", &bare),
                }
                let (status, past) = get("page=9&per_page=10").await;
                if status != 200 || past != json!([]) {
                    wrong("past the end", &past);
                }
            }
            if has("page") && has("include_totals") {
                let (status, page) = get("include_totals=true&page=1&per_page=1").await;
                let listed = items(&page).map(|(_, items)| items.len());
                // Invitations tell how many there are on the page.
                let limit = if at.ends_with("/invitations") { json!(listed) } else { json!(1) };
                let fits = status == 200 && page["start"] == json!(1) && page["limit"] == limit;
                // Invitations are not counted.
                let counted = at.ends_with("/invitations") || page["total"].as_u64().is_some();
                if !fits || !counted || all.is_some_and(|all| listed != Some(all.saturating_sub(1).min(1))) {
                    wrong("page", &page);
                }
                if let (Some(all), Some(total)) = (all, page["total"].as_u64())
                    && usize::try_from(total).ok() != Some(all)
                {
                    wrong("total", &page);
                }
                let (_, past) = get("include_totals=true&page=9&per_page=10").await;
                if items(&past).is_none_or(|(_, items)| !items.is_empty()) {
                    wrong("page past the end", &past);
                }
                if let (Some(spec), Some(form)) = (&spec, form) {
                    let mut misfits = Vec::new();
                    spec.misfits(&page, form, "", &mut misfits);
                    misfits.into_iter().for_each(|misfit| wrong("form", &json!(misfit)));
                    named(spec, form, &page, |told| wrong("name", &json!(told)));
                }
            }
            // Events go on from one of them, and not from a place in a list.
            if has("take") && !at.ends_with("/logs") {
                let (mut query, mut count) = ("take=1&page=3&per_page=7".to_owned(), 0);
                for _ in 0..60 {
                    let (status, part) = get(&query).await;
                    let Some((_, listed)) = items(&part).filter(|_| status == 200) else {
                        wrong("part", &part);
                        break;
                    };
                    count += listed.len();
                    match part["next"].as_str() {
                        Some(next) if !next.is_empty() && listed.len() == 1 => query = format!("take=1&from={next}"),
                        Some(_) => wrong("next", &part),
                        None => break,
                    }
                }
                if all.is_some_and(|all| all != count) {
                    wrong("parts together", &json!({ "all": all, "by parts": count }));
                }
                let (status, told) = get("take=1&from=nonsense").await;
                if status != 400 && !at.ends_with("/connected-accounts") {
                    wrong("a from that is none", &told);
                }
            }
        }
        assert!(problems.is_empty(), "{}:\n{}", problems.len(), problems.join("\n"));
        assert!(lists > 25, "{lists}");
    })
    .await;
}

/// The names that a query's `fields` may hold: what its pattern lists.
fn names(operation: &OperationFacts) -> Vec<String> {
    let pattern = operation.query.get("fields").and_then(|form| form["pattern"].as_str()).unwrap_or_default();
    let first = pattern.split("(,(").next().unwrap_or_default();
    let all = first.split(['(', ')', '|', '^']).filter(|name| !name.is_empty() && !name.contains('\\'));
    all.map(str::to_owned).collect()
}

/// Answers hold the fields that were asked for, and all others where those were asked to be left out.
#[tokio::test(flavor = "multi_thread")]
async fn answers_hold_the_fields_that_are_asked_for() {
    // What stays in an answer whatever is asked for.
    const ALWAYS: [&str; 2] = ["tenant", "user_id"];
    on_each_store(async |site| {
        let world = World::made(site).await;
        let (mut problems, mut count) = (Vec::new(), 0);
        let gets = operations().filter(|operation| operation.offered && operation.method == "GET");
        for operation in gets.filter(|operation| operation.query.contains_key("include_fields")) {
            // Of groups and refresh tokens there are none; one invitation is told of among all.
            let of_none = ["/groups", "/refresh-tokens", "{invitation_id}"];
            if of_none.iter().any(|part| operation.path.contains(part)) {
                continue;
            }
            let at = path(&world, &operation);
            let at = if at == "/users-by-email" { format!("{at}?email=ann@example.com") } else { at };
            let joined = if at.contains('?') { '&' } else { '?' };
            let things = async |query: &str| -> Vec<Value> {
                let (status, answer) = site.get(&format!("{at}{joined}{query}")).await;
                assert_eq!(status, 200, "{at}{joined}{query}: {answer}");
                match answer {
                    Value::Array(things) => things,
                    Value::Object(ref whole) if operation.query.contains_key("take") && !whole.contains_key("id") => {
                        items(&answer).map(|(_, things)| things.clone()).unwrap_or_default()
                    }
                    thing => vec![thing],
                }
            };
            let whole = things("take=50").await;
            let Some(first) = whole.first().and_then(Value::as_object) else { continue };
            let known = names(&operation);
            let asked: Vec<&String> =
                first.keys().filter(|name| known.is_empty() || known.contains(name)).take(2).collect();
            let [one, other] = asked[..] else {
                problems.push(format!("{}: {first:?} holds nothing of {known:?}", operation.path));
                continue;
            };
            count += 1;
            for (include, query) in [(true, ""), (true, "&include_fields=true"), (false, "&include_fields=false")] {
                for thing in things(&format!("fields={one},{other}{query}")).await {
                    let found: Vec<&String> = thing.as_object().unwrap().keys().collect();
                    let fits = if include {
                        found.iter().all(|name| [one, other].contains(name) || ALWAYS.contains(&name.as_str()))
                            && found.iter().any(|name| [one, other].contains(name))
                    } else {
                        !found.iter().any(|name| [one, other].contains(name) && !ALWAYS.contains(&name.as_str()))
                            && (first.len() <= 2 || !found.is_empty())
                    };
                    if !fits {
                        problems.push(format!("{} fields={one},{other}{query}: {thing}", operation.path));
                    }
                }
            }
        }
        assert!(problems.is_empty(), "{}:\n{}", problems.len(), problems.join("\n"));
        assert!(count >= 10, "{count}");
    })
    .await;
}

/// The list has the name that one of the described forms knows.
fn named(spec: &Spec, form: &Value, page: &Value, mut wrong: impl FnMut(String)) {
    let Some((name, _)) = items(page) else { return };
    let form = spec.direct(form);
    let forms = form["oneOf"].as_array().or_else(|| form["anyOf"].as_array());
    let fits = forms.into_iter().flatten().any(|form| spec.direct(form)["properties"].get(name).is_some());
    if !fits && forms.is_some() {
        wrong(format!("{name} is not described"));
    }
}
