//! Attacks on the APIs for people and accounts (`/app/v1`, `/dashboard/v1`): every path that names something, with the names
//! of somebody else's things, must answer as with names of nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Must, WireAttack};
use crate::door::{Asked, NoAnswer, Told, Wire, encoded};

/// An endpoint, as the server's own table describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiFacts {
    /// The method.
    pub method: String,
    /// The path, with `{parameters}`.
    pub path: String,
    /// Does it take a body?
    pub body: bool,
}

/// Who attacks whom there.
#[derive(Debug, Clone)]
pub struct Insider {
    /// The burglar's token for the paths that begin so: `/dashboard`.
    pub prefix: &'static str,
    /// Somebody who looks after the burglar's own account.
    pub token: String,
    /// Somebody who looks after the victim's.
    pub victim: String,
    /// Are requests made that would change something, were they answered?
    pub writes: bool,
}

/// Lists whose items belong to one account alone.
const EXCLUSIVE: [&str; 5] = ["workspaces", "invitations", "client-grants", "codes", "audit"];

/// Derives the attacks: what the victim's things are called is asked as the victim.
///
/// # Errors
/// When there is no answer at all.
pub async fn insiders(
    wire: &impl Wire,
    insider: &Insider,
    endpoints: &[ApiFacts],
) -> Result<(Vec<WireAttack>, BTreeSet<String>), NoAnswer> {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut own: BTreeMap<String, String> = BTreeMap::new();
    let mut loot = BTreeSet::new();
    let here = || endpoints.iter().filter(|endpoint| endpoint.path.starts_with(insider.prefix));
    let mut lists: Vec<&ApiFacts> = here().filter(|endpoint| endpoint.method == "GET").collect();
    // Shorter paths first: what is below a thing is asked with the thing's name.
    lists.sort_by_key(|endpoint| endpoint.path.len());
    for endpoint in &lists {
        let mut ours = BTreeSet::new();
        for (token, names, theirs) in [(&insider.token, &mut own, false), (&insider.victim, &mut names, true)] {
            let Some(path) = filled(&endpoint.path, names) else { continue };
            let told = wire.send(request("GET", &path, token, false)).await?;
            if told.status != 200 {
                continue;
            }
            // What both are told of belongs to neither alone: the platform's own roles.
            let ids: Vec<String> = ids(&told).into_iter().filter(|id| !ours.contains(id)).collect();
            if let Some(first) = ids.first() {
                names.entry(endpoint.path.clone()).or_insert_with(|| first.clone());
            }
            if !theirs {
                ours.extend(ids);
            } else if EXCLUSIVE.iter().any(|kind| endpoint.path.ends_with(kind)) {
                loot.extend(ids.into_iter().filter(|id| id.len() > 5));
            }
        }
    }
    let mut list = Vec::new();
    for endpoint in here() {
        if endpoint.method != "GET" && !insider.writes {
            continue;
        }
        let ask = |path: &str| request(&endpoint.method, path, &insider.token, endpoint.body);
        if !endpoint.path.contains('{') {
            if endpoint.method == "GET" {
                // A list of one's own holds nothing of the victim's, whatever the address says besides.
                let must = Must::Answer(vec![200, 400, 401, 403]);
                let name = format!("GET {}", endpoint.path);
                list.push(WireAttack { family: "identity", name, ask: ask(&endpoint.path), must });
            }
            continue;
        }
        // All of the victim's names; and own ones but for the last.
        for mixed in [false, true] {
            let mut hiding = Vec::new();
            let foreign = named(&endpoint.path, &names, mixed.then_some(&own), &mut hiding);
            let Some((foreign, absent)) = foreign else { continue };
            let what = if mixed { "a foreign name below an own one" } else { "foreign names" };
            list.push(WireAttack {
                family: "identity",
                name: format!("{} {} with {what}", endpoint.method, endpoint.path),
                ask: ask(&foreign),
                must: Must::BeAs(ask(&absent), hiding),
            });
        }
    }
    Ok((list, loot))
}

fn request(method: &str, path: &str, token: &str, body: bool) -> Asked {
    let mut headers = vec![("authorization".to_owned(), ["Bearer ", token].concat())];
    if body {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    let body = if body { b"{}".to_vec() } else { Vec::new() };
    Asked { method: method.to_owned(), path: path.to_owned(), headers, body }
}

/// The ids of a list's items.
fn ids(told: &Told) -> Vec<String> {
    let json: Value = serde_json::from_slice(&told.body).unwrap_or(Value::Null);
    let lists = match &json {
        Value::Array(items) => vec![items],
        Value::Object(members) => members.values().filter_map(Value::as_array).collect(),
        _ => Vec::new(),
    };
    let items = lists.into_iter().flatten();
    items
        .filter_map(|item| ["id", "user_id"].iter().find_map(|name| item.get(*name)?.as_str()))
        .map(str::to_owned)
        .collect()
}

/// The path of the list that a parameter is an item of: `/a/b` for the `{c}` of `/a/b/{c}/d`.
fn lists_of(path: &str) -> Vec<String> {
    let mut lists = Vec::new();
    let mut so_far = String::new();
    for part in path.split('/').skip(1) {
        if part.starts_with('{') {
            lists.push(so_far.clone());
        }
        so_far.push('/');
        so_far.push_str(part);
    }
    lists
}

/// A path with every parameter filled in; `None` where a name is not known.
fn filled(path: &str, names: &BTreeMap<String, String>) -> Option<String> {
    let mut lists = lists_of(path).into_iter();
    let mut filled = String::new();
    for part in path.split('/').skip(1) {
        filled.push('/');
        match part.starts_with('{') {
            true => filled.push_str(&encoded(names.get(&lists.next()?)?)),
            false => filled.push_str(part),
        }
    }
    Some(filled)
}

/// A path with the victim's names, or only its last one, and the same with names of nothing.
fn named(
    path: &str,
    names: &BTreeMap<String, String>,
    own: Option<&BTreeMap<String, String>>,
    hiding: &mut Vec<(String, String)>,
) -> Option<(String, String)> {
    let lists = lists_of(path);
    if own.is_some() && lists.len() < 2 {
        return None;
    }
    let (mut foreign, mut absent) = (String::new(), String::new());
    let mut at = 0;
    for part in path.split('/').skip(1) {
        foreign.push('/');
        absent.push('/');
        if !part.starts_with('{') {
            foreign.push_str(part);
            absent.push_str(part);
            continue;
        }
        let list = lists.get(at)?;
        at += 1;
        if let Some(own) = own.filter(|_| at < lists.len()) {
            let name = own.get(list)?;
            foreign.push_str(&encoded(name));
            absent.push_str(&encoded(name));
            continue;
        }
        // Of some things no list tells the names: nothing is called so.
        let name = names.get(list).cloned().unwrap_or_else(|| "nothing".to_owned());
        let other = nobodys(&name);
        foreign.push_str(&encoded(&name));
        absent.push_str(&encoded(&other));
        hiding.push((encoded(&name), encoded(&other)));
        hiding.push((name, other));
    }
    (foreign != absent).then_some((foreign, absent))
}

/// A name of the same form that nothing has: its letters and digits, from the middle on, the other way round.
fn nobodys(name: &str) -> String {
    let middle = name.chars().count() / 2;
    let tail: Vec<char> = name.chars().skip(middle).collect();
    let turned: String = tail.iter().rev().collect();
    let same = tail.iter().copied().eq(tail.iter().rev().copied());
    let head: String = name.chars().take(middle).collect();
    if same { format!("{head}{turned}x") } else { head + &turned }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_items_of_the_list_before_them() {
        assert_eq!(lists_of("/d/w/{w}/m/{u}"), ["/d/w", "/d/w/{w}/m"]);
        let names = BTreeMap::from([
            ("/d/w".to_owned(), "ws_ab12".to_owned()),
            ("/d/w/{w}/m".to_owned(), "auth0|x".to_owned()),
        ]);
        assert_eq!(filled("/d/w/{w}/m/{u}", &names).as_deref(), Some("/d/w/ws_ab12/m/auth0%7Cx"));
        let mut hiding = Vec::new();
        let (foreign, absent) = named("/d/w/{w}", &names, None, &mut hiding).unwrap();
        assert_eq!((foreign.as_str(), absent.as_str()), ("/d/w/ws_ab12", "/d/w/ws_21ba"));
    }
}
