-- The same through a function that runs as its owner.
-- notes: function public.my_orgs(): may put temporary tables of its own
CREATE TABLE members (org_id uuid NOT NULL, user_id uuid NOT NULL, role text NOT NULL DEFAULT 'member', PRIMARY KEY (org_id, user_id));
ALTER TABLE members ENABLE ROW LEVEL SECURITY;
CREATE TABLE docs (id bigserial PRIMARY KEY, org_id uuid NOT NULL, title text);
CREATE FUNCTION my_orgs() RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$ SELECT org_id FROM members WHERE user_id = nullif(current_setting('app.user', true), '')::uuid $$;
CREATE POLICY own ON members FOR SELECT USING (org_id IN (SELECT my_orgs()));
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (org_id IN (SELECT my_orgs()));
