//! Secrets: in what they are for, and nowhere else.

use tenantry_identity::login::Login;
use tenantry_identity::users::User;
use zeroize::Zeroizing;

use crate::database::Database;
use crate::kinds::{WHOLE, seed};
use crate::world::{World, on_each_store, told};

/// Everything that the store's database holds, as bytes.
async fn stored(world: &World) -> Vec<u8> {
    match (&world.file, &world.database) {
        (Some(file), _) => {
            let folder = file.parent().unwrap();
            let mut all = Vec::new();
            for entry in std::fs::read_dir(folder).unwrap() {
                all.extend(std::fs::read(entry.unwrap().path()).unwrap());
            }
            all
        }
        (None, Some(database)) => {
            let client = database.client().await;
            let tables = client
                .query("SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'", &[])
                .await
                .unwrap();
            let mut all = Vec::new();
            for table in tables {
                let name: String = table.get(0);
                for row in client.query(&format!("SELECT t::text FROM \"{name}\" t"), &[]).await.unwrap() {
                    all.extend(row.get::<_, String>(0).into_bytes());
                }
            }
            all
        }
        (None, None) => panic!("a store somewhere"),
    }
}

async fn fits(world: &World, user: &User, password: &str) -> bool {
    let login = Login {
        connection: user.connection.clone(),
        identifier: user.email.clone().unwrap(),
        password: Zeroizing::new(password.to_owned()),
        account: None,
        client: None,
        address: None,
        user_agent: None,
        session: false,
        request_id: "req_login".to_owned(),
    };
    world.identity.login(login).await.is_ok()
}

#[tokio::test]
async fn secrets_are_nowhere_but_where_they_belong() {
    on_each_store(async |world| {
        seed(world);
        let mut plans = vec![world.plan(WHOLE).await.unwrap()];
        let applied = world.settle(WHOLE).await;
        plans.push(applied.plan.clone());
        let mut seeded: Vec<String> = world.secrets.0.lock().unwrap().values().cloned().collect();
        seeded.extend(applied.shown.iter().map(|shown| shown.value.to_string()));
        assert_eq!(seeded.len(), 7);
        world.secrets.0.lock().unwrap().insert("env:PARTNER".to_owned(), "An0ther-secret!".to_owned());
        let plan = world.plan(WHOLE).await.unwrap();
        assert_eq!(told(&plan), ["~ user.partner-7 password"], "a changed secret is told by its fingerprint");
        plans.push(plan);
        world.settle(WHOLE).await;
        seeded.push("An0ther-secret!".to_owned());
        let bytes = stored(world).await;
        assert!(bytes.windows(7).any(|part| part == b"partner"), "the search finds what is there");
        for secret in &seeded {
            for plan in &plans {
                assert!(!plan.to_json().to_string().contains(secret.as_str()), "{secret} stands in a plan");
                assert!(!format!("{plan:?}").contains(secret.as_str()), "{secret} stands in a plan");
            }
            assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{secret} stands in the store");
        }
        let partner = world.identity.user(&world.caller, "auth0|partner-7").await.unwrap();
        assert!(fits(world, &partner, "An0ther-secret!").await);
        assert!(!fits(world, &partner, "S3cr3t-of-partner!").await);
    })
    .await;
}

/// With `log_statement = all` a server logs statements and their parameters. None of it holds a secret, since nothing
/// that is sent to it does; what it would log of it, it tells.
#[tokio::test]
async fn no_secret_is_sent_to_the_store_s_server_in_the_clear() {
    let Some(database) = Database::postgres().await else { return };
    let name = database.store_url().rsplit_once('/').unwrap().1.to_owned();
    let client = database.client().await;
    for setting in ["log_statement = 'all'", "client_min_messages = 'log'"] {
        client.batch_execute(&format!("ALTER DATABASE {name} SET {setting}")).await.unwrap();
    }
    let (world, wire) = World::overheard(database).await;
    seed(&world);
    let applied = world.settle(WHOLE).await;
    let mut seeded: Vec<String> = world.secrets.0.lock().unwrap().values().cloned().collect();
    seeded.extend(applied.shown.iter().map(|shown| shown.value.to_string()));
    assert_eq!(seeded.len(), 7);
    let heard = wire.heard();
    let has = |text: &str| heard.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(has("partner") && has("statement: ") && has("parameters: $1 = "), "the log is not heard");
    for secret in &seeded {
        assert!(!has(secret), "{secret} was sent");
    }
}

#[tokio::test]
async fn a_secret_that_is_not_known_keeps_the_apply_from_beginning() {
    let world = World::sqlite().await;
    let error = world.apply("[role.r]\n[client.c]\nsecret = \"env:NOBODY_SET_IT\"\n").await.unwrap_err();
    assert_eq!(error.code(), "SECRET_MISSING");
    assert_eq!(told(&world.plan("[role.r]\n").await.unwrap()), ["+ role.r"], "nothing was done before");
}

#[tokio::test]
async fn a_client_gets_the_secret_that_the_file_leads_to() {
    let world = World::sqlite().await;
    seed(&world);
    world.settle(WHOLE).await;
    let all = tenantry_identity::Part::Page { offset: 0, limit: 100, total: false };
    let filter = tenantry_identity::clients::ClientFilter::default();
    let clients = world.identity.clients(&world.caller, &filter, &all).await.unwrap().items;
    let deployer = clients.iter().find(|client| client.name == "Deployer").unwrap();
    assert_eq!(deployer.client_secret.as_deref(), Some("s3cr3t-of-deployer-0123456789"));
}
