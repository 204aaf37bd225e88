//! The fields of a user that its row keeps as JSON: what may stand there, how a change joins them, and what they
//! are when nobody said.

use serde_json::{Value, json};

use crate::Refusal;
use crate::text::{Fields, merge};
use crate::users::{User, names};

/// How long a user's fields may be, as JSON, in bytes.
const LONGEST: usize = 1024 * 1024;

/// Takes over a field from a change.
///
/// # Errors
/// [`Refusal::Invalid`] for a value that does not fit, or a field that a user does not have.
pub(crate) fn apply(user: &mut User, name: &str, value: Value) -> Result<(), Refusal> {
    match (name, value) {
        ("name" | "nickname" | "given_name" | "family_name" | "picture", Value::Null) => {
            user.fields.shift_remove(name);
        }
        ("name" | "nickname", Value::String(text)) => put(user, name, names::shown(name, &text, 300)?),
        ("given_name" | "family_name", Value::String(text)) => put(user, name, names::shown(name, &text, 150)?),
        ("picture", Value::String(text)) => put(user, name, names::shown(name, &text, 4_096)?),
        ("user_metadata" | "app_metadata", Value::Object(change)) => {
            let mut members = match user.fields.shift_remove(name) {
                Some(Value::Object(members)) => members,
                _ => Fields::new(),
            };
            if change.is_empty() {
                members.clear();
            }
            merge(&mut members, change);
            user.fields.insert(name.to_owned(), Value::Object(members));
        }
        ("user_metadata" | "app_metadata", Value::Null) => {
            user.fields.shift_remove(name);
        }
        ("email_verified", Value::Bool(value)) => user.email_verified = value,
        ("phone_verified", Value::Bool(value)) => user.phone_verified = value,
        ("blocked", Value::Bool(value)) => {
            user.blocked = value;
            user.fields.insert(name.to_owned(), Value::Bool(value));
        }
        _ => return Err(Refusal::invalid(format!("{name} cannot be set to this"))),
    }
    Ok(())
}

fn put(user: &mut User, name: &str, text: String) {
    user.fields.insert(name.to_owned(), Value::String(text));
}

/// What a user is called when nobody said: by its address, its name for logging in, or its number. `before` is the
/// user before a change: what followed from that follows the change.
pub(crate) fn fall_back(user: &mut User, before: Option<&User>) {
    let wanted = defaults(user);
    let past = before.map(defaults);
    for (name, value) in wanted {
        let is_past = past
            .as_ref()
            .is_some_and(|past| past.iter().any(|(known, past)| *known == name && user.fields.get(name) == Some(past)));
        if !user.fields.contains_key(name) || is_past {
            user.fields.insert(name.to_owned(), value);
        }
    }
}

/// A picture that is its own address (RFC 2397): the first letter. One that lies elsewhere, by a hash of the user's
/// e-mail address say, would tell a third party who is looked at, and when.
fn picture(called: &str) -> String {
    // Nothing else needs to be escaped, neither in the address nor in the drawing.
    let letter = called.chars().find(char::is_ascii_alphanumeric).unwrap_or('o').to_ascii_uppercase();
    format!(
        "data:image/svg+xml,%3Csvg%20xmlns='http://www.w3.org/2000/svg'%20viewBox='0%200%209%209'%3E%3Ctext%20x='2'%20\
         y='7'%20font-size='7'%3E{letter}%3C/text%3E%3C/svg%3E"
    )
}

fn defaults(user: &User) -> Vec<(&'static str, Value)> {
    let mut found = Vec::with_capacity(3);
    let called = user.email.as_ref().or(user.username.as_ref()).or(user.phone.as_ref());
    if let Some(called) = called {
        let local = match &user.email {
            Some(email) => email.rsplit_once('@').map_or(email.as_str(), |(local, _)| local),
            None => called,
        };
        found.push(("name", json!(called)));
        found.push(("nickname", json!(local)));
    }
    found.push(("picture", json!(picture(called.unwrap_or(&user.id)))));
    found
}

/// # Errors
/// [`Refusal::Invalid`] for fields that are too long together.
pub(crate) fn check_length(user: &User) -> Result<(), Refusal> {
    if Value::Object(user.fields.clone()).to_string().len() > LONGEST {
        return Err(Refusal::Invalid {
            code: "invalid_body",
            message: format!(
                "Payload validation error: 'A user has no more than {LONGEST} bytes' on property app_metadata."
            ),
        });
    }
    Ok(())
}
