-- A temporary table stands before the one that is meant, whatever search path without pg_temp is pinned.
-- notes: function public.my_orgs(): may put temporary tables of its own
CREATE TABLE members (org_id uuid NOT NULL, user_id uuid NOT NULL, PRIMARY KEY (org_id, user_id));
CREATE TABLE docs (id bigserial PRIMARY KEY, org_id uuid NOT NULL, title text);
ALTER TABLE members ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION my_orgs() RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$ SELECT org_id FROM members WHERE user_id = nullif(current_setting('app.user', true), '')::uuid $$;
CREATE POLICY own ON members FOR SELECT USING (org_id IN (SELECT my_orgs()));
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (org_id IN (SELECT my_orgs()));
