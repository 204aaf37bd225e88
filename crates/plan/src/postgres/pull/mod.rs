//! A database written as the file's sections: what stands in its catalog of roles, rights, owners and row security,
//! in the file's words. A plan of them against the same database only adopts.
//!
//! What the file has no words for, and what is no business of it, is named in comments with the reason; nothing is
//! dropped silently. No password is read at all ([`Snapshot`] holds none).

mod rights;
mod scope;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use tenantry_policy::object::{Object, Privilege, quote_name};
use tenantry_policy::seat;
use tenantry_policy::value::format_timestamp;
use tenantry_source::SourceUrl;
use tenantry_source::admin::Admin;
use tenantry_source::cluster::{Detail, Role, RowPolicy, Snapshot};

use self::scope::OWN;
use self::text::{block, key, quoted, told};
use super::current::bare;
use super::fence::OURS;
use super::seats;
use crate::error::PlanError;

/// What is to be written, and how.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The source's name in the file.
    pub source: &'a str,
    /// `url` and `admin_url` as they shall stand in the file. Without them only what goes below `[source.NAME]` is
    /// written.
    pub urls: Option<(&'a str, Option<&'a str>)>,
    /// Tables that a `[table.…]` governs: their row security, and what the runtime role may do with them, follow from
    /// their rules.
    pub governed: &'a BTreeSet<Object>,
    /// The role that the data tools run as, where it is known.
    pub runtime: Option<&'a str>,
    /// Roles by name, `*` standing for anything; when empty, those that have to do with the database.
    pub roles: &'a [String],
}

/// A database in the file's words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pulled {
    /// The sections.
    pub text: String,
    /// What is not in them, and why; each stands in a comment of the text too.
    pub left_out: Vec<String>,
    /// The roles that they name.
    pub roles: usize,
    /// Names that were asked for, and that no role has.
    pub unknown: Vec<String>,
    /// The roles that are written with rights on governed tables: none of them can be the one that runs the data
    /// tools, as long as they are.
    pub on_governed: BTreeSet<String>,
}

/// Reads a database and writes it.
///
/// # Errors
/// [`PlanError::Source`].
pub async fn pull(url: &SourceUrl, asked: &Asked<'_>) -> Result<Pulled, PlanError> {
    let failed = |error| PlanError::Source { source_name: asked.source.to_owned(), error };
    let admin = Admin::connect(url).await.map_err(failed)?;
    Ok(written(&admin.snapshot().await.map_err(failed)?, asked))
}

/// Writes what a snapshot says.
#[must_use]
pub fn written(snapshot: &Snapshot, asked: &Asked<'_>) -> Pulled {
    let aside = seats::set_aside(snapshot);
    let snapshot = aside.as_ref().unwrap_or(snapshot);
    let mut unknown = Vec::new();
    let roles: BTreeSet<&str> = if asked.roles.is_empty() {
        scope::concerned(snapshot, asked.runtime)
    } else {
        let names = || snapshot.roles.keys().map(AsRef::as_ref).filter(|name: &&str| !scope::is_own(name));
        unknown.extend(asked.roles.iter().filter(|wanted| !names().any(|name| scope::fits(wanted, name))).cloned());
        names().filter(|name| asked.roles.iter().any(|wanted| scope::fits(wanted, name))).collect()
    };
    let (body, left, on_governed) = (String::new(), Vec::new(), BTreeSet::new());
    let mut writer = Writer { snapshot, asked, roles, body, left, external: 0, on_governed };
    writer.all();
    for (role, tenant) in &snapshot.seats.rows {
        let (role, tenant) = (told(&quote_name(role)), quoted(tenant));
        writer.leave(format!(
            "that `{role}` is an SQL seat: write `tenant = {tenant}` at the role once the file has the account"
        ));
    }
    let Writer { body, left, roles, external, on_governed, .. } = writer;
    let mut text = String::new();
    if let Some((url, admin_url)) = asked.urls {
        text.push_str(&format!("[source.{}]\nurl = {}\n", key(asked.source), quoted(url)));
        if let Some(admin_url) = admin_url {
            text.push_str(&format!("admin_url = {}\n", quoted(admin_url)));
        }
        text.push('\n');
    }
    let server = &snapshot.server;
    let database = told(&server.database);
    text.push_str(&format!(
        "# Roles, rights, owners and row security as database `{database}` of a PostgreSQL {} has them.\n",
        server.major()
    ));
    text.push_str("# What is not here, and why:\n");
    for one in &left {
        text.push_str(&format!("# - {one}\n"));
    }
    text.push_str(body.trim_start_matches('\n'));
    Pulled { text, left_out: left, roles: roles.len().saturating_add(external), unknown, on_governed }
}

/// Whose a role is in the file.
enum Mode {
    /// The file's, whole.
    Managed,
    /// The file's, but for what it cannot say.
    Adopted,
    /// Not the file's, for this reason.
    External(&'static str),
}

struct Writer<'a> {
    snapshot: &'a Snapshot,
    asked: &'a Asked<'a>,
    /// The roles that are written.
    roles: BTreeSet<&'a str>,
    body: String,
    left: Vec<String>,
    /// PostgreSQL's own roles that are written, for what they hold.
    external: usize,
    on_governed: BTreeSet<String>,
}

impl<'a> Writer<'a> {
    fn all(&mut self) {
        self.head();
        self.things();
        let (grants, defaults) = (self.grants(), self.defaults());
        let roles: Vec<&str> = self.roles.iter().copied().collect();
        for name in roles {
            self.role(name, &grants, &defaults);
        }
        self.own_roles(&grants, &defaults);
        self.rights(&["public"], None, &grants, &defaults);
        self.owners();
        self.row_security();
    }

    fn leave(&mut self, why: impl Into<String>) {
        self.left.push(why.into());
    }

    /// A section: comments, header, lines.
    fn section(&mut self, path: &[&str], comments: &[String], lines: &str) {
        self.body.push('\n');
        for comment in comments {
            self.body.push_str(&format!("# {comment}\n"));
        }
        let path: Vec<String> = ["source", self.asked.source].iter().chain(path).map(|part| key(part)).collect();
        self.body.push_str(&format!("[{}]\n{lines}", path.join(".")));
    }

    /// Can the file say a role's name?
    fn sayable(name: &str) -> bool {
        !name.is_empty() && name.len() <= 63 && !name.chars().any(char::is_control)
    }

    fn has_seats(&self) -> bool {
        self.snapshot.seats.table.is_some() || self.snapshot.seats.function.is_some()
    }

    /// Is a thing one that SQL seats rest on?
    fn is_of_seats(&self, object: &Object) -> bool {
        let is_own = |object: &Object| match object {
            Object::Schema(name) => name == seat::SCHEMA,
            object => *object == seats::table() || *object == seats::function(),
        };
        self.has_seats() && is_own(object.table_of_column().as_ref().unwrap_or(object))
    }

    /// What is left out whatever stands in the database.
    fn head(&mut self) {
        let snapshot = self.snapshot;
        self.leave(
            "passwords: none is read. A role keeps the one that it has; `password = \"generate\"` gives it a new one",
        );
        self.leave(
            "who gave a right or a membership, comments but those of roles, operators, text search, event triggers, \
             publications, subscriptions, user mappings: the file has no words for them",
        );
        let own: Vec<&str> =
            snapshot.roles.keys().map(AsRef::as_ref).filter(|name: &&str| name.starts_with(OWN)).collect();
        self.leave(format!("PostgreSQL's own roles, which come with the server: {}", own.join(", ")));
        for row in snapshot.members.iter().filter(|row| row.member.starts_with(OWN) && !row.role.starts_with(OWN)) {
            self.leave(format!(
                "`{}` is a member of `{}`: memberships of PostgreSQL's own roles are not the file's",
                row.member,
                told(&row.role)
            ));
        }
        let here = &snapshot.server.database;
        let other: Vec<String> = snapshot
            .things
            .keys()
            .filter_map(|object| match object {
                Object::Database(name) if **name != **here => Some(told(&quote_name(name))),
                _ => None,
            })
            .collect();
        if !other.is_empty() {
            self.leave(format!("the cluster's other databases, each a source of its own: {}", several(&other)));
        }
        let outside: Vec<String> = snapshot
            .roles
            .keys()
            .filter(|name| !scope::is_own(name) && !self.roles.contains(name.as_ref()))
            .map(|name| told(&quote_name(name)))
            .collect();
        if !outside.is_empty() {
            let why = if self.asked.roles.is_empty() {
                "nothing ties them to this database (`--role` names others)"
            } else {
                "they were not asked for"
            };
            self.leave(format!("roles, since {why}: {}", several(&outside)));
        }
        if self.has_seats() {
            self.leave(format!(
                "what SQL seats rest on, {} and schema `{}` among it: `tenant` of a role makes it",
                told(&quote_name(&seat::group(here))),
                seat::SCHEMA
            ));
        }
        if !snapshot.settings.is_empty() {
            let names: Vec<String> = snapshot.settings.keys().map(|name| told(name)).collect();
            self.leave(format!("settings of all roles in all databases: {}", several(&names)));
        }
        let mut members: BTreeMap<&str, usize> = BTreeMap::new();
        for extension in snapshot.things.values().filter_map(|thing| thing.extension.as_deref()) {
            *members.entry(extension).or_default() += 1;
        }
        if !members.is_empty() {
            let each: Vec<String> = members.iter().map(|(name, count)| format!("{} ({count})", told(name))).collect();
            self.leave(format!("the owners of what belongs to an extension: {}", several(&each)));
        }
    }

    /// The database, schemas, extensions.
    fn things(&mut self) {
        let snapshot = self.snapshot;
        let name = snapshot.server.database.as_ref();
        if let Some(thing) = snapshot.things.get(&Object::Database(name.to_owned())) {
            self.database(name, thing);
        }
        for (object, thing) in &snapshot.things {
            let Object::Schema(name) = object else { continue };
            if name.starts_with(OWN)
                || name == "information_schema"
                || thing.extension.is_some()
                || self.is_of_seats(object)
            {
                continue;
            }
            if !Self::sayable(name) {
                self.leave(format!("schema `{}`: the file cannot say its name", told(name)));
                continue;
            }
            let lines = self.owner_line(&thing.owner, &format!("schema `{name}`"));
            self.section(&["schema", name], &[], &lines);
        }
        for (name, extension) in &snapshot.extensions {
            if !Self::sayable(name) {
                self.leave(format!("extension `{}`: the file cannot say its name", told(name)));
                continue;
            }
            let mut lines = String::new();
            // Of the catalog's own schemas nothing can be said.
            if snapshot.things.contains_key(&Object::Schema(extension.schema.to_string()))
                && Self::sayable(&extension.schema)
            {
                lines.push_str(&format!("schema = {}\n", quoted(&extension.schema)));
            }
            lines.push_str(&format!("version = {}\n", quoted(&extension.version)));
            self.section(&["extension", name], &[], &lines);
        }
    }

    fn database(&mut self, name: &str, thing: &tenantry_source::cluster::Thing) {
        let Detail::Database(database) = &thing.detail else { return };
        if !Self::sayable(name) {
            self.leave(format!("database `{}`: the file cannot say its name", told(name)));
            return;
        }
        let mut lines = self.owner_line(&thing.owner, "the database");
        if database.connection_limit >= 0 {
            lines.push_str(&format!("connection_limit = {}\n", database.connection_limit));
        }
        let (said, unsaid) = split(&database.settings);
        if unsaid.is_empty() {
            lines.push_str(&settings("settings", &said));
        } else {
            // Said in part, the rest would go.
            let names: Vec<String> = database.settings.keys().map(|name| told(name)).collect();
            self.leave(format!("the database's settings ({}): {}", names.join(", "), unsaid.join("; ")));
        }
        if !database.allows_connections || database.template {
            self.leave("that the database is a template, or closed to connections: the file has no words for it");
        }
        self.section(&["database", name], &[], &lines);
    }

    fn owner_line(&mut self, owner: &str, what: &str) -> String {
        if Self::sayable(owner) {
            return format!("owner = {}\n", quoted(owner));
        }
        self.leave(format!("the owner of {what}: the file cannot say the name `{}`", told(owner)));
        String::new()
    }

    /// Whose a role is, and what of it the file cannot say.
    fn mode(&self, name: &str, role: &Role) -> (Mode, Vec<String>) {
        if role.superuser {
            return (
                Mode::External("a superuser: nothing binds it, and the file takes one only with a waiver"),
                Vec::new(),
            );
        }
        if *name == *self.snapshot.server.user {
            return (Mode::External("who pulled, and so who applies"), Vec::new());
        }
        let mut unsaid = Vec::new();
        let places = role.settings_in.iter().map(|(database, settings)| (Some(database), settings));
        for (database, all) in std::iter::once((None, &role.settings)).chain(places) {
            unsaid.extend(split(all).1);
            if let Some(database) = database.filter(|name| !Self::sayable(name)) {
                unsaid.push(format!("its settings in database `{}`, whose name the file cannot say", told(database)));
            }
        }
        if role.valid_until.is_some_and(|moment| format_timestamp(moment).is_none()) {
            unsaid.push("its `valid_until`, which no calendar of ours reaches".to_owned());
        }
        (if unsaid.is_empty() { Mode::Managed } else { Mode::Adopted }, unsaid)
    }

    fn role(&mut self, name: &'a str, grants: &Said, defaults: &Said) {
        let Some(role) = self.snapshot.roles.get(name) else { return };
        if !Self::sayable(name) {
            self.leave(format!("role `{}`, with what it holds: the file cannot say its name", told(name)));
            return;
        }
        let groups = self.groups(name);
        let (mode, mut comments) = self.mode(name, role);
        let seat = self.snapshot.seats.rows.get(name).map(|tenant| {
            format!(
                "A seat of account `{0}`: `tenant = \"{0}\"` says so, beside an `[account.…]` of that name.",
                told(tenant)
            )
        });
        if let Some(seat) = &seat {
            self.left.push(format!("role {}: {seat}", told(&quote_name(name))));
        }
        let mut lines = String::new();
        match mode {
            Mode::External(why) => {
                lines.push_str("mode = \"external\"\n");
                comments.push(format!("Left to itself: it is {why}."));
                let more = attributes(role);
                if !more.is_empty() {
                    comments.push(format!("It has: {}.", more.join(", ")));
                }
                if !groups.is_empty() {
                    let each: Vec<String> = groups
                        .iter()
                        .map(|(group, options)| {
                            let admin = if options.admin { " (with admin)" } else { "" };
                            format!("{}{admin}", told(&quote_name(group)))
                        })
                        .collect();
                    comments.push(format!("It is a member of: {}.", several(&each)));
                }
                for comment in &comments {
                    self.left.push(format!("role {}: {comment}", told(&quote_name(name))));
                }
                comments.extend(seat);
                self.section(&["role", name], &comments, &lines);
            }
            Mode::Managed | Mode::Adopted => {
                if matches!(mode, Mode::Adopted) {
                    lines.push_str("mode = \"adopted\"\n");
                    comments = comments.iter().map(|what| format!("Not said: {what}.")).collect();
                    for comment in &comments {
                        self.left.push(format!("role {}: {comment}", told(&quote_name(name))));
                    }
                }
                let refused = self.refused(role, &groups);
                if !refused.is_empty() {
                    comments.push(format!("`tenantry apply` takes it only with a waiver: {}.", refused.join(", ")));
                }
                comments.extend(seat);
                lines.push_str(&self.attribute_lines(role));
                lines.push_str(&self.member_lines(name, role, &groups));
                self.section(&["role", name], &comments, &lines);
            }
        }
        self.rights(&["role", name], Some(name), grants, defaults);
    }

    fn attribute_lines(&self, role: &Role) -> String {
        let mut lines = String::new();
        for (word, is, usual) in flags(role) {
            if is != usual {
                lines.push_str(&format!("{word} = {is}\n"));
            }
        }
        if role.connection_limit != -1 {
            lines.push_str(&format!("connection_limit = {}\n", role.connection_limit));
        }
        if let Some(moment) = role.valid_until.and_then(format_timestamp) {
            lines.push_str(&format!("valid_until = {}\n", quoted(&moment)));
        }
        if let Some(comment) = &role.comment {
            lines.push_str(&format!("comment = {}\n", quoted(comment)));
        }
        lines.push_str(&settings("settings", &split(&role.settings).0));
        for (database, all) in role.settings_in.iter().filter(|(database, _)| Self::sayable(database)) {
            lines.push_str(&settings(&["settings_in.", &key(database)].concat(), &split(all).0));
        }
        lines
    }

    /// The roles that a role is directly in, and how; whoever gave it.
    fn groups(&self, member: &str) -> BTreeMap<&'a str, Options> {
        let mut groups: BTreeMap<&str, Options> = BTreeMap::new();
        let rows = self.snapshot.members.iter().filter(|row| *row.member == *member);
        for row in rows.filter(|row| !row.role.starts_with(seat::ROLES)) {
            let options = groups.entry(&row.role).or_default();
            options.admin |= row.admin;
            options.inherit |= row.inherit;
            options.set |= row.set;
        }
        groups
    }

    fn member_lines(&mut self, name: &str, role: &Role, groups: &BTreeMap<&str, Options>) -> String {
        let modern = self.snapshot.server.major() >= 16;
        let mut lines = String::new();
        for (group, options) in groups {
            if !Self::sayable(group) {
                self.leave(format!(
                    "that {} is a member of `{}`, whose name the file cannot say",
                    told(&quote_name(name)),
                    told(group)
                ));
                continue;
            }
            let mut said = Vec::new();
            if options.admin {
                said.push("admin = true".to_owned());
            }
            // What a GRANT without the option means is not said.
            if modern && options.inherit != role.inherit {
                said.push(format!("inherit = {}", options.inherit));
            }
            if modern && !options.set {
                said.push("set = false".to_owned());
            }
            let said = if said.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", said.join(", ")) };
            lines.push_str(&format!("member_of.{} = {said}\n", key(group)));
        }
        lines
    }

    /// What the lint of an apply refuses without a waiver.
    fn refused(&self, role: &Role, groups: &BTreeMap<&str, Options>) -> Vec<&'static str> {
        let powerful =
            groups.keys().any(|group| crate::lint::SERVER_ROLES.contains(group)).then_some("powerful-membership");
        let bounded = self.snapshot.server.major() >= crate::lint::CREATEROLE_IS_BOUNDED;
        [
            role.bypassrls.then_some("bypassrls"),
            role.replication.then_some("replication"),
            (role.createrole && !bounded).then_some("createrole"),
            powerful,
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// PostgreSQL's own roles, where somebody gave them something.
    fn own_roles(&mut self, grants: &Said, defaults: &Said) {
        let names: BTreeSet<&String> = grants
            .keys()
            .chain(defaults.keys())
            .filter_map(Option::as_ref)
            .filter(|name| name.starts_with(OWN))
            .collect();
        for name in names {
            self.external = self.external.saturating_add(1);
            self.section(&["role", name], &[], "mode = \"external\"\n");
            self.rights(&["role", name], Some(name), grants, defaults);
        }
    }

    /// What somebody holds, below the section at `path`.
    fn rights(&mut self, path: &[&str], to: Option<&str>, grants: &Said, defaults: &Said) {
        let to = to.map(str::to_owned);
        for (word, all) in [("grants", grants), ("default_privileges", defaults)] {
            let Some(held) = all.get(&to) else { continue };
            let lines: Vec<String> = held.iter().map(|(on, list)| format!("{} = {list}\n", quoted(on))).collect();
            self.section(&[path, &[word]].concat(), &[], &lines.concat());
        }
    }

    fn owners(&mut self) {
        let mut lines = String::new();
        let mut unsaid = Vec::new();
        for (object, thing) in &self.snapshot.things {
            let is_said = match object {
                Object::Column { .. } | Object::Parameter(_) | Object::Schema(_) | Object::Database(_) => true,
                Object::Tablespace(name) => name.starts_with(OWN),
                _ => matches!(object.schema(), Some("pg_catalog" | "information_schema")),
            };
            // A column's sequence belongs to whom its table belongs to.
            let goes_with = thing.extension.is_some() || self.is_of_seats(object);
            if is_said || goes_with || matches!(thing.detail, Detail::Sequence(_)) {
                continue;
            }
            if Object::parse(&object.to_string()).as_ref() == Ok(object) && Self::sayable(&thing.owner) {
                lines.push_str(&format!("{} = {}\n", quoted(&object.to_string()), quoted(&thing.owner)));
            } else {
                unsaid.push(format!("{} (`{}`)", told(&object.to_string()), told(&thing.owner)));
            }
        }
        if !lines.is_empty() {
            self.section(&["owner"], &[], &lines);
        }
        if !unsaid.is_empty() {
            self.leave(format!("owners, since the file cannot say one of the names: {}", several(&unsaid)));
        }
    }

    fn row_security(&mut self) {
        let snapshot = self.snapshot;
        let mut policies: BTreeMap<&Object, Vec<(&str, &RowPolicy)>> = BTreeMap::new();
        for ((table, name), policy) in &snapshot.policies {
            policies.entry(table).or_default().push((name, policy));
        }
        for table in snapshot.things.keys() {
            let Some(relation) = snapshot.relation(table) else { continue };
            let own = policies.remove(table).unwrap_or_default();
            let is_plain = !relation.row_security && !relation.forced && own.is_empty();
            if is_plain || self.is_of_seats(table) {
                continue;
            }
            let spelt = table.to_string();
            let governed = self.asked.governed.contains(table);
            let (made, by_hand): (Vec<_>, Vec<_>) = own.into_iter().partition(|(name, _)| name.starts_with(OURS));
            if !made.is_empty() && !governed {
                self.leave(format!(
                    "policies of {} that were made from rules: a `[table.…]` makes them again",
                    told(&spelt)
                ));
            }
            if governed {
                let names: Vec<String> = by_hand.iter().map(|(name, _)| told(&quote_name(name))).collect();
                if !names.is_empty() {
                    self.leave(format!(
                        "policies of {}, which is governed: a `require`, `permit` or `bypass` of it says the like: {}",
                        told(&spelt),
                        several(&names)
                    ));
                }
                continue;
            }
            if Object::parse(&spelt).as_ref() != Ok(table) {
                self.leave(format!("row security of `{}`: the file cannot say its name", told(&spelt)));
                continue;
            }
            let mut lines = String::new();
            for (word, is) in [("enabled", relation.row_security), ("forced", relation.forced)] {
                if !is {
                    lines.push_str(&format!("{word} = false\n"));
                }
            }
            self.section(&["row_security", &spelt], &[], &lines);
            for (name, policy) in by_hand {
                self.policy(&spelt, name, policy);
            }
        }
    }

    fn policy(&mut self, table: &str, name: &str, policy: &RowPolicy) {
        let using = policy.using.as_deref().map(bare);
        let check = policy.check.as_deref().map(bare);
        let roles: Vec<&str> = policy.roles.iter().filter_map(|role| role.role()).collect();
        let unfit = if !Self::sayable(name) {
            Some("the file cannot say its name")
        } else if roles.iter().any(|role| !Self::sayable(role)) {
            Some("the file cannot say a role's name")
        } else if using.is_none() && policy.command != "INSERT" && (check.is_none() || policy.command != "ALL") {
            Some("it has no USING, and lets no row through")
        } else if policy.command == "INSERT" && check.is_none() {
            Some("it has no WITH CHECK, and lets no row through")
        } else {
            using.iter().chain(&check).find_map(|text| tenantry_file::expression_fault(text))
        };
        if let Some(why) = unfit {
            self.leave(format!("policy {} of {}: {why}", told(&quote_name(name)), told(table)));
            return;
        }
        let mut lines = String::new();
        if policy.command != "ALL" {
            lines.push_str(&format!("for = {}\n", quoted(&policy.command.to_ascii_lowercase())));
        }
        if !roles.is_empty() && roles.len() == policy.roles.len() {
            let names: Vec<String> = roles.iter().map(|role| quoted(role)).collect();
            lines.push_str(&format!("to = [{}]\n", names.join(", ")));
        }
        if !policy.permissive {
            lines.push_str("restrictive = true\n");
        }
        for (word, text) in [("using", using), ("check", check)] {
            if let Some(text) = text {
                lines.push_str(&format!("{word} = {}\n", block(text)));
            }
        }
        self.section(&["row_security", table, "policy", name], &[], &lines);
    }
}

/// Keys and lists, by who holds them; `None` is everybody.
type Said = BTreeMap<Option<String>, Vec<(String, String)>>;

/// How a role is in another.
#[derive(Default)]
struct Options {
    admin: bool,
    inherit: bool,
    set: bool,
}

/// The flags of a role, with what each is when nobody says it.
fn flags(role: &Role) -> [(&'static str, bool, bool); 7] {
    [
        ("login", role.login, false),
        ("superuser", role.superuser, false),
        ("createdb", role.createdb, false),
        ("createrole", role.createrole, false),
        ("inherit", role.inherit, true),
        ("replication", role.replication, false),
        ("bypassrls", role.bypassrls, false),
    ]
}

/// What is said of a role that is left to itself.
fn attributes(role: &Role) -> Vec<String> {
    let mut all: Vec<String> = flags(role)
        .into_iter()
        .filter(|(_, is, usual)| is != usual)
        .map(|(word, is, _)| if is { word.to_owned() } else { ["no ", word].concat() })
        .collect();
    if role.connection_limit != -1 {
        all.push(format!("a connection limit of {}", role.connection_limit));
    }
    if role.valid_until.is_some() {
        all.push("an end of its password".to_owned());
    }
    if !(role.settings.is_empty() && role.settings_in.is_empty()) {
        all.push("settings".to_owned());
    }
    if role.comment.is_some() {
        all.push("a comment".to_owned());
    }
    all
}

/// Settings that the file can say, and why it does not say the others.
fn split(all: &BTreeMap<String, String>) -> (BTreeMap<&str, &str>, Vec<String>) {
    const SECRET: [&str; 9] =
        ["secret", "password", "passwd", "passphrase", "token", "credential", "private", "apikey", "api_key"];
    let (mut said, mut unsaid) = (BTreeMap::new(), Vec::new());
    for (name, value) in all {
        let lower = name.to_ascii_lowercase();
        if !tenantry_file::is_setting(name) {
            unsaid.push(format!("setting `{}`, whose name the file cannot say", told(name)));
        } else if SECRET.iter().any(|word| lower.contains(word)) && !value.is_empty() {
            unsaid.push(format!("setting `{name}`, whose value may be a secret"));
        } else {
            said.insert(name.as_str(), value.as_str());
        }
    }
    (said, unsaid)
}

fn settings(word: &str, all: &BTreeMap<&str, &str>) -> String {
    if all.is_empty() {
        return String::new();
    }
    let each: Vec<String> = all.iter().map(|(name, value)| format!("{} = {}", key(name), quoted(value))).collect();
    format!("{word} = {{ {} }}\n", each.join(", "))
}

/// The first of many, and how many more.
fn several(names: &[String]) -> String {
    const MOST: usize = 20;
    let shown: Vec<&str> = names.iter().take(MOST).map(String::as_str).collect();
    match names.len().saturating_sub(MOST) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// What everybody may do with a thing when nobody said anything. `None` for what a snapshot only holds because
/// somebody did.
fn usual_of_everybody(object: &Object) -> Option<&'static [Privilege]> {
    use Privilege::{Connect, Execute, Select, Temporary, Usage};
    Some(match (object, object.schema()) {
        (Object::Schema(name), _) if name == "information_schema" => &[Usage],
        (Object::Table { .. }, Some("information_schema")) => &[Select],
        (Object::Table { .. }, Some("pg_catalog")) => return None,
        (Object::Schema(name), _) if name == "pg_catalog" => return None,
        (Object::Database(_), _) => &[Temporary, Connect],
        (Object::Routine { .. }, _) => &[Execute],
        (Object::Type { .. } | Object::Language(_), _) => &[Usage],
        _ => &[],
    })
}
