//! What requests ask of PostgreSQL, as it plans and counts it itself (`auto_explain`): no query per item, and no list
//! that reads a large table to answer a page of it.

use std::fmt::Write as _;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tenantry_identity::{Audience, Subject, contexts};
use tenantry_server::{endpoints, operations};

use crate::generated::world::{World, encoded};
use crate::jobs;
use crate::site::Site;
use crate::support::database::Database;

/// Rows of the large tables.
const LARGE: usize = 20_000;

/// Rows that a request may touch for a page of 10 or 50, whatever the tables hold.
const TOUCHED: f64 = 2_500.0;

/// Lists that read more than their page, and why.
const READS_MORE: &[(&str, &str)] = &[
    ("/api/v2/client-grants?include_totals", "counts the grants: there are as many as clients"),
    ("/api/v2/clients?include_totals", "counts the clients: a platform has hundreds"),
    ("/api/v2/clients?app_type", "looks through the clients: a platform has hundreds"),
    ("/api/v2/device-credentials?include_totals", "everybody's, counted; tools ask for one user's"),
    ("/api/v2/grants?include_totals", "everybody's, counted; tools ask for one user's"),
    ("/api/v2/logs?include_totals", "counts the events of the days that are kept"),
];

/// The plans that PostgreSQL told since somebody looked.
struct Plans(Mutex<Vec<String>>);

static PLANS: Plans = Plans(Mutex::new(Vec::new()));

impl log::Log for Plans {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.target().starts_with("tokio_postgres")
    }

    fn log(&self, record: &log::Record<'_>) {
        let text = record.args().to_string();
        if self.enabled(record.metadata()) && text.contains("plan:") {
            self.0.lock().push(text);
        }
    }

    fn flush(&self) {}
}

impl Plans {
    /// Those told since the last look, without what goes on by itself: records, log events, looks for changes.
    fn taken(&self) -> Vec<String> {
        let by_itself = ["tenantry_audit", "tenantry_log (", "tenantry_change"];
        let all = std::mem::take(&mut *self.0.lock());
        all.into_iter().filter(|plan| !by_itself.iter().any(|name| statement(plan).contains(name))).collect()
    }
}

fn statement(plan: &str) -> &str {
    plan.lines().find_map(|line| line.trim_start().strip_prefix("Query Text: ")).unwrap_or(plan)
}

/// What of a plan reads too much.
fn too_much(plan: &str) -> Option<String> {
    plan.lines().find_map(|line| {
        let number = |before: &str| -> Option<f64> {
            let rest = line.split_once(before)?.1;
            rest.split(|c: char| !(c.is_ascii_digit() || c == '.')).next()?.parse().ok()
        };
        let rows = number("actual rows=").unwrap_or(0.0) * number("loops=").unwrap_or(1.0);
        let removed = number("Rows Removed by Filter: ").unwrap_or(0.0);
        (rows > TOUCHED || removed > TOUCHED).then(|| line.trim().to_owned())
    })
}

/// Fills the tables of somebody who has been there for long.
async fn fill(database: &Database, world: &World<'_>) {
    let client = database.client().await;
    let (account, role, user) = (&world.account, &world.role, world.known.formats["user-id"].as_str().unwrap());
    let mut sql = String::new();
    let n = LARGE;
    // One account, one role and one user with much, among many with little.
    write!(
        sql,
        "INSERT INTO tenantry_account SELECT 'org_f' || i, 'f' || i, 'f' || i, 'F' || i, NULL, 'active', '{{}}', 1, i, i FROM generate_series(1, {n}) i;
         INSERT INTO tenantry_tenant SELECT 'f' || i, 'org_f' || i FROM generate_series(1, {n}) i;
         UPDATE tenantry_total SET count = count + {n};
         INSERT INTO tenantry_user SELECT 'auth0|f' || i, 'Username-Password-Authentication', 'f' || i || '@example.com', 'example.com', NULL, NULL, 'f' || i, 'f' || i, NULL, NULL, 0, 0, 0, 0, 0, NULL, NULL, '{{}}', 1, i, i FROM generate_series(1, {n}) i;
         INSERT INTO tenantry_identity SELECT 'auth0', 'f' || i, 'auth0|f' || i, 'Username-Password-Authentication', 0, 'f' || i || '@example.com', NULL, NULL, '{{}}' FROM generate_series(1, {n}) i;
         INSERT INTO tenantry_user_term SELECT 'auth0|f' || i, 'app_metadata.team', 't' || (i / 10), NULL FROM generate_series(1, {n}) i;
         INSERT INTO tenantry_member SELECT 'org_f' || i, 'auth0|f' || i, i FROM generate_series(1, {n}) i;
         INSERT INTO tenantry_member SELECT '{account}', 'auth0|f' || i, i FROM generate_series(1, 500) i;
         INSERT INTO tenantry_member SELECT 'org_f' || i, '{user}', i FROM generate_series(1, 500) i;
         INSERT INTO tenantry_role SELECT 'rol_f' || i, '', 'f' || i, 'f' || i, 'account', NULL, 1, i, i FROM generate_series(1, 500) i;
         INSERT INTO tenantry_role SELECT 'rol_g' || i, 'org_f' || i, 'g', 'g', 'account', NULL, 1, i, i FROM generate_series(1, {n}) i;
         INSERT INTO tenantry_role_holder SELECT 'auth0|f' || i, 'org_f' || i, '', 'rol_g' || i, i FROM generate_series(1, {n}) i;
         INSERT INTO tenantry_role_holder SELECT 'auth0|f' || i, '', '', '{role}', i FROM generate_series(1, 500) i;
         INSERT INTO tenantry_role_holder SELECT '{user}', '', '', 'rol_f' || i, i FROM generate_series(1, 500) i;
         INSERT INTO tenantry_role_holder SELECT 'auth0|f' || i, '{account}', '', '{role}', i FROM generate_series(1, 500) i;
         INSERT INTO tenantry_permission SELECT a.id, 'f' || i, NULL, i FROM tenantry_api a, generate_series(10, 500) i WHERE a.identifier = 'urn:sample-api';
         INSERT INTO tenantry_role_permission SELECT '{role}', a.id, 'f' || i, i FROM tenantry_api a, generate_series(10, 500) i WHERE a.identifier = 'urn:sample-api';
         INSERT INTO tenantry_user_permission SELECT '{user}', a.id, 'f' || i, i FROM tenantry_api a, generate_series(10, 500) i WHERE a.identifier = 'urn:sample-api';
         INSERT INTO tenantry_workspace SELECT 'wsp_f' || i, 'org_f' || i, 'w', NULL, 'active', '{{}}', 1, i, i FROM generate_series(1, {n}) i;
         INSERT INTO tenantry_workspace SELECT 'wsp_a' || i, '{account}', 'w' || i, NULL, 'active', '{{}}', 1, i, i FROM generate_series(1, 500) i;
         INSERT INTO tenantry_workspace_member SELECT 'wsp_a1', '{account}', 'auth0|f' || i, i FROM generate_series(1, 500) i;
         INSERT INTO tenantry_workspace_member SELECT 'wsp_f' || i, 'org_f' || i, 'auth0|f' || i, i FROM generate_series(1, {n}) i;
         INSERT INTO tenantry_invitation SELECT 'uinv_f' || i, 'org_f' || i, 'x@example.com', decode(md5(i::text), 'hex'), '{{}}', i, 9e15::bigint FROM generate_series(1, {n}) i;
         INSERT INTO tenantry_domain SELECT 'dom_f' || i, 'org_f' || i, 'f' || i || '.example', 'verified', '{{}}', 1, i FROM generate_series(1, {n}) i;
         INSERT INTO tenantry_account_connection SELECT 'org_f' || i, c.id, 1, '{{}}', 1, i FROM tenantry_connection c, generate_series(1, {n} / 4) i;
         INSERT INTO tenantry_client SELECT 'client_f' || i, 'f' || i, 'spa', 1, 0, NULL, NULL, NULL, '{{}}', 1, i, i FROM generate_series(1, 5000) i;
         INSERT INTO tenantry_client_grant SELECT 'cgr_f' || i, 'client_f' || i, a.id, 'client', 1, '{{}}', 1, i FROM tenantry_api a, generate_series(1, 5000) i WHERE a.identifier = 'urn:sample-api';
         INSERT INTO tenantry_account_client_grant SELECT 'org_f' || i, 'cgr_f' || (1 + i % 5000), i FROM generate_series(1, {n}) i;
         INSERT INTO tenantry_session SELECT 's' || i, 'auth0|f' || i, '{{}}', i, i, 9e15::bigint, 9e15::bigint FROM generate_series(1, {n}) i;
         INSERT INTO tenantry_refresh_token SELECT 'r' || i, 'auth0|f' || i, 'client_f1', NULL, NULL, NULL, decode(md5(i::text), 'hex'), 1, 1, '{{}}', i, NULL, NULL, NULL FROM generate_series(1, {n}) i;
         INSERT INTO tenantry_consent SELECT 'cns' || i, 'auth0|f' || i, 'client_f1', 'urn:x', '', i FROM generate_series(1, {n}) i;
         INSERT INTO tenantry_device_credential SELECT 'dcr_f' || i, 'auth0|f' || i, 'client_f1', 'public_key', '{{}}', i FROM generate_series(1, {n}) i;
         INSERT INTO tenantry_authentication_method SELECT 'totp|f' || i, 'auth0|f' || i, 'totp', NULL, '{{}}', i FROM generate_series(1, {n}) i;
         INSERT INTO tenantry_log SELECT 'l' || i, i, 's', 'auth0|f' || (i % 100), NULL, NULL, '{{}}' FROM generate_series(1, {n}) i;
         INSERT INTO tenantry_api_key SELECT 'key_f' || i, decode(md5(i::text), 'hex'), 'tk_', 'k', 'org_f' || i, NULL, NULL, '{{}}', 'active', 'x', i, 9e15::bigint, NULL FROM generate_series(1, {n}) i;
         ANALYZE;"
    )
    .unwrap();
    client.batch_execute(&sql).await.unwrap();
}

/// Makes every session of the database tell its plans.
async fn tell(database: &Database) -> bool {
    let client = database.client().await;
    if client.batch_execute("LOAD 'auto_explain'").await.is_err() {
        return false;
    }
    let name: String = client.query_one("SELECT current_database()::text", &[]).await.unwrap().get(0);
    for setting in [
        "session_preload_libraries = 'auto_explain'",
        "auto_explain.log_min_duration = 0",
        "auto_explain.log_level = 'notice'",
        "auto_explain.log_analyze = on",
        "auto_explain.log_timing = off",
    ] {
        client.batch_execute(&format!("ALTER DATABASE {name} SET {setting}")).await.unwrap();
    }
    true
}

struct Watcher<'a> {
    site: &'a Site,
    problems: Vec<String>,
    lists: usize,
}

impl Watcher<'_> {
    /// Asks for a short and a long page: as many statements, and none that reads on and on.
    async fn page(&mut self, token: &str, path: &str, size: &str) {
        let mut counts = Vec::new();
        for length in [2, 50] {
            let joined = if path.contains('?') { '&' } else { '?' };
            let whole = format!("{path}{joined}{size}={length}");
            PLANS.taken();
            let (status, answer) = self.site.get_at(token, &whole).await;
            let plans = PLANS.taken();
            if status != 200 {
                self.problems.push(format!("{whole}: {status} {answer:.300}"));
                return;
            }
            counts.push(plans.len());
            for plan in &plans {
                let known = READS_MORE.iter().any(|(known, _)| path.starts_with(known));
                if let Some(node) = too_much(plan).filter(|_| !known) {
                    self.problems.push(format!("{whole}: {node}\n    {}", statement(plan)));
                }
            }
        }
        self.lists += 1;
        if counts[0] < counts[1] || counts[1] > 10 {
            self.problems.push(format!("{path}: {counts:?} statements for a page of 2 and of 50"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_ask_a_few_statements_and_read_a_page() {
    let Some(database) = Database::postgres().await else { return };
    if !tell(&database).await {
        return eprintln!("skipped: this PostgreSQL has no auto_explain");
    }
    log::set_logger(&PLANS).unwrap();
    log::set_max_level(log::LevelFilter::Info);
    let site = Site::open(&database.store_url(), tempfile::tempdir().unwrap()).await;
    let world = World::made(&site).await;
    fill(&database, &world).await;
    assert!(!PLANS.taken().is_empty(), "nothing is told");
    let mut watcher = Watcher { site: &site, problems: Vec::new(), lists: 0 };
    let management = site.token(&tenantry_server::management_scopes());
    for operation in operations().filter(|operation| operation.offered && operation.method == "GET") {
        let has = |name: &str| operation.query.contains_key(name);
        let id = match operation.path.split('/').nth(3).unwrap_or_default() {
            "organizations" => &world.account,
            "clients" => &world.client,
            "connections" => &world.connection,
            "roles" => &world.role,
            "client-grants" => world.known.formats["client-grant-id"].as_str().unwrap(),
            _ => &world.user,
        };
        let path = operation.path.replace("{user_id}", &world.user).replace("{client_id}", &world.client);
        let mut path = path.replace("{id}", id);
        if operation.path.ends_with("/api/v2/refresh-tokens") {
            path = format!("{path}?user_id={}", world.user);
        }
        if path.contains("/groups/") {
            continue;
        }
        let joined = if path.contains('?') { '&' } else { '?' };
        if has("page") && has("include_totals") {
            watcher.page(&management, &format!("{path}{joined}include_totals=true"), "per_page").await;
        }
        if has("take") {
            watcher.page(&management, &path, "take").await;
        }
    }
    for query in [
        "users?q=email:%22f77@example.com%22&include_totals=true",
        "users?q=email:f77*",
        "users?q=app_metadata.team:t77&include_totals=true",
        "users?q=name:f1999*&sort=created_at:-1",
        "users?sort=email:1",
        "users?sort=created_at:-1",
        "users?connection=Username-Password-Authentication",
        "organizations?sort=display_name:1",
        "organizations?sort=name:-1",
        "organizations?sort=created_at:-1",
        "client-grants?audience=urn:sample-api",
        "client-grants?client_id=client_f7&include_totals=true",
        "clients?app_type=native",
        "logs?sort=date:-1",
        "roles?name_filter=f7",
        "grants?user_id=auth0%7Cf7",
        "device-credentials?user_id=auth0%7Cf7",
        "resource-servers?identifiers=urn:sample-api",
    ] {
        watcher.page(&management, &format!("/api/v2/{query}"), "per_page").await;
    }
    let user = world.known.formats["user-id"].as_str().unwrap();
    for endpoint in endpoints().filter(|endpoint| endpoint.method == "GET") {
        if endpoint.query["properties"].get("take").is_none() {
            continue;
        }
        let account = (endpoint.context != Audience::Portal).then(|| world.account.clone());
        let subject = Subject {
            permissions: contexts::permissions(endpoint.context).iter().map(|(name, _)| (*name).to_owned()).collect(),
            platform: account.is_none(),
            account,
            user: Some(user.to_owned()),
            ..Subject::default()
        };
        let token = site.identity.issuer().issue(&subject, Duration::from_mins(5), endpoint.context).unwrap();
        let path = endpoint
            .path
            .replace("{account_id}", &world.account)
            .replace("{workspace_id}", "wsp_a1")
            .replace("{role_id}", &world.role)
            .replace("{user_id}", &encoded("auth0|f1"));
        watcher.page(&token, &path, "take").await;
        if path.ends_with("/members") {
            watcher.page(&token, &format!("{path}?with_roles=true"), "take").await;
        }
    }
    imports(&mut watcher).await;
    let problems = watcher.problems;
    assert!(problems.is_empty(), "{} in {} lists:\n{}", problems.len(), watcher.lists, problems.join("\n"));
    assert!(watcher.lists > 80, "{}", watcher.lists);
    eprintln!("{} lists watched", watcher.lists);
}

/// An import asks a number of statements that grows with its batches, not with its users.
async fn imports(watcher: &mut Watcher<'_>) {
    let file = |team: &str| {
        let users = (0..1_000).map(|number| {
            json!({ "user_id": format!("i{number}"), "email": format!("i{number}@example.com"),
                "app_metadata": { "team": format!("{team}{number}") } })
        });
        Value::Array(users.collect()).to_string()
    };
    for (what, upsert, done) in [("new", false, "inserted"), ("changed", true, "updated")] {
        PLANS.taken();
        let more: &[(&str, &str)] = if upsert { &[("upsert", "true")] } else { &[] };
        let (job, errors) = jobs::import(watcher.site, file(what).as_bytes(), more).await;
        let plans = PLANS.taken();
        assert_eq!(job["summary"][done], json!(1_000), "{job} {errors:?}");
        // Looking at the job is not the import.
        let own = plans.iter().filter(|plan| !statement(plan).contains("tenantry_job")).count();
        if own > 160 {
            watcher.problems.push(format!("an import of 1,000 {what} users asks {own} statements"));
        }
    }
}
