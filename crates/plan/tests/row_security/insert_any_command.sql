-- Policies for each command, and one for all that forgets the tenant.
-- leaks: docs.create docs.moves docs.update docs.delete docs.read
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text, draft boolean NOT NULL DEFAULT false);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY s ON docs FOR SELECT USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY i ON docs FOR INSERT WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY u ON docs FOR UPDATE USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY d ON docs FOR DELETE USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY drafts ON docs USING (draft);
