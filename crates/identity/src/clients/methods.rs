//! The credentials that a client's fields name: `client_authentication_methods` and
//! `signed_request_object`.

use serde_json::{Map, Value, json};

use crate::clients::credentials::Credential;
use crate::text::Fields;
use crate::{Identity, Refusal};

/// The methods, and the kind of credential that each takes.
const METHODS: [(&str, &str); 3] = [
    ("private_key_jwt", "public_key"),
    ("tls_client_auth", "cert_subject_dn"),
    ("self_signed_tls_client_auth", "x509_cert"),
];

const AUTHENTICATION: &str = "client_authentication_methods";
const REQUEST_OBJECT: &str = "signed_request_object";

impl Identity {
    /// Replaces credentials that were sent with a new client by their ids, and answers them.
    pub(super) fn take_credentials(&self, client: &str, fields: &mut Fields) -> Result<Vec<Credential>, Refusal> {
        let mut made = Vec::new();
        for (kind, list) in lists(fields) {
            for item in list {
                let Value::Object(sent) = item else { continue };
                let credential = self.read_credential(client, sent)?;
                if credential.kind != kind {
                    return Err(Refusal::invalid(format!("A credential of type {kind} is needed here")));
                }
                *item = json!({ "id": credential.id });
                made.push(credential);
            }
        }
        Ok(made)
    }
}

/// Puts credentials in full where the fields name them.
pub(super) fn expand(fields: &mut Fields, credentials: &[Credential]) {
    for (_, list) in lists(fields) {
        for item in list {
            let named = item.get("id").and_then(Value::as_str);
            if let Some(credential) = credentials.iter().find(|credential| Some(credential.id.as_str()) == named) {
                *item = credential.shown();
            }
        }
    }
}

/// The ids of the credentials that the fields name.
pub(super) fn named(fields: &Fields) -> impl Iterator<Item = &str> {
    let methods = fields.get(AUTHENTICATION).and_then(Value::as_object);
    let methods = methods.into_iter().flat_map(Map::values);
    methods
        .chain(fields.get(REQUEST_OBJECT))
        .filter_map(|method| method.get("credentials")?.as_array())
        .flatten()
        .filter_map(|item| item.get("id")?.as_str())
}

/// Refuses fields that name credentials which are not the client's, or of the wrong kind; and two ways to
/// prove itself at once.
pub(crate) fn check(fields: &mut Fields, known: &[(String, String)]) -> Result<(), Refusal> {
    for (kind, list) in lists(fields) {
        for item in list.iter() {
            let id = item.get("id").and_then(Value::as_str).unwrap_or_default();
            if !known.iter().any(|(known, of)| known == id && of == kind) {
                return Err(Refusal::invalid(format!("The client has no credential {id} of type {kind}")));
            }
        }
    }
    let both = [AUTHENTICATION, "token_endpoint_auth_method"].iter().all(|name| fields.contains_key(*name));
    if both {
        return Err(Refusal::invalid(
            "client_authentication_methods and token_endpoint_auth_method cannot be set at the same time",
        ));
    }
    Ok(())
}

/// The lists of credentials in the fields, and the kind that each takes.
fn lists(fields: &mut Fields) -> Vec<(&'static str, &mut Vec<Value>)> {
    let mut found = Vec::new();
    for (name, value) in fields.iter_mut() {
        if name == AUTHENTICATION {
            for (method, value) in value.as_object_mut().into_iter().flatten() {
                let Some((_, kind)) = METHODS.iter().find(|(known, _)| known == method) else { continue };
                if let Some(list) = value.get_mut("credentials").and_then(Value::as_array_mut) {
                    found.push((*kind, list));
                }
            }
        } else if name == REQUEST_OBJECT
            && let Some(list) = value.get_mut("credentials").and_then(Value::as_array_mut)
        {
            found.push(("public_key", list));
        }
    }
    found
}
