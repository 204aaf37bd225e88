-- An update that may move a row away.
-- leaks: docs.moves
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs FOR SELECT USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY u ON docs FOR UPDATE USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) WITH CHECK (true);
