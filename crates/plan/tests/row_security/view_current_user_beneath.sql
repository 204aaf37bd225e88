-- A view looks up a table whose policies ask for the current user, who is not the view's owner.
-- args: --tenant org_id=app.org
-- open: all_docs.read
CREATE TABLE members (org_id text NOT NULL, user_id text NOT NULL, PRIMARY KEY (org_id, user_id));
CREATE TABLE docs (id bigserial PRIMARY KEY, org_id text NOT NULL, title text);
REVOKE ALL ON members, docs FROM @app;
ALTER TABLE members OWNER TO @group;
ALTER TABLE docs OWNER TO @group;
ALTER TABLE members ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON members USING (org_id = nullif(current_setting('app.org', true), '') OR current_user = '@app') WITH CHECK (org_id = nullif(current_setting('app.org', true), ''));
CREATE POLICY own ON docs USING (org_id = nullif(current_setting('app.org', true), ''));
CREATE VIEW all_docs AS SELECT * FROM docs WHERE org_id IN (SELECT org_id FROM members);
ALTER VIEW all_docs OWNER TO @group;
REVOKE ALL ON all_docs FROM @app;
GRANT SELECT ON all_docs TO @app;
