-- The same where one role alone may read it, and the other may become it.
-- leaks: all_docs.read
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
GRANT @group TO @support;
CREATE VIEW all_docs AS SELECT * FROM docs WHERE tenant_id = nullif(current_setting('app.tenant', true), '') OR session_user = '@support';
REVOKE ALL ON all_docs FROM @app;
GRANT SELECT ON all_docs TO @group;
