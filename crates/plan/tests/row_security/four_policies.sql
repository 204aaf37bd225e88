-- One policy for each command.
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY r ON docs FOR SELECT USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY c ON docs FOR INSERT WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY u ON docs FOR UPDATE USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY d ON docs FOR DELETE USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
