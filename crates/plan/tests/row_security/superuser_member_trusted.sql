-- The same by somebody who may do anything.
-- args: --trust @app
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
GRANT SELECT ON docs TO @support;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
GRANT postgres TO @app;
