-- AI models: what calls used, and whose the answers are that upstreams keep.

-- One row per call. Money is in integer micro-units. `account` is the tenant id; empty for the platform's own.
CREATE TABLE tenantry_usage (
    request_id      TEXT   NOT NULL PRIMARY KEY,
    time_micros     BIGINT NOT NULL,
    account         TEXT   NOT NULL,
    workspace       TEXT,
    user_id         TEXT,
    client          TEXT,
    api_key         TEXT,
    model           TEXT   NOT NULL,
    surface         TEXT   NOT NULL,
    upstream        TEXT   NOT NULL,
    ended           TEXT   NOT NULL,
    input_tokens    BIGINT NOT NULL,
    cached_tokens   BIGINT NOT NULL,
    output_tokens   BIGINT NOT NULL,
    estimated       BIGINT NOT NULL,
    cost_micros     BIGINT NOT NULL,
    duration_micros BIGINT NOT NULL
);
CREATE INDEX tenantry_usage_by_account ON tenantry_usage (account, time_micros);
CREATE INDEX tenantry_usage_by_time ON tenantry_usage (time_micros);

-- Answers that an upstream keeps under our key: only who made one may go on from it.
CREATE TABLE tenantry_model_answer (
    owner          TEXT   NOT NULL,
    id             TEXT   NOT NULL,
    model          TEXT   NOT NULL,
    upstream       TEXT   NOT NULL,
    expires_micros BIGINT NOT NULL,
    PRIMARY KEY (owner, id)
);
CREATE INDEX tenantry_model_answer_by_end ON tenantry_model_answer (expires_micros);

-- Keys by which programs call models. The key itself was shown once; its SHA-256 is kept. `doc`: the permissions
-- by API and the models that it is limited to.
CREATE TABLE tenantry_api_key (
    id               TEXT   NOT NULL PRIMARY KEY,
    hash             BYTEA  NOT NULL UNIQUE,
    prefix           TEXT   NOT NULL,
    name             TEXT   NOT NULL,
    account_id       TEXT   NOT NULL REFERENCES tenantry_account (id) ON DELETE CASCADE,
    workspace_id     TEXT   REFERENCES tenantry_workspace (id) ON DELETE CASCADE,
    user_id          TEXT   REFERENCES tenantry_user (id) ON DELETE CASCADE,
    doc              TEXT   NOT NULL,
    status           TEXT   NOT NULL,
    created_by       TEXT   NOT NULL,
    created_micros   BIGINT NOT NULL,
    expires_micros   BIGINT NOT NULL,
    last_used_micros BIGINT
);
CREATE INDEX tenantry_api_key_by_account ON tenantry_api_key (account_id, created_micros, id);
CREATE INDEX tenantry_api_key_by_workspace ON tenantry_api_key (workspace_id);
CREATE INDEX tenantry_api_key_by_user ON tenantry_api_key (user_id);
