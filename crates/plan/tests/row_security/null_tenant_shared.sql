-- Rows of no tenant, declared as everybody's to read.
-- args: --shared 'docs=tenant_id IS NULL'
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY r ON docs FOR SELECT USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid OR tenant_id IS NULL);
CREATE POLICY w ON docs FOR INSERT WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
