//! Who makes the calls: people of the file, of the store, or holders of a token.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tenantry_file::Loaded;
use tenantry_file::suite::Player;
use tenantry_file::words::SecretRef;
use tenantry_guard::Guard;
use tenantry_identity::{Audience, Issuer};
use tenantry_policy::{Bound, Policy};

use crate::commands::{Run, token};
use crate::output::Failure;
use crate::project::Project;
use crate::runtime::{self, Ambient, Runtime};
use crate::who::Who;

/// How long the tokens of one run live.
const LIFETIME: Duration = Duration::from_secs(3600);

/// Where principals and the law come from, as far as they are at hand.
pub(super) struct Backing {
    /// The law.
    pub policy: Option<Arc<Policy>>,
    /// The file.
    pub loaded: Option<Loaded>,
    /// Who makes and verifies tokens.
    pub issuer: Option<Arc<Issuer>>,
    /// Everything, opened, for calls in this process.
    pub runtime: Option<Runtime>,
    /// The clock and the generator.
    pub ambient: Ambient,
}

impl Backing {
    /// For calls in this process: everything is opened, as `ask` does.
    ///
    /// # Errors
    /// What keeps the file, a source or the store from opening.
    pub(super) async fn here(project: &Project<'_>) -> Result<Backing, Failure> {
        let runtime = Runtime::open(project).await?;
        Ok(Backing {
            policy: Some(runtime.guard.policy()),
            loaded: Some(runtime.loaded.clone()),
            issuer: Some(Arc::clone(&runtime.issuer)),
            ambient: runtime.ambient.clone(),
            runtime: Some(runtime),
        })
    }

    /// For calls at a server: what there is of the project beside it. Says what there is not.
    pub(super) async fn beside(run: &Run<'_>, project: Option<&Project<'_>>) -> Backing {
        let mut backing =
            Backing { policy: None, loaded: None, issuer: None, runtime: None, ambient: Ambient::default() };
        let Some(project) = project else {
            run.output.warn("no file here: only what the suite itself says is checked, and replays");
            return backing;
        };
        match project.load() {
            Ok(loaded) => {
                match project.compile(&loaded).await {
                    Ok((compiled, _)) => backing.policy = Some(Arc::new(compiled.policy)),
                    Err(failure) => run.output.warn(&format!(
                        "the law is not at hand, so only what the suite itself says is checked, and replays: {}",
                        failure.message
                    )),
                }
                match runtime::open_identity(project, &loaded, &backing.ambient).await {
                    Ok((_, identity)) => backing.issuer = Some(Arc::clone(identity.issuer())),
                    Err(failure) => run.output.warn(&format!("the store is not at hand: {}", failure.message)),
                }
                backing.loaded = Some(loaded);
            }
            Err(failure) => run.output.warn(&format!("the file cannot be read: {}", failure.message)),
        }
        backing
    }

    /// The token of somebody whom the file or the store knows.
    ///
    /// # Errors
    /// `UNKNOWN_PRINCIPAL`; `STORE_NEEDED` when nothing is at hand that makes tokens.
    pub(super) async fn token_of(&self, run: &Run<'_>, who: &Who, context: Audience) -> Result<String, Failure> {
        let (Some(loaded), Some(issuer)) = (&self.loaded, &self.issuer) else {
            return Err(Failure::invalid("STORE_NEEDED", format!("a token for `{who}` is made from the store"))
                .hint("run it beside the file and the store, or give a token: token = \"env:NAME\""));
        };
        let subject = match context {
            Audience::App => runtime::subject(loaded, who),
            _ => Err(Failure::no("NOT_FOUND", format!("the file has no tokens of that context for `{who}`"))),
        };
        match subject {
            Ok(subject) => issuer
                .issue(&subject, LIFETIME, context)
                .map_err(|error| Failure::failed(error.code(), error.to_string())),
            Err(unknown) => token::of_user(run, who, context, LIFETIME, Some(unknown)).await,
        }
    }

    /// The principal that a token makes, bound to the law; `None` where one of both is not at hand.
    ///
    /// # Errors
    /// `TOKEN_…` and `AUTHENTICATION_REQUIRED` for a token that is not good, where that can be told.
    pub(super) fn bound(&self, token: &str) -> Result<Option<Arc<Bound>>, Failure> {
        let (Some(policy), Some(issuer)) = (&self.policy, &self.issuer) else { return Ok(None) };
        let now = self.ambient.clock.now_micros();
        let verified = issuer
            .verify_for(token, Audience::App, now)
            .map_err(|error| Failure::invalid(error.code(), error.to_string()))?;
        let bound = Bound::new(Arc::clone(policy), Arc::new(verified.principal));
        let bound = bound.map_err(|error| {
            Failure::invalid("AUTHENTICATION_REQUIRED", format!("the token does not fit the policy: {error}"))
        })?;
        Ok(Some(Arc::new(bound)))
    }

    /// The guard, where calls are made in this process.
    #[must_use]
    pub(super) fn guard(&self) -> Option<&Guard> {
        self.runtime.as_ref().map(|runtime| runtime.guard.as_ref())
    }
}

/// Everybody of a suite.
#[derive(Default)]
pub(super) struct People {
    /// Their tokens.
    pub tokens: BTreeMap<String, String>,
    /// Their principals, where they can be told.
    pub bound: BTreeMap<String, Arc<Bound>>,
}

/// Gets everybody's token and principal.
///
/// # Errors
/// For whom there is no good token.
pub(super) async fn gather(
    run: &Run<'_>,
    backing: &Backing,
    players: &BTreeMap<String, Player>,
) -> Result<People, Failure> {
    let mut people = People::default();
    for (name, player) in players {
        let token = match (&player.who, player.token.as_ref().and_then(|token| token.parse())) {
            (Some(who), _) => {
                let who: Who = who.parse().map_err(|error: crate::who::NotAName| {
                    Failure::invalid("UNKNOWN_PRINCIPAL", format!("`{name}` of the suite: {error}"))
                })?;
                backing.token_of(run, &who, Audience::App).await?
            }
            (None, Some(SecretRef::Env(variable))) => secret(run, name, &["env:", &variable].concat())?,
            (None, Some(SecretRef::File(path))) => secret(run, name, &["file:", &path].concat())?,
            (None, _) => {
                return Err(Failure::invalid("SECRET_MISSING", format!("`{name}` of the suite has no token")));
            }
        };
        match backing.bound(&token) {
            Ok(Some(bound)) => drop(people.bound.insert(name.clone(), bound)),
            Ok(None) => {}
            // Another server's token: it will say itself what it thinks of it.
            Err(_) if backing.runtime.is_none() && player.token.is_some() => {
                run.output.warn(&format!("`{name}`: the token is not of this installation; its rows are not judged"));
            }
            Err(failure) => return Err(failure.detail("principal", name.as_str())),
        }
        people.tokens.insert(name.clone(), token);
    }
    Ok(people)
}

fn secret(run: &Run<'_>, name: &str, reference: &str) -> Result<String, Failure> {
    run.environment
        .secret(reference)
        .map_err(|error| Failure::invalid("SECRET_MISSING", format!("the token of `{name}`: {error}")))
}
