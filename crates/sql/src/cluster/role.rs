//! Roles: attributes, settings, comments, memberships.

use tenantry_policy::value::format_timestamp;

use super::scram::Verifier;
use super::{Draft, Statement};

/// Attributes of a role; only those that are there are set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attributes<'a> {
    /// SUPERUSER
    pub superuser: Option<bool>,
    /// CREATEDB
    pub createdb: Option<bool>,
    /// CREATEROLE
    pub createrole: Option<bool>,
    /// INHERIT
    pub inherit: Option<bool>,
    /// LOGIN
    pub login: Option<bool>,
    /// REPLICATION
    pub replication: Option<bool>,
    /// BYPASSRLS
    pub bypassrls: Option<bool>,
    /// CONNECTION LIMIT; -1 for none.
    pub connection_limit: Option<i64>,
    /// VALID UNTIL, microseconds since 1970; inside, `None` is for ever.
    pub valid_until: Option<Option<i64>>,
    /// PASSWORD
    pub password: Option<&'a Verifier>,
}

impl Attributes<'_> {
    /// Is nothing set?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Attributes::default()
    }

    fn write(&self, sql: &mut Draft) {
        let flags = [
            (self.superuser, " SUPERUSER", " NOSUPERUSER"),
            (self.createdb, " CREATEDB", " NOCREATEDB"),
            (self.createrole, " CREATEROLE", " NOCREATEROLE"),
            (self.inherit, " INHERIT", " NOINHERIT"),
            (self.login, " LOGIN", " NOLOGIN"),
            (self.replication, " REPLICATION", " NOREPLICATION"),
            (self.bypassrls, " BYPASSRLS", " NOBYPASSRLS"),
        ];
        for (flag, on, off) in flags {
            if let Some(flag) = flag {
                sql.push(if flag { on } else { off });
            }
        }
        if let Some(limit) = self.connection_limit {
            sql.push(" CONNECTION LIMIT ").number(limit);
        }
        if let Some(until) = self.valid_until {
            let text = until.and_then(format_timestamp).unwrap_or_else(|| "infinity".to_owned());
            sql.push(" VALID UNTIL ").literal(&text);
        }
        if let Some(verifier) = self.password {
            sql.push(" PASSWORD ").verifier(verifier);
        }
    }
}

/// CREATE ROLE
#[must_use]
pub fn create_role(name: &str, attributes: &Attributes<'_>) -> Statement {
    let mut sql = Draft::new("CREATE ROLE ");
    sql.name(name);
    attributes.write(&mut sql);
    sql.done()
}

/// ALTER ROLE, with only what is to be changed.
#[must_use]
pub fn alter_role(name: &str, attributes: &Attributes<'_>) -> Statement {
    let mut sql = Draft::new("ALTER ROLE ");
    sql.name(name);
    attributes.write(&mut sql);
    sql.done()
}

/// DROP ROLE
#[must_use]
pub fn drop_role(name: &str) -> Statement {
    Draft::new("DROP ROLE ").name(name).done()
}

/// COMMENT ON ROLE
#[must_use]
pub fn comment_on_role(name: &str, comment: Option<&str>) -> Statement {
    let mut sql = Draft::new("COMMENT ON ROLE ");
    sql.name(name).push(" IS ");
    match comment {
        Some(text) => sql.literal(text),
        None => sql.push("NULL"),
    };
    sql.done()
}

/// ALTER ROLE … SET or RESET, in one database or in all.
#[must_use]
pub fn set_for_role(role: &str, database: Option<&str>, setting: &str, value: Option<&str>) -> Statement {
    let mut sql = Draft::new("ALTER ROLE ");
    sql.name(role);
    if let Some(database) = database {
        sql.push(" IN DATABASE ").name(database);
    }
    set(&mut sql, setting, value);
    sql.done()
}

/// ALTER DATABASE … SET or RESET.
#[must_use]
pub fn set_for_database(database: &str, setting: &str, value: Option<&str>) -> Statement {
    let mut sql = Draft::new("ALTER DATABASE ");
    sql.name(database);
    set(&mut sql, setting, value);
    sql.done()
}

fn set(sql: &mut Draft, setting: &str, value: Option<&str>) {
    let Some(value) = value else {
        sql.push(" RESET ").dotted(setting);
        return;
    };
    sql.push(" SET ").dotted(setting).push(" TO ");
    if !is_list(setting) {
        sql.literal(value);
        return;
    }
    for (at, name) in list_of(value).iter().enumerate() {
        if at > 0 {
            sql.push(", ");
        }
        sql.literal(name);
    }
}

/// Settings whose value is a list of names, each of which is quoted by itself.
#[must_use]
pub fn is_list(setting: &str) -> bool {
    const LISTS: [&str; 6] = [
        "search_path",
        "temp_tablespaces",
        "local_preload_libraries",
        "session_preload_libraries",
        "shared_preload_libraries",
        "unix_socket_directories",
    ];
    LISTS.iter().any(|list| list.eq_ignore_ascii_case(setting))
}

/// The names of such a list: `"$user", public` are two. Never empty: an empty list is one empty name.
#[must_use]
pub fn list_of(value: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut chars = value.chars().peekable();
    loop {
        let mut name = String::new();
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.next_if_eq(&'"').is_some() {
            while let Some(c) = chars.next() {
                if c == '"' && chars.next_if_eq(&'"').is_none() {
                    break;
                }
                name.push(c);
            }
        }
        while let Some(c) = chars.next_if(|c| *c != ',') {
            name.push(c);
        }
        names.push(name.trim_end().to_owned());
        if chars.next().is_none() {
            return names;
        }
    }
}

/// What a membership allows; only what is there is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// ADMIN OPTION
    pub admin: Option<bool>,
    /// INHERIT OPTION, from PostgreSQL 16 on.
    pub inherit: Option<bool>,
    /// SET OPTION, from PostgreSQL 16 on.
    pub set: Option<bool>,
}

/// GRANT role TO member. Where there is such a membership of that grantor already, its options are changed in place.
/// `modern` is whether the server is of version 16 or later.
#[must_use]
pub fn grant_role(role: &str, member: &str, options: Options, grantor: Option<&str>, modern: bool) -> Statement {
    let mut sql = Draft::new("GRANT ");
    sql.name(role).push(" TO ").name(member);
    if modern {
        let all = [(options.admin, "ADMIN "), (options.inherit, "INHERIT "), (options.set, "SET ")];
        let mut between = " WITH ";
        for (option, word) in all {
            if let Some(on) = option {
                sql.push(between).push(word).push(if on { "TRUE" } else { "FALSE" });
                between = ", ";
            }
        }
    } else if options.admin == Some(true) {
        sql.push(" WITH ADMIN OPTION");
    }
    if let Some(grantor) = grantor {
        sql.push(" GRANTED BY ").name(grantor);
    }
    sql.done()
}

/// REVOKE role FROM member. With CASCADE: what hung on it goes too, and has to be given anew first.
#[must_use]
pub fn revoke_role(role: &str, member: &str, grantor: Option<&str>) -> Statement {
    take(Draft::new("REVOKE "), role, member, grantor)
}

/// REVOKE ADMIN OPTION FOR role FROM member. With CASCADE.
#[must_use]
pub fn revoke_admin(role: &str, member: &str, grantor: Option<&str>) -> Statement {
    take(Draft::new("REVOKE ADMIN OPTION FOR "), role, member, grantor)
}

fn take(mut sql: Draft, role: &str, member: &str, grantor: Option<&str>) -> Statement {
    sql.name(role).push(" FROM ").name(member);
    if let Some(grantor) = grantor {
        sql.push(" GRANTED BY ").name(grantor);
    }
    sql.push(" CASCADE").done()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_names() {
        assert_eq!(list_of("\"$user\", public"), ["$user", "public"]);
        assert_eq!(list_of("a,b , \"c,\"\"d\""), ["a", "b", "c,\"d"]);
        assert_eq!(list_of(""), [""]);
        assert_eq!(list_of("\"\""), [""]);
        assert_eq!(
            set_for_role("r", None, "search_path", Some("app, \"Other one\"")).sql(),
            "ALTER ROLE \"r\" SET \"search_path\" TO 'app', 'Other one'"
        );
    }

    #[test]
    fn only_what_is_said_is_written() {
        let attributes = Attributes {
            login: Some(false),
            connection_limit: Some(-1),
            valid_until: Some(Some(1_893_553_445_500_000)),
            ..Attributes::default()
        };
        assert_eq!(
            alter_role("r", &attributes).sql(),
            "ALTER ROLE \"r\" NOLOGIN CONNECTION LIMIT -1 VALID UNTIL '2030-01-02T03:04:05.5Z'"
        );
        let options = Options { admin: Some(false), inherit: None, set: Some(true) };
        assert_eq!(
            grant_role("g", "m", options, Some("b"), true).sql(),
            "GRANT \"g\" TO \"m\" WITH ADMIN FALSE, SET TRUE GRANTED BY \"b\""
        );
        assert_eq!(grant_role("g", "m", options, None, false).sql(), "GRANT \"g\" TO \"m\"");
    }
}
