//! Users.

use serde_json::{Value, json};

use crate::site::{Site, on_each_store};

const CONNECTION: &str = "Username-Password-Authentication";
const PASSWORD: &str = "Correct horse, 1 battery";

async fn made(site: &Site, body: Value) -> Value {
    let mut whole = json!({"connection": CONNECTION, "password": PASSWORD});
    whole.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    let (status, user) = site.post("/users", whole).await;
    assert_eq!(status, 201, "{user}");
    user
}

fn path(user: &Value) -> String {
    let id = user["user_id"].as_str().unwrap().replace('|', "%7C");
    format!("/users/{id}")
}

/// The e-mail addresses that a query finds, in their order.
async fn found(site: &Site, query: &str) -> Vec<String> {
    let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let (status, users) = site.get(&format!("/users?q={query}&sort=email:1")).await;
    assert_eq!(status, 200, "{query}: {users}");
    users.as_array().unwrap().iter().map(|user| user["email"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_made_read_changed_and_removed() {
    on_each_store(async |site| {
        let user = made(site, json!({"email": "Jane.Doe@Example.com"})).await;
        let id = user["user_id"].as_str().unwrap();
        assert!(id.starts_with("auth0|") && id.len() == 6 + 24);
        assert_eq!(
            (&user["email"], &user["name"], &user["nickname"], &user["email_verified"]),
            (&json!("jane.doe@example.com"), &json!("jane.doe@example.com"), &json!("jane.doe"), &json!(false))
        );
        assert_eq!(
            user["identities"],
            json!([{"connection": CONNECTION, "user_id": id.trim_start_matches("auth0|"), "provider": "auth0", "isSocial": false}])
        );
        let path = path(&user);
        assert_eq!(site.get(&path).await, (200, user.clone()));
        // Encoded twice.
        assert_eq!(site.get(&path.replace('%', "%25")).await.0, 200);

        let (status, changed) = site
            .patch(&path, json!({"user_metadata": {"a": 1, "b": {"c": 2}}, "app_metadata": {"plan": "gold"}}))
            .await;
        assert_eq!((status, &changed["user_metadata"]), (200, &json!({"a": 1, "b": {"c": 2}})));
        let (_, changed) = site.patch(&path, json!({"user_metadata": {"a": null, "b": {"d": 3}}})).await;
        assert_eq!(changed["user_metadata"], json!({"b": {"d": 3}}));
        assert_eq!(changed["app_metadata"], json!({"plan": "gold"}));
        let (_, changed) = site.patch(&path, json!({"user_metadata": {}})).await;
        assert_eq!((&changed["user_metadata"], &changed["app_metadata"]), (&json!({}), &json!({"plan": "gold"})));

        // What followed from the address follows it; what was said stays.
        let (_, changed) = site.patch(&path, json!({"email_verified": true, "nickname": "jd"})).await;
        assert_eq!((&changed["email_verified"], &changed["nickname"]), (&json!(true), &json!("jd")));
        let (_, changed) = site.patch(&path, json!({"email": "jd@example.com"})).await;
        assert_eq!(
            (&changed["email"], &changed["name"], &changed["nickname"], &changed["email_verified"]),
            (&json!("jd@example.com"), &json!("jd@example.com"), &json!("jd"), &json!(false))
        );
        let (_, changed) = site.patch(&path, json!({"nickname": null, "given_name": "J", "blocked": true})).await;
        assert_eq!((&changed["nickname"], &changed["blocked"]), (&json!("jd"), &json!(true)));
        let (status, changed) = site.patch(&path, json!({"password": "Another horse, 2 batteries"})).await;
        assert_eq!(status, 200);
        assert!(changed["last_password_reset"].is_string());
        assert_eq!(site.get(&path).await.1, changed);

        let (_, part) = site.get(&format!("{path}?fields=user_id,email")).await;
        assert_eq!(part, json!({"user_id": id, "email": "jd@example.com"}));
        let (_, part) = site.get(&format!("{path}?fields=identities,picture&include_fields=false")).await;
        assert!(part.get("identities").is_none() && part.get("picture").is_none() && part.get("email").is_some());

        assert_eq!(site.delete(&path).await.0, 204);
        assert_eq!(site.delete(&path).await.0, 204);
        let (status, gone) = site.get(&path).await;
        assert_eq!((status, &gone["errorCode"]), (404, &json!("inexistent_user")));
        assert_eq!(site.patch(&path, json!({"name": "x"})).await.0, 404);
        assert_eq!(site.get("/users?include_totals=true").await.1["total"], json!(0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_takes_what_another_one_has() {
    on_each_store(async |site| {
        let one = made(site, json!({"email": "a@example.com", "username": "Ann", "user_id": "one"})).await;
        assert_eq!((&one["user_id"], &one["username"]), (&json!("auth0|one"), &json!("ann")));
        for body in [
            json!({"email": "A@example.com"}),
            json!({"email": "\u{ff41}@example.com"}),
            json!({"email": "b@example.com", "username": "ANN"}),
            json!({"email": "c@example.com", "user_id": "one"}),
        ] {
            let mut whole = json!({"connection": CONNECTION, "password": PASSWORD});
            whole.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
            let (status, answer) = site.post("/users", whole).await;
            assert_eq!((status, &answer["message"]), (409, &json!("The user already exists.")), "{body}");
        }
        let two = made(site, json!({"email": "b@example.com", "username": "bob"})).await;
        let (status, answer) = site.patch(&path(&two), json!({"email": "a@example.com"})).await;
        assert_eq!((status, &answer["message"]), (400, &json!("The specified new email already exists")));
        let (status, answer) = site.patch(&path(&two), json!({"username": "ann"})).await;
        assert_eq!((status, &answer["message"]), (400, &json!("The specified new username already exists")));
        assert_eq!(site.get(&path(&two)).await.1, two);
        let (_, total) = site.get("/users?include_totals=true&per_page=1").await;
        assert_eq!((&total["total"], &total["length"]), (&json!(2), &json!(1)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_refused_and_nothing_is_written() {
    on_each_store(async |site| {
        for (body, wanted) in [
            (json!({"email": "a@example.com"}), "connection"),
            (json!({"connection": "nowhere", "email": "a@example.com", "password": PASSWORD}), "connection does not exist"),
            (json!({"connection": CONNECTION, "email": "a@example.com"}), "Missing required property: password"),
            (json!({"connection": CONNECTION, "password": PASSWORD}), "Missing required property: email"),
            (json!({"connection": CONNECTION, "password": "x", "email": "a@example.com"}), "PasswordStrengthError"),
            (json!({"connection": CONNECTION, "password": PASSWORD, "email": "a"}), "format email"),
            (json!({"connection": CONNECTION, "password": PASSWORD, "email": "\u{430}dmin@example.com"}), "scripts"),
            (json!({"connection": CONNECTION, "password": PASSWORD, "email": "a@example.com", "username": "x@example.com"}), "address"),
            (json!({"connection": CONNECTION, "password": PASSWORD, "email": "a@example.com", "name": "a\u{202e}b"}), "control"),
            (json!({"connection": CONNECTION, "password": PASSWORD, "email": "a@example.com", "user_id": "x@clients"}), "user_id"),
            (json!({"connection": CONNECTION, "password": PASSWORD, "email": "a@example.com", "nonsense": 1}), "nonsense"),
        ] {
            let (status, answer) = site.post("/users", body.clone()).await;
            assert_eq!(status, 400, "{body}: {answer}");
            assert!(answer["message"].as_str().unwrap().contains(wanted), "{body}: {answer}");
        }
        assert_eq!(site.get("/users").await, (200, json!([])));
        let user = made(site, json!({"email": "a@example.com", "username": "ann"})).await;
        for (change, wanted) in [
            (json!({"username": "b", "password": PASSWORD}), "Cannot update username and password simultaneously"),
            (json!({"username": "b", "email_verified": true}), "Cannot update username and email_verified simultaneously"),
            (json!({"password": PASSWORD, "email_verified": true}), "Cannot update password and email_verified simultaneously"),
            (json!({"password": PASSWORD, "email": "b@example.com"}), "Cannot update password and email simultaneously"),
            (json!({"connection": "other", "email": "b@example.com"}), "no identity in the connection"),
            (json!({"email": null, "username": null}), "keeps at least one"),
            (json!({"password": null}), "password"),
            (json!({"nonsense": 1}), "Additional properties not allowed: nonsense"),
            (json!({"verify_email": true}), "email"),
        ] {
            let (status, answer) = site.patch(&path(&user), change.clone()).await;
            assert_eq!(status, 400, "{change}: {answer}");
            assert!(answer["message"].as_str().unwrap().contains(wanted), "{change}: {answer}");
        }
        assert_eq!(site.get(&path(&user)).await.1, user);
        assert_eq!(site.get("/users/auth0%7C%00x").await.0, 404);
        assert_eq!(site.get("/users-by-email?email=%00").await, (200, json!([])));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_reach_as_far_as_they_say() {
    on_each_store(async |site| {
        let user = made(site, json!({"email": "a@example.com"})).await;
        let only = |scope: &str| site.token(&[scope]);
        let app = only("update:users_app_metadata");
        let call = async |token: &str, change: Value| site.call_as(token, "PATCH", &path(&user), Some(change)).await.0;
        assert_eq!(call(&app, json!({"app_metadata": {"a": 1}})).await, 200);
        assert_eq!(call(&app, json!({"app_metadata": {"a": 1}, "blocked": true})).await, 403);
        assert_eq!(call(&only("update:current_user_metadata"), json!({"user_metadata": {"a": 1}})).await, 403);
        let own = only("read:current_user");
        assert_eq!(site.call_as(&own, "GET", &path(&user), None).await.0, 403);
        assert_eq!(site.call_as(&only("delete:current_user"), "DELETE", &path(&user), None).await.0, 403);
        assert_eq!(site.call_as(&own, "GET", "/users", None).await.0, 403);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_found_by_what_they_are() {
    on_each_store(async |site| {
        let people = [
            json!({"email": "ann@acme.example", "name": "Ann Smith", "given_name": "Ann", "family_name": "Smith",
                "username": "ann", "email_verified": true,
                "user_metadata": {"color": "blue", "tags": ["x", "y"], "address": {"city": "Paris"}},
                "app_metadata": {"plan": "gold", "age": 42, "vip": true, "rate": -1.5}}),
            json!({"email": "bob@acme.example", "name": "Bob Jones", "nickname": "Bobby", "blocked": true,
                "user_metadata": {"color": "Blue", "address": {"city": "New York"}},
                "app_metadata": {"plan": "silver", "age": 7, "vip": false, "rate": 10}}),
            json!({"email": "carla@other.example", "name": "Carla 100% [x]*", "app_metadata": {"age": "42", "list": [{"k": 1}]}}),
        ];
        for person in &people {
            made(site, person.clone()).await;
        }
        let (ann, bob, carla) = ("ann@acme.example", "bob@acme.example", "carla@other.example");
        for (query, expected) in [
            ("email:\"ANN@acme.example\"", vec![ann]),
            ("email:ann*", vec![ann]),
            ("email:*acme.example", vec![ann, bob]),
            ("email.domain:acme.example", vec![ann, bob]),
            ("email:b?b@acme.example", vec![bob]),
            ("name:\"ann smith\"", vec![ann]),
            ("name:ann", vec![]),
            ("name:*JON*", vec![bob]),
            ("name:*100%*", vec![carla]),
            ("name:*\\[x\\]\\*", vec![carla]),
            ("name:*_00%*", vec![]),
            ("family_name:smith OR nickname:bobby", vec![ann, bob]),
            ("username:ann", vec![ann]),
            ("ann", vec![ann]),
            ("bob*", vec![bob]),
            ("blocked:true", vec![bob]),
            ("NOT blocked:true", vec![ann, carla]),
            ("email_verified:true", vec![ann]),
            ("email_verified:false AND NOT nickname:bobby", vec![carla]),
            ("user_metadata.color:blue", vec![ann]),
            ("user_metadata.color:Blu*", vec![bob]),
            ("user_metadata.color:*lue", vec![ann, bob]),
            ("user_metadata.tags:y", vec![ann]),
            ("user_metadata.address.city:(Paris OR \"New York\")", vec![ann, bob]),
            ("NOT user_metadata.color:blue", vec![bob, carla]),
            ("app_metadata.vip:true", vec![ann]),
            ("app_metadata.vip:false", vec![bob]),
            ("app_metadata.age:42", vec![ann, carla]),
            ("app_metadata.age:[7 TO 42}", vec![bob]),
            ("app_metadata.age:[7 TO 42]", vec![ann, bob]),
            ("app_metadata.rate:[* TO 0]", vec![ann]),
            ("app_metadata.rate:>9.5", vec![bob]),
            ("app_metadata.plan:[a TO h]", vec![ann]),
            ("app_metadata.list.k:1", vec![carla]),
            ("_exists_:app_metadata.plan", vec![ann, bob]),
            ("_exists_:user_metadata", vec![ann, bob]),
            ("_exists_:user_metadata.address", vec![ann, bob]),
            ("_exists_:family_name", vec![ann]),
            ("NOT _exists_:family_name", vec![bob, carla]),
            ("_exists_:last_login", vec![]),
            ("logins_count:0", vec![ann, bob, carla]),
            ("logins_count:[1 TO *]", vec![]),
            ("created_at:[1971 TO *]", vec![ann, bob, carla]),
            ("created_at:[* TO 1971}", vec![]),
            ("identities.connection:\"Username-Password-Authentication\"", vec![ann, bob, carla]),
            ("identities.provider:auth0 AND app_metadata.plan:gold", vec![ann]),
            ("identities.user_id:nobody", vec![]),
            ("user_id:auth0*", vec![ann, bob, carla]),
            ("organization_id:org_x", vec![]),
            ("nothing:x", vec![]),
            ("*:*", vec![ann, bob, carla]),
            ("name:\"'; DROP TABLE tenantry_user; --\"", vec![]),
            ("user_metadata.a'b\\\"c:x", vec![]),
        ] {
            assert_eq!(found(site, query).await, expected, "{query}");
        }
        for query in ["name:(", "name:*ab", "blocked:x", "a:b:c", "%00"] {
            let (status, answer) = site.get(&format!("/users?q={query}")).await;
            assert_eq!((status, &answer["errorCode"]), (400, &json!("invalid_query_string")), "{query}: {answer}");
        }
        let (_, answer) = site.get("/users?q=blocked:true&include_totals=true&search_engine=v3").await;
        assert_eq!((&answer["total"], &answer["length"], &answer["start"]), (&json!(1), &json!(1), &json!(0)));
        assert_eq!(site.get("/users?q=a&search_engine=v9").await.0, 400);
        assert_eq!(site.get(&format!("/users-by-email?email={}", ann.to_uppercase())).await.1[0]["email"], json!(ann));
        assert_eq!(site.get("/users-by-email?email=ann").await, (200, json!([])));
        assert_eq!(site.get("/users-by-email").await.0, 400);
        // After a change the old is not found any more.
        let (_, users) = site.get("/users?q=email:ann*").await;
        site.patch(&path(&users[0]), json!({"user_metadata": {"color": "red"}})).await;
        assert_eq!(found(site, "user_metadata.color:blue").await, Vec::<String>::new());
        assert_eq!(found(site, "user_metadata.color:red AND user_metadata.tags:x").await, [ann]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_have_orders_and_ends() {
    on_each_store(async |site| {
        for (email, name) in [("c@example.com", "A"), ("a@example.com", "b"), ("b@example.com", "C")] {
            made(site, json!({"email": email, "name": name})).await;
        }
        let emails = async |query: &str| -> Vec<String> {
            let (status, users) = site.get(&format!("/users?{query}")).await;
            assert_eq!(status, 200, "{query}: {users}");
            users
                .as_array()
                .unwrap()
                .iter()
                .map(|user| user["email"].as_str().unwrap().chars().take(1).collect())
                .collect()
        };
        assert_eq!(emails("sort=email:1").await, ["a", "b", "c"]);
        assert_eq!(emails("sort=email:-1").await, ["c", "b", "a"]);
        assert_eq!(emails("sort=name:1").await, ["c", "a", "b"]);
        assert_eq!(emails("sort=last_login:-1").await.len(), 3);
        assert_eq!(emails("sort=email:1&per_page=2&page=1").await, ["c"]);
        assert_eq!(emails("per_page=2&page=2").await, Vec::<String>::new());
        assert_eq!(emails("connection=Username-Password-Authentication").await.len(), 3);
        assert_eq!(emails("connection=other").await, Vec::<String>::new());
        assert_eq!(site.get("/users?sort=picture:1").await.0, 400);
        assert_eq!(site.get("/users?sort=email").await.0, 400);
        let (status, answer) = site.get("/users?page=10&per_page=100").await;
        assert_eq!((status, &answer["errorCode"]), (400, &json!("invalid_paging")));
        let (_, page) = site.get("/users?per_page=2&include_totals=true").await;
        assert_eq!((&page["total"], &page["limit"]), (&json!(3), &json!(2)));
        let (_, page) = site.get("/users?per_page=0&include_totals=true").await;
        assert_eq!((&page["total"], &page["users"]), (&json!(3), &json!([])));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn identities_are_linked_and_let_go() {
    on_each_store(async |site| {
        let one = made(site, json!({"email": "one@example.com", "user_metadata": {"a": 1}})).await;
        let two = made(site, json!({"email": "two@example.com", "name": "Two", "user_metadata": {"b": 1}})).await;
        let subject = two["identities"][0]["user_id"].clone();
        let link = json!({"provider": "auth0", "user_id": subject});
        let (status, linked) = site.post(&format!("{}/identities", path(&one)), link.clone()).await;
        assert_eq!(status, 201, "{linked}");
        assert_eq!(linked.as_array().unwrap().len(), 2);
        assert_eq!(linked[1]["profileData"]["email"], json!("two@example.com"));
        assert_eq!(site.get(&path(&two)).await.0, 404);
        assert_eq!(site.get("/users?include_totals=true").await.1["total"], json!(1));
        let (status, answer) = site.post(&format!("{}/identities", path(&one)), link).await;
        assert_eq!((status, &answer["message"]), (409, &json!("Specified identity already exists.")));
        let own = json!({"provider": "auth0", "user_id": one["user_id"]});
        assert_eq!(site.post(&format!("{}/identities", path(&one)), own).await.0, 400);
        let nobody = json!({"provider": "auth0", "user_id": "nobody"});
        assert_eq!(site.post(&format!("{}/identities", path(&one)), nobody).await.0, 404);
        // Its address stays taken in the connection.
        let again = json!({"connection": CONNECTION, "password": PASSWORD, "email": "two@example.com"});
        assert_eq!(site.post("/users", again).await.0, 409);
        let first = one["identities"][0]["user_id"].as_str().unwrap();
        assert_eq!(site.delete(&format!("{}/identities/auth0/{first}", path(&one))).await.0, 400);
        let at = format!("{}/identities/auth0/{}", path(&one), subject.as_str().unwrap());
        let (status, left) = site.delete(&at).await;
        assert_eq!((status, left.as_array().unwrap().len()), (200, 1));
        assert_eq!(site.delete(&at).await.0, 404);
        let (status, alone) = site.get(&path(&two)).await;
        assert_eq!((status, &alone["email"], &alone["name"]), (200, &json!("two@example.com"), &json!("Two")));
        assert!(alone.get("user_metadata").is_none());
        assert_eq!(site.get(&path(&one)).await.1["user_metadata"], json!({"a": 1}));
        assert_eq!(found(site, "email:two@example.com").await, ["two@example.com"]);
    })
    .await;
}
