-- array_agg of no rows is NULL, and what is NULL is not FALSE.
-- args: --tenant docs.org_id=app.org --tenant members.org_id=app.org
-- leaks: docs.read
CREATE TABLE members (org_id text NOT NULL, user_id text NOT NULL, PRIMARY KEY (org_id, user_id));
ALTER TABLE members ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON members FOR SELECT USING (org_id = nullif(current_setting('app.org', true), ''));
CREATE TABLE docs (id bigserial PRIMARY KEY, org_id text NOT NULL);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs FOR SELECT USING ((org_id = ANY ((SELECT array_agg(m.org_id) FROM members m WHERE m.org_id = nullif(current_setting('app.org', true), ''))::text[])) IS NOT FALSE);
