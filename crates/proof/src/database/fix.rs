//! What would mend a leak, in words that name the policy, the role or the column.

use tenantry_policy::database::{DbRole, Relation};

use super::access::Exempt;
use super::evaluate::Scenery;
use super::judge::Court;
use super::tenants::Owner;
use crate::obligation::Promise;

#[allow(clippy::too_many_arguments, reason = "everything that is known of a leak")]
pub(crate) fn advice(
    court: &Court<'_>,
    at: usize,
    relation: &Relation,
    owner: &Owner,
    promise: Promise,
    role: &DbRole,
    by: &[String],
    scenery: &Scenery,
) -> String {
    let table = relation.title();
    match court.roles.exempt(court.database, at, &role.name) {
        Some(Exempt::Off) => {
            return format!(
                "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY, and give it a policy"
            );
        }
        Some(Exempt::Owner) => {
            return format!("ALTER TABLE {table} FORCE ROW LEVEL SECURITY, or let another role own the table");
        }
        Some(Exempt::Bypass) => {
            return format!("ALTER ROLE {0} NOBYPASSRLS, or declare it with `--trust {0}`", role.name);
        }
        Some(Exempt::Superuser) => {
            let who: Vec<&str> = court.roles.becoming(&role.name).collect();
            return format!("REVOKE {0} FROM {1}, or declare it with `--trust {0}`", role.name, who.join(", "));
        }
        None => {}
    }
    let column = owner.column.and_then(|column| relation.columns.get(column).map(|facts| (column, facts)));
    let row = scenery.rows.first();
    if let Some((at, facts)) = column
        && facts.nullable
        && row.and_then(|row| row.cells.get(&at)).is_some_and(Option::is_none)
    {
        return format!(
            "ALTER TABLE {table} ALTER {} SET NOT NULL, or say with `--shared` that rows of no tenant are everybody's",
            facts.name
        );
    }
    let policies: Vec<&str> = by.iter().filter_map(|by| by.strip_prefix("policy ")).collect();
    let names = policies.iter().map(|name| ["`", name, "`"].concat()).collect::<Vec<_>>().join(", ");
    let lacks_check = relation
        .policies
        .iter()
        .any(|policy| policies.contains(&policy.name.as_str()) && policy.check.is_none() && policy.using.is_some());
    match promise {
        Promise::Create | Promise::UpdateNew if lacks_check => {
            format!("give {names} a WITH CHECK that names the tenant: USING alone lets this row in")
        }
        Promise::Create | Promise::UpdateNew => format!("let the WITH CHECK of {names} name the tenant"),
        _ => format!(
            "narrow {names} to the own tenant, or add a RESTRICTIVE policy that does; if these rows are meant to be \
             seen, say so with `--shared` or `--bypass`"
        ),
    }
}
