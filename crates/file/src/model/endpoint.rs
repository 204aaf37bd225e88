//! AI models behind the gateway.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::Limits;
use crate::words::{Millis, Secret, UpstreamUrl};

/// An AI model behind the gateway.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The audience that a token must be for.
    pub api: String,
    /// The permission that a token must hold.
    pub requires: String,
    /// Where calls go.
    pub upstream: Option<Upstream>,
    /// Where calls go, when there are several: shared by weight, and one stands in for another that fails.
    #[serde(default)]
    pub upstreams: Vec<Upstream>,
    /// The most output tokens that a call may ask for; a call that asks for none is given this.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_tokens: Option<i64>,
    /// What it costs. Without, nothing.
    pub price: Option<Price>,
    /// How long an answer may be given again to the same account for exactly the same request: `60s`. Never
    /// across accounts. Without, never.
    pub cache: Option<Millis>,
    /// Lets callers name pictures and documents by an address, which the upstream then fetches. Only for upstreams
    /// that reach nothing of yours by it; what is fetched is in no reservation of a budget.
    #[serde(default)]
    pub remote_media: bool,
    /// Limits on the calls of all accounts together.
    #[serde(default)]
    pub limits: Limits,
    /// Limits on each account's calls.
    #[serde(default)]
    pub each_account: Limits,
    /// For people; shown by `/v1/models`.
    pub description: Option<String>,
}

/// What a model costs, in millionths of the platform's unit of money per million tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Price {
    /// Tokens of the prompt.
    #[schemars(range(min = 0))]
    pub input: i64,
    /// Those of the prompt that the upstream had kept; without, as any.
    #[schemars(range(min = 0))]
    pub cached_input: Option<i64>,
    /// Those of the prompt that the upstream was told to keep; without, as any, and twice that where an upstream is
    /// Anthropic's: the most that it asks.
    #[schemars(range(min = 0))]
    pub cache_write: Option<i64>,
    /// Tokens of the answer.
    #[schemars(range(min = 0))]
    pub output: i64,
}

/// Where model calls go.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// The protocol it speaks.
    pub kind: UpstreamKind,
    /// Its base address, such as `https://api.openai.com/v1`; `builtin:echo` for the kind `echo`.
    pub url: UpstreamUrl,
    /// Its key: `env:NAME` or `file:PATH`.
    pub key: Option<Secret>,
    /// What the model is called there; without, as here.
    pub model: Option<String>,
    /// Its share of the calls beside the others': 0 only stands in for them.
    #[schemars(range(min = 0, max = 1000))]
    pub weight: Option<i64>,
    /// How long a connection may take to be made (default `5s`).
    pub connect_timeout: Option<Millis>,
    /// How long until the first byte of a stream (default `60s`). A whole answer has until `total_timeout`.
    pub first_byte_timeout: Option<Millis>,
    /// How long an answer may be silent once it has begun (default `60s`).
    pub idle_timeout: Option<Millis>,
    /// How long a whole call may take (default `10m`).
    pub total_timeout: Option<Millis>,
    /// Lets it be asked without TLS although it is not on this machine: whoever is on the way reads prompts and key.
    #[serde(default)]
    pub without_tls: bool,
    /// The fields by which the upstream keeps callers apart, set to a keyed hash of the account: without,
    /// `user` and `prompt_cache_key`. vLLM knows `cache_salt`.
    pub partition: Option<Vec<PartitionField>>,
    /// What the upstream calls the cap of a chat's answer (default `max_completion_tokens`). Ollama and others know
    /// `max_tokens` alone, and without it answer as long as they like.
    pub cap_field: Option<CapField>,
}

/// What an upstream calls the cap of a chat's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CapField {
    /// OpenAI's name since 2024.
    MaxCompletionTokens,
    /// The name before, which others know alone.
    MaxTokens,
}

/// The protocol of an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UpstreamKind {
    /// OpenAI's chat completions and its like: OpenAI, vLLM, Ollama, ….
    Openai,
    /// Anthropic's messages.
    Anthropic,
    /// The built-in one that answers deterministically, for demonstrations.
    Echo,
}

/// A field of a request by which an upstream keeps callers apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartitionField {
    /// OpenAI's end user.
    User,
    /// OpenAI's key of the prompt cache.
    PromptCacheKey,
    /// vLLM's salt of the prefix cache.
    CacheSalt,
}

impl Model {
    /// Where calls go, in the file's order.
    pub fn targets(&self) -> impl Iterator<Item = &Upstream> {
        self.upstream.iter().chain(&self.upstreams)
    }
}
