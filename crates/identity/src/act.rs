//! Acts on record: an entry before and one after, as for every governed act.

use std::future::Future;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Map, Value};
use tenantry_store::{Decision, Entry, Phase};

use crate::{Caller, Identity, Refusal};

/// What is about to happen, for the record.
#[derive(Debug)]
pub(crate) struct Act<'a> {
    /// The operation: `accounts.create`.
    pub(crate) name: &'static str,
    /// The tenant id of the account that it concerns, whose chain it stands on; empty for the platform.
    pub(crate) tenant: &'a str,
    /// The workspace that it concerns.
    pub(crate) workspace: Option<&'a str>,
    /// What it is done to and with. Secrets are left out here, whoever put them in.
    pub(crate) inputs: Value,
}

impl Identity {
    /// An act's entry as it begins.
    pub(crate) fn begun(&self, caller: &Caller, act: &Act<'_>) -> Entry {
        let mut entry = Entry::started(&caller.request_id, act.tenant, act.name, self.now());
        entry.workspace = act.workspace.map(str::to_owned);
        entry.user.clone_from(&caller.user);
        entry.client.clone_from(&caller.client);
        entry.delegate.clone_from(&caller.delegate);
        let inputs = without_secrets(&act.inputs).to_string();
        entry.request_digest = crate::text::hex(digest(&SHA256, inputs.as_bytes()).as_ref());
        entry.inputs = Some(inputs);
        entry
    }

    /// Does something that changes what the store keeps. No record, no act.
    ///
    /// # Errors
    /// Those of `work`; the store's, when the act cannot be put on record.
    pub(crate) async fn act<T>(
        &self,
        caller: &Caller,
        act: Act<'_>,
        work: impl Future<Output = Result<T, Refusal>> + Send,
    ) -> Result<T, Refusal> {
        let began = self.clock.monotonic();
        let entry = self.begun(caller, &act);
        let receipt = self.store.append(entry.clone()).await?;
        let outcome = work.await;
        let phase = if outcome.is_ok() { Phase::Completed } else { Phase::Failed };
        let mut end = entry.ended(&receipt, phase, self.now());
        let took = self.clock.monotonic().saturating_sub(began);
        end.duration_micros = i64::try_from(took.as_micros()).ok();
        end.error = outcome.as_ref().err().map(|refusal| refusal.code().to_owned());
        if let Err(error) = self.store.append(end).await {
            tracing::error!(request = %caller.request_id, %error, "an act's end is not on record");
        }
        outcome
    }

    /// Puts a refusal on record that came before any act: a missing permission, a failed login.
    pub(crate) async fn refused(&self, caller: &Caller, act: Act<'_>, refusal: &Refusal) {
        let mut entry = self.begun(caller, &act);
        entry.phase = Phase::Denied;
        entry.decision = Decision::Denied;
        entry.code = Some(refusal.code().to_owned());
        if let Err(error) = self.store.append(entry).await {
            tracing::error!(request = %caller.request_id, %error, "a refusal is not on record");
        }
    }
}

/// Members whose values never reach the record, by what their names hold.
const SECRET: [&str; 10] =
    ["password", "secret", "pem", "private", "credential", "token", "custom_password_hash", "options", "code", "key"];

/// The value with the contents of secret members left out.
pub(crate) fn without_secrets(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let told = members.iter().map(|(name, value)| {
                let lower = name.to_ascii_lowercase();
                let secret = SECRET.iter().any(|word| lower.contains(word)) && !value.is_boolean();
                (name.clone(), if secret { Value::String("(left out)".to_owned()) } else { without_secrets(value) })
            });
            Value::Object(told.collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_secrets).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_do_not_reach_the_record() {
        let sent =
            json!({"name": "a", "client_secret": "s", "nested": [{"Password": {"hash": "h"}}], "blocked": false});
        let kept = without_secrets(&sent);
        let left_out = "(left out)";
        assert_eq!(
            kept,
            json!({"name": "a", "client_secret": left_out, "nested": [{"Password": left_out}], "blocked": false})
        );
    }
}
