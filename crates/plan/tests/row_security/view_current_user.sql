-- A view reads with its owner's policies, and these ask for the caller.
-- args: --tenant tenant_id=current_user
-- open: all_docs.create all_docs.delete all_docs.moves all_docs.read
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
REVOKE ALL ON docs FROM @app;
GRANT SELECT ON docs TO @support;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = current_user OR current_user = '@app');
CREATE VIEW all_docs AS SELECT * FROM docs;
ALTER VIEW all_docs OWNER TO @support;
GRANT SELECT ON all_docs TO @app;
