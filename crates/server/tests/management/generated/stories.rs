//! Things made, read, changed and removed, member by member.

use serde_json::{Map, Value, json};
use tenantry_server::{OperationFacts, operations};

use super::forms::{Fill, empty, is_nullable};
use super::spec::Spec;
use super::world::{World, encoded};
use crate::site::on_each_store;

/// What is told of a kind of thing.
struct Story {
    /// What its places begin with.
    name: &'static str,
    create: &'static str,
    /// Where it is made.
    at: fn(&World<'_>) -> String,
    /// What of the answer names it in a path.
    id: &'static str,
    read: &'static str,
    update: Option<&'static str>,
    /// Members that its form calls optional and that it cannot do without.
    needed: &'static [&'static str],
}

const STORIES: &[Story] = &[
    Story {
        name: "clients",
        create: "/clients",
        at: |_| "/clients".to_owned(),
        id: "client_id",
        read: "/clients/{id}",
        update: Some("/clients/{id}"),
        needed: &[],
    },
    Story {
        name: "connections",
        create: "/connections",
        at: |_| "/connections".to_owned(),
        id: "id",
        read: "/connections/{id}",
        update: Some("/connections/{id}"),
        needed: &["name", "strategy"],
    },
    Story {
        name: "organizations",
        create: "/organizations",
        at: |_| "/organizations".to_owned(),
        id: "id",
        read: "/organizations/{id}",
        update: Some("/organizations/{id}"),
        needed: &[],
    },
    Story {
        name: "resource-servers",
        create: "/resource-servers",
        at: |_| "/resource-servers".to_owned(),
        id: "id",
        read: "/resource-servers/{id}",
        update: Some("/resource-servers/{id}"),
        needed: &[],
    },
    Story {
        name: "roles",
        create: "/roles",
        at: |_| "/roles".to_owned(),
        id: "id",
        read: "/roles/{id}",
        update: Some("/roles/{id}"),
        needed: &[],
    },
    Story {
        name: "client-grants",
        create: "/client-grants",
        at: |_| "/client-grants".to_owned(),
        id: "id",
        read: "/client-grants/{id}",
        update: Some("/client-grants/{id}"),
        needed: &["client_id"],
    },
    Story {
        name: "users",
        create: "/users",
        at: |_| "/users".to_owned(),
        id: "user_id",
        read: "/users/{id}",
        update: Some("/users/{id}"),
        needed: &["email", "password"],
    },
    Story {
        name: "organization-connections",
        create: "/organizations/{id}/connections",
        at: |world| format!("/organizations/{}/connections", world.account),
        id: "connection_id",
        read: "/organizations/{id}/connections/{connection_id}",
        update: Some("/organizations/{id}/connections/{connection_id}"),
        needed: &[],
    },
    Story {
        name: "enabled-connections",
        create: "/organizations/{id}/enabled_connections",
        at: |world| format!("/organizations/{}/enabled_connections", world.account),
        id: "connection_id",
        read: "/organizations/{id}/enabled_connections/{connectionId}",
        update: Some("/organizations/{id}/enabled_connections/{connectionId}"),
        needed: &[],
    },
    Story {
        name: "discovery-domains",
        create: "/organizations/{id}/discovery-domains",
        at: |world| format!("/organizations/{}/discovery-domains", world.account),
        id: "id",
        read: "/organizations/{id}/discovery-domains/{discovery_domain_id}",
        update: Some("/organizations/{id}/discovery-domains/{discovery_domain_id}"),
        needed: &[],
    },
    Story {
        name: "invitations",
        create: "/organizations/{id}/invitations",
        at: |world| format!("/organizations/{}/invitations", world.account),
        id: "id",
        read: "/organizations/{id}/invitations/{invitation_id}",
        update: None,
        needed: &[],
    },
    Story {
        name: "credentials",
        create: "/clients/{client_id}/credentials",
        at: |world| format!("/clients/{}/credentials", world.client),
        id: "id",
        read: "/clients/{client_id}/credentials/{credential_id}",
        update: Some("/clients/{client_id}/credentials/{credential_id}"),
        needed: &["pem"],
    },
];

/// Members that are not sent by themselves, and why.
const NOT_ALONE: &[(&str, &str)] = &[
    ("clients.client_authentication_methods", "names credentials; clients.rs tells of it"),
    ("clients.resource_server_identifier", "only for clients of type resource_server"),
    ("client-grants.default_for", "not offered, as docs/auth0-compatibility.md says"),
    ("credentials.subject_dn", "only of credentials of another type"),
    ("users.verify_email", "goes with an address"),
    ("users.verify_phone_number", "goes with a number"),
    ("users.username", "sent with everything else"),
];

/// Members that are not sent with all others, and why.
const NOT_TOGETHER: &[(&str, &str)] = &[
    ("clients.client_authentication_methods", "goes not with token_endpoint_auth_method"),
    ("clients.resource_server_identifier", "only for clients of type resource_server"),
    ("client-grants.default_for", "not offered"),
    ("client-grants.allow_all_scopes", "goes not with scope"),
    ("credentials.subject_dn", "only of credentials of another type"),
    ("credentials.parse_expiry_from_cert", "goes not with expires_at"),
    // Of changes.
    ("users.verify_phone_number", "sends a message"),
    ("users.verify_email", "sends a message"),
];

/// Members that a change does not hold together with others.
const CHANGED_ALONE: &[&str] = &["users.username", "users.password", "users.email_verified", "users.connection"];

/// Members that are not emptied by themselves, and why.
const NOT_EMPTY: &[(&str, &str)] = &[("users.email", "by which somebody logs in"), ("roles.name", "a name")];

/// Members that are not shown again, and why.
const NOT_SHOWN: &[(&str, &str)] = &[
    ("users.password", "a secret"),
    ("users.connection", "shown among the identities"),
    ("users.user_id", "shown behind the strategy's name"),
    ("users.client_id", "says who asks"),
    ("users.verify_email", "an act"),
    ("users.verify_phone_number", "an act"),
    ("organizations.enabled_connections", "listed by themselves"),
    ("resource-servers.signing_secret", "shown where tokens are signed with it"),
    ("invitations.ttl_sec", "shown as expires_at"),
    ("invitations.send_invitation_email", "an act"),
    ("credentials.pem", "shown as kid"),
    ("credentials.parse_expiry_from_cert", "shown as expires_at"),
    ("resource-servers.token_encryption.encryption_key.pem", "shown as kid"),
];

fn stands(list: &[(&str, &str)], place: &str) -> bool {
    list.iter().any(|(known, _)| *known == place)
}

fn form(method: &str, path: &str) -> (OperationFacts, &'static Map<String, Value>) {
    let whole = format!("/api/v2{path}");
    let facts = operations().find(|facts| facts.method == method && facts.path == whole).unwrap();
    let members = facts.body.unwrap()["properties"].as_object().unwrap();
    (facts, members)
}

/// What of a value that was sent is not found in what came back.
fn lost(sent: &Value, found: &Value, place: &str, all: &mut Vec<String>) {
    if stands(NOT_SHOWN, place) {
        return;
    }
    match (sent, found) {
        (Value::Null, _) => {}
        // An empty list and none are one.
        (Value::Array(sent), Value::Null) if sent.is_empty() => {}
        (Value::Object(sent), Value::Object(found)) => {
            for (name, value) in sent {
                lost(value, found.get(name).unwrap_or(&Value::Null), &format!("{place}.{name}"), all);
            }
        }
        (Value::Array(sent), Value::Array(found)) if sent.len() == found.len() => {
            for (sent, found) in sent.iter().zip(found) {
                lost(sent, found, &format!("{place}[]"), all);
            }
        }
        _ if sent == found => {}
        _ => all.push(format!("{place}: sent {sent}, found {found}")),
    }
}

struct Teller<'a> {
    world: World<'a>,
    spec: Option<Spec>,
    problems: Vec<String>,
    calls: usize,
}

impl Teller<'_> {
    fn note(&mut self, what: &str, problems: impl IntoIterator<Item = String>) {
        self.problems.extend(problems.into_iter().map(|problem| format!("{what}: {problem}")));
    }

    /// Calls, holds the answer against its form, and answers it when it is a success.
    async fn call(&mut self, method: &str, template: &str, path: &str, body: Option<Value>) -> Option<Value> {
        self.calls += 1;
        let what = format!("{method} {template} {}", body.as_ref().map(Value::to_string).unwrap_or_default());
        let what: String = what.chars().take(300).collect();
        let (status, answer) = self.world.site.call(method, path, body).await;
        if !(200..300).contains(&status) {
            self.note(&what, [format!("{status} {answer}")]);
            return None;
        }
        let mut misfits = Vec::new();
        if let Some(spec) = &self.spec
            && let Some(form) = spec.answer(method, template)
        {
            spec.misfits(&answer, form, "", &mut misfits);
        }
        // Recorded answers say so; and an export of all connections is of none.
        misfits.retain(|misfit| !misfit.starts_with(".expires_at: null") && misfit != ".connection: missing");
        self.note(&what, misfits);
        Some(answer)
    }

    async fn make(&mut self, story: &Story, body: &Value) -> Option<(String, Value)> {
        let at = (story.at)(&self.world);
        let answer = self.call("POST", story.create, &at, Some(body.clone())).await?;
        let mut gone = Vec::new();
        lost(body, &answer, story.name, &mut gone);
        self.note("POST answers", gone);
        let id = answer[story.id].as_str().unwrap_or_default();
        let path = format!("{at}/{}", encoded(id));
        self.found(story, &path, body).await;
        Some((path, answer))
    }

    /// Reads, and notes what of a body is not there.
    async fn found(&mut self, story: &Story, path: &str, body: &Value) -> Option<Value> {
        let read = self.call("GET", story.read, path, None).await?;
        let mut gone = Vec::new();
        lost(body, &read, story.name, &mut gone);
        self.note("GET answers", gone);
        Some(read)
    }

    async fn remove(&mut self, path: &str) {
        let (status, answer) = self.world.site.delete(path).await;
        let (after, _) = self.world.site.get(path).await;
        if !(200..300).contains(&status) || after != 404 {
            self.problems.push(format!("DELETE {path}: {status} {answer}, afterwards {after}"));
        }
    }

    fn least(&self, story: &Story) -> Map<String, Value> {
        let (facts, members) = form("POST", story.create);
        let mut least = self.world.known.value(facts.body.unwrap(), story.name, Fill::Least);
        let least = least.as_object_mut().unwrap();
        for name in story.needed {
            let place = format!("{}.{name}", story.name);
            least.insert((*name).to_owned(), self.world.known.value(&members[*name], &place, Fill::Least));
        }
        std::mem::take(least)
    }

    /// Every member by itself, then all of them.
    async fn made_with_each_member(&mut self, story: &Story) {
        let least = self.least(story);
        let (_, members) = form("POST", story.create);
        let mut whole = least.clone();
        for (name, form) in members {
            let place = format!("{}.{name}", story.name);
            let most = self.world.known.value(form, &place, Fill::Most);
            if !stands(NOT_TOGETHER, &place) {
                whole.insert(name.clone(), most.clone());
            }
            if stands(NOT_ALONE, &place) || least.contains_key(name) {
                continue;
            }
            let mut body = least.clone();
            body.insert(name.clone(), most);
            if let Some((path, _)) = self.make(story, &Value::Object(body)).await {
                self.remove(&path).await;
            }
        }
        if let Some((path, _)) = self.make(story, &Value::Object(whole)).await {
            self.remove(&path).await;
        }
    }

    /// Every member of a change by itself: set, and where its form says so taken away.
    async fn changed_by_each_member(&mut self, story: &Story) {
        let Some(update) = story.update else { return };
        let least = Value::Object(self.least(story));
        let Some((path, _)) = self.make(story, &least).await else { return };
        let (_, members) = form("PATCH", update);
        let mut whole = Map::new();
        for (name, form) in members {
            let place = format!("{}.{name}", story.name);
            let most = self.world.known.value(form, &place, Fill::Most);
            if !stands(NOT_TOGETHER, &place) && !CHANGED_ALONE.contains(&place.as_str()) {
                whole.insert(name.clone(), most.clone());
            }
            if stands(NOT_ALONE, &place) {
                continue;
            }
            let Some(before) = self.found(story, &path, &json!({})).await else { return };
            let change = json!({ name.clone(): most });
            let Some(answer) = self.call("PATCH", update, &path, Some(change.clone())).await else { continue };
            let mut gone = Vec::new();
            lost(&change, &answer, story.name, &mut gone);
            self.note("PATCH answers", gone);
            self.found(story, &path, &change).await;
            if let Some(empty) = empty(form).filter(|_| !stands(NOT_EMPTY, &place)) {
                let change = json!({ name.clone(): empty });
                if self.call("PATCH", update, &path, Some(change.clone())).await.is_some() {
                    self.found(story, &path, &change).await;
                }
            }
            if !is_nullable(form) || place == "users.password" || place == "users.email" {
                continue;
            }
            let change = json!({ name.clone(): null });
            self.call("PATCH", update, &path, Some(change)).await;
            let Some(after) = self.found(story, &path, &json!({})).await else { return };
            let left = after.get(name).unwrap_or(&Value::Null);
            if !left.is_null() && before.get(name) != Some(left) {
                self.problems.push(format!("PATCH {update} {name}=null left {left}"));
            }
        }
        let whole = Value::Object(whole);
        if let Some(answer) = self.call("PATCH", update, &path, Some(whole.clone())).await {
            let mut gone = Vec::new();
            lost(&whole, &answer, story.name, &mut gone);
            self.note("PATCH answers", gone);
            self.found(story, &path, &whole).await;
        }
        self.remove(&path).await;
    }

    async fn settings(&mut self) {
        let path = "/tenants/settings";
        let (_, members) = form("PATCH", path);
        for (name, form) in members {
            let place = format!("tenants.{name}");
            let before = self.world.site.get(path).await.1;
            let change = json!({ name.clone(): self.world.known.value(form, &place, Fill::Most) });
            let Some(answer) = self.call("PATCH", path, path, Some(change.clone())).await else { continue };
            let read = self.world.site.get(path).await.1;
            if name.ends_with("_in_minutes") {
                // Kept in hours.
                continue;
            }
            let mut gone = Vec::new();
            lost(&change, &answer, "tenants", &mut gone);
            lost(&change, &read, "tenants", &mut gone);
            self.note("PATCH", gone);
            if is_nullable(form) {
                self.call("PATCH", path, path, Some(json!({ name.clone(): null }))).await;
                let after = self.world.site.get(path).await.1;
                let left = after.get(name).unwrap_or(&Value::Null);
                if !left.is_null() && before.get(name) != Some(left) {
                    self.problems.push(format!("PATCH {path} {name}=null left {left}"));
                }
            }
        }
    }

    /// What is only made: tickets and jobs.
    async fn acts(&mut self) {
        for (path, name, without) in [
            ("/tickets/email-verification", "tickets", &["organization_id", "result_url"][..]),
            (
                "/tickets/password-change",
                "tickets",
                &["organization_id", "email", "connection_id", "user_id", "result_url"],
            ),
            ("/jobs/verification-email", "jobs", &["organization_id"]),
            ("/jobs/users-exports", "jobs", &[]),
        ] {
            let (facts, _) = form("POST", path);
            let known = |fill| self.world.known.value(facts.body.unwrap(), name, fill);
            let (least, mut most) = (known(Fill::Least), known(Fill::Most));
            for member in without {
                most.as_object_mut().unwrap().shift_remove(*member);
            }
            if path.ends_with("password-change") {
                let user = self.world.known.formats["user-id"].clone();
                most["user_id"] = user.clone();
                most.as_object_mut().unwrap().shift_remove("identity");
                self.call("POST", path, path, Some(json!({ "user_id": user }))).await;
            } else {
                self.call("POST", path, path, Some(least)).await;
            }
            self.call("POST", path, path, Some(most)).await;
        }
    }
}

async fn tell(story: impl AsyncFn(&mut Teller<'_>)) {
    on_each_store(async |site| {
        let world = World::made(site).await;
        let mut teller = Teller { world, spec: Spec::beside(), problems: Vec::new(), calls: 0 };
        story(&mut teller).await;
        assert!(teller.problems.is_empty(), "{}:\n{}", teller.problems.len(), teller.problems.join("\n"));
        eprintln!("{} calls", teller.calls);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_thing_is_made_with_comes_back() {
    tell(async |teller| {
        for story in STORIES {
            teller.made_with_each_member(story).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_thing_is_changed_to_comes_back_and_null_takes_it_away() {
    tell(async |teller| {
        for story in STORIES {
            teller.changed_by_each_member(story).await;
        }
        teller.settings().await;
        teller.acts().await;
    })
    .await;
}
