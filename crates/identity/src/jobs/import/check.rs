//! What a user in a file must be like.

use std::sync::Arc;

use serde_json::{Value, json};
use zeroize::Zeroize;

use super::parse::Element;
use crate::methods::NewMethod;
use crate::password::{WrongHash, imported};
use crate::text::Fields;
use crate::users::NewUser;
use crate::users::create::ReadyUser;
use crate::{Identity, Refusal};

/// The longest user, as JSON, in bytes.
const LONGEST: usize = 256 * 1024;

/// A user of a file, looked at.
pub(super) enum Checked {
    /// It can be made, or changed.
    Good(Box<Good>),
    /// It cannot.
    Bad(Value),
}

/// A user that can be made or changed.
pub(super) struct Good {
    pub(super) ready: ReadyUser,
    /// What the file said, for changes and for errors; without secrets.
    pub(super) said: Fields,
    pub(super) methods: Vec<NewMethod>,
}

/// What the users of a file are held against.
pub(super) struct Checker {
    identity: Arc<Identity>,
    pub(super) connection: String,
    options: Fields,
}

/// An error of a user, as the API shows it.
pub(super) fn wrong(code: &str, message: impl Into<String>, path: &str) -> Value {
    let mut error = json!({ "code": code, "message": message.into() });
    if let (Some(error), false) = (error.as_object_mut(), path.is_empty()) {
        error.insert("path".to_owned(), path.into());
    }
    error
}

/// A user and its errors, as the API shows them.
pub(super) fn failed(said: &Value, errors: Vec<Value>) -> Value {
    json!({ "user": said, "errors": errors })
}

impl Checker {
    pub(super) fn new(identity: Arc<Identity>, connection: String, mut options: Fields) -> Checker {
        // Users may come without password: they are asked for a new one.
        options.shift_remove("requires_username");
        Checker { identity, connection, options }
    }

    /// Looks at one element.
    pub(super) fn check(&self, element: Element, upsert: bool) -> Checked {
        let Element { value, twice, nul } = element;
        let Value::Object(mut user) = value else {
            let found = shortened(&value);
            return Checked::Bad(failed(&found, vec![wrong("INVALID_TYPE", "Expected type object", "")]));
        };
        let hash = imported(&user);
        let factors = user.shift_remove("mfa_factors");
        hide(&mut user);
        let mut errors = Vec::new();
        if let Some(name) = twice {
            errors.push(wrong("DUPLICATED_PROPERTY", format!("The property {name} is there twice"), &name));
        }
        if nul {
            errors.push(wrong("INVALID_FORMAT", "A text holds a NUL", ""));
        }
        let said = Value::Object(user.clone());
        if said.to_string().len() > LONGEST {
            errors.push(wrong("TOO_LONG", format!("The user is longer than {LONGEST} bytes"), ""));
        }
        let hash = hash.unwrap_or_else(|error| {
            let code = match error {
                WrongHash::Unknown => "INVALID_PASSWORD_HASH",
                WrongHash::Weak => "WEAK_PASSWORD_HASH",
                WrongHash::Costly => "COSTLY_PASSWORD_HASH",
            };
            errors.push(wrong(code, error.to_string(), "password_hash"));
            None
        });
        let methods = methods(factors, &mut errors);
        let new = self.new_user(&user, hash, &mut errors);
        if !errors.is_empty() {
            return Checked::Bad(failed(&shortened(&said), errors));
        }
        match self.identity.shaped_user("auth0", &self.options, new) {
            Ok(ready) => Checked::Good(Box::new(Good { ready, said: user, methods })),
            // Of a user that exists a file may say as little as its id.
            Err(refusal) if !upsert || !user.contains_key("user_id") => {
                let code =
                    if user.contains_key("email") { "INVALID_FORMAT" } else { "OBJECT_MISSING_REQUIRED_PROPERTY" };
                Checked::Bad(failed(&said, vec![wrong(code, sentence(&refusal), "")]))
            }
            Err(refusal) => Checked::Bad(failed(&said, vec![wrong("INVALID_FORMAT", sentence(&refusal), "")])),
        }
    }

    /// The identity operations.
    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    fn new_user(&self, user: &Fields, hash: Option<String>, errors: &mut Vec<Value>) -> NewUser {
        // A user without a hash is one that must set a new password: no password fits it.
        let mut new =
            NewUser { connection: self.connection.clone(), hash: Some(hash.unwrap_or_default()), ..NewUser::default() };
        for (name, value) in user {
            let kind = match name.as_str() {
                "email" | "username" | "phone_number" | "user_id" | "name" | "nickname" | "given_name"
                | "family_name" | "picture" => value.is_string() || value.is_null(),
                "email_verified" | "phone_verified" | "blocked" => value.is_boolean(),
                "user_metadata" | "app_metadata" => value.is_object(),
                "password_hash" | "custom_password_hash" => continue,
                _ => {
                    errors.push(wrong(
                        "OBJECT_ADDITIONAL_PROPERTIES",
                        format!("Additional properties not allowed: {}", cut(name)),
                        &cut(name),
                    ));
                    continue;
                }
            };
            if !kind {
                errors.push(wrong("INVALID_TYPE", format!("{name} is not of the expected type"), name));
                continue;
            }
            let text = value.as_str().map(str::to_owned);
            match name.as_str() {
                "email" => new.email = text,
                "username" => new.username = text,
                "phone_number" => new.phone = text,
                "user_id" => new.user_id = text,
                _ if value.is_null() => {}
                _ => drop(new.fields.insert(name.clone(), value.clone())),
            }
        }
        new
    }
}

/// Second factors: `[{"totp": {"secret": …}}, {"phone": {"value": …}}, {"email": {"value": …}}]`.
fn methods(factors: Option<Value>, errors: &mut Vec<Value>) -> Vec<NewMethod> {
    let items = match factors {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(items)) if items.len() <= 10 => items,
        Some(_) => {
            errors.push(wrong("INVALID_TYPE", "mfa_factors is not a list of 10 at most", "mfa_factors"));
            return Vec::new();
        }
    };
    let mut found = Vec::new();
    for item in items {
        let at = |kind: &str, name: &str| item.get(kind)?.get(name)?.as_str().map(str::to_owned);
        let with = |name: &str, value: String| [(name.to_owned(), Value::String(value))].into_iter().collect();
        if let Some(secret) = at("totp", "secret") {
            found.push(NewMethod { kind: "totp".to_owned(), totp_secret: Some(secret), ..NewMethod::default() });
        } else if let Some(phone) = at("phone", "value") {
            let fields = with("phone_number", phone);
            found.push(NewMethod { kind: "phone".to_owned(), fields, ..NewMethod::default() });
        } else if let Some(email) = at("email", "value") {
            let fields = with("email", email);
            found.push(NewMethod { kind: "email".to_owned(), fields, ..NewMethod::default() });
        } else {
            errors.push(wrong("INVALID_FORMAT", "A factor is none of totp, phone and email", "mfa_factors"));
        }
    }
    found
}

/// Takes the secrets out of what is told again.
fn hide(user: &mut Fields) {
    for (name, value) in user.iter_mut() {
        if name.contains("password") || name.contains("secret") {
            if let Value::String(text) = value {
                text.zeroize();
            }
            *value = Value::String("*****".to_owned());
        }
    }
}

fn cut(name: &str) -> String {
    name.chars().filter(|c| *c != '\0').take(100).collect()
}

/// What is too long to be told again is told by its beginning.
fn shortened(value: &Value) -> Value {
    let text = value.to_string();
    // JSON escapes a NUL, which not every database keeps in a text; errors are kept as bytes.
    if text.len() <= 4_096 { value.clone() } else { Value::String(text.chars().take(1_000).collect()) }
}

fn sentence(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Invalid { message, .. } => message.clone(),
        Refusal::Password(fault) => fault.to_string(),
        _ => "The user cannot be made".to_owned(),
    }
}
