//! Every name in metrics. Those that begin with `gen_ai.` are the OpenTelemetry semantic conventions for
//! generative AI, <https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/>; they change, and only here.

/// Histogram: seconds that a model call took.
pub const OPERATION_DURATION: &str = "gen_ai.client.operation.duration";
/// Histogram: tokens of a model call, by [`TOKEN_TYPE`].
pub const TOKEN_USAGE: &str = "gen_ai.client.token.usage";
/// Counter: what model calls cost, in micro-units.
pub const COST: &str = "tenantry.gen_ai.cost";
/// Counter: tokens of prompts that upstreams had kept.
pub const CACHED_TOKENS: &str = "tenantry.gen_ai.cached_tokens";
/// Histogram: seconds that a call of a data tool took.
pub const TOOL_DURATION: &str = "tenantry.tool.duration";
/// Counter: calls that limits refused.
pub const REFUSED: &str = "tenantry.limit.refused";

/// `chat`, `embeddings` and so on.
pub const OPERATION: &str = "gen_ai.operation.name";
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
