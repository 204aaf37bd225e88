//! Every name in metrics, for Prometheus and for OTLP alike. Those that begin with `gen_ai.` are the OpenTelemetry
//! semantic conventions for generative AI, <https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/>; they
//! change, and only here.

/// A figure's name, and what it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instrument {
    /// The name.
    pub name: &'static str,
    /// Its unit, as UCUM writes it.
    pub unit: &'static str,
    /// What follows the name where Prometheus reads it.
    pub suffix: &'static str,
    /// What it is, for people.
    pub about: &'static str,
}

/// Histogram: how long model calls took.
pub const OPERATION_DURATION: Instrument = Instrument {
    name: "gen_ai.client.operation.duration",
    unit: "s",
    suffix: "_seconds",
    about: "Seconds that model calls took",
};
/// Histogram: tokens of model calls, by [`TOKEN_TYPE`].
pub const TOKEN_USAGE: Instrument =
    Instrument { name: "gen_ai.client.token.usage", unit: "{token}", suffix: "", about: "Tokens of model calls" };
/// Counter: what model calls cost.
pub const COST: Instrument = Instrument {
    name: "tenantry.gen_ai.cost",
    unit: "{micro}",
    suffix: "_micros_total",
    about: "What model calls cost, in millionths of the unit of money",
};
/// Counter: tokens of prompts that upstreams had kept.
pub const CACHED_TOKENS: Instrument = Instrument {
    name: "tenantry.gen_ai.cached_tokens",
    unit: "{token}",
    suffix: "_total",
    about: "Tokens of prompts that upstreams had kept",
};
/// Histogram: how long calls of data tools took.
pub const TOOL_DURATION: Instrument = Instrument {
    name: "tenantry.tool.duration",
    unit: "s",
    suffix: "_seconds",
    about: "Seconds that calls of data tools took",
};
/// Counter: calls that limits refused.
pub const REFUSED: Instrument = Instrument {
    name: "tenantry.limit.refused",
    unit: "{call}",
    suffix: "_total",
    about: "Calls that limits and budgets refused",
};

/// `chat`, `embeddings` and so on.
pub const OPERATION: &str = "gen_ai.operation.name";
/// The protocol of the upstream: `openai`, `anthropic` or `tenantry`, the built-in one.
pub const PROVIDER: &str = "gen_ai.provider.name";
/// The model, as callers call it.
pub const REQUEST_MODEL: &str = "gen_ai.request.model";
/// `input` or `output`.
pub const TOKEN_TYPE: &str = "gen_ai.token.type";
/// The data tool.
pub const TOOL: &str = "gen_ai.tool.name";
/// Why it failed; absent for what was done.
pub const ERROR_TYPE: &str = "error.type";
/// The account's tenant id.
pub const ACCOUNT: &str = "tenantry.account";
/// The workspace.
pub const WORKSPACE: &str = "tenantry.workspace";
/// Whose limit refused: `account`, `user` and so on.
pub const LEVEL: &str = "tenantry.limit.level";
/// What refused: `requests`, `tokens`, `concurrent`, `budget` or `ledger`.
pub const LIMIT: &str = "tenantry.limit.kind";

/// Whose figures they are, of a whole server.
pub const SERVICE: &str = "service.name";
/// Its version.
pub const SERVICE_VERSION: &str = "service.version";
/// Which of several servers.
pub const SERVICE_INSTANCE: &str = "service.instance.id";
