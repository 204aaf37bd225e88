-- What `tenantry apply` keeps: what it manages, what it last applied, who applies now, and the secrets that it
-- made. One text for both databases.

-- A thing that the file manages. `target` and `address` are the plan's; `id` is what the thing is called where it
-- lives, NULL while it is being made. `hash` is of what was applied; `prints` holds keyed fingerprints of its
-- secrets as JSON, never a secret.
CREATE TABLE tenantry_managed (
    target         TEXT /*C*/ NOT NULL,
    address        TEXT /*C*/ NOT NULL,
    kind           TEXT   NOT NULL,
    id             TEXT,
    hash           TEXT   NOT NULL,
    prints         TEXT   NOT NULL,
    applied_micros BIGINT NOT NULL,
    PRIMARY KEY (target, address)
);

-- The file as it was last applied to each target, as canonical JSON: secrets stand in it as references.
CREATE TABLE tenantry_applied (
    target         TEXT   NOT NULL PRIMARY KEY,
    doc            TEXT   NOT NULL,
    digest         TEXT   NOT NULL,
    applied_by     TEXT   NOT NULL,
    applied_micros BIGINT NOT NULL
);

-- Who does something that only one may do at a time, and until when, unless it is held on to.
CREATE TABLE tenantry_lease (
    name         TEXT   NOT NULL PRIMARY KEY,
    holder       TEXT   NOT NULL,
    taken_micros BIGINT NOT NULL,
    until_micros BIGINT NOT NULL
);

-- Secrets that were made for the file (`generate`), sealed with a key that is not in this database.
CREATE TABLE tenantry_generated (
    address        TEXT   NOT NULL,
    field          TEXT   NOT NULL,
    sealed         BYTEA  NOT NULL,
    created_micros BIGINT NOT NULL,
    PRIMARY KEY (address, field)
);
