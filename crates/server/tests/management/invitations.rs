//! Invitations into organizations.

use std::time::Duration;

use serde_json::{Value, json};
use tenantry_identity::{Kind, Refusal};

use crate::cast::{ALL, bound, client, connection, operator, organization, role, text, unbound, user};
use crate::site::{Site, on_each_store};

fn body(client: &str) -> Value {
    json!({ "inviter": { "name": "Ada" }, "invitee": { "email": "New@example.com" }, "client_id": client })
}

fn ticket(made: &Value) -> String {
    let url = text(&made["invitation_url"]);
    let (_, query) = url.split_once('?').unwrap();
    let ticket = query.split('&').find_map(|pair| pair.strip_prefix("invitation=")).unwrap();
    ticket.to_owned()
}

async fn seconds(site: &Site, org: &str, body: Value) -> i64 {
    let (status, made) = site.post(&format!("/organizations/{org}/invitations"), body).await;
    assert_eq!(status, 201, "{made}");
    let micros = |name: &str| made[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second();
    micros("expires_at") - micros("created_at")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_made_listed_and_withdrawn() {
    on_each_store(async |site| {
        let org = organization(site, "acme").await;
        let app = client(site, json!({ "initiate_login_uri": "https://app.example.com/login" })).await;
        let path = format!("/organizations/{org}/invitations");
        let (status, made) = site.post(&path, body(&app)).await;
        assert_eq!(status, 201, "{made}");
        let url = text(&made["invitation_url"]);
        assert!(url.starts_with("https://app.example.com/login?invitation="), "{url}");
        assert!(url.ends_with(&format!("&organization={org}&organization_name=acme")), "{url}");
        assert_eq!((&made["organization_id"], &made["invitee"]["email"]), (&json!(org), &json!("New@example.com")));
        let id = text(&made["id"]);
        // The ticket is not told again.
        let (_, read) = site.get(&format!("{path}/{id}")).await;
        assert!(!read.to_string().contains(&ticket(&made)), "{read}");
        assert!(read["invitation_url"].is_string() && read["ticket_id"].is_string());
        assert_eq!((&read["inviter"], &read["expires_at"]), (&made["inviter"], &made["expires_at"]));
        let (_, listed) = site.get(&format!("{path}?include_totals=true&per_page=50")).await;
        assert_eq!(
            (&listed["start"], &listed["limit"], listed.get("total"), listed["invitations"].as_array().unwrap().len()),
            (&json!(0), &json!(1), None, 1)
        );
        let (_, few) = site.get(&format!("{path}?fields=id,invitee&include_fields=true")).await;
        assert_eq!(few, json!([{ "id": id, "invitee": { "email": "New@example.com" } }]));
        let (_, second) = site.post(&path, body(&app)).await;
        let order = async |sort: &str| {
            let (_, listed) = site.get(&format!("{path}?sort=created_at:{sort}")).await;
            text(&listed[0]["id"])
        };
        assert_eq!((order("1").await, order("-1").await), (id.clone(), text(&second["id"])));

        assert_eq!(site.delete(&format!("{path}/{id}")).await, (204, Value::Null));
        let (status, gone) = site.get(&format!("{path}/{id}")).await;
        assert_eq!((status, &gone["errorCode"]), (404, &json!("inexistent_invitation")));
        assert_eq!(site.delete(&format!("{path}/{id}")).await.0, 404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_lives_seven_days_or_as_said_and_at_most_thirty() {
    on_each_store(async |site| {
        let org = organization(site, "acme").await;
        let app = client(site, json!({})).await;
        let with = |ttl: i64| {
            let mut body = body(&app);
            body["ttl_sec"] = json!(ttl);
            body
        };
        assert_eq!(seconds(site, &org, body(&app)).await, 604_800);
        assert_eq!(seconds(site, &org, with(0)).await, 604_800);
        assert_eq!(seconds(site, &org, with(60)).await, 60);
        assert_eq!(seconds(site, &org, with(2_592_000)).await, 2_592_000);
        let (status, body) = site.post(&format!("/organizations/{org}/invitations"), with(2_592_001)).await;
        assert_eq!((status, &body["errorCode"]), (400, &json!("invalid_body")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_names_exists() {
    on_each_store(async |site| {
        let org = organization(site, "acme").await;
        let app = client(site, json!({})).await;
        let path = format!("/organizations/{org}/invitations");
        let with = |name: &str, value: Value| {
            let mut body = body(&app);
            body[name] = value;
            body
        };
        for (wrong, status) in [
            (with("client_id", json!("nobody")), 404),
            (with("connection_id", json!("con_0000000000000000")), 404),
            (with("roles", json!(["rol_0000000000000000"])), 404),
            (with("roles", json!(["rol_PlatformOwner000"])), 400),
        ] {
            let (found, body) = site.post(&path, wrong.clone()).await;
            assert_eq!(found, status, "{wrong}: {body}");
        }
        assert_eq!(site.get(&path).await, (200, json!([])));
        assert_eq!(site.post("/organizations/org_none/invitations", body(&app)).await.0, 404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_used_once_by_whom_it_is_for() {
    on_each_store(async |site| {
        let (org, other) = (organization(site, "acme").await, organization(site, "beta").await);
        let app = client(site, json!({})).await;
        let editor = role(site, "editor").await;
        let (invited, stranger) = (user(site, "new@example.com").await, user(site, "other@example.com").await);
        let elsewhere = connection(site, "elsewhere").await;
        let path = format!("/organizations/{org}/invitations");
        let mut wanted = body(&app);
        wanted["roles"] = json!([editor]);
        let (_, made) = site.post(&path, wanted.clone()).await;
        let ticket_of = ticket(&made);
        let identity = &site.identity;
        let no = Refusal::Missing(Kind::Invitation);
        for (caller, ticket) in [
            (unbound(&stranger), ticket_of.as_str()),
            (unbound(&invited), "another"),
            (bound(&invited, &other, None, &[]), ticket_of.as_str()),
            (operator(), ticket_of.as_str()),
        ] {
            assert_eq!(identity.accept_invitation(&caller, ticket).await.map(drop), Err(no.clone()));
        }
        let account = identity.accept_invitation(&unbound(&invited), &ticket_of).await.unwrap();
        assert_eq!(account.id, org);
        let held = identity.member_roles(&operator(), &org, &invited, &ALL).await.unwrap();
        assert_eq!(held.items.iter().map(|role| &role.id).collect::<Vec<_>>(), [&editor]);
        assert_eq!(identity.accept_invitation(&unbound(&invited), &ticket_of).await.map(drop), Err(no.clone()));
        assert_eq!(site.get(&path).await, (200, json!([])));

        // Another connection was asked for.
        wanted["connection_id"] = json!(elsewhere);
        let (_, made) = site.post(&path, wanted.clone()).await;
        assert_eq!(identity.accept_invitation(&unbound(&invited), &ticket(&made)).await.map(drop), Err(no.clone()));
        // Out of time.
        wanted.as_object_mut().unwrap().remove("connection_id");
        wanted["ttl_sec"] = json!(60);
        let (_, made) = site.post(&path, wanted).await;
        site.clock.advance(Duration::from_secs(61));
        assert_eq!(identity.accept_invitation(&unbound(&invited), &ticket(&made)).await.map(drop), Err(no));
    })
    .await;
}
