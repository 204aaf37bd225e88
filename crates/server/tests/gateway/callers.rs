//! Who may call which model.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::desk::Desk;

#[tokio::test(flavor = "multi_thread")]
async fn a_role_lets_its_holder_call_and_nobody_else() {
    let desk = Desk::echoing().await;
    let (ada, bob) = (desk.ada().await, desk.bob().await);
    let said = desk.chat(&ada, "small", "good morning").await;
    assert_eq!(said.status, 200, "{said:?}");
    assert_eq!(said.json()["choices"][0]["message"]["content"], "echo: good morning");
    assert!(said.headers["x-request-id"].to_str().unwrap().starts_with("req_"));
    assert_eq!(said.headers["cache-control"], "no-store");
    // What is absent and what is not the caller's are told apart by nobody.
    let absent = desk.chat(&ada, "enormous", "x").await;
    let forbidden = desk.chat(&ada, "large", "x").await;
    let unheld = desk.chat(&bob, "small", "x").await;
    for (said, name) in [(&absent, "enormous"), (&forbidden, "large"), (&unheld, "small")] {
        assert_eq!(said.status, 404);
        let error = &said.json()["error"];
        assert_eq!(error["code"], "model_not_found");
        assert_eq!(error["type"], "invalid_request_error");
        assert_eq!(error["message"], format!("The model `{name}` does not exist or you do not have access to it."));
    }
    // Whoever is refused can name the entry that tells why.
    let unread = desk.post("/v1/messages", &ada, json!({ "model": "small", "max_tokens": -1 })).await;
    assert_eq!(
        (unread.status, &unread.json()["request_id"]),
        (400, &json!(unread.headers["request-id"].to_str().unwrap()))
    );
    let tenant = desk.site.store.account(&desk.acme).await.unwrap().unwrap().tenant_id;
    let filter = tenantry_store::Filter { account: tenant, ..tenantry_store::Filter::default() };
    let on_record: Vec<String> =
        desk.site.store.list(&filter).await.unwrap().into_iter().map(|one| one.entry.id).collect();
    for (said, header) in [(&absent, "x-request-id"), (&unheld, "x-request-id"), (&unread, "request-id")] {
        let id = said.headers[header].to_str().unwrap();
        assert!(id.starts_with("req_") && on_record.iter().any(|known| known == id), "{id} {on_record:?}");
    }
    let usage = desk.usage(&desk.acme).await;
    assert_eq!(usage.len(), 1, "{usage:?}");
    let row = &usage[0];
    assert_eq!((row.input_tokens, row.output_tokens, row.cost_micros, row.estimated), (2, 3, 8, false));
    assert_eq!((row.model.as_str(), row.user.as_deref(), row.ended.as_str()), ("small", Some(&*desk.ada), "completed"));
    let entry = |phase: &str, model: &str, error: &str| (phase.to_owned(), model.to_owned(), error.to_owned());
    assert_eq!(
        desk.audit(&desk.acme).await,
        [
            entry("started", "small", ""),
            entry("completed", "small", ""),
            entry("denied", "enormous", "model_not_found"),
            entry("denied", "large", "model_not_found"),
            entry("denied", "small", "model_not_found"),
            entry("denied", "", "invalid_request"),
        ]
    );
    assert_eq!(desk.audit(&desk.globex).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_as_they_are_and_usage_only_to_who_asks() {
    let desk = Desk::echoing().await;
    let ada = desk.ada().await;
    let ask = |options: Value| {
        let messages = json!([{ "role": "user", "content": "good morning" }]);
        let mut body = json!({ "model": "small", "messages": messages, "stream": true });
        if !options.is_null() {
            body["stream_options"] = options;
        }
        body
    };
    for (options, with_usage) in
        [(Value::Null, false), (json!({ "include_usage": false }), false), (json!({ "include_usage": true }), true)]
    {
        let said = desk.post("/v1/chat/completions", &ada, ask(options)).await;
        assert_eq!(
            (said.status, said.headers["content-type"].to_str().unwrap()),
            (200, "text/event-stream; charset=utf-8")
        );
        let events = said.events();
        assert_eq!(events.last().unwrap(), "[DONE]");
        let chunks: Vec<Value> =
            events[..events.len() - 1].iter().map(|data| serde_json::from_str(data).unwrap()).collect();
        let text: String = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
        assert_eq!(text, "echo: good morning");
        let told = chunks.iter().filter(|chunk| chunk["usage"].is_object()).count();
        assert_eq!(told, usize::from(with_usage));
    }
    let usage = desk.usage(&desk.acme).await;
    assert_eq!(usage.len(), 3);
    assert!(usage.iter().all(|row| (row.input_tokens, row.output_tokens, row.estimated) == (2, 3, false)), "{usage:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_credentials_are_refused_in_one_way() {
    let desk = Desk::echoing().await;
    let body = || json!({ "model": "small", "messages": [{ "role": "user", "content": "x" }] }).to_string();
    let other = desk.token_for("https://other.example/", "ada@acme.example", &desk.acme).await;
    let ada = desk.ada().await;
    let mut forged = ada.clone();
    forged.truncate(forged.len() - 4);
    forged.push_str("AAAA");
    for token in [other.as_str(), forged.as_str(), "x", "a.b.c"] {
        let said = desk.say(Desk::request("/v1/chat/completions", token, body())).await;
        assert_eq!(said.status, 401, "{said:?}");
        assert_eq!(said.json()["error"]["code"], "invalid_api_key");
        assert_eq!(said.json()["error"]["message"], "The token is not valid.");
    }
    let bare = Request::post("/v1/chat/completions").header("content-type", "application/json");
    assert_eq!(desk.say(bare.body(Body::from(body())).unwrap()).await.status, 401);
    // Two credentials are none.
    let two = Request::post("/v1/chat/completions")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {ada}"))
        .header("x-api-key", "other");
    assert_eq!(desk.say(two.body(Body::from(body())).unwrap()).await.status, 401);
    // Anthropic's clients get their own form.
    let said = desk.say(Desk::request("/v1/messages", "x", body())).await;
    assert_eq!((said.status, &said.json()["error"]["type"]), (401, &json!("authentication_error")));
    // Its time is over.
    assert_eq!(desk.chat(&ada, "small", "x").await.status, 200);
    desk.site.clock.forward(25 * 3600);
    desk.site.store.look_for_changes().await.unwrap();
    let said = desk.chat(&ada, "small", "x").await;
    assert_eq!((said.status, &said.json()["error"]["message"]), (401, &json!("The token has expired.")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_rights_counts_at_the_next_call() {
    let desk = Desk::echoing().await;
    let ada = desk.ada().await;
    assert_eq!(desk.chat(&ada, "small", "x").await.status, 200);
    // The role permits no more: the token that says so is read against what holds now.
    let permissions =
        json!({ "permissions": [{ "resource_server_identifier": crate::desk::API, "permission_name": "use:small" }] });
    desk.site.manage("DELETE", &format!("/roles/{}/permissions", desk.role), permissions).await;
    assert_eq!(desk.chat(&ada, "small", "x").await.status, 404);
    let gus = desk.gus().await;
    assert_eq!(desk.chat(&gus, "small", "x").await.status, 404);
    // An account that is suspended.
    let desk = Desk::echoing().await;
    let (ada, gus) = (desk.ada().await, desk.gus().await);
    assert_eq!(desk.chat(&ada, "small", "x").await.status, 200);
    let caller = tenantry_identity::Caller::operator("test");
    let change = [("status".to_owned(), json!("suspended"))].into_iter().collect();
    desk.site.identity.update_account(&caller, &desk.acme, change).await.unwrap();
    assert_eq!(desk.chat(&ada, "small", "x").await.status, 401);
    assert_eq!(desk.chat(&gus, "small", "x").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_holds_what_may_be_called() {
    let desk = Desk::echoing().await;
    let (ada, bob) = (desk.ada().await, desk.bob().await);
    let get = async |path: &str, token: &str| {
        desk.say(Request::get(path).header("authorization", format!("Bearer {token}")).body(Body::empty()).unwrap())
            .await
    };
    let names = |said: &crate::desk::Said| -> Vec<String> {
        said.json()["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&get("/v1/models", &ada).await), ["small"]);
    assert_eq!(names(&get("/v1/models", &bob).await), Vec::<String>::new());
    assert_eq!(get("/v1/models/small", &ada).await.json()["object"], "model");
    for (name, token) in [("large", &ada), ("absent", &ada), ("small", &bob)] {
        let said = get(&format!("/v1/models/{name}"), token).await;
        assert_eq!((said.status, &said.json()["error"]["code"]), (404, &json!("model_not_found")));
    }
    assert_eq!(get("/v1/models", "x").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_bodies_are_refused_before_anybody_is_asked() {
    let desk = Desk::echoing().await;
    let ada = desk.ada().await;
    let post = async |kind: &str, body: Vec<u8>| {
        let request = Request::post("/v1/chat/completions").header("authorization", format!("Bearer {ada}"));
        desk.say(request.header("content-type", kind).body(Body::from(body)).unwrap()).await
    };
    for (body, param) in [
        ("{", Value::Null),
        ("[1]", Value::Null),
        (r#"{"model":"small","model":"large"}"#, json!("model")),
        (r#"{"messages":[]}"#, json!("model")),
        (r#"{"model":"small","stream":1}"#, json!("stream")),
        (r#"{"model":"small","messages":[]}"#, json!("messages")),
    ] {
        let said = post("application/json", body.as_bytes().to_vec()).await;
        assert_eq!((said.status, &said.json()["error"]["param"]), (400, &param), "{body} {said:?}");
        assert_eq!(said.json()["error"]["type"], "invalid_request_error");
    }
    assert_eq!(post("application/json", b"{\"model\":\"\xff\"}".to_vec()).await.status, 400);
    assert_eq!(post("text/plain", b"{}".to_vec()).await.status, 415);
    let said = post("application/json", vec![b' '; 33 * 1024 * 1024]).await;
    assert_eq!((said.status, &said.json()["error"]["code"]), (413, &json!("request_too_large")));
}

/// An API whose tokens carry no `permissions`: what is read is the scope, and of it only what the user holds now and
/// the API knows. What a client asks for is no right.
#[tokio::test(flavor = "multi_thread")]
async fn a_scope_is_read_as_far_as_it_is_held() {
    let desk = Desk::echoing().await;
    let api = format!("/resource-servers/{}", crate::desk::API.replace(':', "%3A").replace('/', "%2F"));
    for (settings, reach) in [
        (json!({ "token_dialect": "access_token", "enforce_policies": true }), [200, 404]),
        // Whoever asks gets any scope of such an API: what its roles give is what counts here all the same.
        (json!({ "token_dialect": "access_token", "enforce_policies": false }), [200, 404]),
    ] {
        desk.site.manage("PATCH", &api, settings.clone()).await;
        for (email, status) in [("ada@acme.example", reach[0]), ("bob@acme.example", reach[1])] {
            let ask = json!({
                "audience": crate::desk::API, "organization": desk.acme, "scope": "use:small use:large openid",
            });
            let token = desk.site.login(&desk.client, email, ask).await.text("access_token");
            assert!(crate::site::claims(&token).get("permissions").is_none(), "{settings}");
            assert_eq!(desk.chat(&token, "small", "x").await.status, status, "{email} {settings}");
            assert_eq!(desk.chat(&token, "large", "x").await.status, 404, "{email} {settings}");
        }
    }
    // What was asked for does not reach it, though it is held.
    let ask = json!({ "audience": crate::desk::API, "organization": desk.acme, "scope": "openid use:large" });
    let token = desk.site.login(&desk.client, "ada@acme.example", ask).await.text("access_token");
    assert_eq!(desk.chat(&token, "small", "x").await.status, 404);
    // Machines: what they were granted, and what is left of it when the grant gets narrower.
    let client = desk.site.client(json!({ "grant_types": ["client_credentials"] })).await;
    let grant = json!({ "client_id": client.id, "audience": crate::desk::API, "scope": ["use:small"] });
    let grant = desk.site.manage("POST", "/client-grants", grant).await["id"].as_str().unwrap().to_owned();
    let ask = json!({
        "grant_type": "client_credentials", "client_id": client.id, "client_secret": client.secret,
        "audience": crate::desk::API,
    });
    let token = desk.site.token(ask).await.text("access_token");
    let reached = desk.chat(&token, "small", "x").await.status;
    assert_eq!(desk.chat(&token, "large", "x").await.status, 404);
    desk.site.manage("PATCH", &format!("/client-grants/{grant}"), json!({ "scope": [] })).await;
    assert_eq!((reached, desk.chat(&token, "small", "x").await.status), (200, 401));
}
