//! Many users at a time: rows written many in a statement, and users read from one to the next.

use std::fmt::Write as _;

use crate::backend::{Param, Row};
use crate::identity::passwords::Password;
use crate::identity::users::{COLUMNS, Term, User, UserIdentity, read};
use crate::{Batch, Place, Store, StoreError};

/// Rows of one statement. Each table has two texts for the database to know: this many rows, and one.
const ROWS: usize = 50;

/// Who has an id or a login name that somebody else wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The identity's part of its id.
    pub subject: String,
    /// The user.
    pub user_id: String,
    /// Its address.
    pub email: Option<String>,
    /// Its name.
    pub username: Option<String>,
    /// Its number.
    pub phone: Option<String>,
}

/// What is looked for in a connection, each as it is compared.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Parts of ids.
    pub subjects: Vec<String>,
    /// Addresses.
    pub emails: Vec<String>,
    /// Names.
    pub usernames: Vec<String>,
    /// Numbers.
    pub phones: Vec<String>,
}

impl Batch {
    /// Adds rows to a table, many in a statement; answers the place of the last one.
    #[allow(clippy::too_many_arguments, reason = "a statement's parts")]
    fn insert_many<T>(
        &mut self,
        table: &str,
        columns: &str,
        width: usize,
        further: &str,
        rows: &[T],
        params: impl Fn(&T, &mut Vec<Param>),
    ) -> Place {
        let mut rest = rows;
        while !rest.is_empty() {
            let (now, later) = rest.split_at_checked(ROWS).unwrap_or_else(|| rest.split_at(1));
            rest = later;
            let mut sql = ["INSERT INTO ", table, " (", columns, ") VALUES "].concat();
            super::places(&mut sql, now.len(), width);
            sql.push_str(further);
            let mut values = Vec::with_capacity(now.len() * width);
            for row in now {
                params(row, &mut values);
            }
            self.run(sql, values);
        }
        Place(self.statements.len().saturating_sub(1))
    }

    /// Makes users; answers the place of the last statement. A duplicate is an id that is taken.
    pub fn insert_users(&mut self, users: &[User]) -> Place {
        self.count("users", i64::try_from(users.len()).unwrap_or(i64::MAX));
        let columns = "id, connection, email, email_domain, username, phone, name, nickname, given_name, family_name, \
             email_verified, phone_verified, blocked, platform, logins, last_login_micros, last_ip, doc, version, \
             created_micros, updated_micros";
        self.insert_many("tenantry_user", columns, 21, "", users, |user, to| {
            let maybe = |text: &Option<String>| Param::maybe(text.as_deref());
            to.extend([
                Param::text(&user.id),
                Param::text(&user.connection),
                maybe(&user.email),
                maybe(&user.email_domain),
                maybe(&user.username),
                maybe(&user.phone),
                maybe(&user.name),
                maybe(&user.nickname),
                maybe(&user.given_name),
                maybe(&user.family_name),
                Param::int(i64::from(user.email_verified)),
                Param::int(i64::from(user.phone_verified)),
                Param::int(i64::from(user.blocked)),
                Param::int(i64::from(user.platform)),
                Param::int(user.logins),
                Param::Int(user.last_login_micros),
                maybe(&user.last_ip),
                Param::text(&user.doc),
                Param::int(user.version),
                Param::int(user.created_micros),
                Param::int(user.updated_micros),
            ]);
        })
    }

    /// Gives users identities. A duplicate is one that exists, or a login name that is taken.
    pub fn insert_user_identities(&mut self, identities: &[UserIdentity]) -> Place {
        let columns = "provider, subject, user_id, connection, ordinal, email, username, phone, doc";
        self.insert_many("tenantry_identity", columns, 9, "", identities, |identity, to| {
            let maybe = |text: &Option<String>| Param::maybe(text.as_deref());
            to.extend([
                Param::text(&identity.provider),
                Param::text(&identity.subject),
                Param::text(&identity.user_id),
                Param::text(&identity.connection),
                Param::int(identity.ordinal),
                maybe(&identity.email),
                maybe(&identity.username),
                maybe(&identity.phone),
                Param::text(&identity.doc),
            ]);
        })
    }

    /// Says what of new users' metadata can be searched for.
    pub fn insert_terms_of_users(&mut self, terms: &[(&str, Term)]) {
        let columns = "user_id, path, value, number";
        let _ = self.insert_many("tenantry_user_term", columns, 4, "", terms, |(user, term), to| {
            to.extend([Param::text(user), Param::text(&term.path), Param::text(&term.value), Param::Int(term.number)]);
        });
    }

    /// Sets the passwords of new users.
    pub fn insert_passwords(&mut self, passwords: &[Password]) {
        self.write_passwords(passwords, "");
    }
}

/// A column that is written, and what it holds.
type Column = (&'static str, &'static str);

const TEXT: &str = "TEXT";
const INT: &str = "BIGINT";

impl Batch {
    /// Changes rows, many in a statement: `set` columns get the values that come first, `keys` must equal those that
    /// follow. Untouched when one of the rows is not there.
    fn update_many<T>(
        &mut self,
        table: &str,
        set: &[Column],
        further: &str,
        keys: &[Column],
        rows: &[T],
        params: impl Fn(&T, &mut Vec<Param>),
    ) {
        let mut rest = rows;
        while !rest.is_empty() {
            let (now, later) = rest.split_at_checked(ROWS).unwrap_or_else(|| rest.split_at(1));
            rest = later;
            let mut sql = ["UPDATE ", table, " SET "].concat();
            for (place, (column, _)) in (1_usize..).zip(set) {
                // Writing to a text cannot fail, here and below.
                let _ = write!(sql, "{}{column} = new.column{place}", if place == 1 { "" } else { ", " });
            }
            sql.push_str(further);
            sql.push_str(" FROM (VALUES ");
            let columns: Vec<&Column> = set.iter().chain(keys).collect();
            for row in 0..now.len() {
                sql.push_str(if row == 0 { "(" } else { ", (" });
                for (at, (_, kind)) in (1_usize..).zip(&columns) {
                    let (comma, place) = (if at == 1 { "" } else { ", " }, row * columns.len() + at);
                    // The first row says of what kind the columns are.
                    let _ = match row {
                        0 => write!(sql, "{comma}CAST(${place} AS {kind})"),
                        _ => write!(sql, "{comma}${place}"),
                    };
                }
                sql.push(')');
            }
            sql.push_str(") AS new WHERE ");
            for (number, (column, _)) in keys.iter().enumerate() {
                let and = if number == 0 { "" } else { " AND " };
                let _ = write!(sql, "{and}{table}.{column} = new.column{}", set.len() + number + 1);
            }
            let mut values = Vec::with_capacity(now.len() * columns.len());
            for row in now {
                params(row, &mut values);
            }
            self.must_all(sql, values, now.len());
        }
    }

    /// Writes users that were read at their `version`; untouched when somebody was faster with one of them. How often
    /// they logged in is not among what changes. Each stands there once.
    pub fn update_users(&mut self, users: &[User]) {
        let set = [
            ("email", TEXT),
            ("email_domain", TEXT),
            ("username", TEXT),
            ("phone", TEXT),
            ("name", TEXT),
            ("nickname", TEXT),
            ("given_name", TEXT),
            ("family_name", TEXT),
            ("email_verified", INT),
            ("phone_verified", INT),
            ("blocked", INT),
            ("platform", INT),
            ("doc", TEXT),
            ("updated_micros", INT),
        ];
        let keys = [("id", TEXT), ("version", INT)];
        self.update_many("tenantry_user", &set, ", version = version + 1", &keys, users, |user, to| {
            let maybe = |text: &Option<String>| Param::maybe(text.as_deref());
            to.extend([
                maybe(&user.email),
                maybe(&user.email_domain),
                maybe(&user.username),
                maybe(&user.phone),
                maybe(&user.name),
                maybe(&user.nickname),
                maybe(&user.given_name),
                maybe(&user.family_name),
                Param::int(i64::from(user.email_verified)),
                Param::int(i64::from(user.phone_verified)),
                Param::int(i64::from(user.blocked)),
                Param::int(i64::from(user.platform)),
                Param::text(&user.doc),
                Param::int(user.updated_micros),
                Param::text(&user.id),
                Param::int(user.version),
            ]);
        });
    }

    /// Writes the login names of identities. A duplicate is a name that is taken in the connection; untouched when one
    /// of them belongs to its user no more. Each stands there once.
    pub fn update_login_names(&mut self, identities: &[UserIdentity]) {
        let set = [("email", TEXT), ("username", TEXT), ("phone", TEXT)];
        let keys = [("provider", TEXT), ("subject", TEXT), ("user_id", TEXT)];
        self.update_many("tenantry_identity", &set, "", &keys, identities, |identity, to| {
            let maybe = |text: &Option<String>| Param::maybe(text.as_deref());
            to.extend([
                maybe(&identity.email),
                maybe(&identity.username),
                maybe(&identity.phone),
                Param::text(&identity.provider),
                Param::text(&identity.subject),
                Param::text(&identity.user_id),
            ]);
        });
    }

    /// Removes what of these users' metadata can be searched for.
    pub fn delete_terms_of_users(&mut self, users: &[String]) {
        let mut rest = users;
        while !rest.is_empty() {
            let (now, later) = rest.split_at_checked(ROWS).unwrap_or_else(|| rest.split_at(1));
            rest = later;
            let mut sql = "DELETE FROM tenantry_user_term WHERE user_id IN ".to_owned();
            super::places(&mut sql, 1, now.len());
            self.run(sql, now.iter().map(|user| Param::text(user)).collect());
        }
    }

    /// Sets passwords, in place of those before. Dangling when there is no such user.
    pub fn put_passwords(&mut self, passwords: &[Password]) {
        let replace = " ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, history = excluded.history, \
             updated_micros = excluded.updated_micros";
        self.write_passwords(passwords, replace);
    }

    fn write_passwords(&mut self, passwords: &[Password], further: &str) {
        let columns = "user_id, hash, history, updated_micros";
        let _ = self.insert_many("tenantry_password", columns, 4, further, passwords, |password, to| {
            to.extend([
                Param::text(&password.user_id),
                Param::text(&password.hash),
                Param::text(&password.history),
                Param::int(password.updated_micros),
            ]);
        });
    }
}

impl Store {
    /// Which of these users act for the platform: marked so, or holders of a role of its level.
    ///
    /// # Errors
    /// The store's.
    pub async fn platform_people(&self, users: &[String]) -> Result<Vec<String>, StoreError> {
        let sql = [
            "SELECT u.id FROM tenantry_user u WHERE ",
            &self.backend.among("u.id", 1),
            " AND (u.platform = 1 OR EXISTS (SELECT 1 FROM tenantry_role_holder h \
             JOIN tenantry_role r ON r.id = h.role_id AND r.level = 'platform' \
             WHERE h.user_id = u.id AND h.account_id = '' AND h.workspace_id = ''))",
        ]
        .concat();
        let found = self.backend.search(sql, vec![Param::texts(users)], |row| row.text(0)).await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Who has any of these in a connection.
    ///
    /// # Errors
    /// The store's.
    pub async fn taken(&self, provider: &str, connection: &str, wanted: &Wanted) -> Result<Vec<Taken>, StoreError> {
        const SELECT: &str = "SELECT subject, user_id, email, username, phone FROM tenantry_identity WHERE ";
        let read = |row: &Row<'_>| Taken {
            subject: row.text(0).unwrap_or_default(),
            user_id: row.text(1).unwrap_or_default(),
            email: row.text(2),
            username: row.text(3),
            phone: row.text(4),
        };
        let mut found = Vec::new();
        if !wanted.subjects.is_empty() {
            let sql = [SELECT, "provider = $1 AND ", &self.backend.among("subject", 2)].concat();
            found = self.backend.search(sql, vec![Param::text(provider), Param::texts(&wanted.subjects)], read).await?;
        }
        for (column, names) in [("email", &wanted.emails), ("username", &wanted.usernames), ("phone", &wanted.phones)] {
            if !names.is_empty() {
                let sql = [SELECT, "connection = $1 AND ", &self.backend.among(column, 2)].concat();
                let params = vec![Param::text(connection), Param::texts(names)];
                found.extend(self.backend.search(sql, params, read).await?);
            }
        }
        Ok(found)
    }

    /// Users (of one connection, when one is named) made after the one of that place (its time and id),
    /// oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn users_after(
        &self,
        connection: Option<&str>,
        after: (i64, &str),
        limit: i64,
    ) -> Result<Vec<User>, StoreError> {
        let sql = [
            "SELECT ",
            COLUMNS,
            " FROM tenantry_user u WHERE (u.created_micros, u.id) > ($1, $2) AND ($3 = '' OR u.connection = $3) \
             ORDER BY u.created_micros, u.id LIMIT $4",
        ]
        .concat();
        let params = vec![
            Param::int(after.0),
            Param::text(after.1),
            Param::text(connection.unwrap_or_default()),
            Param::int(limit),
        ];
        self.backend.search(sql, params, read).await
    }
}
