//! A fresh database of either kind. PostgreSQL comes from the cluster that the test command starts;
//! without one, tests of that kind are skipped and say so.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use tenantry_policy::Policy;
use tenantry_source::SourceUrl;
use tenantry_source::admin::Admin;
use tokio_postgres::NoTls;

/// The superuser's URL of a cluster that tests may use.
const CLUSTER: &str = "TENANTRY_TEST_POSTGRES";

/// A table to make.
#[derive(Debug, Clone, Default)]
pub struct TableDef {
    pub name: String,
    /// Name, kind (`int`, `serial`, `text`, `bool`, `decimal`, `timestamp`, `uuid`, `date`, `float`, `json`, `bytes`,
    /// `sql:TYPE`), may be NULL.
    pub columns: Vec<(String, String, bool)>,
    pub key: Vec<String>,
    /// Column and the table whose key it points at.
    pub references: Vec<(String, String, String)>,
    pub unique: Vec<Vec<String>>,
    /// Column and SQL default.
    pub defaults: Vec<(String, String)>,
    pub rows: Vec<serde_json::Map<String, Value>>,
}

/// A database of its own.
pub enum Database {
    Sqlite { folder: tempfile::TempDir },
    Postgres { folder: tempfile::TempDir, cluster: String, name: String },
}

static COUNT: AtomicU32 = AtomicU32::new(0);

impl Database {
    pub fn sqlite() -> Database {
        Database::Sqlite { folder: tempfile::tempdir().expect("a folder") }
    }

    /// `None`, with a word, when there is no cluster.
    pub async fn postgres() -> Option<Database> {
        #[allow(clippy::disallowed_methods, reason = "the test command hands the cluster over in the environment")]
        let Ok(cluster) = std::env::var(CLUSTER) else {
            eprintln!("skipped: {CLUSTER} is not set (run `cargo xtask test`)");
            return None;
        };
        let name = format!("t{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
        let client = connect(&cluster).await;
        client.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("a database");
        client
            .batch_execute(&format!("CREATE ROLE {name}_runtime LOGIN PASSWORD 'r'; CREATE ROLE {name}_owner LOGIN PASSWORD 'o'; ALTER DATABASE {name} OWNER TO {name}_owner"))
            .await
            .expect("roles");
        Some(Database::Postgres { folder: tempfile::tempdir().expect("a folder"), cluster, name })
    }

    pub fn folder(&self) -> &Path {
        match self {
            Database::Sqlite { folder } | Database::Postgres { folder, .. } => folder.path(),
        }
    }

    fn url(&self, user: Option<&str>) -> SourceUrl {
        let text = match self {
            Database::Sqlite { folder } => format!("sqlite:{}", folder.path().join("data.db").display()),
            Database::Postgres { cluster, name, .. } => {
                let place = cluster.rsplit_once('@').expect("a user").1.rsplit_once('/').expect("a database").0;
                match user {
                    Some(user) => format!("postgres://{name}_{user}:x@{place}/{name}"),
                    None => format!("{}/{name}", cluster.rsplit_once('/').expect("a database").0),
                }
            }
        };
        SourceUrl::parse(&text).expect("a url")
    }

    pub fn owner_url(&self) -> SourceUrl {
        self.url(None)
    }

    pub fn runtime_url(&self) -> SourceUrl {
        self.url(Some("runtime"))
    }

    /// The address of a store in this database. PostgreSQL only.
    pub fn store_url(&self) -> String {
        match self {
            Database::Sqlite { .. } => panic!("PostgreSQL only"),
            Database::Postgres { cluster, name, .. } => {
                format!("{}/{name}", cluster.rsplit_once('/').expect("a database").0)
            }
        }
    }

    /// Runs SQL as the owner, past every fence.
    pub async fn execute(&self, sql: &str) {
        match self {
            Database::Sqlite { folder } => {
                let connection = rusqlite::Connection::open(folder.path().join("data.db")).expect("opens");
                connection.execute_batch(sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
            }
            Database::Postgres { .. } => {
                self.client().await.batch_execute(sql).await.unwrap_or_else(|error| panic!("{error}: {sql}"));
            }
        }
    }

    /// A superuser's connection to the database. PostgreSQL only.
    pub async fn client(&self) -> tokio_postgres::Client {
        match self {
            Database::Sqlite { .. } => panic!("PostgreSQL only"),
            Database::Postgres { cluster, name, .. } => {
                connect(&format!("{}/{name}", cluster.rsplit_once('/').expect("a database").0)).await
            }
        }
    }

    /// A connection of the runtime role. PostgreSQL only.
    pub async fn runtime_client(&self) -> tokio_postgres::Client {
        match self {
            Database::Sqlite { .. } => panic!("PostgreSQL only"),
            Database::Postgres { cluster, name, .. } => {
                let place = cluster.rsplit_once('@').expect("a user").1.rsplit_once('/').expect("a database").0;
                connect(&format!("postgres://{name}_runtime:x@{place}/{name}")).await
            }
        }
    }

    /// Makes and fills the tables.
    pub async fn create(&self, tables: &[TableDef]) {
        let postgres = matches!(self, Database::Postgres { .. });
        let mut script = String::new();
        for table in tables {
            script.push_str(&ddl(table, postgres));
        }
        for table in tables {
            for row in &table.rows {
                script.push_str(&insert(table, row, postgres));
            }
        }
        if let Database::Postgres { name, .. } = self {
            for table in tables {
                script.push_str(&format!("ALTER TABLE \"{}\" OWNER TO {name}_owner;", table.name));
            }
        }
        // One transaction: SQLite would sync every row otherwise. PostgreSQL runs a script as one anyway.
        if !postgres {
            script = ["BEGIN;\n", &script, "COMMIT;"].concat();
        }
        self.execute(&script).await;
    }

    /// Empties the tables and fills them anew.
    pub async fn refill(&self, tables: &[TableDef]) {
        let postgres = matches!(self, Database::Postgres { .. });
        let mut script = String::from("BEGIN;\n");
        for table in tables {
            script.push_str(&format!("DELETE FROM \"{}\";\n", table.name));
        }
        for table in tables {
            for row in &table.rows {
                script.push_str(&insert(table, row, postgres));
            }
        }
        script.push_str("COMMIT;");
        self.execute(&script).await;
    }

    /// Applies the generated row security, as the owner does.
    pub async fn apply_row_security(&self, policy: &Policy) {
        if let Database::Postgres { name, .. } = self {
            let statements: Vec<String> =
                tenantry_sql::security::row_security(policy, "main", &format!("{name}_runtime"))
                    .expect("row security renders")
                    .into_iter()
                    .map(|ddl| ddl.sql)
                    .collect();
            let mut admin = Admin::connect(&self.owner_url()).await.expect("the owner connects");
            admin.apply(&statements).await.expect("row security applies");
        }
    }
}

async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the cluster answers");
    tokio::spawn(connection);
    client
}

fn ddl(table: &TableDef, postgres: bool) -> String {
    let mut parts: Vec<String> = table
        .columns
        .iter()
        .map(|(name, kind, nullable)| {
            let native = match (kind.as_str(), postgres) {
                ("int", true) => "int8",
                ("int", false) => "INTEGER",
                ("bool", true) => "boolean",
                ("bool", false) => "BOOLEAN",
                ("decimal", _) => "numeric(12,2)",
                ("timestamp", true) => "timestamptz",
                ("timestamp", false) => "TIMESTAMP",
                ("uuid", _) => "uuid",
                ("date", _) => "date",
                ("float", true) => "float8",
                ("float", false) => "REAL",
                ("json", true) => "jsonb",
                ("json", false) => "JSON",
                ("bytes", true) => "bytea",
                ("bytes", false) => "BLOB",
                ("serial", true) => "int8 GENERATED BY DEFAULT AS IDENTITY",
                ("serial", false) => "INTEGER",
                // Whatever the databases both understand: `sql:char(8)`.
                (other, _) => other.strip_prefix("sql:").unwrap_or("text"),
            };
            let default = table
                .defaults
                .iter()
                .find(|(column, _)| column == name)
                .map(|(_, sql)| format!(" DEFAULT {sql}"))
                .unwrap_or_default();
            format!("\"{name}\" {native}{}{default}", if *nullable { "" } else { " NOT NULL" })
        })
        .collect();
    let quoted = |names: &[String]| names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    if !table.key.is_empty() {
        parts.push(format!("PRIMARY KEY ({})", quoted(&table.key)));
    }
    for columns in &table.unique {
        parts.push(format!("UNIQUE ({})", quoted(columns)));
    }
    for (column, other, key) in &table.references {
        parts.push(format!("FOREIGN KEY (\"{column}\") REFERENCES \"{other}\" (\"{key}\")"));
    }
    format!("CREATE TABLE \"{}\" ({});\n", table.name, parts.join(", "))
}

fn insert(table: &TableDef, row: &serde_json::Map<String, Value>, postgres: bool) -> String {
    let columns: Vec<String> = row.keys().map(|name| format!("\"{name}\"")).collect();
    let values: Vec<String> = row
        .iter()
        .map(|(name, value)| {
            let kind = table.columns.iter().find(|column| column.0 == *name).map_or("", |column| column.1.as_str());
            literal(kind, value, postgres)
        })
        .collect();
    format!("INSERT INTO \"{}\" ({}) VALUES ({});\n", table.name, columns.join(", "), values.join(", "))
}

/// A literal for setting the stage. Only tests write SQL like this.
fn literal(kind: &str, value: &Value, postgres: bool) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Bool(value) if postgres => value.to_string(),
        Value::Bool(value) => u8::from(*value).to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if kind == "timestamp" && !postgres => {
            quoted(&text.trim_end_matches('Z').replace('T', " "))
        }
        Value::String(text) => quoted(text),
        other => quoted(&other.to_string()),
    }
}
