-- Names of a subselect of * do not shift onto other columns.
-- args: --tenant docs.tenant_id=app.tenant --tenant members.org_id=app.tenant
-- open: docs.read
CREATE TABLE members (org_id text NOT NULL, user_id text NOT NULL, PRIMARY KEY (org_id, user_id));
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE members ENABLE ROW LEVEL SECURITY; ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON members FOR SELECT USING (org_id = nullif(current_setting('app.tenant', true), ''));
CREATE FUNCTION pick(of text) RETURNS text LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$ SELECT s.a FROM (SELECT members.*, of AS a, nullif(current_setting('app.tenant', true), '') AS b FROM members WHERE user_id = 'x') AS s $$;
CREATE POLICY own ON docs FOR SELECT USING (tenant_id = pick(tenant_id));
