-- One role's rows are looked up, another one's are not.
-- leaks: docs.refers
CREATE TABLE projects (id bigserial PRIMARY KEY, tenant_id text NOT NULL);
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, project_id bigint NOT NULL REFERENCES projects);
ALTER TABLE projects ENABLE ROW LEVEL SECURITY; ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON projects USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
CREATE POLICY looked ON docs AS RESTRICTIVE TO @app USING (project_id IN (SELECT id FROM projects));
GRANT SELECT, INSERT ON docs, projects TO @support;
GRANT USAGE ON SEQUENCE docs_id_seq TO @support;
