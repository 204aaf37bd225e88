-- A role that reads every table is granted none of them.
-- args: --tenant tenant_id=app.tenant
-- leaks: docs.read
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
REVOKE ALL ON docs FROM @app;
GRANT pg_read_all_data TO @support;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs TO @app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY reads ON docs FOR SELECT TO @support USING (true);
