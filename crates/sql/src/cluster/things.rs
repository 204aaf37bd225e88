//! Schemas, databases, extensions, owners.

use tenantry_policy::object::Object;

use super::{Draft, Statement};

/// CREATE SCHEMA
#[must_use]
pub fn create_schema(name: &str) -> Statement {
    Draft::new("CREATE SCHEMA ").name(name).done()
}

/// DROP SCHEMA, which the server refuses while something is in it.
#[must_use]
pub fn drop_schema(name: &str) -> Statement {
    Draft::new("DROP SCHEMA ").name(name).done()
}

/// CREATE DATABASE, which no transaction may hold.
#[must_use]
pub fn create_database(name: &str) -> Statement {
    Draft::new("CREATE DATABASE ").name(name).done()
}

/// ALTER DATABASE … CONNECTION LIMIT
#[must_use]
pub fn limit_database(name: &str, limit: i64) -> Statement {
    Draft::new("ALTER DATABASE ").name(name).push(" CONNECTION LIMIT ").number(limit).done()
}

/// CREATE EXTENSION
#[must_use]
pub fn create_extension(name: &str, schema: Option<&str>, version: Option<&str>) -> Statement {
    let mut sql = Draft::new("CREATE EXTENSION ");
    sql.name(name);
    if let Some(schema) = schema {
        sql.push(" SCHEMA ").name(schema);
    }
    if let Some(version) = version {
        sql.push(" VERSION ").literal(version);
    }
    sql.done()
}

/// ALTER EXTENSION … UPDATE TO
#[must_use]
pub fn update_extension(name: &str, version: &str) -> Statement {
    Draft::new("ALTER EXTENSION ").name(name).push(" UPDATE TO ").literal(version).done()
}

/// ALTER EXTENSION … SET SCHEMA
#[must_use]
pub fn move_extension(name: &str, schema: &str) -> Statement {
    Draft::new("ALTER EXTENSION ").name(name).push(" SET SCHEMA ").name(schema).done()
}

/// DROP EXTENSION, which the server refuses while something depends on it.
#[must_use]
pub fn drop_extension(name: &str) -> Statement {
    Draft::new("DROP EXTENSION ").name(name).done()
}

/// ALTER … OWNER TO. `relation` is what a table is called in SQL when it is no table: `VIEW`, `FOREIGN TABLE`.
/// A column and a parameter have no owner of their own; for them there is no statement.
#[must_use]
pub fn owner_to(object: &Object, relation: &'static str, owner: &str) -> Option<Statement> {
    let mut sql = Draft::new("ALTER ");
    match object {
        Object::Column { .. } | Object::Parameter(_) => return None,
        Object::Table { schema, name } => sql.push(relation).push(" ").pair(schema, name),
        Object::Server(name) => sql.push("SERVER ").name(name),
        other => sql.object(other),
    };
    Some(sql.push(" OWNER TO ").name(owner).done())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_change_by_the_right_word() {
        for (spelling, relation, wanted) in [
            ("public.v", "VIEW", "ALTER VIEW \"public\".\"v\" OWNER TO \"o\""),
            ("server s", "TABLE", "ALTER SERVER \"s\" OWNER TO \"o\""),
            ("function a.f(text)", "TABLE", "ALTER ROUTINE \"a\".\"f\"(\"pg_catalog\".\"text\") OWNER TO \"o\""),
            ("large object 9", "TABLE", "ALTER LARGE OBJECT 9 OWNER TO \"o\""),
            ("database d", "TABLE", "ALTER DATABASE \"d\" OWNER TO \"o\""),
        ] {
            assert_eq!(owner_to(&Object::parse(spelling).unwrap(), relation, "o").unwrap().sql(), wanted);
        }
        assert_eq!(owner_to(&Object::parse("parameter p").unwrap(), "TABLE", "o"), None);
    }
}
