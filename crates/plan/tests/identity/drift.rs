//! What the Management API changed behind the file's back is named, field by field, and put right.

use serde_json::{Value, json};
use tenantry_identity::Part;
use tenantry_identity::roles::RoleFilter;
use tenantry_identity::text::Fields;

use crate::kinds::{WHOLE, seed};
use crate::world::{change, on_each_store, told};

fn fields(value: Value) -> Fields {
    tenantry_identity::text::fields(&value.to_string())
}

#[tokio::test]
async fn changes_of_the_management_api_are_named() {
    on_each_store(async |world| {
        seed(world);
        world.settle(WHOLE).await;
        let (identity, caller) = (&world.identity, &world.caller);
        let all = Part::Page { offset: 0, limit: 100, total: false };
        identity
            .update_settings(caller, fields(json!({"friendly_name": "Theirs", "flags": {"enable_sso": false}})))
            .await
            .unwrap();
        let accounts = identity.accounts(caller, &all).await.unwrap().items;
        let acme = accounts.iter().find(|account| account.tenant_id == "acme").unwrap();
        identity
            .update_account(caller, &acme.id, fields(json!({"metadata": {"tier": "free"}, "status": "suspended"})))
            .await
            .unwrap();
        let ada = "auth0|ada@example.com";
        identity
            .update_user(
                caller,
                ada,
                fields(json!({"app_metadata": {"team": "sales", "admin": true}, "user_metadata": {"colour": "red"}})),
            )
            .await
            .unwrap();
        let roles = identity.roles(caller, &RoleFilter::default(), &all).await.unwrap().items;
        let role = |name: &str| roles.iter().find(|role| role.name == name).unwrap().id.clone();
        identity.add_member_roles(caller, &acme.id, ada, &[role("account-owner")]).await.unwrap();
        identity.update_role(caller, &role("support"), fields(json!({"name": "helpers"}))).await.unwrap();
        identity
            .update_api(caller, "https://models.example/", fields(json!({"enforce_policies": false})))
            .await
            .unwrap();
        let bob = "auth0|bob@example.com".to_owned();
        identity.remove_members(caller, &acme.id, &[bob]).await.unwrap();

        let plan = world.plan(WHOLE).await.unwrap();
        assert_eq!(
            told(&plan),
            [
                "~ platform flags.enable_sso friendly_name",
                "~ api.\"https://models.example/\" enforce_policies",
                "~ role.support name",
                "~ account.acme metadata.tier status",
                "~ user.\"ada@example.com\" app_metadata.admin app_metadata.team",
                "~ account.acme.user.\"ada@example.com\" roles",
                "+ account.acme.user.\"bob@example.com\"",
                "+ account.acme.workspace.prod.user.\"bob@example.com\"",
            ]
        );
        assert_eq!(change(&plan, "account.acme", "status"), (json!("suspended"), json!("active")));
        assert_eq!(
            change(&plan, "account.acme.user.\"ada@example.com\"", "roles"),
            (json!(["account-admin", "account-owner", "consumer"]), json!(["account-admin", "consumer"]))
        );
        world.settle(WHOLE).await;
        // What a user says of themselves is theirs.
        let ada = identity.user(caller, ada).await.unwrap();
        assert_eq!(ada.fields["user_metadata"], json!({"role": "data-scientist", "colour": "red"}));
        assert_eq!(ada.fields["app_metadata"], json!({"team": "research", "numbers": [1, 2]}));
    })
    .await;
}

#[tokio::test]
async fn what_was_removed_behind_the_files_back_is_made_again() {
    on_each_store(async |world| {
        seed(world);
        world.settle(WHOLE).await;
        let (identity, caller) = (&world.identity, &world.caller);
        identity.delete_user(caller, "auth0|ada@example.com").await.unwrap();
        identity.delete_api(caller, "https://models.example/").await.unwrap();
        let plan = world.plan(WHOLE).await.unwrap();
        let told = told(&plan);
        for step in [
            "+ api.\"https://models.example/\"",
            "+ user.\"ada@example.com\"",
            "+ account.acme.user.\"ada@example.com\"",
            "+ account.acme.workspace.prod.user.\"ada@example.com\"",
            "+ client.deployer.grant.\"https://models.example/\"",
            "~ role.consumer permissions.https://models.example/",
        ] {
            assert!(told.iter().any(|known| known == step), "{step}: {told:#?}");
        }
        world.settle(WHOLE).await;
    })
    .await;
}

/// An account's own role that has the name of one which the file comes to know is still the account's, the plan says
/// so, and what the file gives to its role does not come to whoever holds the other.
#[tokio::test]
async fn an_accounts_own_role_does_not_become_the_files() {
    on_each_store(async |world| {
        let before =
            "[account.acme]\nname = \"acme\"\n[user.\"ada@example.com\"]\n[account.acme.user.\"ada@example.com\"]\n";
        world.settle(before).await;
        let (identity, caller) = (&world.identity, &world.caller);
        let all = Part::Page { offset: 0, limit: 10, total: false };
        let acme = identity.accounts(caller, &all).await.unwrap().items.remove(0);
        let own = tenantry_identity::roles::NewRole {
            account: Some(acme.id.clone()),
            name: "Analyst".to_owned(),
            description: None,
            level: tenantry_identity::roles::Level::Account,
        };
        let own = identity.create_role(caller, own).await.unwrap();
        let ada = "auth0|ada@example.com";
        identity.add_member_roles(caller, &acme.id, ada, std::slice::from_ref(&own.id)).await.unwrap();
        let after = format!(
            "{before}[api.\"https://api.example/\"]\npermissions = {{ \"read:all\" = \"x\" }}\n\
             [role.analyst]\npermissions = {{ \"https://api.example/\" = [\"read:all\"] }}\n"
        );
        let plan = world.plan(&after).await.unwrap();
        assert!(told(&plan).contains(&"+ role.analyst".to_owned()), "{:?}", told(&plan));
        let finding = plan.findings.iter().find(|finding| finding.code == "own-role-of-that-name").unwrap();
        assert_eq!(finding.address, "role.analyst");
        assert!(finding.what.starts_with("the account `acme` has a role of its own"), "{}", finding.what);
        world.settle(&after).await;
        // The file took it from her, since it names none for her.
        identity.add_member_roles(caller, &acme.id, ada, std::slice::from_ref(&own.id)).await.unwrap();
        let held = identity.rights(ada, Some(&acme.id), None).await.unwrap();
        assert_eq!(held.permissions, []);
        let held: Vec<_> = held.roles.iter().map(|role| (role.id.as_str(), role.own)).collect();
        assert_eq!(held, [(own.id.as_str(), true)]);
        // Nobody makes another one of that name any more.
        let again = tenantry_identity::roles::NewRole {
            account: Some(acme.id.clone()),
            name: "analyst".to_owned(),
            description: None,
            level: tenantry_identity::roles::Level::Account,
        };
        let taken = Err(tenantry_identity::Refusal::Exists(tenantry_identity::Kind::Role));
        assert_eq!(identity.create_role(caller, again).await.map(drop), taken);
    })
    .await;
}
