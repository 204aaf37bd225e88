//! Sets the stage: a folder with the demo's file and, on SQLite, its database.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tenantry_plan::Fence;
use tenantry_policy::Entropy;
use tenantry_policy::catalog::Dialect;
use tenantry_tls::{Address, Refusal};

use crate::ambient::OsEntropy;
use crate::args::Global;
use crate::commands::Run;
use crate::demo::data::Dataset;
use crate::demo::{DATABASE, OWNER_VARIABLE, URL_FILE, file_for, load_postgres, load_sqlite};
use crate::environment::Environment;
use crate::output::{Failure, Output};
use crate::project::{Project, parse_url};

/// The demo's folder, with everything in it. A folder that was not asked to be kept goes away when
/// this is dropped.
#[derive(Debug)]
pub struct Stage {
    folder: PathBuf,
    _passing: Option<tempfile::TempDir>,
    /// The rows, for what the trials expect.
    pub data: Dataset,
}

/// How often, and how long apart, a passing folder is tried to be removed.
const REMOVALS: (u32, Duration) = (100, Duration::from_millis(20));

impl Drop for Stage {
    /// Takes a passing folder away. The databases' threads may still be closing their files in it, and a
    /// file that comes or goes meanwhile makes a removal fail.
    fn drop(&mut self) {
        if self._passing.is_none() {
            return;
        }
        for _ in 0..REMOVALS.0 {
            match std::fs::remove_dir_all(&self.folder) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => std::thread::sleep(REMOVALS.1),
                _ => break,
            }
        }
    }
}

impl Stage {
    /// Makes the rows and the folder with the file for `dialect`.
    ///
    /// # Errors
    /// `FOLDER_EXISTS` when the folder to keep is there already; `NOT_WRITTEN`.
    pub async fn set(
        environment: &Environment,
        output: &Output,
        keep: Option<&Path>,
        dialect: Dialect,
        seed: u64,
        rows: u64,
    ) -> Result<Stage, Failure> {
        let not_written = |error: std::io::Error| {
            Failure::failed("NOT_WRITTEN", format!("the demo's folder cannot be written: {}", error.kind()))
        };
        let (folder, passing) = match keep {
            Some(path) => {
                let folder = environment.path(path);
                if folder.exists() {
                    return Err(Failure::dangerous("FOLDER_EXISTS", format!("`{}` is there already", path.display()))
                        .hint("--keep wants a folder that is not there yet"));
                }
                std::fs::create_dir_all(&folder).map_err(not_written)?;
                (folder, None)
            }
            None => {
                let passing = tempfile::Builder::new()
                    .prefix("tenantry-demo-")
                    .tempdir_in(environment.temporary_folder())
                    .map_err(not_written)?;
                (passing.path().to_owned(), Some(passing))
            }
        };
        std::fs::write(folder.join("tenantry.toml"), file_for(dialect)).map_err(not_written)?;
        std::fs::write(folder.join("suite.toml"), super::SUITE).map_err(not_written)?;
        output.note(&format!("Making about {rows} rows from seed {seed} …"));
        let data = tokio::task::spawn_blocking(move || Dataset::generate(seed, rows))
            .await
            .map_err(|error| Failure::failed("INTERNAL_ERROR", error.to_string()))?;
        Ok(Stage { folder, _passing: passing, data })
    }

    /// The demo's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The surroundings as they are in the demo's folder.
    #[must_use]
    pub fn environment(&self, environment: &Environment) -> Environment {
        environment.clone().in_folder(&self.folder)
    }

    /// The arguments of every command with the demo's own file and state folder: where they are looked
    /// for in the demo's folder when nothing is said, so that a kept one can be used from inside.
    #[must_use]
    pub fn global(&self, global: &Global) -> Global {
        Global { file: None, state: self.folder.join(".tenantry"), ..global.clone() }
    }

    /// Loads the rows into a SQLite file in the folder, with a bar.
    ///
    /// # Errors
    /// `NOT_WRITTEN` with SQLite's reason.
    pub async fn load_sqlite(&mut self, output: &Output) -> Result<(), Failure> {
        let path = self.folder.join(DATABASE);
        let total = u64::try_from(self.data.rows()).unwrap_or(u64::MAX);
        let progress = output.progress(total, "rows");
        let data = std::mem::take(&mut self.data);
        let target = path.clone();
        let bar = progress.clone();
        let (data, loaded) = tokio::task::spawn_blocking(move || {
            let loaded = load_sqlite::load(&target, &data, &bar);
            (data, loaded)
        })
        .await
        .map_err(|error| Failure::failed("INTERNAL_ERROR", error.to_string()))?;
        progress.finish();
        self.data = data;
        loaded.map_err(|error| Failure::failed("NOT_WRITTEN", format!("the demo's database: {error}")))?;
        output.note(&format!("Loaded {total} rows into {}.", path.display()));
        Ok(())
    }

    /// Loads the rows into an empty PostgreSQL database as its owner, and puts row security up for the
    /// runtime role, which is made when it is absent. Its address, with a password of this run, is kept
    /// in a file beside the demo's own that nobody else may read.
    ///
    /// # Errors
    /// `NOT_WRITTEN` with PostgreSQL's reason; what the file or the fence says.
    pub async fn load_postgres(&mut self, run: Run<'_>, owner: &str) -> Result<(), Failure> {
        let owner = match owner.strip_prefix("env:") {
            Some(_) => run
                .environment
                .secret(owner)
                .map_err(|error| Failure::invalid("SECRET_MISSING", format!("the database's address: {error}")))?,
            None => owner.to_owned(),
        };
        let owner_url = parse_url(run.environment, "main", &owner)?;
        let unreachable = |refusal: Refusal| {
            Failure::failed("NOT_WRITTEN", format!("the demo's database: {refusal}")).hint(refusal.hint())
        };
        let refused = |error: tokio_postgres::Error| {
            if let Some(refusal) = Refusal::of(&error) {
                return unreachable(refusal);
            }
            let reason =
                error.as_db_error().map_or_else(|| "it does not answer".to_owned(), |error| error.message().to_owned());
            Failure::failed("NOT_WRITTEN", format!("the demo's database: {reason}"))
                .hint("--postgres wants an empty database and its owner's address")
        };
        let address = Address::parse(&owner).map_err(|error| {
            Failure::invalid("BAD_SOURCE_URL", format!("the database's address cannot be used: {error}"))
        })?;
        let connector = address.connector().map_err(unreachable)?;
        let (mut client, connection) = address.config().connect(connector).await.map_err(refused)?;
        tokio::spawn(connection);
        let total = u64::try_from(self.data.rows()).unwrap_or(u64::MAX);
        let progress = run.output.progress(total, "rows");
        load_postgres::load(&mut client, &self.data, &progress).await.map_err(refused)?;
        progress.finish();
        run.output.note(&format!("Loaded {total} rows into PostgreSQL."));
        let runtime = runtime_address(&owner)?;
        let runtime_url = parse_url(run.environment, "main", &runtime)?;
        keep_secret(&self.folder.join(URL_FILE), &runtime)
            .map_err(|error| Failure::failed("NOT_WRITTEN", format!("the runtime role's address: {}", error.kind())))?;
        let environment = self.environment(run.environment).with_variable(OWNER_VARIABLE, &owner);
        let project = Project::find(&environment, run.output, &self.global(run.global))?;
        let (compiled, _) = project.compile(&project.load()?).await?;
        let fence = Fence::build(&compiled.policy, "main", &runtime_url)
            .map_err(|error| Failure::failed("NOT_APPLIED", error.to_string()))?;
        fence
            .apply(&owner_url, &runtime_url)
            .await
            .map_err(|error| Failure::failed("NOT_APPLIED", error.to_string()))?;
        run.output.note(&format!("Row security stands; the server connects as role {}.", fence.role()));
        Ok(())
    }
}

/// Writes a file that only its owner may read.
fn keep_secret(path: &Path, secret: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(secret.as_bytes())?;
    file.write_all(b"\n")
}

/// How the demo's runtime roles are called. Roles belong to the whole server, and two demos there know
/// nothing of each other's passwords: each has a role of its own.
const RUNTIME_ROLE: &str = "tenantry_demo_";

/// The owner's address with the runtime role, and a password made for this run, in its place.
fn runtime_address(owner: &str) -> Result<String, Failure> {
    let bad = || {
        Failure::invalid("BAD_SOURCE_URL", "the database's address is not one")
            .hint("write postgres://OWNER@HOST/DATABASE")
    };
    let mut url = url::Url::parse(owner).map_err(|_| bad())?;
    url.set_username(&[RUNTIME_ROLE, &drawn(4)?].concat()).map_err(|()| bad())?;
    url.set_password(Some(&drawn(16)?)).map_err(|()| bad())?;
    Ok(url.to_string())
}

/// Random bytes as hexadecimal digits.
fn drawn(bytes: usize) -> Result<String, Failure> {
    let mut drawn = vec![0_u8; bytes];
    OsEntropy.fill(&mut drawn).map_err(|error| Failure::failed("NO_ENTROPY", error.to_string()))?;
    Ok(drawn.iter().map(|byte| format!("{byte:02x}")).collect())
}
