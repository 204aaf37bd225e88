//! Sums of what was used.

use tenantry_store::usage::{UsageBy, UsageFilter, UsageRow, UsageSum};

use crate::Desk;

const DAY: i64 = 86_400_000_000;

fn row(id: &str, account: &str, workspace: Option<&str>, model: &str, ended: &str, time_micros: i64) -> UsageRow {
    UsageRow {
        request_id: id.to_owned(),
        time_micros,
        account: account.to_owned(),
        workspace: workspace.map(str::to_owned),
        user: Some("ada".to_owned()),
        client: None,
        key: None,
        model: model.to_owned(),
        surface: "models.chat".to_owned(),
        upstream: "0".to_owned(),
        ended: ended.to_owned(),
        input_tokens: 10,
        cached_tokens: 4,
        output_tokens: 3,
        estimated: false,
        cost_micros: 5,
        duration_micros: 7,
    }
}

#[tokio::test]
async fn what_calls_used_is_summed_by_what_they_have_in_common() {
    Desk::on_each_store(async |desk| {
        let rows = [
            row("1", "acme", Some("prod"), "small", "completed", DAY),
            row("2", "acme", Some("prod"), "small", "aborted", 2 * DAY - 1),
            row("3", "acme", None, "large", "failed", 2 * DAY),
            row("4", "globex", None, "small", "completed", 2 * DAY),
            row("5", "acme", None, "small", "completed", 3 * DAY),
        ];
        desk.store.note_usage(&rows).await.unwrap();
        // Noted once, whatever happens.
        desk.store.note_usage(&rows[..2]).await.unwrap();
        let all = UsageFilter { to_micros: 3 * DAY, ..UsageFilter::default() };
        let of = |by: &[&str], requests: i64, unfinished: i64| UsageSum {
            by: by.iter().map(|name| (*name).to_owned()).collect(),
            requests,
            unfinished,
            input_tokens: 10 * requests,
            cached_tokens: 4 * requests,
            output_tokens: 3 * requests,
            cost_micros: 5 * requests,
            duration_micros: 7 * requests,
        };
        let sums = async |filter: &UsageFilter, by: &[UsageBy]| desk.store.usage_sums(filter, by).await.unwrap();
        assert_eq!(sums(&all, &[UsageBy::Account]).await, [of(&["acme"], 3, 2), of(&["globex"], 1, 0)]);
        assert_eq!(sums(&all, &[]).await, [of(&[], 4, 2)]);
        let acme = UsageFilter { account: Some("acme".to_owned()), ..all.clone() };
        assert_eq!(
            sums(&acme, &[UsageBy::Workspace, UsageBy::Day]).await,
            [of(&["prod", "86400000000"], 2, 1), of(&["", "172800000000"], 1, 1)]
        );
        let none = UsageFilter { workspace: Some("absent".to_owned()), ..acme };
        assert_eq!(sums(&none, &[UsageBy::Model]).await, []);
        assert_eq!(sums(&none, &[]).await, []);
    })
    .await;
}
