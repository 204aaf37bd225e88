//! AI models behind the gateway.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::words::{Secret, WebUrl};

/// An AI model behind the gateway.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The audience that a token must be for.
    pub api: String,
    /// The permission that a token must hold.
    pub requires: String,
    /// Where calls go.
    pub upstream: Upstream,
    /// For people.
    pub description: Option<String>,
}

/// Where model calls go.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// The protocol it speaks.
    pub kind: UpstreamKind,
    /// Its base address.
    pub url: WebUrl,
    /// Its key: `env:NAME` or `file:PATH`.
    pub key: Option<Secret>,
}

/// The protocol of an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UpstreamKind {
    /// OpenAI's chat completions and its like.
    Openai,
    /// Anthropic's messages.
    Anthropic,
    /// The built-in one that answers deterministically, for demonstrations.
    Echo,
}
