//! Every kind: planned, applied, nothing left to do; changed, removed.

use tenantry_identity::Part;
use tenantry_identity::roles::{Level, NewRole, RoleFilter};
use tenantry_plan::Action;

use crate::world::{World, on_each_store, told};

pub const WHOLE: &str = include_str!("whole.toml");

pub fn seed(world: &World) {
    let mut known = world.secrets.0.lock().unwrap();
    for (name, value) in [
        ("env:DEPLOYER", "s3cr3t-of-deployer-0123456789"),
        ("env:STAFF", "s3cr3t-of-staff"),
        ("env:PARTNER", "S3cr3t-of-partner!"),
    ] {
        known.insert(name.to_owned(), value.to_owned());
    }
}

#[tokio::test]
async fn every_kind_is_made_and_then_there_is_nothing_to_do() {
    on_each_store(async |world| {
        seed(world);
        let plan = world.plan(WHOLE).await.unwrap();
        assert!(plan.steps.iter().all(|step| step.action == Action::Create), "{:#?}", told(&plan));
        let kinds: std::collections::BTreeSet<&str> = plan.steps.iter().map(|step| step.kind.name()).collect();
        assert_eq!(kinds.len(), 12, "{kinds:?}");
        let applied = world.settle(WHOLE).await;
        // Generated secrets are shown once: Ada's password, the API's, and those of two clients.
        let shown: Vec<String> =
            applied.shown.iter().map(|shown| format!("{} {}", shown.address, shown.field)).collect();
        assert_eq!(
            shown,
            [
                "api.\"https://shared.example/\" signing_secret",
                "client.anywhere secret",
                "client.web secret",
                "user.\"ada@example.com\" password",
            ]
        );
        assert!(world.apply(WHOLE).await.unwrap().shown.is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_is_made_is_what_the_operations_tell() {
    on_each_store(async |world| {
        seed(world);
        world.settle(WHOLE).await;
        let caller = &world.caller;
        let all = Part::Page { offset: 0, limit: 100, total: false };
        let accounts = world.identity.accounts(caller, &all).await.unwrap().items;
        let named = |tenant: &str| accounts.iter().find(|account| account.tenant_id == tenant).unwrap();
        let (acme, below) = (named("acme"), named("aa-below"));
        assert_eq!(named("tenant12345").name, "ai-organization");
        assert_eq!(below.parent_id.as_ref(), Some(&acme.id));
        assert_eq!(below.status.name(), "suspended");
        assert_eq!(acme.fields["branding"]["colors"]["primary"], "#0000FF");
        let members = world.identity.members(caller, &acme.id, false, &all).await.unwrap().items;
        assert_eq!(members.len(), 2);
        let roles = world.identity.member_roles(caller, &acme.id, "auth0|ada@example.com", &all).await.unwrap().items;
        let mut roles: Vec<&str> = roles.iter().map(|role| role.name.as_str()).collect();
        roles.sort_unstable();
        assert_eq!(roles, ["account-admin", "consumer"]);
        let settings = world.identity.settings(caller).await.unwrap();
        assert_eq!(settings["friendly_name"], "My AI Application");
        assert_eq!((&settings["session_lifetime"], &settings["idle_session_lifetime"]), (&8.into(), &1.5.into()));
        assert_eq!(settings["flags"]["universal_login"], true, "what the file does not say stays as it is");
        let partner = world.identity.user(caller, "auth0|partner-7").await.unwrap();
        assert_eq!(
            (partner.email.as_deref(), partner.username.as_deref()),
            (Some("partner@example.com"), Some("partner7"))
        );
        let ops = world.identity.user(caller, "auth0|ops@platform.example").await.unwrap();
        assert!(ops.platform);
        assert_eq!(ops.fields["app_metadata"]["region"], "eu");
    })
    .await;
}

#[tokio::test]
async fn a_change_of_every_kind_is_an_update_in_place() {
    on_each_store(async |world| {
        seed(world);
        world.settle(WHOLE).await;
        let changes = [
            ("\"My AI Application\"", "\"Our AI\""),
            ("token_lifetime = \"1h\"", "token_lifetime = \"2h\""),
            ("\"Change models\"", "\"Change any model\""),
            ("\"Calls models\"", "\"Calls some models\""),
            ("[\"write:models\", \"read:predictions\"]", "[\"write:models\"]"),
            ("team = \"platform\"", "squad = \"platform\""),
            ("permissions = [\"read:users\", \"create:users\"]", "permissions = [\"read:users\"]"),
            ("accounts = [\"acme\", \"tenant12345\"]", "accounts = [\"acme\"]"),
            ("https://app.example/callback", "https://app.example/back"),
            ("idle_lifetime = \"7d\"", "idle_lifetime = \"8d\""),
            ("clients = [\"web\", \"page\"]", "clients = [\"web\"]"),
            ("client_id = \"tenantry\"", "client_id = \"other\""),
            ("display_name = \"Ada\"", "display_name = \"Ada L.\""),
            ("team = \"research\"", "group = \"research\""),
            ("[\"consumer\", \"account-admin\"]", "[\"consumer\"]"),
            ("roles = [\"builder\"]\napp_metadata", "roles = []\napp_metadata"),
            ("primary = \"#0000FF\"", "primary = \"#0000FE\""),
            ("status = \"suspended\"\n\n[account.aa-below.workspace", "\n[account.aa-below.workspace"),
            ("assign_membership = true", "enabled = false"),
            ("display_name = \"Production\"", "display_name = \"Live\""),
            ("[\"support\", \"platform-auditor\"]", "[\"support\"]"),
            ("idle_session_lifetime = \"90m\"\n", ""),
            (", disable_clickjack_protection_headers = false", ""),
        ];
        let mut text = WHOLE.to_owned();
        for (before, after) in changes {
            assert!(text.contains(before), "{before}");
            text = text.replacen(before, after, 1);
        }
        let plan = world.plan(&text).await.unwrap();
        assert!(plan.steps.iter().all(|step| step.action == Action::Update), "{:#?}", told(&plan));
        let kinds: std::collections::BTreeSet<&str> = plan.steps.iter().map(|step| step.kind.name()).collect();
        assert_eq!(kinds.len(), 12, "{:#?}", told(&plan));
        world.settle(&text).await;
        let settings = world.identity.settings(&world.caller).await.unwrap();
        assert_eq!(settings["idle_session_lifetime"], 72, "what the file says no more is as it usually is");
        // And back.
        world.settle(WHOLE).await;
    })
    .await;
}

#[tokio::test]
async fn what_the_file_names_no_more_goes_and_nothing_else() {
    on_each_store(async |world| {
        seed(world);
        let stray = NewRole { account: None, name: "stray".to_owned(), description: None, level: Level::Account };
        world.identity.create_role(&world.caller, stray).await.unwrap();
        let all = Part::Page { offset: 0, limit: 1_000, total: false };
        let count = async || {
            let caller = &world.caller;
            (
                world.identity.accounts(caller, &all).await.unwrap().items.len(),
                world.identity.roles(caller, &RoleFilter::default(), &all).await.unwrap().items.len(),
                world.identity.apis(caller, &[], &all).await.unwrap().items.len(),
                world.store.count_users().await.unwrap(),
                world.identity.settings(caller).await.unwrap(),
            )
        };
        let before = count().await;
        world.settle(WHOLE).await;
        assert_ne!(before, count().await);
        world.destroy(WHOLE).await.unwrap();
        assert_eq!(before, count().await);
        // A tenant id is given once: rows may still carry it.
        let again = world.apply(WHOLE).await.unwrap_err();
        assert!(
            again.code() == "VALIDATION_ERROR" && again.to_string().contains("given to an account before"),
            "{again}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_fixed_field_makes_a_thing_anew_with_what_leans_on_it() {
    on_each_store(async |world| {
        let text = "[connection.staff]\nstrategy = \"auth0\"\n[client.c]\n\
            [api.\"https://a\"]\npermissions = { \"read:x\" = \"\" }\n[client.c.grant.\"https://a\"]\npermissions = [\"read:x\"]\n\
            [user.ada]\nconnection = \"staff\"\n[account.acme]\nconnection.staff = {}\n[account.acme.user.ada]\nroles = [\"r\"]\n[role.r]\n";
        world.settle(text).await;
        let moved = text.replace("connection = \"staff\"\n[account", "\n[account");
        let plan = world.plan(&moved).await.unwrap();
        assert_eq!(told(&plan), ["± user.ada", "+ account.acme.user.ada"]);
        world.settle(&moved).await;
        let other = moved.replace("\"https://a\"]\npermissions = [\"read:x\"]", "\"https://a\"]\nsubject = \"user\"");
        assert_eq!(told(&world.plan(&other).await.unwrap()), ["± client.c.grant.\"https://a\""]);
        world.settle(&other).await;
    })
    .await;
}

#[tokio::test]
async fn a_chunk_that_cannot_be_done_leaves_nothing_behind() {
    on_each_store(async |world| {
        // The same address twice in one connection: the second user cannot be made, and so is none.
        let text = "[user.a]\nemail = \"same@example.com\"\n[user.b]\nemail = \"same@example.com\"\n";
        let refused = world.apply(text).await.unwrap_err();
        assert_eq!((refused.code(), refused.place().0), ("CONFLICT", Some("user.b")), "{refused}");
        assert_eq!(world.store.count_users().await.unwrap(), 0);
        world.settle(&text.replace("same@example.com\"\n[", "other@example.com\"\n[")).await;
    })
    .await;
}

#[tokio::test]
async fn a_file_that_wants_what_cannot_be_is_refused_with_its_place() {
    let world = World::sqlite().await;
    for (text, code, line) in [
        ("[account.\"Acme Corp\"]\n", "ACCOUNT_NAME", "tenantry.toml:1"),
        ("[account.a.workspace.Prod]\n", "WORKSPACE_NAME", "tenantry.toml:1"),
        ("[account.a.user.\"x y\"]\n", "USER", "tenantry.toml:1"),
        ("[user.\"50%\"]\n", "USER_ID", "tenantry.toml:1"),
        ("[user.x]\nemail = \"nobody\"\n", "USER", "tenantry.toml:1"),
        (
            "[account.a.user.x]\napp_metadata = { a = 1 }\n[account.b.user.x]\napp_metadata = { a = 2 }\n",
            "USER_SAID_TWICE",
            "tenantry.toml:3",
        ),
        ("[client.c]\nkeys.k = { pem = \"none\" }\n", "CLIENT_KEY", "tenantry.toml:2"),
    ] {
        let error = world.plan(text).await.unwrap_err();
        assert_eq!((error.code(), error.place().1.unwrap_or_default()), (code, line), "{error}");
    }
}
