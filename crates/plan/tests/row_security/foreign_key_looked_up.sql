-- The row that is referred to is looked up, under its own row security.
CREATE TABLE projects (id bigserial PRIMARY KEY, tenant_id text NOT NULL);
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, project_id bigint NOT NULL REFERENCES projects);
ALTER TABLE projects ENABLE ROW LEVEL SECURITY; ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON projects USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), '') AND project_id IN (SELECT id FROM projects));
