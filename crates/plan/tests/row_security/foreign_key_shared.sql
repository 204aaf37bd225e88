-- Some rows are everybody's, and the others are referred to as well.
-- args: --shared projects=is_public
-- leaks: docs.refers
CREATE TABLE projects (id bigserial PRIMARY KEY, tenant_id text NOT NULL, is_public boolean NOT NULL DEFAULT false);
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, project_id bigint NOT NULL REFERENCES projects);
ALTER TABLE projects ENABLE ROW LEVEL SECURITY; ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON projects USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
CREATE POLICY everybody ON projects FOR SELECT USING (is_public);
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
