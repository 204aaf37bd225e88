//! Functions that run as their owner, or before row security.

use std::collections::BTreeSet;

use tenantry_policy::object::Privilege;
use tenantry_source::cluster::{Detail, Routine, Thing};
use tenantry_sql::cluster::seats::DEFINITION;

use super::{Ground, Level, Lint};

pub(super) fn look(ground: &Ground<'_>, found: &mut Vec<Lint>) {
    for (object, thing) in &ground.snapshot().things {
        let Detail::Routine(routine) = &thing.detail else { continue };
        // What extensions bring is theirs; what answers for seats is ours, as long as it is what it should be.
        let ours = *object == crate::postgres::seat_function()
            && ground.snapshot().seats.function.as_deref() == Some(DEFINITION);
        if thing.extension.is_some() || ours {
            continue;
        }
        let mut add = |code, level, what: String, fix| found.push(ground.object(code, level, object, what, fix));
        if routine.leakproof {
            let what = format!("{object} is marked LEAKPROOF: it runs before row security");
            add("leakproof", Level::Warned, what, "take the mark away unless it tells nothing of its arguments");
        }
        if !routine.security_definer || routine.trigger {
            continue;
        }
        let callers = callers(ground, thing);
        if callers.is_empty() {
            continue;
        }
        let callers = callers.join(", ");
        if !is_pinned(routine) {
            let what = format!("{object} runs as {} without a search_path of its own, for {callers}", thing.owner);
            let fix = "ALTER FUNCTION ... SET search_path = pg_catalog, pg_temp, and name schemas in its body";
            add("definer-search-path", Level::Refused, what, fix);
        } else if !routine.settings.get("search_path").is_some_and(|path| temporary_last(path)) {
            let what = format!(
                "{object} runs as {}, and looks for tables among the caller's temporary ones first, for {callers}",
                thing.owner
            );
            let fix = "name pg_temp as the last: ALTER FUNCTION ... SET search_path = public, pg_temp";
            add("definer-temporary-first", Level::Warned, what, fix);
        }
        if ground.holds.skips_row_security(&thing.owner) {
            let what = format!("{object} runs as {}, whom row security does not concern, for {callers}", thing.owner);
            let fix = "give it to a role that row security is forced on, or take EXECUTE from PUBLIC";
            // Many are harmless; only reading their bodies tells.
            add("definer-past-row-security", Level::Warned, what, fix);
        }
    }
}

/// Is the path pinned, to something that others cannot write to first?
fn is_pinned(routine: &Routine) -> bool {
    routine.settings.get("search_path").is_some_and(|path| !path.contains("$user"))
}

/// Are temporary tables looked for last? A path that does not name them looks for them first. One of no schema but
/// PostgreSQL's own finds no other table either, so that its function's body has to name schemas.
fn temporary_last(path: &str) -> bool {
    let names: Vec<&str> = path.split(',').map(|name| name.trim().trim_matches('"')).collect();
    names.last() == Some(&"pg_temp") || names.iter().all(|name| matches!(*name, "" | "pg_catalog"))
}

fn callers(ground: &Ground<'_>, thing: &Thing) -> Vec<String> {
    let callers: BTreeSet<&str> = thing
        .rights
        .iter()
        .filter(|grant| grant.privilege == Privilege::Execute)
        .map(|grant| grant.grantee.role().unwrap_or("PUBLIC"))
        .filter(|role| *role != thing.owner.as_ref() && !ground.is_trusted(role))
        .collect();
    callers.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::temporary_last;

    #[test]
    fn temporary_tables_are_last_where_a_path_says_so() {
        for path in ["pg_catalog, pg_temp", "public, \"pg_temp\"", "\"\"", "pg_catalog"] {
            assert!(temporary_last(path), "{path}");
        }
        for path in ["public", "pg_temp, public", "pg_catalog, public", "app,public"] {
            assert!(!temporary_last(path), "{path}");
        }
    }
}
