//! What names of tables and columns tell.

/// The words of a name in lower case: `CustomerId`, `customer_id` and `customer-ID` are all
/// `["customer", "id"]`.
#[must_use]
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut before: Option<char> = None;
    let mut rest = name.chars().peekable();
    while let Some(character) = rest.next() {
        if !character.is_ascii_alphanumeric() {
            words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
        } else {
            // A capital begins a word after a small letter or digit (`orderId`), and the last
            // capital of several does before a small letter (`SKUName`).
            let after_small = before.is_some_and(|before| before.is_ascii_lowercase() || before.is_ascii_digit());
            let after_capitals = before.is_some_and(|before| before.is_ascii_uppercase())
                && rest.peek().is_some_and(char::is_ascii_lowercase);
            if character.is_ascii_uppercase() && (after_small || after_capitals) {
                words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
            }
            word.push(character.to_ascii_lowercase());
        }
        before = Some(character);
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

/// The name as `snake_case`, fit to be a key of the file: a letter or `_` first, at most 63 long.
#[must_use]
pub(super) fn snake(name: &str) -> String {
    let mut text = words(name).join("_");
    if !text.starts_with(|first: char| first.is_ascii_alphabetic()) {
        text.insert_str(0, "t_");
    }
    text.truncate(58);
    text
}

/// One of what the name is many of; every other name stays.
#[must_use]
pub(super) fn singular(name: &str) -> String {
    if let Some(stem) = name.strip_suffix("ies").filter(|stem| stem.len() > 2) {
        return [stem, "y"].concat();
    }
    for ending in ["sses", "xes", "ches", "shes", "zes"] {
        if name.ends_with(ending) {
            return name.strip_suffix("es").unwrap_or(name).to_owned();
        }
    }
    match name.strip_suffix('s') {
        Some(stem) if stem.len() > 2 && !stem.ends_with('s') && !stem.ends_with('u') && !stem.ends_with('i') => {
            stem.to_owned()
        }
        _ => name.to_owned(),
    }
}

/// Is it a plain identifier, as conditions need it?
#[must_use]
pub(super) fn is_identifier(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
}

/// What a column's name says about how much of it callers should see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sensitive {
    /// Keys and credentials: nothing.
    Secret,
    /// Numbers that identify a person to an authority, and dates of birth: nothing.
    Identity,
    /// Payment: the last digits.
    Payment,
    /// Ways to reach a person by which rows are often matched: a keyed hash.
    Email,
    /// Telephone: the last digits.
    Phone,
    /// Where a person lives.
    Address,
}

impl Sensitive {
    /// The word for comments.
    #[must_use]
    pub(super) fn name(self) -> &'static str {
        match self {
            Sensitive::Secret => "a secret",
            Sensitive::Identity => "personal",
            Sensitive::Payment => "payment data",
            Sensitive::Email => "an e-mail address",
            Sensitive::Phone => "a telephone number",
            Sensitive::Address => "an address",
        }
    }

    /// The rule that hides enough of it. Masks that keep a part apply to text only.
    #[must_use]
    pub(super) fn rule(self, is_text: bool) -> &'static str {
        match self {
            Sensitive::Secret | Sensitive::Identity => "deny",
            Sensitive::Email => "hash",
            Sensitive::Payment | Sensitive::Phone if is_text => "mask:last4",
            Sensitive::Address if is_text => "mask:first3",
            Sensitive::Payment | Sensitive::Phone | Sensitive::Address => "mask",
        }
    }
}

/// Reads a column's name; `None` when it sounds harmless.
#[must_use]
pub(super) fn sensitive(column: &str) -> Option<Sensitive> {
    let words = words(column);
    let joined = words.join("_");
    let has = |options: &[&str]| words.iter().any(|word| options.contains(&word.as_str()));
    let holds = |options: &[&str]| {
        let padded = ["_", &joined, "_"].concat();
        options.iter().any(|option| padded.contains(&["_", option, "_"].concat()))
    };
    // A reference to a row (`address_id`, `card_id`) or a flag about it is not the thing itself.
    let about = words.last().is_some_and(|last| matches!(last.as_str(), "id" | "count" | "at" | "verified" | "type"))
        || words.first().is_some_and(|first| matches!(first.as_str(), "is" | "has"));
    if has(&["password", "passwd", "pwd", "secret", "token", "salt", "otp", "totp", "credential", "credentials"])
        || holds(&["api_key", "apikey", "private_key", "access_key", "password_hash", "recovery_code"])
    {
        return (!about || joined.ends_with("token_id")).then_some(Sensitive::Secret);
    }
    if about {
        return None;
    }
    if has(&["ssn", "passport", "dob", "birthday", "birthdate", "nin"])
        || holds(&["birth_date", "date_of_birth", "tax_id", "national_id", "social_security", "tax_number"])
    {
        return Some(Sensitive::Identity);
    }
    if has(&["card", "iban", "pan", "cvv", "cvc", "bic"]) || holds(&["account_number", "credit_card", "card_number"]) {
        return Some(if has(&["cvv", "cvc"]) { Sensitive::Secret } else { Sensitive::Payment });
    }
    if has(&["email", "mail"]) || holds(&["e_mail"]) {
        return Some(Sensitive::Email);
    }
    if has(&["phone", "telephone", "mobile", "fax", "cell", "msisdn"]) {
        return Some(Sensitive::Phone);
    }
    if has(&["address", "street", "addr", "zip", "postcode"]) || holds(&["postal_code", "zip_code", "address_line"]) {
        return Some(Sensitive::Address);
    }
    None
}

/// Tables that tools keep for themselves.
#[must_use]
pub(super) fn is_housekeeping(table: &str) -> bool {
    let snake = words(table).join("_");
    table.starts_with('_')
        || table.starts_with("sqlite_")
        || snake.contains("migration")
        || snake.contains("schema_history")
        || snake.contains("schema_version")
        || snake == "schema_info"
        || snake == "spatial_ref_sys"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_snake_case() {
        for (name, expected) in [
            ("CustomerId", "customer_id"),
            ("InvoiceLine", "invoice_line"),
            ("SKUName", "sku_name"),
            ("order-lines", "order_lines"),
            ("2fa codes", "t_2fa_codes"),
            ("naïve", "na_ve"),
            ("", "t_"),
        ] {
            assert_eq!(snake(name), expected, "{name}");
        }
        assert!(snake(&"x".repeat(200)).len() < 63);
    }

    #[test]
    fn singulars() {
        for (name, expected) in [
            ("orders", "order"),
            ("companies", "company"),
            ("addresses", "address"),
            ("boxes", "box"),
            ("status", "status"),
            ("address", "address"),
            ("order_lines", "order_line"),
            ("bus", "bus"),
        ] {
            assert_eq!(singular(name), expected, "{name}");
        }
    }

    #[test]
    fn sensitive_names() {
        for (name, expected) in [
            ("Email", Some(Sensitive::Email)),
            ("e_mail", Some(Sensitive::Email)),
            ("BillingAddress", Some(Sensitive::Address)),
            ("BillingPostalCode", Some(Sensitive::Address)),
            ("address_id", None),
            ("email_verified", None),
            ("is_email", None),
            ("Phone", Some(Sensitive::Phone)),
            ("password_hash", Some(Sensitive::Secret)),
            ("api_key", Some(Sensitive::Secret)),
            ("card_number", Some(Sensitive::Payment)),
            ("cvv", Some(Sensitive::Secret)),
            ("BirthDate", Some(Sensitive::Identity)),
            ("ssn", Some(Sensitive::Identity)),
            ("total", None),
            ("CompanyName", None),
            ("discard", None),
        ] {
            assert_eq!(sensitive(name), expected, "{name}");
        }
    }
}
