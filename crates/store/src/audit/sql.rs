//! The statements of the audit's chains, in the common subset of both databases. In the ones that
//! an append runs, parameters first appear in the order of their numbers.

/// One account's head: seq, hash, ordinal, seal.
pub(crate) const HEAD: &str = "SELECT seq, hash, ordinal, seal FROM tenantry_audit_heads WHERE account = $1";

/// Begins a chain.
pub(crate) const HEAD_INSERT: &str =
    "INSERT INTO tenantry_audit_heads (account, ordinal, seq, hash, seal) VALUES ($1, $2, $3, $4, $5)";

/// Moves a chain's head.
pub(crate) const HEAD_UPDATE: &str =
    "UPDATE tenantry_audit_heads SET seq = $1, hash = $2, seal = $3 WHERE account = $4";

/// The roster: accounts, hash, seal.
pub(crate) const ROSTER: &str = "SELECT accounts, hash, seal FROM tenantry_audit_roster WHERE one = 1";

/// Begins or replaces the roster.
pub(crate) const ROSTER_PUT: &str = "INSERT INTO tenantry_audit_roster (one, accounts, hash, seal) VALUES (1, $1, $2, $3) \
    ON CONFLICT (one) DO UPDATE SET accounts = excluded.accounts, hash = excluded.hash, seal = excluded.seal";

/// Adds an entry; the columns in the order in which they are hashed.
pub(crate) const ENTRY_INSERT: &str = "INSERT INTO tenantry_audit (account, seq, id, phase, start_seq, time_micros, \
    workspace, user_id, client, delegate, tool, model, request_digest, inputs, decision, code, reasons, scopes, \
    row_count, row_keys, rows_before, rows_after, duration_micros, error, policy_version, hash) VALUES \
    ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, \
    $25, $26)";
