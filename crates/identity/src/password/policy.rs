//! What a connection asks of a password.

use std::collections::HashSet;
use std::sync::LazyLock;

use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;

use crate::text::Fields;

/// Passwords that everybody tries first, one a line.
static COMMON: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("common.txt").lines().filter(|line| !line.is_empty()).collect());

/// The most past passwords that are kept for a user.
pub(crate) const LONGEST_HISTORY: usize = 24;

/// Why a password is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Too short or of too few kinds of characters; the rules that it must keep, each with whether it does.
    Weak(Vec<Rule>),
    /// The user had it before.
    Past,
    /// Everybody tries it first.
    Common,
    /// It holds the user's name or address.
    Personal,
}

/// One rule, and whether the password keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    code: &'static str,
    message: &'static str,
    number: Option<u32>,
    kept: bool,
}

impl Fault {
    /// The name that clients know: `PasswordStrengthError`, ….
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Fault::Weak(_) => "PasswordStrengthError",
            Fault::Past => "PasswordHistoryError",
            Fault::Common => "PasswordDictionaryError",
            Fault::Personal => "PasswordNoUserInfoError",
        }
    }

    /// The words that clients know.
    #[must_use]
    pub fn message(&self) -> &'static str {
        match self {
            Fault::Weak(_) => "Password is too weak",
            Fault::Past => "Password has previously been used",
            Fault::Common => "Password is too common",
            Fault::Personal => "Password contains user information",
        }
    }

    /// What a sign-up form shows: each rule, and whether the password keeps it.
    #[must_use]
    pub fn rules(&self) -> Value {
        let Fault::Weak(rules) = self else { return json!([]) };
        let shown = rules.iter().map(|rule| {
            let mut shown = json!({ "code": rule.code, "message": rule.message, "verified": rule.kept });
            if let (Some(number), Some(shown)) = (rule.number, shown.as_object_mut()) {
                shown.insert("format".to_owned(), json!([number]));
            }
            shown
        });
        shown.collect()
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.name(), self.message())
    }
}

/// What a connection asks of a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    least: usize,
    lower: bool,
    upper: bool,
    digits: bool,
    special: bool,
    /// So many of the four kinds of characters.
    kinds: usize,
    /// No character more than twice in a row.
    no_runs: bool,
    /// How many past passwords may not come again.
    history: usize,
    personal: bool,
    dictionary: bool,
    own_words: Vec<String>,
}

impl Policy {
    /// The policy in a connection's options: `passwordPolicy`, `password_complexity_options`,
    /// `password_history`, `password_no_personal_info`, `password_dictionary`, and the newer
    /// `password_options` with the same meanings.
    #[must_use]
    pub fn of(options: &Fields) -> Policy {
        let mut policy = Policy::level(options.get("passwordPolicy").and_then(Value::as_str).unwrap_or("good"));
        let at = |path: &[&str]| {
            let mut value = options.get(*path.first()?)?;
            for name in path.get(1..)? {
                value = value.get(name)?;
            }
            Some(value)
        };
        let number = |path: &[&str]| at(path).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
        let flag = |path: &[&str]| at(path).and_then(Value::as_bool).unwrap_or(false);
        let words = |path: &[&str]| -> Vec<String> {
            let words = at(path).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
            words.map(str::to_lowercase).collect()
        };
        if let Some(least) = number(&["password_complexity_options", "min_length"]) {
            policy.least = least;
        }
        if flag(&["password_history", "enable"]) {
            policy.history = number(&["password_history", "size"]).unwrap_or(5);
        }
        policy.personal = flag(&["password_no_personal_info", "enable"]);
        policy.dictionary = flag(&["password_dictionary", "enable"]);
        policy.own_words = words(&["password_dictionary", "dictionary"]);
        if let Some(least) = number(&["password_options", "complexity", "min_length"]) {
            policy.least = least;
        }
        let kinds = words(&["password_options", "complexity", "character_types"]);
        if at(&["password_options", "complexity", "character_types"]).is_some() {
            let has = |kind: &str| kinds.iter().any(|known| known == kind);
            (policy.lower, policy.upper) = (has("lowercase"), has("uppercase"));
            (policy.digits, policy.special) = (has("number"), has("special"));
            policy.kinds = 0;
        }
        if let Some(rule) = at(&["password_options", "complexity", "character_type_rule"]).and_then(Value::as_str)
            && rule == "three_of_four"
        {
            (policy.lower, policy.upper, policy.digits, policy.special) = (false, false, false, false);
            policy.kinds = 3;
        }
        match at(&["password_options", "complexity", "identical_characters"]).and_then(Value::as_str) {
            Some("block") => policy.no_runs = true,
            Some("allow") => policy.no_runs = false,
            _ => {}
        }
        if flag(&["password_options", "history", "active"]) {
            policy.history = number(&["password_options", "history", "size"]).unwrap_or(5);
        }
        policy.personal |= flag(&["password_options", "profile_data", "active"]);
        policy.dictionary |= flag(&["password_options", "dictionary", "active"]);
        policy.own_words.extend(words(&["password_options", "dictionary", "custom"]));
        policy.history = policy.history.min(LONGEST_HISTORY);
        policy.least = policy.least.clamp(1, 128);
        policy
    }

    /// One of `none`, `low`, `fair`, `good`, `excellent`; anything else is `good`.
    fn level(name: &str) -> Policy {
        let none = Policy {
            least: 1,
            lower: false,
            upper: false,
            digits: false,
            special: false,
            kinds: 0,
            no_runs: false,
            history: 0,
            personal: false,
            dictionary: false,
            own_words: Vec::new(),
        };
        match name {
            "none" => none,
            "low" => Policy { least: 6, ..none },
            "fair" => Policy { least: 8, lower: true, upper: true, digits: true, ..none },
            "excellent" => Policy { least: 10, kinds: 3, no_runs: true, ..none },
            _ => Policy { least: 8, kinds: 3, ..none },
        }
    }

    /// How many past passwords may not come again.
    #[must_use]
    pub fn history(&self) -> usize {
        self.history
    }

    /// Judges a password for a user, whose members (`email`, `username`, `name`, …) `about` holds.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn check(&self, plain: &str, about: &Fields) -> Result<(), Fault> {
        let rules = self.rules(plain);
        if rules.iter().any(|rule| !rule.kept) {
            return Err(Fault::Weak(rules));
        }
        let plain: String = plain.nfkc().collect::<String>().to_lowercase();
        if self.dictionary && (COMMON.contains(plain.as_str()) || self.own_words.contains(&plain)) {
            return Err(Fault::Common);
        }
        if self.personal && personal(about).iter().any(|part| plain.contains(part.as_str())) {
            return Err(Fault::Personal);
        }
        Ok(())
    }

    fn rules(&self, plain: &str) -> Vec<Rule> {
        let length = plain.chars().count();
        let number = |number: usize| u32::try_from(number).ok();
        let mut rules = vec![Rule {
            code: "lengthAtLeast",
            message: "At least %d characters in length",
            number: number(self.least),
            kept: length >= self.least,
        }];
        let has = [
            plain.chars().any(char::is_lowercase),
            plain.chars().any(char::is_uppercase),
            plain.chars().any(char::is_numeric),
            plain.chars().any(|c| !c.is_alphanumeric()),
        ];
        let kinds = [
            (self.lower, "lowerCase", "lower case letters (a-z)"),
            (self.upper, "upperCase", "upper case letters (A-Z)"),
            (self.digits, "numbers", "numbers (i.e. 0-9)"),
            (self.special, "specialCharacters", "special characters (e.g. !@#$%^&*)"),
        ];
        for ((wanted, code, message), kept) in kinds.into_iter().zip(has) {
            if wanted {
                rules.push(Rule { code, message, number: None, kept });
            }
        }
        if self.kinds > 0 {
            let count = has.iter().filter(|has| **has).count();
            rules.push(Rule {
                code: "containsAtLeast",
                message: "Contain at least %d of the following 4 types of characters: lower case letters (a-z), \
                          upper case letters (A-Z), numbers (i.e. 0-9), special characters (e.g. !@#$%^&*)",
                number: number(self.kinds),
                kept: count >= self.kinds,
            });
        }
        if self.no_runs {
            let chars: Vec<char> = plain.chars().collect();
            let run = chars.windows(3).any(|three| matches!(three, [a, b, c] if a == b && b == c));
            rules.push(Rule {
                code: "identicalChars",
                message: "No more than %d identical characters in a row (e.g., \"aaa\" not allowed)",
                number: Some(2),
                kept: !run,
            });
        }
        rules
    }
}

/// What of a user must not stand in the password: names and the address before its `@`, in lower case.
/// Parts shorter than three characters would forbid too much.
fn personal(about: &Fields) -> Vec<String> {
    let mut parts = Vec::new();
    let mut add = |value: Option<&Value>| {
        if let Some(text) = value.and_then(Value::as_str) {
            let text: String = text.nfkc().collect::<String>().to_lowercase();
            let text = text.split('@').next().unwrap_or_default();
            parts.extend(text.split_whitespace().map(str::to_owned));
            parts.push(text.to_owned());
        }
    };
    for name in ["email", "username", "name", "nickname", "given_name", "family_name"] {
        add(about.get(name));
    }
    let metadata = about.get("user_metadata");
    for name in ["name", "first", "last"] {
        add(metadata.and_then(|metadata| metadata.get(name)));
    }
    parts.retain(|part| part.chars().count() >= 3);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(options: Value, plain: &str) -> Option<&'static str> {
        let about =
            json!({"email": "chuck.norris@example.com", "given_name": "Carlos", "user_metadata": {"last": "Ray"}});
        Policy::of(options.as_object().unwrap())
            .check(plain, about.as_object().unwrap())
            .err()
            .map(|fault| fault.name())
    }

    #[test]
    fn each_level_asks_for_its_own() {
        let weak = Some("PasswordStrengthError");
        for (level, plain, expected) in [
            ("none", "", weak),
            ("none", "a", None),
            ("low", "abcde", weak),
            ("low", "abcdef", None),
            ("fair", "abcdefgh", weak),
            ("fair", "Abcdefg1", None),
            ("good", "Abcdefgh", weak),
            ("good", "Abcdefg1", None),
            ("good", "Passwords hide their chuck", None),
            ("excellent", "Abcdefg1", weak),
            ("excellent", "Abcdefgh12", None),
            ("excellent", "Abcdefggg12", weak),
        ] {
            assert_eq!(fault(json!({"passwordPolicy": level}), plain), expected, "{level} {plain}");
        }
        assert_eq!(fault(json!({}), "Abcdefgh"), weak);
        assert_eq!(
            fault(json!({"passwordPolicy": "none", "password_complexity_options": {"min_length": 3}}), "ab"),
            weak
        );
    }

    #[test]
    fn words_and_names_are_refused_where_asked() {
        let words =
            json!({"passwordPolicy": "none", "password_dictionary": {"enable": true, "dictionary": ["Tenantry1"]}});
        assert_eq!(fault(words.clone(), "PassWord1"), Some("PasswordDictionaryError"));
        assert_eq!(fault(words.clone(), "tenantry1"), Some("PasswordDictionaryError"));
        assert_eq!(fault(words, "tenantry2"), None);
        let personal = json!({"passwordPolicy": "none", "password_no_personal_info": {"enable": true}});
        for plain in ["xxChuck.Norris1", "carlos99", "RAY-123"] {
            assert_eq!(fault(personal.clone(), plain), Some("PasswordNoUserInfoError"), "{plain}");
        }
        assert_eq!(fault(personal, "something else"), None);
    }

    #[test]
    fn the_newer_options_mean_the_same() {
        let options = json!({"passwordPolicy": "none", "password_options": {
            "complexity": {"min_length": 12, "character_types": ["number"], "identical_characters": "block"},
            "history": {"active": true, "size": 99}}});
        let policy = Policy::of(options.as_object().unwrap());
        assert_eq!((policy.least, policy.digits, policy.no_runs, policy.history), (12, true, true, LONGEST_HISTORY));
    }
}
