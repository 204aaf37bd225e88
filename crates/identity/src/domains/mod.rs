//! Domains of e-mail addresses by which a login finds its account.

mod add;
mod list;
mod remove;
mod update;

use serde_json::Value;
use tenantry_store::identity::domains::Domain as Row;

use crate::text::{Fields, fields};
use crate::{Caller, Reach, Refusal};

/// A domain of an account.
#[derive(Debug, Clone, PartialEq)]
pub struct Domain {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub account_id: String,
    /// The domain, in lower case.
    pub domain: String,
    /// Was it shown that the domain is the account's?
    pub verified: bool,
    /// `use_for_organization_discovery`, `verification_txt`.
    pub fields: Fields,
}

impl Domain {
    fn from_row(row: Row) -> Domain {
        Domain {
            verified: row.status == VERIFIED,
            id: row.id,
            account_id: row.account_id,
            domain: row.domain,
            fields: fields(&row.doc),
        }
    }

    /// `pending` or `verified`.
    #[must_use]
    pub fn status(&self) -> &'static str {
        if self.verified { VERIFIED } else { PENDING }
    }

    /// The host whose TXT record shows that the domain is the account's.
    #[must_use]
    pub fn verification_host(&self) -> String {
        ["_ss-verification.", &self.account_id, ".", &self.domain].concat()
    }

    /// What that record must hold.
    #[must_use]
    pub fn verification_txt(&self) -> &str {
        self.fields.get(TXT).and_then(Value::as_str).unwrap_or_default()
    }

    /// Does a login find its account by it?
    #[must_use]
    pub fn is_used(&self) -> bool {
        self.fields.get(USED).and_then(Value::as_bool).unwrap_or(true)
    }
}

const PENDING: &str = "pending";
const VERIFIED: &str = "verified";
const TXT: &str = "verification_txt";
const USED: &str = "use_for_organization_discovery";

/// Refuses that somebody who is bound to an account says of a domain that it is shown to be the account's:
/// logins from the domain would be led there.
fn may_verify(caller: &Caller, status: Option<&str>) -> Result<(), Refusal> {
    if status == Some(VERIFIED) && matches!(caller.reach, Reach::Account { .. }) {
        return Err(Refusal::Forbidden { any_of: &[] });
    }
    Ok(())
}

/// The domain in lower case.
fn checked(domain: &str) -> Result<String, Refusal> {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if domain.len() <= 255 && domain.contains('.') && domain.split('.').all(label) {
        return Ok(domain.to_ascii_lowercase());
    }
    Err(Refusal::Invalid {
        code: "invalid_body",
        message: format!(
            "Payload validation error: 'Object didn't pass validation for format domain: {domain}' on property domain."
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_host_names_in_lower_case() {
        assert_eq!(checked("Example.COM").as_deref(), Ok("example.com"));
        for wrong in ["example", "a..b", "-a.com", "a-.com", "a b.com", "a@b.com", ".com", "com."] {
            assert!(checked(wrong).is_err(), "{wrong}");
        }
    }
}
