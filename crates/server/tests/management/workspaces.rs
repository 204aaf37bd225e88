//! Workspaces, who belongs to them, and the codes that lead into them: through the operations, which our own
//! APIs call.

use std::time::Duration;

use serde_json::{Value, json};
use tenantry_identity::roles::{Level, NewRole};
use tenantry_identity::text::Fields;
use tenantry_identity::users::PermissionName;
use tenantry_identity::workspace_codes::{NewWorkspaceCode, WorkspaceCodeChange};
use tenantry_identity::workspaces::NewWorkspace;
use tenantry_identity::{Audience, Kind, Refusal};

use crate::cast::{ALL, bound, operator, organization, unbound, user};
use crate::site::{Site, on_each_store};

const ADMIN: &str = "rol_WorkspaceAdmin00";

async fn workspace(site: &Site, account: &str, name: &str) -> String {
    let new = NewWorkspace { name: name.to_owned(), ..NewWorkspace::default() };
    site.identity.create_workspace(&operator(), account, new).await.unwrap().id
}

async fn member(site: &Site, account: &str, email: &str) -> String {
    let user = user(site, email).await;
    site.identity.add_members(&operator(), account, std::slice::from_ref(&user)).await.unwrap();
    user
}

fn change(fields: Value) -> Fields {
    fields.as_object().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_is_made_changed_listed_and_removed() {
    on_each_store(async |site| {
        let identity = &site.identity;
        let (org, other) = (organization(site, "acme").await, organization(site, "beta").await);
        let new = |name: &str| NewWorkspace { name: name.to_owned(), ..NewWorkspace::default() };
        let prod = identity.create_workspace(&operator(), &org, new("prod")).await.unwrap();
        assert!(prod.id.starts_with("ws_") && prod.id.len() == 19);
        let again = identity.create_workspace(&operator(), &org, new("prod")).await;
        assert_eq!(again.map(drop), Err(Refusal::Exists(Kind::Workspace)));
        assert!(identity.create_workspace(&operator(), &other, new("prod")).await.is_ok());
        assert!(matches!(identity.create_workspace(&operator(), &org, new("P")).await, Err(Refusal::Invalid { .. })));
        let missing = identity.create_workspace(&operator(), "org_none", new("prod")).await;
        assert_eq!(missing.map(drop), Err(Refusal::Missing(Kind::Account)));

        let asked = change(json!({ "display_name": "Production", "metadata": { "a": "1" } }));
        let changed = identity.update_workspace(&operator(), &org, &prod.id, asked).await.unwrap();
        assert_eq!(
            (changed.display_name.as_deref(), &changed.fields["metadata"]),
            (Some("Production"), &json!({ "a": "1" }))
        );
        let wrong =
            identity.update_workspace(&operator(), &org, &prod.id, change(json!({ "account_id": other }))).await;
        assert!(matches!(wrong, Err(Refusal::Invalid { .. })));
        assert_eq!(identity.workspace(&operator(), &org, &prod.id).await.unwrap(), changed);
        assert_eq!(identity.workspace_named(&operator(), &org, "prod").await.unwrap().id, prod.id);
        // Another account's workspace is not told apart from none.
        let foreign = identity.workspace(&operator(), &other, &prod.id).await;
        assert_eq!(foreign.map(drop), Err(Refusal::Missing(Kind::Workspace)));
        let listed = identity.workspaces(&operator(), &org, &ALL).await.unwrap();
        assert_eq!((listed.items.len(), listed.total), (1, Some(1)));
        let foreign = identity.delete_workspace(&operator(), &other, &prod.id).await;
        assert_eq!(foreign, Err(Refusal::Missing(Kind::Workspace)));
        identity.delete_workspace(&operator(), &org, &prod.id).await.unwrap();
        assert_eq!(identity.workspaces(&operator(), &org, &ALL).await.unwrap().items, []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_bound_to_a_workspace_reaches_no_other() {
    on_each_store(async |site| {
        let identity = &site.identity;
        let (org, other) = (organization(site, "acme").await, organization(site, "beta").await);
        let (dev, prod) = (workspace(site, &org, "dev").await, workspace(site, &org, "prod").await);
        let far = workspace(site, &other, "dev").await;
        let ada = member(site, &org, "ada@example.com").await;
        let may = ["read:workspaces", "create:workspaces", "read:workspace_members"];
        let caller = bound(&ada, &org, Some(&dev), &may);
        assert!(identity.workspace(&caller, &org, &dev).await.is_ok());
        for (account, workspace) in [(&org, &prod), (&other, &far), (&org, &far)] {
            assert_eq!(identity.workspace(&caller, account, workspace).await.map(drop), Err(Refusal::Hidden));
            assert_eq!(
                identity.workspace_members(&caller, account, workspace, false, &ALL).await.map(drop),
                Err(Refusal::Hidden)
            );
        }
        assert_eq!(identity.workspaces(&caller, &org, &ALL).await.map(drop), Err(Refusal::Hidden));
        let new = NewWorkspace { name: "mine".to_owned(), ..NewWorkspace::default() };
        assert_eq!(identity.create_workspace(&caller, &org, new.clone()).await.map(drop), Err(Refusal::Hidden));
        // Bound to the account, the same user makes one and belongs to it.
        let caller = bound(&ada, &org, None, &may);
        let mine = identity.create_workspace(&caller, &org, new).await.unwrap();
        let members = identity.workspace_members(&caller, &org, &mine.id, false, &ALL).await.unwrap();
        assert_eq!(members.items.iter().map(|member| &member.user_id).collect::<Vec<_>>(), [&ada]);
        assert_eq!(identity.workspace(&caller, &org, &far).await.map(drop), Err(Refusal::Missing(Kind::Workspace)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_a_workspace_are_members_of_its_account() {
    on_each_store(async |site| {
        let identity = &site.identity;
        let org = organization(site, "acme").await;
        let dev = workspace(site, &org, "dev").await;
        let (ada, eve) = (member(site, &org, "ada@example.com").await, user(site, "eve@example.com").await);
        let both = [ada.clone(), eve.clone()];
        let outside = identity.add_workspace_members(&operator(), &org, &dev, &both).await;
        assert_eq!(outside, Err(Refusal::Missing(Kind::Member)));
        let none = identity.add_workspace_member_roles(&operator(), &org, &dev, &ada, &[ADMIN.to_owned()]).await;
        assert_eq!(none, Err(Refusal::Missing(Kind::Member)));
        // A member of the account has no way into a workspace that it does not belong to.
        assert!(identity.rights(&ada, Some(&org), None).await.unwrap().enabled);
        assert!(!identity.rights(&ada, Some(&org), Some(&dev)).await.unwrap().enabled);
        identity.add_workspace_members(&operator(), &org, &dev, std::slice::from_ref(&ada)).await.unwrap();
        identity.add_workspace_member_roles(&operator(), &org, &dev, &ada, &[ADMIN.to_owned()]).await.unwrap();
        let rights = identity.rights(&ada, Some(&org), Some(&dev)).await.unwrap();
        assert!(rights.on("dashboard").any(|permission| permission == "create:workspace_codes"));
        assert_eq!(identity.rights(&ada, Some(&org), None).await.unwrap().roles, []);
        for wrong in ["rol_AccountOwner0000", "rol_PlatformOwner000"] {
            let given = identity.add_workspace_member_roles(&operator(), &org, &dev, &ada, &[wrong.to_owned()]).await;
            assert!(matches!(given, Err(Refusal::Invalid { .. })), "{wrong}");
        }
        let listed = identity.workspace_members(&operator(), &org, &dev, true, &ALL).await.unwrap();
        let held: Vec<&str> = listed.items[0].roles.iter().flatten().map(|role| role.id.as_str()).collect();
        assert_eq!((listed.total, held), (Some(1), vec![ADMIN]));
        // What is held in the workspace is not held in the account.
        assert_eq!(identity.member_roles(&operator(), &org, &ada, &ALL).await.unwrap().items, []);
        let own = identity.own_accounts(&unbound(&ada)).await.unwrap();
        assert_eq!((own.len(), own[0].workspaces.len()), (1, 1));

        // Whoever leaves the account leaves its workspaces, and what was held there.
        identity.remove_members(&operator(), &org, std::slice::from_ref(&ada)).await.unwrap();
        assert_eq!(identity.workspace_members(&operator(), &org, &dev, false, &ALL).await.unwrap().items, []);
        identity.add_members(&operator(), &org, std::slice::from_ref(&ada)).await.unwrap();
        identity.add_workspace_members(&operator(), &org, &dev, std::slice::from_ref(&ada)).await.unwrap();
        let held = identity.workspace_member_roles(&operator(), &org, &dev, &ada, &ALL).await.unwrap();
        assert_eq!((held.items.len(), held.total), (0, Some(0)));
        identity.remove_workspace_members(&operator(), &org, &dev, std::slice::from_ref(&ada)).await.unwrap();
        assert_eq!(identity.members(&operator(), &org, false, &ALL).await.unwrap().items.len(), 1);
        assert_eq!(identity.own_accounts(&unbound(&ada)).await.unwrap()[0].workspaces, []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gives_more_than_they_may_or_what_is_anothers() {
    on_each_store(async |site| {
        let identity = &site.identity;
        let (org, other) = (organization(site, "acme").await, organization(site, "beta").await);
        let dev = workspace(site, &org, "dev").await;
        let (ada, bob) = (member(site, &org, "ada@example.com").await, member(site, &org, "bob@example.com").await);
        let own = |account: &str, level| NewRole {
            account: Some(account.to_owned()),
            name: "own".to_owned(),
            description: None,
            level,
        };
        let ours = identity.create_role(&operator(), own(&org, Level::Account)).await.unwrap().id;
        let theirs = identity.create_role(&operator(), own(&other, Level::Account)).await.unwrap().id;
        let may =
            ["create:organization_member_roles", "delete:organization_member_roles", "delete:organization_members"];
        let admin = bound(&ada, &org, None, &may);
        identity.add_member_roles(&admin, &org, &bob, &[ours]).await.unwrap();
        // The operator cannot do it either: a role of one account is held in no other.
        for caller in [&admin, &operator()] {
            let given = identity.add_member_roles(caller, &org, &bob, std::slice::from_ref(&theirs)).await;
            assert_eq!(given, Err(Refusal::Missing(Kind::Role)));
        }
        let owner = ["rol_AccountOwner0000".to_owned()];
        for target in [&ada, &bob] {
            let lifted = identity.add_member_roles(&admin, &org, target, &owner).await;
            assert!(matches!(lifted, Err(Refusal::Forbidden { .. })), "{lifted:?}");
        }
        identity.add_member_roles(&operator(), &org, &bob, &owner).await.unwrap();
        let taken = identity.remove_member_roles(&admin, &org, &bob, &owner).await;
        assert!(matches!(taken, Err(Refusal::Forbidden { .. })));
        let out = identity.remove_members(&admin, &org, std::slice::from_ref(&bob)).await;
        assert!(matches!(out, Err(Refusal::Forbidden { .. })));
        assert_eq!(identity.remove_members(&admin, &other, std::slice::from_ref(&bob)).await, Err(Refusal::Hidden));
        // Nor by a code.
        let keeper = bound(&ada, &org, None, &["create:workspace_codes"]);
        let new = NewWorkspaceCode { role_id: Some(ADMIN.to_owned()), ..NewWorkspaceCode::default() };
        let lifted = identity.create_workspace_code(&keeper, &org, &dev, new).await;
        assert!(matches!(lifted, Err(Refusal::Forbidden { .. })));
    })
    .await;
}

fn code(max_uses: i64, lifetime: i64) -> NewWorkspaceCode {
    NewWorkspaceCode { role_id: Some(ADMIN.to_owned()), context: "dashboard".to_owned(), max_uses, lifetime }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_lets_in_as_often_as_it_may() {
    on_each_store(async |site| {
        let identity = &site.identity;
        let org = organization(site, "acme").await;
        let dev = workspace(site, &org, "dev").await;
        let (made, code) = identity.create_workspace_code(&operator(), &org, &dev, code(2, 3_600)).await.unwrap();
        assert_eq!((code.len(), made.uses, made.context), (23, 0, Audience::Dashboard));
        let users = [
            user(site, "a@example.com").await,
            user(site, "b@example.com").await,
            user(site, "c@example.com").await,
            user(site, "d@example.com").await,
        ];
        // All at once: two come in, the others are told that there is no such code.
        let typed = code.to_lowercase().replace('-', " ");
        let attempts = users.iter().map(|user| {
            let (caller, identity, typed) = (unbound(user), std::sync::Arc::clone(identity), typed.clone());
            tokio::spawn(async move { identity.redeem_code(&caller, &typed).await })
        });
        let mut inside = Vec::new();
        for (attempt, user) in attempts.collect::<Vec<_>>().into_iter().zip(&users) {
            match attempt.await.unwrap() {
                Ok(redeemed) => {
                    assert_eq!((&redeemed.account_id, &redeemed.workspace_id), (&org, &dev));
                    assert_eq!((redeemed.role_id.as_deref(), redeemed.context), (Some(ADMIN), Audience::Dashboard));
                    inside.push(user.clone());
                }
                Err(refusal) => assert_eq!(refusal, Refusal::Missing(Kind::WorkspaceCode)),
            }
        }
        assert_eq!(inside.len(), 2);
        let listed = identity.workspace_members(&operator(), &org, &dev, true, &ALL).await.unwrap();
        let mut members: Vec<String> = listed.items.iter().map(|member| member.user_id.clone()).collect();
        let mut expected = inside.clone();
        members.sort();
        expected.sort();
        assert_eq!(members, expected);
        assert!(listed.items.iter().all(|member| member.roles.as_ref().is_some_and(|roles| roles[0].id == ADMIN)));
        let now = identity.workspace_code(&operator(), &org, &dev, &made.id).await.unwrap();
        assert_eq!((now.uses, now.status(made.created_micros)), (2, "used_up"));
        // Once more is told the same and counts nothing; whoever was taken out does not come back by it.
        assert!(identity.redeem_code(&unbound(&inside[0]), &code).await.is_ok());
        identity.remove_workspace_members(&operator(), &org, &dev, &inside[..1]).await.unwrap();
        let change = WorkspaceCodeChange { max_uses: Some(10), ..WorkspaceCodeChange::default() };
        identity.update_workspace_code(&operator(), &org, &dev, &made.id, change).await.unwrap();
        let back = identity.redeem_code(&unbound(&inside[0]), &code).await;
        assert_eq!(back, Err(Refusal::Missing(Kind::WorkspaceCode)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_keeps_a_code_from_working_answers_alike() {
    on_each_store(async |site| {
        let identity = &site.identity;
        let (org, other) = (organization(site, "acme").await, organization(site, "beta").await);
        let dev = workspace(site, &org, "dev").await;
        let eve = user(site, "eve@example.com").await;
        let make = async |max_uses, lifetime| {
            identity.create_workspace_code(&operator(), &org, &dev, code(max_uses, lifetime)).await.unwrap()
        };
        let no = Err(Refusal::Missing(Kind::WorkspaceCode));
        let redeem = async |code: &str| identity.redeem_code(&unbound(&eve), code).await.map(drop);
        assert_eq!(redeem("00000-00000-00000-00000").await, no);
        assert_eq!(redeem("").await, no);

        let (made, disabled) = make(1, 60).await;
        let off = WorkspaceCodeChange { enabled: Some(false), ..WorkspaceCodeChange::default() };
        identity.update_workspace_code(&operator(), &org, &dev, &made.id, off).await.unwrap();
        assert_eq!(redeem(&disabled).await, no);

        let (_, good) = make(5, 3_600).await;
        assert_eq!(identity.redeem_code(&bound(&eve, &other, None, &[]), &good).await.map(drop), no);
        assert_eq!(identity.redeem_code(&operator(), &good).await.map(drop), no);
        let set = async |status: &str| {
            identity.update_workspace(&operator(), &org, &dev, change(json!({ "status": status }))).await.unwrap();
        };
        set("suspended").await;
        assert_eq!(redeem(&good).await, no);
        set("active").await;
        let account = async |status: &str| {
            identity.update_account(&operator(), &org, change(json!({ "status": status }))).await.unwrap();
        };
        account("suspended").await;
        assert_eq!(redeem(&good).await, no);
        account("active").await;

        let (_, late) = make(5, 60).await;
        site.clock.advance(Duration::from_secs(61));
        assert_eq!(redeem(&late).await, no);
        let (gone, removed) = make(5, 60).await;
        identity.delete_workspace_code(&operator(), &org, &dev, &gone.id).await.unwrap();
        assert_eq!(redeem(&removed).await, no);
        assert_eq!(identity.members(&operator(), &org, false, &ALL).await.unwrap().items, []);
        assert_eq!(redeem(&good).await, Ok(()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_are_kept_in_bounds() {
    on_each_store(async |site| {
        let identity = &site.identity;
        let org = organization(site, "acme").await;
        let dev = workspace(site, &org, "dev").await;
        let portal = NewWorkspaceCode { context: "portal".to_owned(), ..NewWorkspaceCode::default() };
        let foreign =
            NewWorkspaceCode { role_id: Some("rol_PlatformOwner000".to_owned()), ..NewWorkspaceCode::default() };
        for wrong in [code(0, 60), code(1_000_001, 60), code(1, 0), code(1, 365 * 86_400 + 1), portal, foreign] {
            let made = identity.create_workspace_code(&operator(), &org, &dev, wrong).await;
            assert!(matches!(made, Err(Refusal::Invalid { .. })), "{made:?}");
        }
        assert_eq!(identity.workspace_codes(&operator(), &org, &dev, &ALL).await.unwrap().items, []);
        let (made, _) = identity.create_workspace_code(&operator(), &org, &dev, code(1, 60)).await.unwrap();
        // To take one out of force needs less than to make one.
        let ender = bound("auth0|x", &org, Some(&dev), &["delete:workspace_codes"]);
        let off = WorkspaceCodeChange { enabled: Some(false), ..WorkspaceCodeChange::default() };
        let ended = identity.update_workspace_code(&ender, &org, &dev, &made.id, off).await.unwrap();
        assert_eq!(ended.status(0), "disabled");
        let on = WorkspaceCodeChange { enabled: Some(true), ..WorkspaceCodeChange::default() };
        let again = identity.update_workspace_code(&ender, &org, &dev, &made.id, on).await;
        assert!(matches!(again, Err(Refusal::Forbidden { .. })));
    })
    .await;
}

/// A code for the app is handed to many; nobody comes to manage anything by it.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_for_the_app_gives_no_role_that_manages() {
    on_each_store(async |site| {
        let identity = &site.identity;
        let org = organization(site, "acme").await;
        let dev = workspace(site, &org, "dev").await;
        let make = async |role: &str| {
            let new = NewWorkspaceCode { role_id: Some(role.to_owned()), ..NewWorkspaceCode::default() };
            identity.create_workspace_code(&operator(), &org, &dev, new).await
        };
        assert!(matches!(make(ADMIN).await, Err(Refusal::Invalid { .. })));
        let seller = NewRole {
            name: "seller".to_owned(),
            level: Level::Workspace,
            account: Some(org.clone()),
            description: None,
        };
        let own = identity.create_role(&operator(), seller).await.unwrap();
        let (_, code) = make(&own.id).await.unwrap();
        let eve = user(site, "eve@example.com").await;
        // Its role comes to manage members after the code was handed out.
        let manages = [PermissionName { api: "dashboard".to_owned(), name: "create:workspace_members".to_owned() }];
        identity.add_role_permissions(&operator(), &own.id, &manages).await.unwrap();
        let no = Err(Refusal::Missing(Kind::WorkspaceCode));
        assert_eq!(identity.redeem_code(&unbound(&eve), &code).await.map(drop), no);
        identity.remove_role_permissions(&operator(), &own.id, &manages).await.unwrap();
        let redeemed = identity.redeem_code(&unbound(&eve), &code).await.unwrap();
        assert_eq!((redeemed.context, redeemed.role_id), (Audience::App, Some(own.id)));
    })
    .await;
}
