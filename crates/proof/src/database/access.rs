//! Who is held by which policies: roles, owners, commands.

use tenantry_policy::database::{Database, DbCommand, DbPolicy, DbRole, Relation};

use super::expr::{Expr, Scan};
use super::read::Reader;

/// A policy, read.
pub(crate) struct Law {
    /// Its place among its table's.
    pub(crate) policy: usize,
    pub(crate) using: Option<Expr>,
    pub(crate) check: Option<Expr>,
    /// Is there a subselect in its text, of whatever? PostgreSQL tells by it which policies read their own tables.
    selects: bool,
    /// Do functions that it calls read tables?
    pub(crate) through: bool,
}

/// What the policies for reading a table lead to again.
pub(crate) struct Rereads {
    /// They hold a subselect: PostgreSQL refuses to go through them twice in one query.
    pub(crate) selects: bool,
    /// They read tables, by themselves or through functions.
    pub(crate) reads: bool,
}

/// The policies and CHECKs of every table, read.
#[derive(Default)]
pub(crate) struct Laws {
    of: Vec<Vec<Law>>,
    checks: Vec<Vec<Check>>,
    /// Do policies call functions of the database's own?
    pub(crate) calls: bool,
}

/// A CHECK, read.
pub(crate) struct Check {
    pub(crate) says: Expr,
    /// Does it hold of rows that are there? One that asks the session or a function may have said something else when
    /// they were written.
    pub(crate) lasts: bool,
}

impl Laws {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Laws {
        let mut laws = Laws::default();
        for (at, relation) in reader.database.relations.iter().enumerate() {
            let mut of = Vec::new();
            let calls = reader.calls;
            for (policy, one) in relation.policies.iter().enumerate() {
                let through = reader.through;
                let using = one.using.as_ref().map(|text| reader.condition(at, text));
                let check = one.check.as_ref().map(|text| reader.condition(at, text));
                let selects = one.using.iter().chain(&one.check).any(|text| super::read::selects(text));
                of.push(Law { policy, using, check, selects, through: reader.through > through });
            }
            laws.of.push(of);
            laws.calls |= reader.calls > calls;
            let mut checks = Vec::new();
            let met = reader.whys.len();
            for check in &relation.checks {
                let calls = reader.calls;
                let check = reader.condition(at, &check.text);
                let (mut known, mut lasts, mut alone) = (true, reader.calls == calls, true);
                check.visit(
                    &mut |one| match one {
                        // One that is not understood is not relied on; nor is one about who asks.
                        Expr::Opaque { .. } | Expr::User(_) | Expr::Login | Expr::HasRole { .. } => known = false,
                        Expr::Setting(_) | Expr::Claim { .. } => lasts = false,
                        _ => {}
                    },
                    &mut |_| alone = false,
                );
                if known && alone {
                    checks.push(Check { says: check, lasts });
                }
            }
            reader.whys.truncate(met);
            laws.checks.push(checks);
        }
        laws
    }

    pub(crate) fn of(&self, relation: usize) -> &[Law] {
        self.of.get(relation).map_or(&[], Vec::as_slice)
    }

    /// What a role's reading of a table leads to.
    pub(crate) fn rereads(&self, database: &Database, roles: &Roles, relation: usize, role: &str) -> Rereads {
        let mut found = Rereads { selects: false, reads: false };
        let Some(of) = database.relations.get(relation) else { return found };
        for law in self.of(relation) {
            let Some(policy) = of.policies.get(law.policy) else { continue };
            let Some(using) = law.using.as_ref().filter(|_| roles.applies(policy, role, DbCommand::Select)) else {
                continue;
            };
            found.selects |= law.selects;
            using.visit(&mut |_| {}, &mut |scan| found.reads |= matches!(scan, Scan::Table { .. }));
        }
        found
    }

    pub(crate) fn checks(&self, relation: usize) -> &[Check] {
        self.checks.get(relation).map_or(&[], Vec::as_slice)
    }
}

/// Why row security does not hold a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exempt {
    /// Row security is off.
    Off,
    /// SUPERUSER
    Superuser,
    /// BYPASSRLS
    Bypass,
    /// The owner, without FORCE.
    Owner,
}

/// The roles that a question may speak of.
pub(crate) struct Roles {
    all: Vec<DbRole>,
    /// Roles that may do anything, as was said.
    trusted: Vec<String>,
}

/// The role that stands for all that have no rights of their own.
pub const ANYBODY: &str = "(any role)";

impl Roles {
    /// Those of the database that matter: with rights, memberships or policies of their own. All others are alike,
    /// and [`ANYBODY`] stands for them.
    pub(crate) fn new(database: &Database, trusted: &[String]) -> Roles {
        let named = |name: &str| {
            database.relations.iter().any(|relation| {
                relation.owner == name
                    || relation.grants.iter().any(|grant| grant.grantee == name)
                    || relation.policies.iter().any(|policy| policy.roles.iter().any(|role| role == name))
            }) || database.functions.iter().any(|function| function.owner == name)
                || database
                    .schemas
                    .iter()
                    .any(|schema| schema.owner == name || schema.used_by.iter().any(|by| by == name))
        };
        let texts: String = database
            .relations
            .iter()
            .flat_map(|relation| &relation.policies)
            .flat_map(|policy| [&policy.using, &policy.check])
            .flatten()
            .chain(
                database
                    .functions
                    .iter()
                    .flat_map(|function| std::iter::once(&function.source).chain(&function.parsed)),
            )
            .chain(database.relations.iter().filter_map(|view| view.definition.as_ref()))
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("\n");
        let spoken = |name: &str| texts.contains(&["'", &name.replace('\'', "''"), "'"].concat());
        let matters = |role: &&DbRole| {
            if role.name.starts_with("pg_") {
                // Predefined: whoever has it without its rights may become it.
                return database.roles.iter().any(|one| one.name != role.name && one.member_of.contains(&role.name));
            }
            role.superuser
                || role.bypasses
                || role.acts_as.len() > 1
                || role.member_of.len() > 1
                || named(&role.name)
                || spoken(&role.name)
        };
        let mut all: Vec<DbRole> = database.roles.iter().filter(matters).cloned().collect();
        let own = vec![ANYBODY.to_owned()];
        all.push(DbRole {
            name: ANYBODY.to_owned(),
            login: true,
            acts_as: own.clone(),
            member_of: own,
            ..DbRole::default()
        });
        Roles { all, trusted: trusted.to_vec() }
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|role| role.name.as_str())
    }

    pub(crate) fn find(&self, name: &str) -> Option<&DbRole> {
        self.all.iter().find(|role| role.name == name)
    }

    /// The roles that people and programs may be: superusers and owners only where somebody may become them.
    pub(crate) fn held(&self) -> impl Iterator<Item = &DbRole> {
        self.all.iter().filter(|role| !role.superuser || self.reachable(&role.name))
    }

    /// May anybody who is no superuser, and is not trusted, be this role?
    pub(crate) fn reachable(&self, name: &str) -> bool {
        self.becoming(name).next().is_some()
    }

    /// Those who log in, are no superusers and not trusted, and may act as this role.
    pub(crate) fn becoming(&self, name: &str) -> impl Iterator<Item = &str> {
        let may = move |role: &&DbRole| {
            role.login
                && !role.superuser
                && !self.trusted.contains(&role.name)
                && role.member_of.iter().any(|of| of == name)
        };
        self.all.iter().filter(may).map(|role| role.name.as_str())
    }

    /// Why row security does not hold a role on a table, where it does not. The empty name is beyond everything: it
    /// reads what there is.
    pub(crate) fn exempt(&self, database: &Database, relation: usize, role: &str) -> Option<Exempt> {
        let of = database.relations.get(relation)?;
        if role.is_empty() {
            return Some(Exempt::Superuser);
        }
        if !of.secured {
            return Some(Exempt::Off);
        }
        let Some(known) = self.find(role) else {
            // A role of the system, or one that was not read: beyond everything, to be sure.
            return Some(Exempt::Superuser);
        };
        if known.superuser {
            Some(Exempt::Superuser)
        } else if known.bypasses {
            Some(Exempt::Bypass)
        } else if !of.forced && known.acts_as.contains(&of.owner) {
            Some(Exempt::Owner)
        } else {
            None
        }
    }

    /// Is a policy for a role and a command?
    pub(crate) fn applies(&self, policy: &DbPolicy, role: &str, command: DbCommand) -> bool {
        let command = policy.command == DbCommand::All || policy.command == command;
        let acts = self.find(role).map_or(&[][..], |role| &role.acts_as);
        command && policy.roles.iter().any(|of| of == "PUBLIC" || acts.contains(of))
    }

    /// May a role use a schema?
    pub(crate) fn uses(&self, database: &Database, schema: &str, role: &DbRole) -> bool {
        let known = database.schemas.iter().find(|known| known.name == schema);
        role.superuser
            || known.is_some_and(|known| {
                role.acts_as.contains(&known.owner)
                    || known.used_by.iter().any(|by| by == "PUBLIC" || role.acts_as.contains(by))
            })
    }

    /// Has a role a privilege on a table, or on a column of it?
    pub(crate) fn may(&self, database: &Database, of: &Relation, role: &DbRole, privilege: &str) -> bool {
        let granted = of.grants.iter().any(|grant| {
            grant.privilege == privilege && (grant.grantee == "PUBLIC" || role.acts_as.contains(&grant.grantee))
        });
        // Predefined roles that have it of every table, and use every schema.
        let everywhere = match privilege {
            "SELECT" => "pg_read_all_data",
            "INSERT" | "UPDATE" | "DELETE" => "pg_write_all_data",
            _ => "",
        };
        let all = role.acts_as.iter().any(|of| of == everywhere);
        role.superuser || all || (granted && self.uses(database, &of.schema, role))
    }

    /// The columns that a role may set in an update; `None` for all.
    pub(crate) fn updates(&self, of: &Relation, role: &DbRole) -> Option<Vec<usize>> {
        if role.superuser || role.acts_as.iter().any(|of| of == "pg_write_all_data") {
            return None;
        }
        let mut columns = Vec::new();
        for grant in &of.grants {
            if grant.privilege == "UPDATE" && (grant.grantee == "PUBLIC" || role.acts_as.contains(&grant.grantee)) {
                match grant.column {
                    None => return None,
                    Some(column) => columns.push(column),
                }
            }
        }
        Some(columns)
    }
}

impl Laws {
    /// Every expression of every policy.
    pub(crate) fn each(&self, see: &mut dyn FnMut(&Expr)) {
        for law in self.of.iter().flatten() {
            for expr in [&law.using, &law.check].into_iter().flatten() {
                expr.visit(see, &mut |_| {});
            }
        }
    }

    /// Every list that policies compare with.
    pub(crate) fn lists(&self, see: &mut dyn FnMut(&super::expr::List)) {
        for law in self.of.iter().flatten() {
            for expr in [&law.using, &law.check].into_iter().flatten() {
                let mut found = Vec::new();
                let mut scanned = Vec::new();
                expr.visit(
                    &mut |one| {
                        if let Expr::Any { list, .. } = one {
                            found.push(list.clone());
                        }
                    },
                    &mut |scan| {
                        if let Scan::Items { list, .. } = scan {
                            scanned.push(list.clone());
                        }
                    },
                );
                found.iter().chain(&scanned).for_each(&mut *see);
            }
        }
    }
}
