-- A materialized view is under no row security.
-- leaks: old_docs.read
-- replayed: no
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE MATERIALIZED VIEW old_docs AS SELECT * FROM docs;
