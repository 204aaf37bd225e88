-- Who may give a membership may take it.
-- leaks: docs.read docs.create docs.update docs.moves docs.delete
-- since: 16
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs OWNER TO @group;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
GRANT @group TO @app WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;
