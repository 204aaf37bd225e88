-- A delete that names no tenant.
-- leaks: docs.delete
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs FOR SELECT USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY d ON docs FOR DELETE USING (title IS NOT NULL);
