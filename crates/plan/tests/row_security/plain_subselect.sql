-- The setting in a subselect, evaluated once.
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));
