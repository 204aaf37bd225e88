//! Users, their identities, and what of their metadata can be searched for.

use crate::backend::{Param, Row};
use crate::{Batch, Place, Store, StoreError};

/// A user's row. The texts from `email` to `family_name` are as they are compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    /// `PROVIDER|SUBJECT` of its first identity.
    pub id: String,
    /// The name of the connection of its first identity.
    pub connection: String,
    /// Its address.
    pub email: Option<String>,
    /// What stands behind the address's `@`.
    pub email_domain: Option<String>,
    /// Its name for logging in.
    pub username: Option<String>,
    /// Its telephone number, `+` and digits.
    pub phone: Option<String>,
    /// Its whole name.
    pub name: Option<String>,
    /// What it is called.
    pub nickname: Option<String>,
    /// Its first name.
    pub given_name: Option<String>,
    /// Its last name.
    pub family_name: Option<String>,
    /// Has it shown that the address is its own?
    pub email_verified: bool,
    /// Has it shown that the number is its own?
    pub phone_verified: bool,
    /// It may not log in, and holds nothing.
    pub blocked: bool,
    /// It may act for the platform as a whole.
    pub platform: bool,
    /// How often it logged in.
    pub logins: i64,
    /// When it did last, in microseconds since 1970 UTC.
    pub last_login_micros: Option<i64>,
    /// From where it did last.
    pub last_ip: Option<String>,
    /// The remaining fields, a JSON object.
    pub doc: String,
    /// Counts the changes.
    pub version: i64,
    /// Microseconds since 1970 UTC.
    pub created_micros: i64,
    /// Microseconds since 1970 UTC.
    pub updated_micros: i64,
}

/// By what somebody logs in to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginName<'a> {
    /// An address, as it is compared.
    Email(&'a str),
    /// A name, as it is compared.
    Username(&'a str),
    /// A number.
    Phone(&'a str),
}

/// An identity of a user: somebody whom a connection knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserIdentity {
    /// The strategy of the connection: `auth0` for a database.
    pub provider: String,
    /// Who it is there.
    pub subject: String,
    /// The user whose identity it is.
    pub user_id: String,
    /// The connection's name.
    pub connection: String,
    /// 0 for the one that made the user.
    pub ordinal: i64,
    /// By what it logs in, as it is compared.
    pub email: Option<String>,
    /// By what it logs in, as it is compared.
    pub username: Option<String>,
    /// By what it logs in.
    pub phone: Option<String>,
    /// `{}`, and for a linked identity its own profile as `profileData`.
    pub doc: String,
}

impl UserIdentity {
    /// The id that it has as a user of its own, under which its password is kept.
    #[must_use]
    pub fn own_id(&self) -> String {
        [&self.provider, "|", &self.subject].concat()
    }
}

/// Something in a user's metadata that can be searched for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Term {
    /// `user_metadata.address.city`.
    pub path: String,
    /// The text, or a number or truth value as JSON writes it.
    pub value: String,
    /// A number's place in the order of all numbers.
    pub number: Option<i64>,
}

pub(super) const COLUMNS: &str = "u.id, u.connection, u.email, u.email_domain, u.username, u.phone, u.name, u.nickname, \
    u.given_name, u.family_name, u.email_verified, u.phone_verified, u.blocked, u.platform, u.logins, \
    u.last_login_micros, u.last_ip, u.doc, u.version, u.created_micros, u.updated_micros";

pub(super) fn read(row: &Row<'_>) -> User {
    let text = |place| row.text(place).unwrap_or_default();
    let int = |place| row.int(place).unwrap_or_default();
    User {
        id: text(0),
        connection: text(1),
        email: row.text(2),
        email_domain: row.text(3),
        username: row.text(4),
        phone: row.text(5),
        name: row.text(6),
        nickname: row.text(7),
        given_name: row.text(8),
        family_name: row.text(9),
        email_verified: int(10) == 1,
        phone_verified: int(11) == 1,
        // Whatever is not surely unblocked is blocked.
        blocked: int(12) != 0,
        platform: int(13) == 1,
        logins: int(14),
        last_login_micros: row.int(15),
        last_ip: row.text(16),
        doc: text(17),
        version: int(18),
        created_micros: int(19),
        updated_micros: int(20),
    }
}

pub(super) const IDENTITY_COLUMNS: &str =
    "i.provider, i.subject, i.user_id, i.connection, i.ordinal, i.email, i.username, i.phone, i.doc";

pub(super) fn read_identity(row: &Row<'_>) -> UserIdentity {
    let text = |place| row.text(place).unwrap_or_default();
    UserIdentity {
        provider: text(0),
        subject: text(1),
        user_id: text(2),
        connection: text(3),
        ordinal: row.int(4).unwrap_or_default(),
        email: row.text(5),
        username: row.text(6),
        phone: row.text(7),
        doc: text(8),
    }
}

impl Batch {
    /// Makes a user; a duplicate is an id that is taken.
    pub fn insert_user(&mut self, user: &User) -> Place {
        self.insert_users(std::slice::from_ref(user))
    }

    /// Writes a user that was read at `user.version`; untouched when somebody was faster. How often it logged in
    /// is not among what changes.
    pub fn update_user(&mut self, user: &User) -> Place {
        let maybe = |text: &Option<String>| Param::maybe(text.as_deref());
        self.must(
            "UPDATE tenantry_user SET email = $1, email_domain = $2, username = $3, phone = $4, name = $5, \
             nickname = $6, given_name = $7, family_name = $8, email_verified = $9, phone_verified = $10, \
             blocked = $11, platform = $12, doc = $13, version = version + 1, updated_micros = $14 \
             WHERE id = $15 AND version = $16",
            vec![
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
            ],
        )
    }

    /// Notes a login. It does not count as a change of the user.
    pub fn note_login(&mut self, user: &str, micros: i64, address: Option<&str>) -> Place {
        self.must(
            "UPDATE tenantry_user SET logins = logins + 1, last_login_micros = $1, last_ip = $2 WHERE id = $3",
            vec![Param::int(micros), Param::maybe(address), Param::text(user)],
        )
    }

    /// Removes a user with its identities, their passwords and all that it held; untouched when there is none.
    pub fn delete_user(&mut self, id: &str) -> Place {
        self.count("users", -1);
        self.run(
            "DELETE FROM tenantry_password WHERE user_id IN \
             (SELECT provider || '|' || subject FROM tenantry_identity WHERE user_id = $1)",
            vec![Param::text(id)],
        );
        self.must("DELETE FROM tenantry_user WHERE id = $1", vec![Param::text(id)])
    }

    /// Removes a user whose identities were moved to another one before; their passwords stay. Untouched when
    /// it changed since `version`.
    pub fn delete_emptied_user(&mut self, id: &str, version: i64) -> Place {
        self.count("users", -1);
        self.must(
            "DELETE FROM tenantry_user WHERE id = $1 AND version = $2",
            vec![Param::text(id), Param::int(version)],
        )
    }

    /// Removes the users whose first identity is of a connection, and what others have linked of it.
    pub fn delete_connection_users(&mut self, connection: &str) {
        let name = || vec![Param::text(connection)];
        self.run(
            "DELETE FROM tenantry_password WHERE user_id IN (SELECT i.provider || '|' || i.subject \
             FROM tenantry_identity i JOIN tenantry_user u ON u.id = i.user_id \
             WHERE i.connection = $1 OR u.connection = $1)",
            name(),
        );
        self.run(
            "UPDATE tenantry_total SET count = count - (SELECT count(*) FROM tenantry_user WHERE connection = $1) \
             WHERE name = 'users'",
            name(),
        );
        self.run("DELETE FROM tenantry_user WHERE connection = $1", name());
        self.run("DELETE FROM tenantry_identity WHERE connection = $1", name());
    }

    /// Gives a user an identity. A duplicate is one that exists, or a login name that is taken in the connection.
    pub fn insert_user_identity(&mut self, identity: &UserIdentity) -> Place {
        self.insert_user_identities(std::slice::from_ref(identity))
    }

    /// Writes an identity: whose it is, its place, its login names and its profile. A duplicate is a login name
    /// that is taken in the connection.
    pub fn update_user_identity(&mut self, identity: &UserIdentity) -> Place {
        let maybe = |text: &Option<String>| Param::maybe(text.as_deref());
        self.must(
            "UPDATE tenantry_identity SET user_id = $1, ordinal = $2, email = $3, username = $4, phone = $5, doc = $6 \
             WHERE provider = $7 AND subject = $8",
            vec![
                Param::text(&identity.user_id),
                Param::int(identity.ordinal),
                maybe(&identity.email),
                maybe(&identity.username),
                maybe(&identity.phone),
                Param::text(&identity.doc),
                Param::text(&identity.provider),
                Param::text(&identity.subject),
            ],
        )
    }

    /// Says anew what of a user's metadata can be searched for.
    pub fn put_user_terms(&mut self, user: &str, terms: &[Term]) {
        self.run("DELETE FROM tenantry_user_term WHERE user_id = $1", vec![Param::text(user)]);
        self.insert_user_terms(user, terms);
    }

    /// The same for a user that has just been made.
    pub fn insert_user_terms(&mut self, user: &str, terms: &[Term]) {
        for term in terms {
            self.run(
                "INSERT INTO tenantry_user_term (user_id, path, value, number) VALUES ($1, $2, $3, $4)",
                vec![Param::text(user), Param::text(&term.path), Param::text(&term.value), Param::Int(term.number)],
            );
        }
    }
}

impl Store {
    /// The user of that id.
    ///
    /// # Errors
    /// The store's.
    pub async fn user(&self, id: &str) -> Result<Option<User>, StoreError> {
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_user u WHERE u.id = $1"].concat();
        Ok(self.backend.find(sql, vec![Param::text(id)], read).await?.pop())
    }

    /// The users with these ids that exist, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn users_of_ids(&self, ids: &[String]) -> Result<Vec<User>, StoreError> {
        let among = self.backend.among("u.id", 1);
        let sql =
            ["SELECT ", COLUMNS, " FROM tenantry_user u WHERE ", &among, " ORDER BY u.created_micros, u.id"].concat();
        self.backend.find(sql, vec![Param::texts(ids)], read).await
    }

    /// The users with that address (as it is compared), oldest first, `limit` at most.
    ///
    /// # Errors
    /// The store's.
    pub async fn users_by_email(&self, email: &str, limit: i64) -> Result<Vec<User>, StoreError> {
        let sql =
            ["SELECT ", COLUMNS, " FROM tenantry_user u WHERE u.email = $1 ORDER BY u.created_micros, u.id LIMIT $2"]
                .concat();
        self.backend.find(sql, vec![Param::text(email), Param::int(limit)], read).await
    }

    /// How many users there are.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_users(&self) -> Result<i64, StoreError> {
        let sql = "SELECT count FROM tenantry_total WHERE name = 'users'";
        let found = self.backend.find(sql, vec![], |row| row.int(0)).await?;
        Ok(found.into_iter().flatten().next().unwrap_or_default())
    }

    /// The identities of these users, each user's in their order.
    ///
    /// # Errors
    /// The store's.
    pub async fn user_identities(&self, users: &[String]) -> Result<Vec<UserIdentity>, StoreError> {
        let among = self.backend.among("i.user_id", 1);
        let sql =
            ["SELECT ", IDENTITY_COLUMNS, " FROM tenantry_identity i WHERE ", &among, " ORDER BY i.user_id, i.ordinal"]
                .concat();
        self.backend.find(sql, vec![Param::texts(users)], read_identity).await
    }

    /// One identity.
    ///
    /// # Errors
    /// The store's.
    pub async fn user_identity(&self, provider: &str, subject: &str) -> Result<Option<UserIdentity>, StoreError> {
        let sql = ["SELECT ", IDENTITY_COLUMNS, " FROM tenantry_identity i WHERE i.provider = $1 AND i.subject = $2"]
            .concat();
        Ok(self.backend.find(sql, vec![Param::text(provider), Param::text(subject)], read_identity).await?.pop())
    }

    /// The identity that logs in to a connection by that name. Its user is `user_id`; its password is kept under
    /// [`UserIdentity::own_id`].
    ///
    /// # Errors
    /// The store's.
    pub async fn login_identity(
        &self,
        connection: &str,
        by: LoginName<'_>,
    ) -> Result<Option<UserIdentity>, StoreError> {
        let (column, name) = match by {
            LoginName::Email(name) => ("i.email", name),
            LoginName::Username(name) => ("i.username", name),
            LoginName::Phone(name) => ("i.phone", name),
        };
        let sql =
            ["SELECT ", IDENTITY_COLUMNS, " FROM tenantry_identity i WHERE i.connection = $1 AND ", column, " = $2"]
                .concat();
        Ok(self.backend.find(sql, vec![Param::text(connection), Param::text(name)], read_identity).await?.pop())
    }

    /// The identities that log in by that name in any connection, `limit` at most.
    ///
    /// # Errors
    /// The store's.
    pub async fn identities_named(&self, by: LoginName<'_>, limit: i64) -> Result<Vec<UserIdentity>, StoreError> {
        let (column, name) = match by {
            LoginName::Email(name) => ("i.email", name),
            LoginName::Username(name) => ("i.username", name),
            LoginName::Phone(name) => ("i.phone", name),
        };
        // By connection first, since the indexes begin with it and there are few.
        let sql = [
            "SELECT ",
            IDENTITY_COLUMNS,
            " FROM tenantry_connection c JOIN tenantry_identity i ON i.connection = c.name AND ",
            column,
            " = $1 LIMIT $2",
        ]
        .concat();
        self.backend.find(sql, vec![Param::text(name), Param::int(limit)], read_identity).await
    }

    /// The strategy and the options of a connection, by its name.
    ///
    /// # Errors
    /// The store's.
    pub async fn connection_strategy(&self, name: &str) -> Result<Option<(String, String)>, StoreError> {
        let sql = "SELECT strategy, doc FROM tenantry_connection WHERE name = $1";
        let read = |row: &Row<'_>| (row.text(0).unwrap_or_default(), row.text(1).unwrap_or_default());
        Ok(self.backend.find(sql, vec![Param::text(name)], read).await?.pop())
    }

    /// The name of a connection, by its id.
    ///
    /// # Errors
    /// The store's.
    pub async fn connection_name(&self, id: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT name FROM tenantry_connection WHERE id = $1";
        let found = self.backend.find(sql, vec![Param::text(id)], |row| row.text(0)).await?;
        Ok(found.into_iter().flatten().next())
    }
}
