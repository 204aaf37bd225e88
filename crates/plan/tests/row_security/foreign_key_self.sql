-- A row may have one of another tenant above it.
-- leaks: docs.refers
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, parent_id bigint REFERENCES docs);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
