-- A CHECK that was never validated says nothing of rows that are there.
-- leaks: docs.read docs.update docs.delete
-- replayed: no
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid, title text);
ALTER TABLE docs ADD CONSTRAINT has_tenant CHECK (tenant_id IS NOT NULL) NOT VALID;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid OR tenant_id IS NULL) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
