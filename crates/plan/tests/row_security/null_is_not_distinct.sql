-- IS NOT DISTINCT FROM matches a missing setting with rows of no tenant.
-- leaks: docs.read docs.create docs.update docs.delete
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id IS NOT DISTINCT FROM nullif(current_setting('app.tenant', true), '')::uuid);
