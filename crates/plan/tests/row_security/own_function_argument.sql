-- A function that is asked about the row.
-- notes: function public.mine(): may put tables or functions of its own
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
CREATE FUNCTION tenant() RETURNS uuid LANGUAGE sql STABLE AS $$ SELECT nullif(current_setting('app.tenant', true), '')::uuid $$;
CREATE FUNCTION mine(of uuid) RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT of = tenant() $$;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (mine(tenant_id));
