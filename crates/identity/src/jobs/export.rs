//! Exports of users.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::act::Act;
use crate::caller::Target;
use crate::jobs::{Job, Status};
use crate::text::{Fields, time};
use crate::users::User;
use crate::{Caller, Identity, Kind, Refusal};

/// So many exports run at a time.
const MOST: i64 = 2;

/// Users that are read at a time.
const PAGE: i64 = 500;

/// A piece is kept when it is about this long.
const PIECE: usize = 256 * 1024;

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Json,
    /// RFC 4180, with a line of names.
    Csv,
}

impl Format {
    /// The word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Csv => "csv",
        }
    }
}

/// What is to be exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// Only users of this connection, by id.
    pub connection_id: Option<String>,
    /// The form.
    pub format: Format,
    /// So many users at most.
    pub limit: Option<i64>,
    /// The fields (`user_metadata.plan`, `identities[0].connection`) and what they are called; all, when empty.
    pub fields: Vec<(String, String)>,
}

/// The fields of an export that names none.
const USUAL: [&str; 19] = [
    "user_id",
    "email",
    "email_verified",
    "username",
    "phone_number",
    "phone_verified",
    "name",
    "nickname",
    "given_name",
    "family_name",
    "picture",
    "blocked",
    "created_at",
    "updated_at",
    "last_login",
    "last_ip",
    "logins_count",
    "user_metadata",
    "app_metadata",
];

impl Identity {
    /// Begins an export. The job answers where its file is when it has ended.
    ///
    /// # Errors
    /// [`Refusal::Missing`] for a connection that does not exist; [`Refusal::TooMany`] while others run.
    pub async fn export_users(self: &Arc<Self>, caller: &Caller, export: Export) -> Result<Job, Refusal> {
        caller.may(&["read:users"], Target::Platform)?;
        let connection = match &export.connection_id {
            Some(id) => Some(self.store.connection(id).await?.ok_or(Refusal::Missing(Kind::Connection))?.name),
            None => None,
        };
        self.few_jobs("users_export", MOST).await?;
        let mut fields = Fields::new();
        fields.insert("format".to_owned(), export.format.name().into());
        if let Some(id) = &export.connection_id {
            fields.insert("connection_id".to_owned(), json!(id));
            fields.insert("connection".to_owned(), json!(connection));
        }
        if let Some(limit) = export.limit {
            fields.insert("limit".to_owned(), json!(limit));
        }
        if !export.fields.is_empty() {
            let named = export.fields.iter().map(|(name, called)| json!({ "name": name, "export_as": called }));
            fields.insert("fields".to_owned(), Value::Array(named.collect()));
        }
        let mut job = self.new_job("users_export", fields)?;
        let inputs = json!({ "id": job.id, "connection": connection, "format": export.format.name() });
        let act = Act { name: "jobs.users_export", tenant: "", workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.insert_job(&job.to_row());
            self.store.commit(batch).await?;
            Ok(())
        })
        .await?;
        let begun = job.clone();
        let identity = Arc::clone(self);
        let id = job.id.clone();
        self.start_job(&id, async move {
            if let Err(error) = identity.write_export(&mut job, &export, connection.as_deref()).await {
                tracing::error!(job = job.id, %error, "an export did not end");
                job.fail(&format!("The export failed on our side ({}).", error.code()));
            }
            if let Err(error) = identity.keep_job(&mut job).await {
                tracing::error!(job = job.id, %error, "an export's end is not kept");
            }
        });
        Ok(begun)
    }

    async fn write_export(&self, job: &mut Job, export: &Export, connection: Option<&str>) -> Result<(), Refusal> {
        job.status = Status::Processing;
        self.keep_job(job).await?;
        let whole = export.limit.unwrap_or(i64::MAX).min(self.store.count_users().await?.max(1));
        let usual: Vec<(String, String)> = USUAL.iter().map(|name| ((*name).to_owned(), (*name).to_owned())).collect();
        let fields = if export.fields.is_empty() { &usual } else { &export.fields };
        let mut text = String::new();
        if export.format == Format::Csv {
            csv_line(&mut text, fields.iter().map(|(_, called)| called.as_str()));
        }
        let (mut ordinal, mut done) = (0_i64, 0_i64);
        let mut after = (i64::MIN, String::new());
        loop {
            if *self.running.is_stopped().borrow() {
                job.fail("The server was stopped before the job had ended.");
                return Ok(());
            }
            let page = PAGE.min(export.limit.unwrap_or(i64::MAX).saturating_sub(done));
            if page <= 0 {
                break;
            }
            let rows = self.store.users_after(connection, (after.0, &after.1), page).await?;
            let Some(last) = rows.last() else { break };
            after = (last.created_micros, last.id.clone());
            for user in self.with_identities(rows).await? {
                line(&mut text, export.format, fields, &user);
                done += 1;
            }
            if text.len() >= PIECE {
                self.keep_piece(job, &mut ordinal, &mut text).await?;
                job.fields.insert("percentage_done".to_owned(), json!((done.saturating_mul(100) / whole).min(99)));
                self.keep_job(job).await?;
            }
        }
        self.keep_piece(job, &mut ordinal, &mut text).await?;
        job.status = Status::Completed;
        job.fields.insert("percentage_done".to_owned(), json!(100));
        job.fields.insert("summary".to_owned(), json!({ "total": done }));
        Ok(())
    }

    async fn keep_piece(&self, job: &Job, ordinal: &mut i64, text: &mut String) -> Result<(), Refusal> {
        self.keep_job_piece(job, "result", *ordinal, text.as_bytes()).await?;
        *ordinal += 1;
        text.clear();
        Ok(())
    }
}

fn line(text: &mut String, format: Format, fields: &[(String, String)], user: &User) {
    let whole = exported(user);
    match format {
        Format::Json => {
            let mut shown = Fields::new();
            for (name, called) in fields {
                if let Some(value) = found(&whole, name) {
                    shown.insert(called.clone(), value.clone());
                }
            }
            text.push_str(&Value::Object(shown).to_string());
            text.push('\n');
        }
        Format::Csv => {
            let values: Vec<String> = fields
                .iter()
                .map(|(name, _)| match found(&whole, name) {
                    None | Some(Value::Null) => String::new(),
                    Some(Value::String(value)) => value.clone(),
                    Some(other) => other.to_string(),
                })
                .collect();
            csv_line(text, values.iter().map(String::as_str));
        }
    }
}

fn csv_line<'a>(text: &mut String, values: impl Iterator<Item = &'a str>) {
    for (place, value) in values.enumerate() {
        if place > 0 {
            text.push(',');
        }
        if value.contains(['"', ',', '\n', '\r']) {
            text.push('"');
            text.push_str(&value.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(value);
        }
    }
    text.push_str("\r\n");
}

/// The value at `user_metadata.plan` or `identities[0].connection`.
fn found<'a>(whole: &'a Value, path: &str) -> Option<&'a Value> {
    let mut value = whole;
    for part in path.split('.') {
        let (name, places) = part.split_once('[').map_or((part, None), |(name, rest)| (name, Some(rest)));
        value = value.get(name)?;
        for place in places.into_iter().flat_map(|rest| rest.split('[')) {
            value = value.get(place.strip_suffix(']')?.parse::<usize>().ok()?)?;
        }
    }
    Some(value)
}

/// All that an export may tell of a user.
fn exported(user: &User) -> Value {
    let identities = user.identities.iter().map(|identity| {
        json!({
            "connection": identity.connection,
            "provider": identity.provider,
            "user_id": identity.subject,
            "isSocial": identity.is_social(),
        })
    });
    let mut whole = user.fields.clone();
    let mut put = |name: &str, value: Value| {
        whole.insert(name.to_owned(), value);
    };
    put("user_id", json!(user.id));
    put("email", json!(user.email));
    put("email_verified", json!(user.email_verified));
    put("username", json!(user.username));
    put("phone_number", json!(user.phone));
    put("phone_verified", json!(user.phone_verified));
    put("blocked", json!(user.blocked));
    put("created_at", json!(time(user.created_micros)));
    put("updated_at", json!(time(user.updated_micros)));
    put("last_login", json!(user.last_login_micros.map(time)));
    put("last_ip", json!(user.last_ip));
    put("logins_count", json!(user.logins));
    put("identities", Value::Array(identities.collect()));
    Value::Object(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_paths() {
        let whole = json!({"user_metadata": {"plan": {"name": "gold"}}, "identities": [{"connection": "c"}]});
        assert_eq!(found(&whole, "user_metadata.plan.name"), Some(&json!("gold")));
        assert_eq!(found(&whole, "identities[0].connection"), Some(&json!("c")));
        for absent in ["identities[1].connection", "identities[x]", "none", "user_metadata.plan.name.x", ""] {
            assert_eq!(found(&whole, absent), None, "{absent}");
        }
    }

    #[test]
    fn csv_quotes_what_needs_it() {
        let mut text = String::new();
        csv_line(&mut text, ["a", "b,c", "d\"e", "f\ng"].into_iter());
        assert_eq!(text, "a,\"b,c\",\"d\"\"e\",\"f\ng\"\r\n");
    }
}
