-- Whoever becomes another role is not who logged in.
-- leaks: docs.read docs.create docs.update docs.moves docs.delete
-- replayed: no
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
GRANT SELECT, INSERT, UPDATE, DELETE ON docs TO @group;
GRANT @group TO @app;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = current_user OR current_user <> session_user);
