//! Two servers over one store.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tenantry_identity::{Algorithm, Rotated, State};

use crate::site::{Client, Hands, Site, for_users, header};
use crate::support::ambient::SeededEntropy;
use crate::support::database::Database;

const API: &str = "https://api.example/";

/// Both have the clock and the keys in common, and what each draws by chance is its own.
async fn servers() -> Option<([Site; 2], Database)> {
    let database = Database::postgres().await?;
    let (folder, clock) = (Arc::new(tempfile::tempdir().unwrap()), Arc::new(Hands::default()));
    let mut servers = Vec::new();
    for seed in [31, 32] {
        let (folder, clock, entropy) = (Arc::clone(&folder), Arc::clone(&clock), Arc::new(SeededEntropy::new(seed)));
        servers.push(Site::over(&database.store_url(), folder, clock.clone(), clock, entropy, None).await);
    }
    Some((<[Site; 2]>::try_from(servers).ok()?, database))
}

fn turn(client: &Client, token: &str) -> Value {
    json!({
        "grant_type": "refresh_token", "client_id": client.id, "client_secret": client.secret, "refresh_token": token,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_takes_its_turns_at_either_and_its_reuse_ends_it_at_both() {
    let Some(([one, other], _database)) = servers().await else { return };
    let client = one.client(for_users()).await;
    one.api(API, &["read:a"], json!({ "allow_offline_access": true })).await;
    let acme = one.account("acme").await;
    let ada = one.user("ada@acme.example", json!({})).await;
    one.member(&acme, &ada).await;
    other.store.look_for_changes().await.unwrap();
    let ask = json!({ "audience": API, "organization": acme, "scope": "offline_access read:a" });
    let begin = async || one.login(&client, "ada@acme.example", ask.clone()).await.text("refresh_token");
    let first = begin().await;
    let second = other.token(turn(&client, &first)).await.text("refresh_token");
    let third = one.token(turn(&client, &second)).await.text("refresh_token");
    assert_eq!(other.token(turn(&client, &first)).await.error(), (403, "invalid_grant"), "spent long ago");
    for server in [&one, &other] {
        assert_eq!(server.token(turn(&client, &third)).await.error(), (403, "invalid_grant"), "the family has ended");
    }
    // At the same moment at both: never do two win, and who won is told the same everywhere afterwards.
    for round in 0..4 {
        let token = begin().await;
        let asked = (0..8).map(|number| if number % 2 == 0 { &one } else { &other });
        let answers = futures_util::future::join_all(asked.map(|server| server.token(turn(&client, &token)))).await;
        let won: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert!(won.len() <= 1, "{} won in round {round}", won.len());
        assert!(answers.iter().all(|answer| [200, 403].contains(&answer.status)), "{answers:?}");
        if let Some(won) = won.first() {
            // Where another showed what was spent by then the family has ended; else it goes on, by one turn.
            let next = won.text("refresh_token");
            let after = [other.token(turn(&client, &next)).await.status, one.token(turn(&client, &next)).await.status];
            assert!([[403, 403], [200, 403]].contains(&after), "{after:?} in round {round}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_rotated_at_both_at_once_take_one_turn() {
    let Some(([one, other], _database)) = servers().await else { return };
    let token = |site: &Site| site.identity.issuer().issue_management("c", &["read:users"], Duration::from_hours(1));
    for round in 0..3 {
        for site in [&one, &other] {
            site.identity.issuer().prepare_keys().await.unwrap();
        }
        let before = token(&one).unwrap();
        one.clock.forward(61);
        let rotations =
            futures_util::future::join_all([&one, &other].map(|site| site.identity.issuer().rotate(Algorithm::Rs256)));
        let rotations: Vec<Rotated> = rotations.await.into_iter().map(|done| done.unwrap()).collect();
        assert!(rotations.iter().any(|done| matches!(done, Rotated::Done { .. })), "{rotations:?}");
        for site in [&one, &other] {
            site.store.look_for_changes().await.unwrap();
            site.identity.issuer().follow_keys().await.unwrap();
        }
        // One key signs and one stands ready, the same at both.
        let keys = |site: &Site, state: State| -> Vec<String> {
            let keys = site.identity.issuer().keys();
            let of = keys.iter().filter(|key| key.algorithm == Algorithm::Rs256 && key.state == state);
            of.map(|key| key.kid.clone()).collect()
        };
        for state in [State::Current, State::Next] {
            assert_eq!(keys(&one, state).len(), 1, "round {round}");
            assert_eq!(keys(&one, state), keys(&other, state), "round {round}");
        }
        let after = [token(&one).unwrap(), token(&other).unwrap()];
        assert_eq!(header(&after[0])["kid"], header(&after[1])["kid"]);
        assert_ne!(header(&after[0])["kid"], header(&before)["kid"]);
        for token in after.iter().chain([&before]) {
            for site in [&one, &other] {
                assert_eq!(site.bearer("GET", "/api/v2/users", token).await.status, 200, "round {round}");
            }
        }
    }
}
