//! Organizations, users and roles for a test.

use serde_json::{Value, json};
use tenantry_identity::roles::{Level, NewRole};
use tenantry_identity::users::NewUser;
use tenantry_identity::{Caller, Part, Reach};

use crate::site::Site;

/// Everything, by numbers of items.
pub const ALL: Part = Part::Page { offset: 0, limit: 100, total: true };

pub async fn organization(site: &Site, name: &str) -> String {
    let (status, made) = site.post("/organizations", json!({ "name": name })).await;
    assert_eq!(status, 201, "{made}");
    text(&made["id"])
}

pub async fn user(site: &Site, email: &str) -> String {
    let new = NewUser {
        connection: "Username-Password-Authentication".to_owned(),
        email: Some(email.to_owned()),
        // Nobody logs in here, so nothing is hashed.
        hash: Some("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g".to_owned()),
        fields: json!({ "picture": "https://example.com/p.png" }).as_object().unwrap().clone(),
        ..NewUser::default()
    };
    site.identity.create_user(&operator(), new).await.unwrap().id
}

pub async fn role(site: &Site, name: &str) -> String {
    let description = Some("A role".to_owned());
    let new = NewRole { account: None, name: name.to_owned(), description, level: Level::Account };
    site.identity.create_role(&operator(), new).await.unwrap().id
}

pub async fn client(site: &Site, more: Value) -> String {
    let mut body = json!({ "name": "A client" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let (status, made) = site.post("/clients", body).await;
    assert_eq!(status, 201, "{made}");
    text(&made["client_id"])
}

pub async fn connection(site: &Site, name: &str) -> String {
    let (status, made) = site.post("/connections", json!({ "name": name, "strategy": "auth0" })).await;
    assert_eq!(status, 201, "{made}");
    text(&made["id"])
}

/// A user's token for an account, and in it for a workspace.
pub fn bound(user: &str, account: &str, workspace: Option<&str>, permissions: &[&str]) -> Caller {
    Caller {
        user: Some(user.to_owned()),
        reach: Reach::Account {
            account: account.to_owned(),
            workspace: workspace.map(str::to_owned),
            permissions: permissions.iter().map(|permission| (*permission).to_owned()).collect(),
        },
        ..Caller::operator("test")
    }
}

/// A user's token for no account.
pub fn unbound(user: &str) -> Caller {
    Caller { user: Some(user.to_owned()), reach: Reach::Platform(Vec::new()), ..Caller::operator("test") }
}

pub fn operator() -> Caller {
    Caller::operator("test")
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// A user's id as it stands in a path.
pub fn escaped(id: &str) -> String {
    id.replace('|', "%7C")
}
