//! Scopes of the data tools. They only take away: whoever gives a token to an agent may leave the agent less
//! than the roles grant. A token that names none of them reaches what its roles reach.

use tenantry_policy::{Op, OpSet};

use crate::Audience;

/// Tools that read.
pub const READ: &str = "tools:read";
/// Tools that write.
pub const WRITE: &str = "tools:write";
/// Both.
pub const ALL: [&str; 2] = [READ, WRITE];

/// The operations that a token's scope leaves.
#[must_use]
pub fn reach(scope: Option<&str>) -> OpSet {
    let names = |name: &str| scope.is_some_and(|scope| scope.split(' ').any(|one| one == name));
    let (read, write) = (names(READ), names(WRITE));
    if !read && !write {
        return OpSet::ALL;
    }
    OpSet::of(Op::ALL.into_iter().filter(|op| if *op == Op::Read { read } else { write }))
}

/// Those of these scopes that are tools'.
pub(crate) fn among(scope: &[String]) -> Vec<String> {
    scope.iter().filter(|one| ALL.contains(&one.as_str())).cloned().collect()
}

/// What a token is left with that is asked for with `asked` and made from one that had `before`: never more
/// than that one. `None` where nothing would be left.
pub(crate) fn left(asked: &[String], before: &[String], audience: Option<Audience>) -> Option<Vec<String>> {
    let (asked, before) = (among(asked), among(before));
    match (asked.is_empty(), before.is_empty()) {
        // Elsewhere they say nothing; they are kept there only so that the way back is no wider.
        (_, true) => Some(if audience == Some(Audience::App) { asked } else { Vec::new() }),
        (true, false) => Some(before),
        (false, false) => {
            let both: Vec<String> = asked.into_iter().filter(|one| before.contains(one)).collect();
            (!both.is_empty()).then_some(both)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_made_from_another_is_left_no_more() {
        let list = |text: &str| -> Vec<String> { text.split_ascii_whitespace().map(str::to_owned).collect() };
        let app = Some(Audience::App);
        for (asked, before, audience, told) in [
            ("", "", app, Some("")),
            ("tools:read x", "x", app, Some("tools:read")),
            ("tools:read", "", Some(Audience::Dashboard), Some("")),
            ("", "tools:read", app, Some("tools:read")),
            ("", "tools:read", None, Some("tools:read")),
            ("tools:read tools:write", "tools:read", app, Some("tools:read")),
            ("tools:write", "tools:read", app, None),
        ] {
            assert_eq!(left(&list(asked), &list(before), audience), told.map(list), "{asked} of {before}");
        }
    }

    #[test]
    fn scopes_only_take_away() {
        for (scope, reads, writes) in [
            (None, true, true),
            (Some(""), true, true),
            (Some("openid profile"), true, true),
            (Some("tools:read tools:write"), true, true),
            (Some("openid tools:read"), true, false),
            (Some("tools:write"), false, true),
            (Some("tools:reader"), true, true),
        ] {
            let reach = reach(scope);
            assert_eq!((reach.has(Op::Read), reach.has(Op::Update)), (reads, writes), "{scope:?}");
        }
    }
}
