-- What is left of budgets, one row for each budget and period. `held`: set aside for calls under way.
-- INVARIANT: spent + held never grows beyond the budget by a reservation; every change is one conditional statement.
CREATE TABLE tenantry_budget (
    scope         TEXT /*C*/ NOT NULL,
    period_micros BIGINT     NOT NULL,
    spent_micros  BIGINT     NOT NULL,
    held_micros   BIGINT     NOT NULL,
    PRIMARY KEY (scope, period_micros)
);

-- What calls under way have set aside. A row is gone once its call is settled, so nothing is settled twice; one
-- whose server died is settled when it expires.
CREATE TABLE tenantry_budget_hold (
    request_id     TEXT /*C*/ NOT NULL,
    scope          TEXT /*C*/ NOT NULL,
    period_micros  BIGINT     NOT NULL,
    held_micros    BIGINT     NOT NULL,
    hard           BIGINT     NOT NULL,
    expires_micros BIGINT     NOT NULL,
    PRIMARY KEY (request_id, scope)
);
CREATE INDEX tenantry_budget_hold_by_end ON tenantry_budget_hold (expires_micros);

-- Rates that several servers share: until when a bucket is used up, as its servers have taken from it. The time is
-- the database's own.
CREATE TABLE tenantry_share (
    name        TEXT /*C*/ NOT NULL PRIMARY KEY,
    tat_micros  BIGINT     NOT NULL
);

-- Servers that answer at present.
CREATE TABLE tenantry_server (
    id           TEXT /*C*/ NOT NULL PRIMARY KEY,
    until_micros BIGINT     NOT NULL
);
