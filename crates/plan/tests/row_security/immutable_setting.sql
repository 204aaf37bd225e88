-- A function that is said to be IMMUTABLE and asks the session: a plan may keep another session's tenant.
-- args: --tenant tenant_id=app.tenant
-- open: docs.read docs.create docs.update docs.moves docs.delete
CREATE FUNCTION tenant() RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT nullif(current_setting('app.tenant', true), '') $$;
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = tenant());
