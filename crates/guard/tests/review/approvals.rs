//! Nobody agrees with himself, under whatever name.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tenantry_policy::{Code, Principal};
use tenantry_store::{Filter, Phase};

use crate::support::Stage;
use crate::world::{FILE, person, stages};

async fn asked(stage: &Stage, requester: Principal, id: i64) -> String {
    let requester = stage.bind(requester).unwrap();
    let args = json!({"model": "payouts", "data": {"id": id, "amount": 5, "iban": "DE02120300000000202051"}});
    let answer = stage.call(&requester, "create", &args).await;
    answer["error"]["details"]["approval_id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

async fn approved(stage: &Stage, approver: Principal, id: &str) -> Value {
    let approver = stage.bind(approver).unwrap();
    let listed: Value = serde_json::from_slice(&stage.guard.approvals(&approver).await.body).unwrap();
    let reply = stage.guard.decide_approval(&approver, id, true).await;
    let answer: Value = serde_json::from_slice(&reply.body).unwrap();
    let offered = listed["data"].as_array().is_some_and(|list| list.iter().any(|request| request["id"] == id));
    assert_eq!(offered, answer["success"] == true, "offered what is refused, or the reverse: {listed} {answer}");
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_had_a_hand_in_a_request_does_not_decide_on_it() {
    let both = &["worker", "manager"];
    let client = |name: &str| Principal { client_id: Some(name.to_owned()), ..person(None, None, both) };
    let cases = [
        ("another", person(Some("wendy"), None, both), person(Some("max"), None, both), true),
        ("the same", person(Some("wendy"), None, both), person(Some("wendy"), None, both), false),
        (
            "the requester for another",
            person(Some("wendy"), None, both),
            person(Some("max"), Some("wendy"), both),
            false,
        ),
        ("the delegate himself", person(Some("wendy"), Some("sam"), both), person(Some("sam"), None, both), false),
        (
            "one delegate for two",
            person(Some("wendy"), Some("sam"), both),
            person(Some("max"), Some("sam"), both),
            false,
        ),
        ("two delegates", person(Some("wendy"), Some("sam"), both), person(Some("max"), Some("tom"), both), true),
        ("a client's own, by a user", client("bot"), person(Some("max"), None, both), true),
        ("a client's own, by it for a user", client("bot"), person(Some("max"), Some("bot@clients"), both), false),
        ("by a client", person(Some("wendy"), None, both), client("bot"), false),
    ];
    for stage in stages().await {
        for (at, (what, requester, approver, allowed)) in cases.iter().enumerate() {
            let id = asked(&stage, requester.clone(), i64::try_from(at).unwrap()).await;
            let kept = stage.store.approval_get("acme", &id).await.unwrap().unwrap().content;
            assert!(!kept.windows(8).any(|part| part == b"DE021203"), "a hidden value is stored in clear");
            let answer = approved(&stage, approver.clone(), &id).await;
            assert_eq!(answer["success"] == true, *allowed, "{what}: {answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_at_requests_is_recorded_as_done() {
    for stage in stages().await {
        let manager = stage.bind(person(Some("max"), None, &["manager"])).unwrap();
        assert_eq!(stage.guard.approvals(&manager).await.code, None);
        for id in ["", "\0", "apr_\u{7}\n", &"x".repeat(5000)] {
            let reply = stage.guard.decide_approval(&manager, id, true).await;
            assert_eq!(reply.code, Some(Code::NotFound), "{id:?}");
        }
        let entries = stage.store.list(&Filter::of("acme")).await.unwrap();
        let of = |phase: Phase| entries.iter().filter(|found| found.entry.phase == phase).count();
        // The end of a read may come a little later.
        assert_eq!((of(Phase::Started), of(Phase::Denied)), (1, 4), "{entries:?}");
        let longest = entries.iter().flat_map(|found| &found.entry.reasons).map(String::len).max();
        assert!(longest.is_some_and(|longest| longest < 100), "a caller's text of any length is in the audit");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_runs_once_in_its_account_under_the_law_in_force() {
    for mut stage in stages().await {
        let mut ids = Vec::new();
        for id in [1, 1, 2] {
            ids.push(asked(&stage, person(Some("wendy"), None, &["worker"]), id).await);
        }
        let manager = person(Some("max"), None, &["manager"]);
        let foreign = stage.bind(Principal { tenant_id: Some("globex".to_owned()), ..manager.clone() }).unwrap();
        let manager = stage.bind(manager).unwrap();
        assert_eq!(stage.guard.decide_approval(&foreign, &ids[0], true).await.code, Some(Code::NotFound));
        let all = join_all((0..6).map(|_| stage.guard.decide_approval(&manager, &ids[0], true))).await;
        let done = all.iter().filter(|reply| reply.code.is_none()).count();
        let late = all.iter().filter(|reply| reply.code == Some(Code::Conflict)).count();
        assert_eq!((done, late), (1, 5));
        assert_eq!(stage.guard.decide_approval(&manager, &ids[1], true).await.code, Some(Code::Conflict));
        stage.replace(&FILE.replace("create = [\"id\", \"amount\", \"iban\"]", "create = [\"id\", \"iban\"]")).await;
        assert_eq!(stage.guard.decide_approval(&manager, &ids[2], true).await.code, Some(Code::WriteDisabled));
        let everything = Filter { limit: 1_000, ..Filter::of("acme") };
        let entries = format!("{:?}", stage.store.list(&everything).await.unwrap());
        assert!(!entries.contains("DE0212"), "{entries}");
    }
}
