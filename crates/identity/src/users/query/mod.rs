//! The language in which users are searched for: a part of Lucene's.
//!
//! ```text
//! email:"jane@example.com"   name:jan*   name:*smith   user_metadata.address.city:(Paris OR "New York")
//! logins_count:[10 TO 100}   created_at:[2026-01 TO *]   _exists_:app_metadata.plan   NOT blocked:true
//! ```
//! Fields are compared whole; `email`, `username` and the names whatever the case, everything else as written.
//! What stands side by side without an operator is alternative; `-x` and `NOT x` beside something exclude.

mod field;
mod read;
mod time;

use tenantry_store::identity::user_search::UserTest;

use crate::Refusal;

pub(crate) use field::order;

/// The longest query, in bytes.
const LONGEST: usize = 4_096;

/// How deep parentheses lie in one another.
const DEEPEST: usize = 16;

/// The most terms in a query.
const MOST: usize = 100;

/// Reads a query.
///
/// # Errors
/// [`Refusal::Invalid`] with `invalid_query_string`.
pub(crate) fn parse(query: &str) -> Result<UserTest, Refusal> {
    if query.len() > LONGEST {
        return Err(wrong(&format!("The query is longer than {LONGEST} bytes")));
    }
    if query.chars().any(|letter| letter.is_control() && !letter.is_whitespace()) {
        return Err(wrong("The query holds a control character"));
    }
    if query.trim().is_empty() {
        return Ok(UserTest::Always);
    }
    read::Reader::new(query).whole()
}

fn wrong(what: &str) -> Refusal {
    Refusal::Invalid {
        code: "invalid_query_string",
        message: format!("Query validation error: '{what}' on property q."),
    }
}

/// A term's value, before the field gives it a meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    /// A word or phrase without wildcards.
    Plain(String),
    /// A word with `*` or `?`.
    Pattern(Vec<tenantry_store::Piece>),
    /// `[a TO b}`; `None` where the end is open.
    Range(Option<End>, Option<End>),
}

/// An end of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
struct End {
    text: String,
    inclusive: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test in a few words, to compare.
    fn told(query: &str) -> String {
        use tenantry_store::identity::user_search::{TermTest, TextTest};
        fn text(test: &TextTest) -> String {
            match test {
                TextTest::Is(text) => format!("={text}"),
                TextTest::StartsWith(text) => format!("={text}*"),
                TextTest::Exists => "?".to_owned(),
                other => format!("{other:?}"),
            }
        }
        fn tell(test: &UserTest) -> String {
            let several =
                |tests: &[UserTest], by: &str| format!("({})", tests.iter().map(tell).collect::<Vec<_>>().join(by));
            match test {
                UserTest::All(tests) => several(tests, " & "),
                UserTest::Any(tests) if tests.len() == 8 => match tests.first() {
                    Some(UserTest::Text(_, test)) => format!("any{}", text(test)),
                    _ => String::new(),
                },
                UserTest::Any(tests) => several(tests, " | "),
                UserTest::Not(test) => format!("!{}", tell(test)),
                UserTest::Text(field, test) => format!("{field:?}{}", text(test)),
                UserTest::Term(path, TermTest::Among(values)) => format!("{path}={}", values.join("/")),
                UserTest::Flag(field, value) => format!("{field:?}={value}"),
                other => format!("{other:?}"),
            }
        }
        match parse(query) {
            Ok(test) => tell(&test),
            Err(Refusal::Invalid { code: "invalid_query_string", message }) => format!("error: {message}"),
            Err(other) => format!("{other:?}"),
        }
    }

    #[test]
    fn queries_mean_what_they_say() {
        for (query, expected) in [
            ("", "Always"),
            ("*:*", "Always"),
            ("*", "Always"),
            ("jane", "any=jane"),
            ("email:\"Jane@Example.com\"", "Email=jane@example.com"),
            ("email:jane+x@example.com", "Email=jane+x@example.com"),
            ("name:\"Jane Smith\"", "Name=jane smith"),
            ("name:jan*", "Name=jan*"),
            ("name:*", "Name?"),
            ("user_id:auth0|1 AND name:A", "(Id=auth0|1 & Name=a)"),
            ("name:a OR name:b AND name:c", "(Name=a | (Name=b & Name=c))"),
            ("name:a || name:b && name:c", "(Name=a | (Name=b & Name=c))"),
            ("name:a name:b", "(Name=a | Name=b)"),
            ("name:(a OR b) AND blocked:true", "((Name=a | Name=b) & Blocked=true)"),
            ("NOT blocked:true", "!Blocked=true"),
            ("name:a NOT name:b", "(!Name=b & Name=a)"),
            ("name:a -name:b", "(!Name=b & Name=a)"),
            ("name:a OR NOT name:b", "(Name=a | !Name=b)"),
            ("NOT name:a OR name:b", "(!Name=a | Name=b)"),
            ("+name:a name:b", "Name=a"),
            ("name:a AND NOT (name:b OR name:c)", "(Name=a & !(Name=b | Name=c))"),
            ("user_metadata.city:Paris", "user_metadata.city=Paris"),
            ("app_metadata.n:042.0", "app_metadata.n=042.0/42"),
            ("username:a\\:b\\*", "Username=a:b*"),
            ("name:\"a \\\"b\\\" *\"", "Name=a \"b\" *"),
            ("foo:bar", "Never"),
            ("_exists_:email", "Email?"),
            ("_missing_:email", "!Email?"),
            ("email.raw:a@b", "Email=a@b"),
            ("name:\\AND", "Name=and"),
        ] {
            assert_eq!(told(query), expected, "{query}");
        }
        assert!(told("name:*smith").contains("Fits"));
        assert!(told("logins_count:[10 TO 100}").contains("inclusive: false"));
        assert!(told("created_at:{2026-01-01 TO *]").contains("Between(Some"));
        assert!(told("logins_count:>=5").contains("Between(Some(Bound { at: 5, inclusive: true }), None)"));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        let deep = format!("{}a{}", "(".repeat(17), ")".repeat(17));
        let wide = "a ".repeat(101);
        let long = "a".repeat(4_097);
        for query in [
            "(",
            ")",
            "()",
            "a)",
            "(a",
            "AND",
            "a AND",
            "OR a",
            "a OR",
            "NOT",
            "a AND OR b",
            "name:",
            "name: ",
            "name:(",
            "name:()",
            "\"a",
            "name:\"a",
            "a:b:c",
            "name:[a TO",
            "name:[a b]",
            "name:[a TO b",
            "[1 TO 2]",
            "name:a~1",
            "name:a^2",
            "\"a b\"~3",
            "/a/",
            "name:/a/",
            "name:*ab",
            "name:?b",
            "logins_count:x",
            "logins_count:1*",
            "created_at:yesterday",
            "created_at:20*",
            "blocked:maybe",
            "a\\",
            "*x:y",
            "_exists_:",
            "name:a]",
            "na*:b",
            "a\u{0}b",
            "created_at:2018-01-15T10:00:00Z",
            "----------------------a",
            &deep,
            &wide,
            &long,
        ] {
            assert!(told(query).starts_with("error: "), "{query} is read as {}", told(query));
        }
    }

    #[test]
    fn nothing_makes_the_reader_stumble() {
        // Every text of up to four of these is read or refused, and ends.
        let letters = ["a", ":", "(", ")", "\"", "[", "]", "*", "\\", " ", "-", "AND", "NOT", "TO"];
        for one in letters {
            for two in letters {
                for three in letters {
                    for four in letters {
                        let _ = parse(&[one, two, three, four].concat());
                    }
                }
            }
        }
    }
}
