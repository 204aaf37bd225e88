//! The models in force, as the file declares them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::breaker::Breaker;
use super::route::Turns;

/// The models in force.
#[derive(Debug, Default)]
pub struct Catalog {
    models: BTreeMap<Box<str>, Arc<Model>>,
    apis: BTreeSet<Box<str>>,
    version: Box<str>,
}

impl Catalog {
    /// Of these models; `version` names the file that they come from in the audit.
    #[must_use]
    pub fn new(models: impl IntoIterator<Item = Model>, version: &str) -> Catalog {
        let models: BTreeMap<Box<str>, Arc<Model>> =
            models.into_iter().map(|model| (Box::from(&*model.name), Arc::new(model))).collect();
        let apis = models.values().map(|model| model.api.clone()).collect();
        Catalog { models, apis, version: version.into() }
    }

    /// The model of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Model>> {
        self.models.get(name)
    }

    /// Every model, by name.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Model>> {
        self.models.values()
    }

    /// Is this the identifier of an API that a model stands behind?
    #[must_use]
    pub fn is_api(&self, identifier: &str) -> bool {
        self.apis.contains(identifier)
    }

    /// The file that it comes from.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }
}

/// A model.
#[derive(Debug)]
pub struct Model {
    /// What callers call it.
    pub name: Arc<str>,
    /// The API that a credential must be for.
    pub api: Box<str>,
    /// The permission that must be held on it.
    pub requires: Box<str>,
    /// For people.
    pub description: Option<Box<str>>,
    /// The most output tokens that a call may ask for.
    pub max_tokens: Option<u64>,
    /// What it costs.
    pub price: Price,
    /// How long an answer may be given again to the same account.
    pub cache: Option<Duration>,
    /// May callers name pictures and documents by an address, which the upstream then fetches?
    pub fetches: bool,
    /// Where calls go.
    pub targets: Vec<Arc<Target>>,
    /// Whose turn it is among them.
    pub turns: Turns,
}

impl Model {
    /// Who answers under an upstream's name, for metrics; the first one where none did.
    pub(crate) fn provider(&self, upstream: &str) -> &'static str {
        let named = self.targets.iter().find(|target| *target.name == *upstream);
        named.or_else(|| self.targets.first()).map_or("", |target| target.kind.provider())
    }
}

/// Micro-units per million tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Price {
    /// Of the prompt.
    pub input: u64,
    /// Of the part of the prompt that the upstream had kept.
    pub cached_input: u64,
    /// Of the part of the prompt that the upstream was told to keep.
    pub cache_write: u64,
    /// Of the answer.
    pub output: u64,
}

/// How long an upstream is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Until there is a connection.
    pub connect: Duration,
    /// Until the first byte of the answer.
    pub first_byte: Duration,
    /// Until the next byte, once it has begun.
    pub idle: Duration,
    /// In all.
    pub total: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_mins(1),
            idle: Duration::from_mins(1),
            total: Duration::from_mins(10),
        }
    }
}

/// The protocol of an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// OpenAI's and its like.
    OpenAi,
    /// Anthropic's.
    Anthropic,
    /// The built-in one.
    Echo,
}

impl Kind {
    /// Its name in metrics.
    pub(crate) fn provider(self) -> &'static str {
        match self {
            Kind::OpenAi => "openai",
            Kind::Anthropic => "anthropic",
            Kind::Echo => "tenantry",
        }
    }
}

/// A field by which an upstream keeps callers apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partition {
    /// `user`.
    User,
    /// `prompt_cache_key`.
    PromptCacheKey,
    /// `cache_salt`.
    CacheSalt,
}

/// What an upstream calls the cap of a chat's answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CapField {
    /// `max_completion_tokens`, or `max_tokens` where the caller says so.
    #[default]
    MaxCompletionTokens,
    /// `max_tokens` and nothing else.
    MaxTokens,
}

/// What an upstream is made from.
#[derive(Default)]
pub struct TargetParts {
    /// Its base address.
    pub url: String,
    /// Its key.
    pub key: Option<Zeroizing<String>>,
    /// What the model is called there.
    pub model: Option<String>,
    /// Its share of the calls.
    pub weight: u32,
    /// How long it is waited for.
    pub patience: Patience,
    /// What it keeps callers apart by, beside what it is sent.
    pub partition: Vec<Partition>,
    /// What it calls the cap of a chat's answer.
    pub cap_field: CapField,
}

/// Where calls go.
pub struct Target {
    /// The protocol it speaks.
    pub kind: Kind,
    /// Its name in the audit and the usage: its place in the file and its host.
    pub name: Box<str>,
    /// Everything else that was said about it.
    pub parts: TargetParts,
    pub(crate) breaker: Breaker,
}

impl Target {
    /// The upstream at a place (from 0) of a model's list.
    #[must_use]
    pub fn new(kind: Kind, place: usize, parts: TargetParts) -> Target {
        let rest = parts.url.split_once("://").map_or(parts.url.as_str(), |(_, rest)| rest);
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let name = format!("{place}:{host}").into();
        Target { kind, name, parts, breaker: Breaker::default() }
    }
}

/// Keys stay out of logs.
impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").field("name", &self.name).finish_non_exhaustive()
    }
}
