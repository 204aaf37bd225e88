//! Bodies of parts (`multipart/form-data`, RFC 7578), of which one is a file.

use std::fs::File;
use std::io::{Seek, Write};

use axum::body::Body;
use axum::http::{HeaderMap, header};
use multer::{Constraints, Field, Multipart, SizeLimit};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tenantry_identity::Refusal;
use tenantry_identity::text::{Fields, hex};

use crate::management::schema;

/// The largest file, in bytes.
pub(crate) const LARGEST: u64 = 512 * 1024 * 1024;

/// The largest other part.
const LARGEST_TEXT: usize = 4 * 1024;

/// How long a piece of the file may take to arrive.
const SLOWEST: std::time::Duration = std::time::Duration::from_secs(20);

/// The part that is a file.
const FILE: &str = "users";

/// Reads the parts: the file goes to the disk under no name, so that it leaves with the job.
///
/// # Errors
/// `invalid_body`; [`Refusal::TooLarge`].
pub(crate) async fn read(form: &Value, headers: &HeaderMap, sent: Body) -> Result<(Fields, Option<File>), Refusal> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(kind).map_err(|_| wrong("The body is not multipart/form-data"))?;
    let limits = SizeLimit::new().whole_stream(LARGEST + 1024 * 1024).for_field(FILE, LARGEST);
    let limits = Constraints::new().size_limit(limits);
    let mut parts = Multipart::with_constraints(sent.into_data_stream(), boundary, limits);
    let (mut fields, mut file) = (Fields::new(), None);
    while let Some(part) = soon(parts.next_field()).await? {
        let name = part.name().unwrap_or_default().to_owned();
        if fields.contains_key(&name) || name.is_empty() {
            return Err(wrong("A part is there twice, or without a name"));
        }
        if name == FILE {
            let (kept, digest) = kept(part).await?;
            file = Some(kept);
            // Stands for the file where calls are compared.
            fields.insert(name, Value::String(digest));
        } else {
            fields.insert(name, typed(text(part).await?));
        }
    }
    schema::check(&Value::Object(fields.clone()), form)
        .map_err(|misfit| Refusal::Invalid { code: "invalid_body", message: misfit.sentence("Payload") })?;
    Ok((fields, file))
}

/// The file, and its SHA-256.
async fn kept(mut part: Field<'_>) -> Result<(File, String), Refusal> {
    const DISK: Refusal = Refusal::Internal("an upload could not be kept on the disk");
    let mut file = tempfile::tempfile().map_err(|_| DISK)?;
    let mut digest = Sha256::new();
    while let Some(piece) = soon(part.chunk()).await? {
        file.write_all(&piece).map_err(|_| DISK)?;
        digest.update(&piece);
    }
    file.rewind().map_err(|_| DISK)?;
    Ok((file, hex(&digest.finalize())))
}

async fn text(mut part: Field<'_>) -> Result<String, Refusal> {
    let mut bytes = Vec::new();
    while let Some(piece) = soon(part.chunk()).await? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > LARGEST_TEXT {
            return Err(wrong("A part is too long"));
        }
    }
    String::from_utf8(bytes).map_err(|_| wrong("A part is not UTF-8"))
}

fn typed(text: String) -> Value {
    match text.as_str() {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => Value::String(text),
    }
}

async fn soon<T>(part: impl Future<Output = multer::Result<T>>) -> Result<T, Refusal> {
    match tokio::time::timeout(SLOWEST, part).await {
        Ok(Ok(part)) => Ok(part),
        Ok(Err(multer::Error::FieldSizeExceeded { .. } | multer::Error::StreamSizeExceeded { .. })) => {
            Err(Refusal::TooLarge { most: LARGEST })
        }
        Ok(Err(_)) => Err(wrong("The body is not multipart/form-data throughout")),
        Err(_) => Err(wrong("The body took too long to arrive")),
    }
}

fn wrong(what: &str) -> Refusal {
    Refusal::Invalid { code: "invalid_body", message: format!("Payload validation error: '{what}'.") }
}
