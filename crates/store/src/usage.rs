//! What model calls used, and whose the answers are that upstreams keep.

use crate::backend::{Cell, Param};
use crate::batch::Batch;
use crate::identity::places;
use crate::{BatchError, Store, StoreError};

/// What one call used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// The request's id: a call is noted once, whatever happens.
    pub request_id: String,
    /// When it ended, microseconds since 1970 UTC.
    pub time_micros: i64,
    /// The account's tenant id; empty for callers of the platform itself.
    pub account: String,
    /// The workspace.
    pub workspace: Option<String>,
    /// The user.
    pub user: Option<String>,
    /// The client application.
    pub client: Option<String>,
    /// The API key's id.
    pub key: Option<String>,
    /// The model, as callers call it.
    pub model: String,
    /// `models.chat` and so on.
    pub surface: String,
    /// The upstream that answered.
    pub upstream: String,
    /// `completed`, `aborted`, `failed` or `cached`.
    pub ended: String,
    /// Tokens of the prompt.
    pub input_tokens: i64,
    /// Of these, what the upstream had kept.
    pub cached_tokens: i64,
    /// Tokens of the answer.
    pub output_tokens: i64,
    /// Were the tokens estimated, for want of a report?
    pub estimated: bool,
    /// Micro-units.
    pub cost_micros: i64,
    /// How long it took.
    pub duration_micros: i64,
}

/// An answer that an upstream keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelAnswer {
    /// The upstream's id.
    pub id: String,
    /// Who made it.
    pub owner: String,
    /// The model.
    pub model: String,
    /// Where it is kept.
    pub upstream: String,
    /// Until when, microseconds since 1970 UTC.
    pub expires_micros: i64,
    /// The most tokens that it has with all that it follows, where that is known.
    pub tokens: Option<i64>,
}

/// What sums are made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageBy {
    /// The account's tenant id.
    Account,
    /// The workspace.
    Workspace,
    /// The user.
    User,
    /// The client application.
    Client,
    /// The API key.
    Key,
    /// The model.
    Model,
    /// The day (UTC), as its first microsecond since 1970.
    Day,
}

/// Which calls are summed. What is `None` may be anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsageFilter {
    /// The account's tenant id.
    pub account: Option<String>,
    /// The workspace.
    pub workspace: Option<String>,
    /// The user.
    pub user: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// From when on, microseconds since 1970 UTC.
    pub from_micros: i64,
    /// Until before when.
    pub to_micros: i64,
}

/// What some calls used together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsageSum {
    /// What they have in common, in the order asked; empty where a call has none.
    pub by: Vec<String>,
    /// How many.
    pub requests: i64,
    /// Of these, those that failed or that the caller left.
    pub unfinished: i64,
    /// Tokens of prompts.
    pub input_tokens: i64,
    /// Of these, what upstreams had kept.
    pub cached_tokens: i64,
    /// Tokens of answers.
    pub output_tokens: i64,
    /// Micro-units.
    pub cost_micros: i64,
    /// How long they took together.
    pub duration_micros: i64,
}

/// How many sums one question is answered with at most.
pub const MOST_SUMS: usize = 10_000;

const COLUMNS: usize = 17;

/// How many rows of usage one statement notes.
const TOGETHER: usize = 32;

impl UsageBy {
    fn column(self) -> &'static str {
        match self {
            UsageBy::Account => "account",
            UsageBy::Workspace => "workspace",
            UsageBy::User => "user_id",
            UsageBy::Client => "client",
            UsageBy::Key => "api_key",
            UsageBy::Model => "model",
            UsageBy::Day => "time_micros - time_micros % 86400000000",
        }
    }
}

impl Store {
    /// Notes what calls used, each once.
    ///
    /// # Errors
    /// The store's; then none of these is noted.
    pub async fn note_usage(&self, rows: &[UsageRow]) -> Result<(), StoreError> {
        // Of two lengths only: each is prepared once.
        let (together, rest) = rows.as_chunks::<TOGETHER>();
        let mut batch = self.batch();
        batch.notes_only();
        for rows in together {
            note(&mut batch, rows);
        }
        for row in rest {
            note(&mut batch, std::slice::from_ref(row));
        }
        done(self.commit(batch).await)
    }

    /// What calls used in an account from a time on (microseconds since 1970 UTC), oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn usage_of(&self, account: &str, from_micros: i64, most: i64) -> Result<Vec<UsageRow>, StoreError> {
        const SQL: &str = "SELECT request_id, time_micros, account, workspace, user_id, client, api_key, model, surface, \
             upstream, ended, input_tokens, cached_tokens, output_tokens, estimated, cost_micros, duration_micros \
             FROM tenantry_usage WHERE account = $1 AND time_micros >= $2 ORDER BY time_micros, request_id LIMIT $3";
        let params = vec![Param::text(account), Param::int(from_micros), Param::int(most)];
        self.backend
            .find(SQL, params, |row| {
                let text = |place| row.text(place).unwrap_or_default();
                let int = |place| row.int(place).unwrap_or_default();
                UsageRow {
                    request_id: text(0),
                    time_micros: int(1),
                    account: text(2),
                    workspace: row.text(3),
                    user: row.text(4),
                    client: row.text(5),
                    key: row.text(6),
                    model: text(7),
                    surface: text(8),
                    upstream: text(9),
                    ended: text(10),
                    input_tokens: int(11),
                    cached_tokens: int(12),
                    output_tokens: int(13),
                    estimated: int(14) != 0,
                    cost_micros: int(15),
                    duration_micros: int(16),
                }
            })
            .await
    }

    /// What calls used together, by what they have in common; the costliest first. At most [`MOST_SUMS`].
    ///
    /// # Errors
    /// The store's.
    pub async fn usage_sums(&self, filter: &UsageFilter, by: &[UsageBy]) -> Result<Vec<UsageSum>, StoreError> {
        const FIGURES: &str = "count(*), CAST(coalesce(sum(CASE WHEN ended IN ('failed', 'aborted') THEN 1 ELSE 0 END), \
             0) AS BIGINT), CAST(coalesce(sum(input_tokens), 0) AS BIGINT), \
             CAST(coalesce(sum(cached_tokens), 0) AS BIGINT), CAST(coalesce(sum(output_tokens), 0) AS BIGINT), \
             CAST(coalesce(sum(cost_micros), 0) AS BIGINT), CAST(coalesce(sum(duration_micros), 0) AS BIGINT)";
        let columns: Vec<&str> = by.iter().map(|by| by.column()).collect();
        let mut sql = ["SELECT ", FIGURES].concat();
        for column in &columns {
            sql.push_str(", ");
            sql.push_str(column);
        }
        sql.push_str(" FROM tenantry_usage WHERE time_micros >= $1 AND time_micros < $2");
        let mut params = vec![Param::int(filter.from_micros), Param::int(filter.to_micros)];
        let wanted = [
            (" AND account = $", &filter.account),
            (" AND workspace = $", &filter.workspace),
            (" AND user_id = $", &filter.user),
            (" AND model = $", &filter.model),
        ];
        for (test, wanted) in wanted {
            if let Some(wanted) = wanted {
                params.push(Param::text(wanted));
                sql.push_str(test);
                sql.push_str(&params.len().to_string());
            }
        }
        for (place, column) in columns.iter().enumerate() {
            sql.push_str(if place == 0 { " GROUP BY " } else { ", " });
            sql.push_str(column);
        }
        // The sum by its place: cost, then requests.
        sql.push_str(" ORDER BY 6 DESC, 1 DESC");
        for column in &columns {
            sql.push_str(", ");
            sql.push_str(column);
        }
        sql.push_str(" LIMIT ");
        sql.push_str(&MOST_SUMS.to_string());
        let found = self.backend.explore(sql, params, |row| {
            let int = |place| row.int(place).unwrap_or_default();
            let by = (7..16).map_while(|place| match row.cell(place) {
                Cell::Text(text) => Some(text.to_owned()),
                Cell::Int(number) => Some(number.to_string()),
                Cell::Null => Some(String::new()),
                _ => None,
            });
            UsageSum {
                by: by.collect(),
                requests: int(0),
                unfinished: int(1),
                input_tokens: int(2),
                cached_tokens: int(3),
                output_tokens: int(4),
                cost_micros: int(5),
                duration_micros: int(6),
            }
        });
        // Without calls there is nothing, and not one sum of nothing.
        let mut sums = found.await?;
        sums.retain(|sum| sum.requests > 0);
        for sum in &mut sums {
            sum.by.truncate(by.len());
        }
        Ok(sums)
    }

    /// Notes whose an answer is that an upstream keeps, and forgets those that it keeps no longer. `ended`: its tokens are
    /// those that it has, whatever was noted before.
    ///
    /// # Errors
    /// The store's.
    pub async fn keep_model_answer(&self, answer: &ModelAnswer, ended: bool) -> Result<(), StoreError> {
        const BEGUN: &str = "INSERT INTO tenantry_model_answer (owner, id, model, upstream, expires_micros, tokens) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
        const ENDED: &str = "INSERT INTO tenantry_model_answer (owner, id, model, upstream, expires_micros, tokens) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (owner, id) DO UPDATE SET tokens = excluded.tokens";
        let mut batch = self.batch();
        batch.notes_only();
        let now = batch.now;
        batch.run("DELETE FROM tenantry_model_answer WHERE expires_micros <= $1", vec![Param::int(now)]);
        batch.run(
            if ended { ENDED } else { BEGUN },
            vec![
                Param::text(&answer.owner),
                Param::text(&answer.id),
                Param::text(&answer.model),
                Param::text(&answer.upstream),
                Param::int(answer.expires_micros),
                Param::Int(answer.tokens),
            ],
        );
        done(self.commit(batch).await)
    }

    /// An answer that an upstream keeps, if this owner made it.
    ///
    /// # Errors
    /// The store's.
    pub async fn model_answer(&self, owner: &str, id: &str) -> Result<Option<ModelAnswer>, StoreError> {
        const SQL: &str = "SELECT id, owner, model, upstream, expires_micros, tokens FROM tenantry_model_answer \
             WHERE owner = $1 AND id = $2";
        let found = self.backend.find(SQL, vec![Param::text(owner), Param::text(id)], |row| ModelAnswer {
            id: row.text(0).unwrap_or_default(),
            owner: row.text(1).unwrap_or_default(),
            model: row.text(2).unwrap_or_default(),
            upstream: row.text(3).unwrap_or_default(),
            expires_micros: row.int(4).unwrap_or_default(),
            tokens: row.int(5),
        });
        Ok(found.await?.pop())
    }
}

fn note(batch: &mut Batch, rows: &[UsageRow]) {
    let mut sql = String::from(
        "INSERT INTO tenantry_usage (request_id, time_micros, account, workspace, user_id, client, api_key, \
         model, surface, upstream, ended, input_tokens, cached_tokens, output_tokens, estimated, cost_micros, \
         duration_micros) VALUES ",
    );
    places(&mut sql, rows.len(), COLUMNS);
    sql.push_str(" ON CONFLICT DO NOTHING");
    let mut params = Vec::with_capacity(rows.len() * COLUMNS);
    for row in rows {
        params.extend([
            Param::text(&row.request_id),
            Param::int(row.time_micros),
            Param::text(&row.account),
            Param::maybe(row.workspace.as_deref()),
            Param::maybe(row.user.as_deref()),
            Param::maybe(row.client.as_deref()),
            Param::maybe(row.key.as_deref()),
            Param::text(&row.model),
            Param::text(&row.surface),
            Param::text(&row.upstream),
            Param::text(&row.ended),
            Param::int(row.input_tokens),
            Param::int(row.cached_tokens),
            Param::int(row.output_tokens),
            Param::int(i64::from(row.estimated)),
            Param::int(row.cost_micros),
            Param::int(row.duration_micros),
        ]);
    }
    batch.run(sql, params);
}

fn done<T>(outcome: Result<T, BatchError>) -> Result<(), StoreError> {
    match outcome {
        Ok(_) => Ok(()),
        Err(BatchError::Store(error)) => Err(error),
        // None of these statements can be any of the others.
        Err(_) => Err(StoreError::Invalid { what: "usage", why: "a row does not fit" }),
    }
}
