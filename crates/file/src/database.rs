//! Roles, rights, owners and row security as code, as far as the file alone can tell.

use std::collections::{BTreeMap, BTreeSet};

use tenantry_policy::object::{Future, Misspelling, Object, ObjectKind, Objects, parse_right};
use tenantry_policy::seat;
use tenantry_policy::value::parse_timestamp;

use crate::code::FileCode;
use crate::diagnostic::Findings;
use crate::model::{DbCommand, DbPolicy, DbRole, DbRoleMode, Document, Source};
use crate::span::Span;
use crate::tree::{Node, Tree};
use crate::words::brief;

/// Checks what every source says of its database.
pub(crate) fn check(document: &Document, root: &Node, findings: &mut Findings) {
    for (name, source) in &document.source {
        let mut checker = Checker { name: name.as_str(), source, root, findings };
        for (role, declared) in &source.role {
            checker.role(role, declared);
        }
        checker.grants(&["public"], source.public.grants.keys(), true);
        checker.defaults(&["public"], source.public.default_privileges.keys(), true);
        checker.memberships();
        checker.things();
        checker.row_security(document);
    }
}

struct Checker<'a> {
    name: &'a str,
    source: &'a Source,
    root: &'a Node,
    findings: &'a mut Findings,
}

impl<'a> Checker<'a> {
    fn path<'b>(&'b self, rest: &[&'b str]) -> Vec<&'b str> {
        let mut path = vec!["source", self.name];
        path.extend(rest);
        path
    }

    fn key(&self, rest: &[&str]) -> Span {
        self.root.key_span_of(&self.path(rest))
    }

    fn value(&self, rest: &[&str]) -> Span {
        self.root.span_of(&self.path(rest))
    }

    /// A name of the database's.
    fn name(&mut self, name: &str, span: Span) -> bool {
        let fits = !name.is_empty() && name.len() <= 63 && !name.chars().any(char::is_control);
        if !fits {
            self.findings
                .error(FileCode::BadDatabaseName, span, format!("`{}` cannot be a name in the database", brief(name)))
                .hint("a name has 1 to 63 bytes and no control characters");
        }
        fits
    }

    /// The name of a role that may be PostgreSQL's own.
    fn role_name(&mut self, name: &str, span: Span) {
        if self.name(name, span) && matches!(name, "public" | "none") {
            let message = format!("`{name}` is not a role");
            self.findings
                .error(FileCode::ReservedName, span, message)
                .hint(format!("what everybody may do stands in `[source.{}.public]`", self.name));
        } else if name.starts_with(seat::ROLES) {
            self.findings
                .error(FileCode::ReservedName, span, format!("`{}` is a role that is made from here", brief(name)))
                .hint("names that begin with `tenantry:` are for the groups of SQL seats: write `tenant` of a role");
        }
    }

    fn role(&mut self, name: &str, role: &DbRole) {
        let span = self.key(&["role", name]);
        self.role_name(name, span);
        if name.starts_with("pg_") && role.mode != DbRoleMode::External {
            self.findings
                .error(FileCode::ReservedName, span, format!("`{}` is a name of PostgreSQL's own", brief(name)))
                .hint("names of roles do not begin with `pg_`; one that is there already is `mode = \"external\"`");
        }
        if role.mode == DbRoleMode::External {
            self.external(name);
        }
        if role.tenant.is_some() && role.login != Some(true) && role.mode == DbRoleMode::Managed {
            let span = self.value(&["role", name, "tenant"]);
            self.findings
                .error(FileCode::SeatWithoutLogin, span, format!("nobody can log in as `{}`", brief(name)))
                .hint("write `login = true`: a seat counts for the role that a session logged in as");
        }
        if let Some(moment) = &role.valid_until
            && moment != "infinity"
            && parse_timestamp(moment).is_none()
        {
            let span = self.value(&["role", name, "valid_until"]);
            self.findings
                .error(FileCode::BadMoment, span, format!("`{}` is not a moment", brief(moment)))
                .hint("write `2030-01-01T00:00:00Z`, or `infinity`");
        }
        self.settings(&["role", name, "settings"], &role.settings);
        for (database, settings) in &role.settings_in {
            let span = self.key(&["role", name, "settings_in", database]);
            self.name(database, span);
            self.settings(&["role", name, "settings_in", database], settings);
        }
        self.grants(&["role", name], role.grants.keys(), false);
        self.defaults(&["role", name], role.default_privileges.keys(), false);
        for group in role.member_of.keys() {
            let span = self.key(&["role", name, "member_of", group]);
            self.role_name(group, span);
        }
    }

    /// Nothing of an external role itself may stand here.
    fn external(&mut self, name: &str) {
        let path = self.path(&["role", name]);
        let Some(map) = self.root.at(&path).and_then(Node::map) else { return };
        let rights = ["mode", "grants", "default_privileges"];
        let told: Vec<(String, Span)> = map
            .iter()
            .filter(|entry| !rights.contains(&entry.key.as_str()))
            .map(|entry| (entry.key.clone(), entry.key_span))
            .collect();
        for (key, span) in told {
            let message = format!("`{}` is external, and `{key}` would alter it", brief(name));
            self.findings
                .error(FileCode::ExternalAltered, span, message)
                .hint("take it out, or write `mode = \"adopted\"` to have it from here on");
        }
    }

    fn settings(&mut self, path: &[&str], settings: &BTreeMap<String, String>) {
        for (name, value) in settings {
            let mut path = path.to_vec();
            path.push(name);
            if !is_setting(name) {
                let span = self.key(&path);
                self.findings
                    .error(FileCode::BadSetting, span, format!("`{}` is not a setting", brief(name)))
                    .hint("write `statement_timeout`, or `extension.setting`");
            }
            if value.contains('\0') {
                let span = self.value(&path);
                self.findings.error(FileCode::BadSetting, span, "the value holds a NUL");
            }
        }
    }

    fn misspelt(&mut self, text: &str, span: Span, error: &Misspelling) {
        let message = format!("`{}` names nothing: {error}", brief(text));
        self.findings.error(FileCode::BadObject, span, message).hint(error.hint());
    }

    fn grants<'b>(&mut self, path: &[&str], keys: impl Iterator<Item = &'b String>, everybody: bool) {
        let mut seen: BTreeMap<Objects, String> = BTreeMap::new();
        for key in keys {
            let mut path = path.to_vec();
            path.extend(["grants", key]);
            let span = self.key(&path);
            let objects = match Objects::parse(key) {
                Ok(objects) => objects,
                Err(error) => {
                    self.misspelt(key, span, &error);
                    continue;
                }
            };
            self.privileges(&path, objects.kind(), everybody);
            for one in each(objects) {
                if let Some(other) = seen.insert(one, key.clone())
                    && other != *key
                {
                    let message = format!("`{}` and `{}` name the same object", brief(&other), brief(key));
                    self.findings.error(FileCode::ObjectTwice, span, message).hint("keep one list");
                }
            }
        }
    }

    fn defaults<'b>(&mut self, path: &[&str], keys: impl Iterator<Item = &'b String>, everybody: bool) {
        for key in keys {
            let mut path = path.to_vec();
            path.extend(["default_privileges", key]);
            match Future::parse(key) {
                Ok(future) => {
                    self.privileges(&path, future.kind, everybody);
                    let span = self.key(&path);
                    self.role_name(&future.owner, span);
                }
                Err(error) => {
                    let span = self.key(&path);
                    self.misspelt(key, span, &error);
                }
            }
        }
    }

    /// The list of privileges at a path, each where it stands.
    fn privileges(&mut self, path: &[&str], kind: ObjectKind, everybody: bool) {
        let path = self.path(path);
        let Some(Tree::List(items)) = self.root.at(&path).map(|node| &node.value) else { return };
        let told: Vec<(String, Span)> =
            items.iter().filter_map(|item| Some((item.text()?.to_owned(), item.span))).collect();
        let mut seen = BTreeSet::new();
        for (text, span) in told {
            let known = kind.privileges();
            let named: Vec<String> = known.iter().map(|privilege| format!("`{privilege}`")).collect();
            let hint = format!("a {} has {}", kind.name(), named.join(", "));
            let Ok(right) = parse_right(&text) else {
                let message = format!("`{}` is no privilege", brief(&text));
                self.findings.error(FileCode::BadPrivilege, span, message).hint(hint);
                continue;
            };
            if let Some(privilege) = right.privilege.filter(|privilege| !known.contains(privilege)) {
                let message = format!("there is no {privilege} on a {}", kind.name());
                self.findings.error(FileCode::BadPrivilege, span, message).hint(hint);
            } else if right.grantable && everybody {
                let message = "PUBLIC cannot be given anything with the option to give it on";
                self.findings.error(FileCode::BadPrivilege, span, message).hint("leave `WITH GRANT OPTION` out");
            } else if !seen.insert(right.privilege) {
                let message = format!("`{}` stands twice in the list", brief(&text));
                self.findings.error(FileCode::BadPrivilege, span, message).hint("keep one of the two");
            }
        }
    }

    /// Roles that would be members of themselves, as far as the file alone makes them so.
    fn memberships(&mut self) {
        let mut reported: BTreeSet<&str> = BTreeSet::new();
        let source: &'a Source = self.source;
        for start in source.role.keys() {
            let mut way = vec![start.as_str()];
            if !reported.contains(start.as_str()) && Self::leads_back(source, start, &mut way) {
                reported.extend(way.iter().copied());
                let last = way.last().copied().unwrap_or(start);
                let span = self.key(&["role", last, "member_of", start]);
                way.push(start);
                let message = format!("a role would be a member of itself: {}", way.join(" -> "));
                self.findings
                    .error(FileCode::MembershipCycle, span, message)
                    .hint("`role.a.member_of.b` makes `a` a member of `b`, with what `b` may do");
            }
        }
    }

    /// Follows memberships, depth first, each role once.
    fn leads_back<'b>(source: &'b Source, start: &str, way: &mut Vec<&'b str>) -> bool {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut left: Vec<(usize, &'b str)> = way.first().map(|first| (0, *first)).into_iter().collect();
        while let Some((depth, role)) = left.pop() {
            way.truncate(depth);
            way.push(role);
            let Some(declared) = source.role.get(role) else { continue };
            for next in declared.member_of.keys() {
                if next == start {
                    return true;
                }
                if seen.insert(next) {
                    left.push((depth + 1, next));
                }
            }
        }
        false
    }

    /// Databases, schemas, extensions, owners.
    fn things(&mut self) {
        let source = self.source;
        for (name, database) in &source.database {
            let span = self.key(&["database", name]);
            self.name(name, span);
            self.settings(&["database", name, "settings"], &database.settings);
            self.owner(database.owner.as_deref(), &["database", name, "owner"]);
        }
        for (name, schema) in &source.schema {
            let span = self.key(&["schema", name]);
            if self.name(name, span) && name.starts_with("pg_") {
                let message = format!("`{}` is a name of PostgreSQL's own", brief(name));
                self.findings
                    .error(FileCode::ReservedName, span, message)
                    .hint("names of schemas do not begin with `pg_`");
            }
            self.owner(schema.owner.as_deref(), &["schema", name, "owner"]);
        }
        for (name, extension) in &source.extension {
            let span = self.key(&["extension", name]);
            self.name(name, span);
            if let Some(schema) = &extension.schema {
                let span = self.value(&["extension", name, "schema"]);
                self.name(schema, span);
            }
        }
        let mut seen: BTreeMap<Object, &str> = BTreeMap::new();
        for (key, owner) in &source.owner {
            self.owner(Some(owner), &["owner", key]);
            let span = self.key(&["owner", key]);
            match Object::parse(key) {
                Ok(Object::Column { .. } | Object::Parameter(_)) => {
                    self.findings
                        .error(FileCode::BadObject, span, format!("`{}` has no owner of its own", brief(key)))
                        .hint("a column belongs to its table's owner; a parameter has none");
                }
                Ok(object) => {
                    if let Some(other) = seen.insert(object, key) {
                        let message = format!("`{}` and `{}` name the same object", brief(other), brief(key));
                        self.findings.error(FileCode::ObjectTwice, span, message).hint("keep one");
                    }
                }
                Err(error) => self.misspelt(key, span, &error),
            }
        }
    }

    fn owner(&mut self, owner: Option<&str>, path: &[&str]) {
        if let Some(owner) = owner {
            let span = self.value(path);
            self.role_name(owner, span);
        }
    }

    fn row_security(&mut self, document: &Document) {
        let source = self.source;
        let governed: BTreeSet<String> = document
            .table
            .values()
            .filter_map(|table| table.source.strip_prefix(self.name)?.strip_prefix('.'))
            .map(|place| if place.contains('.') { place.to_owned() } else { ["public.", place].concat() })
            .collect();
        for (key, declared) in &source.row_security {
            let span = self.key(&["row_security", key]);
            match Object::parse(key) {
                Ok(Object::Table { schema, name }) => {
                    if governed.contains(&[schema.as_str(), ".", &name].concat()) {
                        let message = format!("row security of `{}` is made from the rules of its table", brief(key));
                        self.findings
                            .error(FileCode::BadPolicy, span, message)
                            .hint("write a `require`, `permit` or `bypass` of the table instead");
                    }
                }
                Ok(_) => {
                    let message = format!("`{}` is not a table", brief(key));
                    self.findings.error(FileCode::BadObject, span, message).hint("write `public.orders`");
                }
                Err(error) => self.misspelt(key, span, &error),
            }
            for (name, policy) in &declared.policy {
                self.policy(key, name, policy);
            }
        }
    }

    fn policy(&mut self, table: &str, name: &str, policy: &DbPolicy) {
        let span = self.key(&["row_security", table, "policy", name]);
        self.name(name, span);
        let (has_using, has_check) = (policy.using.is_some(), policy.check.is_some());
        let fault = match policy.command {
            _ if name.starts_with("tenantry:") => Some("the name begins with `tenantry:`"),
            DbCommand::Select | DbCommand::Delete if has_check => Some("there is no new row to check"),
            DbCommand::Select | DbCommand::Delete if !has_using => Some("`using` is missing"),
            DbCommand::Insert if has_using => Some("there is no old row, so `using` says nothing"),
            DbCommand::Insert if !has_check => Some("`check` is missing"),
            DbCommand::All | DbCommand::Update if !(has_using || has_check) => Some("`using` is missing"),
            _ => None,
        };
        if let Some(fault) = fault {
            let message = format!("policy `{}` cannot be: {fault}", brief(name));
            self.findings
                .error(FileCode::BadPolicy, span, message)
                .hint("select and delete have `using`, insert has `check`, update and all have one of them or both");
        }
        for text in policy.using.iter().chain(&policy.check) {
            if let Some(fault) = expression_fault(text) {
                let message = format!("policy `{}` cannot be: {fault}", brief(name));
                self.findings
                    .error(FileCode::BadPolicy, span, message)
                    .hint("write one expression, as it stands between the parentheses of USING");
            }
        }
        let path = ["row_security", table, "policy", name, "to"];
        for role in &policy.to {
            let span = self.value(&path);
            if role != "public" {
                self.role_name(role, span);
            }
        }
    }
}

/// Can a text be the name of a setting: `statement_timeout`, `extension.setting`?
#[must_use]
pub fn is_setting(name: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '$'))
    };
    name.len() <= 63 && name.split('.').all(part)
}

fn each(objects: Objects) -> Vec<Objects> {
    match objects {
        Objects::Columns { schema, table, columns } => columns
            .into_iter()
            .map(|name| Objects::One(Object::Column { schema: schema.clone(), table: table.clone(), name }))
            .collect(),
        other => vec![other],
    }
}

/// Why a text cannot stand between two parentheses: parentheses that close nothing, quotes left open, comments.
/// What is inside is the file's author's own; that it ends where it should is ours.
#[must_use]
pub fn expression_fault(text: &str) -> Option<&'static str> {
    let mut depth = 0_u32;
    let mut chars = text.chars().peekable();
    // The two characters before: an `E` that no name ends with makes a backslash mean something in the string.
    let (mut older, mut last) = (' ', ' ');
    while let Some(c) = chars.next() {
        let escapes =
            c == '\'' && matches!(last, 'e' | 'E') && !(older.is_alphanumeric() || matches!(older, '_' | '$' | '"'));
        (older, last) = (last, c);
        match c {
            '\0' => return Some("it holds a NUL"),
            '\'' | '"' => loop {
                match chars.next() {
                    Some('\\') if escapes => drop(chars.next()),
                    Some(next) if next == c => break,
                    Some(_) => {}
                    None => return Some("a quote is not closed"),
                }
            },
            '\\' => return Some("it holds a backslash, which means different things in different strings"),
            '$' if chars.peek().is_some_and(|next| *next == '$' || next.is_alphabetic() || *next == '_') => {
                return Some("it holds a string in dollars");
            }
            '-' if chars.peek() == Some(&'-') => return Some("it holds a comment"),
            '/' if chars.peek() == Some(&'*') => return Some("it holds a comment"),
            ';' => return Some("it holds a semicolon"),
            '(' => depth += 1,
            ')' => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return Some("a parenthesis closes nothing"),
            },
            _ => {}
        }
    }
    match (depth, text.trim().is_empty()) {
        (_, true) => Some("it is empty"),
        (0, _) => None,
        _ => Some("a parenthesis is not closed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_ends_where_it_should() {
        for good in [
            "tenant = 'a''b;)('",
            "a = E'it\\'s ; )' AND b = 'c\\'",
            "ae' , ' = type'x\\'",
            "(a OR b) AND \"x)\" = 1",
            "a IN (SELECT b FROM public.c)",
            "a - -1 > 2",
        ] {
            assert_eq!(expression_fault(good), None, "{good}");
        }
        for bad in [
            "",
            "  ",
            "true) TO PUBLIC; DROP TABLE x; --",
            "(a",
            "a)",
            "'a",
            "a -- b",
            "a /* b",
            "a; b",
            "E'\\', ') TO PUBLIC; DROP TABLE x; --'",
            "a = e'\\'",
            "x=E'\\\\') TO PUBLIC; --'",
            "$x$ ) $x$ = a",
        ] {
            assert!(expression_fault(bad).is_some(), "{bad}");
        }
    }
}
