//! A private PostgreSQL for the tests: its programs, and one cluster that goes away again.

mod cluster;
mod find;
mod newer;

pub(crate) use cluster::Cluster;
pub(crate) use find::find_or_install;
pub(crate) use newer::newer;

/// No PostgreSQL.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// Not on this machine, and we may not or cannot install it.
    #[error("PostgreSQL's server programs (initdb, postgres) are missing; install them: {0}")]
    Missing(&'static str),
    /// The server refuses root, and there is nobody else to be.
    #[error(
        "PostgreSQL refuses to run as root and there is neither a user `postgres` nor `nobody`; run this as an ordinary user"
    )]
    NobodyToBe,
    /// A program failed; its words.
    #[error("{program} failed: {said}")]
    Failed { program: &'static str, said: String },
    /// The machine failed.
    #[error("cannot {what}: {source}")]
    Machine { what: &'static str, source: std::io::Error },
    /// Someone asked us to stop.
    #[error("interrupted")]
    Interrupted,
}

impl Problem {
    /// 3 when the machine lacks something that a person has to add, 1 otherwise.
    pub(crate) fn exit_status(&self) -> u8 {
        match self {
            Problem::Missing(_) | Problem::NobodyToBe => 3,
            Problem::Failed { .. } | Problem::Machine { .. } => 1,
            Problem::Interrupted => 130,
        }
    }
}
