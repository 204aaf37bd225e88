//! What may keep a plan from being made or applied.

use tenantry_identity::Refusal;
use tenantry_source::SourceError;
use tenantry_source::admin::AdminError;
use tenantry_store::{BatchError, StoreError};

/// Whose fault an error is; the program's exit status follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Ours, or of something that we depend on.
    Ours,
    /// The input does not fit.
    Invalid,
    /// The answer is no.
    No,
    /// It is refused as dangerous.
    Dangerous,
}

/// Why there is no plan, or why it was not applied to its end. Holds no secret and no statement.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The file wants something that cannot be.
    #[error("{what}")]
    Invalid {
        /// The stable code.
        code: &'static str,
        /// What is wrong.
        what: String,
        /// The address that it is about.
        address: Option<String>,
        /// Where in the file: `tenantry.toml:12`.
        place: Option<String>,
        /// What to do.
        hint: Option<String>,
    },
    /// A secret cannot be had.
    #[error("`{address}`: the secret {field}: {why}")]
    Secret {
        /// Whose.
        address: String,
        /// The field.
        field: String,
        /// Why, without the secret.
        why: String,
    },
    /// The store's trouble.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An operation of identity was not done.
    #[error("`{address}`: {refusal}")]
    Refused {
        /// With which thing.
        address: String,
        /// Where it stands in the file.
        place: Option<String>,
        /// Why.
        refusal: Refusal,
    },
    /// A source cannot be used.
    #[error("source `{source_name}`: {error}")]
    Source {
        /// Which.
        source_name: String,
        /// Why.
        error: SourceError,
    },
    /// A source refused a statement; nothing was changed there.
    #[error("source `{source_name}`: {error} ({purpose})")]
    Statement {
        /// Which.
        source_name: String,
        /// The thing that it was about.
        address: Option<String>,
        /// What it was for.
        purpose: String,
        /// The database's answer.
        error: AdminError,
    },
    /// Somebody else applies.
    #[error("another apply is under way (`{holder}`); its hold ends in {seconds} s unless it goes on")]
    Locked {
        /// Its request's id.
        holder: String,
        /// In so many seconds its lease ends, if it died.
        seconds: i64,
    },
    /// The lease was lost in the middle: this machine stood still for longer than the lease.
    #[error("somebody else took over applying in the middle")]
    LeaseLost,
    /// What the plan was made from is no longer so.
    #[error("{what} changed since the plan was made; nothing was applied")]
    Moved {
        /// `the file`, `the state of identity`.
        what: String,
    },
    /// The plan has dangers that nobody agreed to.
    #[error("{} dangerous, and nobody agreed to it; nothing was applied", if addresses.len() == 1 { "a step is".to_owned() } else { format!("{} steps are", addresses.len()) })]
    Dangerous {
        /// The addresses, each with the codes of its dangers.
        addresses: Vec<(String, Vec<String>)>,
    },
    /// What would be there lets somebody past the rules.
    #[error("{} past the rules, and nobody agreed to it; nothing was applied", if addresses.len() == 1 { "one thing lets somebody".to_owned() } else { format!("{} things let somebody", addresses.len()) })]
    Open {
        /// The addresses, each with the codes of the lint.
        addresses: Vec<(String, Vec<String>)>,
    },
    /// The rules that would be in force let a tenant reach another's rows.
    #[error("the rules break {count} promise{} of isolation; nothing was applied", if *count == 1 { "" } else { "s" })]
    Leaks {
        /// How many.
        count: usize,
        /// For the waivers: address and promise.
        broken: Vec<(String, String)>,
    },
    /// The user stopped it between two steps.
    #[error("stopped after {done} of {total} steps; the next apply does the rest")]
    Stopped {
        /// Steps that were done.
        done: usize,
        /// Steps of the plan.
        total: usize,
    },
    /// Something that should not happen; says where, without values.
    #[error("an internal error: {0}")]
    Internal(&'static str),
}

impl PlanError {
    /// The file wants something that cannot be.
    #[must_use]
    pub fn invalid(code: &'static str, what: impl Into<String>) -> PlanError {
        PlanError::Invalid { code, what: what.into(), address: None, place: None, hint: None }
    }

    /// About this address, which stands there.
    #[must_use]
    pub fn about(mut self, at: &str, stands: Option<String>) -> PlanError {
        match &mut self {
            PlanError::Invalid { address, place, .. } => {
                *address = Some(at.to_owned());
                *place = stands;
            }
            PlanError::Refused { address, place, .. } => {
                at.clone_into(address);
                *place = stands;
            }
            _ => {}
        }
        self
    }

    /// With what to do.
    #[must_use]
    pub fn hinted(mut self, text: impl Into<String>) -> PlanError {
        if let PlanError::Invalid { hint, .. } = &mut self {
            *hint = Some(text.into());
        }
        self
    }

    /// An operation of identity that was not done.
    #[must_use]
    pub fn refused(address: &str, refusal: Refusal) -> PlanError {
        match refusal {
            Refusal::Store(error) => PlanError::Store(error),
            refusal => PlanError::Refused { address: address.to_owned(), place: None, refusal },
        }
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            PlanError::Invalid { code, .. } => code,
            PlanError::Secret { .. } => "SECRET_MISSING",
            PlanError::Store(error) => error.code(),
            PlanError::Refused { refusal, .. } => refusal.code(),
            PlanError::Source { error: SourceError::Unsafe(_), .. } => "SOURCE_UNSAFE",
            PlanError::Source { .. } => "SOURCE_UNAVAILABLE",
            PlanError::Statement { .. } => "NOT_APPLIED",
            PlanError::Locked { .. } => "APPLY_LOCKED",
            PlanError::LeaseLost => "APPLY_LEASE_LOST",
            PlanError::Moved { .. } => "PLAN_MOVED",
            PlanError::Dangerous { .. } => "NOT_APPROVED",
            PlanError::Open { .. } => "LINT_REFUSED",
            PlanError::Leaks { .. } => "POLICY_LEAKS",
            PlanError::Stopped { .. } => "INTERRUPTED",
            PlanError::Internal(_) => "INTERNAL_ERROR",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            PlanError::Invalid { hint, .. } => return hint.clone(),
            PlanError::Store(error) => return error.hint().map(str::to_owned),
            PlanError::Source { error, .. } => error.hint().to_owned(),
            PlanError::Statement { error, .. } => error.hint().to_owned(),
            PlanError::Secret { .. } => "set the variable or the file that the file names, then plan again".to_owned(),
            PlanError::Locked { .. } => "wait for it to end, then apply again".to_owned(),
            PlanError::LeaseLost => "plan again: what was done so far is noted, the rest is not done".to_owned(),
            PlanError::Moved { .. } => "make a new plan and look at it".to_owned(),
            PlanError::Dangerous { addresses } => {
                let flags: Vec<String> =
                    addresses.iter().map(|(address, _)| format!("--approve '{address}'")).collect();
                format!("agree with {}, or waive it in the file with a reason and a date", flags.join(" "))
            }
            PlanError::Open { addresses } => {
                let (address, code) = addresses
                    .first()
                    .map_or(("", ""), |(address, codes)| (address.as_str(), codes.first().map_or("", String::as_str)));
                format!(
                    "`tenantry lint` says what and how to mend it, `tenantry explain {code}` why; or agree with --approve '{address}', or waive it: [waive.\"{address}\".{code}]"
                )
            }
            PlanError::Leaks { broken, .. } => {
                let first = broken.first().map_or_else(String::new, |(address, code)| {
                    format!(", or waive it: [waive.\"{address}\".{code}] with a reason and a date")
                });
                format!("`tenantry prove` shows the rows; mend the rule{first}")
            }
            PlanError::Refused { .. } | PlanError::Stopped { .. } | PlanError::Internal(_) => return None,
        })
    }

    /// Where in the file, and about what.
    #[must_use]
    pub fn place(&self) -> (Option<&str>, Option<&str>) {
        match self {
            PlanError::Invalid { address, place, .. } => (address.as_deref(), place.as_deref()),
            PlanError::Refused { address, place, .. } => (Some(address), place.as_deref()),
            PlanError::Secret { address, .. } => (Some(address), None),
            PlanError::Statement { address, .. } => (address.as_deref(), None),
            _ => (None, None),
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            PlanError::Invalid { code: "SAME_ROLE", .. } => Fault::Dangerous,
            PlanError::Invalid { .. } | PlanError::Secret { .. } | PlanError::Moved { .. } => Fault::Invalid,
            PlanError::Dangerous { .. } | PlanError::Open { .. } | PlanError::Leaks { .. } => Fault::Dangerous,
            PlanError::Source { error: SourceError::Unsafe(_), .. } => Fault::Dangerous,
            PlanError::Locked { .. } => Fault::No,
            PlanError::Refused { refusal, .. } => match refusal {
                Refusal::Invalid { .. } | Refusal::Password(_) | Refusal::Unsupported(_) | Refusal::Limit(_) => {
                    Fault::Invalid
                }
                Refusal::Missing(_) | Refusal::Exists(_) | Refusal::Contended(_) => Fault::No,
                _ => Fault::Ours,
            },
            _ => Fault::Ours,
        }
    }
}

impl From<BatchError> for PlanError {
    fn from(error: BatchError) -> PlanError {
        match error {
            BatchError::Store(error) => PlanError::Store(error),
            // The only act that must touch a row is the lease's.
            BatchError::Untouched(_) => PlanError::LeaseLost,
            BatchError::Duplicate(_) | BatchError::Dangling(_) => PlanError::Internal("the state was not written"),
        }
    }
}
