-- A function with a default inside.
-- leaks: docs.read docs.create docs.update docs.delete
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
CREATE FUNCTION tenant() RETURNS uuid LANGUAGE sql STABLE AS $$ SELECT coalesce(nullif(current_setting('app.tenant', true), ''), '00000000-0000-0000-0000-000000000001')::uuid $$;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = tenant());
