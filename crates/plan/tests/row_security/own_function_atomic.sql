-- A function whose body the server parsed.
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
CREATE FUNCTION tenant() RETURNS uuid LANGUAGE sql STABLE BEGIN ATOMIC SELECT nullif(current_setting('app.tenant', true), '')::uuid ; END;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = (SELECT tenant()));
