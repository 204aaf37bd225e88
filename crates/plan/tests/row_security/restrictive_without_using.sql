-- A restrictive policy that says nothing of rows that are there keeps none.
-- args: --tenant tenant_id=app.tenant
-- leaks: docs.read docs.delete docs.update
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY everything ON docs USING (true);
CREATE POLICY own ON docs AS RESTRICTIVE WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), ''));
