-- A policy for INSERT that forgets the tenant.
-- leaks: docs.create
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs FOR SELECT USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY put ON docs FOR INSERT WITH CHECK (title <> '');
