-- Everybody reads, tenants write.
-- leaks: docs.read
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY r ON docs FOR SELECT USING (true);
CREATE POLICY w ON docs FOR INSERT WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
