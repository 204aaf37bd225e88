//! Nobody becomes somebody who acts for the platform without the right to make such people.

use serde_json::{Value, json};
use tenantry_identity::users::NewUser;
use tenantry_identity::{Caller, Reach, Refusal, contexts};

use crate::cast::{connection, escaped, operator, organization, user};
use crate::site::{Site, on_each_store};

const FIRST: &str = "Username-Password-Authentication";

/// The scopes of a client that looks after users, and may give no roles of the platform.
const HELPDESK: [&str; 10] = [
    "read:users",
    "update:users",
    "create:users",
    "create:user_tickets",
    "create:authentication_methods",
    "update:authentication_methods",
    "delete:authentication_methods",
    "delete:guardian_enrollments",
    "update:users_app_metadata",
    "read:authentication_methods",
];

/// An owner by its role, somebody marked as the platform's, and an ordinary user.
async fn people(site: &Site) -> [String; 3] {
    let owner = user(site, "owner@example.com").await;
    let new = tenantry_identity::roles::NewRole {
        account: None,
        name: "watcher".to_owned(),
        description: None,
        level: tenantry_identity::roles::Level::Platform,
    };
    let role = site.identity.create_role(&operator(), new).await.unwrap().id;
    assert_eq!(site.post(&format!("/users/{}/roles", escaped(&owner)), json!({ "roles": [role] })).await.0, 204);
    let new = NewUser {
        connection: FIRST.to_owned(),
        email: Some("marked@example.com".to_owned()),
        hash: Some(String::new()),
        platform: true,
        ..NewUser::default()
    };
    let marked = site.identity.create_user(&operator(), new).await.unwrap().id;
    [owner, marked, user(site, "plain@example.com").await]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_helpdesk_changes_ordinary_users_and_nobody_of_the_platform() {
    on_each_store(async |site| {
        let [owner, marked, plain] = people(site).await;
        let other = user(site, "other@example.com").await;
        let helpdesk = site.token(&HELPDESK);
        let call =
            async |method: &str, path: String, body: Option<Value>| site.call_as(&helpdesk, method, &path, body).await;
        let subject = |id: &str| id.trim_start_matches("auth0|").to_owned();
        let totp = json!({ "type": "totp", "totp_secret": "5HCWXIP2MJNSUBGYVUZFLRB2HWIGXR4SYJQXNBQ" });
        for (who, may) in [(&owner, false), (&marked, false), (&plain, true)] {
            let before = site.get(&format!("/users/{}", escaped(who))).await.1;
            let at = format!("/users/{}", escaped(who));
            let ways = [
                ("PATCH", at.clone(), Some(json!({ "email": format!("taken-{}@example.com", subject(who)) }))),
                ("PATCH", at.clone(), Some(json!({ "email_verified": true }))),
                ("PATCH", at.clone(), Some(json!({ "username": format!("n{}", subject(who)) }))),
                ("PATCH", at.clone(), Some(json!({ "phone_number": "+4312345678" }))),
                ("PATCH", at.clone(), Some(json!({ "blocked": false }))),
                ("PATCH", at.clone(), Some(json!({ "password": "Correct horse 1!" }))),
                ("POST", "/tickets/password-change".to_owned(), Some(json!({ "user_id": who }))),
                ("POST", format!("{at}/authentication-methods"), Some(totp.clone())),
                ("PUT", format!("{at}/authentication-methods"), Some(json!([totp]))),
                ("DELETE", format!("{at}/authentication-methods"), None),
                ("DELETE", format!("{at}/authenticators"), None),
                ("DELETE", format!("{at}/multifactor/google-authenticator"), None),
                ("POST", format!("{at}/recovery-code-regeneration"), None),
                // Either way of linking them makes one of two.
                ("POST", format!("{at}/identities"), Some(json!({ "provider": "auth0", "user_id": subject(&other) }))),
            ];
            for (method, path, body) in ways {
                let (status, told) = call(method, path.clone(), body.clone()).await;
                let fits = if may { (200..300).contains(&status) } else { status == 403 };
                assert!(fits, "{method} {path} {body:?}: {status} {told}");
            }
            if !may {
                let back = json!({ "provider": "auth0", "user_id": subject(who) });
                assert_eq!(call("POST", format!("/users/{}/identities", escaped(&other)), Some(back)).await.0, 403);
                // Nothing happened half-way.
                assert_eq!(site.get(&at).await.1, before);
                assert_eq!(site.get(&format!("{at}/authentication-methods")).await.1, json!([]));
            }
            // What nobody logs in by is the helpdesk's.
            let (status, told) = call("PATCH", at.clone(), Some(json!({ "user_metadata": { "seen": true } }))).await;
            assert_eq!(status, 200, "{told}");
        }
        // Who may give roles of the platform may do all of it.
        let more = site.token(&[&HELPDESK[..], &["create:role_members"]].concat());
        let change = Some(json!({ "email": "new-owner@example.com" }));
        let (status, told) = site.call_as(&more, "PATCH", &format!("/users/{}", escaped(&owner)), change).await;
        assert_eq!(status, 200, "{told}");
    })
    .await;
}

/// The role with which people of the platform begin their day: it changes users, and gives no roles.
#[tokio::test(flavor = "multi_thread")]
async fn the_platforms_operators_do_not_become_its_owners() {
    on_each_store(async |site| {
        let [owner, marked, plain] = people(site).await;
        let operator = contexts::ROLES.iter().find(|role| role.name == "platform-operator").unwrap();
        let permissions: Vec<String> = operator.permissions().map(str::to_owned).collect();
        assert!(permissions.iter().any(|name| name == "update:users"));
        let caller =
            Caller { user: Some(marked.clone()), reach: Reach::Platform(permissions), ..Caller::operator("test") };
        let change = |email: &str| json!({ "email": email }).as_object().unwrap().clone();
        let tried =
            async |who: &str, email: &str| site.identity.update_user(&caller, who, change(email)).await.map(drop);
        let no = Err(Refusal::Forbidden { any_of: &["create:role_members"] });
        assert_eq!(tried(&owner, "a@example.com").await, no);
        // Nor another operator, nor who they are themselves.
        assert_eq!(tried(&marked, "b@example.com").await, no);
        assert_eq!(tried(&plain, "c@example.com").await, Ok(()));
        let account = organization(site, "acme").await;
        let _ = connection(site, "other").await;
        let members = json!({ "members": [owner] });
        assert_eq!(site.post(&format!("/organizations/{account}/members"), members).await.0, 204);
        assert_eq!(tried(&owner, "a@example.com").await, no, "wherever else the owner belongs");
    })
    .await;
}

/// What a file says of users who exist happens to each of them, whatever is wrong with the others.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_changes_whom_its_sender_may_change() {
    on_each_store(async |site| {
        let [owner, marked, plain] = people(site).await;
        let other = user(site, "other@example.com").await;
        let mut batch: Vec<Value> = Vec::new();
        for number in 0..70 {
            let id = user(site, &format!("u{number}@example.com")).await;
            batch.push(json!({ "user_id": id.trim_start_matches("auth0|"), "email": format!("v{number}@example.com"),
                "app_metadata": { "number": number } }));
        }
        batch.extend([
            json!({ "email": "owner@example.com", "blocked": true }),
            json!({ "email": "marked@example.com", "given_name": "Mark" }),
            json!({ "email": "plain@example.com", "username": "plain" }),
            // The same person twice, by another name.
            json!({ "username": "plain", "email": "plainer@example.com" }),
            // Two people of whom one wants the other's address.
            json!({ "user_id": other.trim_start_matches("auth0|"), "email": "plain@example.com" }),
        ]);
        let caller = Caller {
            user: Some(marked.clone()),
            reach: Reach::Platform(["create:users", "read:users", "update:users"].map(str::to_owned).to_vec()),
            ..Caller::operator("test")
        };
        let connection = site.get(&format!("/connections?name={FIRST}")).await.1[0]["id"].as_str().unwrap().to_owned();
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, Value::Array(batch).to_string().as_bytes()).unwrap();
        std::io::Seek::rewind(&mut file).unwrap();
        let import =
            tenantry_identity::jobs::Import { connection_id: connection, upsert: true, external_id: None, file };
        let job = site.identity.import_users(&caller, import).await.unwrap();
        let job = crate::jobs::ended(site, &json!({ "id": job.id })).await;
        let errors = site.get(&format!("/jobs/{}/errors", job["id"].as_str().unwrap())).await.1;
        let told: Vec<(&str, &str)> = errors
            .as_array()
            .unwrap()
            .iter()
            .map(|error| (error["user"]["email"].as_str().unwrap(), error["errors"][0]["code"].as_str().unwrap()))
            .collect();
        let mut forbidden: Vec<&str> =
            told.iter().filter(|(_, code)| *code == "FORBIDDEN").map(|(email, _)| *email).collect();
        forbidden.sort_unstable();
        assert_eq!(forbidden, ["marked@example.com", "owner@example.com"], "{told:?}");
        assert_eq!(job["summary"]["total"], json!(75), "{job}");
        let (updated, failed) =
            (job["summary"]["updated"].as_u64().unwrap(), job["summary"]["failed"].as_u64().unwrap());
        assert_eq!(updated + failed, 75, "{job} {told:?}");
        assert!(updated >= 71, "{job} {told:?}");
        let (_, owner) = site.get(&format!("/users/{}", escaped(&owner))).await;
        assert_eq!(owner.get("blocked"), None, "{owner}");
        let (_, changed) = site.get("/users?q=app_metadata.number:69&include_totals=true").await;
        assert_eq!((&changed["total"], &changed["users"][0]["email"]), (&json!(1), &json!("v69@example.com")));
        assert_eq!(site.get("/users-by-email?email=u69@example.com").await.1, json!([]));
        let (_, plain) = site.get(&format!("/users/{}", escaped(&plain))).await;
        assert_eq!(plain["username"], json!("plain"), "{plain}");
    })
    .await;
}
