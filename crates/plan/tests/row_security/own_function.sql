-- A function of SQL.
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
CREATE FUNCTION tenant() RETURNS uuid LANGUAGE sql STABLE AS $$ SELECT nullif(current_setting('app.tenant', true), '')::uuid $$;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = tenant());
