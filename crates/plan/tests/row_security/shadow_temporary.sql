-- Whoever has a session of their own puts a temporary table before `members`.
-- open: function_public.my_orgs().structure
CREATE TABLE members (org_id text NOT NULL, login text NOT NULL, PRIMARY KEY (org_id, login));
ALTER TABLE members ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION my_orgs() RETURNS SETOF text LANGUAGE sql STABLE SET search_path = public AS $$ SELECT org_id FROM members WHERE login = current_user $$;
CREATE POLICY own ON members FOR SELECT USING (login = current_user);
CREATE TABLE docs (id bigserial PRIMARY KEY, org_id text NOT NULL);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (org_id IN (SELECT my_orgs()));
