-- A role with BYPASSRLS that has its rights as everybody has.
-- leaks: docs.read
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
REVOKE ALL ON docs FROM @app;
GRANT SELECT ON docs TO PUBLIC;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
ALTER ROLE @support BYPASSRLS;
