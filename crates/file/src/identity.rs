//! What the sections on identity say of each other: levels of roles, who a user is, what clients may ask, and
//! what does not go together.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::code::FileCode;
use crate::diagnostic::Findings;
use crate::model::{ApiAlgorithm, ClientKind, DEFAULT_CONNECTION, Document, Level, OWN_APIS, OWN_ROLES};
use crate::span::{Files, Span};
use crate::tree::{Node, Tree};
use crate::words::{Millis, brief, suggest};

/// Options of connections that are secret, whatever the strategy.
const SECRET_OPTIONS: [&str; 14] = [
    "client_secret",
    "app_secret",
    "twilio_token",
    "api_key",
    "access_token",
    "access_token_secret",
    "consumer_secret",
    "auth_token",
    "password",
    "bind_password",
    "signing_key",
    "decryptionKey",
    "configuration",
    "bareConfiguration",
];

/// Where a role is held: as it says, or where people hold it.
pub(crate) fn level(document: &Document, role: &str) -> Level {
    let declared = document.role.get(role).and_then(|role| role.level);
    declared.unwrap_or_else(|| {
        let holds = |roles: &[String]| roles.iter().any(|held| held == role);
        let in_workspaces = || {
            let workspaces = document.account.values().flat_map(|account| account.workspace.values());
            workspaces.flat_map(|workspace| workspace.user.values()).any(|member| holds(&member.roles))
        };
        let in_accounts =
            || document.account.values().flat_map(|account| account.user.values()).any(|member| holds(&member.roles));
        let on_platform = || document.principal.values().any(|principal| holds(&principal.roles));
        if in_accounts() {
            Level::Account
        } else if in_workspaces() {
            Level::Workspace
        } else if on_platform() {
            Level::Platform
        } else {
            Level::Account
        }
    })
}

/// Checks the sections on identity.
pub(crate) fn check(document: &Document, root: &Node, files: &mut Files, findings: &mut Findings) {
    let mut checker = Checker { document, root, findings, levels: BTreeMap::new() };
    checker.platform();
    checker.apis();
    checker.holders();
    checker.people();
    checker.accounts();
    checker.clients();
    let hidden = checker.connections();
    hidden.into_iter().for_each(|span| files.hide(span));
}

struct Checker<'a> {
    document: &'a Document,
    root: &'a Node,
    findings: &'a mut Findings,
    levels: BTreeMap<&'a str, Level>,
}

impl<'a> Checker<'a> {
    /// A duration in whole units, no longer than the longest.
    fn whole(&mut self, path: &[&str], given: Option<&Millis>, unit: (u64, &str), most: (u64, &str)) {
        let Some(duration) = given.and_then(Millis::duration) else { return };
        let fits = duration.as_secs().checked_rem(unit.0) == Some(0)
            && duration.subsec_nanos() == 0
            && !duration.is_zero()
            && duration <= Duration::from_secs(most.0);
        if !fits {
            let message = format!("this takes whole {}, at least one and at most {}", unit.1, most.1);
            self.findings.error(FileCode::OutOfRange, self.root.span_of(path), message);
        }
    }

    fn platform(&mut self) {
        let Some(platform) = &self.document.platform else { return };
        for (name, given) in [
            ("session_lifetime", &platform.session_lifetime),
            ("idle_session_lifetime", &platform.idle_session_lifetime),
            ("ephemeral_session_lifetime", &platform.ephemeral_session_lifetime),
            ("idle_ephemeral_session_lifetime", &platform.idle_ephemeral_session_lifetime),
        ] {
            self.whole(&["platform", name], given.as_ref(), (60, "minutes"), (365 * 86_400, "365d"));
        }
        if let Some(audience) = &platform.default_audience {
            self.api(audience, self.root.span_of(&["platform", "default_audience"]));
        }
        if let Some(name) = &platform.default_directory {
            self.connection(name, self.root.span_of(&["platform", "default_directory"]));
        }
    }

    fn apis(&mut self) {
        for (id, api) in &self.document.api {
            for (name, given) in
                [("token_lifetime", &api.token_lifetime), ("token_lifetime_for_web", &api.token_lifetime_for_web)]
            {
                self.whole(&["api", id, name], given.as_ref(), (1, "seconds"), (30 * 86_400, "30d"));
            }
            let shares = api.signing_algorithm == Some(ApiAlgorithm::HS256);
            if api.signing_secret.is_some() && !shares {
                self.findings
                    .error(
                        FileCode::DoesNotGoTogether,
                        self.root.key_span_of(&["api", id, "signing_secret"]),
                        "only HS256 signs with a secret",
                    )
                    .hint("write `signing_algorithm = \"HS256\"`, or leave the secret out");
            }
            if OWN_APIS.contains(&id.as_str()) {
                self.findings
                    .error(
                        FileCode::DefinedTwice,
                        self.root.key_span_of(&["api", id]),
                        format!("`{id}` is one of Tenantry's own APIs"),
                    )
                    .hint("an API's identifier is best an address, such as `https://models.example`");
            }
        }
    }

    /// Everybody who holds roles somewhere, against the roles' levels.
    fn holders(&mut self) {
        for name in self.document.role.keys() {
            self.levels.insert(name, level(self.document, name));
        }
        for (name, level) in OWN_ROLES {
            if self.document.role.contains_key(name) {
                self.findings
                    .error(
                        FileCode::DefinedTwice,
                        self.root.key_span_of(&["role", name]),
                        format!("`{name}` is one of Tenantry's own roles"),
                    )
                    .hint("people may hold it as it is; choose another name for one of your own");
            }
            self.levels.insert(name, level);
        }
        for (account_id, account) in &self.document.account {
            for user in account.user.keys() {
                self.held(&["account", account_id, "user", user, "roles"], Level::Account);
            }
            for (workspace_id, workspace) in &account.workspace {
                for user in workspace.user.keys() {
                    let path = ["account", account_id, "workspace", workspace_id, "user", user, "roles"];
                    self.held(&path, Level::Workspace);
                }
            }
        }
        for id in self.document.principal.keys() {
            self.held(&["principal", id, "roles"], Level::Platform);
        }
    }

    fn held(&mut self, path: &[&str], at: Level) {
        for (role, span) in self.items(path) {
            let Some(level) = self.levels.get(role.as_str()).copied() else { continue };
            let fits = level == at || (at == Level::Platform && level == Level::Account);
            if !fits {
                let message =
                    format!("role `{}` is held at the level {}, not {}", brief(&role), level.name(), at.name());
                self.findings.error(FileCode::RoleLevel, span, message).hint(format!(
                    "define another role for this level, or write `level = \"{}\"` at `[role.{}]` when nobody holds it \
                     elsewhere",
                    at.name(),
                    brief(&role)
                ));
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

    fn people(&mut self) {
        for (id, user) in &self.document.user {
            if let Some(connection) = &user.connection {
                self.connection(connection, self.root.span_of(&["user", id, "connection"]));
            }
        }
        for (account_id, account) in &self.document.account {
            for user in account.user.keys() {
                self.said_once(&["account", account_id, "user", user], user);
            }
            for (workspace_id, workspace) in &account.workspace {
                for user in workspace.user.keys() {
                    self.said_once(&["account", account_id, "workspace", workspace_id, "user", user], user);
                }
            }
        }
        for id in self.document.principal.keys() {
            if self.document.user.get(id).is_some_and(|user| !user.app_metadata.is_empty())
                && self.root.at(&["principal", id, "metadata"]).is_some()
            {
                self.twice(&["principal", id, "metadata"], id);
            }
        }
    }

    fn said_once(&mut self, path: &[&str], id: &str) {
        if !self.document.user.contains_key(id) {
            return;
        }
        for name in ["display_name", "user_metadata", "app_metadata"] {
            let path = [path, &[name]].concat();
            if self.root.at(&path).is_some() {
                self.twice(&path, id);
            }
        }
    }

    fn twice(&mut self, path: &[&str], id: &str) {
        let span = self.root.key_span_of(path);
        let message = format!("who `{}` is stands under `[user.…]` already", brief(id));
        let hint = format!("move it to `[user.{}]`", brief(id));
        self.findings.error(FileCode::UserSaidTwice, span, message).hint(hint);
    }

    fn accounts(&mut self) {
        let mut names: BTreeMap<&str, &str> = BTreeMap::new();
        for (id, account) in &self.document.account {
            let name = account.name.as_deref().unwrap_or(id);
            let path = ["account", id, "name"];
            if account.name.is_some() && !fit_account_name(name) {
                self.findings
                    .error(FileCode::BadName, self.root.span_of(&path), format!("`{}` is not a name", brief(name)))
                    .hint("an account's name has 1 to 50 of a-z, 0-9, `-` and `_`, and begins with a letter or digit");
            }
            if let Some(other) = names.insert(name, id) {
                let message = format!("account `{}` has the name `{}` already", brief(other), brief(name));
                let span = if account.name.is_some() {
                    self.root.span_of(&path)
                } else {
                    self.root.key_span_of(&["account", id])
                };
                self.findings.error(FileCode::NameTaken, span, message);
            }
            for connection in account.connection.keys() {
                self.connection(connection, self.root.key_span_of(&["account", id, "connection", connection]));
            }
        }
    }

    fn api(&mut self, api: &str, span: Span) {
        if !self.document.api.contains_key(api) && !OWN_APIS.contains(&api) {
            let known = self.document.api.keys().map(String::as_str).chain(OWN_APIS);
            self.findings
                .error(FileCode::UnknownApi, span, format!("there is no audience `{}`", brief(api)))
                .maybe_hint(suggest(api, known).or_else(|| Some(format!("define it: `[api.\"{}\"]`", brief(api)))));
        }
    }

    fn connection(&mut self, name: &str, span: Span) {
        if name != DEFAULT_CONNECTION && !self.document.connection.contains_key(name) {
            let known = self.document.connection.keys().map(String::as_str).chain([DEFAULT_CONNECTION]);
            let hint = suggest(name, known).unwrap_or_else(|| format!("define it: `[connection.{}]`", brief(name)));
            self.findings
                .error(FileCode::UnknownConnection, span, format!("there is no connection `{}`", brief(name)))
                .hint(hint);
        }
    }

    fn clients(&mut self) {
        for (name, client) in &self.document.client {
            let path = |key: &'static str| ["client", name.as_str(), key];
            let public = matches!(client.kind, ClientKind::Spa | ClientKind::Native);
            let mut apart = |key: &'static str, message: &str, hint: &str| {
                let span = self.root.key_span_of(&path(key));
                self.findings.error(FileCode::DoesNotGoTogether, span, message).hint(hint);
            };
            if public && client.secret.is_some() {
                apart("secret", "a client of this kind cannot keep a secret", "leave it out, or choose another `kind`");
            }
            if !client.keys.is_empty() && client.authentication.is_some() {
                apart("authentication", "the client has keys", "one that signs shows who it is by that alone");
            }
            if !client.keys.is_empty() && client.secret.is_some() {
                apart("secret", "the client has keys", "one that signs needs no secret");
            }
            if client.metadata.len() > 10 {
                apart("metadata", "a client keeps at most ten texts", "keep them elsewhere");
            }
            self.whole(
                &path("id_token_lifetime"),
                client.id_token_lifetime.as_ref(),
                (1, "seconds"),
                (30 * 86_400, "30d"),
            );
            if let Some(refresh) = &client.refresh_token {
                for (key, given) in [("lifetime", &refresh.lifetime), ("idle_lifetime", &refresh.idle_lifetime)] {
                    let path = ["client", name.as_str(), "refresh_token", key];
                    self.whole(&path, given.as_ref(), (1, "seconds"), (4_980 * 86_400, "4980d"));
                }
            }
            for (api, grant) in &client.grant {
                self.grant(&["client", name.as_str(), "grant", api], api, grant);
            }
        }
    }

    fn grant(&mut self, path: &[&str], api: &str, grant: &crate::model::ClientGrant) {
        self.api(api, self.root.key_span_of(path));
        if let Some(declared) = self.document.api.get(api) {
            for (permission, span) in self.items(&[path, &["permissions"]].concat()) {
                if !declared.permissions.contains_key(&permission) {
                    let known = declared.permissions.keys().map(String::as_str);
                    let message = format!("the audience declares no permission `{}`", brief(&permission));
                    self.findings
                        .error(FileCode::UnknownPermission, span, message)
                        .maybe_hint(suggest(&permission, known));
                }
            }
        }
        for (account, span) in self.items(&[path, &["accounts"]].concat()) {
            if account != "*" && !self.document.account.contains_key(&account) {
                let known = self.document.account.keys().map(String::as_str);
                self.findings
                    .error(FileCode::UnknownAccount, span, format!("there is no account `{}`", brief(&account)))
                    .maybe_hint(suggest(&account, known));
            }
        }
        if !grant.accounts.is_empty() && grant.organization_usage == Some(crate::model::OrganizationUsage::Deny) {
            self.findings
                .error(
                    FileCode::DoesNotGoTogether,
                    self.root.key_span_of(&[path, &["accounts"]].concat()),
                    "the grant is for no account",
                )
                .hint("write `organization_usage = \"allow\"`, or leave the accounts out");
        }
    }

    /// Answers the places of secrets that stand in the file.
    fn connections(&mut self) -> Vec<Span> {
        let mut hidden = Vec::new();
        for (name, connection) in &self.document.connection {
            if name == DEFAULT_CONNECTION && connection.strategy != "auth0" {
                self.findings
                    .error(
                        FileCode::UnknownWord,
                        self.root.span_of(&["connection", name, "strategy"]),
                        "this connection is there from the start, and its strategy is `auth0`",
                    )
                    .hint("choose another name for the connection");
            }
            for (client, span) in self.items(&["connection", name, "clients"]) {
                if !self.document.client.contains_key(client.as_str()) {
                    let known = self.document.client.keys().map(crate::words::Name::as_str);
                    let hint =
                        suggest(&client, known).unwrap_or_else(|| format!("define it: `[client.{}]`", brief(&client)));
                    self.findings
                        .error(FileCode::UnknownClient, span, format!("there is no client `{}`", brief(&client)))
                        .hint(hint);
                }
            }
            for option in connection.options.keys().filter(|option| SECRET_OPTIONS.contains(&option.as_str())) {
                let path = ["connection", name, "options", option];
                hidden.push(self.root.span_of(&path));
                self.findings
                    .error(FileCode::LiteralSecret, self.root.key_span_of(&path), "a secret stands in the file")
                    .hint(format!(
                        "write `secret_options = {{ {option} = \"env:NAME\" }}`, and replace the secret if the file was \
                         ever shared"
                    ));
            }
        }
        hidden
    }
}

fn fit_account_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.len() <= 50
        && name.bytes().next().is_some_and(fits)
        && name.bytes().all(|byte| fits(byte) || matches!(byte, b'-' | b'_'))
}
