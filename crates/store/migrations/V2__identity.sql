-- Who: accounts, users, roles, APIs, clients, and what they are given. One text for both databases.
-- `doc` holds a resource's remaining fields as JSON; what is searched, joined or unique is a column.
-- An empty text in `account_id` or `workspace_id` of a holding means: held on the level above.
-- `/*C*/` becomes COLLATE "C" on PostgreSQL, so that both databases order and search these columns by bytes.

CREATE TABLE tenantry_setting (
    name           TEXT   NOT NULL PRIMARY KEY,
    doc            TEXT   NOT NULL,
    version        BIGINT NOT NULL,
    updated_micros BIGINT NOT NULL
);

-- An account is a tenant. `tenant_id` is what its rows carry in the sources; it never changes.
CREATE TABLE tenantry_account (
    id             TEXT   NOT NULL PRIMARY KEY,
    name           TEXT   NOT NULL UNIQUE,
    tenant_id      TEXT   NOT NULL UNIQUE,
    display_name   TEXT,
    parent_id      TEXT   REFERENCES tenantry_account (id),
    status         TEXT   NOT NULL,
    doc            TEXT   NOT NULL,
    version        BIGINT NOT NULL,
    created_micros BIGINT NOT NULL,
    updated_micros BIGINT NOT NULL
);
CREATE INDEX tenantry_account_by_age ON tenantry_account (created_micros, id);
CREATE INDEX tenantry_account_by_parent ON tenantry_account (parent_id);
CREATE INDEX tenantry_account_by_display_name ON tenantry_account ((coalesce(display_name, '')), id);

-- Every tenant id ever given. Rows of a deleted account may still lie in a source, so its tenant id
-- is never given to another account.
CREATE TABLE tenantry_tenant (
    tenant_id  TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL
);

CREATE TABLE tenantry_workspace (
    id             TEXT   NOT NULL PRIMARY KEY,
    account_id     TEXT   NOT NULL REFERENCES tenantry_account (id) ON DELETE CASCADE,
    name           TEXT   NOT NULL,
    display_name   TEXT,
    status         TEXT   NOT NULL,
    doc            TEXT   NOT NULL,
    version        BIGINT NOT NULL,
    created_micros BIGINT NOT NULL,
    updated_micros BIGINT NOT NULL,
    UNIQUE (account_id, name)
);

-- `secret`: the secret ones of its options, sealed with a key that is not in this database.
CREATE TABLE tenantry_connection (
    id             TEXT   NOT NULL PRIMARY KEY,
    name           TEXT   NOT NULL UNIQUE,
    strategy       TEXT   NOT NULL,
    secret         BYTEA,
    doc            TEXT   NOT NULL,
    version        BIGINT NOT NULL,
    created_micros BIGINT NOT NULL,
    updated_micros BIGINT NOT NULL
);

CREATE TABLE tenantry_account_connection (
    account_id     TEXT   NOT NULL REFERENCES tenantry_account (id) ON DELETE CASCADE,
    connection_id  TEXT   NOT NULL REFERENCES tenantry_connection (id) ON DELETE CASCADE,
    enabled        BIGINT NOT NULL,
    doc            TEXT   NOT NULL,
    version        BIGINT NOT NULL,
    created_micros BIGINT NOT NULL,
    PRIMARY KEY (account_id, connection_id)
);
CREATE INDEX tenantry_account_connection_by_connection ON tenantry_account_connection (connection_id);

-- `connection` is the name of the connection of the first identity. The columns from `email` to
-- `family_name` are as they are compared: normalised, in lower case. What is shown of the names is in `doc`.
CREATE TABLE tenantry_user (
    id                TEXT   NOT NULL PRIMARY KEY,
    connection        TEXT   NOT NULL,
    email             TEXT /*C*/,
    email_domain      TEXT /*C*/,
    username          TEXT /*C*/,
    phone             TEXT /*C*/,
    name              TEXT /*C*/,
    nickname          TEXT /*C*/,
    given_name        TEXT /*C*/,
    family_name       TEXT /*C*/,
    email_verified    BIGINT NOT NULL,
    phone_verified    BIGINT NOT NULL,
    blocked           BIGINT NOT NULL,
    platform          BIGINT NOT NULL,
    logins            BIGINT NOT NULL,
    last_login_micros BIGINT,
    last_ip           TEXT,
    doc               TEXT   NOT NULL,
    version           BIGINT NOT NULL,
    created_micros    BIGINT NOT NULL,
    updated_micros    BIGINT NOT NULL
);
CREATE INDEX tenantry_user_by_age ON tenantry_user (created_micros, id);
CREATE INDEX tenantry_user_by_email ON tenantry_user (email);
CREATE INDEX tenantry_user_by_domain ON tenantry_user (email_domain) WHERE email_domain IS NOT NULL;
CREATE INDEX tenantry_user_by_username ON tenantry_user (username) WHERE username IS NOT NULL;
CREATE INDEX tenantry_user_by_phone ON tenantry_user (phone) WHERE phone IS NOT NULL;
CREATE INDEX tenantry_user_by_name ON tenantry_user (name);
CREATE INDEX tenantry_user_by_nickname ON tenantry_user (nickname);
CREATE INDEX tenantry_user_by_given_name ON tenantry_user (given_name) WHERE given_name IS NOT NULL;
CREATE INDEX tenantry_user_by_family_name ON tenantry_user (family_name) WHERE family_name IS NOT NULL;
CREATE INDEX tenantry_user_by_last_login ON tenantry_user (last_login_micros) WHERE last_login_micros IS NOT NULL;
CREATE INDEX tenantry_user_blocked ON tenantry_user (created_micros, id) WHERE blocked = 1;

-- The identities of a user. The first one (`ordinal` 0) made the user. `email`, `username` and `phone` are
-- what somebody may log in with, as they are compared; empty where the connection does not log in by them.
CREATE TABLE tenantry_identity (
    provider   TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    user_id    TEXT   NOT NULL REFERENCES tenantry_user (id) ON DELETE CASCADE,
    connection TEXT   NOT NULL,
    ordinal    BIGINT NOT NULL,
    email      TEXT /*C*/,
    username   TEXT /*C*/,
    phone      TEXT /*C*/,
    doc        TEXT   NOT NULL,
    PRIMARY KEY (provider, subject)
);
CREATE INDEX tenantry_identity_by_user ON tenantry_identity (user_id, ordinal);
CREATE INDEX tenantry_identity_by_connection ON tenantry_identity (connection, user_id);
CREATE UNIQUE INDEX tenantry_identity_by_email ON tenantry_identity (connection, email) WHERE email IS NOT NULL;
CREATE UNIQUE INDEX tenantry_identity_by_username ON tenantry_identity (connection, username) WHERE username IS NOT NULL;
CREATE UNIQUE INDEX tenantry_identity_by_phone ON tenantry_identity (connection, phone) WHERE phone IS NOT NULL;

-- What can be searched for in the users' metadata: each text, number or truth value with the path to it.
-- `number` is the number's place in the order of all numbers.
CREATE TABLE tenantry_user_term (
    user_id TEXT NOT NULL REFERENCES tenantry_user (id) ON DELETE CASCADE,
    path    TEXT /*C*/ NOT NULL,
    value   TEXT /*C*/ NOT NULL,
    number  BIGINT,
    PRIMARY KEY (path, value, user_id)
);
CREATE INDEX tenantry_user_term_by_user ON tenantry_user_term (user_id, path);
CREATE INDEX tenantry_user_term_by_number ON tenantry_user_term (path, number) WHERE number IS NOT NULL;

-- How many rows a table has that is too long to be counted for each page of a list.
CREATE TABLE tenantry_total (
    name  TEXT   NOT NULL PRIMARY KEY,
    count BIGINT NOT NULL
);
INSERT INTO tenantry_total (name, count) VALUES ('users', 0);

-- `user_id`: the id that the identity has as a user of its own. A password stays with its identity when that
-- is linked to another user, so the column does not refer to the users; removing a user removes its passwords.
CREATE TABLE tenantry_password (
    user_id        TEXT   NOT NULL PRIMARY KEY,
    hash           TEXT   NOT NULL,
    history        TEXT   NOT NULL,
    updated_micros BIGINT NOT NULL
);

CREATE TABLE tenantry_authentication_method (
    id             TEXT   NOT NULL PRIMARY KEY,
    user_id        TEXT   NOT NULL REFERENCES tenantry_user (id) ON DELETE CASCADE,
    kind           TEXT   NOT NULL,
    secret         BYTEA,
    doc            TEXT   NOT NULL,
    created_micros BIGINT NOT NULL
);
CREATE INDEX tenantry_authentication_method_by_user ON tenantry_authentication_method (user_id, created_micros);

CREATE TABLE tenantry_member (
    account_id     TEXT   NOT NULL REFERENCES tenantry_account (id) ON DELETE CASCADE,
    user_id        TEXT   NOT NULL REFERENCES tenantry_user (id) ON DELETE CASCADE,
    created_micros BIGINT NOT NULL,
    PRIMARY KEY (account_id, user_id)
);
CREATE INDEX tenantry_member_by_user ON tenantry_member (user_id);
CREATE INDEX tenantry_member_by_age ON tenantry_member (account_id, created_micros, user_id);

CREATE TABLE tenantry_workspace_member (
    workspace_id   TEXT   NOT NULL REFERENCES tenantry_workspace (id) ON DELETE CASCADE,
    account_id     TEXT   NOT NULL,
    user_id        TEXT   NOT NULL,
    created_micros BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, user_id),
    FOREIGN KEY (account_id, user_id) REFERENCES tenantry_member (account_id, user_id) ON DELETE CASCADE
);
CREATE INDEX tenantry_workspace_member_by_member ON tenantry_workspace_member (account_id, user_id);

-- `level`: platform, account or workspace. `account_id`: an account's own role; empty for one that
-- the platform offers to all. `folded`: the name in lower case, for filters.
CREATE TABLE tenantry_role (
    id             TEXT   NOT NULL PRIMARY KEY,
    account_id     TEXT   NOT NULL,
    name           TEXT   NOT NULL,
    folded         TEXT   NOT NULL,
    level          TEXT   NOT NULL,
    description    TEXT,
    version        BIGINT NOT NULL,
    created_micros BIGINT NOT NULL,
    updated_micros BIGINT NOT NULL,
    UNIQUE (account_id, name)
);

-- `secret`: what signs its tokens where that is a shared secret, sealed.
CREATE TABLE tenantry_api (
    id             TEXT   NOT NULL PRIMARY KEY,
    identifier     TEXT   NOT NULL UNIQUE,
    name           TEXT,
    is_system      BIGINT NOT NULL,
    secret         BYTEA,
    doc            TEXT   NOT NULL,
    version        BIGINT NOT NULL,
    created_micros BIGINT NOT NULL,
    updated_micros BIGINT NOT NULL
);

-- The permissions that an API knows, in the order in which they were given.
CREATE TABLE tenantry_permission (
    api_id      TEXT   NOT NULL REFERENCES tenantry_api (id) ON DELETE CASCADE,
    name        TEXT   NOT NULL,
    description TEXT,
    ordinal     BIGINT NOT NULL,
    PRIMARY KEY (api_id, name)
);

CREATE TABLE tenantry_role_permission (
    role_id        TEXT   NOT NULL REFERENCES tenantry_role (id) ON DELETE CASCADE,
    api_id         TEXT   NOT NULL,
    permission     TEXT   NOT NULL,
    created_micros BIGINT NOT NULL,
    PRIMARY KEY (role_id, api_id, permission),
    FOREIGN KEY (api_id, permission) REFERENCES tenantry_permission (api_id, name) ON DELETE CASCADE
);
CREATE INDEX tenantry_role_permission_by_permission ON tenantry_role_permission (api_id, permission);

CREATE TABLE tenantry_user_permission (
    user_id        TEXT   NOT NULL REFERENCES tenantry_user (id) ON DELETE CASCADE,
    api_id         TEXT   NOT NULL,
    permission     TEXT   NOT NULL,
    created_micros BIGINT NOT NULL,
    PRIMARY KEY (user_id, api_id, permission),
    FOREIGN KEY (api_id, permission) REFERENCES tenantry_permission (api_id, name) ON DELETE CASCADE
);
CREATE INDEX tenantry_user_permission_by_permission ON tenantry_user_permission (api_id, permission);

-- Who holds a role where. Removing a member removes what it held there by statements of its own,
-- since the empty text cannot refer to anything.
CREATE TABLE tenantry_role_holder (
    user_id        TEXT   NOT NULL REFERENCES tenantry_user (id) ON DELETE CASCADE,
    account_id     TEXT   NOT NULL,
    workspace_id   TEXT   NOT NULL,
    role_id        TEXT   NOT NULL REFERENCES tenantry_role (id) ON DELETE CASCADE,
    created_micros BIGINT NOT NULL,
    PRIMARY KEY (user_id, account_id, workspace_id, role_id)
);
CREATE INDEX tenantry_role_holder_by_role ON tenantry_role_holder (role_id, account_id, workspace_id, created_micros, user_id);
CREATE INDEX tenantry_role_holder_by_account ON tenantry_role_holder (account_id, user_id);

-- `secret` is sealed with a key that is not in this database. `external_id`: the address of the document
-- that a third party describes its client with. `api`: the identifier of the API that the client stands for.
CREATE TABLE tenantry_client (
    id             TEXT   NOT NULL PRIMARY KEY,
    name           TEXT   NOT NULL,
    app_type       TEXT,
    is_first_party BIGINT NOT NULL,
    is_global      BIGINT NOT NULL,
    external_id    TEXT   UNIQUE,
    api            TEXT,
    secret         BYTEA,
    doc            TEXT   NOT NULL,
    version        BIGINT NOT NULL,
    created_micros BIGINT NOT NULL,
    updated_micros BIGINT NOT NULL
);
CREATE INDEX tenantry_client_by_age ON tenantry_client (created_micros, id);
CREATE INDEX tenantry_client_by_api ON tenantry_client (api);

-- Which clients may log users in through a connection.
CREATE TABLE tenantry_connection_client (
    connection_id  TEXT   NOT NULL REFERENCES tenantry_connection (id) ON DELETE CASCADE,
    client_id      TEXT   NOT NULL REFERENCES tenantry_client (id) ON DELETE CASCADE,
    created_micros BIGINT NOT NULL,
    PRIMARY KEY (connection_id, client_id)
);
CREATE INDEX tenantry_connection_client_by_client ON tenantry_connection_client (client_id);

CREATE TABLE tenantry_credential (
    id             TEXT   NOT NULL PRIMARY KEY,
    client_id      TEXT   NOT NULL REFERENCES tenantry_client (id) ON DELETE CASCADE,
    kid            TEXT,
    kind           TEXT   NOT NULL,
    doc            TEXT   NOT NULL,
    expires_micros BIGINT,
    created_micros BIGINT NOT NULL,
    updated_micros BIGINT NOT NULL
);
CREATE INDEX tenantry_credential_by_client ON tenantry_credential (client_id, created_micros);
CREATE UNIQUE INDEX tenantry_credential_by_kid ON tenantry_credential (client_id, kid);

-- What a client may ask of an API.
CREATE TABLE tenantry_client_grant (
    id             TEXT   NOT NULL PRIMARY KEY,
    client_id      TEXT   NOT NULL REFERENCES tenantry_client (id) ON DELETE CASCADE,
    api_id         TEXT   NOT NULL REFERENCES tenantry_api (id) ON DELETE CASCADE,
    subject_type   TEXT   NOT NULL,
    any_account    BIGINT NOT NULL,
    doc            TEXT   NOT NULL,
    version        BIGINT NOT NULL,
    created_micros BIGINT NOT NULL,
    UNIQUE (client_id, api_id, subject_type)
);
CREATE INDEX tenantry_client_grant_by_age ON tenantry_client_grant (created_micros, id);
CREATE INDEX tenantry_client_grant_by_api ON tenantry_client_grant (api_id);

CREATE TABLE tenantry_account_client_grant (
    account_id     TEXT   NOT NULL REFERENCES tenantry_account (id) ON DELETE CASCADE,
    grant_id       TEXT   NOT NULL REFERENCES tenantry_client_grant (id) ON DELETE CASCADE,
    created_micros BIGINT NOT NULL,
    PRIMARY KEY (account_id, grant_id)
);
CREATE INDEX tenantry_account_client_grant_by_grant ON tenantry_account_client_grant (grant_id);

CREATE TABLE tenantry_domain (
    id             TEXT   NOT NULL PRIMARY KEY,
    account_id     TEXT   NOT NULL REFERENCES tenantry_account (id) ON DELETE CASCADE,
    domain         TEXT   NOT NULL,
    status         TEXT   NOT NULL,
    doc            TEXT   NOT NULL,
    version        BIGINT NOT NULL,
    created_micros BIGINT NOT NULL,
    UNIQUE (account_id, domain)
);
CREATE INDEX tenantry_domain_by_name ON tenantry_domain (domain, status);

-- The ticket itself is shown once; its hash is kept.
CREATE TABLE tenantry_invitation (
    id             TEXT   NOT NULL PRIMARY KEY,
    account_id     TEXT   NOT NULL REFERENCES tenantry_account (id) ON DELETE CASCADE,
    email          TEXT   NOT NULL,
    ticket_hash    BYTEA  NOT NULL UNIQUE,
    doc            TEXT   NOT NULL,
    created_micros BIGINT NOT NULL,
    expires_micros BIGINT NOT NULL
);
CREATE INDEX tenantry_invitation_by_account ON tenantry_invitation (account_id, created_micros, id);

CREATE TABLE tenantry_workspace_code (
    id             TEXT   NOT NULL PRIMARY KEY,
    account_id     TEXT   NOT NULL REFERENCES tenantry_account (id) ON DELETE CASCADE,
    workspace_id   TEXT   NOT NULL REFERENCES tenantry_workspace (id) ON DELETE CASCADE,
    role_id        TEXT   REFERENCES tenantry_role (id) ON DELETE CASCADE,
    code_hash      BYTEA  NOT NULL UNIQUE,
    context        TEXT   NOT NULL,
    max_uses       BIGINT NOT NULL,
    uses           BIGINT NOT NULL,
    status         TEXT   NOT NULL,
    created_micros BIGINT NOT NULL,
    expires_micros BIGINT NOT NULL
);
CREATE INDEX tenantry_workspace_code_by_workspace ON tenantry_workspace_code (workspace_id, created_micros);

-- Who used a code: nobody uses one twice, so whoever was taken out does not come back by it.
CREATE TABLE tenantry_workspace_code_use (
    code_id     TEXT   NOT NULL REFERENCES tenantry_workspace_code (id) ON DELETE CASCADE,
    user_id     TEXT   NOT NULL REFERENCES tenantry_user (id) ON DELETE CASCADE,
    used_micros BIGINT NOT NULL,
    PRIMARY KEY (code_id, user_id)
);

CREATE TABLE tenantry_session (
    id             TEXT   NOT NULL PRIMARY KEY,
    user_id        TEXT   NOT NULL REFERENCES tenantry_user (id) ON DELETE CASCADE,
    doc            TEXT   NOT NULL,
    created_micros BIGINT NOT NULL,
    seen_micros    BIGINT NOT NULL,
    idle_micros    BIGINT NOT NULL,
    expires_micros BIGINT NOT NULL
);
CREATE INDEX tenantry_session_by_user ON tenantry_session (user_id, created_micros);
CREATE INDEX tenantry_session_by_end ON tenantry_session (expires_micros);

-- One row per family; `hash` is of the token in force, `spent` of the one before it.
CREATE TABLE tenantry_refresh_token (
    id             TEXT   NOT NULL PRIMARY KEY,
    user_id        TEXT   NOT NULL REFERENCES tenantry_user (id) ON DELETE CASCADE,
    client_id      TEXT   NOT NULL REFERENCES tenantry_client (id) ON DELETE CASCADE,
    session_id     TEXT,
    account_id     TEXT,
    workspace_id   TEXT,
    hash           BYTEA  NOT NULL UNIQUE,
    generation     BIGINT NOT NULL,
    rotating       BIGINT NOT NULL,
    doc            TEXT   NOT NULL,
    created_micros BIGINT NOT NULL,
    used_micros    BIGINT,
    idle_micros    BIGINT,
    expires_micros BIGINT
);
CREATE INDEX tenantry_refresh_token_by_user ON tenantry_refresh_token (user_id, created_micros);
CREATE INDEX tenantry_refresh_token_by_client ON tenantry_refresh_token (client_id);
CREATE INDEX tenantry_refresh_token_by_session ON tenantry_refresh_token (session_id);

-- Refresh tokens that were rotated away, so that their reuse is known. They leave with their family.
CREATE TABLE tenantry_refresh_token_spent (
    hash             BYTEA  NOT NULL PRIMARY KEY,
    refresh_token_id TEXT   NOT NULL REFERENCES tenantry_refresh_token (id) ON DELETE CASCADE,
    spent_micros     BIGINT NOT NULL
);

CREATE INDEX tenantry_refresh_token_spent_by_family ON tenantry_refresh_token_spent (refresh_token_id);

-- Assertions by which clients proved who they are (the hash of their `jti`), so that none is used twice.
CREATE TABLE tenantry_assertion (
    client_id      TEXT   NOT NULL,
    hash           BYTEA  NOT NULL,
    expires_micros BIGINT NOT NULL,
    PRIMARY KEY (client_id, hash)
);
CREATE INDEX tenantry_assertion_by_end ON tenantry_assertion (expires_micros);

-- Opaque access tokens.
CREATE TABLE tenantry_opaque_token (
    hash           BYTEA  NOT NULL PRIMARY KEY,
    user_id        TEXT   REFERENCES tenantry_user (id) ON DELETE CASCADE,
    client_id      TEXT   NOT NULL,
    doc            TEXT   NOT NULL,
    created_micros BIGINT NOT NULL,
    expires_micros BIGINT NOT NULL
);
CREATE INDEX tenantry_opaque_token_by_end ON tenantry_opaque_token (expires_micros);

-- What a user consented to.
CREATE TABLE tenantry_consent (
    id             TEXT   NOT NULL PRIMARY KEY,
    user_id        TEXT   NOT NULL REFERENCES tenantry_user (id) ON DELETE CASCADE,
    client_id      TEXT   NOT NULL REFERENCES tenantry_client (id) ON DELETE CASCADE,
    audience       TEXT   NOT NULL,
    scope          TEXT   NOT NULL,
    created_micros BIGINT NOT NULL,
    UNIQUE (user_id, client_id, audience)
);

CREATE TABLE tenantry_device_credential (
    id             TEXT   NOT NULL PRIMARY KEY,
    user_id        TEXT   NOT NULL REFERENCES tenantry_user (id) ON DELETE CASCADE,
    client_id      TEXT   NOT NULL,
    kind           TEXT   NOT NULL,
    doc            TEXT   NOT NULL,
    created_micros BIGINT NOT NULL
);
CREATE INDEX tenantry_device_credential_by_user ON tenantry_device_credential (user_id);

-- Links that were sent out: a changed password, a confirmed address, the first owner's set-up.
CREATE TABLE tenantry_ticket (
    hash           BYTEA  NOT NULL PRIMARY KEY,
    kind           TEXT   NOT NULL,
    user_id        TEXT   REFERENCES tenantry_user (id) ON DELETE CASCADE,
    doc            TEXT   NOT NULL,
    created_micros BIGINT NOT NULL,
    expires_micros BIGINT NOT NULL,
    used_micros    BIGINT
);

CREATE TABLE tenantry_job (
    id             TEXT   NOT NULL PRIMARY KEY,
    kind           TEXT   NOT NULL,
    status         TEXT   NOT NULL,
    doc            TEXT   NOT NULL,
    created_micros BIGINT NOT NULL,
    updated_micros BIGINT NOT NULL
);

-- What a job made: `kind` is `result` or `errors`.
CREATE TABLE tenantry_job_piece (
    job_id  TEXT   NOT NULL REFERENCES tenantry_job (id) ON DELETE CASCADE,
    kind    TEXT   NOT NULL,
    ordinal BIGINT NOT NULL,
    data    BYTEA  NOT NULL,
    PRIMARY KEY (job_id, kind, ordinal)
);

-- What happened, for people who look after users. The record that cannot be changed is the audit.
CREATE TABLE tenantry_log (
    id          TEXT   NOT NULL PRIMARY KEY,
    time_micros BIGINT NOT NULL,
    kind        TEXT   NOT NULL,
    user_id     TEXT,
    client_id   TEXT,
    account_id  TEXT,
    doc         TEXT   NOT NULL
);
CREATE INDEX tenantry_log_by_time ON tenantry_log (time_micros, id);
CREATE INDEX tenantry_log_by_user ON tenantry_log (user_id, time_micros);

-- Failed logins, by whom they were tried for (`user:…`, `name:…`, `account:…`, `address`) and from where.
CREATE TABLE tenantry_attempt (
    subject      TEXT   NOT NULL,
    address      TEXT   NOT NULL,
    failures     BIGINT NOT NULL,
    since_micros BIGINT NOT NULL,
    blocked      BIGINT NOT NULL,
    PRIMARY KEY (subject, address)
);

-- The keys that sign tokens, sealed. `state`: next, current, previous, revoked.
CREATE TABLE tenantry_signing_key (
    kid            TEXT   NOT NULL PRIMARY KEY,
    algorithm      TEXT   NOT NULL,
    state          TEXT   NOT NULL,
    private        BYTEA  NOT NULL,
    public         TEXT   NOT NULL,
    created_micros BIGINT NOT NULL,
    state_micros   BIGINT NOT NULL
);
-- One key of each algorithm signs, and one stands ready.
CREATE UNIQUE INDEX tenantry_signing_key_in_use ON tenantry_signing_key (algorithm, state)
    WHERE state IN ('next', 'current');

-- Changes of rights, in order. A token that was made before a change of its subject is refused.
CREATE TABLE tenantry_change (
    seq         BIGINT NOT NULL PRIMARY KEY,
    time_micros BIGINT NOT NULL,
    kind        TEXT   NOT NULL,
    subject     TEXT   NOT NULL
);
CREATE INDEX tenantry_change_by_time ON tenantry_change (time_micros);

-- Answers to POSTs that carried an Idempotency-Key.
CREATE TABLE tenantry_idempotency (
    caller         TEXT   NOT NULL,
    name           TEXT   NOT NULL,
    digest         BYTEA  NOT NULL,
    status         BIGINT,
    body           BYTEA,
    created_micros BIGINT NOT NULL,
    PRIMARY KEY (caller, name)
);
CREATE INDEX tenantry_idempotency_by_age ON tenantry_idempotency (created_micros);
