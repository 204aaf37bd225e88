//! Changing the platform's settings.

use serde_json::{Value, json};
use tenantry_store::BatchError;

use crate::act::Act;
use crate::caller::Target;
use crate::identity::TRIES;
use crate::settings::{NAME, usual, whole};
use crate::text::Fields;
use crate::{Caller, Identity, Refusal};

/// Members whose own members are merged, and not replaced as a whole.
const MERGED: [&str; 5] = ["flags", "change_password", "guardian_mfa_page", "error_page", "device_flow"];

impl Identity {
    /// Changes the settings: members that `change` has replace those that were there, null takes one back.
    /// Answers them whole.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub async fn update_settings(&self, caller: &Caller, change: Fields) -> Result<Fields, Refusal> {
        caller.may(&["update:tenant_settings"], Target::Platform)?;
        for _ in 0..TRIES {
            let (mut stored, version) = self.stored_settings().await?;
            apply(&mut stored, change.clone())?;
            let doc = Value::Object(stored.clone()).to_string();
            let inputs = json!({ "change": change });
            let act = Act { name: "settings.update", tenant: "", workspace: None, inputs };
            let done = self.act(caller, act, async {
                let mut batch = self.store.batch();
                match version {
                    Some(version) => batch.update_setting(NAME, &doc, version),
                    None => batch.insert_setting(NAME, &doc),
                };
                match self.store.commit(batch).await {
                    Ok(_) => Ok(true),
                    // Somebody was faster: read again.
                    Err(BatchError::Untouched(_) | BatchError::Duplicate(_)) => Ok(false),
                    Err(error) => Err(error.into()),
                }
            });
            if done.await? {
                return Ok(whole(stored));
            }
        }
        Err(Refusal::invalid("the settings were changed by somebody else at the same time"))
    }
}

pub(crate) fn apply(stored: &mut Fields, change: Fields) -> Result<(), Refusal> {
    let usual = usual();
    for (name, value) in change {
        // Two lifetimes may be given in minutes; they are kept in hours.
        if let Some(hours) = name.strip_suffix("_in_minutes") {
            let minutes = value.as_f64().ok_or_else(|| Refusal::invalid(format!("{name} is a number of minutes")))?;
            stored.insert(hours.to_owned(), json!(hours_of(minutes)));
            continue;
        }
        match value {
            // The usual value comes back where there is one that is not a matter of choice.
            Value::Null if OPTIONAL.contains(&name.as_str()) || !usual.contains_key(&name) => {
                stored.shift_remove(&name);
            }
            Value::Null => drop(stored.insert(name, Value::Null)),
            Value::Object(members) if MERGED.contains(&name.as_str()) => {
                let mut all = match stored.shift_remove(&name) {
                    Some(Value::Object(all)) => all,
                    _ => Fields::new(),
                };
                all.extend(members);
                stored.insert(name, Value::Object(all));
            }
            value => drop(stored.insert(name, value)),
        }
    }
    Ok(())
}

/// Members that null sets back to their usual value.
const OPTIONAL: [&str; 5] = ["change_password", "guardian_mfa_page", "flags", "sessions", "oidc_logout"];

fn hours_of(minutes: f64) -> Value {
    let hours = minutes / 60.0;
    if hours.fract() == 0.0 {
        // Whole hours are written without a point.
        format!("{hours:.0}").parse::<u32>().map_or_else(|_| json!(hours), Value::from)
    } else {
        json!(hours)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::fields;

    #[test]
    fn changes_merge_and_null_takes_back() {
        let mut stored = Fields::new();
        let mut change = |value: Value| {
            apply(&mut stored, fields(&value.to_string())).unwrap();
            Value::Object(whole(stored.clone()))
        };
        let all = change(json!({"flags": {"enable_sso": false}, "acr_values_supported": ["a"], "session_lifetime": 5}));
        assert_eq!(all["flags"]["enable_sso"], false);
        assert_eq!(all["flags"]["universal_login"], true);
        assert_eq!((&all["acr_values_supported"], &all["session_lifetime"]), (&json!(["a"]), &json!(5)));
        let all = change(json!({"acr_values_supported": null, "friendly_name": "x"}));
        assert_eq!(all.get("acr_values_supported"), None);
        assert_eq!((&all["session_lifetime"], &all["friendly_name"]), (&json!(5), &json!("x")));
        let all = change(json!({"idle_ephemeral_session_lifetime_in_minutes": 15, "session_cookie": null}));
        assert_eq!(all["idle_ephemeral_session_lifetime"], 0.25);
        assert_eq!(all.get("session_cookie"), None);
        assert_eq!(change(json!({"ephemeral_session_lifetime_in_minutes": 120}))["ephemeral_session_lifetime"], 2);
    }
}
