//! Enrolling a way to log in.

use serde_json::{Value, json};
use tenantry_store::identity::Window;

use crate::act::Act;
use crate::caller::{Permission, Target};
use crate::methods::{KINDS, Method, SECRETS};
use crate::text::Fields;
use crate::{Caller, Identity, Kind, Refusal, ids};

/// So many ways to log in may one user have.
const MOST: i64 = 20;

/// What a way to log in is made from.
#[derive(Clone, Default)]
pub struct NewMethod {
    /// One of [`KINDS`].
    pub kind: String,
    /// What the user calls it.
    pub name: Option<String>,
    /// The shared secret of one-time codes, base32.
    pub totp_secret: Option<String>,
    /// `email`, `phone_number`, `preferred_authentication_method`, `key_id`, `public_key`,
    /// `relying_party_identifier`.
    pub fields: Fields,
}

/// Secrets stay out of logs.
impl std::fmt::Debug for NewMethod {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewMethod").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Identity {
    /// Enrols a way to log in. It is taken as confirmed: whoever may call this has seen to that.
    ///
    /// # Errors
    /// [`Refusal::Missing`]; [`Refusal::Exists`] for an address, number or key that the user has enrolled;
    /// [`Refusal::Limit`]; [`Refusal::Invalid`].
    pub async fn create_authentication_method(
        &self,
        caller: &Caller,
        user: &str,
        new: NewMethod,
    ) -> Result<Method, Refusal> {
        caller.may(&["create:authentication_methods"], Target::Platform)?;
        self.may_become_user(caller, user).await?;
        let known = self.store.authentication_methods(user, Window { offset: 0, limit: MOST }).await?;
        if i64::try_from(known.len()).unwrap_or(MOST) >= MOST {
            return Err(Refusal::Limit("You reached the limit of entities of this type for this user."));
        }
        let (method, secret) = self.method(new)?;
        let same = |name: &str, other: &Method| method.text(name).is_some() && method.text(name) == other.text(name);
        for other in known.into_iter().map(Method::from_row).filter(|other| other.kind == method.kind) {
            if ["email", "phone_number", "key_id"].iter().any(|name| same(name, &other)) {
                return Err(Refusal::Exists(Kind::AuthenticationMethod));
            }
        }
        let row = method.to_row(user, secret);
        let inputs = json!({ "user": user, "id": method.id, "type": method.kind });
        let act = Act { name: "users.create_authentication_method", tenant: "", workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.insert_authentication_method(&row);
            self.store.commit(batch).await.map_err(gone)?;
            Ok(())
        })
        .await?;
        Ok(method)
    }

    /// Puts these ways to log in in place of all that the user has, but for recovery codes and keys that
    /// cannot be enrolled so.
    ///
    /// # Errors
    /// [`Refusal::Missing`], [`Refusal::Limit`], [`Refusal::Invalid`].
    pub async fn replace_authentication_methods(
        &self,
        caller: &Caller,
        user: &str,
        new: Vec<NewMethod>,
    ) -> Result<Vec<Method>, Refusal> {
        caller.may(&["update:authentication_methods"], Target::Platform)?;
        self.may_become_user(caller, user).await?;
        if i64::try_from(new.len()).unwrap_or(i64::MAX) > MOST {
            return Err(Refusal::Limit("You reached the limit of entities of this type for this user."));
        }
        let made: Vec<(Method, Option<Vec<u8>>)> =
            new.into_iter().map(|new| self.method(new)).collect::<Result<_, _>>()?;
        let told: Vec<Value> = made.iter().map(|(method, _)| json!({ "id": method.id, "type": method.kind })).collect();
        let inputs = json!({ "user": user, "methods": told });
        let act = Act { name: "users.replace_authentication_methods", tenant: "", workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            for kind in ["phone", "email", "totp"] {
                batch.delete_authentication_methods_of_kind(user, kind);
            }
            for (method, secret) in &made {
                batch.insert_authentication_method(&method.to_row(user, secret.clone()));
            }
            self.store.commit(batch).await.map_err(gone)?;
            Ok(())
        })
        .await?;
        Ok(made.into_iter().map(|(method, _)| method).collect())
    }

    /// A method and its sealed secret.
    pub(crate) fn method(&self, mut new: NewMethod) -> Result<(Method, Option<Vec<u8>>), Refusal> {
        if !KINDS.contains(&new.kind.as_str()) {
            return Err(wrong("No enum match for: type"));
        }
        let needed: &[&str] = match new.kind.as_str() {
            "email" => &["email"],
            "phone" => &["phone_number"],
            "webauthn-roaming" | "passkey" => &["key_id", "public_key"],
            _ => &[],
        };
        for name in needed {
            if new.fields.get(*name).and_then(Value::as_str).is_none_or(str::is_empty) {
                return Err(wrong(&format!("Missing required property: {name}")));
            }
        }
        if new.fields.values().any(|value| value.as_str().is_some_and(|text| text.contains('\0'))) {
            return Err(wrong("A text holds a NUL"));
        }
        let part = ids::letters(self.entropy.as_ref(), "", 16)?;
        let id = [&new.kind, "|dev_", &part].concat();
        if new.kind == "phone" {
            let way = new.fields.get("preferred_authentication_method").and_then(Value::as_str).unwrap_or("sms");
            let way = way.to_owned();
            let id = [&way, "|dev_", &ids::letters(self.entropy.as_ref(), "", 16)?].concat();
            let own = json!([{ "id": id, "type": way }]);
            new.fields.insert("preferred_authentication_method".to_owned(), way.into());
            new.fields.insert("authentication_methods".to_owned(), own);
        }
        let secret = match (new.kind.as_str(), new.totp_secret) {
            ("totp", Some(secret)) => {
                let secret = base32(&secret).ok_or_else(|| wrong("The secret is not base32"))?;
                Some(self.seal(SECRETS, &id, &secret)?)
            }
            ("totp", None) => return Err(wrong("Missing required property: totp_secret")),
            (_, Some(_)) => return Err(wrong("Additional properties not allowed: totp_secret")),
            (_, None) => None,
        };
        let method = Method {
            id,
            kind: new.kind,
            name: new.name,
            confirmed: true,
            fields: new.fields,
            created_micros: self.now(),
        };
        Ok((method, secret))
    }

    /// Passes when the caller may and there is such a user.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`], [`Refusal::Missing`].
    pub async fn user_exists(&self, caller: &Caller, any_of: &'static [Permission], id: &str) -> Result<(), Refusal> {
        caller.may(any_of, Target::Platform)?;
        self.must_exist(id).await
    }
}

/// The user went while the call ran.
fn gone(error: tenantry_store::BatchError) -> Refusal {
    match error {
        tenantry_store::BatchError::Dangling(_) => Refusal::Missing(Kind::User),
        other => other.into(),
    }
}

fn wrong(what: &str) -> Refusal {
    Refusal::Invalid { code: "invalid_body", message: format!("Payload validation error: '{what}'.") }
}

/// RFC 4648 section 6, without regard to case, spaces and padding; 10 to 128 bytes.
fn base32(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for c in text.trim_end_matches('=').chars().filter(|c| *c != ' ') {
        let value = match c.to_ascii_uppercase() {
            c @ 'A'..='Z' => u32::from(c) - u32::from('A'),
            c @ '2'..='7' => u32::from(c) - u32::from('2') + 26,
            _ => return None,
        };
        bits = (bits << 5 | value) & 0xfff;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    (10..=128).contains(&bytes.len()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_base32() {
        assert_eq!(base32("JBSWY3DPEBLW64TMMQQQ====").as_deref(), Some(b"Hello World!".as_slice()));
        assert_eq!(base32("jbsw y3dp eblw 64tm mqqq").as_deref(), Some(b"Hello World!".as_slice()));
        assert!(base32("JBSWY3DP").is_none() && base32("0189").is_none());
    }
}
