//! Links by which what a job made is fetched: good for a minute, for whoever has one.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign, verify};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::jobs::{Job, Status};
use crate::{Identity, Kind, Refusal};

const KEY: &str = "job-links";
const LIFE_MICROS: i64 = 60 * 1_000_000;

/// What a link leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// The job.
    pub job: String,
    /// `json` or `csv`.
    pub format: String,
}

impl Identity {
    /// The link to what a job made; `None` while it has made nothing.
    ///
    /// # Errors
    /// The store's.
    pub fn job_location(&self, job: &Job) -> Result<Option<String>, Refusal> {
        if job.kind != "users_export" || job.status != Status::Completed {
            return Ok(None);
        }
        let format = job.fields.get("format").and_then(|format| format.as_str()).unwrap_or("json");
        let file = [&job.id, ".", format].concat();
        let until = self.now().saturating_add(LIFE_MICROS);
        let signature = URL_SAFE_NO_PAD.encode(sign(&self.link_key()?, told(&file, until).as_bytes()).as_ref());
        Ok(Some(format!("{}exports/{file}?until={until}&signature={signature}", self.issuer.url())))
    }

    /// What a link leads to.
    ///
    /// # Errors
    /// [`Refusal::Missing`] for one that was not made here, or has ended.
    pub fn open_job_link(&self, file: &str, until: i64, signature: &str) -> Result<Download, Refusal> {
        let gone = || Refusal::Missing(Kind::Job);
        let given = URL_SAFE_NO_PAD.decode(signature).map_err(|_| gone())?;
        verify(&self.link_key()?, told(file, until).as_bytes(), &given).map_err(|_| gone())?;
        if until < self.now() {
            return Err(gone());
        }
        let (job, format) = file.split_once('.').ok_or_else(gone)?;
        Ok(Download { job: job.to_owned(), format: format.to_owned() })
    }

    /// A piece of what a link leads to; `None` past the last.
    ///
    /// # Errors
    /// The store's.
    pub async fn download(&self, download: &Download, piece: i64) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(self.store.job_piece(&download.job, "result", piece).await?)
    }

    fn link_key(&self) -> Result<Key, Refusal> {
        Ok(Key::new(HMAC_SHA256, &self.store.secret(KEY, 32)?))
    }
}

fn told(file: &str, until: i64) -> String {
    format!("tenantry job link 1\n{file}\n{until}")
}
