-- What is UNKNOWN is not FALSE: without a tenant everything is shown.
-- leaks: docs.read docs.create docs.update docs.delete
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING ((tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) IS NOT FALSE);
