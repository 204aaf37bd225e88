-- A fence that holds reading alone.
-- leaks: docs.create docs.update docs.moves docs.delete
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON docs USING (true);
CREATE POLICY fence ON docs AS RESTRICTIVE FOR SELECT USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
