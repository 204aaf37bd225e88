//! What people type to say who they are.

use tenantry_store::identity::users::LoginName;

use crate::users::names;

/// The longest name that anybody can have, in bytes.
const LONGEST: usize = 1_024;

/// A name that somebody typed, as it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    folded: String,
    email: Option<String>,
    phone: Option<String>,
}

/// What a typed name may be: an address, a name or a number.
pub(crate) fn login_names(typed: &str) -> Names {
    let typed = typed.trim();
    // What nobody can have is not looked for.
    let typed = if typed.len() > LONGEST || typed.chars().any(char::is_control) { "" } else { typed };
    let digits: String = typed.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.' | '/')).collect();
    Names {
        folded: names::folded(typed),
        email: typed.contains('@').then(|| names::sought_email(typed)),
        phone: names::phone(&digits).ok(),
    }
}

impl Names {
    /// As it is compared.
    pub(crate) fn text(&self) -> &str {
        &self.folded
    }

    /// The ways to read it, likeliest first.
    pub(crate) fn ways(&self) -> Vec<LoginName<'_>> {
        let mut ways = Vec::with_capacity(3);
        if let Some(email) = &self.email {
            ways.push(LoginName::Email(email));
        }
        if let Some(phone) = &self.phone {
            ways.push(LoginName::Phone(phone));
        }
        if !self.folded.is_empty() {
            ways.push(LoginName::Username(&self.folded));
        }
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
        assert!(login_names("a\0b").ways().is_empty() && login_names(&"x".repeat(2_000)).ways().is_empty());
    }
}
