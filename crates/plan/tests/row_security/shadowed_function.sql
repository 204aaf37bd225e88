-- A search path that puts another function before PostgreSQL's own.
-- args: --tenant tenant_id=app.tenant
-- open: docs.read docs.create docs.update docs.moves docs.delete
CREATE SCHEMA tricks;
CREATE FUNCTION tricks.texteq(text, text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ DECLARE yes boolean := true; BEGIN RETURN yes; END $$;
CREATE FUNCTION is_mine(tenant text) RETURNS boolean LANGUAGE sql STABLE SET search_path = tricks, pg_catalog, public AS $$ SELECT texteq(tenant, current_setting('app.tenant', true)) $$;
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (is_mine(tenant_id));
