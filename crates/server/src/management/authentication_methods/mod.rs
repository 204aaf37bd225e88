//! Ways to log in beside the password: second factors, passkeys, recovery codes.

mod create;
mod delete;
mod enrollments;
mod list;
mod read;
mod recovery;
mod replace;
mod update;

use serde_json::{Map, Value, json};
use tenantry_identity::methods::{Method, NewMethod};
use tenantry_identity::text::{Fields, time};

use crate::management::route::{Route, route};

/// The family's endpoints.
pub(crate) const ROUTES: &[Route] = &[
    route!("GET /users/{id}/authentication-methods", list::handle),
    route!("POST /users/{id}/authentication-methods", create::handle),
    route!("PUT /users/{id}/authentication-methods", replace::handle),
    route!("DELETE /users/{id}/authentication-methods", delete::all),
    route!("GET /users/{id}/authentication-methods/{authentication_method_id}", read::handle),
    route!("PATCH /users/{id}/authentication-methods/{authentication_method_id}", update::handle),
    route!("DELETE /users/{id}/authentication-methods/{authentication_method_id}", delete::one),
    route!("DELETE /users/{id}/authenticators", delete::second_factors),
    route!("DELETE /users/{id}/multifactor/{provider}", delete::provider),
    route!("GET /users/{id}/enrollments", enrollments::handle),
    route!("POST /users/{id}/multifactor/actions/invalidate-remember-browser", enrollments::forget_browsers),
    route!("POST /users/{id}/recovery-code-regeneration", recovery::handle),
];

/// A method as this API shows it: addresses and numbers masked, unless they were just sent.
fn shown(method: &Method, masked: bool) -> Value {
    let mut shown = Map::new();
    shown.insert("id".to_owned(), json!(method.id));
    shown.insert("type".to_owned(), json!(method.kind));
    shown.insert("confirmed".to_owned(), json!(method.confirmed));
    if let Some(name) = &method.name {
        shown.insert("name".to_owned(), json!(name));
    }
    for (name, value) in &method.fields {
        let value = match (name.as_str(), value) {
            ("email", Value::String(email)) if masked => Value::String(masked_email(email)),
            ("phone_number", Value::String(phone)) if masked => Value::String(masked_phone(phone)),
            (_, value) => value.clone(),
        };
        shown.insert(name.clone(), value);
    }
    shown.insert("created_at".to_owned(), json!(time(method.created_micros)));
    Value::Object(shown)
}

/// The first four letters of each part, the rest as stars; a part of four or fewer is stars alone.
fn masked_email(email: &str) -> String {
    let part = |text: &str| {
        let length = text.chars().count();
        let told: String = if length > 4 { text.chars().take(4).collect() } else { String::new() };
        let stars = if length > 4 { length - 4 } else { 4 };
        told + &"*".repeat(stars)
    };
    match email.rsplit_once('@') {
        Some((local, domain)) => [part(local), part(domain)].join("@"),
        None => part(email),
    }
}

/// The last four digits.
fn masked_phone(phone: &str) -> String {
    let length = phone.chars().count();
    phone.chars().enumerate().map(|(place, c)| if place + 4 < length { 'X' } else { c }).collect()
}

/// What a method is made from.
fn new(mut body: Fields) -> NewMethod {
    let mut take = |name: &str| match body.shift_remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let (kind, name, totp_secret) = (take("type"), take("name"), take("totp_secret"));
    NewMethod { kind: kind.unwrap_or_default(), name, totp_secret, fields: body }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_numbers_are_masked() {
        assert_eq!(masked_email("chuck334@example.com"), "chuc****@exam*******");
        assert_eq!(masked_email("foo@example.com"), "****@exam*******");
        assert_eq!(masked_phone("+44207183875044"), "XXXXXXXXXXX5044");
    }
}
