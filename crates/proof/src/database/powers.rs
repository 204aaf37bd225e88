//! What roles may do that no row security holds, whatever a table's policies say.

use tenantry_policy::database::DbRole;

use super::judge::Court;
use super::report::{Finding, Verdict};
use crate::obligation::Promise;

/// Predefined roles that reach the server's files, and so every table's.
const FILES: [&str; 3] = ["pg_execute_server_program", "pg_read_server_files", "pg_write_server_files"];

/// Roles that get at rows by other ways than asking for them. What they do there is not looked into.
pub(crate) fn beyond(court: &Court<'_>) -> Vec<Finding> {
    let roles = &court.database.roles;
    let becoming = |role: &DbRole| -> Vec<&DbRole> {
        let may = |one: &&DbRole| one.login && !one.superuser && one.member_of.contains(&role.name);
        roles.iter().filter(may).filter(|one| !court.given.trusted.contains(&one.name)).collect()
    };
    let mut found = Vec::new();
    let mut add = |role: &DbRole, why: String| {
        found.push(Finding {
            relation: ["role ", &role.name].concat(),
            promise: Promise::Structure,
            op: None,
            roles: vec![role.name.clone()],
            verdict: Verdict::NotUnderstood(why),
        });
    };
    for role in roles.iter().filter(|role| !role.superuser) {
        let who = becoming(role);
        let names: Vec<&str> = who.iter().map(|one| one.name.as_str()).collect();
        if role.replicates && !who.is_empty() {
            add(
                role,
                format!(
                    "REPLICATION copies every table, whatever row security says, and {} may use it: ALTER ROLE {1} \
                     NOREPLICATION, or say `--trust` of them",
                    names.join(", "),
                    role.name
                ),
            );
        }
        let files = FILES.iter().find(|file| role.member_of.iter().any(|of| of == *file));
        if let Some(file) = files.filter(|_| who.iter().any(|one| one.name == role.name)) {
            add(
                role,
                format!(
                    "it is a member of {file}, or may make itself one, and so reaches the server's files and programs: \
                     take that away, or say `--trust {}`",
                    role.name
                ),
            );
        }
    }
    found
}
