//! Many users at a time: rows written many in a statement, and users read from one to the next.

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
    fn insert_many<T>(
        &mut self,
        table: &str,
        columns: &str,
        width: usize,
        rows: &[T],
        params: impl Fn(&T, &mut Vec<Param>),
    ) -> Place {
        let mut rest = rows;
        while !rest.is_empty() {
            let (now, later) = rest.split_at_checked(ROWS).unwrap_or_else(|| rest.split_at(1));
            rest = later;
            let mut sql = ["INSERT INTO ", table, " (", columns, ") VALUES "].concat();
            super::places(&mut sql, now.len(), width);
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
        self.insert_many("tenantry_user", columns, 21, users, |user, to| {
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
        self.insert_many("tenantry_identity", columns, 9, identities, |identity, to| {
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
        let _ = self.insert_many("tenantry_user_term", columns, 4, terms, |(user, term), to| {
            to.extend([Param::text(user), Param::text(&term.path), Param::text(&term.value), Param::Int(term.number)]);
        });
    }

    /// Sets the passwords of new users.
    pub fn insert_passwords(&mut self, passwords: &[Password]) {
        let columns = "user_id, hash, history, updated_micros";
        let _ = self.insert_many("tenantry_password", columns, 4, passwords, |password, to| {
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
