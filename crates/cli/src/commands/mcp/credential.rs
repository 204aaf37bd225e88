//! The token that messages are sent with: made here for somebody, or taken from where it is kept.

use std::time::Duration;

use tenantry_identity::{Audience, tool_scopes};

use super::BridgeArgs;
use crate::commands::{Run, token};
use crate::output::Failure;
use crate::project::Project;
use crate::runtime::{self, Ambient};
use crate::who::Who;

/// How long a token that is made here lives. A change of rights ends it at once, as every token.
const LIFETIME: Duration = Duration::from_secs(600);

/// The variable that holds a token when nothing else is said.
const USUAL: &str = "env:TENANTRY_TOKEN";

/// Where tokens come from.
pub(super) struct Credential<'a> {
    run: Run<'a>,
    project: Option<Project<'a>>,
    origin: Origin,
    ambient: Ambient,
    /// The one in use, and when it is to be made anew, in microseconds since 1970 UTC.
    kept: Option<(String, i64)>,
}

enum Origin {
    /// Made from the store, for somebody.
    Made { who: Who, read_only: bool },
    /// Kept somewhere.
    Kept(String),
}

impl<'a> Credential<'a> {
    /// Where the arguments say. A credential that cannot be had is told before any message is read.
    ///
    /// # Errors
    /// `SECRET_…`, `UNKNOWN_PRINCIPAL`; what keeps the store from opening.
    pub(super) async fn open(
        run: Run<'a>,
        args: &BridgeArgs,
        project: Option<Project<'a>>,
    ) -> Result<Credential<'a>, Failure> {
        let origin = match (&args.who, &args.token) {
            (Some(who), _) => Origin::Made { who: who.clone(), read_only: args.read_only },
            (None, Some(kept)) => Origin::Kept(kept.clone()),
            (None, None) => Origin::Kept(USUAL.to_owned()),
        };
        let mut credential = Credential { run, project, origin, ambient: Ambient::default(), kept: None };
        credential.token().await?;
        Ok(credential)
    }

    /// A token that is good as far as is known here.
    pub(super) async fn token(&mut self) -> Result<String, Failure> {
        let now = self.ambient.clock.now_micros();
        if let Some((token, until)) = &self.kept
            && now < *until
        {
            return Ok(token.clone());
        }
        let token = match &self.origin {
            Origin::Kept(reference) => self.run.environment.secret(reference).map_err(|error| {
                Failure::invalid("SECRET_MISSING", error.to_string())
                    .hint("name somebody (ACCOUNT/USER), or put a token where `--token` looks")
            })?,
            Origin::Made { who, read_only } => self.made(who, *read_only).await?,
        };
        // Made anew well before its end: a long call must not outlive it.
        let until = match &self.origin {
            Origin::Kept(_) => i64::MAX,
            Origin::Made { .. } => now.saturating_add(i64::try_from(LIFETIME.as_micros() / 2).unwrap_or(i64::MAX)),
        };
        self.kept = Some((token.clone(), until));
        Ok(token)
    }

    /// The server refused this one: the next is made, or read, anew.
    pub(super) fn refused(&mut self, token: &str) {
        if self.kept.as_ref().is_some_and(|(kept, _)| kept == token) {
            self.kept = None;
        }
    }

    async fn made(&self, who: &Who, read_only: bool) -> Result<String, Failure> {
        let project = match &self.project {
            Some(project) => project,
            // Says which file is missing.
            None => &self.run.project()?,
        };
        let loaded = project.load()?;
        let subject = match runtime::subject(&loaded, who) {
            Ok(subject) => subject,
            Err(unknown) if read_only => {
                return Err(
                    unknown.hint("--read-only is for people of the file; others ask for a token with the scope")
                );
            }
            Err(unknown) => {
                return token::of_user(&self.run, who, Audience::App, LIFETIME, Some(unknown)).await;
            }
        };
        let scope = read_only.then(|| tool_scopes::READ.to_owned());
        let subject = tenantry_identity::Subject { scope, ..subject };
        let store = runtime::open_store(project, &loaded, &self.ambient).await?;
        let issuer = runtime::open_issuer(project, &loaded, &store, &self.ambient).await?;
        issuer
            .issue(&subject, LIFETIME, Audience::App)
            .map_err(|error| Failure::failed(error.code(), error.to_string()))
    }
}
