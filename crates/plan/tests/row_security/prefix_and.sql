-- A prefix that narrows.
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, path text NOT NULL);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs FOR SELECT USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid AND starts_with(path, '/live/'));
