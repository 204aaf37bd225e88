//! What clients prove themselves with instead of a secret: public keys, certificates, certificates' names.

mod create;
mod delete;
mod list;
mod read;
mod update;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tenantry_store::identity::clients::Credential as Row;

use crate::clients::key;
use crate::text::{Fields, fields, time};
use crate::{Identity, Refusal, ids};

/// A credential.
#[derive(Debug, Clone, PartialEq)]
pub struct Credential {
    /// `cred_` and 22 letters and digits.
    pub id: String,
    /// The client's id.
    pub client_id: String,
    /// The key's name in what the client signs.
    pub kid: Option<String>,
    /// `public_key`, `x509_cert` or `cert_subject_dn`.
    pub kind: String,
    /// `name`, `alg`, `subject_dn`, `thumbprint_sha256`; and the key itself, which is not shown.
    pub fields: Fields,
    /// When it ends, microseconds since 1970 UTC.
    pub expires_micros: Option<i64>,
    /// Microseconds since 1970 UTC.
    pub created_micros: i64,
    /// Microseconds since 1970 UTC.
    pub updated_micros: i64,
}

impl Credential {
    pub(crate) fn from_row(row: Row) -> Credential {
        Credential {
            fields: fields(&row.doc),
            id: row.id,
            client_id: row.client_id,
            kid: row.kid,
            kind: row.kind,
            expires_micros: row.expires_micros,
            created_micros: row.created_micros,
            updated_micros: row.updated_micros,
        }
    }

    pub(crate) fn to_row(&self) -> Row {
        Row {
            id: self.id.clone(),
            client_id: self.client_id.clone(),
            kid: self.kid.clone(),
            kind: self.kind.clone(),
            doc: Value::Object(self.fields.clone()).to_string(),
            expires_micros: self.expires_micros,
            created_micros: self.created_micros,
            updated_micros: self.updated_micros,
        }
    }

    /// As the APIs show it.
    #[must_use]
    pub fn shown(&self) -> Value {
        let mut body = Map::new();
        body.insert("id".to_owned(), json!(self.id));
        if let Some(name) = self.fields.get("name") {
            body.insert("name".to_owned(), name.clone());
        }
        if let Some(kid) = &self.kid {
            body.insert("kid".to_owned(), json!(kid));
        }
        body.insert("credential_type".to_owned(), json!(self.kind));
        for name in ["alg", "subject_dn", "thumbprint_sha256"] {
            if let Some(value) = self.fields.get(name) {
                body.insert(name.to_owned(), value.clone());
            }
        }
        body.insert("created_at".to_owned(), json!(time(self.created_micros)));
        body.insert("updated_at".to_owned(), json!(time(self.updated_micros)));
        body.insert("expires_at".to_owned(), self.expires_micros.map_or(Value::Null, |end| json!(time(end))));
        Value::Object(body)
    }
}

impl Identity {
    /// A credential from what was sent: `credential_type`, `name`, `pem`, `alg`, `kid`, `subject_dn`,
    /// `expires_at`, `parse_expiry_from_cert`. Not yet kept.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for a key or certificate that cannot be read or does not fit.
    pub(crate) fn read_credential(&self, client: &str, sent: &Fields) -> Result<Credential, Refusal> {
        let text = |name: &str| sent.get(name).and_then(Value::as_str);
        let wrong = |message: &str| Refusal::Invalid { code: "invalid_body", message: message.to_owned() };
        let kind = text("credential_type").ok_or_else(|| wrong("The credential_type is missing"))?;
        let now = self.now();
        let mut credential = Credential {
            id: ids::letters(self.entropy.as_ref(), "cred_", 22)?,
            client_id: client.to_owned(),
            kid: None,
            kind: kind.to_owned(),
            fields: Fields::new(),
            expires_micros: text("expires_at").map(end).transpose()?,
            created_micros: now,
            updated_micros: now,
        };
        let mut put = |name: &str, value: String| drop(credential.fields.insert(name.to_owned(), Value::String(value)));
        if let Some(name) = text("name") {
            put("name", name.to_owned());
        }
        let pem = || text("pem").ok_or_else(|| wrong("Payload validation error: 'Missing required property: pem'."));
        match kind {
            "public_key" => {
                let key = key::public_key(pem()?).map_err(wrong)?;
                put("alg", text("alg").unwrap_or("RS256").to_owned());
                put("pem", key.pem);
                credential.kid = Some(text("kid").map_or(key.thumbprint, str::to_owned));
                if sent.get("parse_expiry_from_cert").and_then(Value::as_bool) == Some(true) {
                    credential.expires_micros = key.expires_micros.or(credential.expires_micros);
                }
            }
            "x509_cert" => {
                let certificate = key::certificate(pem()?).map_err(wrong)?;
                put("thumbprint_sha256", certificate.thumbprint);
                put("pem", certificate.pem);
                credential.expires_micros = Some(certificate.expires_micros);
            }
            "cert_subject_dn" => {
                let subject = match (text("subject_dn"), text("pem")) {
                    (Some(subject), None) => subject.to_owned(),
                    (None, Some(pem)) => key::certificate(pem).map_err(wrong)?.subject,
                    _ => return Err(wrong("Either subject_dn or pem is needed")),
                };
                put("subject_dn", subject);
            }
            _ => return Err(wrong("This credential_type is not known")),
        }
        Ok(credential)
    }
}

/// A time that was sent.
fn end(text: &str) -> Result<i64, Refusal> {
    let time: Timestamp = text.parse().map_err(|_| Refusal::Invalid {
        code: "invalid_body",
        message:
            "Payload validation error: 'Object didn't pass validation for format date-time' on property expires_at."
                .to_owned(),
    })?;
    Ok(time.as_microsecond())
}
