-- An operator of the database's own that a body means by =.
-- args: --tenant tenant_id=app.tenant
-- open: docs.read docs.create docs.update docs.moves docs.delete
CREATE SCHEMA tricks;
CREATE FUNCTION tricks.always(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT true $$;
CREATE OPERATOR tricks.= (LEFTARG = text, RIGHTARG = text, FUNCTION = tricks.always);
CREATE FUNCTION is_mine(tenant text) RETURNS boolean LANGUAGE sql STABLE SET search_path = tricks, pg_catalog, public AS $$ SELECT tenant = current_setting('app.tenant', true) $$;
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (is_mine(tenant_id));
