//! A running store written as a file: planned against the store that it was written from, it changes nothing.

use tenantry_plan::{Action, identity::pull};

use crate::kinds::{WHOLE, seed};
use crate::world::{World, on_each_store, read, told};

#[tokio::test]
async fn a_store_written_as_a_file_plans_empty() {
    on_each_store(async |world| {
        seed(world);
        world.settle(WHOLE).await;
        let pulled = pull(&world.identity, &world.caller).await.unwrap();
        let text = tenantry_file::format(&tenantry_file::SourceText::new("pulled.toml", pulled.text.as_str())).unwrap();
        // Secrets cannot be written: where the file does not say one, a new one would be made.
        let managed = world.plan(&text).await.unwrap();
        let kept: Vec<String> = told(&managed).into_iter().filter(|step| !step.contains("secret")).collect();
        assert!(
            kept.iter().all(|step| step.starts_with('=') || step.starts_with('+') || step.starts_with('-')),
            "{kept:#?}\n{text}"
        );
        let updates: Vec<_> = managed.steps.iter().filter(|step| step.action == Action::Update).collect();
        assert!(updates.is_empty(), "{updates:#?}\n{text}");
        for word in ["s3cr3t", "S3cr3t"] {
            assert!(!text.contains(word));
        }
        insta::assert_snapshot!("pulled", text);
        insta::assert_snapshot!("left_out", pulled.left_out.join("\n"));
    })
    .await;
}

/// What was made by other means: the file takes it over as it is, and no client's secret changes.
#[tokio::test]
async fn what_others_made_is_taken_over_as_it_is() {
    on_each_store(async |world| {
        let (identity, caller) = (&world.identity, &world.caller);
        let fields = |value: serde_json::Value| tenantry_identity::text::fields(&value.to_string());
        let new = tenantry_identity::clients::NewClient {
            name: "Their App".to_owned(),
            fields: fields(serde_json::json!({"app_type": "regular_web", "callbacks": ["https://b/2", "https://b/1"]})),
            ..Default::default()
        };
        let client = identity.create_client(caller, new).await.unwrap();
        let new = tenantry_identity::apis::NewApi {
            identifier: "https://theirs/".to_owned(),
            name: Some("Theirs".to_owned()),
            fields: fields(serde_json::json!({"signing_alg": "HS256", "scopes": [{"value": "b"}, {"value": "a"}]})),
        };
        let api = identity.create_api(caller, new).await.unwrap();
        let new = tenantry_identity::accounts::NewAccount { name: "theirs".to_owned(), ..Default::default() };
        let account = identity.create_account(caller, new).await.unwrap();
        identity
            .create_workspace(
                caller,
                &account.id,
                tenantry_identity::workspaces::NewWorkspace { name: "prod".to_owned(), ..Default::default() },
            )
            .await
            .unwrap();
        let new = tenantry_identity::users::NewUser {
            connection: tenantry_identity::FIRST_CONNECTION.to_owned(),
            email: Some("they@example.com".to_owned()),
            password: Some("Correct-horse-1".to_owned().into()),
            ..Default::default()
        };
        let user = identity.create_user(caller, new).await.unwrap();
        identity.add_members(caller, &account.id, std::slice::from_ref(&user.id)).await.unwrap();
        let pulled = pull(identity, caller).await.unwrap();
        let plan = world.plan(&pulled.text).await.unwrap();
        assert!(!plan.steps.is_empty());
        for step in &plan.steps {
            assert_eq!(step.action, Action::Adopt, "{}: {:#?}\n{}", step.address, step.changes, pulled.text);
        }
        world.settle(&pulled.text).await;
        let all = tenantry_identity::Part::Page { offset: 0, limit: 10, total: false };
        let filter = tenantry_identity::clients::ClientFilter::default();
        let clients = identity.clients(caller, &filter, &all).await.unwrap().items;
        let same = clients.iter().find(|known| known.id == client.id).unwrap();
        assert_eq!(same.client_secret, client.client_secret);
        assert_eq!(identity.api(caller, "https://theirs/").await.unwrap().signing_secret, api.signing_secret);
    })
    .await;
}

/// Somebody hostile names things: what is written is read as what it was.
#[tokio::test]
async fn names_cannot_break_out_of_the_file() {
    let world = World::sqlite().await;
    let nasty = "x\"]\nroles = [\"platform-owner\"]\n[principal.evil]\n#\\";
    let new = tenantry_identity::accounts::NewAccount {
        name: "theirs".to_owned(),
        display_name: Some(nasty.to_owned()),
        fields: tenantry_identity::text::fields(&serde_json::json!({"metadata": {nasty: nasty}}).to_string()),
        ..Default::default()
    };
    let account = world.identity.create_account(&world.caller, new).await.unwrap();
    let pulled = pull(&world.identity, &world.caller).await.unwrap();
    let (loaded, _) = read(&pulled.text);
    assert!(loaded.document().principal.is_empty());
    let found = &loaded.document().account[&account.tenant_id];
    assert_eq!(found.display_name.as_deref(), Some(nasty));
    assert_eq!(found.metadata[nasty], nasty);
}
