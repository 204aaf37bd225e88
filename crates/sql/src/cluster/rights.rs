//! Rights on things that are there, and on things that will be made.

use tenantry_policy::object::{Future, Object, Privilege};

use super::{Draft, Holder, Statement};

/// The privileges; on a column, with the column behind each.
fn privileges(sql: &mut Draft, privileges: &[Privilege], object: Option<&Object>) {
    for (at, privilege) in privileges.iter().enumerate() {
        if at > 0 {
            sql.push(", ");
        }
        sql.push(privilege.name());
        if let Some(Object::Column { name, .. }) = object {
            sql.push(" (").name(name).push(")");
        }
    }
}

/// GRANT
#[must_use]
pub fn grant(given: &[Privilege], object: &Object, to: Holder<'_>, grantable: bool) -> Statement {
    let mut sql = Draft::new("GRANT ");
    privileges(&mut sql, given, Some(object));
    sql.push(" ON ").object(object).push(" TO ").holder(to);
    sql.push(if grantable { " WITH GRANT OPTION" } else { "" }).done()
}

/// REVOKE. With CASCADE, what the holder gave on goes too, and has to be given anew first.
#[must_use]
pub fn revoke(taken: &[Privilege], object: &Object, from: Holder<'_>, cascade: bool) -> Statement {
    take(Draft::new("REVOKE "), taken, object, from, cascade)
}

/// REVOKE GRANT OPTION FOR
#[must_use]
pub fn revoke_option(taken: &[Privilege], object: &Object, from: Holder<'_>, cascade: bool) -> Statement {
    take(Draft::new("REVOKE GRANT OPTION FOR "), taken, object, from, cascade)
}

fn take(mut sql: Draft, taken: &[Privilege], object: &Object, from: Holder<'_>, cascade: bool) -> Statement {
    privileges(&mut sql, taken, Some(object));
    sql.push(" ON ").object(object).push(" FROM ").holder(from);
    sql.push(if cascade { " CASCADE" } else { "" }).done()
}

/// What follows is done as another role, until [`act_as_oneself`] or the transaction's end: a right is taken back by
/// whoever gave it.
#[must_use]
pub fn act_as(role: &str) -> Statement {
    Draft::new("SET LOCAL ROLE ").name(role).done()
}

/// The end of [`act_as`].
#[must_use]
pub fn act_as_oneself() -> Statement {
    Draft::new("SET LOCAL ROLE NONE").done()
}

fn default(future: &Future) -> Draft {
    let mut sql = Draft::new("ALTER DEFAULT PRIVILEGES FOR ROLE ");
    sql.name(&future.owner);
    if let Some(schema) = &future.schema {
        sql.push(" IN SCHEMA ").name(schema);
    }
    sql
}

fn many(future: &Future) -> &'static str {
    use tenantry_policy::object::ObjectKind;
    match future.kind {
        ObjectKind::Sequence => " ON SEQUENCES",
        ObjectKind::Routine => " ON ROUTINES",
        ObjectKind::Type => " ON TYPES",
        ObjectKind::Schema => " ON SCHEMAS",
        ObjectKind::LargeObject => " ON LARGE OBJECTS",
        _ => " ON TABLES",
    }
}

/// ALTER DEFAULT PRIVILEGES … GRANT
#[must_use]
pub fn default_grant(given: &[Privilege], future: &Future, to: Holder<'_>, grantable: bool) -> Statement {
    let mut sql = default(future);
    sql.push(" GRANT ");
    privileges(&mut sql, given, None);
    sql.push(many(future)).push(" TO ").holder(to);
    sql.push(if grantable { " WITH GRANT OPTION" } else { "" }).done()
}

/// ALTER DEFAULT PRIVILEGES … REVOKE, or REVOKE GRANT OPTION FOR.
#[must_use]
pub fn default_revoke(taken: &[Privilege], future: &Future, from: Holder<'_>, option: bool) -> Statement {
    let mut sql = default(future);
    sql.push(if option { " REVOKE GRANT OPTION FOR " } else { " REVOKE " });
    privileges(&mut sql, taken, None);
    sql.push(many(future)).push(" FROM ").holder(from).push(" CASCADE").done()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_will_be_made_has_its_words() {
        let future = Future::parse("functions in schema \"a b\" by m").unwrap();
        assert_eq!(
            default_revoke(&[Privilege::Execute], &future, Holder::Everybody, false).sql(),
            "ALTER DEFAULT PRIVILEGES FOR ROLE \"m\" IN SCHEMA \"a b\" REVOKE EXECUTE ON ROUTINES FROM PUBLIC CASCADE"
        );
        let future = Future::parse("schemas by m").unwrap();
        assert_eq!(
            default_grant(&[Privilege::Usage, Privilege::Create], &future, Holder::Role("r"), true).sql(),
            "ALTER DEFAULT PRIVILEGES FOR ROLE \"m\" GRANT USAGE, CREATE ON SCHEMAS TO \"r\" WITH GRANT OPTION"
        );
    }
}
