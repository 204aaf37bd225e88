-- The same as an idiom: what an update makes of a row keeps the tenant that it had.
-- notes: docs: the unique key (id) holds no tenant
CREATE TABLE docs (id bigint PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs FOR SELECT USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
CREATE POLICY kept ON docs FOR UPDATE USING (tenant_id = nullif(current_setting('app.tenant', true), ''))
  WITH CHECK (tenant_id = (SELECT d.tenant_id FROM docs d WHERE d.id = docs.id));
