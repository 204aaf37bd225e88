-- The same in the policy itself, which says which operator it means.
-- args: --tenant tenant_id=app.tenant
-- open: docs.read docs.create docs.update docs.moves docs.delete
CREATE SCHEMA tricks;
CREATE FUNCTION tricks.always(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT true $$;
CREATE OPERATOR tricks.= (LEFTARG = text, RIGHTARG = text, FUNCTION = tricks.always);
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id OPERATOR(tricks.=) current_setting('app.tenant', true));
