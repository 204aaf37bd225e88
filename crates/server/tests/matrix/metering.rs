//! Limits as they are written and shown, and what was used.

use serde_json::{Value, json};
use tenantry_guard::limits::{Entering, Money};
use tenantry_identity::Audience;
use tenantry_policy::{Clock, Principal};
use tenantry_store::usage::UsageRow;

use crate::world::{Who, World, on_each_store};

const DAY: i64 = 86_400_000_000;

async fn workspace(world: &World, account: &str, name: &str) -> String {
    let path = format!("/portal/v1/accounts/{account}/workspaces");
    let (status, made) = world.call(&world.owner(), "POST", &path, Some(json!({ "name": name }))).await;
    assert_eq!(status, 201, "{made}");
    made["data"]["id"].as_str().unwrap().to_owned()
}

async fn tenant(world: &World, account: &str) -> String {
    world.store.account(account).await.unwrap().unwrap().tenant_id
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_that_cannot_be_read_or_are_wider_are_refused_when_they_are_written() {
    on_each_store(async |world| {
        let owner = world.owner();
        let fine = json!({ "requests": "100/min", "concurrent": 4, "budget": { "amount": 1000, "per": "day" } });
        let made = json!({ "name": "top", "limits": fine });
        let (status, made) = world.call(&owner, "POST", "/portal/v1/accounts", Some(made)).await;
        assert_eq!((status, &made["data"]["limits"]), (201, &fine), "{made}");
        let top = made["data"]["id"].as_str().unwrap().to_owned();
        let prod = workspace(world, &top, "prod").await;
        let places = [
            ("POST", "/portal/v1/accounts".to_owned()),
            ("PATCH", format!("/portal/v1/accounts/{top}")),
            ("POST", format!("/portal/v1/accounts/{top}/workspaces")),
            ("PATCH", format!("/portal/v1/accounts/{top}/workspaces/{prod}")),
        ];
        let body = |method: &str, limits: &Value| match method {
            "POST" => json!({ "name": "new", "limits": limits }),
            _ => json!({ "limits": limits }),
        };
        for (limits, place) in [
            (json!({ "requests": "100/week" }), "requests"),
            (json!({ "requests": 100 }), "requests"),
            (json!({ "requests": "99999999999999999999/s" }), "requests"),
            (json!({ "tokens": "many" }), "tokens"),
            (json!({ "concurrent": -1 }), "concurrent"),
            (json!({ "concurrent": "4" }), "concurrent"),
            (json!({ "request": "1/s" }), "request"),
            (json!({ "budget": { "amount": 1.5, "per": "day" } }), "amount"),
            (json!({ "budget": { "amount": 9_300_000_000_000_000_000_u64, "per": "day" } }), "amount"),
            (json!({ "budget": { "amount": 1 } }), "per"),
            (json!({ "budget": { "amount": 1, "per": "week" } }), "per"),
            (json!({ "budget": { "amount": 1, "per": "day", "tolerance": 0 } }), "tolerance"),
            (json!("none"), "limits"),
            (json!([]), "limits"),
        ] {
            for (method, path) in &places {
                let (status, refused) = world.call(&owner, method, path, Some(body(method, &limits))).await;
                let message = refused["error"]["message"].as_str().unwrap_or_default();
                assert!(status == 400 && message.contains(place), "{method} {path} {limits}: {status} {refused}");
            }
        }
        // What stands there stays there.
        let (_, shown) = world.call(&owner, "GET", &places[1].1, None).await;
        assert_eq!(shown["data"]["limits"], fine);
        // Below is only narrower: workspaces, and accounts below, however deep.
        for (limits, wider) in [
            (json!({ "requests": "101/min" }), "requests"),
            (json!({ "concurrent": 5 }), "concurrent"),
            (json!({ "budget": { "amount": 1001, "per": "day" } }), "budget"),
            (json!({ "budget": { "amount": 1000, "per": "day", "tolerance": 1 } }), "budget"),
        ] {
            for (method, path) in &places[2..] {
                let (status, refused) = world.call(&owner, method, path, Some(body(method, &limits))).await;
                let message = format!("`limits.{wider}` does not fit: it allows more than account `top` has");
                assert_eq!((status, &refused["error"]["message"]), (400, &json!(message)), "{refused}");
            }
            let below = json!({ "name": "below", "parent_id": top, "limits": limits });
            assert_eq!(world.call(&owner, "POST", "/portal/v1/accounts", Some(below)).await.0, 400, "{limits}");
        }
        let narrow = json!({ "requests": "100/min", "tokens": "5/s", "concurrent": 0 });
        let (status, changed) = world.call(&owner, "PATCH", &places[3].1, Some(json!({ "limits": narrow }))).await;
        assert_eq!((status, &changed["data"]["limits"]), (200, &narrow), "{changed}");
        let below = json!({ "name": "below", "parent_id": top, "limits": narrow });
        let (status, below) = world.call(&owner, "POST", "/portal/v1/accounts", Some(below)).await;
        assert_eq!(status, 201, "{below}");
        // An account with limits of its own is not put below one that has narrower ones.
        let free = json!({ "name": "free", "limits": { "requests": "500/min" } });
        let (_, free) = world.call(&owner, "POST", "/portal/v1/accounts", Some(free)).await;
        let path = format!("/portal/v1/accounts/{}", free["data"]["id"].as_str().unwrap());
        for above in [&top, below["data"]["id"].as_str().unwrap()] {
            assert_eq!(world.call(&owner, "PATCH", &path, Some(json!({ "parent_id": above }))).await.0, 400);
        }
        // Nobody lets their own account out of its limits.
        let who = Who { account: Some(&top), roles: &["account-owner"], ..Who::default() };
        let member = world.token(Audience::Dashboard, &who);
        let more = Some(json!({ "limits": { "requests": "1000/min" } }));
        assert_eq!(world.call(&member, "PATCH", "/dashboard/v1/account", more.clone()).await.0, 400);
        assert_eq!(world.call(&member, "PATCH", &format!("/dashboard/v1/workspaces/{prod}"), more).await.0, 400);
        let (status, gone) = world.call(&owner, "PATCH", &places[1].1, Some(json!({ "limits": null }))).await;
        assert_eq!((status, &gone["data"]["limits"]), (200, &json!({})));
    })
    .await;
}

fn row(number: i64, tenant: &str, workspace: Option<&str>, user: &str, model: &str, time_micros: i64) -> UsageRow {
    UsageRow {
        request_id: format!("req_{tenant}_{number}"),
        time_micros,
        account: tenant.to_owned(),
        workspace: workspace.map(str::to_owned),
        user: Some(user.to_owned()),
        client: None,
        key: None,
        model: model.to_owned(),
        surface: "models.chat".to_owned(),
        upstream: "0:api.example".to_owned(),
        ended: if number % 5 == 0 { "failed" } else { "completed" }.to_owned(),
        input_tokens: number,
        cached_tokens: number / 2,
        output_tokens: 3 * number,
        estimated: false,
        cost_micros: 7 * number,
        duration_micros: 11,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_used_adds_up_to_the_ledger_and_is_nobody_elses() {
    on_each_store(async |world| {
        let (own, other) = (world.account("acme").await, world.account("globex").await);
        let (tenants, now) = ([tenant(world, &own).await, tenant(world, &other).await], world.clock.now_micros());
        let (prod, test) = (workspace(world, &own, "prod").await, workspace(world, &own, "test").await);
        let mut rows = Vec::new();
        for number in 1..=60_i64 {
            let workspace = [None, Some(&*prod), Some(&*test)][usize::try_from(number % 3).unwrap()];
            let (user, model) =
                (["ada", "bob"][usize::from(number % 2 == 0)], ["small", "large"][usize::from(number % 7 == 0)]);
            rows.push(row(number, &tenants[0], workspace, user, model, now - (number % 4) * DAY));
            rows.push(row(number, &tenants[1], None, "gus", "secret-model", now - number));
        }
        world.store.note_usage(&rows).await.unwrap();
        let who = |account, workspace| Who {
            account: Some(account),
            workspace,
            roles: &["account-auditor"],
            ..Who::default()
        };
        let whole = world.token(Audience::Dashboard, &who(&own, None));
        let get = async |token: &str, query: &str| {
            let (status, said) = world.call(token, "GET", &format!("/dashboard/v1/usage{query}"), None).await;
            assert!(!said.to_string().contains("secret-model"), "{query}: {said}");
            (status, said["data"]["sums"].as_array().cloned().unwrap_or_default())
        };
        let figures = [
            "requests",
            "unfinished",
            "input_tokens",
            "cached_tokens",
            "output_tokens",
            "cost_micros",
            "duration_micros",
        ];
        let added =
            |sums: &[Value]| figures.map(|name| sums.iter().map(|sum| sum[name].as_i64().unwrap()).sum::<i64>());
        let expected = |keep: &dyn Fn(&UsageRow) -> bool| {
            let mut sum = [0_i64; 7];
            for row in rows.iter().filter(|row| row.account == tenants[0] && keep(row)) {
                let failed = i64::from(row.ended == "failed");
                let more = [1, failed, row.input_tokens, row.cached_tokens, row.output_tokens, row.cost_micros, 11];
                for (sum, more) in sum.iter_mut().zip(more) {
                    *sum += more;
                }
            }
            sum
        };
        let all = expected(&|_| true);
        assert_eq!(all[0], 60);
        for (by, many) in [("workspace", 3), ("user", 2), ("client", 1), ("api_key", 1), ("model", 2), ("day", 4)] {
            let (status, sums) = get(&whole, &format!("?by={by}")).await;
            assert_eq!((status, sums.len(), added(&sums)), (200, many, all), "{by}");
            for sum in &sums {
                let is = |row: &UsageRow| match by {
                    "workspace" => sum[by] == json!(row.workspace),
                    "user" => sum[by] == json!(row.user),
                    "model" => sum[by] == row.model,
                    "day" => sum[by] == tenantry_identity::text::time(row.time_micros.div_euclid(DAY) * DAY),
                    _ => sum[by] == Value::Null,
                };
                assert_eq!(added(std::slice::from_ref(sum)), expected(&is), "{by} {sum}");
            }
            let (_, pairs) = get(&whole, &format!("?by={by}&and_by=user")).await;
            assert_eq!(added(&pairs), all, "{by} and user");
        }
        // The costliest first.
        let (_, sums) = get(&whole, "?by=user&and_by=model").await;
        assert!(sums.is_sorted_by(|a, b| a["cost_micros"].as_i64() >= b["cost_micros"].as_i64()), "{sums:?}");
        let at = |micros: i64| tenantry_policy::value::format_timestamp(micros).unwrap();
        for (query, keep) in [
            (
                format!("?since={}", at(now - DAY)),
                Box::new(|row: &UsageRow| row.time_micros >= now - DAY) as Box<dyn Fn(&UsageRow) -> bool>,
            ),
            // From, and until before.
            (
                format!("?since={}&until={}", at(now - 2 * DAY), at(now - DAY)),
                Box::new(|row: &UsageRow| (now - 2 * DAY..now - DAY).contains(&row.time_micros)),
            ),
            (format!("?until={}", at(now - 40 * DAY)), Box::new(|_: &UsageRow| false)),
            (format!("?since={}&until={}", at(now), at(now - DAY)), Box::new(|_: &UsageRow| false)),
            (
                format!("?workspace={prod}&model=small"),
                Box::new(|row: &UsageRow| row.workspace.as_deref() == Some(&prod) && row.model == "small"),
            ),
            ("?user=ada&by=day".to_owned(), Box::new(|row: &UsageRow| row.user.as_deref() == Some("ada"))),
            ("?user=gus".to_owned(), Box::new(|_: &UsageRow| false)),
            ("?model=secret-mode%6c".to_owned(), Box::new(|_: &UsageRow| false)),
        ] {
            let (status, sums) = get(&whole, &query).await;
            assert_eq!((status, added(&sums)), (200, expected(&*keep)), "{query}");
        }
        // With a token for one workspace that one alone, whatever is asked.
        let in_prod = world.token(Audience::Dashboard, &who(&own, Some(&prod)));
        let of_prod = expected(&|row| row.workspace.as_deref() == Some(&prod));
        for query in [String::new(), "?by=workspace".to_owned(), format!("?workspace={prod}")] {
            let (status, sums) = get(&in_prod, &query).await;
            assert_eq!((status, added(&sums)), (200, of_prod), "{query}");
        }
        for query in [format!("?workspace={test}"), "?workspace=nowhere".to_owned()] {
            assert_eq!(get(&in_prod, &query).await, (200, Vec::new()), "{query}");
        }
        for query in [
            "?by=account",
            "?by=colour",
            "?since=yesterday",
            "?account=globex",
            "?workspace=",
            "?since=2026-01-01T00:00:00Z&since=x",
        ] {
            let status = get(&whole, query).await.0;
            // An empty name is one that nobody has.
            assert!(status == 400 || (query == "?workspace=" && status == 200), "{query}: {status}");
        }
        // Without the permission, with another context's token, and for another account by the portal's path.
        let nobody = world.token(Audience::Dashboard, &Who { account: Some(&own), ..Who::default() });
        assert_eq!(get(&nobody, "").await.0, 403);
        let app = world.token(Audience::App, &who(&own, None));
        assert_eq!(get(&app, "").await.0, 401);
        for path in [format!("/portal/v1/accounts/{other}/usage"), format!("/portal/v1/accounts/{other}/limits")] {
            assert_eq!(world.call(&whole, "GET", &path, None).await.0, 401, "{path}");
        }
        let (status, said) =
            world.call(&world.owner(), "GET", &format!("/portal/v1/accounts/{other}/usage"), None).await;
        assert_eq!((status, &said["data"]["sums"][0]["requests"]), (200, &json!(60)));
        let (status, _) = world.call(&world.owner(), "GET", "/portal/v1/accounts/org_none/usage", None).await;
        assert_eq!(status, 404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limits_that_hold_are_shown_with_what_is_left_of_them() {
    on_each_store(async |world| {
        let owner = world.owner();
        let (own, other) = (world.account("acme").await, world.account("globex").await);
        let (prod, test) = (workspace(world, &own, "prod").await, workspace(world, &own, "test").await);
        for (path, limits) in [
            (format!("/portal/v1/accounts/{own}"), json!({ "requests": "100/day", "concurrent": 9, "budget": { "amount": 1000, "per": "month", "tolerance": 10 } })),
            (format!("/portal/v1/accounts/{own}/workspaces/{prod}"), json!({ "requests": "50/day", "tokens": "500/day" })),
            (format!("/portal/v1/accounts/{own}/workspaces/{test}"), json!({ "requests": "0/day" })),
        ] {
            assert_eq!(world.call(&owner, "PATCH", &path, Some(json!({ "limits": limits }))).await.0, 200);
        }
        let limiter = world.guard.limiter();
        limiter.replace(tenantry_policy::limits::LimitLaw::default());
        let principal = Principal { tenant_id: Some(tenant(world, &own).await), workspace_id: Some(prod.clone()), ..Principal::default() };
        let money = |id: &'static str| Money { request_id: id, worst: 300, likely: 200, lives: std::time::Duration::from_mins(1) };
        let entering = |id| Entering { principal: &principal, model: None, tokens: 120, money: Some(money(id)) };
        limiter.enter(entering("one")).await.unwrap().end(100, 150).await;
        let under_way = limiter.enter(entering("two")).await.unwrap();
        let who = |account, workspace| Who { account: Some(account), workspace, roles: &["account-auditor"], ..Who::default() };
        let shown = async |who: &Who<'_>| {
            let token = world.token(Audience::Dashboard, who);
            let (status, said) = world.call(&token, "GET", "/dashboard/v1/limits", None).await;
            assert_eq!(status, 200, "{said}");
            said["data"]["limits"].as_array().unwrap().clone()
        };
        // Looking is a call as well.
        let limits = shown(&who(&own, None)).await;
        let names: Vec<_> = limits.iter().map(|one| (one["level"].clone(), one["name"].clone())).collect();
        let level = |level: &str, name: Value| (json!(level), name);
        assert_eq!(
            names,
            [level("account", Value::Null), level("workspace", json!("prod")), level("workspace", json!("test"))]
        );
        assert_eq!(limits[0]["requests"], json!({ "most": 100, "within_seconds": 86400, "left": 97 }));
        assert_eq!(limits[0]["concurrent"], json!({ "most": 9, "running": 2 }));
        let budget = &limits[0]["budget"];
        assert_eq!(
            (&budget["spent"], &budget["held"], &budget["left"], &budget["amount"], &budget["tolerance"]),
            (&json!(150), &json!(200), &json!(650), &json!(1000), &json!(10))
        );
        assert!(budget["resets_at"].as_str().unwrap().ends_with("-01T00:00:00.000Z"), "{budget}");
        assert_eq!(limits[1]["requests"]["left"], 48);
        assert_eq!(limits[1]["tokens"], json!({ "most": 500, "within_seconds": 86400, "left": 280 }));
        assert_eq!(limits[2]["requests"], json!({ "most": 0, "within_seconds": 86400, "left": 0 }));
        under_way.undo();
        // A token for a workspace: what that one stands under.
        let limits = shown(&who(&own, Some(&prod))).await;
        let names: Vec<_> = limits.iter().map(|one| one["name"].clone()).collect();
        assert_eq!(names, [Value::Null, json!("prod")]);
        assert_eq!(limits[1]["requests"]["left"], 48);
        assert_eq!(shown(&who(&other, None)).await, Vec::<Value>::new());
        let nobody = world.token(Audience::Dashboard, &Who { account: Some(&own), ..Who::default() });
        assert_eq!(world.call(&nobody, "GET", "/dashboard/v1/limits", None).await.0, 403);
    })
    .await;
}
