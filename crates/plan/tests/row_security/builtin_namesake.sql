-- A function of the database's own that is called like one of PostgreSQL's: the policy means PostgreSQL's.
-- args: --tenant tenant_id=app.tenant
-- open: docs.read docs.create docs.update docs.moves docs.delete
CREATE FUNCTION public.lower(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT $1 $$;
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (pg_catalog.lower(tenant_id) = current_setting('app.tenant', true));
