-- A superuser whom somebody may become.
-- leaks: docs.read docs.create docs.update docs.moves docs.delete
-- notes: docs: may act as its owner, whom FORCE holds
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
GRANT postgres TO @app;
