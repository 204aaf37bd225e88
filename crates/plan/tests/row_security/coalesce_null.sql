-- A row of nobody is taken for everybody's.
-- leaks: docs.read docs.create docs.update docs.moves docs.delete
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (coalesce(tenant_id, nullif(current_setting('app.tenant', true), '')::uuid) = nullif(current_setting('app.tenant', true), '')::uuid);
