-- A text that is cast by way of nullif.
-- args: --tenant tenant_id=app.tenant
-- leaks: docs.read
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, level text NOT NULL);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs FOR SELECT USING (tenant_id = nullif(current_setting('app.tenant', true), '') OR (nullif(level, '')::uuid = '0000000a-0000-0000-0000-000000000000' AND level <> '0000000a-0000-0000-0000-000000000000'));
