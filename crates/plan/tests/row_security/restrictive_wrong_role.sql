-- A fence for another role.
-- leaks: docs.read
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON docs FOR SELECT TO @app USING (true);
CREATE POLICY fence ON docs AS RESTRICTIVE TO @support USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
