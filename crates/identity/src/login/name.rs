//! What people type to say who they are.

use tenantry_store::identity::users::LoginName;
use unicode_normalization::UnicodeNormalization;

/// A name that somebody typed, as it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    folded: String,
    phone: Option<String>,
}

/// What a typed name may be: an address, a name or a number.
pub(crate) fn login_names(typed: &str) -> Names {
    let folded: String = typed.trim().nfc().collect::<String>().to_lowercase();
    let digits: String = typed.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.' | '/')).collect();
    let phone = digits
        .strip_prefix('+')
        .is_some_and(|rest| (5..=15).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_digit()))
        .then_some(digits);
    Names { folded, phone }
}

impl Names {
    /// As it is compared.
    pub(crate) fn text(&self) -> &str {
        &self.folded
    }

    /// The ways to read it, likeliest first.
    pub(crate) fn ways(&self) -> Vec<LoginName<'_>> {
        let mut ways = Vec::with_capacity(3);
        if self.folded.contains('@') {
            ways.push(LoginName::Email(&self.folded));
        }
        if let Some(phone) = &self.phone {
            ways.push(LoginName::Phone(phone));
        }
        ways.push(LoginName::Username(&self.folded));
        ways
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_every_way() {
        assert_eq!(
            login_names(" Chuck@Example.com ").ways(),
            [LoginName::Email("chuck@example.com"), LoginName::Username("chuck@example.com")]
        );
        assert_eq!(
            login_names("+44 (20) 7183-8750").ways(),
            [LoginName::Phone("+442071838750"), LoginName::Username("+44 (20) 7183-8750")]
        );
        assert_eq!(login_names("Bob").ways(), [LoginName::Username("bob")]);
    }
}
