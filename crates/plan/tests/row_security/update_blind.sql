-- An update needs no SELECT policy: it steals rows that it cannot read.
-- leaks: docs.update
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs FOR SELECT USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY u ON docs FOR UPDATE USING (true) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
