//! Roles that may more than a grant can say.

use super::{Ground, Level, Lint};

/// PostgreSQL's own roles that act as the server's user.
pub(crate) const SERVER_ROLES: [&str; 3] =
    ["pg_execute_server_program", "pg_read_server_files", "pg_write_server_files"];
/// Those that hold rights on every table.
const DATA_ROLES: [&str; 2] = ["pg_read_all_data", "pg_write_all_data"];
/// From this version on CREATEROLE reaches only the roles that it made.
pub(crate) const CREATEROLE_IS_BOUNDED: u32 = 16;

pub(super) fn look(ground: &Ground<'_>, found: &mut Vec<Lint>) {
    let snapshot = ground.snapshot();
    for (name, role) in snapshot.roles.iter().filter(|(name, _)| !name.starts_with("pg_")) {
        // Who applies is trusted with the whole of it anyway, unless the file itself speaks of it.
        if name == &snapshot.server.user && !ground.declares(name) {
            continue;
        }
        let level = ground.about(name);
        let mut add = |code, level, what: String, fix| found.push(ground.role(code, level, name, what, fix));
        if role.superuser {
            let what = format!("role {name} is a superuser: no grant and no row security binds it");
            add("superuser", level, what, "take SUPERUSER away; CREATEROLE or CREATEDB do what is mostly meant");
            continue;
        }
        if role.bypassrls {
            let what = format!("role {name} has BYPASSRLS: it sees every tenant's rows where it may read");
            add(
                "bypassrls",
                level,
                what,
                "take BYPASSRLS away, and give it policies of its own where it must see more",
            );
        }
        if role.replication {
            let what = format!("role {name} has REPLICATION: it may stream every table");
            add("replication", level, what, "keep REPLICATION to a role that only a standby logs in as");
        }
        if role.createrole && snapshot.server.major() < CREATEROLE_IS_BOUNDED {
            let what = format!(
                "role {name} has CREATEROLE: on PostgreSQL {} it may put itself into {}",
                snapshot.server.major(),
                ground.runtime
            );
            add("createrole", level, what, "use PostgreSQL 16 or later, where CREATEROLE reaches only what it made");
        }
        let (inherited, settable) = (ground.holds.inherited(name), ground.holds.settable(name));
        let reached = |role: &&str| inherited.contains_key(*role) || settable.contains_key(*role);
        for (roles, level) in [(&SERVER_ROLES[..], level), (&DATA_ROLES[..], level.min_warned())] {
            for strong in roles.iter().filter(|role| reached(role)) {
                let what = format!("role {name} is in {strong}");
                add("powerful-membership", level, what, "take the membership away; grant what is needed by name");
            }
        }
    }
}

impl Level {
    /// At most a warning.
    fn min_warned(self) -> Level {
        self.max(Level::Warned)
    }
}
