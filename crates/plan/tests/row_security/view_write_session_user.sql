-- A view through which somebody else writes.
-- leaks: all_docs.create all_docs.moves
-- replayed: no
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
REVOKE ALL ON docs FROM @app;
GRANT SELECT, INSERT, UPDATE, DELETE ON docs TO @group;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), '')) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '') OR session_user = '@support');
CREATE VIEW all_docs AS SELECT * FROM docs;
ALTER VIEW all_docs OWNER TO @group;
REVOKE ALL ON all_docs FROM @app;
GRANT SELECT, INSERT, UPDATE ON all_docs TO @app, @support;
