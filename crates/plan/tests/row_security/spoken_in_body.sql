-- The same in a body that was parsed when the function was made.
-- args: --tenant tenant_id=app.tenant
-- leaks: docs.read
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
REVOKE ALL ON docs FROM @app;
GRANT SELECT ON docs TO PUBLIC;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION is_mine(tenant text) RETURNS boolean LANGUAGE sql STABLE BEGIN ATOMIC SELECT tenant = nullif(current_setting('app.tenant', true), '') OR session_user = '@support'; END;
CREATE POLICY own ON docs USING (is_mine(tenant_id));
