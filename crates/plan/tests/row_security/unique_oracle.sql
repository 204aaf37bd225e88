-- A unique key without the tenant.
-- notes: docs: the unique key (email) holds no tenant
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, email text NOT NULL UNIQUE);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
