//! Searching users: a test that was put together from what somebody asked becomes one statement with
//! parameters. Nothing that was asked becomes part of its text.

use crate::backend::{Param, Piece, Row};
use crate::identity::Window;
use crate::identity::users::{COLUMNS, User, read};
use crate::{Store, StoreError};

/// What a user must be to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserTest {
    /// Anybody.
    Always,
    /// Nobody.
    Never,
    /// Made after this time (microseconds since 1970 UTC) and id, in the order of age.
    After(i64, String),
    /// All of these.
    All(Vec<UserTest>),
    /// Any of these.
    Any(Vec<UserTest>),
    /// Not this.
    Not(Box<UserTest>),
    /// A text of its own.
    Text(TextField, TextTest),
    /// A number or time of its own.
    Number(NumberField, NumberTest),
    /// Something that is so or not.
    Flag(FlagField, bool),
    /// One of its identities.
    Identity(IdentityField, TextTest),
    /// It is a member of this account.
    Member(String),
    /// It is a member of some account.
    AnyMember,
    /// Something in its metadata, at a path (`user_metadata.color`).
    Term(String, TermTest),
}

/// A text of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextField {
    /// The id.
    Id,
    /// The address.
    Email,
    /// What stands behind the address's `@`.
    EmailDomain,
    /// The name for logging in.
    Username,
    /// The telephone number.
    Phone,
    /// The whole name.
    Name,
    /// What it is called.
    Nickname,
    /// The first name.
    GivenName,
    /// The last name.
    FamilyName,
    /// From where it logged in last.
    LastIp,
    /// The connection of its first identity.
    Connection,
}

/// A number or time of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberField {
    /// How often it logged in.
    Logins,
    /// When it was made, in microseconds since 1970 UTC.
    Created,
    /// When it was changed, in microseconds since 1970 UTC.
    Updated,
    /// When it logged in last, in microseconds since 1970 UTC.
    LastLogin,
}

/// Something that is so or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlagField {
    /// It may not log in.
    Blocked,
    /// The address is surely its own.
    EmailVerified,
    /// The number is surely its own.
    PhoneVerified,
}

/// A text of an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentityField {
    /// The strategy.
    Provider,
    /// The connection's name.
    Connection,
    /// Who it is there.
    Subject,
}

/// What a text must be. Texts are compared by bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextTest {
    /// There is one.
    Exists,
    /// This one.
    Is(String),
    /// One that begins so.
    StartsWith(String),
    /// One that fits a pattern.
    Fits(Vec<Piece>),
    /// One between two.
    Between(Option<Bound<String>>, Option<Bound<String>>),
}

/// What a number must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NumberTest {
    /// There is one.
    Exists,
    /// One between two.
    Between(Option<Bound<i64>>, Option<Bound<i64>>),
}

/// What something in the metadata must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TermTest {
    /// There is something at the path, or below it.
    Exists,
    /// Any of these texts.
    Among(Vec<String>),
    /// As a text.
    Text(TextTest),
    /// As a number, by its place in the order of all numbers.
    Number(NumberTest),
}

/// An end of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound<T> {
    /// The end.
    pub at: T,
    /// Does the end itself belong to the range?
    pub inclusive: bool,
}

/// In which order users are listed; equal ones by their ids, those that have nothing there last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserOrder {
    /// By what.
    pub by: OrderField,
    /// The greatest first.
    pub descending: bool,
}

/// By what users are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderField {
    /// By a text.
    Text(TextField),
    /// By a number or time.
    Number(NumberField),
}

impl TextField {
    fn column(self) -> &'static str {
        match self {
            TextField::Id => "u.id",
            TextField::Email => "u.email",
            TextField::EmailDomain => "u.email_domain",
            TextField::Username => "u.username",
            TextField::Phone => "u.phone",
            TextField::Name => "u.name",
            TextField::Nickname => "u.nickname",
            TextField::GivenName => "u.given_name",
            TextField::FamilyName => "u.family_name",
            TextField::LastIp => "u.last_ip",
            TextField::Connection => "u.connection",
        }
    }
}

impl NumberField {
    fn column(self) -> &'static str {
        match self {
            NumberField::Logins => "u.logins",
            NumberField::Created => "u.created_micros",
            NumberField::Updated => "u.updated_micros",
            NumberField::LastLogin => "u.last_login_micros",
        }
    }
}

/// A statement in the making.
struct Writing<'a> {
    store: &'a Store,
    text: String,
    params: Vec<Param>,
}

impl Writing<'_> {
    /// Takes a parameter; its name goes into the text.
    fn param(&mut self, param: Param) {
        self.params.push(param);
        self.text.push('$');
        self.text.push_str(&self.params.len().to_string());
    }

    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn test(&mut self, test: &UserTest) {
        match test {
            UserTest::Always => self.put("1 = 1"),
            UserTest::Never => self.put("1 = 0"),
            UserTest::After(micros, id) => {
                self.put("(u.created_micros, u.id) > (");
                self.param(Param::int(*micros));
                self.put(", ");
                self.param(Param::text(id));
                self.put(")");
            }
            UserTest::All(tests) => self.several(tests, " AND ", "1 = 1"),
            UserTest::Any(tests) => self.several(tests, " OR ", "1 = 0"),
            UserTest::Not(test) => {
                // What is unknown of an absent text is not true of it.
                self.put("((");
                self.test(test);
                self.put(") IS NOT TRUE)");
            }
            UserTest::Text(field, test) => self.text(field.column(), test),
            UserTest::Number(field, test) => self.number(field.column(), test),
            UserTest::Flag(field, wanted) => {
                self.put(match field {
                    FlagField::Blocked => "u.blocked",
                    FlagField::EmailVerified => "u.email_verified",
                    FlagField::PhoneVerified => "u.phone_verified",
                });
                self.put(if *wanted { " = 1" } else { " = 0" });
            }
            // Few users have one subject, many share a provider or a connection: the list of the former is short,
            // the latter are looked up user by user until the page is full.
            UserTest::Identity(IdentityField::Subject, test) => {
                self.put("u.id IN (SELECT i.user_id FROM tenantry_identity i WHERE ");
                self.text("i.subject", test);
                self.put(")");
            }
            UserTest::Identity(field, test) => {
                self.put("EXISTS (SELECT 1 FROM tenantry_identity i WHERE i.user_id = u.id AND ");
                self.text(if *field == IdentityField::Provider { "i.provider" } else { "i.connection" }, test);
                self.put(")");
            }
            UserTest::Member(account) => {
                self.put("u.id IN (SELECT m.user_id FROM tenantry_member m WHERE m.account_id = ");
                self.param(Param::text(account));
                self.put(")");
            }
            UserTest::AnyMember => self.put("EXISTS (SELECT 1 FROM tenantry_member m WHERE m.user_id = u.id)"),
            UserTest::Term(path, test) => self.term(path, test),
        }
    }

    fn several(&mut self, tests: &[UserTest], between: &str, none: &str) {
        if tests.is_empty() {
            return self.put(none);
        }
        self.put("(");
        for (place, test) in tests.iter().enumerate() {
            if place > 0 {
                self.put(between);
            }
            self.test(test);
        }
        self.put(")");
    }

    fn text(&mut self, column: &'static str, test: &TextTest) {
        match test {
            TextTest::Exists => {
                self.put(column);
                self.put(" IS NOT NULL");
            }
            TextTest::Is(text) => {
                self.put(column);
                self.put(" = ");
                self.param(Param::text(text));
            }
            TextTest::StartsWith(prefix) => {
                let from = Bound { at: prefix.clone(), inclusive: true };
                let to = after_prefix(prefix).map(|at| Bound { at, inclusive: false });
                self.text(column, &TextTest::Between(Some(from), to));
            }
            TextTest::Fits(pieces) => {
                let pattern = self.store.backend.pattern(pieces);
                self.params.push(Param::Text(Some(pattern)));
                let like = self.store.backend.like(column, self.params.len());
                self.put(&like);
            }
            TextTest::Between(from, to) => {
                let params = [from, to].map(|bound| bound.as_ref().map(|b| (Param::text(&b.at), b.inclusive)));
                self.between(column, params);
            }
        }
    }

    fn number(&mut self, column: &'static str, test: &NumberTest) {
        match test {
            NumberTest::Exists => {
                self.put(column);
                self.put(" IS NOT NULL");
            }
            NumberTest::Between(from, to) => {
                let params = [from, to].map(|bound| bound.as_ref().map(|b| (Param::int(b.at), b.inclusive)));
                self.between(column, params);
            }
        }
    }

    fn between(&mut self, column: &'static str, [from, to]: [Option<(Param, bool)>; 2]) {
        if from.is_none() && to.is_none() {
            self.put(column);
            self.put(" IS NOT NULL");
            return;
        }
        self.put("(");
        let has_from = from.is_some();
        if let Some((param, inclusive)) = from {
            self.put(column);
            self.put(if inclusive { " >= " } else { " > " });
            self.param(param);
        }
        if let Some((param, inclusive)) = to {
            if has_from {
                self.put(" AND ");
            }
            self.put(column);
            self.put(if inclusive { " <= " } else { " < " });
            self.param(param);
        }
        self.put(")");
    }

    fn term(&mut self, path: &str, test: &TermTest) {
        self.put("u.id IN (SELECT t.user_id FROM tenantry_user_term t WHERE ");
        if *test == TermTest::Exists {
            // The path itself, or one below it: `.` is followed by `/`.
            self.put("t.path = ");
            self.param(Param::text(path));
            self.put(" OR (t.path >= ");
            self.param(Param::Text(Some([path, "."].concat())));
            self.put(" AND t.path < ");
            self.param(Param::Text(Some([path, "/"].concat())));
            self.put("))");
            return;
        }
        self.put("t.path = ");
        self.param(Param::text(path));
        self.put(" AND ");
        match test {
            TermTest::Exists => {}
            TermTest::Among(values) => {
                self.put("t.value IN (");
                for (place, value) in values.iter().enumerate() {
                    if place > 0 {
                        self.put(", ");
                    }
                    self.param(Param::text(value));
                }
                self.put(")");
            }
            TermTest::Text(test) => self.text("t.value", test),
            TermTest::Number(test) => self.number("t.number", test),
        }
        self.put(")");
    }
}

/// The first text after all those that begin so, by bytes; `None` when there is none.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut letters: Vec<char> = prefix.chars().collect();
    while let Some(last) = letters.pop() {
        let next = match last {
            '\u{d7ff}' => Some('\u{e000}'),
            other => u32::from(other).checked_add(1).and_then(char::from_u32),
        };
        if let Some(next) = next {
            letters.push(next);
            return Some(letters.into_iter().collect());
        }
    }
    None
}

impl Store {
    /// Users that pass a test, in an order.
    ///
    /// # Errors
    /// The store's; [`StoreError::Unavailable`] when it takes too long.
    pub async fn find_users(
        &self,
        test: &UserTest,
        order: Option<UserOrder>,
        window: Window,
    ) -> Result<Vec<User>, StoreError> {
        let (sql, params) = self.search_statement(test, order, window);
        if *test == UserTest::Always && order.is_none() {
            return self.backend.find(sql, params, read).await;
        }
        self.backend.explore(sql, params, read).await
    }

    fn search_statement(&self, test: &UserTest, order: Option<UserOrder>, window: Window) -> (String, Vec<Param>) {
        let mut writing = Writing { store: self, text: String::with_capacity(512), params: Vec::new() };
        writing.put("SELECT ");
        writing.put(COLUMNS);
        writing.put(" FROM tenantry_user u");
        if *test != UserTest::Always {
            writing.put(" WHERE ");
            writing.test(test);
        }
        writing.put(" ORDER BY ");
        match order {
            None => writing.put("u.created_micros, u.id"),
            Some(UserOrder { by, descending }) => {
                let (column, may_be_absent) = match by {
                    OrderField::Text(field) => (field.column(), field != TextField::Id),
                    OrderField::Number(field) => (field.column(), field == NumberField::LastLogin),
                };
                writing.put(column);
                writing.put(if descending { " DESC" } else { "" });
                writing.put(if may_be_absent { " NULLS LAST" } else { "" });
                if column != "u.id" {
                    writing.put(if descending { ", u.id DESC" } else { ", u.id" });
                }
            }
        }
        writing.put(" LIMIT ");
        writing.param(Param::int(window.limit));
        writing.put(" OFFSET ");
        writing.param(Param::int(window.offset));
        (writing.text, writing.params)
    }

    /// How many users pass a test.
    ///
    /// # Errors
    /// As [`Store::find_users`].
    pub async fn count_found_users(&self, test: &UserTest) -> Result<i64, StoreError> {
        if *test == UserTest::Always {
            return self.count_users().await;
        }
        let mut writing = Writing { store: self, text: String::with_capacity(256), params: Vec::new() };
        writing.put("SELECT count(*) FROM tenantry_user u WHERE ");
        writing.test(test);
        let (sql, params) = (writing.text, writing.params);
        let found = self.backend.explore(sql, params, |row: &Row<'_>| row.int(0)).await?;
        Ok(found.into_iter().flatten().next().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_alike_ends_before_the_next_text() {
        for (prefix, after) in [
            ("ab", Some("ac")),
            ("a\u{d7ff}", Some("a\u{e000}")),
            ("a\u{10ffff}", Some("b")),
            ("\u{10ffff}", None),
            ("", None),
        ] {
            assert_eq!(after_prefix(prefix).as_deref(), after);
        }
    }
}
