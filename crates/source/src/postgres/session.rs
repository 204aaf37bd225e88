//! A connection of our own: opened with fixed settings, looked at before it is used, closed for good
//! when it goes.

use std::time::Duration;

use tenantry_tls::{Address, Connector};
use tokio::task::AbortHandle;
use tokio_postgres::{CancelToken, Client, Config, Statement};

use super::failure::Failure;
use super::statements::Statements;

/// How long to wait for a new connection where the URL says nothing.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the network may leave what we sent unanswered before the connection counts as lost.
const SILENCE: Duration = Duration::from_secs(15);

/// Settings that every connection starts with. They come after those of the URL, so they win.
///
/// `pg_temp` stands last, because a temporary table or type is otherwise found first. Between two flushes
/// of a transaction lie milliseconds: one that is idle for seconds belongs to a connection whose end the
/// server has not seen, and keeps its rows locked.
const OPTIONS: &str = "-c search_path=pg_catalog,pg_temp -c TimeZone=UTC -c row_security=on \
     -c standard_conforming_strings=on -c jit=off -c lock_timeout=3000 \
     -c idle_in_transaction_session_timeout=5000 -c default_transaction_read_only=off \
     -c default_transaction_isolation=read\\ committed -c extra_float_digits=1";

/// One connection.
pub(super) struct Session {
    /// The client's half.
    pub(super) client: Client,
    /// What it was made with: asking the server to cancel takes a connection of its own.
    connector: Connector,
    /// Statements prepared on it.
    pub(super) statements: Statements,
    /// The pool's count of outdatings when it was opened.
    pub(super) epoch: u64,
    /// When to close it, on the pool's clock.
    pub(super) expires: Duration,
    task: AbortHandle,
}

impl Session {
    /// Opens a connection.
    ///
    /// # Errors
    /// [`Failure::Login`], [`Failure::Tls`] or [`Failure::Unavailable`].
    pub(super) async fn open(address: &Address, statements: usize) -> Result<Session, Failure> {
        let connector = address.connector().map_err(Failure::Tls)?;
        let config = with_settings(address.config());
        // The driver's own limit ends with the socket's connection; a server may take that and say
        // nothing more.
        let limit = config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT).saturating_mul(2);
        let Ok(connected) = tokio::time::timeout(limit, config.connect(connector.clone())).await else {
            return Err(Failure::Unavailable);
        };
        let (client, connection) = connected.map_err(|error| match Failure::of(&error) {
            known @ (Failure::Login | Failure::Tls(_)) => known,
            _ => Failure::Unavailable,
        })?;
        let task = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(code = error.code().map(tokio_postgres::error::SqlState::code), "a connection ended");
            }
        });
        let statements = Statements::new(statements);
        Ok(Session { client, connector, statements, epoch: 0, expires: Duration::MAX, task: task.abort_handle() })
    }

    /// The prepared form of `sql`, from the cache or the server.
    ///
    /// # Errors
    /// What the server says of the statement.
    pub(super) async fn prepare(&mut self, sql: &str) -> Result<Statement, Failure> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement);
        }
        let statement = self.client.prepare(sql).await.map_err(|error| Failure::of(&error))?;
        self.statements.put(sql, statement.clone());
        Ok(statement)
    }

    /// Stops what the server is doing for this connection, from a task of its own, and closes it.
    pub(super) fn abandon(self) {
        if self.client.is_closed() {
            return;
        }
        // INVARIANT: the token keeps the connection's `ssl_mode`; what it carries lets others cancel.
        let token: CancelToken = self.client.cancel_token();
        let connector = self.connector.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                // At worst the server works on until the statement's own timeout.
                let _ = tokio::time::timeout(CONNECT_TIMEOUT, token.cancel_query(connector)).await;
            });
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // INVARIANT: the driver's task would otherwise go on until the server has answered what was
        // sent; ended here, the socket closes now, and the server rolls back.
        self.task.abort();
    }
}

fn with_settings(config: &Config) -> Config {
    let mut config = config.clone();
    let options = match config.get_options() {
        Some(own) => [own, " ", OPTIONS].concat(),
        None => OPTIONS.to_owned(),
    };
    config.options(options).application_name("tenantry");
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE);
    }
    config
}
