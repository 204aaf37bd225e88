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
