//! Fills a store: accounts and memberships through the API, users by bulk import, rows of every account.

use std::fs::File;
use std::io::{BufWriter, Seek as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tenantry_identity::jobs::{Import, Status};

use super::scale::Size;
use super::site::Site;
use crate::talk::{figure, note};
use crate::timing::{Watch, number};
use crate::{Doing, Problem};

/// Callers at a time while accounts are made.
const CALLERS: usize = 16;

/// Rows of each account in the source.
const ROWS: usize = 10;

/// What was made, for questions.
pub(crate) struct Loaded {
    /// Ids of accounts, in the order in which they were made.
    pub(crate) accounts: Vec<String>,
    pub(crate) users: usize,
}

impl Loaded {
    /// The users of an account, by number.
    pub(crate) fn members(&self, account: usize) -> std::ops::Range<usize> {
        let each = self.users / self.accounts.len().max(1);
        account * each..(account + 1) * each
    }
}

/// The id of the user of that number.
pub(crate) fn user(number: usize) -> String {
    format!("auth0|u{number}")
}

/// Fills a site.
///
/// # Errors
/// [`Problem`] with what was refused.
pub(crate) async fn fill(name: &str, site: &Arc<Site>, folder: &Path, size: Size) -> Result<Loaded, Problem> {
    let watch = Watch::start();
    import(site, size.users).await?;
    let imported = watch.passed();
    let mut loaded = Loaded { accounts: Vec::with_capacity(size.accounts), users: size.users };
    let each = size.users / size.accounts.max(1);
    let tasks = (0..CALLERS).map(|caller| {
        let site = Arc::clone(site);
        tokio::spawn(async move {
            let mut made = Vec::new();
            for account in (caller..size.accounts).step_by(CALLERS) {
                let body = json!({ "name": format!("a{account}"), "display_name": format!("Account {account}") });
                let told = site.json(&site.managing("POST", "/organizations", Some(&body))).await?;
                let id = told.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
                let members: Vec<String> = (account * each..(account + 1) * each).map(user).collect();
                for members in members.chunks(10) {
                    let body = json!({ "members": members });
                    site.ask(&site.managing("POST", format!("/organizations/{id}/members"), Some(&body))).await?;
                }
                made.push((account, id));
            }
            Ok::<_, Problem>(made)
        })
    });
    let mut made = Vec::with_capacity(size.accounts);
    for task in tasks.collect::<Vec<_>>() {
        made.extend(task.await.doing("wait for a caller")??);
    }
    made.sort_unstable();
    loaded.accounts = made.into_iter().map(|(_, id)| id).collect();
    rows(folder, &loaded.accounts)?;
    note(&format!(
        "{name}: {} users imported in {} s ({} a second), {} accounts with their members in {} s",
        size.users,
        figure(imported.as_secs_f64()),
        figure(number(size.users) / imported.as_secs_f64()),
        size.accounts,
        figure((watch.passed() - imported).as_secs_f64()),
    ));
    Ok(loaded)
}

async fn import(site: &Arc<Site>, users: usize) -> Result<(), Problem> {
    let failed = "write the users' file";
    let mut file = tempfile::tempfile().doing(failed)?;
    write(&file, users).doing(failed)?;
    file.rewind().doing(failed)?;
    let connections = site.json(&site.managing("GET", "/connections", None)).await?;
    let connection = connections.pointer("/0/id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let import = Import { connection_id: connection, upsert: false, external_id: None, file };
    let job = site.identity.import_users(&site.operator, import).await.doing("begin the import")?;
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let job = site.identity.job(&site.operator, &job.id).await.doing("ask for the import")?;
        match job.status {
            Status::Completed => {
                let inserted = job.fields.get("summary").and_then(|summary| summary.get("inserted"));
                if inserted.and_then(Value::as_u64) == u64::try_from(users).ok() {
                    return Ok(());
                }
                return Err(Problem::new("import the users", format!("{:?}", job.fields)));
            }
            Status::Failed => return Err(Problem::new("import the users", format!("{:?}", job.fields))),
            Status::Pending | Status::Processing => {}
        }
    }
}

fn write(file: &File, users: usize) -> std::io::Result<()> {
    let mut out = BufWriter::new(file);
    for number in 0..users {
        let before = if number == 0 { '[' } else { ',' };
        // Names as people have them, plans that few and many share.
        write!(
            out,
            "{before}{{\"user_id\":\"u{number}\",\"email\":\"user{number}@example.com\",\"email_verified\":true,\
             \"given_name\":\"Given{}\",\"family_name\":\"Family{number}\",\"app_metadata\":{{\"team\":\"t{}\"}}}}",
            number % 997,
            number / 10
        )?;
    }
    writeln!(out, "]")?;
    out.flush()
}

fn rows(folder: &Path, accounts: &[String]) -> Result<(), Problem> {
    let filled = (|| {
        let mut connection = rusqlite::Connection::open(folder.join("orders.db"))?;
        let transaction = connection.transaction()?;
        {
            let mut insert = transaction.prepare("INSERT INTO orders (tenant_id, total_cents) VALUES (?1, ?2)")?;
            for cents in 0..ROWS {
                for account in accounts {
                    insert.execute((account, i64::try_from(cents).unwrap_or_default()))?;
                }
            }
        }
        transaction.commit()?;
        connection.execute_batch("ANALYZE")
    })();
    filled.doing("fill the table")
}
