-- A CHECK that holds of every row: none is without a tenant.
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid, title text);
ALTER TABLE docs ADD CONSTRAINT has_tenant CHECK (tenant_id IS NOT NULL);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid OR tenant_id IS NULL);
