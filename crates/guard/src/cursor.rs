//! Cursors: where a query goes on, sealed so that they can be neither read nor changed.
//!
//! A cursor holds the last row's values of the order's columns. It is encrypted and authenticated
//! with AES-256-GCM; account, subject, policy version and the query's shape are authenticated with
//! it, so a cursor of another tenant, another user, an older policy or another query does not open.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rust_decimal::Decimal;
use sha2::{Digest, Sha256};
use tenantry_policy::{Code, Context, Denied, Entropy, Value};
use uuid::Uuid;

use crate::json::Json;

/// The longest cursor, in characters.
const LONGEST: usize = 8 * 1024;

/// Seals and opens cursors with the installation's key.
pub(crate) struct Cursors {
    key: LessSafeKey,
}

/// What a cursor is bound to besides its content.
pub(crate) struct Shape([u8; 32]);

impl Shape {
    /// The shape of a query: all its arguments but `cursor` and `take`.
    pub(crate) fn of(arguments: &Json, context: &Context) -> Shape {
        let mut digest = Sha256::new();
        let mut part = |bytes: &[u8]| {
            digest.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
            digest.update(bytes);
        };
        let bound = &context.bound;
        part(&bound.policy.version);
        part(bound.account().as_bytes());
        part(bound.principal.user_id.as_deref().unwrap_or("").as_bytes());
        if let Json::Object(members) = arguments {
            let mut members: Vec<_> = members.iter().filter(|(name, _)| name != "cursor" && name != "take").collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            for (name, value) in members {
                part(name.as_bytes());
                part(value.to_text().as_bytes());
            }
        }
        Shape(digest.finalize().into())
    }
}

impl Cursors {
    /// From the installation's 32-byte key; `None` when it has another length.
    pub(crate) fn new(key: &[u8]) -> Option<Cursors> {
        let key = UnboundKey::new(&AES_256_GCM, key).ok()?;
        Some(Cursors { key: LessSafeKey::new(key) })
    }

    /// A cursor after a row with these order values.
    pub(crate) fn seal(&self, shape: &Shape, last: &[Option<Value>], entropy: &dyn Entropy) -> Option<String> {
        let mut nonce = [0_u8; NONCE_LEN];
        entropy.fill(&mut nonce).ok()?;
        let mut content = Vec::with_capacity(64);
        for value in last {
            write(value.as_ref(), &mut content);
        }
        let mut out = nonce.to_vec();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(shape.0), &mut content)
            .ok()?;
        out.extend_from_slice(&content);
        Some(URL_SAFE_NO_PAD.encode(out))
    }

    /// The order values inside a cursor.
    pub(crate) fn open(&self, shape: &Shape, cursor: &str) -> Result<Vec<Option<Value>>, Denied> {
        self.try_open(shape, cursor).ok_or_else(|| {
            Denied::new(Code::ValidationError, "the cursor does not belong to this query")
                .at("cursor")
                .hint("send a cursor back unchanged, with the arguments of the call that gave it")
        })
    }

    fn try_open(&self, shape: &Shape, cursor: &str) -> Option<Vec<Option<Value>>> {
        if cursor.len() > LONGEST {
            return None;
        }
        let mut bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (nonce, content) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut content: &[u8] = self.key.open_in_place(nonce, Aad::from(shape.0), content).ok()?;
        let mut values = Vec::new();
        while !content.is_empty() {
            values.push(read(&mut content)?);
        }
        Some(values)
    }
}

fn write(value: Option<&Value>, out: &mut Vec<u8>) {
    let mut part = |tag: u8, bytes: &[u8]| {
        out.push(tag);
        out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend_from_slice(bytes);
    };
    match value {
        None => part(b'n', &[]),
        Some(Value::Bool(value)) => part(b'b', &[u8::from(*value)]),
        Some(Value::Int(value)) => part(b'i', &value.to_be_bytes()),
        Some(Value::Decimal(value)) => part(b'd', &value.serialize()),
        Some(Value::Text(value)) => part(b't', value.as_bytes()),
        Some(Value::Uuid(value)) => part(b'u', value.as_bytes()),
        Some(Value::Timestamp(value)) => part(b'm', &value.to_be_bytes()),
        Some(Value::Date(value)) => part(b'y', &value.to_be_bytes()),
        Some(Value::Float(value)) => part(b'f', &value.to_be_bytes()),
        Some(Value::Json(value)) => part(b'j', value.as_bytes()),
        Some(Value::Bytes(value)) => part(b'x', value),
    }
}

fn read(content: &mut &[u8]) -> Option<Option<Value>> {
    let (tag, rest) = content.split_first()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (bytes, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    *content = rest;
    let text = || std::str::from_utf8(bytes).ok();
    Some(Some(match tag {
        b'n' => return Some(None),
        b'b' => Value::Bool(bytes == [1]),
        b'i' => Value::Int(i64::from_be_bytes(bytes.try_into().ok()?)),
        b'd' => Value::Decimal(Decimal::deserialize(bytes.try_into().ok()?)),
        b't' => Value::text(text()?),
        b'u' => Value::Uuid(Uuid::from_slice(bytes).ok()?),
        b'm' => Value::Timestamp(i64::from_be_bytes(bytes.try_into().ok()?)),
        b'y' => Value::Date(i32::from_be_bytes(bytes.try_into().ok()?)),
        b'f' => Value::Float(f64::from_be_bytes(bytes.try_into().ok()?)),
        _ => return None,
    }))
}
