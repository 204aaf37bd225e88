-- The row is looked up when it is made, and not when the reference is changed.
-- leaks: docs.refers
CREATE TABLE projects (id bigserial PRIMARY KEY, tenant_id text NOT NULL);
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, project_id bigint NOT NULL REFERENCES projects);
ALTER TABLE projects ENABLE ROW LEVEL SECURITY; ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON projects USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
CREATE POLICY own ON docs FOR SELECT USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
CREATE POLICY change ON docs FOR UPDATE USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
CREATE POLICY make ON docs FOR INSERT WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '') AND EXISTS (SELECT 1 FROM projects p WHERE p.id = docs.project_id));
