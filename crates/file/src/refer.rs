//! What names what, as far as the file alone can tell: roles, accounts, audiences, tools, sources.

use std::collections::BTreeSet;

use tenantry_policy::Tool;
use tenantry_policy::attribute::AttrPath;
use tenantry_policy::condition::parse_attr_path;

use crate::code::FileCode;
use crate::diagnostic::Findings;
use crate::model::{Document, Model, OWN_APIS, OWN_ROLES, TableDecl, UpstreamKind};
use crate::span::Span;
use crate::tree::{Node, Tree};
use crate::words::{self, brief, suggest};

/// Checks every name that the file defines in one place and uses in another.
pub(crate) fn check(document: &Document, root: &Node, findings: &mut Findings) {
    let mut checker = Checker { document, root, findings };
    checker.ids();
    checker.people();
    checker.apis();
    checker.tools();
    checker.reach();
    checker.collector();
    for (name, table) in &document.table {
        checker.table(name.as_str(), table);
    }
}

struct Checker<'a> {
    document: &'a Document,
    root: &'a Node,
    findings: &'a mut Findings,
}

impl Checker<'_> {
    /// Ids that a token may carry.
    fn ids(&mut self) {
        let mut spans = Vec::new();
        let mut collect = |path: &[&str]| {
            if let Some(map) = self.root.at(path).and_then(Node::map) {
                spans.extend(map.iter().map(|entry| (entry.key.clone(), entry.key_span)));
            }
        };
        ["role", "account", "principal", "api", "user", "connection", "model"]
            .iter()
            .for_each(|section| collect(&[section]));
        for (id, account) in &self.document.account {
            collect(&["account", id, "user"]);
            collect(&["account", id, "workspace"]);
            account.workspace.keys().for_each(|workspace| collect(&["account", id, "workspace", workspace, "user"]));
        }
        for (id, span) in spans {
            if !words::fit_id(&id) {
                self.findings
                    .error(FileCode::BadName, span, "this cannot be an id")
                    .hint("an id has 1 to 256 bytes, no control characters, and no blank at either end");
            }
        }
    }

    fn people(&mut self) {
        for (id, account) in &self.document.account {
            if let Some(parent) = &account.parent {
                self.account(parent, self.root.span_of(&["account", id, "parent"]));
            }
            for user in account.user.keys() {
                self.roles(&["account", id, "user", user, "roles"]);
            }
            for (workspace_id, workspace) in &account.workspace {
                for user in workspace.user.keys() {
                    self.roles(&["account", id, "workspace", workspace_id, "user", user, "roles"]);
                }
            }
        }
        self.parents();
        for id in self.document.principal.keys() {
            self.roles(&["principal", id, "roles"]);
            for (account, span) in self.items(&["principal", id, "accounts"]) {
                if account != "*" {
                    self.account(&account, span);
                }
            }
        }
        for (name, source) in &self.document.source {
            for (role, declared) in &source.role {
                if let Some(tenant) = &declared.tenant {
                    self.account(tenant, self.root.span_of(&["source", name.as_str(), "role", role, "tenant"]));
                }
            }
        }
    }

    fn account(&mut self, account: &str, span: Span) {
        if !self.document.account.contains_key(account) {
            let known = self.document.account.keys().map(String::as_str);
            self.findings
                .error(FileCode::UnknownAccount, span, format!("there is no account `{}`", brief(account)))
                .maybe_hint(suggest(account, known));
        }
    }

    /// Accounts that are above themselves.
    fn parents(&mut self) {
        let mut reported = BTreeSet::new();
        for id in self.document.account.keys() {
            let mut seen = vec![id.as_str()];
            let mut here = id.as_str();
            while let Some(parent) = self.document.account.get(here).and_then(|account| account.parent.as_deref()) {
                if parent == id {
                    if seen.iter().any(|account| reported.contains(account)) {
                        break;
                    }
                    reported.extend(seen.iter().copied());
                    seen.push(parent);
                    let span = self.root.span_of(&["account", id, "parent"]);
                    let message = format!("the accounts are above themselves: {}", seen.join(" -> "));
                    self.findings.error(FileCode::AccountCycle, span, message);
                    break;
                }
                if seen.contains(&parent) {
                    break;
                }
                seen.push(parent);
                here = parent;
            }
        }
    }

    /// The texts of a list and where they stand.
    fn items(&self, path: &[&str]) -> Vec<(String, Span)> {
        match self.root.at(path).map(|node| &node.value) {
            Some(Tree::List(items)) => {
                items.iter().filter_map(|item| Some((item.text()?.to_owned(), item.span))).collect()
            }
            _ => Vec::new(),
        }
    }

    fn roles(&mut self, path: &[&str]) {
        for (role, span) in self.items(path) {
            let is_own = OWN_ROLES.iter().any(|(own, _)| *own == role);
            if !is_own && !self.document.role.contains_key(&role) {
                let known = self.document.role.keys().map(String::as_str);
                let hint = suggest(&role, known).unwrap_or_else(|| format!("define it: `[role.{}]`", brief(&role)));
                self.findings
                    .error(FileCode::UnknownRole, span, format!("there is no role `{}`", brief(&role)))
                    .hint(hint);
            }
        }
    }

    fn apis(&mut self) {
        for (name, role) in &self.document.role {
            for api in role.permissions.keys() {
                let path = ["role", name, "permissions", api];
                self.api(api, self.root.key_span_of(&path));
                for (permission, span) in self.items(&path) {
                    self.permission(api, &permission, span);
                }
            }
        }
        for (name, model) in &self.document.model {
            let api_span = self.root.span_of(&["model", name, "api"]);
            self.api(&model.api, api_span);
            self.permission(&model.api, &model.requires, self.root.span_of(&["model", name, "requires"]));
            self.upstreams(name, model);
        }
    }

    /// Where a model's calls go: somewhere, and nowhere in the clear by accident.
    fn upstreams(&mut self, name: &str, model: &Model) {
        let span = self.root.key_span_of(&["model", name]);
        let mut wrong = |message: String, hint: &str| {
            self.findings.error(FileCode::BadUpstream, span, message).hint(hint);
        };
        if model.targets().all(|upstream| upstream.weight == Some(0)) {
            wrong(
                format!("model `{}` has no upstream that calls go to", brief(name)),
                "write `upstream = { kind = \"openai\", url = \"https://…/v1\", key = \"env:NAME\" }`, with a weight above 0",
            );
        }
        for upstream in model.targets() {
            let url = upstream.url.as_str();
            if (upstream.kind == UpstreamKind::Echo) != (url == "builtin:echo") {
                wrong(
                    format!("an upstream of model `{}` has a kind and an address that do not fit", brief(name)),
                    "`builtin:echo` is the address of the kind `echo`, and of no other",
                );
            }
            if url.starts_with("http://") && !upstream.without_tls && !words::on_this_machine(url) {
                wrong(
                    format!("an upstream of model `{}` would be asked without TLS", brief(name)),
                    "write `https://…`; `without_tls = true` says that the network in between may read it all",
                );
            }
            if upstream.key.as_ref().and_then(words::Secret::parse) == Some(words::SecretRef::Generate) {
                wrong(
                    format!("the key of an upstream of model `{}` cannot be generated", brief(name)),
                    "the upstream gives it; write `env:NAME` or `file:PATH`",
                );
            }
        }
    }

    /// Where figures go: nowhere in the clear by accident.
    fn collector(&mut self) {
        let platform = self.document.platform.as_ref();
        let Some(otlp) = platform.and_then(|platform| platform.metrics.otlp.as_ref()) else { return };
        let at = |rest: &[&'static str]| self.root.span_of(&[&["platform", "metrics", "otlp"], rest].concat());
        let url = otlp.endpoint.as_str();
        if url.starts_with("http://") && !otlp.without_tls && !words::on_this_machine(url) {
            let message = "the collector of figures would be told without TLS".to_owned();
            self.findings.error(FileCode::BadUpstream, at(&["endpoint"]), message).hint(
                "write `https://…`; `without_tls = true` says that the network in between may read figures and headers",
            );
        }
        if otlp.headers.values().any(|value| value.parse() == Some(words::SecretRef::Generate)) {
            let message = "a header for the collector cannot be generated".to_owned();
            self.findings
                .error(FileCode::BadUpstream, at(&["headers"]), message)
                .hint("the collector says what it wants; write `env:NAME` or `file:PATH`");
        }
    }

    fn api(&mut self, api: &str, span: Span) {
        if !self.document.api.contains_key(api) && !OWN_APIS.contains(&api) {
            let known = self.document.api.keys().map(String::as_str);
            self.findings
                .error(FileCode::UnknownApi, span, format!("there is no audience `{}`", brief(api)))
                .maybe_hint(suggest(api, known).or_else(|| Some(format!("define it: `[api.\"{}\"]`", brief(api)))));
        }
    }

    fn permission(&mut self, api: &str, permission: &str, span: Span) {
        let Some(declared) = self.document.api.get(api) else { return };
        if !declared.permissions.contains_key(permission) {
            let known = declared.permissions.keys().map(String::as_str);
            self.findings
                .error(
                    FileCode::UnknownPermission,
                    span,
                    format!("the audience declares no permission `{}`", brief(permission)),
                )
                .maybe_hint(suggest(permission, known));
        }
    }

    fn tools(&mut self) {
        for name in self.document.role.keys() {
            for (tool, span) in self.items(&["role", name, "tools"]) {
                let Some((table, verb)) = tool.split_once('.') else {
                    self.findings
                        .error(FileCode::UnknownTool, span, format!("`{}` is not a tool of a table", brief(&tool)))
                        .hint("write `table.tool`, such as `orders.query`, or `table.*`");
                    continue;
                };
                if !self.document.table.contains_key(table) {
                    let known = self.document.table.keys().map(words::Name::as_str);
                    self.findings
                        .error(FileCode::ToolOnUnknownTable, span, format!("no table `{}` is governed", brief(table)))
                        .maybe_hint(suggest(table, known));
                }
                if verb != "*" && Tool::parse(verb).is_none() {
                    self.findings
                        .error(FileCode::UnknownTool, span, format!("there is no tool `{}`", brief(verb)))
                        .maybe_hint(suggest(verb, Tool::ALL.iter().map(|tool| tool.name())));
                }
            }
        }
    }

    fn reach(&mut self) {
        for kind in ["read", "write"] {
            for (path, span) in self.items(&["tenancy", "reach", kind]) {
                if !matches!(parse_attr_path(&path), Ok(AttrPath::Metadata(_))) {
                    self.findings
                        .error(FileCode::BadReach, span, format!("`{}` is not a list of the principal", brief(&path)))
                        .hint("write a list attribute, such as `principal.metadata.tenant_hierarchy`");
                }
            }
        }
    }

    fn table(&mut self, name: &str, table: &TableDecl) {
        let source = table.source.split('.').next().unwrap_or("");
        let span = self.root.span_of(&["table", name, "source"]);
        if !self.document.source.contains_key(source) {
            let known = self.document.source.keys().map(words::Name::as_str);
            let hint = suggest(source, known).unwrap_or_else(|| format!("define it: `[source.{}]`", brief(source)));
            self.findings
                .error(FileCode::UnknownSource, span, format!("there is no source `{}`", brief(source)))
                .hint(hint);
        } else if !table.source.split_once('.').is_some_and(|(_, rest)| rest.split('.').all(|part| !part.is_empty())) {
            self.findings
                .error(FileCode::UnknownTable, span, "the table of the source is missing")
                .hint("write `main.public.orders`, or `main.orders` for the default schema");
        }
        let own = self.root.key_span_of(&["table", name]);
        if table.scope.is_empty() && table.shared.is_none() {
            self.findings
                .error(FileCode::NoScope, own, format!("table `{name}` has neither `scope` nor `shared`"))
                .hint(
                    "say whose rows these are, `scope = { tenant_id = \"principal.tenant_id\" }`, or that every tenant may read them, `shared = \"TRUE\"`",
                );
        } else if !table.scope.is_empty() && !table.scope.values().any(|path| path == "principal.tenant_id") {
            let span = self.root.key_span_of(&["table", name, "scope"]);
            self.findings
                .error(FileCode::ScopeWithoutTenant, span, format!("the scope of `{name}` does not name the tenant"))
                .hint("add the column that holds the tenant: `tenant_id = \"principal.tenant_id\"`");
        }
        for (relation, declared) in &table.relations {
            if !self.document.table.contains_key(declared.table.as_str()) {
                let span = self.root.span_of(&["table", name, "relations", relation.as_str(), "table"]);
                let known = self.document.table.keys().map(words::Name::as_str);
                self.findings
                    .error(FileCode::UnknownRelationTable, span, format!("no table `{}` is governed", declared.table))
                    .maybe_hint(suggest(declared.table.as_str(), known));
            }
        }
        self.roles(&["table", name, "write", "approval", "roles"]);
    }
}
