-- What Tenantry itself keeps. One text for both databases: BIGINT, TEXT and BYTEA mean the same on
-- PostgreSQL and, by affinity, on SQLite (a blob stays a blob in a column of any affinity).

-- Small facts about the store itself, such as a check value of the keys that seal it.
CREATE TABLE tenantry_store (
    name  TEXT  NOT NULL PRIMARY KEY,
    value BYTEA NOT NULL
);

-- The audit: append only, one hash chain per account. The order of the columns is the order in
-- which they are hashed.
CREATE TABLE tenantry_audit (
    account         TEXT   NOT NULL,
    seq             BIGINT NOT NULL,
    id              TEXT   NOT NULL,
    phase           TEXT   NOT NULL,
    start_seq       BIGINT,
    time_micros     BIGINT NOT NULL,
    workspace       TEXT,
    user_id         TEXT,
    client          TEXT,
    delegate        TEXT,
    tool            TEXT   NOT NULL,
    model           TEXT,
    request_digest  TEXT   NOT NULL,
    inputs          TEXT,
    decision        TEXT   NOT NULL,
    code            TEXT,
    reasons         TEXT,
    scopes          TEXT,
    row_count       BIGINT,
    row_keys        TEXT,
    rows_before     TEXT,
    rows_after      TEXT,
    duration_micros BIGINT,
    error           TEXT,
    policy_version  TEXT   NOT NULL,
    hash            BYTEA  NOT NULL,
    PRIMARY KEY (account, seq)
);
CREATE INDEX tenantry_audit_by_id ON tenantry_audit (account, id);

-- The end of each chain, sealed with a key that is not in this database. `ordinal` is the place of
-- the account in the roster.
CREATE TABLE tenantry_audit_heads (
    account TEXT   NOT NULL PRIMARY KEY,
    ordinal BIGINT NOT NULL UNIQUE,
    seq     BIGINT NOT NULL,
    hash    BYTEA  NOT NULL,
    seal    BYTEA  NOT NULL
);

-- One row: how many chains there are and a hash over their names in order, sealed, so that a whole
-- chain cannot vanish with its head.
CREATE TABLE tenantry_audit_roster (
    one      BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    accounts BIGINT NOT NULL,
    hash     BYTEA  NOT NULL,
    seal     BYTEA  NOT NULL
);

-- Writes that wait for somebody's consent.
CREATE TABLE tenantry_approvals (
    account         TEXT   NOT NULL,
    id              TEXT   NOT NULL,
    requester       TEXT   NOT NULL,
    tool            TEXT   NOT NULL,
    model           TEXT,
    content         BYTEA  NOT NULL,
    content_sha256  BYTEA  NOT NULL,
    status          TEXT   NOT NULL,
    approver        TEXT,
    outcome         TEXT,
    created_micros  BIGINT NOT NULL,
    expires_micros  BIGINT NOT NULL,
    decided_micros  BIGINT,
    started_micros  BIGINT,
    finished_micros BIGINT,
    seal            BYTEA  NOT NULL,
    PRIMARY KEY (account, id)
);
CREATE INDEX tenantry_approvals_by_status ON tenantry_approvals (account, status, created_micros);
