-- The same with pg_temp as the last.
CREATE TABLE members (org_id text NOT NULL, who text NOT NULL, PRIMARY KEY (org_id, who));
CREATE TABLE docs (id bigserial PRIMARY KEY, org_id text NOT NULL, title text);
ALTER TABLE members ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION my_orgs() RETURNS SETOF text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$ SELECT org_id FROM members WHERE who = session_user $$;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (org_id IN (SELECT my_orgs()));
