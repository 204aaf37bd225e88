-- A function of PL/pgSQL that returns at once.
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
CREATE FUNCTION tenant() RETURNS uuid LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN nullif(current_setting('app.tenant', true), '')::uuid; END $$;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = tenant());
