-- A function with a setting of its own reads that, and not the session's.
-- args: --tenant tenant_id=app.tenant
-- open: docs.read docs.create docs.update docs.moves docs.delete
CREATE FUNCTION tenant() RETURNS text LANGUAGE sql STABLE SET "app.tenant" = 'acme' AS $$ SELECT nullif(current_setting('app.tenant', true), '') $$;
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = tenant());
