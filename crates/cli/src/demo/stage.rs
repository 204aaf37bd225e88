//! Sets the stage: a folder with the demo's file and, on SQLite, its database.

use std::path::{Path, PathBuf};

use tenantry_policy::catalog::Dialect;

use crate::demo::data::Dataset;
use crate::demo::{file_for, load_sqlite};
use crate::environment::Environment;
use crate::output::{Failure, Output};

/// The demo's folder, with everything in it. A folder that was not asked to be kept goes away when
/// this is dropped.
#[derive(Debug)]
pub struct Stage {
    folder: PathBuf,
    _passing: Option<tempfile::TempDir>,
    /// The rows, for what the trials expect.
    pub data: Dataset,
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

    /// The demo's file.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.join("tenantry.toml")
    }

    /// Loads the rows into a SQLite file in the folder, with a bar; answers its address.
    ///
    /// # Errors
    /// `NOT_WRITTEN` with SQLite's reason.
    pub async fn load_sqlite(&mut self, output: &Output) -> Result<String, Failure> {
        let path = self.folder.join("demo.sqlite");
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
        Ok(["sqlite:", &path.to_string_lossy()].concat())
    }
}
